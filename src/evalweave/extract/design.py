"""What is wrong with the practices as a design, seen from their table alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from evalweave.catalogue.words import number_of
from evalweave.errors import Fault
from evalweave.study.periods import period_number, period_start

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.study.people import Comparison
    from evalweave.study.whole import Study


def practice_faults(practices: pd.DataFrame, study: Study) -> list[str]:
    """Return what is wrong with the practices as a design: arms of one practice, a start without a
    period before."""
    file, period = Path(study.practices).name, study.window.cut
    faults = []
    first = period_number(study.window.first, period)
    starts = practices["programme_start"]
    for row, start in enumerate(starts, start=2):
        if isinstance(start, dt.date) and period_number(start, period) <= first:
            fault = Fault(
                file,
                f"a programme that starts on {start}, with no period before",
                f"a start after the first period of the window ({study.window.first})",
                "Begin the window earlier, or leave the practice out.",
                row,
                "programme_start",
            )
            faults.append(str(fault))
    if study.allocation is not None and study.allocation.columns():
        for row, area in enumerate(practices["area"].isna(), start=2):
            if area:
                found, expected = "no area", "one for every practice, as `allocation` needs"
                faults.append(str(Fault(file, found, expected, row=row, column="area")))
    for name, group in study.comparisons.items():
        faults += [str(fault) for fault in _faults_of_arms(file, practices, name, group)]
    return faults


def straddling(practices: pd.DataFrame, study: Study) -> list[str]:
    """Return a sentence where programmes start inside a period, with what becomes of it and how
    none would."""
    cut = study.window.cut
    starts = [start for start in practices["programme_start"] if isinstance(start, dt.date)]
    inside = [start for start in starts if period_start(start, cut) != start]
    if not inside:
        return []
    becomes = {
        "drop": "that period is dropped for them",
        "treated": "that period counts as treated",
        "untreated": "that period counts as untreated",
    }[study.exposure.straddling]
    way = ""
    months = {start.month for start in starts}
    within = sum(start.day != 1 for start in inside)
    if within:
        way = (
            " Periods begin on the first of a month, so window, anchor helps none of the "
            f"{number_of(within, 'practice')} that start later in it."
        )
    elif len(months) == 1 and study.window.period != "month":
        way = f" With window, anchor: {months.pop()} periods begin with the programme's month."
    return [
        f"{len(inside)} of {len(starts)} practices start inside a period (such as on "
        f"{min(inside)}); {becomes} (exposure, straddling: {study.exposure.straddling}).{way}"
    ]


def _faults_of_arms(
    file: str, practices: pd.DataFrame, name: str, group: Comparison
) -> Iterator[Fault]:
    """Yield what is wrong with the arms of one comparison."""
    starts = practices["programme_start"]
    if group.kind == "not_yet_treated" and starts.nunique(dropna=False) < 2:
        yield Fault(
            file,
            f"one start for all practices, so that comparison {name} has nobody to compare with",
            "later starters or practices without the programme",
            column="programme_start",
        )
    never = practices[starts.isna()]
    absent: list[str] = []
    if group.areas is not None:
        absent = sorted(set(group.areas) - set(practices["area"].dropna()))
        never = never[never["area"].isin(group.areas)]
    for area in absent:
        yield Fault(
            file,
            f'no practice of the area "{area}", which comparison {name} asks for',
            "at least two",
            "Correct the area there or in the study file.",
            column="area",
        )
    for arm, n in (("programme", int(starts.notna().sum())), ("comparison", len(never))):
        asked = arm == "programme" or group.kind == "never_treated"
        if n < 2 and asked and not absent:
            yield Fault(
                file,
                f"{number_of(n, 'practice')} in the {arm} arm of comparison {name}",
                "at least two",
                "With one practice nothing tells its programme from its other peculiarities.",
                column="programme_start",
            )
