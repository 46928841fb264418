"""One pass over the rows: everything that least squares with patient effects needs of a panel, by
type of patient.

A type is a practice, a start (cohort) and a subgroup level; within it, every regressor that is a
function of start and period has the same values A (T x P). With w_i the weights of patient i over
the T periods (0 = not seen) and y~ the outcome less the patient's weighted mean, absorbing the
patient effects leaves

    X~'WX~ = A' L A,    L = diag(sum_i w_i) - sum_i w_i w_i' / w_i.        (T x T),
    X~'Wy~ = A' r,      r_t = sum_i w_it y~_it                            (T),

exactly and without iteration, so that no within-transformed regressor is ever built
(Frisch-Waugh-Lovell). Columns that change within patients (covariates) are demeaned as the outcome
is. A covariate z that is fixed within patients enters by its products with the periods, z_i A, and
needs no column of its own either: its moments are those above with each patient's part times z_i
(and z_i z_i' where two meet).

Where nobody is followed (`PanelData.sections`) the unit is a practice with many rows a period: w_it
are then summed weights and y~_it cell means; what rows deviate from these is in no regressor of
start and period, and enters the products of dense columns alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from evalweave.fits.result import Floats, Ints, PanelData


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
    steady: Floats  # L with each patient's part times z_a z_b, z_0 = 1 (M x 1+S x 1+S x T x T)
    steady_cross: Floats  # r times z_a, without z_0 (M x S x T x 1+C)


@dataclass(frozen=True)
class Reduced:
    """A panel reduced to moments: pooled over practices (for the estimate) and by practice (for
    inference).

    The estimate is solved from the pooled form, so that the choice of cluster changes no bit of it.
    """

    periods: Ints
    pooled: Moments
    by_cluster: Moments
    dense_names: tuple[str, ...]
    steady_names: tuple[str, ...]
    constant: tuple[str, ...]  # dense columns that do not vary within patients
    flat_outcome: bool


def unit_starts(panel: PanelData) -> Ints:
    """Return the first row of each unit; rows are sorted by unit."""
    return np.flatnonzero(np.concatenate(([True], panel.unit[1:] != panel.unit[:-1])))


def demeaned(values: Floats, weight: Floats, starts: Ints, weighted: bool) -> Floats:
    """Return `values` (N) less each unit's weighted mean."""
    counts = np.diff(np.append(starts, len(values)))
    if weighted:
        means = np.add.reduceat(values * weight, starts) / np.add.reduceat(weight, starts)
    else:
        means = np.add.reduceat(values, starts) / counts
    return np.asarray(values - np.repeat(means, counts))


def reduce_panel(
    panel: PanelData,
    dense: dict[str, Floats] | None = None,
    steady: dict[str, Floats] | None = None,
) -> Reduced:
    """Return the moments of `panel`, with `dense` columns (name -> N values) beside the outcome and
    with `steady` ones, which are fixed within patients, as multipliers."""
    dense, steady = dense or {}, steady or {}
    starts = unit_starts(panel)
    periods, place = period_places(panel.period)
    cohorts, cohort = np.unique(panel.first_treated[starts], return_inverse=True)
    level = (
        np.zeros(len(starts), dtype=np.int64) if panel.subgroup is None else panel.subgroup[starts]
    )
    levels = level - level.min()
    pooled_type = cohort * (int(levels.max()) + 1) + levels
    cluster = panel.cluster[starts]
    span = int(pooled_type.max()) + 1

    shape = len(starts), len(periods)
    # balanced and sorted: the rows are the table, of weight 1 throughout
    whole = len(panel.unit) == shape[0] * shape[1] and not panel.sections
    cell = place if whole else panel.unit * len(periods) + place
    all_columns = (panel.y, *dense.values())
    tables: Iterable[Floats]
    seen: Floats
    inside: Floats | None = None
    if panel.sections:
        summed = np.bincount(cell, panel.weight, shape[0] * shape[1]).reshape(shape)
        seen = summed.astype(np.float64)
        tables, inside = _cell_means(all_columns, panel.weight, cell, seen, starts)
    else:
        seen = _spread(panel.weight, cell, *shape)
        tables = (_spread(column, cell, *shape) for column in all_columns)
    total = seen.sum(axis=1)
    within, still = [], []
    for j, (column, values) in enumerate(zip(all_columns, tables, strict=True)):
        if whole and not panel.weighted:
            values -= (values.sum(axis=1) / total)[:, None]
        else:
            values -= ((values * seen).sum(axis=1) / total)[:, None]
            values *= seen > 0
        size = max(_largest(column), 1e-300)
        flat = _largest(values) <= 1e-11 * size
        within.append(np.zeros_like(values) if flat else values)
        if inside is not None:
            flat_inside = bool(inside[:, j, j].sum() <= 1e-22 * size**2)
            flat = flat and flat_inside
        still.append(flat)

    factors = np.column_stack([np.ones(len(starts)), *(v[starts] for v in steady.values())])

    def by(types: Ints, clusters: Ints) -> Moments:
        _, first, code = np.unique(types, return_index=True, return_inverse=True)
        parts = _sums(code, len(first), seen, total, within, panel.weighted or panel.sections)
        if inside is not None:
            np.add.at(parts[2], code, inside)
        more = _steady_sums(code, len(first), seen, total, within, factors)
        return Moments(clusters[first], cohorts[cohort[first]], level[first], *parts, *more)

    return Reduced(
        periods=periods,
        pooled=by(pooled_type, np.zeros_like(cluster)),
        by_cluster=by(cluster * span + pooled_type, cluster),
        dense_names=tuple(dense),
        steady_names=tuple(steady),
        constant=tuple(name for name, flat in zip(dense, still[1:], strict=True) if flat),
        flat_outcome=still[0],
    )


