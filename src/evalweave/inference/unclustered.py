"""Errors that ignore practices, for comparison with other software only."""

from __future__ import annotations

import numpy as np

from evalweave.errors import DataError
from evalweave.fits.result import Fit
from evalweave.inference.result import Intervals, from_t
from evalweave.study.analyses import AnalysisOptions


def unit(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    """Return normal intervals from the unclustered analytic covariance.

    Raises:
        DataError: for a fit that has none.
    """
    if fit.unit_covariance is None:
        raise DataError(
            f"unit: {fit.estimator} has no unclustered analytic error here; cr1 applies."
        )
    std_error = np.sqrt(np.diag(fit.unit_covariance))
    words = (
        "influence by patient, ignoring practices, no factor, normal; for comparison with "
        "other software only"
    )
    return from_t(fit, std_error, np.inf, analysis.level, words)
