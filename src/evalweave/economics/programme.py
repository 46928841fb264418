"""The programme's own cost, spread over the treated persons and periods of the panel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalweave.economics.joint import Leaving
from evalweave.errors import DataError, StudyError
from evalweave.estimators.moments import period_places
from evalweave.fits.result import Floats, Ints, PanelData
from evalweave.study.economics import Discount, ProgrammeCost

COUNTED_BY_PRACTICE = ("practice", "practice_period")
FURTHEST = 100  # years


def programme_cost(
    panel: PanelData, declared: ProgrammeCost, discount: Discount | None = None
) -> Leaving:
    """Return the cost a treated person and period, and without each practice in turn.

    The amount is taken as known; how many it is spread over is not. Each unit of the programme is
    discounted at its period: persons and practices at the first in which they are exposed.
    Practices have no weight, so that what they are spread over is counted in weights of mean 1.
    """
    treated = panel.period >= panel.first_treated
    size = person_time(panel)
    units = _unit_weights(panel, declared, treated, discount)
    counts_practices = declared.per in COUNTED_BY_PRACTICE

    def value(keep: NDArray[np.bool_]) -> float:
        rows = treated & keep[panel.cluster]
        total = float(size[rows].sum())
        if not total > 0:
            return 0.0
        mean = float(panel.weight[rows].mean()) if counts_practices else 1.0
        return declared.amount * float(units[rows].sum()) * mean / total

    everyone = np.ones(panel.n_clusters, dtype=bool)
    without = []
    for practice in range(panel.n_clusters):
        everyone[practice] = False
        without.append(value(everyone))
        everyone[practice] = True
    whole = value(everyone)
    alone = np.array(without)
    share = treated / size[treated].sum() * size
    if counts_practices:
        share = (
            share + treated / treated.sum() - treated * panel.weight / panel.weight[treated].sum()
        )
    moved = whole * (units / units.sum() - share) if whole else 0.0 * share
    influence = np.bincount(panel.cluster, moved, panel.n_clusters).astype(np.float64)
    return Leaving(whole, alone, influence, panel.cluster_names)


def discounted(periods: Ints, discount: Discount, rate: float) -> Floats:
    """Return 1/(1 + rate)^years for each period, years counted from the first of `discount`.

    Raises:
        StudyError: where that is further away than any evaluation looks.
    """
    years = (periods - float(discount.first)) / (discount.periods_per_year or 1)
    if len(years) and np.abs(years).max() > FURTHEST:
        raise StudyError(
            f"discount: first: {discount.first} is more than {FURTHEST} years from periods "
            f"{int(periods.min())} to {int(periods.max())} of the panel. Write it as a period of "
            "the panel, and check periods_per_year."
        )
    return np.asarray((1 + rate) ** -years)


def person_time(panel: PanelData) -> Floats:
    """Return weights times exposure of each row (N)."""
    return np.asarray(panel.weight * (1.0 if panel.exposure is None else panel.exposure))


def _unit_weights(
    panel: PanelData,
    declared: ProgrammeCost,
    treated: NDArray[np.bool_],
    discount: Discount | None,
) -> Floats:
    """Return each row's share of a unit of the programme (N), adding up to the units, each worth
    1 undiscounted; raise `DataError` for referrals below zero."""
    worth = np.ones(len(panel.period))
    if discount is not None:
        worth[treated] = discounted(panel.period[treated], discount, discount.costs)
    if declared.referrals is not None:
        counted = panel.covariates[declared.referrals]
        if (counted[treated] < 0).any():
            raise DataError(
                f"programme_cost, referrals: {declared.referrals} is below zero in "
                f"{int((counted[treated] < 0).sum())} treated rows; a number of referrals is 0 or "
                "more. Name the column that counts them, or correct it."
            )
        return np.asarray(panel.weight * panel.covariates[declared.referrals] * treated * worth)
    if declared.per == "person_period":
        return np.asarray(person_time(panel) * treated * worth)
    key = {"person": panel.unit, "practice": panel.cluster}.get(declared.per)
    if key is None:
        periods, place = period_places(panel.period)
        key = panel.cluster * len(periods) + place
    code = np.unique(key, return_inverse=True)[1]
    rows = np.bincount(code, treated)
    first = np.full(len(rows), np.inf)
    np.minimum.at(first, code[treated], panel.period[treated])
    if discount is not None:
        at = first[code[treated]].astype(np.int64)
        worth[treated] = discounted(at, discount, discount.costs)
    share = worth * treated / np.where(rows[code] > 0, rows[code], 1.0)
    return np.asarray(share * (panel.weight if declared.per == "person" else 1.0))
