"""Dedoose's excerpts as a spreadsheet: a row an excerpt, and for every code of the tree a column
`Code: path Applied` that says True or False, with `… Range` and `… Weight` beside it.

Columns as its own exports have them (Media Title, Excerpt Range, Excerpt Creator, Excerpt Date,
Excerpt Copy, Resource Creator, Resource Date, Codes Applied Combined, then the codes, then the
descriptors); older ones say Document Title. Dedoose's pages name no columns; the reference manual
of the R package DedooseR does (cran.r-project.org/package=DedooseR, `clean_data`). "Codes Applied
Combined" has last names only, with commas between, so that it is read only where the file has no
column a code. A descriptor called participant, or the like, says who speaks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from evalweave.errors import DataError, Fault, raise_faults
from evalweave.qualitative.identity import PERSON_VARIABLES, normal
from evalweave.qualitative.raw import Log
from evalweave.reading.delimited import Row
from evalweave.reading.header import folded
from evalweave.reading.tables import Grid, SmallTable

SOURCE = ("media_title", "document_title", "resource_title")
WORDS, COMBINED = "excerpt_copy", "codes_applied_combined"
APPLIED = re.compile(r"\s*Code:\s*(.+?)\s+Applied\s*", re.IGNORECASE)
CHARACTERS = re.compile(r"\s*(\d+)\s*[-–]\s*(\d+)\s*")
YES, NO = ("true", "yes", "1", "1.0", "x"), ("false", "no", "0", "0.0", "")
CODE_LIST = {"id", "parent_id", "depth", "title"}


def is_header(cells: Sequence[str]) -> bool:
    """Whether a row is the header of exported excerpts."""
    names = {folded(cell) for cell in cells}
    codes = COMBINED in names or any(APPLIED.fullmatch(cell) for cell in cells)
    return bool(WORDS in names and names & set(SOURCE) and codes)


def source_column(cells: Sequence[str]) -> str:
    """Return what the header calls the source."""
    return next(cell for cell in cells if folded(cell) in SOURCE)


def refuse_code_list(file: str, rows: Sequence[Row]) -> None:
    """Raise `DataError` for Dedoose's list of codes, in which nobody's words are."""
    for line, cells in rows:
        if {folded(cell) for cell in cells} >= CODE_LIST:
            found = "a list of codes as Dedoose exports it, without any excerpt"
            action = "In Dedoose's Excerpts workspace, select all and export them as Excel."
            raise DataError(str(Fault(file, found, "coded excerpts", action, line)))


def long(grid: Grid, header: Row, log: Log) -> SmallTable:
    """Return excerpts as rows of coded segments, all codes of one in its cell.

    Raises:
        DataError: with every cell of a code that says neither True nor False.
    """
    line, cells = header
    columns = _Columns(cells)
    body = [(number, row) for number, row in grid.rows if number > line]
    raise_faults([f for number, row in body for f in columns.faults(grid.file, number, row)])
    log.note("archive", "the table was read as Dedoose writes excerpts")
    if not columns.codes:
        log.warn(
            "codes",
            "the file has last names of codes only, with commas between: two codes of one name "
            "cannot be told apart. Export the excerpts with a column a code",
        )
    rows = [columns.segment(row) for _, row in body]
    names = tuple(rows[0]) if rows else ("source", "code")
    return SmallTable(grid.file, names, rows, [number for number, _ in body], grid.notes, line)


class _Columns:
    """Where things stand in a row of excerpts."""

    def __init__(self, cells: Sequence[str]) -> None:
        self.cells = cells
        self.place = {folded(cell): i for i, cell in reversed(list(enumerate(cells))) if cell}
        found = ((i, APPLIED.fullmatch(cell)) for i, cell in enumerate(cells))
        self.codes = {i: match[1].replace(";", ",") for i, match in found if match}
        self.people = [i for i, cell in enumerate(cells) if normal(cell) in PERSON_VARIABLES]

    def faults(self, file: str, number: int, row: Sequence[str]) -> list[Fault]:
        """Return the cells of codes that say neither True nor False."""
        return [
            Fault(file, "another word", "True or False", "", number, self.cells[i])
            for i in self.codes
            if _cell(row, i).lower() not in (*YES, *NO)
        ]

    def segment(self, row: Sequence[str]) -> dict[str, str]:
        """Return a row under our names of its cells."""

        def named(*names: str) -> str:
            return next((_cell(row, self.place[n]) for n in names if n in self.place), "")

        given = [path for i, path in self.codes.items() if _cell(row, i).lower() in YES]
        said = [_cell(row, i) for i in self.people]  # of a group its column stands several times
        span = CHARACTERS.fullmatch(named("excerpt_range"))
        return {
            "source": named(*SOURCE),
            "quote": named(WORDS),
            "code": ";".join(given) if self.codes else named(COMBINED).replace(", ", ";"),
            "coder": named("excerpt_creator"),
            "coded_at": named("excerpt_date"),
            "participant": ";".join(dict.fromkeys(filter(None, said))),
            "start": span[1] if span else "",
            "end": span[2] if span else "",
            "place": "" if span else named("excerpt_range"),
        }


def _cell(row: Sequence[str], place: int) -> str:
    return row[place] if place < len(row) else ""
