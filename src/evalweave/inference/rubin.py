"""Rubin's rules over multiply imputed panels, with few practices."""

from __future__ import annotations

import numpy as np

from evalweave.errors import DataError
from evalweave.fits.result import Fit
from evalweave.fits.rubin import pooled
from evalweave.inference.result import Intervals, from_t
from evalweave.study.analyses import AnalysisOptions


def rubin(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    """Return t intervals with Barnard and Rubin's degrees of freedom.

    Raises:
        DataError: for a fit without imputations, or where a practice left out loses the estimate.
    """
    if fit.imputations is None:
        raise DataError(f"rubin: {fit.estimator} imputes nothing; jackknife applies.")
    lost = np.asarray(np.isnan(fit.imputations.without).any(axis=(0, 1)))
    absent = {
        term: "it rests on one practice, without which it cannot be estimated"
        for term, gone in zip(fit.terms, lost, strict=True)
        if gone
    }
    found = pooled(fit.imputations, analysis.level)
    error = np.where(lost, np.nan, np.sqrt(np.diag(found.covariance)))
    words = (
        "Rubin's rules: mean jackknife variance over practices (CV3) + (1 + 1/m) x variance "
        "between imputations, t with Barnard and Rubin's degrees of freedom "
        f"(complete data: {fit.imputations.complete_dof:g}, practices less one)"
    )
    share = dict(zip(fit.terms, map(float, found.missing), strict=True))
    return from_t(
        fit,
        error,
        found.dof,
        analysis.level,
        words,
        absent=absent,
        covariance=found.covariance,
        details={"variance_share_of_missing": share},
    )
