"""The t and normal distributions through scipy.special, which loads in a tenth of scipy.stats'
time."""

from __future__ import annotations

import numpy as np
from scipy.special import fdtrc, ndtr, ndtri, stdtr, stdtrit

from evalweave.fits.result import Floats, LeastSquares


def t_p_value(statistic: Floats, dof: Floats) -> Floats:
    """Return the two-sided p-value of t statistics; dof = inf is the normal."""
    statistic, dof = np.broadcast_arrays(
        np.abs(np.asarray(statistic, dtype=float)), np.asarray(dof, dtype=float)
    )
    finite = np.isfinite(dof)
    tail = np.where(finite, stdtr(np.where(finite, dof, 1.0), -statistic), ndtr(-statistic))
    return np.asarray(2 * tail)


def t_quantile(level: float, dof: Floats) -> Floats:
    """Return the two-sided critical value for intervals of `level`; dof = inf is the normal."""
    dof = np.asarray(dof, dtype=float)
    finite = np.isfinite(dof)
    upper = (1 + level) / 2
    return np.asarray(np.where(finite, stdtrit(np.where(finite, dof, 1.0), upper), ndtri(upper)))


def f_p_value(statistic: float, numerator: float, denominator: float) -> float:
    """Return the upper tail of F(numerator, denominator)."""
    return float(fdtrc(numerator, denominator, statistic))


def cr1_factor(ls: LeastSquares) -> float:
    """Return G/(G-1) x (N-1)/(N-K), K counting all period effects and the coefficients."""
    g = len(ls.xx)
    return g / (g - 1) * (ls.n_obs - 1) / (ls.n_obs - ls.n_parameters)
