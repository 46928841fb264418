"""Who is measured at all: a difference in differences on being measured, and who carries the
coefficient."""

from __future__ import annotations

from typing import Any

import numpy as np

from evalweave.estimators.moments import unit_starts
from evalweave.fits.result import PanelData


def contributing(panel: PanelData) -> dict[str, Any]:
    """Return how many patients of each arm inform the coefficient: programme patients seen before
    and after their start, comparison patients seen on both sides of the (first) start; and how many
    were seen once."""
    starts = unit_starts(panel)
    ends = np.append(starts[1:], len(panel.y)) - 1
    start = panel.first_treated[starts]
    treated = np.isfinite(start)
    dates = start[treated]
    split = np.where(treated, start, dates.min() if len(dates) else np.inf)
    once = starts == ends
    silent = panel.n_clusters - len(np.unique(panel.cluster[starts[~once]]))
    both = (panel.period[starts] < split) & (panel.period[ends] >= split)
    return {
        "programme": {
            "patients": int(treated.sum()),
            "seen_before_and_after": int((treated & both).sum()),
        },
        "comparison": {
            "patients": int((~treated).sum()),
            "seen_before_and_after": int((~treated & both).sum()),
        },
        "seen_once": int(once.sum()),
        "practices_seen_once_only": silent,
    }
