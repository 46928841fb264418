"""Small tables from people: CSV in any of the usual encodings and separators, or the first sheet of
an XLSX.

Every value is text. Formulas are never computed: a cell that holds one is its last stored value.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from evalweave.errors import DataError, Fault, nearest, raise_faults
from evalweave.reading.archives import MAX_MEMBER, Archive, fault, must_exist

RISKY = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Tabular:
    """Rows by column name; `lines` are the row numbers that a spreadsheet shows."""

    file: str
    header: tuple[str, ...]
    rows: list[dict[str, str]]
    lines: list[int]


def read(
    path: Path | str,
    required: Iterable[str] = (),
    optional: Iterable[str] = (),
    rename: Mapping[str, str] | None = None,
) -> Tabular:
    """Read a table; `rename` maps our column names to the file's.

    Raises `DataError` with every missing column and the nearest column that is there.
    """
    path = Path(path)
    must_exist(path)
    grid = _sheet(path) if path.suffix.lower() == ".xlsx" else _csv(path)
    lines = [number for number, row in enumerate(grid, 1) if any(row)]
    filled = [row for row in grid if any(row)]
    if not filled:
        raise fault(path, "no rows", "a header and rows")
    header = tuple(cell.strip() for cell in filled[0])
    there = dict(rename or {})
    position = {}
    faults = [
        Fault(
            path.name,
            f'the column "{name}" {header.count(name)} times',
            "each column once",
            row=lines[0],
        )
        for name in sorted({name for name in header if name and header.count(name) > 1})
    ]
    for name in dict.fromkeys([*required, *optional]):
        wanted = there.get(name, name)
        matches = [i for i, found in enumerate(header) if found.lower() == wanted.lower()]
        if matches:
            position[name] = matches[0]
        elif name in required or name in there:
            there_are = [found for found in header if found]
            faults.append(
                Fault(
                    path.name,
                    "no such column",
                    "it in the header",
                    nearest(wanted, there_are),
                    lines[0],
                    wanted,
                )
            )
    raise_faults(faults)
    taken = set(position.values())
    position |= {
        name: i for i, name in enumerate(header) if name and i not in taken and name not in position
    }
    rows, numbers = [], []
    for row, line in zip(filled[1:], lines[1:], strict=True):
        if len(row) > len(header) and any(row[len(header) :]):
            faults.append(
                Fault(
                    path.name,
                    f"{len(row)} cells",
                    f"{len(header)} as in the header",
                    row=line,
                    action="Put quotes around text that holds the separator.",
                )
            )
        rows.append({name: row[i].strip() if i < len(row) else "" for name, i in position.items()})
        numbers.append(line)
    raise_faults(faults)
    return Tabular(path.name, tuple(position), rows, numbers)


def _csv(path: Path) -> list[list[str]]:
    if path.is_dir():
        raise DataError(f"{path}: this is a folder; give the file.")
    content = path.read_bytes()
    if len(content) > MAX_MEMBER:
        raise fault(path, "more than 100 MiB", "a table of people, sources or codes")
    try:
        text = content.decode(
            "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        )
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    if "\0" in text:
        raise fault(path, "a file that is no text", "a CSV or XLSX", "Save the table as CSV UTF-8.")
    first = text.lstrip("\r\n").split("\n", 1)[0]
    separator = max((",", ";", "\t"), key=first.count)
    try:
        return [list(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)]
    except csv.Error as error:
        raise fault(path, f"text that cannot be split into cells ({error})", "a CSV") from None


def _sheet(path: Path) -> list[list[str]]:
    with Archive(path) as archive:  # the caps on zips hold for spreadsheets too
        for info in archive.members:
            if info.filename.startswith("xl/") and info.filename.endswith(".xml"):
                archive.read(info)
    from openpyxl import load_workbook  # opens XML through defusedxml, which is installed

    try:
        book = load_workbook(path, read_only=True, data_only=True)
        grid = [
            [_cell(value) for value in row]
            for row in book.worksheets[0].iter_rows(values_only=True)
        ]
        book.close()
    except (KeyError, ValueError, IndexError, TypeError, zipfile.BadZipFile, SyntaxError):
        raise fault(
            path, "a workbook that cannot be read", "an XLSX", "Save it again, or as CSV UTF-8."
        ) from None
    return grid


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    return text.removesuffix(" 00:00:00")  # a date


def neutralised(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: a leading = + - @ gets an apostrophe
    before it."""
    return "'" + text if text.startswith(RISKY) else text
