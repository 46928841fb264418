"""The programme's own cost, spread over the treated persons and periods of the panel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evalweave.economics.joint import Leaving
from evalweave.estimators.moments import period_places
from evalweave.fits.result import Floats, PanelData
from evalweave.study.economics import ProgrammeCost


def programme_cost(panel: PanelData, declared: ProgrammeCost) -> Leaving:
    """Return the cost a treated person and period, and without each practice in turn.

    The amount is taken as known; how many it is spread over is not.
    """
    treated = panel.period >= panel.first_treated
    size = person_time(panel)
    units = _units(panel, declared, treated)

    def value(keep: NDArray[np.bool_]) -> float:
        rows = treated & keep[panel.cluster]
        total = float(size[rows].sum())
        return declared.amount * units(rows) / total if total > 0 else 0.0

    everyone = np.ones(panel.n_clusters, dtype=bool)
    without = []
    for practice in range(panel.n_clusters):
        everyone[practice] = False
        without.append(value(everyone))
        everyone[practice] = True
    whole = value(everyone)
    alone = np.array(without)
    return Leaving(whole, alone, _influence(panel, declared, treated, whole), panel.cluster_names)


def person_time(panel: PanelData) -> Floats:
    """Return weights times exposure of each row (N)."""
    return np.asarray(panel.weight * (1.0 if panel.exposure is None else panel.exposure))


def _units(
    panel: PanelData, declared: ProgrammeCost, treated: NDArray[np.bool_]
) -> Callable[[NDArray[np.bool_]], float]:
    """Return how many units of the programme the rows of a mask had."""
    weights = _unit_weights(panel, declared, treated)
    return lambda rows: float(weights[rows].sum())


def _unit_weights(panel: PanelData, declared: ProgrammeCost, treated: NDArray[np.bool_]) -> Floats:
    """Return each row's share of a unit of the programme (N), adding up to the units."""
    if declared.referrals is not None:
        return np.asarray(panel.weight * panel.covariates[declared.referrals] * treated)
    if declared.per == "person_period":
        return person_time(panel) * treated
    key = {"person": panel.unit, "practice": panel.cluster}.get(declared.per)
    if key is None:
        periods, place = period_places(panel.period)
        key = panel.cluster * len(periods) + place
    code = np.unique(key, return_inverse=True)[1]
    rows = np.bincount(code, treated)
    share = treated / np.where(rows[code] > 0, rows[code], 1.0)
    return np.asarray(share * (panel.weight if declared.per == "person" else 1.0))


def _influence(
    panel: PanelData, declared: ProgrammeCost, treated: NDArray[np.bool_], value: float
) -> Floats:
    size = person_time(panel) * treated
    moved = declared.amount * _unit_weights(panel, declared, treated) - value * size
    return np.asarray(np.bincount(panel.cluster, moved, panel.n_clusters) / size.sum())
