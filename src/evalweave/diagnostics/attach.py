"""Which diagnostics apply to a fit, gathered for diagnostics.json."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evalweave.catalogue import calls
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.diagnostics.primary import Printed, primary_errors
from evalweave.errors import DataError
from evalweave.fits.result import VARYING_BASE, Fit, PanelData
from evalweave.inference.jackknife import was_re_estimated
from evalweave.study.analyses import AnalysisOptions


def diagnostics_of(
    panel: PanelData, fit: Fit, analysis: AnalysisOptions, printed: Sequence[Printed] = ()
) -> dict[str, Any]:
    """Return, where they apply: contributing, trust, design, minimum_detectable_effect,
    leave_one_out, subgroup_test, and those of `BY_NAME` that the estimator declares. A diagnostic
    that cannot be computed says why instead. `printed` are the intervals printed of the fit."""
    from evalweave.diagnostics import trust
    from evalweave.diagnostics.design import design
    from evalweave.diagnostics.equivalence import equivalence
    from evalweave.diagnostics.leave_one_out import leave_one_out
    from evalweave.diagnostics.measurement import contributing
    from evalweave.diagnostics.minimum_detectable_effect import minimum_detectable_effect

    out: dict[str, Any] = {"trust": ""}
    if not panel.sections:
        out["contributing"] = contributing(panel)
    if not fit.terms or len(fit.influence) < 2:
        return out
    errors = primary_errors(fit, printed)
    measured = design(panel, fit)
    term = trust.summary_term(fit, analysis, measured["terms"]) if measured else fit.terms[0]
    if measured:
        out["design"] = {
            "sentence": trust.sentence(fit, term, measured, panel.allocated, errors),
            **measured,
            "terms": {  # cr3 says nothing of a term that a practice cannot be left out of
                name: own | {"dof": None} if own["lost_without"] else own
                for name, own in measured["terms"].items()
            },
        }
    methods = [m for m, one, terms in printed if term in terms and term not in one.absent]
    out["trust"] = " ".join(trust.warnings(fit, term, measured, analysis, panel.allocated, methods))
    words = trust.allocation_words(panel.allocated)
    if words:
        out["allocation"] = words
        out["allocation_alone"] = bool(panel.allocated and panel.allocated.alone)
    if fit.own is None:
        out["minimum_detectable_effect"] = minimum_detectable_effect(fit, errors, analysis.level)
        out["equivalence"] = equivalence(fit, errors)
    if fit.least_squares is not None or was_re_estimated(fit):
        out["leave_one_out"] = leave_one_out(fit)
    if fit.least_squares is not None and analysis.subgroup:
        out["subgroup_test"] = joint_differences(fit, analysis)
    if calls.contrasts(analysis):
        return out  # the others speak of one estimate
    for name in ESTIMATORS[analysis.estimator].diagnostics:
        diagnostic = BY_NAME[name](panel, fit, analysis)
        if diagnostic is not None:
            out[name] = diagnostic
    return out


def _pretrend(panel: PanelData, fit: Fit, analysis: AnalysisOptions) -> Any:
    """Varying-base leads of Callaway–Sant'Anna are not deviations from one reference: a slope has
    no meaning there."""
    from evalweave.diagnostics.pretrend import leads_of, pretrend

    if not leads_of(fit) or fit.leads == VARYING_BASE:
        return None
    return pretrend(fit, analysis)


def _honest_did(panel: PanelData, fit: Fit, analysis: AnalysisOptions) -> Any:
    from evalweave.diagnostics.bounds import honest_bounds

    return honest_bounds(fit, analysis) if "event[0]" in fit.terms else None


def _goodman_bacon(panel: PanelData, fit: Fit, analysis: AnalysisOptions) -> Any:
    from evalweave.diagnostics.bounds import bacon

    alone = not (analysis.subgroup or panel.sections or analysis.anticipation)
    return bacon(panel, analysis) if alone else None


def _placebo_dates(panel: PanelData, fit: Fit, analysis: AnalysisOptions) -> Any:
    from evalweave.diagnostics.placebo_dates import placebo_dates

    if analysis.subgroup:
        return None
    try:
        return placebo_dates(panel, analysis)
    except DataError as error:
        return {"dates": [{"refused": str(error)}], "joint": {"refused": str(error)}}


# Diagnostics that an estimator may declare; None where one does not apply to the analysis.
BY_NAME: dict[str, Callable[[PanelData, Fit, AnalysisOptions], Any]] = {
    "pretrend": _pretrend,
    "honest_did": _honest_did,
    "goodman_bacon": _goodman_bacon,
    "placebo_dates": _placebo_dates,
}


def joint_differences(fit: Fit, analysis: AnalysisOptions) -> dict[str, Any]:
    """Return the joint restricted wild Wald test that all levels of the subgroup share one
    effect."""
    from evalweave.inference.cluster_robust import contrasts
    from evalweave.inference.wild_bootstrap import wild_wald

    places = [
        k for k, term in enumerate(fit.terms) if term.startswith(f"difference[{analysis.subgroup}=")
    ]
    if not places:
        return {"refused": "no difference between levels was estimated"}
    g = len(fit.influence)
    if 3 * len(places) > g - 1:
        return {
            "refused": f"{len(places)} differences are more than a third of {g - 1} (practices "
            "less one)"
        }
    rows = contrasts(fit)[np.array(places)]
    return wild_wald(fit, rows, analysis)
