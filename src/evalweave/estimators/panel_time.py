"""The periods of a panel and the starts in it, however written, as consecutive integers.

Whole numbers stay as they are. Calendar periods (quarters, months, weeks, dates, serials) are
numbered 1, 2, 3 … by their own unit, or by the year where a period is a year, and this is noted.
Periods that nobody was observed in are named, and no event time is made of them.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evalweave.estimators.panel_columns import Problems, text_of
from evalweave.estimators.runs import factorized, occurring
from evalweave.fits.result import Ints
from evalweave.reading.numbered_time import Notation, notation
from evalweave.reading.written_time import PER_YEAR, Moment, containing, first_day, label, of_texts

PERIODS = (
    "Number the periods one after the other: 2015 for 2015/16, 1, 2, 3 … for months or quarters; "
    "or write them as 2015Q2, 2015-04, 2015W07, 2015-04-01."
)
EXPECTED = "whole numbers or calendar periods, one of them in every row"
FARTHEST = 100_000  # periods from first to last
NAMED = 6  # missing periods named one by one


@dataclass(frozen=True)
class Calendar:
    """How the period column is written.

    Attributes:
        low, high: numbers of the first and last period in which somebody was observed.
        unit: of the calendar; None where the numbers stand as given.
        first: place of the first period in its unit; `step` units make a period.
        base: number of the first period.      ends: periods are named by their last day.
        numeric: how numbers are read, if the column holds calendar periods as numbers.
    """

    low: int
    high: int
    unit: Any = None
    first: int = 0
    step: int = 1
    base: int = 1
    ends: bool = False
    numeric: Notation | None = None

    def number(self, moment: Moment) -> int:
        """Return the number of the period that contains a day or another period."""
        return self.number_of(containing(first_day(moment), self.unit))

    def number_of(self, moment: Moment) -> int:
        steps = (moment.place - self.first) / self.step
        return self.base + (math.ceil(steps) if self.ends else math.floor(steps))

    def label(self, number: int) -> str:
        """Return a period as people write it."""
        if self.unit is None:
            return str(number)
        return label(Moment(self.unit, self.first + (number - self.base) * self.step))


def distinct(column: pd.Series) -> tuple[Ints, list[float] | list[str]]:
    """Return codes (−1 = blank) and the distinct values: numbers if all are, else texts."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if pd.api.types.is_numeric_dtype(column):
        codes, values = factorized(column.to_numpy(dtype=np.float64, na_value=np.nan))
        return codes, [float(value) for value in values]
    codes, uniques = pd.factorize(column)
    texts = text_of(pd.Series(uniques)).fillna("")
    blank = texts == ""
    codes = np.where((codes >= 0) & ~np.append(blank, True)[codes], codes, -1)
    parsed = pd.to_numeric(texts, errors="coerce")
    if parsed[~blank].notna().all():
        return codes, [float(value) for value in parsed]
    return codes, [str(text) for text in texts]


def read_periods(
    column: pd.Series, name: str, problems: Problems, notes: list[str]
) -> tuple[Calendar, Ints]:
    """Return how periods are written, and the period number of every row (N)."""
    kind = getattr(column.dtype, "kind", "O")
    codes, values = distinct(column)
    problems.refuse(codes < 0, "a blank period", EXPECTED, name, PERIODS)
    used = occurring(codes)
    given: list[Any] = [values[code] for code in used]
    calendar = _calendar(given, name, problems, notes) if given else None
    if calendar is None:
        return Calendar(0, 0), np.zeros(len(column), dtype=np.int64)
    if calendar.unit is None:
        _name_gaps(calendar, {int(value) for value in given}, name, notes)
        if kind in "iu":
            return calendar, column.to_numpy(dtype=np.int64)
    else:
        moments = _moments(given, calendar)
        numbered = {calendar.number(moment) for moment in moments}
        _name_gaps(calendar, numbered, name, notes)
        given = [calendar.number(moment) for moment in moments]
    table = np.zeros(max(used) + 2, dtype=np.int64)
    table[used] = [int(value) for value in given]
    return calendar, table[codes]


