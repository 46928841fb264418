"""One pass over the rows: everything that least squares with patient effects needs of a panel, by type of patient.

A type is a practice, a start (cohort) and a subgroup level; within it, every regressor that is a function of
start and period has the same values A (T x P). With w_i the weights of patient i over the T periods (0 = not seen)
and y~ the outcome less the patient's weighted mean, absorbing the patient effects leaves

    X~'WX~ = A' L A,    L = diag(sum_i w_i) - sum_i w_i w_i' / w_i.        (T x T),
    X~'Wy~ = A' r,      r_t = sum_i w_it y~_it                            (T),

exactly and without iteration, so that no within-transformed regressor is ever built (Frisch-Waugh-Lovell).
Columns that differ between patients (covariates) are demeaned as the outcome is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalweave.estimators.result import Floats, Ints, PanelData


@dataclass(frozen=True)
class Moments:
    """Moments of M types.

    Attributes:
        cluster, cohort, level: of each type (M); cluster is 0 throughout in the pooled form.
        laplacian: L of each type (M x T x T).
        cross: r of the outcome and of each dense column (M x T x 1+C).
        dense: their products with each other, W-weighted (M x 1+C x 1+C).
        rows: how many rows lie in each period (M x T).
    """

    cluster: Ints
    cohort: Floats
    level: Ints
    laplacian: Floats
    cross: Floats
    dense: Floats
    rows: Ints


@dataclass(frozen=True)
class Reduced:
    """A panel reduced to moments: pooled over practices (for the estimate) and by practice (for inference).

    The estimate is solved from the pooled form, so that the choice of cluster changes no bit of it.
    """

    periods: Ints
    pooled: Moments
    by_cluster: Moments
    dense_names: tuple[str, ...]
    constant: tuple[str, ...]  # dense columns that do not vary within patients
    flat_outcome: bool
    within: tuple[Floats, ...]  # demeaned outcome and dense columns (N each)


def unit_starts(panel: PanelData) -> Ints:
    """Return the first row of each unit; rows are sorted by unit."""
    return np.flatnonzero(np.concatenate(([True], panel.unit[1:] != panel.unit[:-1])))


def demeaned(values: Floats, weight: Floats, starts: Ints, weighted: bool) -> Floats:
    """Return `values` less each unit's weighted mean."""
    counts = np.diff(np.append(starts, len(values)))
    if weighted:
        means = np.add.reduceat(values * weight, starts) / np.add.reduceat(weight, starts)
    else:
        means = np.add.reduceat(values, starts) / counts
    return np.asarray(values - np.repeat(means, counts))


def reduce_panel(panel: PanelData, dense: dict[str, Floats] | None = None) -> Reduced:
    """Return the moments of `panel`, with `dense` columns (name -> N values) beside the outcome."""
    dense = dense or {}
    starts = unit_starts(panel)
    periods, place = period_places(panel.period)
    cohorts, cohort = np.unique(panel.first_treated[starts], return_inverse=True)
    level = np.zeros(len(starts), dtype=np.int64) if panel.subgroup is None else panel.subgroup[starts]
    levels = level - level.min()
    pooled_type = cohort * (int(levels.max()) + 1) + levels
    cluster = panel.cluster[starts]
    span = int(pooled_type.max()) + 1

    columns = [panel.y, *dense.values()]
    within = [demeaned(column, panel.weight, starts, panel.weighted) for column in columns]
    still = [_still(kept, column) for kept, column in zip(within, columns, strict=True)]
    for column in np.flatnonzero(still):
        within[column] = np.zeros(len(panel.y))

    index = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(panel.y))))
    seen = np.zeros((len(starts), len(periods)))
    seen[index, place] = panel.weight
    share = seen / np.sqrt(seen.sum(axis=1))[:, None]

    def by(types: Ints, clusters: Ints) -> Moments:
        _, first, code = np.unique(types, return_index=True, return_inverse=True)
        return Moments(
            clusters[first], cohorts[cohort[first]], level[first],
            *_sums(code, len(first), seen, share, code[index], place, within, panel),
        )  # fmt: skip

    return Reduced(
        periods=periods,
        pooled=by(pooled_type, np.zeros_like(cluster)),
        by_cluster=by(cluster * span + pooled_type, cluster),
        dense_names=tuple(dense),
        constant=tuple(name for name, flat in zip(dense, still[1:], strict=True) if flat),
        flat_outcome=still[0],
        within=tuple(within),
    )


def period_places(period: Ints) -> tuple[Ints, Ints]:
    """Return the periods that occur and each row's place among them."""
    low = int(period.min())
    span = int(period.max()) - low + 1
    if span > 10_000_000:
        periods, place = np.unique(period, return_inverse=True)
        return periods, place
    there = np.zeros(span, dtype=bool)
    there[period - low] = True
    look = np.cumsum(there) - 1
    return np.flatnonzero(there) + low, look[period - low]


def _still(within: Floats, column: Floats) -> bool:
    """Say whether a column is constant within units, up to rounding."""
    return bool(np.abs(within).max() <= 1e-11 * max(float(np.abs(column).max()), 1e-300))


def _sums(
    code: Ints, types: int, seen: Floats, share: Floats, row_type: Ints, place: Ints, within: list[Floats],
    panel: PanelData,
) -> tuple[Floats, Floats, Floats, Ints]:  # fmt: skip
    """Return laplacian, cross, dense and rows of each type; units are added in their sorted order."""
    periods = seen.shape[1]
    order = np.argsort(code, kind="stable")
    bounds = np.searchsorted(code[order], np.arange(types + 1))
    laplacian = np.empty((types, periods, periods))
    if types > 2000:  # many small types: outer products of a run of types, summed piecewise
        for low in range(0, types, 1024):
            high = min(low + 1024, types)
            rows = share[order[bounds[low] : bounds[high]]]
            outer = rows[:, :, None] * rows[:, None, :]
            laplacian[low:high] = -np.add.reduceat(outer, bounds[low:high] - bounds[low], axis=0)
    else:
        for item in range(types):
            rows = share[order[bounds[item] : bounds[item + 1]]]
            laplacian[item] = -(rows.T @ rows)
    diagonal = np.arange(periods)
    laplacian[:, diagonal, diagonal] += np.add.reduceat(seen[order], bounds[:-1], axis=0)

    cross = np.empty((types, periods, len(within)))
    dense = np.empty((types, len(within), len(within)))
    cell = row_type * periods + place
    for j, column in enumerate(within):
        scaled = column * panel.weight if panel.weighted else column
        cross[:, :, j] = np.bincount(cell, scaled, types * periods).reshape(types, periods)
        for k in range(j + 1):
            products = np.bincount(row_type, scaled * within[k], types)
            dense[:, j, k] = dense[:, k, j] = products
    return laplacian, cross, dense, np.bincount(cell, minlength=types * periods).reshape(types, periods)
