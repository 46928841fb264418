"""The sheets of a workbook of before 2007 (.xls, BIFF) as text, by `xlrd`; formulas are never
computed: a cell that holds one is its last stored value."""

from __future__ import annotations

import io
from pathlib import Path

from evalweave.reading.archives import fault
from evalweave.reading.delimited import Row
from evalweave.reading.opening import MAX_TABLE
from evalweave.reading.workbooks import as_text, finished

EXPECTED = "an XLSX or CSV"
SAVE = "Open it in the program that wrote it, and save it as .xlsx."


def sheets(path: Path) -> dict[str, list[Row]]:
    """Return the rows that are not blank of every sheet, by its name, in the workbook's order.

    Raises:
        DataError: a Word document, a workbook with a password, a damaged one, or cells that hold
        an error.
    """
    import xlrd

    if path.stat().st_size > MAX_TABLE:
        raise fault(path, f"more than {MAX_TABLE >> 20} MiB", EXPECTED, "Is it another file?")
    try:
        book = xlrd.open_workbook(
            file_contents=path.read_bytes(), logfile=io.StringIO(), ragged_rows=True
        )
        grids = {}
        for sheet in book.sheets():
            rows = [
                (number + 1, [_text(cell, book.datemode) for cell in sheet.row(number)])
                for number in range(sheet.nrows)
            ]
            grids[str(sheet.name)] = [row for row in rows if any(row[1])]
    except Exception as error:  # a damaged file makes xlrd raise anything, assertions included
        raise fault(path, _what(str(error)), EXPECTED, SAVE) from None
    return finished(path, grids)


def _what(said: str) -> str:
    """Return what a file is that xlrd does not read."""
    if "encrypted" in said:
        return "an old workbook with a password"
    if "Can't find workbook" in said:  # a compound file of another kind; .xlsx with a password too
        return "an old Word or Outlook file, or a workbook with a password"
    return "an old workbook (.xls) that cannot be read"


def _text(cell: object, datemode: int) -> str:
    import xlrd

    kind, value = cell.ctype, cell.value  # type: ignore[attr-defined]
    if kind == xlrd.XL_CELL_DATE:
        return as_text(xlrd.xldate_as_datetime(value, datemode))
    if kind == xlrd.XL_CELL_BOOLEAN:
        return as_text(bool(value))
    if kind == xlrd.XL_CELL_ERROR:
        return as_text(xlrd.error_text_from_code.get(value, "#VALUE!"))
    return as_text(value)
