"""Faults of a whole file that only its cells show: decimal commas, cut identifiers, ragged rows.

A cell that cannot be read is counted, kept as text and set aside later by a rule. A file whose
cells say that it is written in another way than declared is refused: reading on would silently
misread the rest of it. `date_faults` says so of dates.
"""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave.catalogue.words import number_of
from evalweave.errors import Fault
from evalweave.extract import date_faults, parsing
from evalweave.extract.dates import Dates
from evalweave.reading.cells import CUT, DECIMAL_COMMA, EXPONENTIAL, WITH_FRACTION, WITH_POINT_ZERO

if TYPE_CHECKING:
    import ibis.expr.types as ir

SHOWN_ROWS = 5
# What tools do to identifiers, by the rules of every table that is read.
SHAPES = {"exponential": (("E+", "e+"), EXPONENTIAL), "pointed": ((".0",), WITH_POINT_ZERO)}
MANY_COMMAS = 0.01  # of a file's values; most may be whole numbers, which have none
IDENTIFIERS = {
    "patients": ("patient_id",),
    "registrations": ("patient_id", "practice_id"),
    "events": ("patient_id", "practice_id", "code"),
}


def counts(
    backend: Any, part: ir.Table, table: str, columns: tuple[str, ...] = ()
) -> dict[str, int]:
    """Return of a parsed part: rows, filled and unreadable cells, and what points to another way of
    writing.

    `any:<column>` counts the filled cells of `columns`. Other ways are tried on the unreadable
    cells only: `decimal_comma` counts values such as 48,5.
    """
    wanted: dict[str, Any] = {"rows": part.count()}
    read_from = parsing.READ_FROM[table]
    wanted |= {
        f"any:{column}": part[column].count() for column in columns if column not in read_from
    }
    for column, text in read_from.items():
        wanted[f"read:{column}"] = part[column].count()
        wanted[f"unreadable:{column}"] = part[text].count()
    for column in IDENTIFIERS[table]:
        cells = part[column]
        for shape, (signs, pattern) in SHAPES.items():  # few cells hold a sign of it: those are
            signed = cells.contains(signs[0])  # looked at closely
            for sign in signs[1:]:
                signed = signed | cells.contains(sign)
            cut = signed.ifelse(cells.re_search(f"^({pattern})$"), False)
            wanted[f"{shape}:{column}"] = cut.sum()
        wanted[f"any:{column}"] = cells.count()
    counted = _one_row(backend, part.aggregate(**wanted))
    for column in read_from:
        counted[f"filled:{column}"] = (
            counted.pop(f"read:{column}") + counted[f"unreadable:{column}"]
        )
        counted[f"any:{column}"] = counted[f"filled:{column}"]
    for column in IDENTIFIERS[table]:
        if counted[f"pointed:{column}"]:  # 250.0 beside 250.1 is a code with a point
            pointed = part.filter(part[column].contains("."))
            fractions = pointed[column].re_search(f"^({WITH_FRACTION})$").sum()
            counted["fraction:" + column] = _one_row(backend, pointed.aggregate(n=fractions))["n"]
    if table == "events":
        counted["decimal_comma"] = 0
        if counted["unreadable:value"]:
            unread = part.filter(part.value_text.notnull())
            comma = unread.value_text.re_search(f"^({DECIMAL_COMMA})$").sum()
            counted.update(_one_row(backend, unread.aggregate(decimal_comma=comma)))
    return counted


def dates_of(
    backend: Any, part: ir.Table, table: str, counted: dict[str, int], dates: Dates
) -> dict[str, date_faults.Seen]:
    """Return what the unreadable cells of each date column look like."""
    return {
        column: date_faults.look(
            backend,
            part,
            column,
            counted[f"filled:{column}"],
            counted[f"unreadable:{column}"],
            dates,
        )
        for column in date_faults.COLUMNS[table]
    }


def _one_row(backend: Any, figures: ir.Table) -> dict[str, int]:
    return {
        name: int(value or 0) for name, value in backend.to_pyarrow(figures).to_pylist()[0].items()
    }


def of_cells(
    name: str,
    table: str,
    seen: dict[str, int],
    seen_dates: dict[str, date_faults.Seen],
    dates: Dates,
) -> list[Fault]:
    """Return the faults that the `counts` of a file and its dates show."""
    faults = [
        fault
        for column, cells in seen_dates.items()
        for fault in date_faults.faults(name, column, cells, dates.form(column))
    ]
    for column in IDENTIFIERS[table]:
        faults += _of_identifiers(name, column, seen)
    if table == "events" and seen["decimal_comma"] > MANY_COMMAS * seen["filled:value"]:
        faults.append(
            Fault(
                name,
                f"decimal commas in {seen['decimal_comma']} of {seen['filled:value']} values",
                "decimal points, such as 48.5",
                "Export it with decimal points.",
                column="value",
            )
        )
    return faults


def _of_identifiers(name: str, column: str, seen: dict[str, int]) -> list[Fault]:
    """Return the fault of a column whose identifiers a tool took for numbers."""
    exponential, pointed = seen[f"exponential:{column}"], seen[f"pointed:{column}"]
    filled = seen[f"any:{column}"]
    if exponential:
        found = f"{exponential} cells in exponential form, such as 1.26E+16"
        return [Fault(name, found, "all digits of an identifier", CUT, column=column)]
    if pointed and not seen[f"fraction:{column}"]:
        found = f'".0" at the end of {pointed} of {filled} identifiers, as numbers have it'
        expected = "identifiers as they were given out"
        action = "Have the column written as text, and the file exported again."
        return [Fault(name, found, expected, action, column=column)]
    return []


