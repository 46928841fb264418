"""What tables of follow-up and of the dead, which stand beside a panel, must be."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from evalweave.catalogue.kinds import COUNT, KINDS
from evalweave.errors import Fault, StudyError, raise_faults
from evalweave.estimators.panel_columns import LARGEST
from evalweave.panel import DEAD_SHARE
from evalweave.study.analyses import Columns

FURTHEST = 1000  # periods before or after those of the panel
RUNS, DEAD = "followed", "deaths"


def check_runs(followed: pd.DataFrame, panel: pd.DataFrame, columns: Columns) -> None:
    """Raise `DataError` unless from_period and to_period are periods, in this order and near the
    panel's."""
    faults = list(_no_periods(panel, columns.period, "the panel"))
    for name in ("from_period", "to_period"):
        faults += _no_periods(followed, name, RUNS)
    raise_faults(faults)
    first, last = (followed[name].astype("float64") for name in ("from_period", "to_period"))
    reversed_ = first > last
    if reversed_.any():
        expected = "from_period at or before to_period"
        faults.append(_fault(RUNS, reversed_, "a run that ends before it begins", expected))
    known = panel[columns.period].astype("float64")
    far = (first < known.min() - FURTHEST) | (last > known.max() + FURTHEST)
    if len(known) and far.any():
        expected = f"periods near the panel's, {known.min():.0f} to {known.max():.0f}"
        faults.append(_fault(RUNS, far, "a run very far from the panel's periods", expected))
    raise_faults(faults)


def check_dead(died: pd.DataFrame, panel: pd.DataFrame, columns: Columns, value: float) -> None:
    """Raise `DataError` unless the dead have periods, each once, and a share of it, 0 to 1.

    Raises:
        StudyError: for a value that is none.
    """
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise StudyError(f"dead_value: {value:g} is no value of an outcome. Give a finite number.")
    faults = list(_no_periods(panel, columns.period, "the panel"))
    faults += _no_counts(panel, columns)
    faults += _no_periods(died, columns.period, DEAD)
    share = pd.to_numeric(died[DEAD_SHARE], errors="coerce")
    wrong = ~share.between(0, 1)
    if wrong.any():
        expected = "the share of the period's days after death, 0 to 1"
        faults.append(_fault(DEAD, wrong, "no share", expected, DEAD_SHARE))
    twice = died.duplicated([columns.owner, columns.period])
    if twice.any():
        expected = "one row a person and period"
        faults.append(_fault(DEAD, twice, "a person and period that stand twice", expected))
    raise_faults(faults)


def _no_counts(panel: pd.DataFrame, columns: Columns) -> Iterator[Fault]:
    """Say where a count is none, before the dead have their value for part of a period."""
    if columns.kind != COUNT:
        return
    counted = pd.to_numeric(panel[columns.outcome], errors="coerce")
    odd = counted.notna() & ((counted < 0) | (counted != counted.round()))
    if odd.any():
        yield _fault("the panel", odd, "what no count is", KINDS[COUNT].values, columns.outcome)


def _no_periods(table: pd.DataFrame, name: str, file: str) -> Iterator[Fault]:
    numbers = pd.to_numeric(table[name], errors="coerce").astype("float64")
    wrong = ~np.isfinite(numbers) | (numbers != numbers.round())
    if wrong.any():
        yield _fault(file, wrong, "no period", "whole numbers, as `evalweave panel` writes", name)


def _fault(file: str, wrong: pd.Series, found: str, expected: str, column: str = "") -> Fault:
    row = int(np.flatnonzero(wrong.to_numpy())[0]) + 2
    return Fault(file, f"{found} ({int(wrong.sum())} rows)", expected, "", row, column or None)
