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

BIAS_REDUCED, JACKKNIFE = 0.5, 1.0  # the powers p of cr2 and cr3
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


def adjusted(spectra: Spectrum, power: float) -> tuple[Floats, Floats]:
    """Return practices' adjusted influence (G x K) and Satterthwaite degrees of freedom (K).

    Under the working model of independent errors of equal variance (weights as inverse variances),
    the terms s_g of the variance estimator have covariance P_gg = a'V l(1-l)^-2p V'a - q_g'q_g,
    P_gh =
    -q_g'q_h with a = C'c and q_g = V l (1-l)^-p V'a; degrees of freedom are (tr P)^2 / sum P_gh^2.
    """
    left = 1.0 - spectra.values
    safe = np.where(left > SINGULAR, left, 1.0)
    inverse = np.where(left > SINGULAR, safe**-power, 0.0) if power else np.ones_like(left)
    rotated = np.einsum("gpq,pk->gqk", spectra.vectors, spectra.contrast)  # V'a
    turned = np.einsum("gpq,gp->gq", spectra.vectors, spectra.scores)  # V'C'X'e
    influence = np.einsum("gq,gqk->gk", turned * inverse, rotated)
    own = np.einsum("gqk,gq->gk", rotated**2, spectra.values * inverse**2)
    shared = np.einsum(
        "gpq,gqk->gpk", spectra.vectors, rotated * (spectra.values * inverse)[:, :, None]
    )
    dof = np.empty(spectra.contrast.shape[1])
    for k in range(len(dof)):
        covariance = -shared[:, :, k] @ shared[:, :, k].T
        covariance[np.diag_indices_from(covariance)] += own[:, k]
        total = float((covariance**2).sum())
        dof[k] = np.trace(covariance) ** 2 / total if total > 0 else np.nan
    return influence, dof


def essential_practices(fit: Fit, spectra: Spectrum) -> Floats:
    """Return, for each term, how many practices it is lost without (K).

    Leaving practice g out loses term c when c has a part in the directions that only g informs (1 -
    l = 0).
    """
    rotated = np.einsum("gpq,pk->gqk", spectra.vectors, spectra.contrast)
    alone = (1.0 - spectra.values) <= SINGULAR
    part = (rotated**2 * alone[:, :, None]).sum(axis=1) / (spectra.contrast**2).sum(axis=0)
    return np.asarray((part > 1e-10).sum(axis=0), dtype=float)


def lost_terms(fit: Fit, essential: Floats, method: str) -> dict[str, str]:
    """Return why leaving practices out loses terms, for those that it loses."""
    g = len(fit.influence)
    return {
        term: f"{method} leaves out one practice at a time, but without {_some(int(count))} of the "
        f"{g} practices "
        f"({fit.n_practices_treated} treated) this term cannot be estimated"
        for term, count in zip(fit.terms, essential, strict=True)
        if count
    }


def _some(count: int) -> str:
    return "one" if count == 1 else f"any of {count}"


def cr0_covariance(fit: Fit) -> Floats:
    """Return the K x K covariance of any fit, no factor."""
    return np.asarray(fit.influence.T @ fit.influence * 1.0)


def cr1_covariance(fit: Fit) -> Floats:
    """Return the K x K covariance of any fit with the small-sample factor of its kind."""
    g = len(fit.influence)
    factor = cr1_factor(fit.least_squares) if fit.least_squares else g / (g - 1)
    return np.asarray(fit.influence.T @ fit.influence * factor)


def small_sample_errors(fit: Fit) -> tuple[Floats, Floats, str]:
    """Return standard errors and degrees of freedom (K each) and their name.

    They are those of cr2 for least squares, of cr1 with G - 1 otherwise.
    """
    if fit.least_squares is not None:
        influence, dof = adjusted(spectrum(fit), BIAS_REDUCED)
        return np.sqrt((influence**2).sum(axis=0)), dof, "cr2"
    std_error = np.sqrt(np.diag(cr1_covariance(fit)))
    return std_error, np.full(len(std_error), len(fit.influence) - 1.0), "cr1"
