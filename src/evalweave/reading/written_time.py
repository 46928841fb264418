"""How people write days and periods: text, numbers, serials. One value becomes one `Moment`.

A `Moment` is a unit of the calendar (day, week, month, quarter, half year, year) and its place in
it, an integer that grows by one from a unit to the next:

    day      proleptic ordinal (1 = 1 January of year 1)    month        12 × year + month − 1
    week     ordinal of its Monday // 7 (ISO 8601)          quarter       4 × year + quarter − 1
    year     the year; of 2015/16, 2015                     half year     2 × year + half − 1
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal

Unit = Literal["day", "week", "month", "quarter", "half year", "year", "financial year"]
FIRST_YEAR, LAST_YEAR = 1900, 2199  # years that four digits may mean
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
PER_YEAR = {"month": 12, "quarter": 4, "half year": 2}
LETTER: dict[str, Unit] = {"q": "quarter", "m": "month", "w": "week", "h": "half year"}
LATE = 22  # midnight on the clock of Europe is 22:00 or 23:00 of the day before in UTC

YEAR_PART = re.compile(r"(\d{4})[ \-/:.]?([qmwh])[ ]?(\d{1,2})", re.IGNORECASE)
PART_YEAR = re.compile(r"([qmwh])(\d{1,2})[ \-/](\d{4})", re.IGNORECASE)
TWO_YEARS = re.compile(r"(?:FY ?)?(\d{4})[/\-–](\d{2}|\d{4})", re.IGNORECASE)
YEAR_MONTH = re.compile(r"(\d{4})[\-/.](\d{1,2})")
MONTH_YEAR = re.compile(r"(\d{1,2})[\-/.](\d{4})")
NAMED_MONTH = re.compile(r"([a-z]{3,9})\.?[ \-/]?(\d{4}|\d{2})", re.IGNORECASE)
DAY = re.compile(r"(\d{4})[\-/.](\d{1,2})[\-/.](\d{1,2})(?:[T ](\d{1,2}):(\d{2})\S*.*)?")
DAY_NAMED = re.compile(r"(\d{1,2})[ \-]?([a-z]{3,9})\.?[ \-]?(\d{4})", re.IGNORECASE)
DAY_LAST = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})(?:[T ].*)?")


@dataclass(frozen=True)
class Moment:
    """A day or period: its unit and its place (see the module)."""

    unit: Unit
    place: int


def of_day(day: dt.date, hour: int = 0) -> Moment:
    """Return a day; an hour before midnight is the day that follows (midnight, written in UTC)."""
    return Moment("day", day.toordinal() + (hour >= LATE))


def of_part(year: int, unit: Unit, part: int) -> Moment | None:
    """Return the `part`-th (from 1) week, month, quarter or half of a year; None if it has none."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    if unit == "week":
        return _week(year, part)
    parts = PER_YEAR[unit]
    return Moment(unit, year * parts + part - 1) if 1 <= part <= parts else None


