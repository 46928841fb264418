"""Copying the tables of a database that a study needs into Parquet files, which are then read like
any other extract.

Every run copies anew, as nothing else says whether a table is what it was; a copy whose content is
the same leaves the file as it was, so that nothing behind it is done again. Rows are sorted by all
of their columns: the same rows give the same file, in whichever order a server sends them. Only
the columns that are read are asked for, and of events only rows with listed codes where the format
says which column holds them (`Source.coded`).
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave import files
from evalweave.errors import DataError, Fault, raise_faults
from evalweave.extract import headers
from evalweave.extract.connecting import connect, refused, resolved
from evalweave.extract.readers import TEXT_COLUMNS, Source, reader
from evalweave.study import connections

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.records import Extract
    from evalweave.study.whole import Study

NOTE = "database.json"  # beside the copies: what was read, for the manifest
ROWS = 100_000  # held at a time while they come
# The columns of tables that only explain others; all of a kind that is not here.
EXPLAINING = {
    "person": ("person_id", "care_site_id"),
    "death": ("person_id", "death_date"),
    "ons_deaths": ("patient_id", "date"),
    "concept": ("concept_id", "concept_code", "vocabulary_id"),
    "practice": ("pracid", "lcd", "uts"),
    "unit": ("numunitid", "description"),
    "dictionary": ("medcodeid", "snomedctconceptid"),
}


@dataclasses.dataclass
class Wanted:
    """What is read of one table: its columns, and those of which one must hold a listed code."""

    columns: set[str] = dataclasses.field(default_factory=set)
    coded: set[str] = dataclasses.field(default_factory=set)
    tables: set[str] = dataclasses.field(default_factory=set)  # ours that it is read for


@dataclasses.dataclass(frozen=True)
class Look:
    """A first look at a database: rows with listed codes come where one of the lists `one_of` is
    met, of tables of events at most `most` rows."""

    one_of: Collection[str]
    most: int


def copied(study: Study, folder: Path) -> list[str]:
    """Copy what `study` reads of its database to `folder`; return the tables whose content is
    another than in the copy that was there.

    Raises:
        StudyError: the connection cannot be made out.
        DataError: the database cannot be connected to, or lacks a table or column.
    """
    from evalweave.records import codelists

    lists, _ = codelists.read_all(
        study.codelists, study.extract.code_system, study.vocabulary.coding_systems
    )  # what is wrong with them is told elsewhere
    codes = {name: {entry.code.text for entry in each.entries} for name, each in lists.items()}
    return copy(study.extract, folder, codes if len(codes) == len(study.codelists) else {})


def copy(
    extract: Extract,
    folder: Path,
    codes: Mapping[str, Collection[str]],
    look: Look | None = None,
) -> list[str]:
    """Copy an extract's tables; of events the rows with one of `codes` (list → codes), or all of
    them where there are none, or where a list has none of its codes there: `check` then says
    what there is. At a first `look`, fewer."""
    assert extract.connection is not None
    backend = connect(extract.connection)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        wanted = _wanted(backend, extract, folder)
        listed = _met(backend, extract, wanted, codes, look)
        changed, notes = [], []
        for name, want in sorted(wanted.items()):
            most = look.most if look and want.tables == {"events"} else None
            new, note = _table(backend, extract, name, want, folder, listed, most)
            changed += [name] if new else []
            notes.append(note)
    finally:
        backend.disconnect()
    for path in folder.glob("*.parquet"):
        if path.stem not in wanted:
            path.unlink()
    kind = connections.KINDS[connections.kind_of(resolved(extract.connection))]
    note = {"kind": kind, "schema": extract.database_schema, "tables": notes}
    files.write_json(note, folder / NOTE)
    return changed


def _wanted(backend: Any, extract: Extract, folder: Path) -> dict[str, Wanted]:
    """Return table → what is read of it, as the format's reader finds files of the same names."""
    names = tables_of(backend, extract.database_schema)
    form = reader(extract.format)
    with standing_in(folder) as empty:
        extract_here = extract.located(str(empty))
        for name in names:
            stand_in(empty, name, ["_"])
        first = _sources(form, extract_here)
        columns = {
            name: list(table_of(backend, extract.database_schema, name).columns)
            for name in sorted({path.stem for each in first for path in _paths(each)})
        }
        for name, header in columns.items():
            stand_in(empty, name, header)
        by_table = {table: form.find(extract_here, table) for table in TEXT_COLUMNS}
    lacking = [table for table, sources in by_table.items() if not sources]
    if lacking:
        shown = ", ".join(sorted(names)[:8]) or "nothing"
        raise DataError(
            "\n".join(
                f"extract, connection: found no {table} (there is {shown}), expected a table "
                f"{form.NAMES[table]}. Name it under extract, files, or the schema under extract, "
                "database_schema."
                for table in lacking
            )
        )
    wanted: dict[str, Wanted] = {}
    faults: list[Fault] = []
    for table, sources in by_table.items():
        for source in sources:
            faults += _ask(source, columns, wanted)
            wanted[source.path.stem].tables.add(table)
    raise_faults(dict.fromkeys(faults))
    return wanted


