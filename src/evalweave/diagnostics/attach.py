"""Which diagnostics apply to a fit, gathered for diagnostics.json."""

from __future__ import annotations

from typing import Any

from evalweave.estimators.result import Fit, PanelData
from evalweave.study import AnalysisOptions


def diagnostics_of(panel: PanelData, fit: Fit, analysis: AnalysisOptions) -> dict[str, Any]:
    """Return the diagnostics that apply, by name."""
    return {}
