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
    """Fitted means of all rows with and without the programme (R), and their derivatives by the
    coefficients (R x P); both zero derivatives in untreated and separated rows."""

    with_it: Floats
    without: Floats
    d_with: Floats
    d_without: Floats


def means(solution: Solution) -> Means:
    """Return the fitted means under both."""
    rows, beta = solution.rows, solution.beta
    shift = rows.x * rows.removed
    eta_shift = shift @ beta
    with_it = solution.mean
    if solution.family == LOGIT:
        eta = rows.x @ beta
        without = rows.size * expit(eta - eta_shift)
        slope = with_it * (1 - with_it / rows.size)
        slope_0 = without * (1 - without / rows.size)
        d_with, d_without = slope[:, None] * rows.x, slope_0[:, None] * (rows.x - shift)
    else:
        without = with_it * np.exp(-eta_shift)
        d_with = with_it[:, None] * solution.centred
        d_without = without[:, None] * (solution.centred - shift)
    gone = ~solution.live
    without = np.where(gone, with_it, without)
    d_with[gone], d_without[gone] = 0.0, 0.0
    return Means(with_it, without, d_with, d_without)


def scores(solution: Solution, clusters: int) -> Floats:
    """Return each practice's influence on the coefficients (G x P)."""
    rows = solution.rows
    by_row = solution.centred * solution.residual[:, None]
    sums = np.column_stack([np.bincount(rows.cluster, column, clusters) for column in by_row.T])
    return np.asarray(sums @ solution.bread)


@dataclass(frozen=True)
class Effect:
    """An estimate with the influence of practices (G): what they do through the model's parameters,
    and what through their share in the average."""

    value: float
    parameters: Floats
    composition: Floats


def average(
    solution: Solution, at: Means, mask: NDArray[np.bool_], by_practice: Floats
) -> tuple[Effect, Effect]:
    """Return att and log ratio over the treated rows of `mask` (R); `by_practice` are `scores`."""
    rows = solution.rows
    g = len(by_practice)
    size = float(rows.size[mask].sum())
    one, nil = float(at.with_it[mask].sum()), float(at.without[mask].sum())
    through_1 = by_practice @ at.d_with[mask].sum(axis=0) + _through_effects(
        solution, at.with_it, mask, g
    )
    through_0 = by_practice @ at.d_without[mask].sum(axis=0) + _through_effects(
        solution, at.without, mask, g
    )
    own = [np.bincount(rows.cluster[mask], v[mask], g) for v in (at.with_it, at.without, rows.size)]
    att = (one - nil) / size
    effect = Effect(att, (through_1 - through_0) / size, (own[0] - own[1] - att * own[2]) / size)
    if not (one > 0 and nil > 0):
        return effect, Effect(np.nan, np.full(g, np.nan), np.full(g, np.nan))
    ratio = Effect(
        float(np.log(one / nil)), through_1 / one - through_0 / nil, own[0] / one - own[1] / nil
    )
    return effect, ratio


def _through_effects(solution: Solution, mean: Floats, mask: NDArray[np.bool_], g: int) -> Floats:
    """Return what practices do to a sum of means through absorbed effects that span practices.

    log a_i moves by a practice's residuals in group i over the group's total; these residuals add
    up to nothing where the practice holds the whole group.
    """
    rows = solution.rows
    if not rows.absorbed:
        return np.zeros(g)
    groups = int(rows.group.max()) + 1
    total = np.bincount(rows.group, rows.y * solution.live, groups)
    moved = np.bincount(rows.group[mask], (mean * solution.live)[mask], groups)
    share = moved / np.where(total > 0, total, 1.0)
    return np.asarray(
        np.bincount(rows.cluster, share[rows.group] * solution.residual, g), dtype=np.float64
    )
