"""Effect among those who took the programme up, with its availability as the instrument.

    y_it = beta uptake_it + x_it'b + period_t + patient_i + e_it,        instrument D_it = 1[t >=
    start_i]

beta = (effect of D on y) / (effect of D on uptake), two-stage least squares on data with patient
effects absorbed (as linearmodels' IV2SLS gives on them). It needs a declared complete source of
uptake, and that availability works through uptake alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from evalweave.errors import DataError
from evalweave.estimators.anticipation import set_aside
from evalweave.estimators.least_squares import fit_of, solve
from evalweave.estimators.treatment import check_treated, convention, started
from evalweave.fits.distributions import cr1_factor, t_quantile
from evalweave.fits.ratio_set import ratio_set
from evalweave.fits.result import Fit, Floats, PanelData
from evalweave.study.analyses import AnalysisOptions

WARNING = (
    "Selection: this speaks of people moved to take up by availability only, and presumes that "
    "availability acts "
    "through uptake alone; people who take up differ from those who do not."
)
WEAK = 10.0


def dose(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att[<uptake>=1]`, with first-stage F and the Anderson–Rubin interval in details.

    Raises:
        DataError: if availability does not move uptake.
    """
    panel = set_aside(panel, analysis)
    check_treated(panel)
    uptake = panel.covariates[analysis.uptake]
    covariates = {
        n: v
        for n, v in panel.covariates.items()
        if n != analysis.uptake or n in analysis.covariates
    }
    panel = replace(panel, covariates=covariates)
    first, reduced = _stages(panel, uptake, analysis)
    ratio = _ratio(first, reduced)
    pi = float(first.theta[0])
    beta = float(reduced.theta[0]) / pi
    ls = reduced.least_squares
    assert ls is not None and first.least_squares is not None
    stacked = np.column_stack((reduced.influence[:, 0], first.influence[:, 0]))
    variance = stacked.T @ stacked * cr1_factor(ls)
    f_statistic = pi**2 / float(variance[1, 1]) if variance[1, 1] > 0 else float("inf")
    critical = float(t_quantile(analysis.level, np.array(panel.n_clusters - 1.0)))
    details: dict[str, Any] = {
        "warning": WARNING,
        "first_stage": pi,
        "first_stage_f": f_statistic,
        "reduced_form": float(reduced.theta[0]),
        "anderson_rubin": anderson_rubin(float(reduced.theta[0]), pi, variance, critical),
    }
    notes = [WARNING]
    if f_statistic < WEAK:
        notes.append(
            f"The first stage is weak (F = {f_statistic:.1f}): read the Anderson–Rubin interval, "
            "not the others."
        )
    by_first, by_reduced = first.least_squares, ls

    def refit(keep: np.ndarray) -> Floats:
        top = _coefficient(by_reduced.xx[keep], by_reduced.xy[keep])
        bottom = _coefficient(by_first.xx[keep], by_first.xy[keep])
        return np.array([top / bottom if np.isfinite(bottom) and bottom else np.nan])

    return replace(
        reduced,
        terms=(f"att[{analysis.uptake}=1]",),
        theta=np.array([beta]),
        influence=(stacked[:, :1] - beta * stacked[:, 1:]) / pi,
        least_squares=None,
        contrast=None,
        reassign=None,
        refit=refit,
        unit_covariance=None,
        absent={},
        convention=f"{reduced.convention}; instrument: availability; two-stage least squares",
        notes=(*reduced.notes, *notes),
        details={**reduced.details, **details, "ratio": ratio},
    )


def _stages(panel: PanelData, uptake: Floats, analysis: AnalysisOptions) -> tuple[Fit, Fit]:
    """Return the effects of availability on uptake and on the outcome.

    Raises:
        DataError: if there is no effect on uptake to divide by.
    """
    plain = analysis.model_copy(update={"inference": []})
    try:
        first = _stage(replace(panel, y=uptake), plain)
    except DataError:
        raise DataError(
            "Uptake does not vary within patients: there is no dose to speak of."
        ) from None
    reduced = _stage(panel, plain)
    if not first.terms or not reduced.terms:
        raise DataError(
            "Availability has no estimated effect on uptake: "
            + "; ".join(first.absent.values())
            + "."
        )
    if abs(float(first.theta[0])) <= 1e-12:
        raise DataError(
            "Availability does not move uptake at all: the effect of uptake is not identified."
        )
    return first, reduced


def _stage(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    solved = solve(panel, ("att",), started)
    terms = {name: np.ones(1) for name in solved.names}
    return fit_of(panel, solved, terms, analysis, convention(panel))


def _ratio(first: Fit, reduced: Fit) -> str:
    return f"{reduced.theta[0]:.6g} / {first.theta[0]:.6g}"


def _coefficient(xx: Floats, xy: Floats) -> float:
    total = xx.sum(axis=0)
    if np.linalg.matrix_rank(total) < len(total):
        return float("nan")
    return float(np.linalg.solve(total, xy.sum(axis=0))[0])


def anderson_rubin(top: float, bottom: float, variance: Floats, critical: float) -> dict[str, Any]:
    """Return the set of b whose reduced form y - b uptake shows no effect of the instrument.

    {b: (top - b bottom)^2 <= c^2 (v11 - 2 b v12 + b^2 v22)}: an interval, everything outside one,
    or the whole line.
    """
    found = ratio_set(top, bottom, variance, critical)
    if found.form == "everything":
        return {"form": "the whole line: the instrument is too weak"}
    form = "interval" if found.form == "interval" else "everything but the interval"
    return {"form": form, "low": found.low, "high": found.high}
