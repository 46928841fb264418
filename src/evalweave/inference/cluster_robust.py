"""Cluster-robust standard errors from per-practice sufficient statistics (Bell & McCaffrey 2002;
Pustejovsky & Tipton 2018; MacKinnon, Nielsen & Webb 2023).

With X_g the columns of practice g after absorbing the patient effects, M = (sum X_g'WX_g)^-1 = CC',
H_gg = X_gMX_g' and C'X_g'WX_gC = V diag(l) V', adjusting the residuals by A_g = (I - H_gg)^-p
changes the practice's influence to

    M X_g'A_g e_g = C V diag((1 - l)^-p) V' C' X_g'e_g,       p = 0 (cr0), 1/2 (cr2), 1 (cr3),

so that nothing larger than P x P is ever factorised. Where 1 - l = 0 (leaving g out loses a column)
the generalised inverse drops that direction. cr3 equals the unscaled jackknife sum_g (b_g - b)^2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalweave.fits.distributions import cr1_factor
from evalweave.fits.result import Fit, Floats, LeastSquares

POWERS = {"cr0": 0.0, "cr2": 0.5, "cr3": 1.0}
SINGULAR = 1e-9  # 1 - l below this counts as zero


@dataclass(frozen=True)
class Spectrum:
    """The eigen-decomposition of every practice's leverage.

    Attributes:
        root: C, P x P.   values: l, G x P, clipped to [0, 1].   vectors: V, G x P x P.
        scores: C'X_g'e_g, G x P.   contrast: C'c for each term, P x K.
    """

    root: Floats
    values: Floats
    vectors: Floats
    scores: Floats
    contrast: Floats


def spectrum(fit: Fit) -> Spectrum:
    """Return the spectrum of a least-squares fit."""
    ls = sufficient(fit)
    xx = ls.xx.sum(axis=0)
    scale = 1 / np.sqrt(np.diag(xx))
    root = scale[:, None] * np.linalg.inv(np.linalg.cholesky(xx * np.outer(scale, scale))).T
    beta = root @ (root.T @ ls.xy.sum(axis=0))
    contrast = contrasts(fit)
    values, vectors = np.linalg.eigh(root.T @ ls.xx @ root)
    scores = (ls.xy - ls.xx @ beta) @ root
    return Spectrum(root, np.clip(values, 0.0, 1.0), vectors, scores, root.T @ contrast.T)


def sufficient(fit: Fit) -> LeastSquares:
    """Return the sufficient statistics of a fit that has them."""
    if fit.least_squares is None:
        raise ValueError(f"{fit.estimator} is not least squares")
    return fit.least_squares


def contrasts(fit: Fit) -> Floats:
    """Return the K x P map from coefficients to terms."""
    if fit.contrast is not None:
        return fit.contrast
    return np.eye(len(fit.terms), len(sufficient(fit).columns))


def adjusted(found: Spectrum, power: float) -> tuple[Floats, Floats]:
    """Return practices' adjusted influence (G x K) and Satterthwaite degrees of freedom (K).

    Under the working model of independent errors of equal variance (weights as inverse variances),
    the terms s_g of the variance estimator have covariance P_gg = a'V l(1-l)^-2p V'a - q_g'q_g,
    P_gh =
    -q_g'q_h with a = C'c and q_g = V l (1-l)^-p V'a; degrees of freedom are (tr P)^2 / sum P_gh^2.
    """
    left = 1.0 - found.values
    safe = np.where(left > SINGULAR, left, 1.0)
    inverse = np.where(left > SINGULAR, safe**-power, 0.0) if power else np.ones_like(left)
    rotated = np.einsum("gpq,pk->gqk", found.vectors, found.contrast)  # V'a
    turned = np.einsum("gpq,gp->gq", found.vectors, found.scores)  # V'C'X'e
    influence = np.einsum("gq,gqk->gk", turned * inverse, rotated)
    own = np.einsum("gqk,gq->gk", rotated**2, found.values * inverse**2)
    shared = np.einsum(
        "gpq,gqk->gpk", found.vectors, rotated * (found.values * inverse)[:, :, None]
    )
    dof = np.empty(found.contrast.shape[1])
    for k in range(len(dof)):
        covariance = -shared[:, :, k] @ shared[:, :, k].T
        covariance[np.diag_indices_from(covariance)] += own[:, k]
        total = float((covariance**2).sum())
        dof[k] = np.trace(covariance) ** 2 / total if total > 0 else np.nan
    return influence, dof


def essential_practices(fit: Fit, found: Spectrum) -> Floats:
    """Return, for each term, how many practices it is lost without (K).

    Leaving practice g out loses term c when c has a part in the directions that only g informs (1 -
    l = 0).
    """
    rotated = np.einsum("gpq,pk->gqk", found.vectors, found.contrast)
    alone = (1.0 - found.values) <= SINGULAR
    part = (rotated**2 * alone[:, :, None]).sum(axis=1) / (found.contrast**2).sum(axis=0)
    return np.asarray((part > 1e-10).sum(axis=0), dtype=float)


def covariance(fit: Fit, method: str) -> Floats:
    """Return the K x K covariance of a fit by cr0, cr1, cr2 or cr3 (cr0 and cr1 for every
    estimator)."""
    g = len(fit.influence)
    if fit.least_squares is None or method in ("cr0", "cr1"):
        factor = 1.0
        if method == "cr1":
            factor = cr1_factor(fit.least_squares) if fit.least_squares else g / (g - 1)
        return np.asarray(fit.influence.T @ fit.influence * factor)
    influence, _ = adjusted(spectrum(fit), POWERS[method])
    return np.asarray(influence.T @ influence)