def _ask(
    source: Source, columns: Mapping[str, list[str]], wanted: dict[str, Wanted]
) -> list[Fault]:
    """Enter what is read of a source's table, and of those that explain it; return the faults of
    its columns."""
    name = source.path.stem
    theirs_of, faults = headers.match(
        name,
        columns[name],
        source.required,
        source.optional,
        source.names,
        source.also,
        not source.fixed,
        source.table,
    )
    want = wanted.setdefault(name, Wanted())
    want.columns |= {*theirs_of.values()}
    want.coded |= {theirs_of[ours] for ours in source.coded if ours in theirs_of}
    for key, path in source.lookups.items():
        needed = EXPLAINING.get(key.partition(":")[0])
        want = wanted.setdefault(path.stem, Wanted())
        there = columns[path.stem]
        # all where none is as expected: what is wrong is told when they are read
        want.columns |= {each for each in there if not needed or each.casefold() in needed} or {
            *there
        }
    return [dataclasses.replace(fault, row=None) for fault in faults]


def _sources(form: Any, extract: Extract) -> list[Source]:
    return [source for table in TEXT_COLUMNS for source in form.find(extract, table)]


def _paths(source: Source) -> list[Path]:
    return [source.path, *source.lookups.values()]


@contextmanager
def standing_in(folder: Path) -> Iterator[Path]:
    """Yield a folder for files that stand in for tables while a reader looks for its own."""
    empty = folder / ".tables"
    shutil.rmtree(empty, ignore_errors=True)
    empty.mkdir()
    try:
        yield empty
    finally:
        shutil.rmtree(empty, ignore_errors=True)


