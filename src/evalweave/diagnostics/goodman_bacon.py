"""Goodman-Bacon: which 2×2 comparisons a two-way fixed-effects estimate averages, and with what
weights.

On a balanced panel without covariates the coefficient of "treated and started" is a weighted mean
of 2×2
estimates: each cohort against never-treated patients, against patients already treated all along,
and each pair of cohorts twice (the later one as comparison before it starts, the earlier one after
it has
started: the comparison that misleads when effects grow). Source: Goodman-Bacon (2021), J
Econometrics 225(2), theorem 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evalweave.fits.result import Floats, Ints, PanelData

EARLIER_LATER = "earlier_vs_later_treated"
LATER_EARLIER = "later_vs_earlier_treated"
NEVER = "treated_vs_untreated"
ALWAYS = "later_vs_always_treated"
Mask = NDArray[np.bool_]
COLUMNS = ["treated", "comparison", "estimate", "weight", "kind"]


def goodman_bacon(panel: PanelData) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the 2×2 comparisons and notes.

    Columns: treated, comparison (first treated periods; comparison blank for never treated, the
    cohort's start for already treated), estimate (outcome's unit), weight (sums to 1), kind.
    Patients not seen in every period are left out and counted, because the decomposition holds for
    balanced panels only; weights vary by patient, so each patient's first weight is used. The table
    is empty where no comparison exists.
    """
    cohorts, notes = _balanced(panel)
    if cohorts is None:
        return pd.DataFrame(columns=COLUMNS), notes
    starts = cohorts.start
    rows = [
        row
        for k, g in enumerate(starts)
        if np.isfinite(g) and g > cohorts.periods[0]
        for j in range(len(starts))
        if j != k and (row := _comparison(cohorts, k, j)) is not None
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    if len(table):
        table["weight"] /= table["weight"].sum()
    return table.sort_values(["treated", "comparison"], ignore_index=True), notes


@dataclass(frozen=True)
class _Cohorts:
    """The cohorts of a balanced panel: start (inf = never), share of the patients, mean path over
    the periods, and share of the periods in which it is treated."""

    periods: Ints
    start: Floats
    share: Floats
    path: Floats
    treated: Floats


def _balanced(panel: PanelData) -> tuple[_Cohorts | None, tuple[str, ...]]:
    periods, row = np.unique(panel.period, return_inverse=True)
    n, n_periods = len(panel.unit_names), len(periods)
    whole = np.bincount(panel.unit, minlength=n) == n_periods
    notes: tuple[str, ...] = ()
    if not whole.all():
        notes = (
            f"Goodman-Bacon weights: {int((~whole).sum())} of {n} patients are not seen in every "
            "period and are left out; the decomposition is of the balanced panel.",
        )
    if not whole.any():
        return None, notes
    inside = whole[panel.unit]
    unit = np.cumsum(whole)[panel.unit[inside]] - 1
    y = np.empty((int(whole.sum()), n_periods))
    y[unit, row[inside]] = panel.y[inside]
    first = np.searchsorted(panel.unit, np.flatnonzero(whole))
    weight = np.asarray(panel.weight[first], float)
    start = panel.first_treated[first]
    start = np.where(start > periods[-1], np.inf, start)
    cohorts = np.unique(start)
    share = np.array([weight[start == g].sum() for g in cohorts]) / weight.sum()
    path = np.array(
        [np.average(y[start == g], axis=0, weights=weight[start == g]) for g in cohorts]
    )
    treated = np.array([float((periods >= g).mean()) for g in cohorts])
    return _Cohorts(periods, cohorts, share, path, treated), notes


def _comparison(cohorts: _Cohorts, k: int, j: int) -> tuple[int, float, float, float, str] | None:
    """Return the row of cohort k against cohort j, None where it has no weight.

    Two cohorts between whose starts nobody was observed have no period in which one is treated and
    the other is not: such a comparison weighs nothing and its means would be of no rows.
    """
    g, h = float(cohorts.start[k]), float(cohorts.start[j])
    periods, shares = cohorts.periods, cohorts.share[k] * cohorts.share[j]
    d_k, d_j = cohorts.treated[k], cohorts.treated[j]
    after_k = periods >= g
    before, after = ~after_k, after_k
    if np.isinf(h) or h <= periods[0]:
        kind, weight = NEVER if np.isinf(h) else ALWAYS, shares * d_k * (1 - d_k)
    elif g < h:
        kind, weight = EARLIER_LATER, shares * (d_k - d_j) * (1 - d_k)
        after = after_k & (periods < h)
    else:
        kind, weight = LATER_EARLIER, shares * (d_j - d_k) * d_k
        before = ~after_k & (periods >= h)
    if not (weight > 0 and before.any() and after.any()):
        return None
    estimate = _two_by_two(cohorts.path[k], cohorts.path[j], before, after)
    return int(g), np.nan if np.isinf(h) else h, estimate, weight, kind


def by_kind(table: pd.DataFrame) -> pd.DataFrame:
    """Return kind, weight (summed) and estimate (weighted mean) of each kind of comparison."""
    weighted = table.assign(product=table["weight"] * table["estimate"]).groupby("kind", sort=True)
    sums = weighted[["weight", "product"]].sum().reset_index()
    sums["estimate"] = sums["product"] / sums["weight"]
    return sums[["kind", "weight", "estimate"]]


def _two_by_two(one: Floats, other: Floats, before: Mask, after: Mask) -> float:
    def change(path: Floats) -> float:
        return float(path[after].mean() - path[before].mean())

    return change(one) - change(other)
