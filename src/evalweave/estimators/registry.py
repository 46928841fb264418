"""Estimators by name, as `evalweave.catalogue.estimators` declares them.

Each is `def <name>(panel: PanelData, analysis: AnalysisOptions) -> Fit`; a module is imported when
it is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.errors import StudyError, nearest
from evalweave.fits.result import Fit, PanelData
from evalweave.study.analyses import AnalysisOptions

Estimator = Callable[[PanelData, AnalysisOptions], Fit]


def estimator(name: str) -> Estimator:
    """Return the estimator called `name`; raise `StudyError` with the nearest valid name."""
    if name not in ESTIMATORS:
        raise StudyError(f'There is no estimator "{name}". {nearest(name, ESTIMATORS)}')
    module, function = ESTIMATORS[name].implementation.split(":")
    implementation: Estimator = getattr(
        importlib.import_module(f"evalweave.estimators.{module}"), function
    )
    return implementation
