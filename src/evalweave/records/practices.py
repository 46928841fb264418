"""Reading the table of practices: who has the programme, since when, and where they lie."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path
from typing import TYPE_CHECKING

from evalweave.errors import Fault, StudyError, nearest, raise_faults
from evalweave.tables.records import PRACTICES

if TYPE_CHECKING:
    import pandas as pd

DATES = ("programme_start", "contributes_from", "contributes_to")
ARMS = ("programme", "comparison")


def read_practices(path: Path | str) -> pd.DataFrame:
    """Return PRACTICES from a CSV; raise `DataError` with every fault (dates, repeats, columns,
    mergers)."""
    import pandas as pd

    path = Path(path)
    rows, faults = _rows(path)
    raise_faults(faults)
    records = []
    seen: dict[str, int] = {}
    for row, record in rows:
        practice = record.get("practice_id", "")
        if not practice:
            faults.append(
                Fault(path.name, "no identifier", "a practice", row=row, column="practice_id")
            )
        elif practice in seen:
            faults.append(
                Fault(
                    path.name,
                    f"a practice that also stands in row {seen[practice]}",
                    "each once",
                    "Remove one of the rows.",
                    row,
                    "practice_id",
                )
            )
        seen.setdefault(practice, row)
        typed: dict[str, object] = {name: record.get(name) or None for name in PRACTICES.names}
        for name in DATES:
            text = record.get(name, "")
            if text:
                try:
                    typed[name] = dt.date.fromisoformat(text)
                    if len(text) != 10:
                        raise ValueError
                except ValueError:
                    faults.append(
                        Fault(
                            path.name,
                            "no date",
                            "a date such as 2015-04-01, or a blank",
                            "Dates are written year-month-day.",
                            row,
                            name,
                        )
                    )
        records.append(typed)
    for row, record in rows:
        into = record.get("merged_into", "")
        if into and into not in seen:
            faults.append(
                Fault(
                    path.name,
                    "a practice that is not in the table",
                    "one that is",
                    row=row,
                    column="merged_into",
                )
            )
    raise_faults(faults)
    frame = PRACTICES.conform(pd.DataFrame(records, columns=PRACTICES.names))
    raise_faults(_circles(frame, path.name))
    return frame


def _rows(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[Fault]]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise StudyError(
            f"{path}: cannot be read ({error.strerror}). Correct practices in the study file."
        ) from None
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        return [], [
            Fault(path.name, "text that is not UTF-8", "UTF-8 text", "Save it as CSV (UTF-8).")
        ]
    if raw.startswith(b"PK\x03\x04") or "\0" in text:
        return [], [
            Fault(
                path.name,
                "an Excel workbook or other binary file",
                "a CSV",
                "Save it as CSV (UTF-8).",
            )
        ]
    first = text.split("\n", 1)[0]
    lines = csv.reader(
        io.StringIO(text, newline=""), delimiter=max(",;\t|", key=first.count), strict=True
    )
    try:
        records = list(lines)
    except csv.Error as error:
        return [], [
            Fault(
                path.name,
                f"rows that cannot be told apart ({error})",
                "one row a practice",
                "A quote that is never closed is the usual cause.",
            )
        ]
    if not records:
        return [], [Fault(path.name, "an empty file", "one row a practice")]
    header = [cell.strip() for cell in records[0]]
    faults = [
        Fault(
            path.name,
            f'the column "{name}"',
            "a column of practices",
            nearest(name, PRACTICES.names),
            1,
            name,
        )
        for name in header
        if name and name not in PRACTICES.names
    ]
    faults += [
        Fault(path.name, "no such column", "it to be there", row=1, column=name)
        for name in ("practice_id", "programme_start")
        if name not in header
    ]
    rows = []
    for row, cells in enumerate(records[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if (len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :])) or (
            len(cells) < len(header)
        ):
            faults.append(
                Fault(path.name, f"{len(cells)} cells", f"{len(header)}, as in the header", row=row)
            )
        rows.append(
            (row, {name: cell.strip() for name, cell in zip(header, cells, strict=False) if name})
        )
    if not rows:
        faults.append(Fault(path.name, "a header and no rows", "one row a practice"))
    return rows, faults


def _circles(practices: pd.DataFrame, file: str) -> list[Fault]:
    into = dict(zip(practices["practice_id"], practices["merged_into"].fillna(""), strict=True))
    faults = []
    for row, practice in enumerate(into, start=2):
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
