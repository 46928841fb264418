"""A database file of DuckDB as an Ibis backend that reads.

Ibis 12 lists tables, asks for columns and streams rows by methods that DuckDB 2 no longer has; here
they are those of DuckDB 1.4 and later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from ibis.backends.duckdb import Backend as DuckDB
from ibis.common.exceptions import TableNotFound
from ibis.expr.schema import Schema

if TYPE_CHECKING:
    import ibis.expr.types as ir

COLUMNS = (
    "SELECT column_name, data_type FROM information_schema.columns "
    "WHERE table_catalog = ? AND table_schema = ? AND table_name = ? ORDER BY ordinal_position"
)
TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_catalog = ? AND table_schema = ?"
)
SCHEMAS = "SELECT schema_name FROM information_schema.schemata WHERE catalog_name = ?"


class Reading(DuckDB):
    """A DuckDB file that is only read."""

    def list_databases(self, *, like: str | None = None, catalog: str | None = None) -> list[str]:
        """Return the names of the file's schemas."""
        place = [catalog or self.current_catalog]
        return sorted(name for (name,) in self.con.execute(SCHEMAS, place).fetchall())

    def list_tables(self, *, like: str | None = None, database: Any = None) -> list[str]:
        """Return the names of a schema's tables and views."""
        place = [self.current_catalog, database or self.current_database]
        return sorted(name for (name,) in self.con.execute(TABLES, place).fetchall())

    def get_schema(
        self, table_name: str, *, catalog: str | None = None, database: str | None = None
    ) -> Schema:
        """Return a table's columns and their types.

        Raises:
            TableNotFound: there is no such table.
        """
        place = [catalog or self.current_catalog, database or self.current_database, table_name]
        columns = self.con.execute(COLUMNS, place).fetchall()
        if not columns:
            raise TableNotFound(table_name)
        types = self.compiler.type_mapper
        return Schema({name: types.from_string(kind) for name, kind in columns})

    def to_pyarrow_batches(
        self, expr: ir.Expr, /, *, chunk_size: int = 100_000, **_: Any
    ) -> pa.RecordBatchReader:
        """Return the rows as batches, each computed when it is asked for."""
        schema = expr.as_table().schema().to_pyarrow()

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in self.con.sql(self.compile(expr)).to_arrow_reader(chunk_size):
                yield batch.cast(schema)

        return pa.RecordBatchReader.from_batches(schema, batches())
