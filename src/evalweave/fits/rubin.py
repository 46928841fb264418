"""Rubin's rules: one estimate and error from those of m completed data sets.

    theta = mean of theta_l,   T = U + (1 + 1/m) B,

with U the mean of the variances within completed data, here the jackknife over practices,
(G-1)/G Σ_g (theta_l(-g) - theta_l)², and B the variance of the theta_l. Degrees of freedom after
Barnard & Rubin (1999, Biometrika 86:948-955), with those of complete data from the practices:

    1/nu = 1/nu_m + 1/nu_obs,   nu_m = (m-1)/gamma²,   gamma = (1 + 1/m) B / T,
    nu_obs = (nu_com+1)/(nu_com+3) nu_com (1 - gamma).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalweave.fits.distributions import t_quantile
from evalweave.fits.result import Floats, Imputations


@dataclass(frozen=True)
class Pooled:
    """One entry a term; `missing` is gamma, the share of the variance that is due to what was
    missing."""

    theta: Floats
    covariance: Floats
    dof: Floats
    missing: Floats
    low: Floats
    high: Floats


def pooled(draws: Imputations, level: float) -> Pooled:
    """Return the estimate of m completed data sets by Rubin's rules."""
    m, g = draws.without.shape[:2]
    theta = draws.theta.mean(axis=0)
    moved = np.nan_to_num(draws.without - draws.theta[:, None])  # a lost practice moves nothing
    within = np.einsum("lgk,lgj->kj", moved, moved) / m * (g - 1) / g
    away = draws.theta - theta
    between = away.T @ away / (m - 1) * (1 + 1 / m)
    total = within + between
    variance = np.diag(total)
    share = np.divide(np.diag(between), variance, out=np.zeros(len(theta)), where=variance > 0)
    dof = barnard_rubin(share, m, draws.complete_dof)
    half = t_quantile(level, dof) * np.sqrt(variance)
    return Pooled(theta, total, dof, share, theta - half, theta + half)


def barnard_rubin(gamma: Floats, m: int, complete: float) -> Floats:
    """Return degrees of freedom; `gamma` is the share of the variance due to missing values."""
    observed = (complete + 1) / (complete + 3) * complete * (1 - gamma)
    with np.errstate(divide="ignore"):
        inverse = gamma**2 / (m - 1) + 1 / observed
    return np.asarray(1 / inverse)
