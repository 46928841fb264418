"""How small a difference could be declared: the smallest margin of an equivalence test.

Two one-sided tests of size alpha declare |theta| < m exactly where the 1 - 2 alpha interval lies
within (-m, m), so that the smallest such margin is

    |theta-hat| + t(1 - alpha) x standard error.

For several at once each must be declared (intersection-union), so that theirs is the largest. Not
rejecting zero is no evidence of nothing; this margin says how much the data rule out. Source:
Bilinski & Hatfield (2018, arXiv 1805.03273); Dette & Schumann (2024), Journal of Business &
Economic Statistics 42.
"""

from __future__ import annotations

from typing import Any

from evalweave.fits.distributions import t_quantile
from evalweave.fits.result import Fit, Floats
from evalweave.inference.cluster_robust import small_sample_errors

SIZE = 0.05


def smallest_margins(estimate: Floats, error: Floats, dof: Floats) -> Floats:
    """Return the smallest margin of each estimate, in its unit."""
    margins: Floats = abs(estimate) + t_quantile(1 - 2 * SIZE, dof) * error
    return margins


def equivalence(fit: Fit) -> dict[str, Any]:
    """Return, for each term, the smallest margin within which it could be declared to be zero.

    Standard error and degrees of freedom are those of cr2 for least squares, of cr1 with G - 1
    otherwise.
    """
    error, dof, method = small_sample_errors(fit)
    margins = smallest_margins(fit.theta, error, dof)
    return {
        "size": SIZE,
        "inference": method,
        "margins": {
            term: float(margin)
            for term, margin, e in zip(fit.terms, margins, error, strict=True)
            if e > 0
        },
    }
