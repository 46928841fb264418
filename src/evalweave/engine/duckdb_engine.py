"""DuckDB as an Ibis backend that keeps a table without asking the engine again what it was told."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import ibis.expr.operations as ops
import sqlglot as sg
from ibis.backends.duckdb import Backend as DuckDB
from ibis.expr.schema import Schema

if TYPE_CHECKING:
    import ibis.expr.types as ir


class Backend(DuckDB):
    """One database of DuckDB."""

    def create_table(self, name: str, obj: ir.Table, /, *, temp: bool = True, **_: Any) -> ir.Table:
        """Compute a table once, as a temporary table with the types of its expression.

        Ibis copies the whole query twice on its way to text, and asks DuckDB for the catalogue, the
        database and the columns of what it has just made: a third of the processor time of keeping
        a few rows.
        """
        assert temp
        self._run_pre_execute_hooks(obj)
        query = self.compile(obj)
        schema, dialect = obj.schema(), self.dialect
        table = sg.table(name, catalog="temp", db="main", quoted=True).sql(dialect)
        typed = [column.sql(dialect) for column in schema.to_sqlglot_column_defs(dialect)]
        self.con.execute(f"CREATE TEMPORARY TABLE {table} ({', '.join(typed)})")
        self.con.execute(f"INSERT INTO {table} {query}")
        stored = Schema({column: _stored(kind) for column, kind in schema.items()})
        place = ops.Namespace(catalog="temp", database="main")
        return ops.DatabaseTable(name, schema=stored, source=self, namespace=place).to_expr()


@cache
def _stored(kind: Any) -> Any:
    """Return the type that DuckDB gives to a column declared with a type of Ibis."""
    types = DuckDB.compiler.type_mapper
    return types.from_string(types.to_string(kind), nullable=kind.nullable)
