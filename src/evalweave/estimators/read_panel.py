"""Reading anybody's panel: text, a workbook, Parquet, Arrow or Stata, by the rules of `reading`.

Identifiers are text from the first byte. A panel may have millions of rows, so that its text is
split by Arrow; what is accepted, and what is said of it, is the same as for small tables.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave.catalogue import calls
from evalweave.errors import DataError, Fault, raise_faults
from evalweave.reading import columnar, delimited, encodings, opening, tables, typed_files
from evalweave.reading.cells import trimmed
from evalweave.reading.header import TITLE_ROWS, Names, places
from evalweave.study.analyses import FitSpec
from evalweave.study.conditions import parse

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

EXPECTED = "a panel (CSV, Parquet, Stata or XLSX) with one row a unit and period"
SHOWN_RAGGED = 10


def columns_of(spec: FitSpec) -> dict[str, bool]:
    """Return the columns that a SPEC uses, and whether each is read as text."""
    names = spec.columns
    wanted = {name: True for name in (names.unit, names.cluster) if name}
    for analysis in spec.analyses:
        for group in (analysis.subgroup, analysis.unaffected_population):
            if group:
                wanted.setdefault(group, True)
    if spec.allocation:
        wanted |= {column: True for column in spec.allocation.columns() if column not in wanted}
    numbers = [names.period, names.outcome, *names.outcomes, names.start, names.weight]
    numbers.append(names.exposure)
    for analysis in spec.analyses:
        numbers += [*analysis.covariates, *calls.extra_columns(analysis)]
        numbers += [analysis.unaffected_outcome]
    for where in (spec.where, *(analysis.where for analysis in spec.analyses)):
        numbers += parse(where).columns if where else ()
    for name in numbers:
        if name:
            wanted.setdefault(name, False)
    return wanted


@dataclass
class _Read:
    """The wanted columns as the file has them, and on which row of it the first one stands."""

    file: str
    table: pa.Table
    first_row: int
    notes: list[str]


def read_panel(
    path: Path,
    wanted: dict[str, bool],
    identifiers: Sequence[str] = (),
    as_categories: bool = False,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the `wanted` columns (name -> read as text), and what was decided on the way.

    `identifiers` are the columns whose digits must be whole; `as_categories`, those of a Parquet
    file that need no correction are categories, in the order in which they come: a tenth of the
    memory.

    Raises:
        StudyError: no such file, or not a file.
        DataError: everything that forbids to read on: missing columns, ragged rows, damaged files,
        identifiers that a spreadsheet has cut, numbers that may be two things.
    """
    opened = opening.look(path, EXPECTED)
    names, categories = Names(tuple(wanted)), identifiers if as_categories else ()
    if opened.kind in ("parquet", "arrow", "stata"):
        read = _typed(opened, wanted, names, categories)
    elif opened.kind == "zip":
        read = _workbook(path, wanted)
    else:
        read = _text(opened, names)
    return _ruled(read, wanted, identifiers, categories)


