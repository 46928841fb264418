"""Saturated least squares by cohort and period, and the averages over them; shared by sun_abraham
and etwfe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evalweave.errors import DataError
from evalweave.estimators.design_columns import Cells
from evalweave.estimators.event_study import over_events
from evalweave.estimators.lost_cells import verdict
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


@dataclass
class CohortAverages:
    """Contrasts over the estimated cells, why an average is absent, and what one lost."""

    terms: dict[str, Floats]
    absent: dict[str, str]
    of_term: dict[str, str]


def averages(
    tested: list[Cell],
    estimated: list[Cell],
    size: dict[Cell, float],
    calendar: bool,
    partial: bool,
) -> CohortAverages:
    """Return the averages over the estimated cells.

    `att` weights cells with t >= g by their (weighted) patient-periods, as does `group[g]` within a
    cohort and `event[e]` within an event time; these shares are taken as fixed. `event[overall]`
    and `trend` as in event_study. `lost_cells` decides where a cell has no estimate.
    """
    unit = {cell: np.eye(len(estimated))[j] for j, cell in enumerate(estimated)}
    made = CohortAverages({f"att_gt[{g},{t}]": unit[(g, t)] for g, t in estimated}, {}, {})

    def average(name: str, members: list[Cell]) -> None:
        _average(name, members, unit, size, partial, made)

    after = [(g, t) for g, t in tested if t >= g]
    average("att", after)
    for cohort in sorted({g for g, _ in after}):
        average(f"group[{cohort}]", [cell for cell in after if cell[0] == cohort])
    events = sorted({t - g for g, t in tested})
    for event in events:
        average(f"event[{event}]", [(g, t) for g, t in tested if t - g == event])
    _over_events(events, partial, made, len(estimated))
    if calendar:
        for period in sorted({t for _, t in after}):
            average(f"calendar[{period}]", [cell for cell in after if cell[1] == period])
    return made


def _average(
    name: str,
    members: list[Cell],
    unit: dict[Cell, Floats],
    size: dict[Cell, float],
    partial: bool,
    made: CohortAverages,
) -> None:
    """Add the average of `members` weighted by `size`, or why it is absent."""
    if not members:
        return
    names = {cell: f"att_gt[{cell[0]},{cell[1]}]" for cell in members}
    left = [cell for cell in members if cell in unit]
    share = 1 - sum(size[cell] for cell in left) / sum(size[cell] for cell in members)
    lost = [names[cell] for cell in members if cell not in unit]
    judged = verdict(names.values(), lost, share, partial)
    if not judged.stands:
        made.absent[name] = judged.words
        return
    if judged.words:
        made.of_term[name] = judged.words
    total = sum(size[cell] for cell in left)
    made.terms[name] = sum(
        (size[cell] / total * unit[cell] for cell in left), np.zeros_like(unit[left[0]])
    )


def _over_events(events: list[int], partial: bool, made: CohortAverages, width: int) -> None:
    """Add `event[overall]` and `trend`; a mean of partial averages is itself partial."""
    estimated = [event for event in events if f"event[{event}]" in made.terms]
    after = [event for event in events if event >= 0]
    summaries = over_events(estimated, after, partial)
    made.absent.update(summaries.absent)
    made.of_term.update(summaries.of_term)
    for name, weights in summaries.terms.items():
        made.terms[name] = sum(
            (
                w * made.terms[f"event[{event}]"]
                for w, event in zip(weights, estimated, strict=True)
            ),
            np.zeros(width),
        )
        thin = [e for e in after if f"event[{e}]" in made.of_term]
        if thin:
            words = f"event times {', '.join(map(str, thin))} left out cells of their own"
            made.of_term[name] = "; ".join(filter(None, (made.of_term.get(name, ""), words)))


def without_always_treated(
    panel: PanelData, anticipation: int = 0
) -> tuple[PanelData, tuple[str, ...]]:
    """Return the panel without patients treated (or anticipating it) from its first period on, and
    a note that counts them.

    Raises:
        DataError: if no other patients are treated.
    """
    always = panel.first_treated <= panel.period.min() + anticipation
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


def last_cohort_as_comparison(
    panel: PanelData, anticipation: int = 0
) -> tuple[PanelData, tuple[str, ...]]:
    """Return a panel in which somebody is untreated throughout, and a note where that took a cut.

    Where everybody starts sooner or later, the periods from the last start on have nobody to
    compare with: they are set aside, and the last cohort is the comparison before.
    Source: Sun & Abraham (2021), J Econometrics 225(2), section 4; Callaway & Sant'Anna (2021).

    Raises:
        DataError: with one start only, or fewer than two periods before the last one.
    """
    starts = np.unique(panel.first_treated)
    if not np.isfinite(starts[-1]):
        return panel, ()
    last = int(starts[-1])
    early = panel.period < last - anticipation
    if len(starts) < 2 or len(np.unique(panel.period[early])) < 2:
        raise DataError(
            "Nobody is untreated while others are treated, so there is no comparison: it takes "
            "never-treated patients or at least two start dates."
        )
    note = (
        f"Nobody is never treated: periods from {last - anticipation} on were set aside and the "
        f"cohort that starts in {last} serves as comparison only."
    )
    cut = restricted(panel, early)
    untreated = np.where(cut.first_treated == last, np.inf, cut.first_treated)
    return replace(cut, first_treated=untreated), (note,)


def restricted(panel: PanelData, keep: np.ndarray[Any, np.dtype[np.bool_]]) -> PanelData:
    """Return the rows `keep` as a panel of their own, units and clusters recoded.

    Raises:
        DataError: if no row is left.
    """
    if not keep.any():
        raise DataError("No row is left to estimate from.")
    units, unit = np.unique(panel.unit[keep], return_inverse=True)
    clusters, cluster = np.unique(panel.cluster[keep], return_inverse=True)
    known = panel.allocated
    if known is not None and known.strata is not None:
        known = replace(known, strata=known.strata[clusters])
    return replace(
        panel,
        allocated=known,
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
        exposure=None if panel.exposure is None else panel.exposure[keep],
    )


def place_of_term(name: str) -> int:
    """Return where a term stands in the order in which they are printed."""
    kinds = ("att", "event[", "trend", "group[", "calendar[", "att_gt[")
    if name == "att":
        return 0
    if name == "event[overall]":
        return 2 * kinds.index("event[") + 1
    return 2 * max(j for j, kind in enumerate(kinds) if name.startswith(kind) and (kind != "att"))
