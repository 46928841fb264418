"""Looking at a database of which nothing is known yet: in which schema there is an extract, of
which format, and its rows as files."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave.catalogue.words import number_of
from evalweave.errors import DataError, StudyError
from evalweave.extract import database
from evalweave.extract.connecting import connect
from evalweave.extract.guessing import proposed
from evalweave.extract.survey import Came, format_of, starts_in
from evalweave.files import read_json
from evalweave.study import connections
from evalweave.study.records import Extract
from evalweave.tables.records import PRACTICES

if TYPE_CHECKING:
    from evalweave.records.codelists import Codelist
    from evalweave.study.outcomes import Outcome

MOST = 2_000_000  # rows of a table of events that a first look takes
DUCKDB = b"DUCK"  # at the ninth byte of its files
NOT_THEIRS = ("information_schema", "pg_catalog", "pg_toast")  # schemas of servers themselves


def connection_of(said: str) -> str | None:
    """Return a connection that `--from` names: an address, or the path of a DuckDB file; None for a
    folder.

    Raises:
        StudyError: it holds a secret, or is an address of a kind that is not read.
    """
    path = Path(said)
    if path.is_file():
        with path.open("rb") as handle:
            if handle.read(12)[8:] != DUCKDB:
                raise StudyError(
                    f"--from: {said}: this is a file and no DuckDB database. Give the extract's "
                    "folder."
                )
        return _of_file(said)
    if "://" not in said and not connections.REFERENCE.fullmatch(said):
        return None
    try:
        return connections.checked(said)
    except ValueError as error:
        raise StudyError(f"--from: {error}.") from None


def _of_file(path: str) -> str:
    """Return the address of a DuckDB file, whose path a study file must be able to say."""
    absolute = str(Path(path).resolve())
    try:
        plain = not connections.REFERENCE.search(absolute)
        connections.checked(f"duckdb://{absolute}")
    except ValueError:
        plain = False
    if not plain:
        raise StudyError(
            "--from: the path of the file reads like an address with a secret or a name of the "
            "environment (it has ${…}, or ? with = behind it). Rename the file or its folder."
        )
    return f"duckdb://{path}"


def connection_from(connection: str, folder: Path) -> str:
    """Return a connection as a study file in `folder` says it: a DuckDB file relative to it."""
    kind, _, path = connection.partition("://")
    if kind != "duckdb" or connections.REFERENCE.match(path):
        return connection
    return f"duckdb://{os.path.relpath(Path(path).resolve(), folder.resolve())}"


class Database:
    """An extract in a database, as far as its tables' names and columns tell.

    Attributes:
        came: what is proposed for it, and its rows.
        starts: the table that has the programme's starts, if any has.
        practices: its rows as the text of a practices.csv.
    """

    def __init__(
        self,
        connection: str,
        schema: str | None,
        scratch: Path,
        lists: Mapping[str, Codelist],
        outcomes: Mapping[str, Outcome],
    ) -> None:
        self._folder = scratch / "copies"
        self._folder.mkdir()
        self._codes = {
            name: {entry.code.text for entry in each.entries} for name, each in lists.items()
        }
        self._look = database.Look(tuple(outcomes), MOST)
        backend = connect(connection)
        try:
            schema, extract, starts = _extract_in(backend, schema, scratch)
            self.starts = starts
            self.practices = None if starts is None else _practices(backend, schema, starts)
        finally:
            backend.disconnect()
        named = {table: name.removesuffix(".parquet") for table, name in extract.files.items()}
        here = {"path": "", "connection": connection, "database_schema": schema, "files": named}
        self.came = Came(extract.model_copy(update=here), self._rows, self._notes)

    def _rows(self, extract: Extract) -> Extract:
        database.copy(extract, self._folder, self._codes, self._look)
        return extract.located(str(self._folder))

    def _notes(self) -> list[str]:
        note = self._folder / database.NOTE
        said = read_json(note)["tables"] if note.is_file() else []
        return [
            f"{each['name']}: {each['read']:,} of its {number_of(each['rows'], 'row')} were looked "
            f"at ({each['part']})"
            for each in said
            if each["read"] < each["rows"]
        ]


def _extract_in(
    backend: Any, schema: str | None, scratch: Path
) -> tuple[str | None, Extract, str | None]:
    """Return the schema that has an extract, what is proposed for it, and its table of starts.

    Raises:
        StudyError: no schema has one, or several have.
    """
    first = _proposed_in(backend, schema, scratch)
    if schema is not None or not isinstance(first, StudyError):
        if isinstance(first, StudyError):
            raise first
        return schema, *first
    with database.asked("the schemas cannot be listed"):
        schemas = [each for each in backend.list_databases() if each not in NOT_THEIRS]
    there = {each: _proposed_in(backend, each, scratch) for each in schemas}
    whole = {each: one for each, one in there.items() if not isinstance(one, StudyError)}
    if not whole:
        raise first
    if len(whole) > 1:
        raise StudyError(
            f"--from: found extracts in several schemas ({', '.join(sorted(whole))}), expected "
            "one. Name it: --schema."
        )
    return next((each, *one) for each, one in whole.items())


def _proposed_in(
    backend: Any, schema: str | None, scratch: Path
) -> tuple[Extract, str | None] | StudyError:
    """Return what is proposed for a schema's extract and its table of starts, or why there is
    none."""
    names = database.tables_of(backend, schema)
    with _columns_of(backend, schema, names, scratch) as empty:
        try:
            extract = proposed(empty, format_of(empty))
        except StudyError:
            shown = ", ".join(names[:8]) or "nothing"
            where = "the connection's own schema" if schema is None else f"the schema {schema}"
            return StudyError(
                f"--from: found no extract of a known format in {where} (there is {shown}). Name "
                "another: --schema."
            )
        starts = starts_in(empty)
    return extract, None if starts is None else starts.stem


@contextmanager
def _columns_of(
    backend: Any, schema: str | None, names: list[str], scratch: Path
) -> Iterator[Path]:
    """Yield a folder of files with the columns of a schema's tables; of those that cannot be read
    there are none."""
    with database.standing_in(scratch) as empty:
        for name in names:
            try:
                columns = list(database.table_of(backend, schema, name).columns)
            except DataError:
                continue
            database.stand_in(empty, name, columns)
        yield empty


def _practices(backend: Any, schema: str | None, name: str) -> str:
    """Return a table of practices as the text of a practices.csv, sorted."""
    table = database.table_of(backend, schema, name)
    theirs = {column.casefold(): column for column in table.columns}
    ours = [column for column in PRACTICES.names if column in theirs]
    with database.asked(f"the table {name} cannot be read"):
        rows = backend.to_pyarrow(
            table.select(**{column: table[theirs[column]].cast("string") for column in ours})
        )
    written = io.StringIO()
    sheet = csv.writer(written, lineterminator="\n")
    sheet.writerow(ours)
    sheet.writerows(sorted([cell or "" for cell in row.values()] for row in rows.to_pylist()))
    return written.getvalue()
