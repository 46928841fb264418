"""How covariates adjust a model with patient effects.

A covariate that is fixed within patients says nothing beside patient effects: it adjusts by its
product with the periods, which lets patients of different covariates follow different paths. A
covariate that changes within patients enters as it is.
Source: Abadie (2005), REStud 72(1); Sant'Anna & Zhao (2020), J Econometrics 219(1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evalweave.estimators.moments import period_places, unit_starts
from evalweave.fits.result import Floats, PanelData

TIMES = " × "


@dataclass(frozen=True)
class Adjustment:
    """The columns that adjust (name -> values, N), and for each covariate the names of its own.

    Attributes:
        columns: those that enter as they are.
        of: covariate -> the columns that stand for it in a design.
        fixed: covariates that never change within a unit.
        steady: their columns, each of which enters once a period but the first (`written_out`).
    """

    columns: dict[str, Floats]
    of: dict[str, tuple[str, ...]]
    fixed: frozenset[str]
    steady: dict[str, Floats] = field(default_factory=dict)

    def written_out(self, panel: PanelData) -> dict[str, Floats]:
        """Return all columns, those by period among them."""
        parts = [by_period(name, values, panel) for name, values in self.steady.items()]
        return {**self.columns, **{name: v for part in parts for name, v in part.items()}}

    def entered(self, columns: Iterable[str]) -> list[str]:
        """Return the covariates of which some column is among `columns`, and how they enter."""
        present = _bare(columns)
        return [
            f"{name}{TIMES}period" if name in self.fixed else name
            for name, own in self.of.items()
            if present & set(own)
        ]

    def left_out(self, columns: Iterable[str]) -> list[str]:
        """Return the covariates of which no column is among `columns`."""
        present = _bare(columns)
        return [name for name, own in self.of.items() if not present & set(own)]


def _bare(columns: Iterable[str]) -> set[str]:
    """Return the names with and without the subgroup level that may stand behind them."""
    names = list(columns)
    return {*names, *(name.rsplit("[", 1)[0] for name in names)}


def fixed_covariates(panel: PanelData) -> frozenset[str]:
    """Return the covariates, as named in the analysis, that never change within a unit."""
    inner = np.ones(len(panel.y), dtype=bool)
    inner[unit_starts(panel)] = False
    within = np.flatnonzero(inner)
    return frozenset(
        name
        for name, columns in panel.stands_for.items()
        if all(
            np.array_equal(panel.covariates[column][within], panel.covariates[column][within - 1])
            for column in columns
        )
    )


def adjustment(panel: PanelData) -> Adjustment:
    """Return the columns that adjust for the panel's covariates beside patient and period effects.

    Fixed ones are centred and scaled before they meet the periods; this changes no estimate.
    """
    fixed = fixed_covariates(panel)
    columns: dict[str, Floats] = {}
    steady: dict[str, Floats] = {}
    of: dict[str, tuple[str, ...]] = {}
    periods = period_places(panel.period)[0][1:]
    for name, own in panel.stands_for.items():
        if name in fixed:
            steady |= {column: standardised(panel.covariates[column]) for column in own}
            of[name] = tuple(f"{column}{TIMES}{t}" for column in own for t in periods)
        else:
            columns |= {column: panel.covariates[column] for column in own}
            of[name] = own
    return Adjustment(columns, of, fixed, steady)


def adjusted_details(adjusts: Adjustment, entered: list[str]) -> dict[str, Any]:
    """Return what diagnostics.json says of the covariates; nothing without any."""
    if not adjusts.of:
        return {}
    named = {word.removesuffix(f"{TIMES}period") for word in entered}
    return {"adjusted for": entered, "not adjusted for": [n for n in adjusts.of if n not in named]}


def by_period(name: str, values: Floats, panel: PanelData) -> dict[str, Floats]:
    """Return `values` in one period and 0 elsewhere, for every period but the first."""
    return {
        f"{name}{TIMES}{period}": np.where(panel.period == period, values, 0.0)
        for period in np.unique(panel.period)[1:]
    }


def standardised(values: Floats) -> Floats:
    """Return values less their mean, over their standard deviation."""
    spread = float(values.std())
    return (values - values.mean()) / (spread if spread > 0 else 1.0)
