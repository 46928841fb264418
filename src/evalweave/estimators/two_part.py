"""Two-part model of costs: whether there is any, and how much where there is.

    E[y] = Pr(y > 0) E[y | y > 0],   a logit and a gamma model with log link, each with practice (or
    cohort) and period effects and its own coefficient of treated-and-started.

For treated rows, with p1 m1 the fitted mean and p0 m0 the one without the programme,

    att = mean of p1 m1 - p0 m0,     att_any = mean of p1 - p0,     ratio_if_any = exp(tau of m),

on the natural scale. Exposure: costs a unit of it, weighted by it. Belotti, Deb, Manning & Norton
(2015), Stata Journal 15(1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from evalweave.catalogue.families import GAMMA, LOGIT
from evalweave.errors import DataError
from evalweave.estimators.anticipation import set_aside
from evalweave.estimators.glm import Solution, solve_glm
from evalweave.estimators.glm_effects import scores
from evalweave.estimators.glm_rows import Rows, model_rows, some_rows, treated_cells
from evalweave.estimators.nonlinear import LOST, check_counts, effects_of
from evalweave.estimators.nonlinear_subgroups import by_level
from evalweave.estimators.treatment import check_treated
from evalweave.fits.result import Fit, Floats, PanelData
from evalweave.study.analyses import AnalysisOptions

TERMS = ("att", "ratio", "att_any", "ratio_if_any")
LOGARITHMS = frozenset({"ratio", "ratio_if_any"})


def two_part(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att`, `ratio` (of means), `att_any` (in probability) and `ratio_if_any`.

    Raises:
        DataError: for costs below zero, none of zero, or where there is nothing to compare.
    """
    panel = set_aside(panel, analysis)
    check_counts(panel)
    check_treated(panel)
    if not (panel.y == 0).any():
        raise DataError(
            "No cost is zero, so that there is no first part: use gamma_log or poisson."
        )
    if panel.subgroup is not None:
        return by_level(panel, analysis, lambda part: two_part(part, analysis))
    effects = effects_of(panel, analysis, "practice")
    parts = _parts(panel, effects)
    pair = _solve(parts, None, None)
    made = _effects(*pair, panel.n_clusters)

    def refit(keep: NDArray[np.bool_]) -> Floats:
        try:
            again = _solve(parts, keep, pair)
            return _effects(*again, panel.n_clusters)[0]
        except DataError:
            return np.full(len(TERMS), np.nan)

    ever = np.bincount(panel.cluster, panel.first_treated <= panel.period.max(), panel.n_clusters)
    return Fit(
        estimator=analysis.estimator,
        terms=TERMS,
        theta=made[0],
        influence=made[1],
        cluster_names=panel.cluster_names,
        n_obs=len(panel.y),
        n_patients=len(panel.unit_names),
        n_practices=panel.n_clusters,
        n_practices_treated=int((ever > 0).sum()),
        refit=refit,
        convention=_convention(panel, effects),
        notes=panel.notes,
        details=_details(panel),
        exponentiated=LOGARITHMS,
    )


def _convention(panel: PanelData, effects: str) -> str:
    words = (
        f"logit of any and gamma quasi-likelihood with log link of how much, {effects} and period "
        "effects; mean over treated rows of fitted less counterfactual"
    )
    if panel.stands_for:
        words += f"; adjusted for {', '.join(panel.stands_for)}"
    return words


def _details(panel: PanelData) -> dict[str, Any]:
    out: dict[str, Any] = {"zero_share": float((panel.y == 0).mean())}
    if panel.stands_for:
        out["adjusted for"] = list(panel.stands_for)
    return out


@dataclass(frozen=True)
class _Parts:
    """The rows of both parts, with the same columns in the same order."""

    any: Rows
    much: Rows


def _parts(panel: PanelData, effects: str) -> _Parts:
    """Return the rows of any cost, and the same rows with the sums of those with a cost."""
    cells = treated_cells(panel)
    positive = panel.y > 0
    of_any = model_rows(
        replace(panel, y=positive.astype(np.float64)), cells, effects, False, one_term=True
    )
    costs = model_rows(panel, cells, effects, False, one_term=True)
    return _Parts(of_any, replace(costs, size=of_any.y))


def _solve(
    parts: _Parts, keep: NDArray[np.bool_] | None, near: tuple[Solution, Solution] | None
) -> tuple[Solution, Solution]:
    of_any, much = parts.any, parts.much
    if keep is not None:
        of_any = some_rows(of_any, keep[of_any.cluster])
        much = some_rows(much, keep[much.cluster])
    some = much.size > 0
    first, second = (None, None) if near is None else (near[0].beta, near[1].beta)
    pair = solve_glm(of_any, LOGIT, first), solve_glm(some_rows(much, some), GAMMA, second)
    if not (pair[0].identified[0] and pair[1].identified[0]):
        raise DataError(f"The effect {LOST}.")
    return pair


def _effects(first: Solution, second: Solution, clusters: int) -> tuple[Floats, Floats]:
    """Return the four terms (K) and practices' influence on them (G x K)."""
    rows = first.rows
    here = rows.cell >= 0
    size, cluster = rows.size[here], rows.cluster[here]
    x, shift = rows.x[here], rows.x[here] * rows.removed
    live = first.live[here]
    eta, moved = x @ first.beta, shift @ first.beta
    flat = rows.y[here] / size
    p1 = np.where(live, expit(eta), flat)
    p0 = np.where(live, expit(eta - moved), flat)
    slopes = (np.where(live, p1 * (1 - p1), 0.0), np.where(live, p0 * (1 - p0), 0.0))
    known = x @ second.beta
    m1, m0 = np.exp(known), np.exp(known - shift @ second.beta)
    mean1, mean0 = size * p1 * m1, size * p0 * m0
    total = size.sum()
    by_any, by_much = scores(first, clusters), scores(second, clusters)

    def through(weights: Floats, slope: Floats, by: Floats, columns: Floats) -> Floats:
        return np.asarray(by @ ((weights * slope) @ columns))

    ones = np.ones(len(size))
    d1 = through(size * m1, slopes[0], by_any, x) + through(mean1, ones, by_much, x)
    d0 = through(size * m0, slopes[1], by_any, x - shift)
    d0 = d0 + through(mean0, ones, by_much, x - shift)
    own = [np.bincount(cluster, v, clusters) for v in (mean1, mean0, size, size * p1, size * p0)]
    one, nil = mean1.sum(), mean0.sum()
    att, any_ = (one - nil) / total, float((size * (p1 - p0)).sum() / total)
    any_moved = through(size, slopes[0], by_any, x) - through(size, slopes[1], by_any, x - shift)
    influence = np.column_stack(
        (
            (d1 - d0 + own[0] - own[1] - att * own[2]) / total,
            (d1 + own[0]) / one - (d0 + own[1]) / nil,
            (any_moved + own[3] - own[4] - any_ * own[2]) / total,
            by_much[:, 0],
        )
    )
    return np.array([att, np.log(one / nil), any_, second.beta[0]]), influence
