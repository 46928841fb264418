"""Saturated least squares by cohort and period, and the averages over them; shared by sun_abraham
and etwfe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from evalweave.errors import DataError
from evalweave.estimators.event_study import over_events
from evalweave.estimators.least_squares import Cells
from evalweave.fits.result import Floats, Ints, PanelData

Cell = tuple[int, int]  # cohort, period


def cell_columns(tested: list[Cell]) -> Cells:
    """Return one indicator a tested cell (T x K)."""

    def cells(cohort: float, level: int, periods: Ints) -> Floats:
        table = np.zeros((len(periods), len(tested)))
        for column, (of, period) in enumerate(tested):
            if cohort == of:
                table[periods == period, column] = 1.0
        return table

    return cells


def observed_cells(panel: PanelData) -> dict[Cell, float]:
    """Return the sum of weights of each cohort and period of treated patients, in order."""
    treated = np.isfinite(panel.first_treated)
    pairs, which = np.unique(
        np.column_stack((panel.first_treated[treated].astype(np.int64), panel.period[treated])),
        axis=0,
        return_inverse=True,
    )
    size = np.bincount(which.ravel(), panel.weight[treated], len(pairs))
    return {(int(g), int(t)): float(n) for (g, t), n in zip(pairs, size, strict=True)}


def averages(
    tested: list[Cell], found: list[Cell], size: dict[Cell, float], calendar: bool
) -> tuple[dict[str, Floats], dict[str, str]]:
    """Return contrasts over the estimated cells, and why an average is absent.

    `att` weights cells with t >= g by their (weighted) patient-periods, as does `group[g]` within a
    cohort and `event[e]` within an event time; these shares are taken as fixed. `event[overall]`
    and `trend` as in event_study.
    """
    unit = {cell: np.eye(len(found))[j] for j, cell in enumerate(found)}
    terms: dict[str, Floats] = {f"att_gt[{g},{t}]": unit[(g, t)] for g, t in found}
    absent: dict[str, str] = {}

    def average(name: str, members: list[Cell]) -> None:
        lost = [f"att_gt[{g},{t}]" for g, t in members if (g, t) not in unit]
        if lost:
            absent[name] = f"{', '.join(lost)} has no estimate"
        elif members:
            total = sum(size[cell] for cell in members)
            terms[name] = sum(
                (size[cell] / total * unit[cell] for cell in members), np.zeros(len(found))
            )

    after = [(g, t) for g, t in tested if t >= g]
    average("att", after)
    for cohort in sorted({g for g, _ in after}):
        average(f"group[{cohort}]", [cell for cell in after if cell[0] == cohort])
    events = sorted({t - g for g, t in tested})
    for event in events:
        average(f"event[{event}]", [(g, t) for g, t in tested if t - g == event])
    estimated = [event for event in events if f"event[{event}]" in terms]
    summaries, missing = over_events(estimated, [event for event in events if event >= 0])
    for name, weights in summaries.items():
        terms[name] = sum(
            (w * terms[f"event[{event}]"] for w, event in zip(weights, estimated, strict=True)),
            np.zeros(len(found)),
        )
    absent.update(missing)
    if calendar:
        for period in sorted({t for _, t in after}):
            average(f"calendar[{period}]", [cell for cell in after if cell[1] == period])
    return terms, absent


def without_always_treated(panel: PanelData) -> tuple[PanelData, tuple[str, ...]]:
    """Return the panel without patients treated from its first period on, and a note that counts
    them.

    Raises:
        DataError: if no other patients are treated.
    """
    always = panel.first_treated <= panel.period.min()
    if not always.any():
        return panel, ()
    if not (np.isfinite(panel.first_treated) & ~always).any():
        raise DataError(
            "Everybody who is treated is treated from the first period on: nobody was seen before "
            "the start."
        )
    n = len(np.unique(panel.unit[always]))
    note = (
        f"{n} patients whose start is not after the first period were left out: they were never "
        "seen untreated."
    )
    return restricted(panel, ~always), (note,)


def restricted(panel: PanelData, keep: np.ndarray[Any, np.dtype[np.bool_]]) -> PanelData:
    """Return the rows `keep` as a panel of their own, units and clusters recoded.

    Raises:
        DataError: if no row is left.
    """
    if not keep.any():
        raise DataError("No row is left to estimate from.")
    units, unit = np.unique(panel.unit[keep], return_inverse=True)
    clusters, cluster = np.unique(panel.cluster[keep], return_inverse=True)
    return replace(
        panel,
        unit=unit,
        cluster=cluster,
        unit_names=tuple(panel.unit_names[i] for i in units),
        cluster_names=tuple(panel.cluster_names[i] for i in clusters),
        period=panel.period[keep],
        y=panel.y[keep],
        first_treated=panel.first_treated[keep],
        weight=panel.weight[keep],
        covariates={name: values[keep] for name, values in panel.covariates.items()},
        subgroup=None if panel.subgroup is None else panel.subgroup[keep],
    )
