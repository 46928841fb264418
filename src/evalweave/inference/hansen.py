"""Hansen's jackknife (V5; Hansen 2025, Review of Economic Studies): an interval also for a term
that is lost with one of the practices.

    V5 = sum_g d_g d_g',      d_g = b_(-g) - b,      b_(-g) = (X'X - X_g'X_g)^+ (X'y - X_g'y_g)

with the Moore–Penrose inverse, so that what only practice g informs counts as 0 without it and the
whole of that part of the estimate enters d_g: E[d_g^2] holds its variance and its square, so that
the variance is never understated. Where nothing is lost V5 is cr3. Degrees of freedom are
Satterthwaite's on d_g under independent errors of equal variance and no effect (Bell & McCaffrey
2002, extended).
"""

from __future__ import annotations

import numpy as np

from evalweave.errors import DataError
from evalweave.fits.result import Fit, Floats
from evalweave.inference.cluster_robust import SINGULAR, contrasts, spectrum, sufficient
from evalweave.inference.jackknife import re_estimated
from evalweave.inference.result import Intervals, from_t
from evalweave.study.analyses import AnalysisOptions

CARRIED = (
    "a term that one practice carries is not informed by the others: its interval holds zero "
    "whatever the data are"
)


def hansen(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    """Return V5 intervals; other estimators than least squares are estimated again without each
    practice, a lost cell counting as 0.

    Raises:
        DataError: for an estimator that cannot be re-estimated.
    """
    if fit.least_squares is not None:
        changes, dof = _least_squares(fit)
        words = "Satterthwaite dof"
    elif fit.refit is not None:
        changes, dof = _re_estimated(fit)
        words = "re-estimated, dof from how the squared changes concentrate in practices"
    else:
        raise DataError(
            f"hansen: {fit.estimator} cannot be re-estimated without a practice; cr1 applies."
        )
    std_error = np.sqrt((changes**2).sum(axis=0))
    convention = f"Hansen's jackknife (V5), what only one practice informs is 0 without it, {words}"
    return from_t(
        fit,
        std_error,
        dof,
        analysis.level,
        convention,
        details={"reading": CARRIED},
        covariance=changes.T @ changes,
    )


def _least_squares(fit: Fit) -> tuple[Floats, Floats]:
    """Return d_g for the terms (G x K) and Satterthwaite degrees of freedom (K)."""
    spectra = spectrum(fit)
    ls, contrast = sufficient(fit), contrasts(fit)
    beta = np.linalg.solve(ls.xx.sum(axis=0), ls.xy.sum(axis=0))
    g, p = spectra.values.shape
    changes, own = np.empty((g, len(contrast))), np.empty((g, len(contrast)))
    shared, lost = np.empty((g, p, len(contrast))), np.zeros((g, p, len(contrast)))
    for practice in range(g):
        left = 1.0 - spectra.values[practice]
        alone = left <= SINGULAR
        inverse = np.where(alone, 0.0, 1.0 / np.where(alone, 1.0, left))
        vectors = spectra.vectors[practice]
        directions = spectra.root @ vectors[:, alone]  # what only this practice informs
        part = contrast @ directions @ np.linalg.pinv(directions)
        rotated = vectors.T @ spectra.root.T @ (contrast - part).T
        turned = (vectors.T @ spectra.scores[practice]) * inverse
        changes[practice] = -turned @ rotated - part @ beta
        leverage = spectra.values[practice] * inverse
        own[practice] = (rotated**2).T @ (leverage * inverse)
        shared[practice] = vectors @ (rotated * leverage[:, None])
        lost[practice] = (part @ spectra.root).T
    dof = np.empty(len(contrast))
    for k in range(len(contrast)):
        covariance = np.diag(own[:, k]) - shared[:, :, k] @ shared[:, :, k].T
        covariance += lost[:, :, k] @ lost[:, :, k].T
        total = float((covariance**2).sum())
        dof[k] = np.trace(covariance) ** 2 / total if total > 0 else np.nan
    return changes, dof


def _re_estimated(fit: Fit) -> tuple[Floats, Floats]:
    """Return the changes of re-estimation (G x K) and (sum d^2)^2 / sum d^4 in [1, G - 1] (K)."""
    again = re_estimated(fit)
    lost = np.isnan(again)
    known = np.where(lost, 0.0, again)
    if fit.averages is not None:  # an average keeps what it has beside the lost cells
        averages, cells = fit.averages.shape
        over_rest = known[:, :cells] @ fit.averages.T
        known[:, -averages:] = np.where(lost[:, -averages:], over_rest, known[:, -averages:])
    changes = known - fit.theta
    fourth = (changes**4).sum(axis=0)
    concentration = (changes**2).sum(axis=0) ** 2 / np.where(fourth > 0, fourth, 1.0)
    return changes, np.clip(concentration, 1.0, max(len(changes) - 1.0, 1.0))
