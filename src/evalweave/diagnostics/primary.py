"""The error of each term that its first printed interval rests on, for diagnostics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalweave.catalogue import calls
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.inferences import INFERENCES
from evalweave.fits.result import Fit, Floats
from evalweave.inference.cluster_robust import small_sample_errors
from evalweave.inference.result import Intervals

Printed = tuple[str, Intervals, frozenset[str]]  # a method, what it gave, and for which terms


@dataclass(frozen=True)
class Errors:
    """Standard errors and degrees of freedom (K each; inf = the normal), and whose each is.

    A term without an error has nan and the method ''.
    """

    error: Floats
    dof: Floats
    methods: tuple[str, ...]

    def named(self) -> dict[str, Any]:
        """Return the method as an entry of diagnostics.json."""
        return {"inference": ", ".join(dict.fromkeys(filter(None, self.methods)))}


def primary_errors(fit: Fit, printed: Iterable[Printed]) -> Errors:
    """Return the errors of the first method printed for each term that has one.

    Where none has (permutations have no error), they are those of cr2 for least squares and of cr1
    with G - 1 for others to which cr1 applies.
    """
    k = len(fit.terms)
    error, dof, methods = np.full(k, np.nan), np.full(k, np.inf), [""] * k
    for method, intervals, terms in printed:
        for place, term in enumerate(fit.terms):
            value = float(intervals.std_error[place])
            if methods[place] or term not in terms or term in intervals.absent:
                continue
            if np.isfinite(value) and value > 0:
                own = float(intervals.dof[place])
                error[place], methods[place] = value, method
                dof[place] = own if np.isfinite(own) else np.inf
    fixed = (fit.theta == 0) & ~fit.influence.any(axis=0)
    if not any(methods) and not fixed.all():
        others, freedom, name = small_sample_errors(fit)
        if calls.applies(INFERENCES[name], ESTIMATORS[fit.estimator]):
            error, dof, methods = others, freedom, [name if e > 0 else "" for e in others]
    return Errors(error, dof, tuple(methods))