def of_rows(
    name: str, path: Path, delimiter: str, width: int, quoted: bool, error: Exception | None = None
) -> list[Fault]:
    """Return which rows have too few or too many cells, by reading the file slowly (only after a
    fast read failed).

    Where every row has as many as the header, `error` of the fast read says which line it stopped
    at.
    """
    csv.field_size_limit(1 << 27)
    wrong: dict[str, list[int]] = {}
    totals: Counter[str] = Counter()
    row, cells = 0, list[str]()
    for row, cells in _records(path, delimiter, quoted):
        if cells and len(cells) != width:
            kind = f"{len(cells)} cells"
            totals[kind] += 1
            if len(wrong.setdefault(kind, [])) < SHOWN_ROWS:
                wrong[kind].append(row)
    faults = []
    if 0 < len(cells) < width and not _line_ended(path):
        faults.append(_cut(name, row, len(cells), width))
        cut = f"{len(cells)} cells"
        totals[cut] -= 1
        wrong[cut] = [each for each in wrong[cut] if each != row]
    for kind, rows in sorted((kind, rows) for kind, rows in wrong.items() if rows):
        more = totals[kind] - len(rows)
        others = f" and in {more} more rows" if more else ""
        listed = ", ".join(str(row) for row in rows[1:])
        also = f" (also in row {listed}{others})" if listed else others
        faults.append(
            Fault(
                name,
                f"{kind}{also}",
                f"{width}, as in the header",
                "A cell that holds the separator or a quote must stand in double quotes.",
                row=rows[0],
            )
        )
    if not faults:
        faults.append(_untellable(name, path, error))
    return faults


def _line_ended(path: Path) -> bool:
    """Return whether a file's last line has its end."""
    with path.open("rb") as handle:
        handle.seek(-1, os.SEEK_END)
        return handle.read(1) in b"\r\n"


def _cut(name: str, row: int, n_cells: int, width: int) -> Fault:
    return Fault(
        name,
        f"the end of the file in the middle of a row ({number_of(n_cells, 'cell')}, no line end)",
        f"{width} cells, as in the header, and a line end",
        "The file was cut short: copy or ask for it again.",
        row=row,
    )


def _untellable(name: str, path: Path, error: Exception | None) -> Fault:
    """Return the fault of a file whose rows the engine cannot tell apart, though each may have
    enough cells."""
    lone = _lone_carriage_return(path)
    if lone is not None:
        return Fault(
            name,
            "a carriage return that ends no line, or line ends of several kinds",
            "one kind of line end",
            "Export it again with LF or CRLF line ends.",
            row=lone,
        )
    stopped = re.search(r"CSV Error on Line: (\d+)", str(error))
    return Fault(
        name,
        "a row that cannot be told from the next (a quote that is never closed, text after a "
        "closing quote, or a "
        "line of many megabytes)",
        "one row a line",
        "Export it again with every text cell in double quotes, and quotes within it doubled.",
        row=int(stopped[1]) if stopped else None,
    )


def _lone_carriage_return(path: Path) -> int | None:
    """Return the line of the first carriage return without line feed; None without one, or where
    all are such."""
    row, found = 1, None
    with path.open("rb") as handle:
        for line in handle:
            if found is None and b"\r" in line.removesuffix(b"\r\n"):
                found = row
            row += line.endswith(b"\n")
    return found if row > 1 else None


def swallowed(name: str, path: Path, delimiter: str, width: int) -> list[Fault]:
    """Return the rows in which a quote takes in whole rows that follow, up to the next quote.

    Such a file breaks no rule of CSV, so only the shape shows it: what stands before the first and
    after the last line end in the cell makes up one row with the cells around it, and every line
    between them is as wide as a row.
    """
    csv.field_size_limit(1 << 27)
    rows = []
    for row, cells in _records(path, delimiter, True):
        for place, cell in enumerate(cells):
            first, *between = cell.split("\n")
            if not between or len(cells) != width:
                continue
            last = between.pop()
            before, after = first.count(delimiter), last.count(delimiter)
            whole = all(line.count(delimiter) == width - 1 for line in between)
            if before == width - 1 - place and after == place and whole:
                rows.append(row)
    if not rows:
        return []
    more = f" (also in {len(rows) - 1} more rows)" if len(rows) > 1 else ""
    return [
        Fault(
            name,
            f"a quote that takes in the rows that follow it{more}",
            "one row a line",
            "Export it again with every text cell in double quotes, and quotes within it doubled.",
            row=rows[0],
        )
    ]


def _records(path: Path, delimiter: str, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """Yield (row, cells) below the header, rows counted as a text editor counts lines; blank lines
    are none."""
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as handle:
        records = csv.reader(
            handle, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
        )
        header = True
        while True:
            row = records.line_num + 1
            try:
                cells = next(records)
            except (StopIteration, csv.Error):
                return
            if cells and not header:
                yield row, cells
            header = header and not cells
