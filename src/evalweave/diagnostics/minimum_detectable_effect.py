"""The smallest effect that these practices could have shown."""

from __future__ import annotations

from typing import Any

from evalweave.diagnostics.primary import Errors
from evalweave.fits.distributions import t_quantile
from evalweave.fits.result import Fit

POWER = 0.8


def minimum_detectable_effect(
    fit: Fit, errors: Errors, level: float, power: float = POWER
) -> dict[str, Any]:
    """Return, for each term, (t_(1+level)/2 + t_power) x standard error, in the outcome's unit
    (Bloom 1995).

    Standard error and degrees of freedom are those of the first row printed of the term.
    """
    dof = errors.dof
    multiple = t_quantile(level, dof) + t_quantile(2 * power - 1, dof)
    return {
        "power": power,
        "level": level,
        **errors.named(),
        "effects": {
            term: float(m * e)
            for term, m, e in zip(fit.terms, multiple, errors.error, strict=True)
            if e > 0 and term not in fit.exponentiated
        },
    }
