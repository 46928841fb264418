"""Randomisation inference over practices: what if other practices had been given these start dates?

The observed vector of start dates is permuted over practices (their numbers fixed), all distinct
assignments where they are few; the model is refitted under each from sufficient statistics, and the
cr1 t statistic compared (MacKinnon & Webb 2018). p = share of assignments with |t| at least that
observed, the observed one included;
sampled: (1 + count) / (1 + draws). Intervals invert the test for outcomes shifted by r times the
observed dose. It presumes exchangeable practices; an allocation by area is not one, which the
report says.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from evalweave.errors import DataError
from evalweave.fits.result import Fit, Floats, Ints, Reassignment
from evalweave.inference.cluster_robust import contrasts
from evalweave.inference.inversion import draws, interval
from evalweave.inference.result import Intervals
from evalweave.study.analyses import AnalysisOptions

CHUNK = 4_000_000
NO_SHIFT = "Combinations of terms get a p-value only: no shift of the outcome corresponds to them."
NO_INTERVAL = (
    "No interval: with one practice in an arm, the smallest possible p-value is "
    "1/{practices} and inverting the test bounds nothing that can be trusted."
)

LIMITS = (
    "randomisation: of {total} assignments, the smallest possible p-value is {least:.3g}; nothing "
    "can be rejected at {size:.3g} %, and an interval is unbounded whatever the data are."
)


def randomisation(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    """Return randomisation p-values (|t| primary, |coefficient| in details) and intervals."""
    if fit.reassign is None:
        raise DataError(
            f"{fit.estimator} has no randomisation inference here; use jackknife or "
            "multiplier_bootstrap."
        )
    statistics = fit.reassign()
    assignments, everything = _assignments(statistics, analysis)
    contrast = contrasts(fit)
    towards = np.array([int(np.abs(row).argmax()) if _plain(row) else -1 for row in contrast])
    parts = _refitted(statistics, assignments, contrast, towards)
    base = _refitted(statistics, statistics.observed[None], contrast, towards)
    usable = np.isfinite(parts.estimate).all(axis=1)
    k = len(fit.terms)
    low, high, p, p_estimate, smallest = (np.full(k, np.nan) for _ in range(5))
    total = int(usable.sum())
    if not total:
        raise DataError("Under no other assignment of start dates could the terms be estimated.")
    probability = np.full(total, 1 / total if everything else 1 / (total + 1))
    observed = 0.0 if everything else 1 / (total + 1)
    details: dict[str, object] = {
        "assignments": total,
        "enumerated": everything,
        "not_estimable": int((~usable).sum()),
    }
    lone = _smaller_arm(statistics) == 1
    notes = []
    if lone:
        notes.append(NO_INTERVAL.format(practices=len(statistics.observed)))
    for j in range(k):
        theta = float(base.estimate[0, j])
        s0, s1 = parts.score0[usable, :, j], parts.score1[usable, :, j]
        n0, n1 = parts.estimate[usable, j], parts.moved[usable, j]
        scale = float(np.sqrt((base.score0[0, :, j] ** 2).sum()))
        if not scale > 0:
            continue
        refits = draws(n0 - theta * n1, n1, s0 - theta * s1, s1, scale, probability, observed)
        p[j] = refits.p_value(theta)
        smallest[j] = refits.p_smallest(theta)
        larger = np.abs(n0) >= abs(theta) * (1 - 1e-10)
        p_estimate[j] = probability[larger].sum() + observed
        if not lone and towards[j] >= 0:
            low[j], high[j], parted = interval(refits, theta, analysis.level)
            if parted:
                notes.append(
                    f"{fit.terms[j]}: the accepted values are not one interval; its hull is given."
                )
    if (towards < 0).any():
        notes.append(NO_SHIFT)
    if notes:
        details["notes"] = notes
    bound = float(np.nanmin(smallest)) if np.isfinite(smallest).any() else 0.0
    if bound > 1 - analysis.level + 1e-12:
        details["limits"] = LIMITS.format(total=total, least=bound, size=100 * (1 - analysis.level))
    details["p_value_of_estimate"] = dict(zip(fit.terms, p_estimate.tolist(), strict=True))
    blank = np.full(k, np.nan)
    convention = _convention(total, everything, analysis.seed, statistics.strata is not None)
    return Intervals(blank, low, high, p, blank, convention, {}, details)


def _smaller_arm(statistics: Reassignment) -> int:
    """Return the practices of the smaller arm: those that start and those that never do."""
    counts = np.bincount(statistics.observed, minlength=len(statistics.cohorts))
    starters = int(counts[np.isfinite(statistics.cohorts)].sum())
    if not np.isinf(statistics.cohorts).any():
        return starters
    return min(starters, len(statistics.observed) - starters)


def _convention(total: int, everything: bool, seed: int, strata: bool) -> str:
    how = f"all {total} assignments" if everything else f"{total} sampled assignments, seed {seed}"
    within = " within strata" if strata else ""
    return (
        f"randomisation of start dates over practices{within}, |t| with cr1, {how}; presumes "
        f"exchangeable practices{within}"
    )


class _Refitted:
    """Estimates (B x K), practices' scores (B x G x K) and how both move when y loses its observed
    dose."""

    def __init__(self, b: int, g: int, k: int) -> None:
        self.estimate, self.moved = np.full((b, k), np.nan), np.zeros((b, k))
        self.score0, self.score1 = np.zeros((b, g, k)), np.zeros((b, g, k))


def _refitted(
    statistics: Reassignment, assignments: Ints, contrast: Floats, towards: Ints
) -> _Refitted:
    g, c, p = statistics.xy.shape
    out = _Refitted(len(assignments), g, len(contrast))
    practices = np.arange(g)
    flat = statistics.xx.reshape(g * c, p * p)
    size = max(1, CHUNK // (g * p * p))
    for first in range(0, len(assignments), size):
        some = assignments[first : first + size]
        here = slice(first, first + len(some))
        hot = np.zeros((len(some), g * c))
        hot[np.arange(len(some))[:, None], practices * c + some] = 1.0
        xx = (hot @ flat).reshape(-1, p, p)
        sound = _sound(xx)
        if not sound.any():
            continue
        xx, some = xx[sound], some[sound]
        where = np.arange(first, first + len(sound))[sound]
        aim = np.linalg.solve(xx, np.broadcast_to(contrast.T, (len(some), p, len(contrast))))
        xy = statistics.xy[practices, some]  # b x G x P
        beta = np.linalg.solve(xx, xy.sum(axis=1)[:, :, None])[:, :, 0]
        out.estimate[where] = beta @ contrast.T
        practice_xx = statistics.xx[practices, some]  # b x G x P x P
        residual = xy - np.einsum("bgpq,bq->bgp", practice_xx, beta)
        out.score0[where] = residual @ aim
        for j, k in enumerate(towards.tolist()):
            if k < 0:
                continue
            moved = statistics.moved[practices, some][..., k]
            shift = np.linalg.solve(xx, moved.sum(axis=1)[:, :, None])[:, :, 0]
            out.moved[where, j] = shift @ contrast[j]
            left = moved - np.einsum("bgpq,bq->bgp", practice_xx, shift)
            out.score1[where, :, j] = np.einsum("bgp,bp->bg", left, aim[:, :, j])
        del here
    return out


def _sound(xx: Floats) -> np.ndarray:
    """Say which of the stacked matrices are safely invertible."""
    diagonal = np.einsum("bpp->bp", xx)
    fine = (diagonal > 0).all(axis=1)
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    smallest = np.linalg.eigvalsh(xx / (scale[:, :, None] * scale[:, None, :]))[:, 0]
    return np.asarray(fine & (smallest > 1e-10))


def _plain(row: Floats) -> bool:
    """Say whether a contrast is one coefficient."""
    return bool((row != 0).sum() == 1 and row.max() == 1.0)


def _assignments(statistics: Reassignment, analysis: AnalysisOptions) -> tuple[Ints, bool]:
    """Return assignments (B x G) of start dates to practices and whether they are all there are;
    within each stratum its own start dates are permuted."""
    observed, cohorts = statistics.observed, len(statistics.cohorts)
    strata = statistics.strata if statistics.strata is not None else np.zeros_like(observed)
    members = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    counts = [np.bincount(observed[of], minlength=cohorts) for of in members]
    number = math.prod(_number(count) for count in counts)
    if number <= analysis.draws:
        ways = [list(_arrangements(count, int(count.sum()))) for count in counts]
        assignments = np.empty((number, len(observed)), dtype=np.int64)
        for row, chosen in zip(assignments, itertools.product(*ways), strict=True):
            for of, starts in zip(members, chosen, strict=True):
                row[of] = starts
        return assignments, True
    rng = np.random.default_rng(analysis.seed)
    assignments = np.tile(observed, (analysis.draws, 1))
    for of in members:
        assignments[:, of] = rng.permuted(assignments[:, of], axis=1)
    return assignments, False


def _number(counts: Ints) -> int:
    """Return in how many distinct ways start dates of these counts can be given out."""
    number = math.factorial(int(counts.sum()))
    for count in counts:
        number //= math.factorial(int(count))
    return number


def _arrangements(counts: Ints, g: int) -> Iterator[Ints]:
    """Yield every distinct way to give `counts[c]` of `g` practices the start c."""

    def fill(cohort: int, free: tuple[int, ...], so_far: Ints) -> Iterator[Ints]:
        if cohort == len(counts) - 1:
            done = so_far.copy()
            done[list(free)] = cohort
            yield done
            return
        for chosen in itertools.combinations(free, int(counts[cohort])):
            here = so_far.copy()
            here[list(chosen)] = cohort
            yield from fill(cohort + 1, tuple(f for f in free if f not in chosen), here)

    yield from fill(0, tuple(range(g)), np.zeros(g, dtype=np.int64))
