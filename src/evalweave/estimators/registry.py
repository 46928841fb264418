"""Estimators by name. To add one: write its file, add its line here (and its name to
`study.ESTIMATORS`).

Each is `def <name>(panel: PanelData, analysis: AnalysisOptions) -> Fit`; a module is imported when
it is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from evalweave.errors import StudyError, nearest
from evalweave.fits.result import Fit, PanelData
from evalweave.study.analyses import AnalysisOptions

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


# Options that only some estimators know; set for another one, they would be passed over in silence.
USED_BY = {
    "subgroup": ("twfe",),
    "engine": ("twfe",),
    "bins": ("event_study",),
    "reference": ("event_study", "sun_abraham", "imputation"),
    "anticipation": ("callaway_santanna", "imputation"),
    "collapse": ("did_2x2",),
    "uptake": ("dose",),
    **dict.fromkeys(
        ("method", "control", "base", "unbalanced", "aggregate", "balance"), ("callaway_santanna",)
    ),
}


def check_options(analysis: AnalysisOptions) -> None:
    """Raise `StudyError` for every option that was set (differs from its default) and that the
    estimator lacks."""
    wrong = [
        f"{analysis.name}: {analysis.estimator} takes no {option}; {_and(users)}."
        for option, users in USED_BY.items()
        if analysis.estimator not in users
        and getattr(analysis, option) != AnalysisOptions.model_fields[option].get_default()
    ]
    if wrong:
        raise StudyError("\n".join(wrong))


def _and(users: tuple[str, ...]) -> str:
    return f"{users[0]} does" if len(users) == 1 else f"{', '.join(users[:-1])} and {users[-1]} do"


def estimator(name: str) -> Estimator:
    """Return the estimator called `name`; raise `StudyError` with the nearest valid name."""
    if name not in ESTIMATORS:
        raise StudyError(f'There is no estimator "{name}". {nearest(name, ESTIMATORS)}')
    module, function = ESTIMATORS[name].split(":")
    found: Estimator = getattr(importlib.import_module(module), function)
    return found
