"""The sheets of an XLSX workbook as text; formulas are never computed: a cell that holds one is its
last stored value."""

from __future__ import annotations

import datetime as dt
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

from evalweave.errors import Fault, raise_faults
from evalweave.reading.archives import Archive, fault
from evalweave.reading.cells import trimmed
from evalweave.reading.delimited import Row

ERRORS = ("#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#N/A")
SAVE = "Save it again, or as CSV (UTF-8)."


def sheets(path: Path) -> dict[str, list[Row]]:
    """Return the rows that are not blank of every sheet, by its name, in the workbook's order.

    Raises:
        DataError: no workbook, a damaged one, one that unpacks to far more than a table would, or
        cells that hold an error.
    """
    with Archive(path, "an XLSX workbook") as archive:  # the caps on zips hold here too
        names = {info.filename for info in archive.members}
        if "mimetype" in names or "content.xml" in names:
            raise fault(path, "an OpenDocument file", "an XLSX or CSV", "Save it as .xlsx.")
        if not any(name.startswith("xl/") for name in names):
            if any(name.startswith("word/") for name in names):
                raise fault(path, "a Word document", "an XLSX or CSV", "Give the table itself.")
            raise fault(path, "a ZIP archive", "an XLSX or CSV", "Unpack it.")
        if "xl/workbook.bin" in names:
            raise fault(path, "a binary workbook (.xlsb)", "an XLSX or CSV", "Save it as .xlsx.")
        for info in archive.members:
            if info.filename.startswith("xl/") and info.filename.endswith(".xml"):
                archive.read(info)
    from openpyxl import load_workbook  # opens XML through defusedxml, which is installed
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        # By its bytes: openpyxl would refuse a workbook that is named .csv.
        book = load_workbook(BytesIO(path.read_bytes()), read_only=True, data_only=True)
        grids = {}
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # some programs write a size that is not the sheet's
            rows = [
                (number, [as_text(value) for value in cells])
                for number, cells in enumerate(sheet.iter_rows(values_only=True), 1)
            ]
            grids[str(sheet.title)] = [row for row in rows if any(row[1])]
        book.close()
    except (
        InvalidFileException,
        KeyError,
        ValueError,
        IndexError,
        TypeError,
        AttributeError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        EOFError,
        OSError,
        SyntaxError,
    ):
        raise fault(path, "a workbook that cannot be read", "an XLSX", SAVE) from None
    return finished(path, grids)


def finished(path: Path, grids: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Return the sheets with rows of one width; raise `DataError` for cells that hold an error."""
    raise_faults(
        Fault(
            path.name,
            f"an error of the spreadsheet ({cell})",
            "a value",
            "Mend the formula, or write the value itself.",
            row,
            f"{place + 1} of the sheet {title}",
        )
        for title, rows_ in grids.items()
        for row, cells_ in rows_
        for place, cell in enumerate(cells_)
        if cell in ERRORS and cell != "#N/A"
    )
    return {title: [_padded(row, rows) for row in rows] for title, rows in grids.items()}


def _padded(row: Row, rows: list[Row]) -> Row:
    """Return a row as wide as the widest: a sheet leaves blank cells at the end out."""
    width = max(len(cells) for _, cells in rows)
    return row[0], row[1] + [""] * (width - len(row[1]))


def as_text(value: object) -> str:
    """Return a cell's value as it would stand in a CSV."""
    if value is None or value == "#N/A":
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return trimmed(str(value))
