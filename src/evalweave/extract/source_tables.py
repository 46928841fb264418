"""One file of an extract as a table: its header matched, its cells as text, then parsed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave import engine
from evalweave.errors import Fault
from evalweave.extract import headers, typed
from evalweave.extract.dates import Dates, in_zone
from evalweave.extract.glossary import Glossary
from evalweave.extract.lookups import FaultyLookup
from evalweave.extract.parsing import PARSERS, PLAIN, trimmed
from evalweave.extract.readers import TEXT_COLUMNS, Source, in_quotes, reader
from evalweave.reading.textfiles import TextFile, look

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.records import Extract


def parsed_table(
    backend: Any,
    seen: TextFile,
    source: Source,
    extract: Extract,
    table: str,
    scratch: Path,
    forms: Mapping[str, str] | None = None,
    words: Glossary = PLAIN,
) -> tuple[ir.Table | None, list[Fault]]:
    """Return a source as our table, parsed but not computed yet, or the faults of its header.

    `forms` are those of date columns that are written in another form than declared, `words` those
    of the study and what its files taught.
    """
    raw, faults = raw_table(backend, seen, source, extract)
    if raw is None:
        return None, faults

    def lookup(name: str) -> ir.Table:
        path = source.lookups[name]
        file = look(path, path.name, scratch, source.delimiter)
        if file.kind == "unusable" and file.header:  # a header and no rows: nothing to look up
            file = dataclasses.replace(file, kind="text", faults=())
        explanation = Source(path, path.name, quoted=in_quotes(path))
        known, wrong = raw_table(backend, file, explanation, extract)
        if known is None:
            raise FaultyLookup(wrong)
        return known

    try:
        text = reader(extract.format).as_text(raw, source, extract, lookup)
    except FaultyLookup as error:
        return None, error.faults
    dates = Dates(extract.date_format, extract.time_zone, forms or {})
    return PARSERS[table](completed(text, table, extract, source.name), dates, words), []


def raw_table(
    backend: Any, seen: TextFile, source: Source, extract: Extract
) -> tuple[ir.Table | None, list[Fault]]:
    """Return a looked-at file as text under our column names (others are left out), or its header's
    faults.

    Typed dates are written as the extract's are, typed moments are days of its time zone.
    """
    order, zone = extract.date_format, extract.time_zone
    if seen.faults:
        return None, list(seen.faults)
    header = seen.header
    if seen.kind != "text":
        try:
            table = engine.typed_table(backend, source.path, seen.kind)
            stored = engine.stored_as(source.path, seen.kind)
        except Exception as error:
            return None, [damaged(source.name, seen.kind, error)]
        header = tuple(name for name, _ in stored)
    theirs_of, faults = headers.match(
        source.name,
        header,
        source.required,
        source.optional,
        source.names,
        source.also,
        not source.fixed,
        source.table,
    )
    if faults:
        return None, faults
    if not source.required:  # a lookup: all columns under their own names
        theirs_of = {name: name for name in header if name}

    def cell(ours: str, column: Any) -> Any:
        if column.type().is_string():
            return trimmed(column)
        if column.type().is_timestamp() and column.type().timezone is not None:
            column = in_zone(zone, column)
        return engine.kept_typed(column) if ours in source.typed else engine.as_text(column, order)

    if seen.kind != "text":
        faults = typed.faults_of_types(source, seen.kind, stored, theirs_of, zone)
        if faults:
            return None, faults
        places = {ours: table[f"_{header.index(theirs)}"] for ours, theirs in theirs_of.items()}
        cells = {ours: cell(ours, column) for ours, column in places.items()}
        return table.select("source_row", **cells), []
    ours_of = {theirs: ours for ours, theirs in theirs_of.items()}
    columns = [ours_of.get(name, f"_column_{place}") for place, name in enumerate(header)]
    columns += ["_nothing"] * seen.extra_column
    table = engine.text_table(backend, seen.path, columns, seen.delimiter, source.quoted)
    return table.select("source_row", **{ours: cell(ours, table[ours]) for ours in theirs_of}), []


def completed(text: ir.Table, table: str, extract: Extract, name: str) -> ir.Table:
    """Return exactly the text columns of `table` (absent ones blank), with `source_file` and
    `source_row`."""
    import ibis

    columns: dict[str, Any] = {
        column: text[column] if column in text.columns else ibis.null("string")
        for column in TEXT_COLUMNS[table]
    }
    if table == "events":
        columns["code_system"] = columns["code_system"].fill_null(extract.code_system)
    columns["source_file"] = (
        text["source_file"] if "source_file" in text.columns else ibis.literal(name)
    )
    return text.select(**columns, source_row=text["source_row"])


def is_about_rows(error: Exception, seen: TextFile) -> bool:
    """Return whether the engine's error says that rows of a text file cannot be told apart."""
    return seen.kind == "text" and "CSV" in str(error)


def width(seen: TextFile) -> int:
    return len(seen.header) + seen.extra_column


def unread(name: str, seen: TextFile, error: Exception) -> Fault:
    """Return the fault of a typed file whose cells the engine cannot read; raise any other error
    again."""
    if seen.kind == "text" or not type(error).__module__.startswith(("duckdb", "_duckdb")):
        raise error
    return damaged(name, seen.kind, error)


def damaged(name: str, kind: str, error: Exception) -> Fault:
    """Return the fault of a Parquet or Arrow file that the engine cannot read; its own words may
    quote cells."""
    if engine.exhausted(error):
        raise error
    return Fault(
        name,
        f"{kind.capitalize()} that cannot be read ({type(error).__name__})",
        "a whole file with text, numbers and dates",
        "Copy or export it again.",
    )
