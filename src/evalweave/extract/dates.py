"""Dates as extracts write them: one reader a form, and how to tell which form a column has.

Only `try_cast` decides what is a date (31/02/2016 is none). A form is read because the study file
says so, or because every filled cell of a file's column has it and no other form fits: then it is
unmistakable, is read, and is said.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis

from evalweave.study.records import DATE_FORMS, HOME
from evalweave.timeline import FIRST_DAY

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
# The day that a program counts as 0. Excel takes 1900 for a leap year, hence not 31 December.
EXCEL_1900, EXCEL_1904, SAS = dt.date(1899, 12, 30), dt.date(1904, 1, 1), dt.date(1960, 1, 1)
SURE_SHARE = 0.99  # of the filled cells of a column, for a form that nothing else could be
LAST_NUMBER = 80_000  # a day number of the years in which records are made has five digits at most
_MONTH = "(" + "|".join(MONTHS) + r")(?:UARY|RUARY|CH|IL|E|Y|UST|T|TEMBER|OBER|EMBER)?\.?"
# Of text in capitals.
DAY_MONTH_YEAR = rf"^(\d{{1,2}})(?:ST|ND|RD|TH)?[-/. ]*{_MONTH}[-/., ]*(\d{{4}})([ T:].*)?$"
MONTH_DAY_YEAR = rf"^{_MONTH}[- ]*(\d{{1,2}})(?:ST|ND|RD|TH)?[-, ]+(\d{{4}})([ T:].*)?$"
YEAR_FIRST = r"^(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})([ T].*)?$"
ZONE = r"^(.{16}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
ZONE_WITHOUT_COLON = r"([+-]\d{2})(\d{2})$"  # +0100, which the engine does not know

# What a cell that could not be read looks like, in capitals. Tried on such cells only.
SHAPES = {
    "iso": r"^\d{4}-\d{2}-\d{2}([ T].*)?$",
    "dmy": r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{4}([ T].*)?$",
    "mdy": r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{4}([ T].*)?$",
    "ymd": r"^\d{4}([/. ]\d{1,2}[/. ]\d{1,2}|-\d-\d{1,2}|-\d{2}-\d)([ T].*)?$",
    "yyyymmdd": r"^(1[89]|2[01])\d{6}(\.0+)?$",
    "month_name": f"{DAY_MONTH_YEAR}|{MONTH_DAY_YEAR}",
}
DAY_NUMBER = r"^\d{4,5}(\.\d+)?$"
TWO_DIGIT_YEAR = r"^\d{1,2}([/. -]\d{1,2}[/. -]|[/. -]?[A-Z]{3,9}[/., -]*)\d{2}([ T].*)?$"


@ibis.udf.scalar.builtin(name="timezone")
def in_zone(zone: str, moment: dt.datetime) -> dt.datetime:  # type: ignore[empty-body]
    """DuckDB's: a moment without a zone is taken to be of the zone; one with it is put there."""


def date(text: Any, form: str, zone: str = HOME) -> Any:
    """Return the date that `text` says in the given form (`study.records.DATE_FORMS`), or null.

    A time of day is dropped; a moment with a zone (2015-03-31T23:00:00Z) is the day that it was in
    `zone`. Years have four digits: 0000-01-01 and 0001-01-01 are no dates (engines read the first
    as one before Christ). What a typed file stores as a date is one already.
    """
    day = text if text.type().is_date() else READ[form](text, zone)
    return (day >= ibis.literal(FIRST_DAY, "date")).ifelse(day, ibis.null("date"))


def iso_date(text: Any, zone: str) -> Any:
    """Return the date of 2015-04-01, 2015-04-01T00:00:00 or 2015-03-31T23:00:00Z, or null."""
    plain = (text.length() == 10) & (text.substr(4, 1) == "-")
    dashed = (text.substr(4, 1) == "-") & (text.substr(7, 1) == "-")
    timed = (
        (text.length() > 13)
        & text.substr(10, 1).isin(["T", " ", "t"])
        & (text.substr(13, 1) == ":")
    )
    hour, minute = text.substr(11, 2).try_cast("int8"), text.substr(14, 2).try_cast("int8")
    timed = timed & hour.between(0, 24) & minute.between(0, 59)
    # few extracts have moments, so the pattern is tried on these only
    zoned = (text.length() > 16) & text.upper().re_search(ZONE)
    first = zoned.ifelse(_at_home(text, zone), text.substr(0, 10).try_cast("date"))
    first = (dashed & timed).ifelse(first, ibis.null("date"))
    return plain.ifelse(text.try_cast("date"), first)


def _at_home(text: Any, zone: str) -> Any:
    """Return the day in `zone` of a moment that names its own zone."""
    moment = text.re_replace(ZONE_WITHOUT_COLON, r"\1:\2").try_cast("timestamp('UTC')")
    return in_zone(ibis.literal(zone), moment).date()


