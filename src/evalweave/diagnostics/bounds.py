"""When HonestDiD's bounds and Goodman-Bacon's weights apply to a fit, and their rows for
diagnostics.json."""

from __future__ import annotations

from typing import Any

import numpy as np

from evalweave.errors import DataError
from evalweave.fits.result import MIXED_COHORTS, VARYING_BASE, Fit, Floats, PanelData
from evalweave.inference.joint_covariance import JointCovariance, joint_covariances
from evalweave.study.analyses import AnalysisOptions


def honest_bounds(fit: Fit, analysis: AnalysisOptions) -> dict[str, Any]:
    """Return the bounds of Rambachan & Roth (2023), or `refused`.

    Under cr1 with normal critical values, as the R package computes them, and by the errors that
    few practices need: cr3 with t of its Satterthwaite degrees of freedom for least squares, the
    practice jackknife with t(G − 1) otherwise. `breakdown` holds, by method, kind and target, the
    smallest M whose interval contains 0 (None: the interval under parallel trends does already;
    "above 64 …" where none up to there does).

    They need one reference (−1) for all event times: a TWFE event study with a single start,
    Sun–Abraham, or Callaway–Sant'Anna with a universal base; no binned ends, no gap between event
    times, both sides of the start.
    """
    events = [
        (int(term[6:-1]), place)
        for place, term in enumerate(fit.terms)
        if term.startswith("event[") and term != "event[overall]"
    ]
    reason = _refusal(fit, [event for event, _ in events], analysis)
    if reason:
        return {"refused": reason}
    used = [(event, place) for event, place in sorted(events) if event != -1]
    places = [place for _, place in used]
    before = sum(event < 0 for event, _ in used)
    methods, lost = joint_covariances(fit, places)
    out: dict[str, Any] = {
        "caveat": caveat(methods[-1]) + lost,
        "leads": before,
        "lags": len(used) - before,
        "dof": {method.name: _finite(method.dof) for method in methods},
        "breakdown": {},
    }
    try:
        for method in methods:
            rows, smallest = _bounds(fit.theta[places], method, before, analysis)
            out[method.name] = rows
            out["breakdown"][method.name] = smallest
    except DataError as error:
        return {"refused": str(error)}
    return out


def caveat(method: JointCovariance) -> str:
    """Return what the intervals of the last method rest on."""
    if not np.isfinite(method.dof):
        return "Normal critical values: with few practices the intervals are somewhat too narrow."
    return (
        f"{method.words}, critical values of t with {method.dof:.1f} degrees of freedom in place "
        "of the normal."
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _bounds(
    theta: Floats, method: JointCovariance, before: int, analysis: AnalysisOptions
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return the rows of all kinds and targets, and their breakdown values.

    With t the conditional sets serve smoothness too: the weights of a fixed-length interval are
    chosen by the estimated covariance, which few practices estimate too badly (at 12 practices its
    95 % intervals cover 92 %, the conditional sets 95 %).
    """
    from evalweave.diagnostics.honest_did import (
        WIDEST,
        Kind,
        Method,
        Target,
        breakdown_value,
        honest_did,
    )

    kinds: tuple[Kind, ...] = ("relative", "smoothness")
    targets: tuple[Target, ...] = ("first", "average")
    asked = {"relative": analysis.honest_relative, "smoothness": analysis.honest_smoothness}
    shape = (theta, method.covariance, before, len(theta) - before)
    sets: Method | None = "c_lf" if np.isfinite(method.dof) else None
    rows: list[dict[str, Any]] = []
    smallest: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        smallest[kind] = {}
        for target in targets:
            table = honest_did(
                *shape, target, kind, asked[kind], analysis.level, sets, method.dof
            ).to_dict("records")
            rows += table
            known = [
                (row["M"], row["ci_low"] <= 0 <= row["ci_high"])
                for row in table
                if row["method"] != "original"
            ]
            value = breakdown_value(
                *shape, target, kind, analysis.level, dof=method.dof, method=sets, known=known
            )
            if np.isinf(value):
                top = "times the largest change before the start"
                smallest[kind][target] = f"above {WIDEST:g} {top}"
            else:
                smallest[kind][target] = _finite(value)
    return rows, smallest


def _refusal(fit: Fit, events: list[int], analysis: AnalysisOptions) -> str:
    if analysis.bins is not None:
        return "binned ends are not deviations from one path: the bounds need unbinned event times"
    if analysis.reference != -1:
        return "the bounds need the reference −1"
    if analysis.anticipation:
        return "the bounds need effects to begin at the start: leave anticipation at 0"
    if fit.leads == MIXED_COHORTS:
        return (
            "with several starts, use the bounds of sun_abraham or of callaway_santanna with "
            "base: universal"
        )
    if fit.leads == VARYING_BASE:
        return (
            "varying-base leads are changes between neighbouring periods: ask for base: universal"
        )
    whole = sorted({*events, -1})
    if whole != list(range(whole[0], whole[-1] + 1)) or whole[0] > -2 or whole[-1] < 0:
        return "event times must run without a gap from at least −2 to at least 0"
    return ""


def bacon(panel: PanelData, analysis: AnalysisOptions) -> dict[str, Any]:
    """Return Goodman-Bacon's comparisons, their sums by kind and notes, or why there is no
    decomposition."""
    starts = np.unique(panel.first_treated[np.isfinite(panel.first_treated)])
    if len(starts) < 2 and not (starts <= panel.period.min()).any():
        return {"refused": "one start: there is one comparison and nothing to decompose"}
    if analysis.covariates:
        return {"refused": "the decomposition is defined without covariates"}
    from evalweave.diagnostics.goodman_bacon import by_kind, goodman_bacon

    table, notes = goodman_bacon(panel)
    if not len(table):
        return {"refused": " ".join(notes) or "no comparison exists"}
    return {
        "comparisons": table.to_dict("records"),
        "by_kind": by_kind(table).to_dict("records"),
        "notes": notes,
    }
