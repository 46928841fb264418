"""Days and periods that are written as numbers: 201504, 20154, 20150401, serials, 2015.25, 95 … 03.

Consecutive integers are periods as they stand and none of this concerns them. What is read here has
jumps in it (from 201412 to 201501) that the calendar explains. Serials count days from an epoch:
spreadsheets from 30 December 1899, Stata and SAS from 1 January 1960, R and Unix from 1 January
1970; which one is told by what falls on days that recur in the months, in years of our time.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from evalweave.reading.written_time import FIRST_YEAR, LAST_YEAR, Moment, of_day, of_part

Reader = Callable[[float], Moment | None]
EPOCHS = (
    ("a spreadsheet", dt.date(1899, 12, 30)),
    ("Stata or SAS", dt.date(1960, 1, 1)),
    ("R or Unix", dt.date(1970, 1, 1)),
)
OUR_TIME = (1985, 2060)  # years in which a serial is believed to lie
CENTURY = 50  # two-digit years below this are 20xx
SECONDS = {86_400: "seconds", 86_400_000: "milliseconds"}


@dataclass(frozen=True)
class Notation:
    """How a column of numbers is written: `words` say it, `read` gives each number's meaning.

    Where the years are the leading digits, numbers within one year are consecutive as they stand;
    `anywhere` marks the notations that are read even so.
    """

    words: str
    read: Reader
    anywhere: bool = False


def notation(values: list[float], weekly: bool = False) -> Notation | None:
    """Return how the distinct `values` (sorted) are written; None = plain numbers, or unknown.

    `weekly` says that the column is called a week: 201501 … 201512 are then not months.
    """
    if not values or all(later - one == 1 for one, later in itertools.pairwise(values)):
        return None
    candidates = [
        Notation("financial years in one number (201516)", _financial),
        Notation("years and weeks in one number (201507)", partial(_pair, 100, "week")),
        Notation("years and months in one number (201504)", partial(_pair, 100, "month")),
        Notation("years and quarters in one number (20152)", partial(_pair, 10, "quarter")),
        Notation("dates written as numbers (20150401)", _digits, True),
        Notation("dates written as numbers, day first (1042015)", _digits_last, True),
        Notation("years and parts of them (2015.25)", _fraction),
        Notation("years of two digits", _two_digits),
        *_serials(values),
    ]
    for candidate in candidates:
        months = all(v == int(v) and 1 <= v % 100 <= 12 for v in values)
        if "weeks" in candidate.words and months and not weekly:
            continue
        if _serves(candidate, values):
            return candidate
    return None


def _serves(candidate: Notation, values: list[float]) -> bool:
    moments = [candidate.read(value) for value in values]
    known = [moment for moment in moments if moment is not None]
    if len(known) < len(values) or len({moment.unit for moment in known}) > 1:
        return False
    if candidate.read is _two_digits:  # 11, 13, 15 are plain numbers; 98, 99, 0, 1 are not
        return max(b - a for a, b in itertools.pairwise(values)) >= CENTURY
    if candidate.read is _fraction:
        return any(value != int(value) for value in values)
    return candidate.anywhere or int(str(int(values[0]))[:4]) < int(str(int(values[-1]))[:4])


def _financial(value: float) -> Moment | None:
    year, second = divmod(int(value), 100)
    fits = value == int(value) and FIRST_YEAR <= year <= LAST_YEAR and second == (year + 1) % 100
    return Moment("financial year", year) if fits else None


def _pair(size: int, unit: str, value: float) -> Moment | None:
    if value != int(value):
        return None
    return of_part(int(value) // size, unit, int(value) % size)  # type: ignore[arg-type]


def _digits(value: float) -> Moment | None:
    year, rest = divmod(int(value), 10_000)
    return _date(year, rest // 100, rest % 100) if value == int(value) else None


def _digits_last(value: float) -> Moment | None:
    rest, year = divmod(int(value), 10_000)
    return _date(year, rest % 100, rest // 100) if value == int(value) else None


def _date(year: int, month: int, day: int) -> Moment | None:
    try:
        return of_day(dt.date(year, month, day)) if FIRST_YEAR <= year <= LAST_YEAR else None
    except ValueError:
        return None


def _fraction(value: float) -> Moment | None:
    year = int(value)
    for unit, parts in (("quarter", 4), ("month", 12)):
        part = (value - year) * parts
        if abs(part - round(part)) < 0.02 and (unit == "month" or part == round(part)):
            return of_part(year, "month", round(part * 12 / parts) + 1)
    return None


def _two_digits(value: float) -> Moment | None:
    if value != int(value) or not 0 <= value < 100:
        return None
    return Moment("year", int(value) + (2000 if value < CENTURY else 1900))


def _serials(values: list[float]) -> list[Notation]:
    """Return the day serials that may be meant, the likeliest first."""
    size, counted = 1, "days"
    for seconds, word in SECONDS.items():
        if values[0] > 1e8 and all(value % seconds == 0 for value in values):
            size, counted = seconds, word
    found = []
    for who, epoch in EPOCHS:
        read = partial(_serial, epoch, size)
        days = [read(value) for value in values]
        known = [dt.date.fromordinal(day.place) for day in days if day is not None]
        if len(known) < len(values):
            continue
        found.append((_regular(known), Notation(f"{counted} as {who} counts them", read, True)))
    found.sort(key=lambda pair: not pair[0])  # stable: what recurs in the months comes first
    regular = any(is_regular for is_regular, _ in found)
    weekly = all((b - a) % (7 * size) == 0 for a, b in itertools.pairwise(values))
    return [one for _, one in found] if regular or weekly else []


def _serial(epoch: dt.date, size: int, value: float) -> Moment | None:
    try:
        day = epoch + dt.timedelta(days=int(value) // size)
    except OverflowError:
        return None
    inside = OUR_TIME[0] <= day.year <= OUR_TIME[1]
    return of_day(day) if value == int(value) and inside else None


def _regular(days: list[dt.date]) -> bool:
    """Say whether all days are the same one of their month, or the last one."""
    last = all((day + dt.timedelta(days=1)).day == 1 for day in days)
    return last or len({day.day for day in days}) == 1
