"""Where the tables are worked on. The expressions elsewhere are Ibis; only this module knows an
engine.

DuckDB is embedded and spills to disk. With `engine: pyspark` the same expressions run on Spark
(`spark_session` says on which, `spark_engine` makes it do as DuckDB does), except for reading text:
Spark has no order of rows, so the row that a record came from would be lost. Everything that is
read as text goes through `text_table`, and nothing but `try_cast` parses (pyarrow and pandas read
31/02/2016 as 2 March without a word).
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from evalweave import seals
from evalweave.errors import DataError, EvalweaveError, StudyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import ibis.expr.types as ir


# Forms of date that an engine writes; what is declared as day numbers is written as iso.
WRITTEN = {
    "iso": "%Y-%m-%d",
    "dmy": "%d/%m/%Y",
    "mdy": "%m/%d/%Y",
    "ymd": "%Y/%m/%d",
    "yyyymmdd": "%Y%m%d",
    "month_name": "%d-%b-%Y",
}
SPILL: WeakKeyDictionary[Any, Path] = (
    WeakKeyDictionary()
)  # where each embedded engine may put files
MEMORY = "EVALWEAVE_MEMORY_LIMIT"  # how much memory is a matter of the machine, not of the study
LITTLE = "1GB"  # of DuckDB, where the variable says nothing; more of it saves writing to disk


def connect(engine: str, spill: Path | str | None = None, memory_limit: str | None = None) -> Any:
    """Return an Ibis backend for `engine`; what does not fit into memory goes to the folder
    `spill`.

    `memory_limit` (such as 2GB) is taken from the environment variable EVALWEAVE_MEMORY_LIMIT when
    not given; an engine that may spill has 1GB where that says nothing either.
    """
    memory_limit = memory_limit or os.environ.get(MEMORY)
    if engine == "duckdb":
        from evalweave.engine.duckdb_engine import Backend as DuckDB

        options: dict[str, Any] = {"preserve_insertion_order": True}
        if spill is not None:
            options |= {"temp_directory": str(spill), "memory_limit": memory_limit or LITTLE}
        elif memory_limit is not None:
            options["memory_limit"] = memory_limit
        try:
            backend = DuckDB().connect(**options)
        except Exception as error:
            if memory_limit is None:
                raise
            raise StudyError(
                f'{MEMORY}: "{memory_limit}" is not an amount of memory. Write it as 2GB or 500MB.'
            ) from error
        backend.raw_sql("SET enable_progress_bar = false")
        if spill is not None:
            SPILL[backend] = Path(spill)
        return backend
    from evalweave.engine import spark_session

    scratch = Path(spill or tempfile.mkdtemp(prefix="evalweave.")).absolute()
    session, ours = spark_session.session(scratch, memory_limit, MEMORY)
    from evalweave.engine.spark_engine import Backend

    return Backend().connect(session, scratch, ours)


def memory() -> float:
    """Return how many gigabytes an engine may use before it spills."""
    found = re.fullmatch(
        r"([0-9.]+)\s*([KMGT])i?B?", os.environ.get(MEMORY) or LITTLE, re.IGNORECASE
    )
    return (
        float(found[1]) * {"K": 1e-6, "M": 1e-3, "G": 1.0, "T": 1e3}[found[2].upper()]
        if found
        else 1.0
    )


def exhausted(error: Exception) -> str | None:
    """Return a sentence for an error by which an embedded engine says that memory or disk do not
    suffice, else None."""
    if type(error).__name__ == "OutOfMemoryException":
        return (
            f"The records need more than {os.environ.get(MEMORY) or LITTLE} of memory. Set the "
            "environment variable "
            f"{MEMORY} to more of what this machine has, such as {max(2, 2 * memory()):.0f}GB, and "
            "run it again."
        )
    full = ("No space left", "File too large", "quota exceeded", "max_temp_directory_size")
    if any(words in str(error) for words in full):
        return (
            "The disk is full, or a file as large is not allowed: tables, and what does not fit "
            "into memory, are written beside the results. Make room and run it again."
        )
    return None


@contextmanager
def plainly() -> Iterator[None]:
    """Turn an engine's want of memory or disk into a sentence."""
    try:
        yield
    except EvalweaveError:
        raise
    except Exception as error:
        said = exhausted(error)
        if said is None:
            raise
        raise EvalweaveError(said) from error


def lacking(engine: str) -> list[str]:
    """Return a sentence for what `engine` needs and this machine lacks."""
    if engine == "pyspark":
        from evalweave.engine import spark_session

        try:
            spark_session.check()
        except StudyError as error:
            return [str(error)]
    return []


def at_a_time(processes: int, engine: str = "duckdb") -> int:
    """Return how many of up to `processes` tables to work on at a time: one where memory is
    rationed, as each would take all of it, and on Spark, which works side by side itself."""
    return 1 if engine != "duckdb" or os.environ.get(MEMORY) else processes


@contextmanager
def working(engine: str, out: Path) -> Iterator[Any]:
    """Yield a backend whose scratch files lie in a folder under `out` that is gone at the end."""
    with tempfile.TemporaryDirectory(dir=out, prefix=".spill.") as spill:
        backend = connect(engine, spill=spill)
        try:
            with plainly():
                yield backend
        finally:
            backend.disconnect()


