"""evalweave: difference-in-differences on GP practice records, woven together with qualitative
themes.

    from evalweave import twfe, callaway_santanna, fit
    twfe(frame, outcome="hba1c", period="year", inference=["cr2"]).tidy()

Every estimator takes a table with one row a unit and period, the names of its columns (outcome,
unit, period, cluster, first_treated, weight) and the keys of an analysis in a SPEC; `help(twfe)`
lists those that it knows. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from typing import Any

from evalweave.catalogue.estimators import ESTIMATORS

__all__ = ["FitResult", "fit", *ESTIMATORS]


def __getattr__(name: str) -> Any:
    """Import what is asked for, once."""
    if name not in __all__:
        raise AttributeError(f"module 'evalweave' has no attribute '{name}'")
    from evalweave import fitting

    made = fitting.named(name) if name in ESTIMATORS else getattr(fitting, name)
    globals()[name] = made
    return made


def __dir__() -> list[str]:
    return sorted(__all__)