def _ruled(
    read: _Read, wanted: dict[str, bool], identifiers: Sequence[str], categories: Sequence[str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the columns after the rules of text, identifiers and numbers."""
    import pyarrow as pa

    table, faults = read.table, list[Fault]()
    del read.table  # its columns go as they are turned into the frame's
    rows = range(read.first_row, read.first_row + table.num_rows)
    for place, name in enumerate(table.column_names):
        column = table[name]
        if not columnar.is_text(column) or (name in categories and columnar.is_plain(column)):
            continue
        column, notes = columnar.stripped(column, read.file, name)
        read.notes += notes
        ruled = None
        if name in identifiers:
            ruled = columnar.identifiers(column, read.file, name, rows)
        elif not wanted[name]:
            column = columnar.typed(column)
            if columnar.is_text(column):  # what is a number already has no commas
                ruled = columnar.numbers(column, read.file, name, rows)
        if ruled is not None:
            read.notes += ruled.notes
            faults += ruled.faults
            if ruled.notes:
                column = pa.chunked_array([pa.array([c or None for c in ruled.cells], pa.string())])
                column = column if wanted[name] else columnar.typed(column)
        table = table.set_column(place, name, column)
    raise_faults(faults)
    frame = table.to_pandas(ignore_metadata=True, split_blocks=True, self_destruct=True)
    return frame, tuple(read.notes)


def _typed(
    opened: opening.Opened, wanted: dict[str, bool], names: Names, categories: Sequence[str]
) -> _Read:
    faults: list[Fault] = []
    header = typed_files.names(opened)
    found = places(opened.name, header, None, names, faults)
    raise_faults(faults)
    theirs = {name: header[place] for name, place in found.items()}
    few = [theirs[name] for name in categories]
    table = typed_files.table(opened, list(dict.fromkeys(theirs.values())), categories=few)
    codes = [theirs[name] for name in wanted if not wanted[name]]
    if opened.kind == "stata" and codes:  # labels are for people and places, not for numbers
        unlabelled = typed_files.table(opened, codes, labels=False)
        for name in codes:
            table = table.set_column(table.column_names.index(name), name, unlabelled[name])
    table = table.select(list(theirs.values())).rename_columns(list(theirs))
    return _Read(opened.name, table, 1, [])


def _workbook(path: Path, wanted: dict[str, bool]) -> _Read:
    import pyarrow as pa

    sheet = tables.read(path, list(wanted), expected=EXPECTED)
    columns = {
        name: pa.array([row[name] or None for row in sheet.rows], pa.string()) for name in wanted
    }
    return _Read(sheet.file, pa.table(columns), sheet.header_row + 1, list(sheet.notes))


def _text(opened: opening.Opened, names: Names) -> _Read:
    raw = opening.content(opened, EXPECTED, limit=None)
    raw, said = encodings.as_utf8(raw, opened.name)
    notes = [note for note in (opening.packed_by_name_only(opened), *said) if note]
    if b"\n" not in raw:  # line ends of old Macs, or a header alone
        raw = raw.replace(b"\r", b"\n") + b"\n"
    sample = raw[: delimited.SAMPLE].decode("utf-8", "ignore")
    delimiter = delimited.delimiter_of(sample, names.is_header)
    if delimiter != ",":
        notes.append(f"{opened.name}: cells are separated by {delimited.DELIMITERS[delimiter]}.")
    row, header = _header(sample, delimiter, names)
    if row > 1:
        notes.append(f"{opened.name}: row {row} is read as the header; what stands above left out.")
    faults: list[Fault] = []
    found = places(opened.name, header, row, names, faults)
    faults += [
        Fault(opened.name, "several columns of this name", "one", row=row, column=header[place])
        for place in found.values()
        if header.count(header[place]) > 1
    ]
    raise_faults(faults)
    table = _split(raw, opened.name, delimiter, row, len(header))
    table = table.select([f"_{place}" for place in found.values()]).rename_columns(list(found))
    table, again = _without_headers(table, [header[place] for place in found.values()])
    if again:
        notes.append(f"{opened.name}: the header stands {again} times again; left out.")
    return _Read(opened.name, table, row + 1, notes)


def _header(sample: str, delimiter: str, names: Names) -> tuple[int, list[str]]:
    """Return the row of the header and its cells: the first with all names, else the first."""
    records = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    first: tuple[int, list[str]] | None = None
    row = 1
    try:
        for cells in records:
            cells = [trimmed(cell) for cell in cells]
            if any(cells):
                first = first or (row, cells)
                if names.is_header(cells):
                    return row, cells
            row = records.line_num + 1
            if row > TITLE_ROWS:
                break
    except csv.Error:
        pass
    return first or (1, [""])


def _split(raw: bytes, file: str, delimiter: str, header_row: int, width: int) -> Any:
    """Return the rows below the header as columns of text called _0, _1 …"""
    import pyarrow as pa
    from pyarrow import csv as arrow

    bad: list[Any] = []

    def collect(row: Any) -> str:
        bad.append(row)
        return "skip"

    columns = [f"_{place}" for place in range(width)]
    quotes = b'"' in raw
    try:
        for threads in (True, False):  # rows have numbers only when read one after the other
            bad.clear()
            table = arrow.read_csv(
                pa.BufferReader(raw),
                read_options=arrow.ReadOptions(
                    use_threads=threads, skip_rows=header_row, column_names=columns
                ),
                parse_options=arrow.ParseOptions(
                    delimiter=delimiter, newlines_in_values=quotes, invalid_row_handler=collect
                ),
                convert_options=arrow.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=True
                ),
            )
            if not bad:
                break
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return pa.table({name: pa.array([], pa.string()) for name in columns})
        delimited.split(raw.decode(), file, delimiter)
        raise DataError(f"{file}: cannot be split into rows and cells. Export it again.") from None
    lines = raw.count(b"\n") + (not raw.endswith(b"\n")) - header_row
    if quotes and lines != table.num_rows:  # quotes hold line ends, or take in rows
        delimited.split(raw.decode(), file, delimiter)
    raise_faults(_ragged(bad, file, header_row, delimiter, table.num_rows))
    return table


def _ragged(bad: list[Any], file: str, header_row: int, delimiter: str, n_rows: int) -> list[Fault]:
    action = "Quote cells that hold the separator."
    if delimiter == "," and len(bad) > n_rows:
        action = "Quote cells that hold decimal commas, or write decimal points."
    faults = [
        Fault(
            file,
            f"{row.actual_columns} cells",
            f"{row.expected_columns} as in the header",
            action if row.actual_columns > row.expected_columns else "",
            row=row.number,
        )
        for row in bad[:SHOWN_RAGGED]
    ]
    if len(bad) > SHOWN_RAGGED:
        found = f"another number of cells than the header's in {len(bad)} rows"
        faults.append(Fault(file, found, "as many as in the header"))
    return faults


def _without_headers(table: pa.Table, header: list[str]) -> tuple[pa.Table, int]:
    """Return a table without rows that repeat its header, and how many there were."""
    import pyarrow as pa
    import pyarrow.compute as pc

    repeats: Any = None
    for place, name in enumerate(header):
        same = pc.fill_null(pc.equal(table.column(place), pa.scalar(name)), False)
        repeats = same if repeats is None else pc.and_(repeats, same)
        if not pc.any(repeats).as_py():
            return table, 0
    return table.filter(pc.invert(repeats)), int(pc.sum(repeats).as_py())