def _moments(given: list[Any], calendar: Calendar) -> list[Moment]:
    if calendar.numeric is None:
        return of_texts(given) or []
    return [moment for value in given if (moment := calendar.numeric.read(value)) is not None]


def _calendar(given: list[Any], name: str, problems: Problems, notes: list[str]) -> Calendar | None:
    """Return the calendar of the distinct periods `given`, or None with a fault."""
    if isinstance(given[0], str):
        moments = of_texts(given)
        if moments is None:
            seen = "text that is neither a number nor one kind of calendar period"
            problems.add(seen, EXPECTED, name, PERIODS)
            return None
        return _numbered(moments, None, name, problems, notes)
    values = sorted(given)
    if not np.isfinite(values).all():
        problems.add("a blank or infinite period", EXPECTED, name, PERIODS)
        return None
    weekly = "week" in name.lower() or "wk" in name.lower()
    numeric = notation(values, weekly)
    if numeric is not None:
        moments = [moment for v in values if (moment := numeric.read(v)) is not None]
        return _numbered(moments, numeric, name, problems, notes)
    if any(value != int(value) for value in values):
        problems.add("a number with decimals", EXPECTED, name, PERIODS)
        return None
    if values[-1] - values[0] > FARTHEST:
        problems.add("periods very far apart", "consecutive integers", name, PERIODS)
        return None
    return Calendar(int(values[0]), int(values[-1]))


def _numbered(
    moments: list[Moment],
    numeric: Notation | None,
    name: str,
    problems: Problems,
    notes: list[str],
) -> Calendar | None:
    """Return the calendar that numbers `moments` one after the other, and note it."""
    ends = moments[0].unit == "day" and all(_ends_a_month(first_day(m)) for m in moments)
    if moments[0].unit == "day":
        months = [containing(first_day(moment), "month") for moment in moments]
        if len(set(months)) == len({moment.place for moment in moments}):
            moments = months
    places = sorted({moment.place for moment in moments})
    unit = moments[0].unit
    gaps = [later - one for one, later in itertools.pairwise(places)]
    step = math.gcd(*gaps) if gaps else 1
    if unit == "day" and step == 1 and len(places) * 2 < places[-1] - places[0] + 1:
        seen = f"{len(places)} days that follow no rhythm (dates of visits?)"
        problems.add(seen, "the period that each row belongs to", name, PERIODS)
        return None
    yearly = unit in ("year", "financial year") or step == PER_YEAR.get(unit)
    base = first_day(Moment(unit, places[0])).year if yearly else 1
    last = base + (places[-1] - places[0]) // step
    calendar = Calendar(base, last, unit, places[0], step, base, ends, numeric)
    written = numeric.words if numeric else "calendar periods"
    length = f"{step} {unit}s" if step > 1 else f"{unit}s"
    notes.append(
        f"{name}: {written} were read as consecutive periods ({length}), numbered {base} "
        f"({calendar.label(base)}) to {last} ({calendar.label(last)})."
    )
    return calendar


def _ends_a_month(day: dt.date) -> bool:
    return (day + dt.timedelta(days=1)).day == 1


def _name_gaps(calendar: Calendar, seen: set[int], name: str, notes: list[str]) -> None:
    """Note the periods between the first and the last that no row lies in."""
    missing = [n for n in range(calendar.low, calendar.high + 1) if n not in seen]
    if not missing:
        return
    if len(missing) > len(seen):
        present = sorted(seen)
        one, other = next((a, b) for a, b in itertools.pairwise(present) if b > a + 1)
        notes.append(
            f"{name}: the periods jump (nobody was observed between {calendar.label(one)} and "
            f"{calendar.label(other)}, nor in {len(missing)} of {len(missing) + len(seen)} periods "
            "in all): an event time counts every number, and periods without rows have none. "
            "Number the periods one after the other if they follow each other."
        )
        return
    named = [calendar.label(number) for number in missing[:NAMED]]
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    notes.append(
        f"{name}: nobody was observed in {', '.join(named)}{more}: that gap is no event time, and "
        "what would rest on it has no estimate or refers to the last observed period before."
    )
