"""Least squares with patient effects absorbed and period effects explicit, solved from a panel's
moments.

    y_it = sum_k theta_k d_k(start_i, t) + x_it' b + period (x subgroup) effects + patient effects +
    e_it

beta = M sum_g X~_g'y~_g with M = (sum_g X~_g'X~_g)^-1; practice g's influence is M X~_g'(y~_g -
X~_g beta). A term is reported only if the data identify it, whichever redundant columns are left
out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalweave.catalogue.calls import needs
from evalweave.catalogue.methods import UNIT_ERRORS
from evalweave.errors import DataError
from evalweave.estimators.adjustment import Adjustment, adjusted_details, adjustment
from evalweave.estimators.design_columns import Cells, Design
from evalweave.estimators.moments import Reduced, demeaned, reduce_panel, unit_starts
from evalweave.fits.result import Fit, Floats, Ints, LeastSquares, PanelData, Reassignment
from evalweave.study.analyses import AnalysisOptions

NOTHING = 1e-12  # share of the largest sum of squares of terms and periods that is rounding
TOLERANCE = 1e-10  # share of a column's sum of squares that the others must leave, squared scale

ALIASED = (
    "cannot be told apart from the period effects and the other terms: in the periods that it "
    "compares nobody was observed, or nobody who was still untreated"
)
STILL = "does not vary within any patient: nobody was observed both with and without it"


@dataclass(frozen=True)
class Solved:
    """The least-squares solution. `names` are the identified terms, in the order of the first
    columns."""

    names: tuple[str, ...]
    least_squares: LeastSquares
    beta: Floats  # P
    bread: Floats  # M, P x P
    absent: dict[str, str]
    notes: tuple[str, ...]
    reduced: Reduced
    adjusts: Adjustment
    cells: Cells
    order: Ints  # chosen columns, as places in the full design
    reassign: Callable[[], Reassignment]


def solve(
    panel: PanelData, names: tuple[str, ...], cells: Cells, adjusts: Adjustment | None = None
) -> Solved:
    """Solve for the terms `names`, whose regressors are `cells`, adjusted by the columns of
    `adjusts` (by default the panel's covariates, see `adjustment`).

    Raises:
        DataError: if the outcome does not vary within patients.
    """
    adjusts = adjustment(panel) if adjusts is None else adjusts
    reduced = reduce_panel(panel, adjusts.columns, adjusts.steady)
    if reduced.flat_outcome:
        raise DataError(
            "The outcome does not vary within patients (it is constant, or everybody was seen "
            "once; people who are not followed need `unit: null`): there is no change to compare."
        )
    design = Design(reduced, names, cells)
    xx, xy = design.sums(reduced.pooled, 1)[:2]
    xx, xy = xx[0], xy[0]
    identified, order, absent = _chosen_columns(design, xx, names)
    bread = np.linalg.inv(xx[np.ix_(order, order)])
    bread = (bread + bread.T) / 2
    beta = np.linalg.solve(xx[np.ix_(order, order)], xy[order])
    by_xx, by_xy, by_yy = design.sums(reduced.by_cluster, panel.n_clusters)
    parameters = design.period_effects + int(
        sum(j not in set(design.period_columns) for j in order)
    )
    return Solved(
        names=tuple(name for name, known in zip(names, identified, strict=True) if known),
        least_squares=LeastSquares(
            xx=by_xx[:, order[:, None], order],
            xy=by_xy[:, order],
            yy=by_yy,
            columns=tuple(design.names[j] for j in order),
            n_obs=len(panel.y),
            n_parameters=parameters,
        ),
        beta=beta,
        bread=bread,
        absent=absent,
        notes=_left_out(design, order, adjusts),
        reduced=reduced,
        adjusts=adjusts,
        cells=cells,
        order=order,
        reassign=lambda: _reassignment(panel, reduced, design, order, int(identified.sum())),
    )


def _left_out(design: Design, order: Ints, adjusts: Adjustment) -> tuple[str, ...]:
    """Return a note for each covariate that adjusts nothing."""
    adjusting = [design.names[j] for j in design.dense_columns if j in set(order.tolist())]
    return tuple(
        f"Covariate {name} was left out: it is a combination of the other columns (or the same for "
        "everybody), so nothing is adjusted for it."
        for name in adjusts.left_out(adjusting)
    )


def _chosen_columns(
    design: Design, xx: Floats, names: tuple[str, ...]
) -> tuple[NDArray[np.bool_], Ints, dict[str, str]]:
    """Return which terms are identified (K), the independent columns in their preferred order, and
    why the other terms are absent."""
    k = len(names)
    live = _live(xx, design.dense_columns)
    identified = _identified(xx, k, live)
    absent = {
        name: ALIASED if live[j] else STILL for j, name in enumerate(names) if not identified[j]
    }
    preferred = [
        *np.flatnonzero(identified),
        *design.period_columns,
        *design.dense_columns,
        *np.flatnonzero(~identified),
    ]
    chosen = _independent(xx, [j for j in preferred if live[j]])
    return identified, np.array(chosen, dtype=np.int64), absent


def fit_of(
    panel: PanelData,
    solved: Solved,
    terms: dict[str, Floats],
    analysis: AnalysisOptions,
    convention: str,
    absent: dict[str, str] | None = None,
    notes: tuple[str, ...] = (),
    details: dict[str, Any] | None = None,
    of_term: dict[str, str] | None = None,
    leads: str = "",
) -> Fit:
    """Return the fit whose terms are contrasts (term -> weights over `solved.names`) of the
    solution."""
    ls = solved.least_squares
    contrast = np.zeros((len(terms), len(ls.columns)))
    for row, weights in enumerate(terms.values()):
        contrast[row, : len(weights)] = weights
    scores = ls.xy - ls.xx @ solved.beta
    covariance = None
    if needs(analysis, UNIT_ERRORS) and terms and not panel.sections:
        covariance = _unit_covariance(panel, solved, contrast)
    adjusted = solved.adjusts.entered(ls.columns)
    ever = panel.first_treated <= panel.period.max()
    clusters = np.bincount(panel.cluster, ever, panel.n_clusters)
    return Fit(
        estimator=analysis.estimator,
        terms=tuple(terms),
        theta=contrast @ solved.beta,
        influence=scores @ solved.bread @ contrast.T,
        cluster_names=panel.cluster_names,
        n_obs=len(panel.y),
        n_patients=len(panel.unit_names),
        n_practices=panel.n_clusters,
        n_practices_treated=int((clusters > 0).sum()),
        unit_covariance=covariance,
        least_squares=ls,
        contrast=contrast,
        absent={**solved.absent, **(absent or {})},
        convention=f"{convention}; adjusted for {', '.join(adjusted)}" if adjusted else convention,
        of_term=of_term or {},
        notes=(*panel.notes, *notes, *solved.notes),
        reassign=solved.reassign,
        details={**adjusted_details(solved.adjusts, adjusted), **(details or {})},
        leads=leads,
    )


def _live(xx: Floats, dense: list[int]) -> NDArray[np.bool_]:
    """Say which columns vary within patients by more than rounding; dense ones have scales of their
    own."""
    size = np.diag(xx)
    cells = np.ones(len(size), dtype=bool)
    cells[dense] = False
    return np.asarray(size > np.where(cells, NOTHING * size[cells].max(initial=0.0), 1e-300))


def _identified(xx: Floats, k: int, live: NDArray[np.bool_]) -> np.ndarray:
    """Say which of the first `k` coefficients every solution of the normal equations agrees on."""
    scale = np.sqrt(np.diag(xx).clip(min=0.0))
    identified = np.zeros(k, dtype=bool)
    if not live[:k].any():
        return identified
    inner = np.flatnonzero(live)
    correlations = xx[np.ix_(inner, inner)] / np.outer(scale[inner], scale[inner])
    values, vectors = np.linalg.eigh(correlations)
    null = vectors[:, values < TOLERANCE * len(inner)]
    loading = np.sqrt((null**2).sum(axis=1))
    for place, column in enumerate(inner):
        if column < k:
            identified[column] = loading[place] < 1e-5
    return identified


def _independent(xx: Floats, preferred: list[int]) -> list[int]:
    """Return the columns, in the preferred order, that earlier ones do not determine (sequential
    Cholesky)."""
    left = np.diag(xx).copy()
    start = left.copy()
    independent: list[int] = []
    rows: list[Floats] = []
    for j in (int(column) for column in preferred):
        if start[j] <= 1e-300 or left[j] <= TOLERANCE * start[j]:
            continue
        row = xx[j].copy()
        for earlier in rows:
            row -= earlier[j] * earlier
        row /= np.sqrt(left[j])
        rows.append(row)
        independent.append(j)
        left -= row**2
    return independent


def _unit_covariance(panel: PanelData, solved: Solved, contrast: Floats) -> Floats:
    """Return the covariance (K x K) of patients' influences, without a factor."""
    design = Design(solved.reduced, _all_terms(solved), solved.cells)
    place = np.searchsorted(solved.reduced.periods, panel.period)
    beta = np.zeros(len(design.names))
    beta[solved.order] = solved.beta
    towards = np.zeros((len(design.names), len(contrast)))
    towards[solved.order] = solved.bread @ contrast.T
    level = np.zeros(len(panel.y), dtype=np.int64) if panel.subgroup is None else panel.subgroup
    starts = unit_starts(panel)
    columns = (panel.y, *solved.adjusts.columns.values())
    within = [demeaned(column, panel.weight, starts, panel.weighted) for column in columns]
    weight_of = np.zeros((len(panel.y), len(contrast)))
    fitted = np.zeros(len(panel.y))
    for cohort in np.unique(panel.first_treated):
        for of in design.levels:
            rows = np.flatnonzero((panel.first_treated == cohort) & (level == of))
            tables, pick = design.values(float(cohort), of)
            fitted[rows] = (tables[0] @ beta)[place[rows]]
            weight_of[rows] = (tables[0] @ towards)[place[rows]]
            for table, z in zip(tables[1:], solved.adjusts.steady.values(), strict=True):
                fitted[rows] += z[rows] * (table @ beta)[place[rows]]
                weight_of[rows] += z[rows][:, None] * (table @ towards)[place[rows]]
            for c, values in enumerate(within[1:]):
                fitted[rows] += values[rows] * (pick[c] @ beta)
                weight_of[rows] += values[rows][:, None] * (pick[c] @ towards)
    residual = (within[0] - demeaned(fitted, panel.weight, starts, panel.weighted)) * panel.weight
    influence = np.add.reduceat(residual[:, None] * weight_of, starts, axis=0)
    return np.asarray(influence.T @ influence)


def _all_terms(solved: Solved) -> tuple[str, ...]:
    """Return the names of all term columns of the design, reported or not (only their number
    matters)."""
    width = solved.cells(np.inf, -1, solved.reduced.periods).shape[1]
    return tuple(f"term {j}" for j in range(width))


def _reassignment(
    panel: PanelData, reduced: Reduced, design: Design, order: Ints, k: int
) -> Reassignment:
    """Return each practice's sufficient statistics under every start date.

    Raises:
        DataError: if patients of one practice start at different dates.
    """
    g, moments = panel.n_clusters, reduced.by_cluster
    cohorts, which = np.unique(moments.cohort, return_inverse=True)
    observed = np.full(g, -1, dtype=np.int64)
    observed[moments.cluster] = which
    if (observed[moments.cluster] != which).any():
        raise DataError(
            "Randomisation moves start dates between practices, but within some practices patients "
            "start at "
            "different dates: choose as cluster the unit to which the programme was assigned."
        )
    p = len(order)
    xx, xy = np.zeros((g, len(cohorts), p, p)), np.zeros((g, len(cohorts), p))
    moved = np.zeros((g, len(cohorts), p, k))
    for c, start in enumerate(cohorts.tolist()):
        for cohort, level in sorted(
            set(zip(moments.cohort.tolist(), moments.level.tolist(), strict=True))
        ):
            types = np.flatnonzero((moments.cohort == cohort) & (moments.level == level))
            part_xx, part_xy = design.of_types(moments, types, start, level)
            tables, pick = design.values(start, level)
            tested = design.values(cohort, level)[0][0][:, order[:k]]
            cross = tables[0].T @ moments.laplacian[types] @ tested
            for a, table in enumerate(tables[1:], start=1):
                cross = cross + table.T @ moments.steady[types, a, 0] @ tested
            if design.n_dense:
                cross = cross + pick.T @ np.swapaxes(moments.cross[types][:, :, 1:], 1, 2) @ tested
            np.add.at(xx[:, c], moments.cluster[types], part_xx[:, order[:, None], order])
            np.add.at(xy[:, c], moments.cluster[types], part_xy[:, order])
            np.add.at(moved[:, c], moments.cluster[types], cross[:, order])
    strata = panel.allocated.strata if panel.allocated else None
    return Reassignment(cohorts, observed, xx, xy, moved, strata)
