"""Inference by name, as `evalweave.catalogue.inferences` declares it: a fit and a method give
intervals."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from evalweave.catalogue.inferences import INFERENCES
from evalweave.errors import DataError
from evalweave.fits.result import Fit
from evalweave.inference.result import Intervals
from evalweave.study.analyses import AnalysisOptions

Method = Callable[[Fit, AnalysisOptions], Intervals]


def infer(fit: Fit, method: str, analysis: AnalysisOptions) -> Intervals:
    """Return the intervals of `fit` by `method`.

    Raises:
        DataError: with fewer than two practices, or where the method has no answer for any term.
    """
    declared = INFERENCES[method]
    if declared.clustered and len(fit.influence) < 2:
        raise DataError(
            "All patients belong to one practice: practice-level errors need at least two, and to "
            "be trusted many more."
        )
    module, function = declared.implementation.split(":")
    implementation: Method = getattr(
        importlib.import_module(f"evalweave.inference.{module}"), function
    )
    intervals = implementation(fit, analysis)
    if declared.band == "widened" and analysis.bands == "simultaneous":
        from evalweave.inference.multiplier_bootstrap import widened

        return widened(fit, intervals, analysis)
    return intervals
