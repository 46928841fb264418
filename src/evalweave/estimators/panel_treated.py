"""Start dates from a 0/1 column of treatment: the first treated period, if treatment stays on.

Where all rows of a cluster and period agree, treatment belongs to the cluster, whose first treated
period is everybody's start, seen in it or not; otherwise each unit has a start of its own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from evalweave.estimators.panel_columns import UNKNOWN, Problems, numbers, text_of
from evalweave.fits.result import Floats, Ints
from evalweave.study.analyses import Columns

SWITCHES = (
    "Difference-in-differences here takes a programme that stays once it has come. End follow-up "
    "where it is switched off (leave later rows out, `where` does it), or code 1 from the first "
    "treated period on to estimate the effect of ever having had it."
)


def starts_of_treated(
    frame: pd.DataFrame, columns: Columns, period: Ints, problems: Problems, notes: list[str]
) -> Floats:
    """Return the first treated period of every row (N), inf for never."""
    name = str(columns.treated)
    treated = numbers(frame, name, problems)
    text = text_of(frame[name])
    blank = np.asarray((text.isna() | text.isin(UNKNOWN)).to_numpy(dtype=bool))
    problems.refuse(blank, "a blank", "1 (treated) or 0 in every row", name)
    wrong = ~np.isnan(treated) & (treated != 0) & (treated != 1)
    problems.refuse(wrong, "a number that is neither 0 nor 1", "1 (treated) or 0", name)
    if problems.concern(name):
        return np.full(len(frame), np.inf)
    on = treated == 1
    by, owner = columns.cluster, _codes(frame, columns.cluster)
    if owner is None or not _agree(owner, period, on):
        by, owner = columns.unit, _codes(frame, columns.unit)
    if owner is None:
        problems.add(
            f"rows of one {columns.cluster} and {columns.period} that are treated and others that "
            "are not",
            f"one value a {columns.cluster} and {columns.period}, since no unit is named",
            name,
        )
        return np.full(len(frame), np.inf)
    start = np.full(int(owner.max()) + 2, np.inf)
    np.minimum.at(start, owner[on], period[on].astype(np.float64))
    start[-1] = np.inf  # rows that belong to nobody
    off = ~on & (period > start[owner])
    if off.any():
        many = len(np.unique(owner[off]))
        seen = f"{by}s that are treated and later are not ({many} of them, {int(off.sum())} rows)"
        problems.add(seen, "1 from the first treated period on", name, SWITCHES, _first(off))
    notes.append(f"{name}: starts were taken from the first treated period of each {by}.")
    return np.asarray(start[owner])


def _codes(frame: pd.DataFrame, name: str | None) -> Ints | None:
    """Return codes of a column, -1 for blanks; None without a column."""
    return None if name is None else np.asarray(pd.factorize(frame[name])[0], dtype=np.int64)


def _agree(owner: Ints, period: Ints, on: np.ndarray) -> bool:
    """Say whether all rows of an owner and period are treated alike."""
    span = int(period.max()) - int(period.min()) + 1
    cell = owner * span + (period - period.min())
    _, code = np.unique(cell, return_inverse=True)
    share = np.bincount(code, on) / np.bincount(code)
    return bool(np.isin(share, (0.0, 1.0)).all())


def _first(rows: np.ndarray) -> int:
    return int(rows.argmax()) + 2
