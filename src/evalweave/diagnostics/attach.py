"""Which diagnostics apply to a fit, gathered for diagnostics.json."""

from __future__ import annotations

from typing import Any

import numpy as np

from evalweave.errors import DataError
from evalweave.fits.result import Fit, PanelData
from evalweave.study.analyses import AnalysisOptions

EVENTS = ("event_study", "sun_abraham", "callaway_santanna")


def diagnostics_of(panel: PanelData, fit: Fit, analysis: AnalysisOptions) -> dict[str, Any]:
    """Return, where they apply: contributing, minimum_detectable_effect, leave_one_out, pretrend,
    subgroup_test, honest_did, placebo_dates and goodman_bacon. A diagnostic that cannot be computed
    says why instead."""
    from evalweave.diagnostics.leave_one_out import leave_one_out
    from evalweave.diagnostics.measurement import contributing
    from evalweave.diagnostics.minimum_detectable_effect import minimum_detectable_effect
    from evalweave.diagnostics.placebo_dates import placebo_dates
    from evalweave.diagnostics.pretrend import leads_of, pretrend

    out: dict[str, Any] = {"contributing": contributing(panel), "trust": trust(fit)}
    if not fit.terms or len(fit.influence) < 2:
        return out
    if fit.own is None:
        out["minimum_detectable_effect"] = minimum_detectable_effect(fit, analysis.level)
    if fit.least_squares is not None:
        out["leave_one_out"] = leave_one_out(fit)
        if analysis.subgroup:
            out["subgroup_test"] = joint_differences(fit, analysis)
    # Varying-base leads of Callaway–Sant'Anna are not deviations from one reference: a slope has no
    # meaning there.
    if (
        analysis.estimator in EVENTS
        and leads_of(fit)
        and (analysis.estimator != "callaway_santanna" or analysis.base == "universal")
    ):
        out["pretrend"] = pretrend(fit, analysis)
    if analysis.estimator in EVENTS and any(term == "event[0]" for term in fit.terms):
        from evalweave.diagnostics.bounds import honest_bounds

        out["honest_did"] = honest_bounds(panel, fit, analysis)
    if analysis.estimator == "twfe" and not analysis.subgroup:
        from evalweave.diagnostics.bounds import bacon

        out["goodman_bacon"] = bacon(panel, analysis)
        try:
            out["placebo_dates"] = placebo_dates(panel, analysis)
        except DataError as error:
            out["placebo_dates"] = [{"refused": str(error)}]
    return out


def trust(fit: Fit) -> str:
    """Return a warning where so few practices stand in an arm that no interval can be trusted."""
    few = min(fit.n_practices_treated, fit.n_practices - fit.n_practices_treated)
    if fit.n_practices_treated == 1:
        return (
            "One treated practice: its own shocks cannot be told from the programme's effect; cr1 "
            "and cr2 intervals "
            "are far too narrow, and only randomisation's p-value (at best 1/practices) says "
            "anything."
        )
    if 0 < few < 4:
        return (
            f"Only {few} practices in one arm: cluster-robust intervals are too narrow; see "
            "randomisation."
        )
    return ""


def joint_differences(fit: Fit, analysis: AnalysisOptions) -> dict[str, Any]:
    """Return the joint restricted wild Wald test that all levels of the subgroup share one
    effect."""
    from evalweave.inference.cluster_robust import contrasts
    from evalweave.inference.wild_bootstrap import wild_wald

    places = [k for k, term in enumerate(fit.terms) if term.startswith("difference[")]
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
