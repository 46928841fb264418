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


def period_start(day: dt.date, period: str) -> dt.date:
    """Return the first day of the period that contains `day`."""
    if period == "financial_year":
        return dt.date(day.year if day.month >= 4 else day.year - 1, 4, 1)
    months = {"month": 1, "quarter": 3, "half_year": 6, "calendar_year": 12}[period]
    return dt.date(day.year, (day.month - 1) // months * months + 1, 1)


def period_number(day: dt.date, period: str) -> int:
    """Return the consecutive integer of the period that contains `day` (2015 = financial year
    2015/16)."""
    start = period_start(day, period)
    if period in ("financial_year", "calendar_year"):
        return start.year
    months = {"month": 1, "quarter": 3, "half_year": 6}[period]
    return start.year * (12 // months) + (start.month - 1) // months


def period_label(number: int, period: str) -> str:
    """Return a period as people write it: 2015/16, 2015, 2015 H1, 2015 Q2, 2015-04."""
    if period == "financial_year":
        return f"{number}/{(number + 1) % 100:02d}"
    if period == "calendar_year":
        return str(number)
    per_year = {"month": 12, "quarter": 4, "half_year": 2}[period]
    year, part = divmod(number, per_year)
    return {
        "month": f"{year}-{part + 1:02d}",
        "quarter": f"{year} Q{part + 1}",
        "half_year": f"{year} H{part + 1}",
    }[period]