def ordered_date(text: Any, order: str) -> Any:
    """Return the date of 01/04/2015 or 1-4-2015 (dmy, or mdy with the month first), or null."""
    first, second = text.substr(0, 2), text.substr(3, 2)
    day, month = (first, second) if order == "dmy" else (second, first)
    marks = text.substr(2, 1).isin(["/", "-", "."]) & (text.substr(5, 1) == text.substr(2, 1))
    plain = (text.length() == 10) & marks
    fast = (text.substr(6, 4) + "-" + month + "-" + day).try_cast("date")
    pattern = (
        r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AP]M)?)?$"
    )
    one, two, year = (text.re_extract(pattern, n) for n in (1, 2, 3))
    day, month = (one, two) if order == "dmy" else (two, one)
    slow = _assembled(year, month, day)
    return plain.ifelse(fast, text.re_search(pattern).ifelse(slow, ibis.null("date")))


def _assembled(year: Any, month: Any, day: Any) -> Any:
    return (year + "-" + month.lpad(2, "0") + "-" + day.lpad(2, "0")).try_cast("date")


def year_first(text: Any) -> Any:
    """Return the date of 2015/04/01, 2015.4.1 or 2015-4-1, or null."""
    year, month, day = (text.re_extract(YEAR_FIRST, n) for n in (1, 2, 3))
    return text.re_search(YEAR_FIRST).ifelse(_assembled(year, month, day), ibis.null("date"))


def digits_only(text: Any) -> Any:
    """Return the date of 20150401 (or of 20150401.0, as a column of numbers prints it), or null."""
    plain = text.re_search(SHAPES["yyyymmdd"])
    day = _assembled(text.substr(0, 4), text.substr(4, 2), text.substr(6, 2))
    return plain.ifelse(day, ibis.null("date"))


def month_by_name(text: Any) -> Any:
    """Return the date of 01-APR-2015, 1 April 2015, 01APR2015 or April 1, 2015, or null."""
    capitals = text.upper()
    dates = []
    for pattern, day, month in ((DAY_MONTH_YEAR, 1, 2), (MONTH_DAY_YEAR, 2, 1)):
        place = ibis.literal("".join(MONTHS)).find(capitals.re_extract(pattern, month))
        number = (place / 3 + 1).floor().cast("int64").cast("string")
        date_ = _assembled(
            capitals.re_extract(pattern, 3), number, capitals.re_extract(pattern, day)
        )
        dates.append(capitals.re_search(pattern).ifelse(date_, ibis.null("date")))
    return ibis.coalesce(*dates)


def day_number(text: Any, day_one: dt.date) -> Any:
    """Return the date of a day number, its fraction (a time of day) dropped, or null."""
    number = text.try_cast("float64").floor()
    usable = number.between(1, LAST_NUMBER)
    days = usable.ifelse(number, ibis.null("float64")).cast("int32")
    day = (ibis.literal(day_one, "date") + days.as_interval("D")).cast("timestamp").cast("date")
    # a typed file's own dates come as 2015-04-01, whatever the others are
    return ibis.coalesce(day, iso_date(text, HOME))


READ: dict[str, Callable[[Any, str], Any]] = {
    "iso": iso_date,
    "dmy": lambda text, zone: ordered_date(text, "dmy"),
    "mdy": lambda text, zone: ordered_date(text, "mdy"),
    "ymd": lambda text, zone: year_first(text),
    "yyyymmdd": lambda text, zone: digits_only(text),
    "month_name": lambda text, zone: month_by_name(text),
    "excel_1900": lambda text, zone: day_number(text, EXCEL_1900),
    "excel_1904": lambda text, zone: day_number(text, EXCEL_1904),
    "days_since_1960": lambda text, zone: day_number(text, SAS),
}


@dataclass(frozen=True)
class Dates:
    """How the date columns of a file are read: as `declared`, or in the form that was `recognised`
    for a column; moments are days of `zone`."""

    declared: str = "iso"
    zone: str = HOME
    recognised: Mapping[str, str] = field(default_factory=dict)

    def form(self, column: str) -> str:
        return self.recognised.get(column, self.declared)

    def read(self, column: str, text: Any) -> Any:
        """Return the date that a cell of a column says, or null."""
        return date(text, self.form(column), self.zone)


def unmistakable(filled: int, unreadable: int, fits: Mapping[str, int]) -> str | None:
    """Return the one form that a column has instead of the declared one; None where none is sure.

    `fits` counts, of the cells that the declared form cannot read, those that other forms can; all
    filled cells must be such. A few typing errors leave a form sure, but not where day and month
    could be exchanged.
    """
    if not filled or unreadable < filled or not fits:
        return None
    best = max(fits, key=lambda form: fits[form])
    others = [fits[form] for form in fits if form != best]
    if best in ("dmy", "mdy"):
        sure = fits[best] == filled and filled not in others
    else:
        sure = fits[best] >= SURE_SHARE * filled and not any(others)
    return best if sure else None


def written(form: str) -> str:
    """Return an example of a form, with its name in the study file."""
    return f"{DATE_FORMS[form]} ({form})"
