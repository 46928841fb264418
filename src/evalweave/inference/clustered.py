"""Intervals from practice-clustered errors: cr0, cr1, cr2 and cr3."""

from __future__ import annotations

import numpy as np

from evalweave.fits.result import Fit
from evalweave.inference.cluster_robust import (
    BIAS_REDUCED,
    JACKKNIFE,
    adjusted,
    cr0_covariance,
    cr1_covariance,
    essential_practices,
    lost_terms,
    spectrum,
)
from evalweave.inference.result import Intervals, from_t
from evalweave.study.analyses import AnalysisOptions


def cr0(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    """Return intervals without a small-sample factor: t(G - 1), or normal without least squares."""
    covariance = cr0_covariance(fit)
    std_error, words, dof = np.sqrt(np.diag(covariance)), "clustered, no factor, t(G-1)", np.inf
    if fit.least_squares is not None:
        dof = len(fit.influence) - 1
    else:
        words = "influence by practice, no factor, normal"
    return from_t(fit, std_error, dof, analysis.level, words, covariance=covariance)


def cr1(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    """Return intervals with the usual small-sample factor and t(G - 1)."""
    words = (
        "influence by practice, G/(G-1), t(G-1)"
        if fit.least_squares is None
        else "clustered, G/(G-1) x (N-1)/(N-K), t(G-1)"
    )
    covariance = cr1_covariance(fit)
    std_error, dof = np.sqrt(np.diag(covariance)), len(fit.influence) - 1
    return from_t(fit, std_error, dof, analysis.level, words, covariance=covariance)


def cr2(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    """Return bias-reduced intervals with Satterthwaite degrees of freedom (Bell & McCaffrey 2002;
    Pustejovsky & Tipton 2018)."""
    influence, dof = adjusted(spectrum(fit), BIAS_REDUCED)
    std_error = np.sqrt((influence**2).sum(axis=0))
    words = _convention("cr2", "bias-reduced")
    return from_t(fit, std_error, dof, analysis.level, words, covariance=influence.T @ influence)


def cr3(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    """Return intervals of the jackknife form without a factor, Satterthwaite degrees of freedom.

    A term that is lost with one of the practices has no answer.
    """
    by_practice = spectrum(fit)
    influence, dof = adjusted(by_practice, JACKKNIFE)
    std_error = np.sqrt((influence**2).sum(axis=0))
    absent = lost_terms(fit, essential_practices(fit, by_practice), "cr3")
    std_error = np.where([term in absent for term in fit.terms], np.nan, std_error)
    words = _convention("cr3", "jackknife form without a factor")
    covariance = influence.T @ influence
    return from_t(fit, std_error, dof, analysis.level, words, absent=absent, covariance=covariance)


def _convention(name: str, words: str) -> str:
    return f"{name}, {words}, patient effects absorbed, Satterthwaite (Bell-McCaffrey) dof"
