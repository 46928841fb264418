"""Placebo start dates: the same model on the time before the programme, as if it had started
earlier."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from evalweave.errors import DataError
from evalweave.estimators.cohort_effects import restricted
from evalweave.estimators.twfe import twfe
from evalweave.fits.result import PanelData
from evalweave.inference.clustered import cr2
from evalweave.study.analyses import AnalysisOptions


def placebo_dates(panel: PanelData, analysis: AnalysisOptions) -> list[dict[str, Any]]:
    """Return TWFE estimates for starts 1, 2, … periods too early, on rows before the real start
    only.

    With one start both arms end before it; with several, treated patients end before their own.
    Each entry: shift, estimate, std_error, ci_low, ci_high, p_value, dof (cr2), or refused with the
    reason.
    """
    real = panel.first_treated <= panel.period.max()  # later starters are untreated throughout
    starts = np.unique(panel.first_treated[real])
    panel = replace(panel, first_treated=np.where(real, panel.first_treated, np.inf))
    end = panel.first_treated if len(starts) > 1 else np.full(len(panel.y), starts[0])
    keep = panel.period < end
    if not keep.any():
        return [{"refused": "there is no period before the start"}]
    before = restricted(panel, keep)
    earliest = int(before.period.min())
    options = analysis.model_copy(update={"subgroup": None, "inference": [], "engine": "evalweave"})
    out: list[dict[str, Any]] = []
    for shift in range(1, int(starts.max()) - earliest):
        try:
            moved = replace(before, first_treated=before.first_treated - shift, subgroup=None)
            fit = twfe(moved, options)
            found = cr2(fit, options) if fit.terms else None
        except DataError as error:
            out.append({"shift": shift, "refused": str(error)})
            continue
        if found is None:
            out.append({"shift": shift, "refused": "; ".join(fit.absent.values())})
            continue
        out.append(
            {
                "shift": shift,
                "estimate": float(fit.theta[0]),
                "std_error": float(found.std_error[0]),
                "ci_low": float(found.ci_low[0]),
                "ci_high": float(found.ci_high[0]),
                "p_value": float(found.p_value[0]),
                "dof": float(found.dof[0]),
            }
        )
    return out or [{"refused": "a placebo start needs two periods before the real one"}]