def text_table(
    backend: Any, path: Path, columns: Sequence[str], delimiter: str, quoted: bool
) -> ir.Table:
    """Return a delimited UTF-8 file as a table of text, blanks as nulls, with `source_row` (header
    = row 1).

    `columns` are the names in the order of the file. Rows are numbered as they come; blank lines
    are no rows.
    """
    import ibis

    table = backend.read_csv(
        str(path),
        auto_detect=False,
        header=True,
        delim=delimiter,
        quote='"' if quoted else "",
        escape='"' if quoted else "",
        columns=dict.fromkeys(columns, "VARCHAR"),
        max_line_size=16 * 1024 * 1024,
        compression="none",  # what was packed has been unpacked; a name in .gz proves nothing
    )
    return table.mutate(source_row=(ibis.row_number() + 2).cast("int64"))


def typed_table(backend: Any, path: Path, kind: str) -> ir.Table:
    """Return a Parquet or Arrow file as it is typed, with `source_row` as if it had a header.

    Columns are called by their place (_0, _1, …), so that no two names are taken for one.
    """
    import ibis

    names = [name for name, _ in stored_as(path, kind)]
    places = [
        f"_{place}" for place in range(len(names))
    ]  # names may differ in case only, engines cannot tell
    if kind == "parquet":
        table = backend.read_parquet(str(path), file_row_number=True)
        named = dict(zip(places, (table[name] for name in table.columns), strict=False))
        return table.select(**named, source_row=(table.file_row_number + 2).cast("int64"))
    import pyarrow as pa

    with pa.memory_map(str(path)) as mapped:
        try:
            table = ibis.memtable(pa.ipc.open_file(mapped).read_all().rename_columns(places))
        except pa.ArrowInvalid:
            mapped.seek(0)
            table = ibis.memtable(pa.ipc.open_stream(mapped).read_all().rename_columns(places))
    return table.mutate(source_row=(ibis.row_number() + 2).cast("int64"))


def kept_typed(column: Any) -> Any:
    """Return dates as dates and numbers as numbers; whatever else, such as short floats (48.1 is
    48.0999985), as text."""
    kind = column.type()
    if kind.is_date() or kind.is_float64() or kind.is_integer():
        return column
    return column.date() if kind.is_timestamp() else as_text(column)


def as_text(column: Any, order: str = "iso") -> Any:
    """Return a column as text. Whole numbers keep all digits and have no fraction, a time of day is
    dropped, and blanks stay null, as does NaN, which is how many programs write one."""
    import ibis

    kind = column.type()
    if kind.is_string():
        return column
    if kind.is_timestamp() or kind.is_date():
        return column.strftime(WRITTEN.get(order, WRITTEN["iso"]))
    if kind.is_floating():
        # a whole number stored as a float prints as 48.0; identifiers above 2^53 are refused before
        # this
        whole = column.try_cast("int64")
        text = (column == whole).ifelse(whole.cast("string"), column.cast("string"))
        return column.isnan().ifelse(ibis.null("string"), text)
    if kind.is_decimal():
        return column.cast("string").re_replace(r"\.0+$", "")
    return column.cast("string")


def parquet_tables(backend: Any, paths: Iterable[Path]) -> ir.Table:
    """Return several Parquet files of one layout as one table."""
    return backend.read_parquet([str(path) for path in paths])


def keep(backend: Any, name: str, expression: ir.Table, large: bool = False) -> ir.Table:
    """Compute an expression once and return it as a table of the engine (out of core, gone at the
    end).

    A `large` table of an engine that holds tables in memory goes to a file instead, where there is
    a folder for it.
    """
    from ibis.util import gen_name

    folder = SPILL.get(backend)
    if large and folder is not None:
        path = folder / f"{gen_name(name)}.parquet"
        backend.to_parquet(expression, path, compression="lz4_raw")
        return backend.read_parquet(str(path)).cast(
            expression.schema()
        )  # a date and a day more is written as a time
    return backend.create_table(gen_name(name), expression, temp=True)


def in_order(backend: Any, name: str, table: ir.Table, *by: str) -> ir.Table:
    """Return a table sorted, to compute columns from row by row.

    An embedded engine sorts it at once, as narrow as it is: left to itself it would sort the
    computed columns, and what a query needs beside the sort would compete with it for memory.
    """
    ordered = table.order_by(*by)
    return keep(backend, name, ordered, large=True) if backend in SPILL else ordered


def word_at(words: Iterable[str], place: Any) -> Any:
    """Return which of the words stands at a place, counted from 0."""
    import ibis

    return ibis.array(list(words))[place.cast("int32")]


def stored_as(path: Path, kind: str) -> list[tuple[str, Any]]:
    """Return the columns of a Parquet or Arrow file as it names them, each with its Arrow type."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if kind == "parquet":
        schema = pq.read_schema(path)
    else:
        with pa.memory_map(str(path)) as mapped:
            try:
                schema = pa.ipc.open_file(mapped).schema
            except pa.ArrowInvalid:
                mapped.seek(0)
                schema = pa.ipc.open_stream(mapped).schema
    return [
        (each.name, each.type.value_type if pa.types.is_dictionary(each.type) else each.type)
        for each in schema
    ]


def stage_table(backend: Any, path: Path, stage: str) -> ir.Table:
    """Return a Parquet table that an earlier stage wrote; raise `DataError` when it did not, or
    where the table is not as it was written."""

    if not path.is_file():
        raise DataError(f"{path}: there is no such file. Run `evalweave {stage}` first.")
    seals.check(path)
    return backend.read_parquet(str(path))