def _largest(values: Floats) -> float:
    """Return the largest size of any value."""
    return float(max(values.max(), -values.min()))


def _cell_means(
    columns: tuple[Floats, ...], weight: Floats, cell: Ints, seen: Floats, starts: Ints
) -> tuple[Iterator[Floats], Floats]:
    """Return each column's weighted means by unit and period (n x T), and the products of what
    rows deviate from them, summed by unit (n x 1+C x 1+C): where a unit has many rows a period."""
    safe = np.where(seen > 0, seen, 1.0)
    means = [np.bincount(cell, c * weight, seen.size).reshape(seen.shape) / safe for c in columns]
    apart = np.column_stack([c - m.ravel()[cell] for c, m in zip(columns, means, strict=True)])
    products = (apart * weight[:, None])[:, :, None] * apart[:, None, :]
    return iter(means), np.add.reduceat(products, starts, axis=0)


def _spread(values: Floats, cell: Ints, units: int, periods: int) -> Floats:
    """Return N values as a table of units x periods, 0 where a unit was not seen."""
    if len(cell) == units * periods:  # balanced and sorted
        return np.array(values, dtype=np.float64).reshape(units, periods)
    table = np.zeros(units * periods)
    table[cell] = values
    return table.reshape(units, periods)


def period_places(period: Ints) -> tuple[Ints, Ints]:
    """Return the periods that occur and each row's place among them."""
    low = int(period.min())
    span = int(period.max()) - low + 1
    if span > 10_000_000:
        periods, place = np.unique(period, return_inverse=True)
        return periods, place
    there = np.zeros(span, dtype=bool)
    there[period - low] = True
    if there.all():
        return np.arange(span) + low, period - low
    look = np.cumsum(there) - 1
    return np.flatnonzero(there) + low, look[period - low]


def _sums(
    code: Ints, types: int, seen: Floats, total: Floats, within: list[Floats], weighted: bool
) -> tuple[Floats, Floats, Floats, Ints]:
    """Return laplacian, cross, dense and rows of each type; units are added in their sorted
    order."""
    periods, columns = seen.shape[1], len(within)
    order = np.argsort(code, kind="stable")
    bounds = np.searchsorted(code[order], np.arange(types + 1))
    laplacian, cross = np.empty((types, periods, periods)), np.empty((types, periods, columns))
    dense = np.empty((types, columns, columns))
    diagonal, rows = np.empty((types, periods)), np.empty((types, periods), dtype=np.int64)
    if types > 2000:  # many small types: runs of types, summed piecewise
        for low in range(0, types, 1024):
            here = slice(low, min(low + 1024, types))
            units = order[bounds[here.start] : bounds[here.stop]]
            pieces = bounds[here] - bounds[here.start]
            weight = seen[units]
            share = weight / np.sqrt(total[units])[:, None]
            laplacian[here] = -np.add.reduceat(
                share[:, :, None] * share[:, None, :], pieces, axis=0
            )
            diagonal[here] = np.add.reduceat(weight, pieces, axis=0)
            rows[here] = np.add.reduceat((weight > 0).astype(np.int64), pieces, axis=0)
            for j in range(columns):
                scaled = within[j][units] * weight if weighted else within[j][units]
                cross[here, :, j] = np.add.reduceat(scaled, pieces, axis=0)
                for k in range(j + 1):
                    product = (scaled * within[k][units]).sum(axis=1)
                    dense[here, j, k] = dense[here, k, j] = np.add.reduceat(product, pieces)
    else:
        for item in range(types):
            units = order[bounds[item] : bounds[item + 1]]
            weight = seen[units]
            share = weight / np.sqrt(total[units])[:, None]
            laplacian[item] = -(share.T @ share)
            diagonal[item] = weight.sum(axis=0)
            rows[item] = (weight > 0).sum(axis=0) if weighted else diagonal[item]
            own = [column[units] for column in within]
            products = [column * weight for column in own] if weighted else own
            for j in range(columns):
                cross[item, :, j] = products[j].sum(axis=0)
                for k in range(j + 1):
                    dense[item, j, k] = dense[item, k, j] = np.einsum(
                        "ut,ut->", products[j], own[k]
                    )
    places = np.arange(periods)
    laplacian[:, places, places] += diagonal
    return laplacian, cross, dense, rows


def _steady_sums(
    code: Ints, types: int, seen: Floats, total: Floats, within: list[Floats], factors: Floats
) -> tuple[Floats, Floats]:
    """Return `steady` and `steady_cross`; empty where no covariate is fixed (factors: n x 1+S)."""
    periods, width, columns = seen.shape[1], factors.shape[1], len(within)
    if width == 1:
        return np.zeros((types, 0, 0, periods, periods)), np.zeros((types, 0, periods, columns))
    steady = np.empty((types, width, width, periods, periods))
    cross = np.empty((types, width - 1, periods, columns))
    order = np.argsort(code, kind="stable")
    bounds = np.searchsorted(code[order], np.arange(types + 1))
    places = np.arange(periods)
    for item in range(types):
        units = order[bounds[item] : bounds[item + 1]]
        weight, z = seen[units], factors[units]
        share = weight / np.sqrt(total[units])[:, None]
        for a in range(width):
            for b in range(a + 1):
                product = (z[:, a] * z[:, b])[:, None]
                part = -((share * product).T @ share)
                part[places, places] += (weight * product).sum(axis=0)
                steady[item, a, b] = steady[item, b, a] = part
        for c, column in enumerate(within):
            cross[item, :, :, c] = z[:, 1:].T @ (column[units] * weight)
    return steady, cross
