"""The window that is studied and the periods that it is cut into."""

from __future__ import annotations

import datetime as dt
from typing import Literal, Self

from pydantic import Field, model_validator

from evalweave.study.section import Section


class Window(Section):
    first: dt.date = Field(description="First day studied.")
    last: dt.date = Field(description="Last day studied.")
    period: Literal["month", "quarter", "half_year", "financial_year", "calendar_year"] = Field(
        "financial_year",
        description="Length of a period of the panel; a financial year starts on 1 April.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last <= self.first:
            raise ValueError(f"last ({self.last}) must be after first ({self.first})")
        return self


# Length of a period in months, and how many months after January the first one of a year begins.
LENGTHS = {
    "month": (1, 0),
    "quarter": (3, 0),
    "half_year": (6, 0),
    "financial_year": (12, 3),
    "calendar_year": (12, 0),
}


def period_start(day: dt.date, period: str) -> dt.date:
    """Return the first day of the period that contains `day`."""
    return first_day(period_number(day, period), period)


def period_number(day: dt.date, period: str) -> int:
    """Return the consecutive integer of the period that contains `day` (2015 = financial year
    2015/16)."""
    months, after_january = LENGTHS[period]
    return (12 * day.year + day.month - 1 - after_january) // months


def first_day(number: int, period: str) -> dt.date:
    """Return the first day of a period, by its number."""
    months, after_january = LENGTHS[period]
    year, month = divmod(number * months + after_january, 12)
    return dt.date(year, month + 1, 1)


def period_label(number: int, period: str) -> str:
    """Return a period as people write it: 2015/16, 2015, 2015 H1, 2015 Q2, 2015-04."""
    if period == "financial_year":
        return f"{number}/{(number + 1) % 100:02d}"
    year, part = divmod(number, 12 // LENGTHS[period][0])
    return {
        "calendar_year": f"{year}",
        "month": f"{year}-{part + 1:02d}",
        "quarter": f"{year} Q{part + 1}",
        "half_year": f"{year} H{part + 1}",
    }[period]
