"""Multiple imputation by chained equations, within one arm, with practice effects.

Each period's value is regressed, among those measured in it, on the values of all other periods,
on what is fixed of a person, and on practice effects u ~ N(0, tau²):

    y_t = a + Σ_{s≠t} b_s y_s + c'x + u_practice + e,   e ~ N(0, sigma²),

all drawn from their posterior, and then the values of those not measured (van Buuren & Oudshoorn's
MICE with the two-level model of Schafer & Yucel 2002; one model a period, so that effects and
practices differ freely between periods; sigma² is a period's own, tau² is one of the
arm). Everything is in standard units of the arm. Slopes have a
prior as of one hundredth of a person; tau² one as of a single practice, with the median that Adams
et al. (2004, J Clin Epidemiol 57:785-794) found in primary care.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalweave.fits.result import Floats, Ints

PRIOR = 1e-2  # precision of slopes, in rows of one standard deviation
TAU = 0.01  # a practice variance, with the weight of one practice: the median in primary care
LARGEST = 5_000_000  # numbers of a design at a time


@dataclass(frozen=True)
class People:
    """One arm's people: values by period (n x T, nan = not measured), what is fixed of them (n x E)
    and their practices (n, codes 0..G-1)."""

    values: Floats
    fixed: Floats
    practice: Ints
    n_practices: int


def imputed(people: People, m: int, rounds: int, random: np.random.Generator) -> Floats:
    """Return m completed tables (m x n x T); a period in which nobody was measured stays nan."""
    seen = ~np.isnan(people.values)
    centre, scale = float(np.nanmean(people.values)), float(np.nanstd(people.values)) or 1.0
    known = np.flatnonzero(seen.any(axis=0))
    order = known[np.argsort((~seen[:, known]).sum(axis=0), kind="stable")]  # fewest blanks first
    n, periods = people.values.shape
    width = n * (len(known) + people.fixed.shape[1] + people.n_practices)
    size = max(1, LARGEST // max(width, 1))
    whole = np.full((m, n, periods), np.nan)
    for low in range(0, m, size):
        part = _started((people.values - centre) / scale, seen, known, min(size, m - low), random)
        blank = [int(t) for t in order if not seen[:, t].all()]
        sigma = {t: np.ones(len(part)) for t in blank}
        squares = {t: np.full(len(part), TAU * people.n_practices) for t in blank}
        degrees = 1 + people.n_practices * len(blank)
        for _ in range(rounds):
            for t in blank:
                tau = (sum(squares.values()) + TAU) / random.chisquare(degrees, len(part))
                sigma[t], squares[t] = _drawn(
                    part, people, seen[:, t], t, known, sigma[t], tau, random
                )
        whole[low : low + size] = part * scale + centre
    return np.where(seen, people.values, whole)  # to the last bit what was measured


def _started(
    values: Floats, seen: NDArray[np.bool_], known: Ints, m: int, random: np.random.Generator
) -> Floats:
    """Return m tables, blanks filled with values of others measured in the same period."""
    start = np.repeat(values[None], m, axis=0)
    for t in known:
        blank = ~seen[:, t]
        start[:, blank, t] = random.choice(values[~blank, t], size=(m, int(blank.sum())))
    return start


def _drawn(
    part: Floats,
    people: People,
    seen: NDArray[np.bool_],
    t: int,
    known: Ints,
    sigma: Floats,
    tau: Floats,
    random: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Draw the model of period t and the blanks of t, in place, given sigma² and tau² (m each);
    return sigma² and the sum of squared practice effects."""
    m, n, _ = part.shape
    others = known[known != t]
    fixed = np.column_stack((np.ones(n), people.fixed))
    same = np.repeat(fixed[None], m, axis=0)
    slopes = np.concatenate((same, part[:, :, others]), axis=2)  # m x n x P
    k, g = slopes.shape[2], people.n_practices
    y, x, place = part[:, seen, t], slopes[:, seen], people.practice[seen]
    effects = np.zeros((len(place), g))
    effects[np.arange(len(place)), place] = 1.0
    precision = np.zeros((m, k + g, k + g))
    precision[:, :k, :k] = x.transpose(0, 2, 1) @ x
    precision[:, k:, :k] = effects.T @ x
    precision[:, :k, k:] = precision[:, k:, :k].transpose(0, 2, 1)
    precision[:, k:, k:] = np.diag(effects.sum(axis=0))
    precision /= sigma[:, None, None]
    index = np.arange(k + g)
    prior = np.concatenate((np.full((m, k), PRIOR), np.repeat(1 / tau[:, None], g, axis=1)), axis=1)
    precision[:, index, index] += prior
    moment = np.concatenate(((x.transpose(0, 2, 1) @ y[:, :, None])[:, :, 0], y @ effects), axis=1)
    lower = np.linalg.cholesky(precision)
    upper = lower.transpose(0, 2, 1)
    half = np.linalg.solve(lower, (moment / sigma[:, None])[:, :, None])
    drawn = np.linalg.solve(upper, half + random.normal(size=(m, k + g, 1)))[:, :, 0]
    beta, u = drawn[:, :k], drawn[:, k:]
    left = y - (x @ beta[:, :, None])[:, :, 0] - u[:, place]
    sigma = np.maximum((left**2).sum(axis=1) / random.chisquare(len(place), m), 1e-12)
    mean = (slopes[:, ~seen] @ beta[:, :, None])[:, :, 0] + u[:, people.practice[~seen]]
    part[:, ~seen, t] = mean + np.sqrt(sigma)[:, None] * random.normal(size=mean.shape)
    return sigma, (u**2).sum(axis=1)
