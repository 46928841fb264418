"""evalweave: difference-in-differences on GP practice records, woven together with qualitative
themes.

    from evalweave import twfe, callaway_santanna, fit
    twfe(frame, outcome="hba1c", period="year", inference=["cr2"]).tidy()

Every estimator takes a table with one row a unit and period, the names of its columns (outcome,
unit, period, cluster, first_treated, weight) and the keys of an analysis in a SPEC;
`help(evalweave.fitting.one_analysis)` lists them. Nothing is imported before it is used.
"""

from __future__ import annotations

from typing import Any

_ESTIMATORS = (
    "did_2x2",
    "twfe",
    "event_study",
    "callaway_santanna",
    "sun_abraham",
    "imputation",
    "etwfe",
    "dose",
)
__all__ = ["FitResult", "fit", *_ESTIMATORS]


def __getattr__(name: str) -> Any:
    if name in _ESTIMATORS:
        from functools import partial

        from evalweave.fitting import one_analysis

        call = partial(one_analysis, name)
        call.__doc__ = one_analysis.__doc__
        return call
    if name in ("fit", "FitResult"):
        import importlib

        module = importlib.import_module("evalweave.fitting")
        return (
            module if name == "fit" else module.FitResult
        )  # the module can be called as the function
    raise AttributeError(f"module 'evalweave' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
