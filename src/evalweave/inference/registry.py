"""Inference by name: a fit and a method give intervals, or a sentence that says what applies
instead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalweave.errors import DataError, StudyError
from evalweave.fits.distributions import t_quantile
from evalweave.fits.result import Fit
from evalweave.inference.cluster_robust import (
    POWERS,
    adjusted,
    covariance,
    essential_practices,
    spectrum,
)
from evalweave.inference.result import Intervals, from_t
from evalweave.study.analyses import AnalysisOptions

LEAST_SQUARES = ("did_2x2", "twfe", "event_study", "sun_abraham", "etwfe")
EVERY = ("cr0", "cr1", "jackknife", "unit", "multiplier_bootstrap")
ONLY_LEAST_SQUARES = ("cr2", "cr3", "wild_bootstrap")
NO_UNIT = ("did_2x2", "dose")
REASSIGNED = ("twfe", "event_study", "sun_abraham", "etwfe")


def refusal(estimator: str, method: str, engine: str = "evalweave") -> str:
    """Return why `method` does not apply to `estimator` and what does, or '' where it applies."""
    if engine == "linearmodels" and method not in ("cr0", "cr1"):
        return (
            f"{method} is not available with engine: linearmodels (cr0 and cr1 are); use the "
            "default engine."
        )
    if method in ONLY_LEAST_SQUARES and estimator not in LEAST_SQUARES:
        return (
            f"{method} needs a least-squares estimator ({', '.join(LEAST_SQUARES)}) and does not "
            f"apply to {estimator}; "
            "jackknife, cr1 and multiplier_bootstrap do."
        )
    if method == "unit" and estimator in NO_UNIT:
        return (
            f"unit (unclustered errors) is not available for {estimator}; cr1 and jackknife apply."
        )
    if method == "randomisation" and estimator not in REASSIGNED:
        return (
            f"randomisation is available for {', '.join(REASSIGNED)}, not for {estimator}; "
            "jackknife, cr1 and multiplier_bootstrap apply."
        )
    return ""


def check_methods(analysis: AnalysisOptions) -> None:
    """Raise `StudyError` for every inference method that does not apply to the estimator."""
    refusals = [
        refusal(analysis.estimator, method, analysis.engine) for method in analysis.inference
    ]
    wrong = [f"{analysis.name}: {sentence}" for sentence in refusals if sentence]
    if wrong:
        raise StudyError("\n".join(wrong))


def infer(fit: Fit, method: str, analysis: AnalysisOptions) -> Intervals:
    """Return the intervals of `fit` by `method`.

    Raises:
        DataError: with fewer than two practices, or where the method has no answer for any term.
    """
    g = len(fit.influence)
    if g < 2 and method != "unit":
        raise DataError(
            "All patients belong to one practice: practice-level errors need at least two, and to "
            "be trusted many more."
        )
    if method in ("cr0", "cr1"):
        return _banded(fit, _plain(fit, method, analysis), analysis)
    if method in ("cr2", "cr3"):
        return _banded(fit, _adjusted(fit, method, analysis), analysis)
    if method == "jackknife":
        return _banded(fit, _jackknife(fit, analysis), analysis)
    if method == "unit":
        return _unit(fit, analysis)
    if method == "wild_bootstrap":
        from evalweave.inference.wild_bootstrap import wild_bootstrap

        return wild_bootstrap(fit, analysis)
    if method == "randomisation":
        from evalweave.inference.randomisation import randomisation

        return randomisation(fit, analysis)
    return _multiplier(fit, analysis)


def _banded(fit: Fit, found: Intervals, analysis: AnalysisOptions) -> Intervals:
    """Widen intervals to a simultaneous band where one is asked for.

    The t quantile is multiplied by the ratio of sup-t to pointwise critical values of the
    multiplier bootstrap on practice influence, so that the band keeps the method's degrees of
    freedom.
    """
    if analysis.bands != "simultaneous":
        return found
    from evalweave.inference.multiplier_bootstrap import multiplier_bootstrap

    draws = multiplier_bootstrap(fit, analysis.draws, analysis.seed, analysis.level)
    pointwise = t_quantile(analysis.level, np.where(np.isnan(found.dof), np.inf, found.dof))
    half = np.fmax(draws.critical / draws.critical_pointwise, 1.0) * pointwise * found.std_error
    return replace(
        found,
        ci_low=fit.theta - half,
        ci_high=fit.theta + half,
        convention=f"{found.convention}; simultaneous (sup-t) band, {draws.n_draws} multiplier "
        "draws",
    )


def _plain(fit: Fit, method: str, analysis: AnalysisOptions) -> Intervals:
    g = len(fit.influence)
    std_error = np.sqrt(np.diag(covariance(fit, method)))
    if fit.least_squares is not None:
        factor = "G/(G-1) x (N-1)/(N-K)" if method == "cr1" else "no factor"
        return from_t(fit, std_error, g - 1, analysis.level, f"clustered, {factor}, t(G-1)")
    if method == "cr1":
        return from_t(
            fit, std_error, g - 1, analysis.level, "influence by practice, G/(G-1), t(G-1)"
        )
    return from_t(
        fit, std_error, np.inf, analysis.level, "influence by practice, no factor, normal"
    )


def _adjusted(fit: Fit, method: str, analysis: AnalysisOptions) -> Intervals:
    found = spectrum(fit)
    influence, dof = adjusted(found, POWERS[method])
    std_error = np.sqrt((influence**2).sum(axis=0))
    absent = {}
    if method == "cr3":
        absent = _lost(fit, essential_practices(fit, found), method)
        std_error = np.where([term in absent for term in fit.terms], np.nan, std_error)
    words = "bias-reduced" if method == "cr2" else "jackknife form without a factor"
    convention = f"{method}, {words}, patient effects absorbed, Satterthwaite (Bell-McCaffrey) dof"
    return from_t(fit, std_error, dof, analysis.level, convention, absent=absent)


def _lost(fit: Fit, essential: np.ndarray, method: str) -> dict[str, str]:
    g = len(fit.influence)
    return {
        term: f"{method} leaves out one practice at a time, but without {_some(int(count))} of the "
        f"{g} practices "
        f"({fit.n_practices_treated} treated) this term cannot be estimated; cr2 can be used"
        for term, count in zip(fit.terms, essential, strict=True)
        if count
    }


def _some(count: int) -> str:
    return "one" if count == 1 else f"any of {count}"


def _jackknife(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    g = len(fit.influence)
    words = "jackknife over practices (CV3), (G-1)/G x sum (b_g - b)^2, t(G-1)"
    if fit.least_squares is not None:
        found = spectrum(fit)
        influence, _ = adjusted(found, 1.0)
        absent = _lost(fit, essential_practices(fit, found), "jackknife")
        std_error = np.sqrt((influence**2).sum(axis=0) * (g - 1) / g)
    elif fit.refit is not None:
        keep = np.ones(g, dtype=bool)
        rows = []
        for practice in range(g):
            keep[practice] = False
            rows.append(fit.refit(keep.copy()))
            keep[practice] = True
        moved = np.array(rows) - fit.theta
        absent = _lost(fit, np.isnan(moved).sum(axis=0), "jackknife")
        std_error = np.sqrt((moved**2).sum(axis=0) * (g - 1) / g)
        words += ", re-estimated"
    else:
        raise DataError(
            f"jackknife: {fit.estimator} cannot be re-estimated without a practice; cr1 applies."
        )
    std_error = np.where([term in absent for term in fit.terms], np.nan, std_error)
    return from_t(fit, std_error, g - 1, analysis.level, words, absent=absent)


def _unit(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    if fit.unit_covariance is None:
        raise DataError(
            f"unit: {fit.estimator} has no unclustered analytic error here; cr1 applies."
        )
    std_error = np.sqrt(np.diag(fit.unit_covariance))
    words = (
        "influence by patient, ignoring practices, no factor, normal; for comparison with "
        "other software only"
    )
    return from_t(fit, std_error, np.inf, analysis.level, words)


def _multiplier(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    from evalweave.inference.multiplier_bootstrap import multiplier_bootstrap

    found = multiplier_bootstrap(fit, analysis.draws, analysis.seed, analysis.level)
    simultaneous = analysis.bands == "simultaneous"
    half = (found.critical if simultaneous else found.critical_pointwise) * found.std_error
    lost = {
        term: "its influence is zero in every practice: it is a base period or the fit is exact"
        for term, error in zip(fit.terms, found.std_error, strict=True)
        if np.isnan(error)
    }
    how = (
        f"all {found.n_draws} patterns"
        if found.enumerated
        else f"{found.n_draws} draws, seed {analysis.seed}"
    )
    band = "simultaneous (sup-t) band" if simultaneous else "pointwise interval"
    return Intervals(
        found.std_error,
        fit.theta - half,
        fit.theta + half,
        found.p_value,
        np.full(len(half), np.nan),
        f"multiplier bootstrap, {how}, {found.convention}; {band}",
        lost,
        {"critical_values": dict(zip(fit.terms, found.critical.tolist(), strict=True))},
    )