def _week(year: int, week: int) -> Moment | None:
    try:
        return Moment("week", dt.date.fromisocalendar(year, week, 1).toordinal() // 7)
    except ValueError:
        return None


def of_texts(texts: list[str]) -> list[Moment] | None:
    """Return what a column of texts means, all in one unit; None if there is no such reading.

    The column decides what one cell cannot: 2009-10, 2010-11, 2011-12 are three financial years and
    not three months (the reading with the fewest empty periods), 03/04/2015 is a day of April
    unless some other cell makes sense with the month first only.
    """
    for month_first in (False, True):
        meanings = [_of_text(text.strip(), month_first) for text in texts]
        readings: list[list[Moment]] = []
        for unit in ("financial year", "month", "day", "quarter", "week", "half year"):
            chosen = [[moment for moment in some if moment.unit == unit] for some in meanings]
            if all(chosen):
                readings.append([some[0] for some in chosen])
        if readings:
            return min(readings, key=_span)
    return None


def _of_text(text: str, month_first: bool) -> list[Moment]:
    readers = (_parts, _two_years, _months, _named, _days)
    meanings = [moment for reader in readers for moment in reader(text)]
    if found := DAY_LAST.fullmatch(text):
        one, other = int(found[1]), int(found[2])
        day, month = (other, one) if month_first else (one, other)
        meanings.append(_day(int(found[3]), month, day))
    return [moment for moment in meanings if moment is not None]


def _span(moments: list[Moment]) -> int:
    places = {moment.place for moment in moments}
    return max(places) - min(places) + 1 - len(places)


def _parts(text: str) -> list[Moment | None]:
    if found := YEAR_PART.fullmatch(text):
        return [of_part(int(found[1]), LETTER[found[2].lower()], int(found[3]))]
    if found := PART_YEAR.fullmatch(text):
        return [of_part(int(found[3]), LETTER[found[1].lower()], int(found[2]))]
    return []


def _two_years(text: str) -> list[Moment | None]:
    found = TWO_YEARS.fullmatch(text)
    if not found or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
        return []
    first, second = int(found[1]), int(found[2])
    follows = second == (first + 1 if len(found[2]) == 4 else (first + 1) % 100)
    return [Moment("financial year", first)] if follows else []


def _months(text: str) -> list[Moment | None]:
    if found := YEAR_MONTH.fullmatch(text):
        return [of_part(int(found[1]), "month", int(found[2]))]
    if found := MONTH_YEAR.fullmatch(text):
        return [of_part(int(found[2]), "month", int(found[1]))]
    return []


def _named(text: str) -> list[Moment | None]:
    if found := NAMED_MONTH.fullmatch(text):
        month, year = _month(found[1]), int(found[2])
        year += 0 if len(found[2]) == 4 else 2000 if year < 50 else 1900
        return [of_part(year, "month", month)] if month else []
    if found := DAY_NAMED.fullmatch(text):
        month = _month(found[2])
        return [_day(int(found[3]), month, int(found[1]))] if month else []
    return []


def _month(word: str) -> int:
    return MONTHS.index(word[:3].lower()) + 1 if word[:3].lower() in MONTHS else 0


def _days(text: str) -> list[Moment | None]:
    if found := DAY.fullmatch(text):
        return [_day(int(found[1]), int(found[2]), int(found[3]), int(found[4] or 0))]
    return []


def _day(year: int, month: int, day: int, hour: int = 0) -> Moment | None:
    try:
        return of_day(dt.date(year, month, day), hour)
    except (ValueError, OverflowError):
        return None


def first_day(moment: Moment) -> dt.date:
    """Return the first day of a moment (1 April of a financial year)."""
    if moment.unit == "day":
        return dt.date.fromordinal(moment.place)
    if moment.unit == "week":
        return dt.date.fromordinal(moment.place * 7 + 1)
    if moment.unit in ("year", "financial year"):
        return dt.date(moment.place, 1 if moment.unit == "year" else 4, 1)
    year, part = divmod(moment.place, PER_YEAR[moment.unit])
    return dt.date(year, part * 12 // PER_YEAR[moment.unit] + 1, 1)


def containing(day: dt.date, unit: Unit) -> Moment:
    """Return the period of length `unit` that contains a day."""
    if unit == "day":
        return of_day(day)
    if unit == "week":
        return Moment("week", (day.toordinal() - 1) // 7)
    if unit == "financial year":
        return Moment(unit, day.year - (day.month < 4))
    if unit == "year":
        return Moment(unit, day.year)
    parts = PER_YEAR[unit]
    return Moment(unit, day.year * parts + (day.month - 1) * parts // 12)


def label(moment: Moment) -> str:
    """Return a moment as people write it: 2015-04-01, 2015W07, 2015-04, 2015Q2, 2015H1, 2015/16."""
    start = first_day(moment)
    if moment.unit == "day":
        return start.isoformat()
    if moment.unit == "week":
        year, week, _ = start.isocalendar()
        return f"{year}W{week:02d}"
    if moment.unit == "year":
        return str(moment.place)
    if moment.unit == "financial year":
        return f"{moment.place}/{(moment.place + 1) % 100:02d}"
    if moment.unit == "month":
        return f"{start.year}-{start.month:02d}"
    part = moment.place % PER_YEAR[moment.unit] + 1
    return f"{start.year}{'Q' if moment.unit == 'quarter' else 'H'}{part}"
