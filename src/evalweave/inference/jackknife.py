"""The jackknife over practices (CV3; MacKinnon, Nielsen & Webb 2023)."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np

from evalweave.errors import DataError
from evalweave.fits.result import Fit, Floats
from evalweave.inference.cluster_robust import (
    JACKKNIFE,
    adjusted,
    essential_practices,
    lost_terms,
    spectrum,
)
from evalweave.inference.result import Intervals, from_t
from evalweave.study.analyses import AnalysisOptions

# Several methods and diagnostics ask the same; forgotten with the fit.
_KNOWN: WeakKeyDictionary[Callable[..., Floats], Floats] = WeakKeyDictionary()


def jackknife(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    """Return intervals from (G-1)/G x sum over g of (b_g - b)^2 with t(G - 1).

    Least squares take it from sufficient statistics, other estimators by estimating again without
    each practice in turn.

    Raises:
        DataError: for an estimator that can do neither.
    """
    g = len(fit.influence)
    words = "jackknife over practices (CV3), (G-1)/G x sum (b_g - b)^2, t(G-1)"
    if fit.least_squares is not None:
        by_practice = spectrum(fit)
        moved, _ = adjusted(by_practice, JACKKNIFE)
        essential = essential_practices(fit, by_practice)
    elif fit.refit is not None:
        moved = re_estimated(fit) - fit.theta
        essential = np.isnan(moved).sum(axis=0)
        words += ", re-estimated"
    else:
        raise DataError(
            f"jackknife: {fit.estimator} cannot be re-estimated without a practice; cr1 applies."
        )
    absent = lost_terms(fit, essential, "jackknife")
    std_error = np.sqrt((moved**2).sum(axis=0) * (g - 1) / g)
    std_error = np.where([term in absent for term in fit.terms], np.nan, std_error)
    covariance = moved.T @ moved * (g - 1) / g
    return from_t(
        fit, std_error, g - 1, analysis.level, words, absent=absent, covariance=covariance
    )


def re_estimated(fit: Fit) -> Floats:
    """Return theta without each practice in turn (G x K); of a fit that was asked before, what was
    said then."""
    assert fit.refit is not None
    if (known := _KNOWN.get(fit.refit)) is not None:
        return known
    keep = np.ones(len(fit.influence), dtype=bool)
    rows = []
    for practice in range(len(keep)):
        keep[practice] = False
        rows.append(fit.refit(keep.copy()))
        keep[practice] = True
    _KNOWN[fit.refit] = np.array(rows)
    return _KNOWN[fit.refit]


def was_re_estimated(fit: Fit) -> bool:
    """Return whether `re_estimated` was asked of a fit, so that asking again costs nothing."""
    return fit.refit is not None and fit.refit in _KNOWN
