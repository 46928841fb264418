"""The smallest effect that these practices could have shown."""

from __future__ import annotations

from typing import Any

from evalweave.fits.distributions import t_quantile
from evalweave.fits.result import Fit
from evalweave.inference.cluster_robust import small_sample_errors

POWER = 0.8


def minimum_detectable_effect(fit: Fit, level: float, power: float = POWER) -> dict[str, Any]:
    """Return, for each term, (t_(1+level)/2 + t_power) x standard error, in the outcome's unit
    (Bloom 1995).

    Standard error and degrees of freedom are those of cr2 for least squares, of cr1 with G - 1
    otherwise.
    """
    error, dof, method = small_sample_errors(fit)
    multiple = t_quantile(level, dof) + t_quantile(2 * power - 1, dof)
    return {
        "power": power,
        "level": level,
        "inference": method,
        "effects": {
            term: float(m * e)
            for term, m, e in zip(fit.terms, multiple, error, strict=True)
            if e > 0 and term not in fit.exponentiated
        },
    }
