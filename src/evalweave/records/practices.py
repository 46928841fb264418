"""Reading the table of practices: who has the programme, since when, and where they lie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evalweave import files
from evalweave.errors import DataError, Fault, nearest, raise_faults
from evalweave.reading import days, tables
from evalweave.tables.records import PRACTICES

if TYPE_CHECKING:
    import pandas as pd

REQUIRED = ("practice_id", "programme_start")
DATES = ("programme_start", "contributes_from", "contributes_to")
PRACTICES_FILE = "practices.csv"  # that cleaning leaves
ARMS = ("programme", "comparison")


def read_practices(path: Path | str) -> pd.DataFrame:
    """Return PRACTICES from a table in any of the usual forms.

    Raises:
        StudyError: no such file.
        DataError: every fault at once (dates, repeats, columns, mergers).
    """
    return practices_and_notes(path)[0]


def cleaned_practices(folder: Path) -> pd.DataFrame:
    """Return PRACTICES as cleaning left them in its folder, under the names that flow on.

    Raises:
        DataError: there are none, or they are not as they were written.
    """
    path = folder / PRACTICES_FILE
    if not path.is_file():
        raise DataError(f"{path}: there is no such file. Run `evalweave clean` first.")
    return PRACTICES.conform(files.read_table(path, PRACTICES))


def practices_and_notes(path: Path | str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return PRACTICES and what was decided on the way to read them."""
    import pandas as pd

    table = tables.read(
        path,
        REQUIRED,
        PRACTICES.names,
        identifiers=("practice_id", "merged_into"),
        expected="one row a practice",
    )
    faults = _columns_without_meaning(table)
    if not table.rows:
        faults.append(Fault(table.file, "a header and no rows", "one row a practice"))
    first_row: dict[str, int] = {}
    for row, cells in table.numbered:
        faults += _repeat(table.file, row, cells["practice_id"], first_row)
        first_row.setdefault(cells["practice_id"], row)
    records: list[dict[str, object]] = [
        {name: cells.get(name) or None for name in PRACTICES.names} for cells in table.rows
    ]
    notes = list(table.notes)
    for name in DATES:
        column = days.read(
            table.file, name, [(row, cells.get(name, "")) for row, cells in table.numbered]
        )
        notes += column.notes
        faults += column.faults
        for row, record in zip(table.lines, records, strict=True):
            record[name] = column.days.get(row)
    for row, cells in table.numbered:
        into = cells.get("merged_into", "")
        if into and into not in first_row:
            found, expected = "a practice that is not in the table", "one that is"
            faults.append(Fault(table.file, found, expected, row=row, column="merged_into"))
    raise_faults(faults)
    frame = PRACTICES.conform(pd.DataFrame(records, columns=PRACTICES.names))
    raise_faults(_circles(frame, table.file, table.lines))
    return frame, tuple(notes)


def _columns_without_meaning(table: tables.SmallTable) -> list[Fault]:
    """Return a fault for each column that is none of ours: it may be a misspelt one."""
    return [
        Fault(
            table.file,
            f'the column "{name}"',
            "a column of practices",
            nearest(name, PRACTICES.names),
            table.header_row,
            name,
        )
        for name in table.header
        if name not in PRACTICES.names
    ]


def _repeat(file: str, row: int, practice: str, first_row: dict[str, int]) -> list[Fault]:
    """Return the fault of a row without a practice, or with one of an earlier row."""
    if not practice:
        return [Fault(file, "no identifier", "a practice", row=row, column="practice_id")]
    if practice not in first_row:
        return []
    found = f"a practice that also stands in row {first_row[practice]}"
    action = "Remove one of the rows."
    return [Fault(file, found, "each once", action, row, "practice_id")]


def _circles(practices: pd.DataFrame, file: str, lines: list[int]) -> list[Fault]:
    into = dict(zip(practices["practice_id"], practices["merged_into"].fillna(""), strict=True))
    faults = []
    for row, practice in zip(lines, into, strict=True):
        at, steps = practice, 0
        while into[at] and steps <= len(into):
            at, steps = into[at], steps + 1
        if steps > len(into):
            faults.append(
                Fault(file, "mergers that go round in a circle", "one practice at the end", row=row)
            )
    return faults


def effective(practices: pd.DataFrame) -> dict[str, str]:
    """Return for each practice the one that serves its patients now (itself, unless merged)."""
    into = dict(zip(practices["practice_id"], practices["merged_into"].fillna(""), strict=True))

    def follow(practice: str) -> str:
        while into[practice]:
            practice = into[practice]
        return practice

    return {practice: follow(practice) for practice in into}


def arm_of(practices: pd.DataFrame) -> dict[str, str]:
    """Return the arm of each practice: programme where it ever starts, comparison elsewhere.
    Mergers are followed."""
    start = dict(zip(practices["practice_id"], practices["programme_start"].notna(), strict=True))
    return {practice: ARMS[not start[at]] for practice, at in effective(practices).items()}


def areas_of(practices: pd.DataFrame) -> dict[str, str | None]:
    """Return the area of each practice, of the one that serves its patients now where it merged."""
    area = dict(zip(practices["practice_id"], practices["area"], strict=True))
    return {practice: area[at] for practice, at in effective(practices).items()}
