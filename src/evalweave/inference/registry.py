"""Inference by name, as `evalweave.catalogue.inferences` declares it: a fit and a method give
intervals."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.inferences import INFERENCES
from evalweave.errors import DataError
from evalweave.fits.result import Fit
from evalweave.inference.result import EXACT, Intervals
from evalweave.study.analyses import AnalysisOptions

MANY_PRACTICES = 2000  # above, `auto` is cr1: leverages no longer matter and cost G x P x P
MANY_REFITS = 200  # above, `auto` is cr1 where each practice left out costs an estimation

Method = Callable[[Fit, AnalysisOptions], Intervals]


def default_intervals(
    fit: Fit, analysis: AnalysisOptions
) -> Iterator[tuple[str, Intervals, frozenset[str]]]:
    """Yield method, intervals and the terms that they are for: each term by the first of the
    estimator's `default_inference` that has an answer.

    Raises:
        DataError: with fewer than two practices.
    """
    declared = ESTIMATORS[analysis.estimator].default_inference
    most = MANY_PRACTICES if fit.least_squares is not None else MANY_REFITS
    every = fit.least_squares is not None or fit.refit is not None
    methods = declared[:-1] if every and len(fit.influence) <= most else declared[-1:]
    open_terms = frozenset(fit.terms)
    for method in methods:
        intervals = infer(fit, method, analysis)
        answered = frozenset(term for term in open_terms if term not in intervals.absent)
        absent = {term: why for term, why in intervals.absent.items() if term in open_terms}
        yield method, replace(intervals, absent=absent), answered
        open_terms -= answered | {term for term, why in absent.items() if why == EXACT}
        if not open_terms:
            return


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
