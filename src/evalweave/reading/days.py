"""A column of days in a small table, as people and programs write them.

Year first, a month by its name and 20150401 say by themselves what they mean. Whether 01/04/2015
has the day or the month first is told from the whole column, and never guessed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalweave.errors import Fault
from evalweave.reading.written_time import DAY, DAY_NAMED
from evalweave.timeline import FIRST_DAY

MONTHS = "january february march april may june july august september october november december"
ORDERED = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})")  # 01/04/2015, 1.4.2015
DIGITS = re.compile(r"((?:18|19|20|21)\d{2})(\d{2})(\d{2})(?:\.0+)?")  # 20150401, 20150401.0
MONTH_NAMED = re.compile(r"([a-z]{3,9})\.?[ \-](\d{1,2}),?[ \-](\d{4})", re.IGNORECASE)
MIDNIGHT = re.compile(r"[ T]0{1,2}:00(:00(\.0+)?)?$")  # as data frames and workbooks print a day
TWO_DIGIT_YEAR = re.compile(r"\d{1,2}([/. \-]\d{1,2}[/. \-]|[/. \-]?[A-Za-z]{3,9}[/. \-]?)\d{2}")
DAY_NUMBER = re.compile(r"\d{4,5}(\.\d+)?")
EXPECTED = "a date such as 2015-04-01, or a blank"
ACTION = "Write year-month-day."


@dataclass(frozen=True)
class Days:
    """A column's days by row number, what was decided, and what forbids to read it."""

    days: Mapping[int, dt.date]
    notes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


def read(file: str, column: str, cells: Sequence[tuple[int, str]]) -> Days:
    """Return the days that the filled cells (row number, text) of a column say.

    A cell that is no day under either order is a fault of its row; two orders side by side, or
    cells that may all be read both ways with different results, are faults of the column.
    """
    filled = [(row, MIDNIGHT.sub("", text)) for row, text in cells if text]
    by_order = {
        first: {row: _day(text, first) for row, text in filled} for first in ("day", "month")
    }
    day_first, month_first = by_order.values()
    faults = [
        Fault(file, _what(text), EXPECTED, ACTION, row, column)
        for row, text in filled
        if day_first[row] is None and month_first[row] is None
    ]
    if faults:
        return Days({}, faults=tuple(faults))
    whole = {
        first: {row: day for row, day in days.items() if day is not None}
        for first, days in by_order.items()
        if None not in days.values()
    }
    row = next((row for row, _ in filled if day_first[row] != month_first[row]), 0)
    if not whole:
        what = "days first in some rows and months first in others"
    elif len(whole) == 2 and day_first != month_first:
        what = "dates of which nobody can tell whether the day or the month comes first"
    else:
        first, days = next(iter(whole.items()))
        order = "month/day/year" if first == "month" else "day/month/year"
        note = f"{file}: {column} is written {order}, and read so; no other order fits."
        return Days(days, (note,) if row else ())
    return Days({}, faults=(Fault(file, what, EXPECTED, ACTION, row, column),))


def _day(text: str, first: str) -> dt.date | None:
    """Return the day that text says where the day, or the month, comes first; None if it says
    none."""
    if parts := ORDERED.fullmatch(text):
        one, other, year = (int(part) for part in parts.groups())
        return _date(year, *((one, other) if first == "month" else (other, one)))
    if parts := DIGITS.fullmatch(text):
        return _date(*(int(part) for part in parts.groups()))
    if (parts := DAY.fullmatch(text)) and not parts[4]:
        return _date(int(parts[1]), int(parts[2]), int(parts[3]))
    if parts := DAY_NAMED.fullmatch(text):
        return _date(int(parts[3]), _month(parts[2]), int(parts[1]))
    if parts := MONTH_NAMED.fullmatch(text):
        return _date(int(parts[3]), _month(parts[1]), int(parts[2]))
    return None


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day) if year >= FIRST_DAY.year else None
    except ValueError:
        return None


def _month(word: str) -> int:
    """Return the number of a month by its name or the beginning of it (Apr, Sept); 0 if none."""
    meant = (n for n, month in enumerate(MONTHS.split(), 1) if month.startswith(word.lower()))
    return next(meant, 0)


def _what(text: str) -> str:
    if TWO_DIGIT_YEAR.fullmatch(text):
        return "a year of two digits"
    if DAY_NUMBER.fullmatch(text):
        return "a number of days, as spreadsheets store dates"
    return "no date"
