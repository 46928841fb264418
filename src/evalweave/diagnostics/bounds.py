"""When HonestDiD's bounds and Goodman-Bacon's weights apply to a fit, and their rows for
diagnostics.json."""

from __future__ import annotations

from typing import Any

import numpy as np

from evalweave.errors import DataError
from evalweave.fits.result import MIXED_COHORTS, VARYING_BASE, Fit, PanelData
from evalweave.inference.cluster_robust import covariances
from evalweave.study.analyses import AnalysisOptions


def honest_bounds(fit: Fit, analysis: AnalysisOptions) -> dict[str, Any]:
    """Return the bounds of Rambachan & Roth (2023) under cr1 and, for least squares, cr2; or
    `refused`.

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
    from evalweave.diagnostics.honest_did import CAVEAT, honest_did

    used = [(event, place) for event, place in sorted(events) if event != -1]
    places = [place for _, place in used]
    before = sum(event < 0 for event, _ in used)
    out: dict[str, Any] = {"caveat": CAVEAT, "leads": before, "lags": len(used) - before}
    for method, covariance in covariances(fit).items():
        sigma = covariance[np.ix_(places, places)]
        rows: list[dict[str, Any]] = []
        try:
            for kind in ("relative", "smoothness"):
                for target in ("first", "average"):
                    table = honest_did(
                        fit.theta[places],
                        sigma,
                        before,
                        len(used) - before,
                        target,
                        kind,
                        None,
                        analysis.level,
                    )
                    rows += table.to_dict("records")
        except DataError as error:
            return {"refused": str(error)}
        out[method] = rows
    return out


def _refusal(fit: Fit, events: list[int], analysis: AnalysisOptions) -> str:
    if analysis.bins is not None:
        return "binned ends are not deviations from one path: the bounds need unbinned event times"
    if analysis.reference != -1:
        return "the bounds need the reference −1"
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
