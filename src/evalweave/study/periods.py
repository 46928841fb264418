"""The window that is studied and the periods that it is cut into."""

from __future__ import annotations

import datetime as dt
from typing import Literal, Self

from pydantic import Field, model_validator

from evalweave.study.section import Section
from evalweave.timeline import FIRST_DAY, LAST_DAY


class Window(Section):
    first: dt.date = Field(description="First day studied.")
    last: dt.date = Field(description="Last day studied.")
    period: Literal["month", "quarter", "half_year", "financial_year", "calendar_year"] = Field(
        "financial_year",
        description="Length of a period of the panel; a financial year starts on 1 April.",
    )
    anchor: Literal["programme_start"] | int | None = Field(
        None,
        description="The month (1 to 12) with which quarters, half-years and years begin instead "
        "of the usual one; programme_start: the month of the index date, so that a programme that "
        "starts on its first day starts with a period. Periods begin on the first of a month: what "
        "becomes of one with a later start in it, exposure, straddling says.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last <= self.first:
            raise ValueError(f"last ({self.last}) must be after first ({self.first})")
        if self.last > LAST_DAY or self.first < FIRST_DAY:
            raise ValueError(
                f"found {self.first} to {self.last}, expected days from {FIRST_DAY} to {LAST_DAY}, "
                "which is all that a table may hold; write the days that are studied"
            )
        if self.anchor is not None and self.period == "month":
            raise ValueError("anchor: months begin with themselves. Remove it")
        if isinstance(self.anchor, int) and not 1 <= self.anchor <= 12:
            raise ValueError(f"anchor: found {self.anchor}, expected a month from 1 to 12")
        return self

    @property
    def cut(self) -> str:
        """How the window is cut into periods, as the functions below take it: the length, and the
        month with which periods begin where that is declared (half_year@6)."""
        return f"{self.period}@{self.anchor}" if isinstance(self.anchor, int) else self.period

    def anchored(self, index_date: dt.date) -> Self:
        """Return the window with the programme's month in place of the word for it."""
        if self.anchor != "programme_start":
            return self
        return self.model_copy(update={"anchor": index_date.month})


# Length of a period in months, and how many months after January the first one of a year begins.
LENGTHS = {
    "month": (1, 0),
    "quarter": (3, 0),
    "half_year": (6, 0),
    "financial_year": (12, 3),
    "calendar_year": (12, 0),
}


def shape(period: str) -> tuple[int, int]:
    """Return the length of a period in months, and how many months after January one begins."""
    name, _, month = period.partition("@")
    months, after_january = LENGTHS[name]
    return (months, (int(month) - 1) % months) if month else (months, after_january)


def periods_a_year(period: str) -> int:
    """Return how many periods are a year."""
    return 12 // shape(period)[0]


def period_start(day: dt.date, period: str) -> dt.date:
    """Return the first day of the period that contains `day`."""
    return first_day(period_number(day, period), period)


def period_number(day: dt.date, period: str) -> int:
    """Return the consecutive integer of the period that contains `day` (2015 = financial year
    2015/16)."""
    months, after_january = shape(period)
    return (12 * day.year + day.month - 1 - after_january) // months


def first_day(number: int, period: str) -> dt.date:
    """Return the first day of a period, by its number."""
    months, after_january = shape(period)
    year, month = divmod(number * months + after_january, 12)
    return dt.date(year, month + 1, 1)


def period_label(number: int, period: str) -> str:
    """Return a period as people write it: 2015/16, 2015, 2015 H1, 2015 Q2, 2015-04; where it begins
    with another month than usual, 2015-06 to 2015-11."""
    if "@" in period:
        last = first_day(number + 1, period) - dt.timedelta(days=1)
        return f"{first_day(number, period):%Y-%m} to {last:%Y-%m}"
    if period == "financial_year":
        return f"{number}/{(number + 1) % 100:02d}"
    year, part = divmod(number, 12 // LENGTHS[period][0])
    return {
        "calendar_year": f"{year}",
        "month": f"{year}-{part + 1:02d}",
        "quarter": f"{year} Q{part + 1}",
        "half_year": f"{year} H{part + 1}",
    }[period]
