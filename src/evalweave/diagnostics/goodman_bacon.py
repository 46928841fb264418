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

import numpy as np
import pandas as pd

from evalweave.fits.result import Floats, PanelData

EARLIER_LATER = "earlier_vs_later_treated"
LATER_EARLIER = "later_vs_earlier_treated"
NEVER = "treated_vs_untreated"
ALWAYS = "later_vs_always_treated"
COLUMNS = ["treated", "comparison", "estimate", "weight", "kind"]


def goodman_bacon(panel: PanelData) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the 2×2 comparisons and notes.

    Columns: treated, comparison (first treated periods; comparison blank for never treated, the
    cohort's start for already treated), estimate (outcome's unit), weight (sums to 1), kind.
    Patients not seen in every period are left out and counted, because the decomposition holds for
    balanced panels only; weights vary by patient, so each patient's first weight is used. The table
    is empty where no comparison exists.
    """
    periods, row = np.unique(panel.period, return_inverse=True)
    n, n_periods = len(panel.unit_names), len(periods)
    seen = np.bincount(panel.unit, minlength=n)
    whole = seen == n_periods
    notes = []
    if not whole.all():
        notes.append(
            f"Goodman-Bacon weights: {int((~whole).sum())} of {n} patients are not seen in every "
            "period and are "
            "left out; the decomposition is of the balanced panel."
        )
    if not whole.any():
        return pd.DataFrame(columns=COLUMNS), tuple(notes)
    inside = whole[panel.unit]
    unit = np.cumsum(whole)[panel.unit[inside]] - 1
    y = np.empty((int(whole.sum()), n_periods))
    y[unit, row[inside]] = panel.y[inside]
    first = np.searchsorted(panel.unit, np.flatnonzero(whole))
    start = panel.first_treated[first]
    weight = np.asarray(panel.weight[first], float)

    start = np.where(start > periods[-1], np.inf, start)
    cohorts = np.unique(start)
    share = np.array([weight[start == g].sum() for g in cohorts]) / weight.sum()
    means = np.array(
        [np.average(y[start == g], axis=0, weights=weight[start == g]) for g in cohorts]
    )
    treated_share = np.array([float((periods >= g).mean()) for g in cohorts])

    found = []
    for k, g in enumerate(cohorts):
        if np.isinf(g) or g <= periods[0]:
            continue
        d_k, after_k = treated_share[k], periods >= g
        for j, h in enumerate(cohorts):
            if j == k:
                continue
            if np.isinf(h) or h <= periods[0]:
                kind = NEVER if np.isinf(h) else ALWAYS
                estimate = _two_by_two(means[k], means[j], ~after_k, after_k)
                weighing = share[k] * share[j] * d_k * (1 - d_k)
            elif g < h:
                window = periods < h
                estimate = _two_by_two(means[k], means[j], ~after_k, after_k & window)
                kind, weighing = (
                    EARLIER_LATER,
                    share[k] * share[j] * (d_k - treated_share[j]) * (1 - d_k),
                )
            else:
                since = periods >= h
                estimate = _two_by_two(means[k], means[j], ~after_k & since, after_k)
                kind, weighing = LATER_EARLIER, share[k] * share[j] * (treated_share[j] - d_k) * d_k
            found.append((int(g), np.nan if np.isinf(h) else h, estimate, weighing, kind))
    table = pd.DataFrame(found, columns=COLUMNS)
    if len(table):
        table["weight"] /= table["weight"].sum()
    return table.sort_values(["treated", "comparison"], ignore_index=True), tuple(notes)


def by_kind(table: pd.DataFrame) -> pd.DataFrame:
    """Return kind, weight (summed) and estimate (weighted mean) of each kind of comparison."""
    weighted = table.assign(product=table["weight"] * table["estimate"]).groupby("kind", sort=True)
    sums = weighted[["weight", "product"]].sum().reset_index()
    sums["estimate"] = sums["product"] / sums["weight"]
    return sums[["kind", "weight", "estimate"]]


def _two_by_two(one: Floats, other: Floats, before: Floats, after: Floats) -> float:
    def change(path: Floats) -> float:
        return float(path[after].mean() - path[before].mean())

    return change(one) - change(other)
