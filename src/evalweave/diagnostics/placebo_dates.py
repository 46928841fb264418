"""Placebo start dates: the same model on the time before the programme, as if it had started
earlier, each alone and all in one test.

Looking at each date's own interval finds one that excludes zero far more often than 5 % of the time
where several are tried. The one test that counts compares the largest |t| of all dates with what it
is where nothing happens, the outcome being redrawn once for all of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from evalweave.diagnostics.equivalence import SIZE, smallest_margins
from evalweave.errors import DataError
from evalweave.estimators.cohort_effects import restricted
from evalweave.estimators.twfe import twfe
from evalweave.fits.result import Fit, PanelData
from evalweave.inference.clustered import cr2
from evalweave.inference.wild_bootstrap import wild_maximum
from evalweave.study.analyses import AnalysisOptions


def placebo_dates(panel: PanelData, analysis: AnalysisOptions) -> dict[str, Any]:
    """Return TWFE estimates for starts 1, 2, … periods too early, on rows before the real start
    only, and their joint test.

    With one start both arms end before it; with several, treated patients end before their own.

    Returns:
        dates: a list; each has shift, estimate, std_error, ci_low, ci_high, p_value, dof (cr2) and
            margin (the smallest within which it could be declared to be zero), or refused with the
            reason.
        joint: tests, statistic, p_value, method, size and margin (within which all of them could be
            declared to be zero together); or refused.
    """
    real = panel.first_treated <= panel.period.max()  # later starters are untreated throughout
    starts = np.unique(panel.first_treated[real])
    panel = replace(panel, first_treated=np.where(real, panel.first_treated, np.inf))
    end = panel.first_treated if len(starts) > 1 else np.full(len(panel.y), starts[0])
    keep = panel.period < end - analysis.anticipation
    if not keep.any():
        return _refused("there is no period before the start")
    before = restricted(panel, keep)
    earliest = int(before.period.min())
    plain: dict[str, Any] = {
        "subgroup": None,
        "inference": [],
        "engine": "evalweave",
        "anticipation": 0,
    }
    options = analysis.model_copy(update=plain)
    dates: list[dict[str, Any]] = []
    fits: list[Fit] = []
    for shift in range(1, int(starts.max()) - earliest):
        try:
            moved = replace(before, first_treated=before.first_treated - shift, subgroup=None)
            fit = twfe(moved, options)
            found = cr2(fit, options) if fit.terms else None
        except DataError as error:
            dates.append({"shift": shift, "refused": str(error)})
            continue
        if found is None:
            dates.append({"shift": shift, "refused": "; ".join(fit.absent.values())})
            continue
        fits.append(fit)
        margin = smallest_margins(fit.theta[:1], found.std_error[:1], found.dof[:1])
        dates.append(
            {
                "shift": shift,
                "estimate": float(fit.theta[0]),
                "std_error": float(found.std_error[0]),
                "ci_low": float(found.ci_low[0]),
                "ci_high": float(found.ci_high[0]),
                "p_value": float(found.p_value[0]),
                "dof": float(found.dof[0]),
                "margin": float(margin[0]),
            }
        )
    if not fits:
        return _refused("a placebo start needs two periods before the real one", dates)
    margin = max(date["margin"] for date in dates if "margin" in date)
    return {
        "dates": dates,
        "joint": {**wild_maximum(fits, analysis), "size": SIZE, "margin": margin},
    }


def _refused(why: str, dates: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"dates": dates or [{"refused": why}], "joint": {"refused": why}}
