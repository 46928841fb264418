"""Placebo errors: untreated practices are given the start dates of the treated ones, and the spread
of what is then estimated is the error of the real estimate.

    V = mean over placebos of (theta_b - mean theta)^2,      t(N_0 - 1)

with N_0 the untreated practices, from which alone the spread is learnt (the paper takes the
normal). All ways of choosing practices where they are no more than the draws, else a sample. It
presumes that treated practices vary as untreated ones do. Source: Arkhangelsky, Athey, Hirshberg,
Imbens & Wager (2021), American Economic Review 111(12), algorithm 4.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from evalweave.errors import DataError
from evalweave.fits.result import Fit, Ints, Placebo
from evalweave.inference.result import Intervals, from_t
from evalweave.study.analyses import AnalysisOptions

MOST = 999  # placebos drawn: each is an estimation, and more do not change two digits of an error


def placebo(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    """Return t intervals from the placebo error; `details` hold the share of placebos at least as
    far from 0 as the estimate (the estimate itself counted).

    Raises:
        DataError: where untreated practices are no more than the treated ones, or the fit has no
            placebos.
    """
    if fit.placebo is None:
        raise DataError(f"placebo: {fit.estimator} has no placebo estimates.")
    treated = sum(fit.placebo.sizes)
    if fit.placebo.practices <= treated:
        raise DataError(
            f"placebo: {fit.placebo.practices} untreated practices are no more than the {treated} "
            "treated ones, so that they cannot stand in for them."
        )
    chosen, everything = _choices(fit.placebo, min(analysis.draws, MOST), analysis.seed)
    sample = np.array([fit.placebo.estimate(one) for one in chosen])
    std_error = sample.std(axis=0)
    far = (np.abs(sample) >= np.abs(fit.theta) * (1 - 1e-10)).sum(axis=0)
    how = f"all {len(sample)} placebos" if everything else f"{len(sample)} placebos, seed "
    how += "" if everything else str(analysis.seed)
    rank = (1 + far) / (1 + len(sample))
    return from_t(
        fit,
        std_error,
        fit.placebo.practices - 1,
        analysis.level,
        f"placebo over untreated practices, {how}, t(N0-1); {fit.placebo.words}; presumes that "
        "treated practices vary as untreated ones do",
        details={
            "placebos": len(sample),
            "enumerated": everything,
            "p_value_by_rank": dict(zip(fit.terms, rank.tolist(), strict=True)),
        },
    )


def _choices(given: Placebo, draws: int, seed: int) -> tuple[list[Ints], bool]:
    """Return which practices stand in for the treated of each start, and whether these are all
    ways."""
    number, rest = 1, given.practices
    for size in given.sizes:
        number *= math.comb(rest, size)
        rest -= size
    if number <= draws:
        every = _every(tuple(range(given.practices)), given.sizes)
        return [np.array(one, dtype=np.int64) for one in every], True
    random = np.random.default_rng(seed)
    treated = sum(given.sizes)
    return [random.permutation(given.practices)[:treated] for _ in range(draws)], False


def _every(free: tuple[int, ...], sizes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if not sizes:
        yield ()
        return
    for chosen in itertools.combinations(free, sizes[0]):
        left = tuple(one for one in free if one not in chosen)
        for rest in _every(left, sizes[1:]):
            yield (*chosen, *rest)
