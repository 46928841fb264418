"""Secondary suppression: which further cells must be hidden so that no hidden cell follows from a
total.

The reader of a table knows the rule: a hidden cell lies between `low` and `high`, a shown one is
within `slack` of the truth (2 where counts are rounded to 5, 0 where they are exact), and so is the
total of a group. From these the reader brackets each hidden cell,

    S = total - sum of shown cells,   S +/- slack x (shown cells + 1),   cell = S - the other hidden
    cells,

and a cell is recovered when fewer than `PROTECTION` values are left. Then the next smallest shown
cell of the group is hidden too, which the reader cannot bound from above. With exact counts and
crossing groups (the rows and the columns of a table) a cell may also follow from several totals
together: it does exactly when it is constant on the null space of the group sums, and that is
checked as well.

Source: Hundepool and others, Statistical Disclosure Control (Wiley 2012), chapter 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

PROTECTION = 3  # a hidden cell must keep this many possible values (or all that the rule leaves it)

Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]


def suppress_secondary(
    frame: pd.DataFrame,
    groups: Sequence[Sequence[str]],
    count: str,
    hidden: pd.Series,
    *,
    low: int,
    high: int,
    slack: int = 0,
    also: pd.Series | None = None,
) -> pd.Series:
    """Return which cells of `frame[count]` (exact counts) to hide: `hidden` ones and those that
    protect them.

    Each entry of `groups` lists key columns; the rows that agree on them add up to a total that is
    published (blank keys agree with blank keys; an empty list is the whole table). `low` and `high`
    bound a hidden cell; cells that `also` hides, for another reason than their size, have no upper
    bound.
    """
    counts = frame[count].fillna(0).to_numpy(dtype=np.int64)
    primary = hidden.to_numpy(dtype=bool)
    members = [rows for keys in groups for rows in _members(frame, keys)]
    chosen = primary.copy() if also is None else primary | also.to_numpy(dtype=bool)
    while True:
        more = [
            cell
            for rows in members
            for cell in _helpers(counts, primary, chosen, rows, low, high, slack)
        ]
        if not more and slack == 0:
            more = _through_several(counts, chosen, members)
        if not more:
            return pd.Series(chosen, index=frame.index, dtype=bool)
        chosen[more] = True


def _members(frame: pd.DataFrame, keys: Sequence[str]) -> list[Counts]:
    """Return the row numbers of each group."""
    if not keys:
        return [np.arange(len(frame))]
    codes = frame.groupby(list(keys), dropna=False, sort=True).ngroup().to_numpy()
    return [np.flatnonzero(codes == code) for code in range(int(codes.max(initial=-1)) + 1)]


def _helpers(
    counts: Counts, primary: Flags, chosen: Flags, rows: Counts, low: int, high: int, slack: int
) -> list[int]:
    """Return the cell of a group that must be hidden as well, or nothing."""
    inside = rows[chosen[rows]]
    shown = rows[~chosen[rows]]
    if len(inside) == 0 or (counts[shown] == 0).all():
        return []  # nothing is left to hide but the total: see `total_is_safe`
    rounded = shown[counts[shown] > 0]
    width = slack * (len(rounded) + 1)
    step = 2 * slack + 1
    total = _nearest(int(counts[rows].sum()), step) - sum(
        _nearest(int(counts[r]), step) for r in shown
    )
    ceiling = np.where(primary[inside], float(high), np.inf)
    if _protected(ceiling, low, total - width, total + width, high - low + 1):
        return []
    return [int(rounded[np.argmin(counts[rounded])])]


def total_is_safe(
    cells: Sequence[int], hidden: Sequence[bool], low: int, high: int, slack: int = 0
) -> bool:
    """May the total of a group be shown? Not when nothing but hidden cells adds up to it and it
    gives one away."""
    inside = [n for n, hide in zip(cells, hidden, strict=True) if hide]
    if not inside or any(n and not hide for n, hide in zip(cells, hidden, strict=True)):
        return True
    total = _nearest(sum(inside), 2 * slack + 1)
    return _protected(
        np.full(len(inside), float(high)), low, total - slack, total + slack, high - low + 1
    )


def _protected(
    ceiling: NDArray[np.float64], low: int, least: float, most: float, values: int
) -> bool:
    """Do hidden cells from `low` to their `ceiling`, adding up to `least` … `most`, keep enough
    possible values?"""
    for position in range(len(ceiling)):
        others = np.delete(ceiling, position)
        lowest = max(low, least - float(others.sum()))
        highest = min(ceiling[position], most - low * len(others))
        if highest - lowest + 1 < min(PROTECTION, values):
            return False
    return True


def _nearest(value: int, step: int) -> int:
    return (2 * value + step) // (2 * step) * step


def _through_several(counts: Counts, chosen: Flags, members: list[Counts]) -> list[int]:
    """Return one more cell where a hidden one is determined by several exact totals together."""
    cells = np.flatnonzero(chosen)
    if len(cells) == 0:
        return []
    sums = np.array([np.isin(cells, rows) for rows in members], dtype=float)
    _, sizes, right = np.linalg.svd(sums, full_matrices=True)
    free = right[int((sizes > 1e-9).sum()) :]
    known = cells[(np.abs(free) < 1e-9).all(axis=0)] if len(free) else cells
    for cell in known:
        near = [rows[~chosen[rows] & (counts[rows] > 0)] for rows in members if cell in rows]
        candidates = [int(other) for rows in near for other in rows]
        if candidates:
            return [min(candidates, key=lambda other: (counts[other], other))]
    return []
