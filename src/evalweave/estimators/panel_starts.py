"""First treated periods, however written: a period of the panel, or not treated within it.

Blank, 0, infinity, `never` and its like, −1 and its like, and every start after the last period
(9999 and 10000 among them) mean one thing, that the unit is untreated throughout, and each is
noted with its rows. What could mean two things is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from evalweave.estimators.panel_columns import Problems
from evalweave.estimators.panel_time import Calendar, distinct
from evalweave.estimators.runs import occurring
from evalweave.fits.result import Floats, Ints
from evalweave.reading.written_time import LAST_YEAR, Moment, of_texts

STARTS = (
    "Write the first treated period as in the period column; leave it blank (or write never) for "
    "who is never treated."
)
EXPECTED = "the first treated period, blank for never"
NEVER = {
    *("never", "never treated", "never-treated", "never_treated", "not treated", "untreated"),
    *("none", "no", "control", "comparison", "inf", "+inf", "infinity", "∞", "-", "–", "—"),
    *("na", "n/a", "nan", "null", "<na>", "nat", ".", *(f".{letter}" for letter in "abcdefgz")),
}
MINUS = (-1, -2, -7, -8, -9, -88, -99, -888, -999, -9999)  # codes, not periods
FAR_BELOW = 10  # lengths of the panel before its first period, from where a code is no start
UNCLEAR = {"unknown", "missing", "?", "not known"}


@dataclass
class _Reading:
    """What has been made of the distinct starts: numbers by place, and which meant never."""

    number: dict[int, float] = field(default_factory=dict)
    never: dict[str, list[int]] = field(default_factory=dict)
    wrong: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)

    def set_never(self, place: int, word: str) -> None:
        self.number[place] = np.inf
        self.never.setdefault(word, []).append(place)

    def refuse(self, place: int, seen: str, expected: str = EXPECTED, action: str = STARTS) -> None:
        self.number[place] = np.inf
        self.wrong.setdefault((seen, expected, action), []).append(place)


def read_starts(
    column: pd.Series, name: str, calendar: Calendar, problems: Problems, notes: list[str]
) -> Floats:
    """Return the first treated period of every row (N), inf where it means never."""
    codes, values = distinct(column)
    used = occurring(codes)
    reading = _Reading()
    texts: list[int] = []
    figures: list[int] = []
    for place in used:
        value: Any = values[place]
        (figures if isinstance(value, float) else texts).append(place)
    figures += [place for place in texts if _is_number(values[place])]
    texts = [place for place in texts if place not in set(figures)]
    _read_texts({place: str(values[place]) for place in texts}, calendar, reading)
    has_blank = bool((codes < 0).any()) or bool(reading.never)
    _read_numbers({p: float(values[p]) for p in figures}, calendar, has_blank, reading, name, notes)

    for (seen, expected, action), places in reading.wrong.items():
        problems.refuse(np.isin(codes, places), seen, expected, name, action)
    _note_never(reading, codes, name, notes)
    table = np.full((max(used) if used else 0) + 2, np.inf)
    for place, number in reading.number.items():
        table[place] = number
    return np.asarray(table[codes])


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _read_texts(texts: dict[int, str], calendar: Calendar, reading: _Reading) -> None:
    rest = {}
    for place, text in texts.items():
        if text.lower() in NEVER:
            reading.set_never(place, text)
        elif text.lower() in UNCLEAR:
            reading.refuse(
                place,
                "a start that is unknown",
                action="Whether such a unit is treated cannot be told: leave its rows out.",
            )
        else:
            rest[place] = text
    if not rest:
        return
    moments = of_texts(list(rest.values()))
    if moments is None:
        for place in rest:
            reading.refuse(place, "text that is neither a number nor a date")
        return
    for place, moment in zip(rest, moments, strict=True):
        _place(place, moment, calendar, reading)


def _place(place: int, moment: Moment, calendar: Calendar, reading: _Reading) -> None:
    if calendar.unit is not None:
        reading.number[place] = float(calendar.number(moment))
    elif moment.unit in ("year", "financial year"):
        reading.number[place] = float(moment.place)
    else:
        reading.refuse(
            place,
            "dates or calendar periods, while the periods of the panel are plain numbers",
            "both columns written in the same way",
        )


def _read_numbers(
    values: dict[int, float],
    calendar: Calendar,
    has_blank: bool,
    reading: _Reading,
    name: str,
    notes: list[str],
) -> None:
    """Read starts that are numbers, one by one."""
    finite = sorted(value for value in values.values() if np.isfinite(value) and value > 0)
    short = calendar.unit is None and calendar.low >= 1900 and bool(finite) and finite[0] < 100
    for place, value in values.items():
        if np.isinf(value):
            reading.set_never(place, "Inf")
        elif value == 0 and not (calendar.unit is None and calendar.low <= 0 <= calendar.high):
            reading.set_never(place, "0")
        elif value == 0:
            reading.refuse(
                place,
                "0, which may mean the period 0 or never",
                "periods from 1 on, and blank for never",
            )
        elif value < 0 and calendar.low >= 0:
            if value in MINUS and (calendar.low >= 100 or not has_blank):
                reading.set_never(place, f"{value:g}")
            else:
                reading.refuse(place, "a negative start")
        elif calendar.unit is not None:
            _calendar_number(place, value, calendar, reading)
        elif short and value < 100:
            reading.number[place] = value + (2000 if value < 50 else 1900)
        else:
            _plain_number(place, value, calendar, reading)
    if short:
        notes.append(f"{name}: starts of two digits were read as years (15 = 2015).")


def _calendar_number(place: int, value: float, calendar: Calendar, reading: _Reading) -> None:
    moment = calendar.numeric.read(value) if calendar.numeric is not None else None
    if moment is not None:
        reading.number[place] = float(calendar.number(moment))
    elif _far(value):
        reading.set_never(place, f"{value:g}" if value < 1e5 else f"{value:.0f}")
    elif calendar.base > 1 and value == int(value) and 1900 <= value <= LAST_YEAR:
        reading.number[place] = value  # periods are years, and so is the start
    else:
        reading.refuse(
            place,
            "a number that is no period as the period column writes them",
            "both columns written in the same way",
        )


def _plain_number(place: int, value: float, calendar: Calendar, reading: _Reading) -> None:
    if value != int(value):
        reading.refuse(place, "a number with decimals")
    elif _far(value) and calendar.low - value > FAR_BELOW * (calendar.high - calendar.low + 1):
        reading.set_never(place, f"{value:.0f}")  # 9999 beside periods such as 201501
    elif value > calendar.high and not _far(value) and _of_other_kind(value, calendar):
        reading.refuse(
            place,
            "a year and month (or date) in one number, while the periods are years",
            "both columns written in the same way",
        )
    else:
        reading.number[place] = value


def _far(value: float) -> bool:
    """Say whether a number is one that stands for never: 9999, 99999 …, or 10000, 100000 …"""
    digits = f"{value:.0f}"
    return len(digits) >= 3 and (set(digits) == {"9"} or digits.rstrip("0") == "1")


def _of_other_kind(value: float, calendar: Calendar) -> bool:
    """Say whether a start after a panel of years would lie near them as yyyymm or yyyymmdd."""
    if not 1900 <= calendar.low <= calendar.high <= LAST_YEAR:
        return False
    for size, parts in ((100, 53), (10_000, 1231)):
        year, part = divmod(int(value), size)
        if calendar.low - 50 <= year <= calendar.high + 50 and 1 <= part <= parts:
            return True
    return False


def _note_never(reading: _Reading, codes: Ints, name: str, notes: list[str]) -> None:
    if reading.never:
        places = [place for some in reading.never.values() for place in some]
        words = " and ".join(reading.never)
        verb = "were" if len(reading.never) > 1 else "was"
        rows = int(np.isin(codes, places).sum())
        notes.append(f"{name}: {words} {verb} read as never treated ({rows} rows).")


def within_panel(
    starts: Floats,
    of_unit: Floats,
    calendar: Calendar,
    anticipation: int,
    name: str,
    notes: list[str],
) -> Floats:
    """Return the starts with those after the last period as inf, and note what lies outside.

    `of_unit` has one start a unit. With anticipation a, effects may show a periods before a start,
    so that a start up to a periods after the last one still counts as treated.
    """
    low, high = calendar.low, calendar.high
    early = int((of_unit <= low).sum())
    if early:
        notes.append(
            f"{name}: {early} units start in or before the first period and were never seen "
            "untreated."
        )
    late = of_unit[np.isfinite(of_unit) & (of_unit > high + anticipation)]
    if not len(late):
        return starts
    which = [calendar.label(int(value)) for value in np.unique(late)]
    shown = ", ".join(which[:3]) + (" …" if len(which) > 3 else "")
    notes.append(
        f"{name}: {len(late)} units start after the last period ({shown}): they are untreated "
        "throughout and serve as comparisons, as the never treated do."
    )
    return np.where(starts > high + anticipation, np.inf, starts)
