"""Periods before a start in which effects may already show: neither before nor after.

Where one dummy stands for all that follows a start, rows of these periods are set aside: with one
start those of everybody, so that both arms are seen in the same periods; with several starts those
of each practice's own. Event studies refer to a period before them instead.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalweave.estimators.cohort_effects import restricted
from evalweave.fits.result import Fit, PanelData
from evalweave.study.analyses import AnalysisOptions


def set_aside(panel: PanelData, analysis: AnalysisOptions) -> PanelData:
    """Return the panel without the rows of anticipation, which its notes count.

    Raises:
        DataError: if no row is left.
    """
    periods = analysis.anticipation
    starts = np.unique(panel.first_treated[np.isfinite(panel.first_treated)])
    if not periods or not len(starts):
        return panel
    start = panel.first_treated if len(starts) > 1 else np.full(len(panel.y), starts[0])
    aside = (panel.period >= start - periods) & (panel.period < start)
    whose = "each practice's own start" if len(starts) > 1 else "the start, in both arms"
    note = (
        f"{int(aside.sum())} rows in the {periods} period{'s' if periods > 1 else ''} before "
        f"{whose}, were set aside: effects may already show in them (anticipation)."
    )
    kept = restricted(panel, ~aside) if aside.any() else panel
    return replace(kept, notes=(*panel.notes, note))


def fixed_starts(fit: Fit, panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `fit` without randomisation where the rows set aside depend on who starts when."""
    starts = np.unique(panel.first_treated[np.isfinite(panel.first_treated)])
    return replace(fit, reassign=None) if analysis.anticipation and len(starts) > 1 else fit
