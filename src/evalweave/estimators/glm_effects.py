"""Average effects on the natural scale from a fitted model, and each practice's influence on them.

For treated rows, with m1 the fitted mean and m0 the mean that the model gives the same people in
the same period without the programme (Puhani 2012: the tested coefficients set to zero),

    att = sum (m1 - m0) / sum size,        ratio = sum m1 / sum m0 (kept as its logarithm).

A practice's influence is what its scores do to the coefficients (and to absorbed effects that span
practices) times the derivative, plus its own share in the average: re-estimation without it does
both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from evalweave.catalogue.families import LOGIT
from evalweave.estimators.glm import Solution
from evalweave.fits.result import Floats


@dataclass(frozen=True)
class Means:
    """Fitted means with and without the programme, and their derivatives by the linear index (R
    each); the latter are zero in separated rows."""

    with_it: Floats
    without: Floats
    slope: Floats
    slope_without: Floats


def means(solution: Solution) -> Means:
    """Return the fitted means under both."""
    rows, beta = solution.rows, solution.beta
    shift = rows.index(beta * rows.removed)
    with_it = solution.mean
    if solution.family == LOGIT:
        without = rows.size * expit(rows.index(beta) - shift)
        slopes = [m * (1 - m / rows.size) for m in (with_it, without)]
    else:
        without = with_it * np.exp(-shift)
        slopes = [with_it, without]
    without = np.where(solution.live, without, with_it)
    return Means(with_it, without, *(slope * solution.live for slope in slopes))


def scores(solution: Solution, clusters: int) -> Floats:
    """Return each practice's influence on the coefficients (G x P)."""
    rows = solution.rows
    sums = rows.by_cluster(solution.residual, clusters)
    if rows.absorbed and _spans(solution):
        groups = len(rows.starts)
        means_of = np.array(
            [rows.group_means(solution.information, np.eye(groups)[u]) for u in range(groups)]
        )
        cell = rows.cluster * groups + rows.place
        left = np.bincount(cell, solution.residual, clusters * groups).reshape(clusters, groups)
        sums = sums - left @ means_of
    return np.asarray(sums @ solution.bread)


def _spans(solution: Solution) -> bool:
    """Say whether an effect spans practices: residuals add up to nothing in those that do not."""
    rows = solution.rows
    low = np.minimum.reduceat(rows.cluster, rows.starts)
    return bool((low != np.maximum.reduceat(rows.cluster, rows.starts)).any())


def _derivative(
    solution: Solution, slope: Floats, mask: NDArray[np.bool_], without: bool
) -> Floats:
    """Return what the coefficients do to a sum of means over `mask` (P); absorbed effects follow
    the coefficients."""
    rows = solution.rows
    sloped = slope * mask
    total = rows.total(sloped)
    moved = total * ~rows.removed if without else total
    if rows.absorbed:
        moved = moved - rows.group_means(solution.information, rows.by_group(sloped))
    return np.asarray(moved)


@dataclass(frozen=True)
class Effect:
    """An estimate with the influence of practices (G): what they do through the model's parameters,
    and what through their share in the average."""

    value: float
    parameters: Floats
    composition: Floats


def average(
    solution: Solution, at: Means, mask: NDArray[np.bool_], by_practice: Floats | None
) -> tuple[Effect, Effect]:
    """Return att and log ratio over the treated rows of `mask` (R); `by_practice` are `scores`,
    None where no influence is wanted."""
    rows = solution.rows
    size = float(rows.size[mask].sum())
    one, nil = float(at.with_it[mask].sum()), float(at.without[mask].sum())
    att = (one - nil) / size
    log_ratio = float(np.log(one / nil)) if one > 0 and nil > 0 else np.nan
    if by_practice is None:
        nothing = np.zeros(0)
        return Effect(att, nothing, nothing), Effect(log_ratio, nothing, nothing)
    g = len(by_practice)
    through_1 = by_practice @ _derivative(solution, at.slope, mask, without=False)
    through_0 = by_practice @ _derivative(solution, at.slope_without, mask, without=True)
    if rows.absorbed and _spans(solution):
        through_1 = through_1 + _through_effects(solution, at.with_it, mask, g)
        through_0 = through_0 + _through_effects(solution, at.without, mask, g)
    own = [np.bincount(rows.cluster[mask], v[mask], g) for v in (at.with_it, at.without, rows.size)]
    effect = Effect(att, (through_1 - through_0) / size, (own[0] - own[1] - att * own[2]) / size)
    if np.isnan(log_ratio):
        return effect, Effect(np.nan, np.full(g, np.nan), np.full(g, np.nan))
    moved = through_1 / one - through_0 / nil
    return effect, Effect(log_ratio, moved, own[0] / one - own[1] / nil)


def _through_effects(solution: Solution, mean: Floats, mask: NDArray[np.bool_], g: int) -> Floats:
    """Return what practices do to a sum of means through absorbed effects that span practices:
    log a_i moves by a practice's residuals in group i over the group's total."""
    rows = solution.rows
    total = rows.by_group(rows.y * solution.live)
    moved = rows.by_group(mean * solution.live * mask)
    share = moved / np.where(total > 0, total, 1.0)
    return np.asarray(
        np.bincount(rows.cluster, share[rows.place] * solution.residual, g), dtype=np.float64
    )