def stand_in(folder: Path, name: str, columns: list[str]) -> None:
    """Write a file of one blank row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if "/" in name or name.startswith("."):
        return
    blank = pa.nulls(1, pa.string())
    pq.write_table(pa.table([blank] * len(columns), names=columns), folder / f"{name}.parquet")


def tables_of(backend: Any, schema: str | None) -> list[str]:
    """Return the names of a schema's tables and views; of the connection's own where `schema` is
    None."""
    with asked("the tables cannot be listed"):
        names: list[str] = backend.list_tables(database=schema)
    return names


def table_of(backend: Any, schema: str | None, name: str) -> ir.Table:
    """Return one table or view of a schema."""
    with asked(f"the table {name} cannot be read"):
        table: ir.Table = backend.table(name, database=schema)
    return table


@contextmanager
def asked(what: str) -> Iterator[None]:
    """Turn what a driver raises into one sentence."""
    try:
        yield
    except Exception as error:
        raise refused(error, what) from None


def _met(
    backend: Any,
    extract: Extract,
    wanted: Mapping[str, Wanted],
    codes: Mapping[str, Collection[str]],
    look: Look | None,
) -> set[str]:
    """Return all listed codes; none where rows without them are to come as well."""
    listed = {code for each in codes.values() for code in each}
    there: set[str] = set()
    for name, want in wanted.items():
        table = table_of(backend, extract.database_schema, name)
        for column in sorted(want.coded):
            cells = table.filter(_is_one_of(table[column], listed))[column].cast("string").strip()
            with asked(f"the codes of the table {name} cannot be read"):
                found = backend.to_pyarrow(cells.name("code").as_table().distinct())
            there |= {*found["code"].to_pylist()}
    if look is not None:
        met = any(there & {*codes[name]} for name in look.one_of)
    else:
        met = all(there & {*each} for each in codes.values())
    return listed if met else set()


def _is_one_of(column: Any, codes: Collection[str]) -> Any:
    """Return whether cells hold one of the codes; whole numbers are compared as such, so that an
    index serves."""
    if column.type().is_integer():
        numbers = sorted({int(code) for code in codes if code.isascii() and code.isdigit()})
        return column.isin([number for number in numbers if number < 1 << 63])
    return column.cast("string").strip().isin(sorted(codes))


def _table(
    backend: Any,
    extract: Extract,
    name: str,
    want: Wanted,
    folder: Path,
    listed: Collection[str],
    most: int | None,
) -> tuple[bool, dict[str, Any]]:
    """Copy one table, at most `most` rows of it; return whether its content is new, and a note of
    it."""
    table = table_of(backend, extract.database_schema, name)
    with asked(f"the table {name} cannot be read"):
        chosen, part = _chosen(table, want, listed)
        chosen = chosen if most is None else chosen.limit(most)
    target = folder / f"{name}.parquet"
    came = folder / f".{name}.came"
    try:
        with asked(f"the table {name} cannot be read"):
            rows = int(backend.to_pyarrow(table.count().as_table())[0][0].as_py())
            read = _streamed(backend, chosen, came)
        aside = folder / f".{name}.sorted"
        _sort(came, aside)
        checksum = files.sha256(aside)
        new = not target.is_file() or files.sha256(target) != checksum
        if new:
            aside.replace(target)
    finally:
        for scratch in (came, folder / f".{name}.sorted"):
            with suppress(FileNotFoundError):
                scratch.unlink()
    note = {"name": name, "rows": rows, "part": part, "read": read, "sha256": checksum}
    return new, note


def _chosen(table: ir.Table, want: Wanted, listed: Collection[str]) -> tuple[ir.Table, str]:
    """Return the rows and columns that are read, and which rows they are, in words."""
    rows, part = table, "all rows"
    if want.coded and listed:
        one = [_is_one_of(table[column], listed) for column in sorted(want.coded)]
        either = one[0]
        for each in one[1:]:
            either = either | each
        rows, part = table.filter(either), "rows with listed codes"
    read = [column for column in table.columns if column in want.columns]
    return rows.select(**{column: _plain(rows[column]) for column in read}), part


def _plain(column: Any) -> Any:
    """Return a column as every database has it: decimals and what else is no number, date or truth
    value as text."""
    kind = column.type()
    plain = kind.is_integer() or kind.is_floating() or kind.is_boolean() or kind.is_string()
    return column if plain or kind.is_date() or kind.is_timestamp() else column.cast("string")


def _streamed(backend: Any, table: ir.Table, target: Path) -> int:
    """Write rows to a file as they come; return their number."""
    import pyarrow.parquet as pq

    rows = 0
    with pq.ParquetWriter(target, table.schema().to_pyarrow(), compression="zstd") as writer:
        for batch in backend.to_pyarrow_batches(table, chunk_size=ROWS):
            rows += batch.num_rows
            writer.write_batch(batch)
    return rows


def _sort(source: Path, target: Path) -> None:
    """Write a file's rows in the order of all of their columns, out of core, by one thread: so the
    bytes are the same for the same rows."""
    import duckdb

    def quoted(path: Path) -> str:
        return "'" + str(path).replace("'", "''") + "'"

    with duckdb.connect(config={"threads": 1, "temp_directory": str(source.parent)}) as own:
        own.execute(
            f"COPY (FROM read_parquet({quoted(source)}) ORDER BY ALL) "
            f"TO {quoted(target)} (FORMAT parquet, COMPRESSION zstd)"
        )
