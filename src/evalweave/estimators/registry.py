"""Estimators by name. To add one: write its file, add its line here (and its name to `study.ESTIMATORS`).

Each is `def <name>(panel: PanelData, analysis: AnalysisOptions) -> Fit`; a module is imported when it is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from evalweave.errors import StudyError, nearest
from evalweave.estimators.result import Fit, PanelData
from evalweave.study import AnalysisOptions

Estimator = Callable[[PanelData, AnalysisOptions], Fit]

ESTIMATORS = {
    "did_2x2": "evalweave.estimators.did_2x2:did_2x2",
    "twfe": "evalweave.estimators.twfe:twfe",
    "event_study": "evalweave.estimators.event_study:event_study",
    "callaway_santanna": "evalweave.estimators.callaway_santanna:callaway_santanna",
    "sun_abraham": "evalweave.estimators.sun_abraham:sun_abraham",
    "imputation": "evalweave.estimators.imputation:imputation",
    "etwfe": "evalweave.estimators.etwfe:etwfe",
    "dose": "evalweave.estimators.dose:dose",
}


def estimator(name: str) -> Estimator:
    """Return the estimator called `name`; raise `StudyError` with the nearest valid name."""
    if name not in ESTIMATORS:
        raise StudyError(f'There is no estimator "{name}". {nearest(name, ESTIMATORS)}')
    module, function = ESTIMATORS[name].split(":")
    found: Estimator = getattr(importlib.import_module(module), function)
    return found
