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

from evalweave.diagnostics.primary import Errors
from evalweave.fits.distributions import t_quantile
from evalweave.fits.result import Fit, Floats

SIZE = 0.05


def smallest_margins(estimate: Floats, error: Floats, dof: Floats) -> Floats:
    """Return the smallest margin of each estimate, in its unit."""
    margins: Floats = abs(estimate) + t_quantile(1 - 2 * SIZE, dof) * error
    return margins


def equivalence(fit: Fit, errors: Errors) -> dict[str, Any]:
    """Return, for each term, the smallest margin within which it could be declared to be zero.

    Standard error and degrees of freedom are those of the first row printed of the term.
    """
    margins = smallest_margins(fit.theta, errors.error, errors.dof)
    return {
        "size": SIZE,
        **errors.named(),
        "margins": {
            term: float(margin)
            for term, margin, e in zip(fit.terms, margins, errors.error, strict=True)
            if e > 0
        },
    }
