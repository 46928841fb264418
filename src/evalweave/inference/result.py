"""What an inference method returns: one entry a term, nan where the method has no such number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evalweave.fits.distributions import t_p_value, t_quantile
from evalweave.fits.result import Fit, Floats

EXACT = (
    "the residuals add up to nothing in every practice (an exact fit, or too few practices for "
    "this term), "
    "so there is nothing to take an error from"
)


@dataclass(frozen=True)
class Intervals:
    """Inference on the K terms of a fit.

    Attributes:
        std_error, ci_low, ci_high, p_value, dof: K each; nan = blank, infinite ends = unbounded.
        convention: factor and reference distribution, in words.
        covariance: of the estimates (K x K), where the method has one.
        absent: term -> why this method has no answer for it.
        details: more facts for diagnostics.json.
    """

    std_error: Floats
    ci_low: Floats
    ci_high: Floats
    p_value: Floats
    dof: Floats
    convention: str
    absent: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    covariance: Floats | None = None


def from_t(
    fit: Fit, std_error: Floats, dof: Floats | float, level: float, convention: str, **more: Any
) -> Intervals:
    """Return t intervals: estimate +- t(dof) std_error. dof = inf is the normal and printed blank.

    A term that is 0 by construction (the base period of a universal base) has no error and no
    interval.
    """
    dof = np.broadcast_to(np.asarray(dof, dtype=float), std_error.shape)
    fixed = (fit.theta == 0) & ~fit.influence.any(axis=0)
    std_error, dof = np.where(fixed, np.nan, std_error), np.where(fixed, np.nan, dof)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(std_error > 0, fit.theta / std_error, np.nan)
    half = t_quantile(level, dof) * std_error
    exact = (std_error <= 1e-13 * np.abs(fit.theta)) & (fit.theta != 0)
    absent = {
        **{term: EXACT for term, is_exact in zip(fit.terms, exact, strict=True) if is_exact},
        **more.pop("absent", {}),
    }
    return Intervals(
        std_error=std_error,
        ci_low=fit.theta - half,
        ci_high=fit.theta + half,
        p_value=t_p_value(statistic, dof),
        dof=np.where(np.isfinite(dof), dof, np.nan),
        convention=convention,
        absent=absent,
        **more,
    )
