"""From anybody's table to a checked panel, sorted by unit (as text) and period.

Everything that is wrong is said at once. Rows without an outcome or weight are left out and counted
in `PanelData.notes`; nothing else is dropped. The columns are read in `panel_columns`, periods and
starts in `panel_time` and `panel_starts`, units in `panel_identity`, covariates in
`panel_covariates`. Messages never quote an identifier or a value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.kinds import BINARY, COST, COUNT, COUNTED, KINDS, UTILITY
from evalweave.errors import DataError
from evalweave.estimators.panel_columns import Mask, Problems, check_present, numbers
from evalweave.estimators.panel_covariates import completed, covariate_columns
from evalweave.estimators.panel_identity import check_constant, identifiers, levels, row_order
from evalweave.estimators.panel_starts import read_starts, within_panel
from evalweave.estimators.panel_time import Calendar, read_periods
from evalweave.estimators.panel_treated import starts_of_treated
from evalweave.fits.result import Floats, Ints, PanelData
from evalweave.study.analyses import AnalysisOptions, Columns

FILE = "the panel"
SECTIONS = (
    "No unit is named: every row is taken as another person (repeated cross-sections), with an "
    "effect for each {cluster} and period."
)


def panel_data(
    frame: pd.DataFrame,
    columns: Columns,
    analysis: AnalysisOptions,
    extra: tuple[str, ...] = (),
    file: str = FILE,
    places: Ints | None = None,
) -> PanelData:
    """Return `frame` (one row a unit and period, or without a unit one a person) as a `PanelData`.

    `extra` names further numeric columns to carry in `covariates` (the uptake of `dose`), `places`
    where the rows stand in the whole file. Weights that are all 1 count as no weights.

    Raises:
        DataError: with every fault: missing columns, text where numbers belong, periods or starts
        that cannot be read, repeated unit-periods, units in two clusters, `first_treated` or
        subgroup changing within a unit, negative weights, no row left.
    """
    problems, notes = Problems(file, rows=places), list[str]()
    check_present(frame, _wanted(columns, analysis, extra), problems)
    problems.raise_all()
    if not len(frame):
        raise DataError(
            f"{file}: found no rows below the header, expected one row a unit and period."
        )
    values = _values(frame, columns, analysis, extra, problems, notes)
    problems.raise_all()
    blanks = bool(ESTIMATORS[analysis.estimator].blank_outcomes)
    usable = _usable(values, columns, notes, blanks)
    if analysis.unknown_covariates == "drop":
        usable = _with_known_covariates(values, usable, notes)
    rows = np.arange(len(frame)) if usable is None else np.flatnonzero(usable)
    if not len(rows):
        raise DataError(
            f"{file}: no row has {', '.join([columns.outcome, *extra])} and a positive weight; the "
            "outcome was never measured or the column is the wrong one."
        )
    who = _units(frame, columns, rows, usable is None, values.period, problems, analysis.subgroup)
    return _assembled(frame, columns, analysis, values, who, problems, notes)


@dataclass(frozen=True)
class _Values:
    """The columns as numbers, one entry a row of the table."""

    calendar: Calendar
    period: Ints
    y: Floats
    start: Floats
    covariates: dict[str, dict[str, Floats]]
    extra: dict[str, Floats]
    weight: Floats | None
    exposure: Floats | None


@dataclass(frozen=True)
class _Units:
    """Codes of the rows that are used, sorted; `rows` are their places in the table."""

    unit: Ints
    cluster: Ints
    unit_names: tuple[str, ...]
    cluster_names: tuple[str, ...]
    rows: Ints
    as_it_stands: bool  # all rows of the table, in its order

    def taken(self, values: NDArray[Any]) -> NDArray[Any]:
        return values if self.as_it_stands else values[self.rows]


def _wanted(columns: Columns, analysis: AnalysisOptions, extra: tuple[str, ...]) -> list[str]:
    named = [columns.owner, columns.period, columns.outcome, columns.start]
    named += [name for name in (columns.cluster, columns.weight, columns.exposure) if name]
    named += [analysis.subgroup] if analysis.subgroup else []
    return [*named, *analysis.covariates, *extra]


def _values(
    frame: pd.DataFrame,
    columns: Columns,
    analysis: AnalysisOptions,
    extra: tuple[str, ...],
    problems: Problems,
    notes: list[str],
) -> _Values:
    calendar, period = read_periods(frame[columns.period], columns.period, problems, notes)
    start = np.full(len(frame), np.inf)
    if columns.treated and not problems.concern(columns.period):
        start = starts_of_treated(frame, columns, period, problems, notes)
    elif not problems.concern(columns.period):
        name = columns.first_treated
        start = read_starts(frame[name], name, calendar, problems, notes)
    weight = numbers(frame, columns.weight, problems) if columns.weight else None
    if weight is not None:
        problems.refuse(weight < 0, "a negative weight", "0 or more", columns.weight or "")
    exposure = numbers(frame, columns.exposure, problems) if columns.exposure else None
    if exposure is not None:
        problems.refuse(exposure < 0, "a negative exposure", "0 or more", columns.exposure or "")
    outcome = _outcome(frame, columns, problems, notes)
    if exposure is not None and columns.kind in COUNTED:
        problems.refuse(
            (exposure == 0) & (outcome > 0),
            f"{columns.outcome} above 0 where {columns.exposure} is 0",
            "nothing counted in no time",
            columns.exposure or "",
            "Correct the time of these rows, or their outcome.",
        )
    return _Values(
        calendar,
        period,
        outcome,
        start,
        {
            name: covariate_columns(frame, name, problems, name in analysis.factors)
            for name in analysis.covariates
        },
        {name: numbers(frame, name, problems) for name in extra},
        weight,
        exposure,
    )


WRONG: dict[str, Callable[[Floats], NDArray[np.bool_]]] = {
    BINARY: lambda y: (y != 0) & (y != 1),
    COUNT: lambda y: (y < 0) | (y != np.floor(y)),
    COST: lambda y: y < 0,
    UTILITY: lambda y: y > 1,
}


def _outcome(frame: pd.DataFrame, columns: Columns, problems: Problems, notes: list[str]) -> Floats:
    """Return the outcome, blanks filled in as declared; values that its kind cannot have are
    faults."""
    values = numbers(frame, columns.outcome, problems)
    if columns.kind in WRONG:
        odd = WRONG[columns.kind](values) & ~np.isnan(values)
        expected = KINDS[columns.kind].values
        problems.refuse(odd, f"what no {columns.kind} outcome is", expected, columns.outcome)
    blank = np.isnan(values)
    if columns.missing == "zero" and blank.any():
        notes.append(f"{int(blank.sum())} rows without {columns.outcome} count as zero, as asked.")
        values = np.where(blank, 0.0, values)
    return values


def _usable(
    values: _Values, columns: Columns, notes: list[str], blanks: bool = False
) -> Mask | None:
    """Return which rows can be used, None = all, and note what is left out (each row once).

    With `blanks`, rows without an outcome are used.
    """
    usable: Mask | None = None
    causes = [*(() if blanks else [(columns.outcome, values.y)]), *values.extra.items()]
    if values.weight is not None:
        causes.append((columns.weight or "", values.weight))
    if values.exposure is not None:
        causes.append((columns.exposure or "", values.exposure))
    for name, column in causes:
        if np.isnan(column.sum()):
            known = ~np.isnan(column)
            lost = ~known if usable is None else ~known & usable
            if lost.any():
                notes.append(f"{int(lost.sum())} rows without {name} were left out.")
            usable = known if usable is None else known & usable
    parts: list[tuple[Floats | None, str]] = [
        (values.weight, "a weight of zero carry nothing and"),
        (values.exposure, "an exposure of zero, in which nothing could be counted,"),
    ]
    for part, words in parts:
        if part is None:
            continue
        zero = part == 0
        lost = zero if usable is None else zero & usable
        if lost.any():
            notes.append(f"{int(lost.sum())} rows with {words} were left out.")
            usable = ~zero if usable is None else ~zero & usable
    return usable


def _with_known_covariates(values: _Values, usable: Mask | None, notes: list[str]) -> Mask | None:
    """Return the usable rows whose covariates are all known, and note the others by arm."""
    programme = values.start <= values.calendar.high
    for name, own in values.covariates.items():
        blank = np.isnan(next(iter(own.values()), np.zeros(len(values.y))))
        lost = blank if usable is None else blank & usable
        if lost.any():
            notes.append(
                f"{int(lost.sum())} rows without {name} were left out as asked: "
                f"{int((lost & programme).sum())} of the programme arm, "
                f"{int((lost & ~programme).sum())} of the comparison arm."
            )
            usable = ~blank if usable is None else usable & ~blank
    return usable


def _units(
    frame: pd.DataFrame,
    columns: Columns,
    rows: Ints,
    everything: bool,
    period: Ints,
    problems: Problems,
    subgroup: str | None,
) -> _Units:
    """Return the units and clusters of the rows used, sorted by unit and period; without a unit,
    those of a cluster (and level of the subgroup) are one."""
    used = frame if everything else frame.iloc[rows]
    unit, unit_names = identifiers(used[columns.owner], columns.owner, problems)
    cluster, cluster_names = unit, unit_names
    if columns.unit is None and subgroup:
        level, _ = levels(used[subgroup])
        pairs, unit = np.unique(np.column_stack((unit, level)), axis=0, return_inverse=True)
        unit = unit.ravel()
        unit_names = tuple(f"{cluster_names[g]}, level {code}" for g, code in pairs)
    elif columns.cluster is not None and columns.cluster != columns.owner:
        cluster, cluster_names = identifiers(used[columns.cluster], columns.cluster, problems)
    problems.raise_all()
    periods = period if everything else period[rows]
    low = int(periods.min())
    key = unit * (int(periods.max()) - low + 1) + (periods - low)
    order, once = row_order(unit, key)
    if order is None:
        return _Units(unit, cluster, unit_names, cluster_names, rows, everything)
    again = np.empty(0, dtype=np.int64) if once else np.flatnonzero(np.diff(key[order]) == 0)
    if len(again) and columns.unit is not None:
        problems.add(
            f"{len(again)} further rows for the same {columns.unit} and {columns.period}",
            "one row a unit and period",
            columns.period,
            "Average or choose among them first.",
            int(rows[order[again + 1]].min()) + 2,
        )
    placed = order if everything else rows[order]
    return _Units(unit[order], cluster[order], unit_names, cluster_names, placed, False)


def _assembled(
    frame: pd.DataFrame,
    columns: Columns,
    analysis: AnalysisOptions,
    values: _Values,
    who: _Units,
    problems: Problems,
    notes: list[str],
) -> PanelData:
    """Return the panel, after the checks that need its rows in order."""
    within = who.unit[1:] == who.unit[:-1]
    start = who.taken(values.start)
    for codes, name, expected in (
        (who.cluster, columns.cluster or columns.owner, "one cluster a unit"),
        (
            start,
            columns.start,
            f"one first treated period a {'unit' if columns.unit else columns.owner}",
        ),
    ):
        check_constant(codes, within, who.rows, name, expected, problems)
    group: Ints | None = None
    names: tuple[str, ...] = ()
    if analysis.subgroup:
        group, names = levels(frame[analysis.subgroup].iloc[who.rows])
        expected = "one level a unit, fixed at the index date"
        check_constant(group, within, who.rows, analysis.subgroup, expected, problems)
    problems.raise_all()
    first = np.append(True, ~within)
    if columns.unit is None:
        first[:] = True  # every row is a person
        notes.insert(0, SECTIONS.format(cluster=columns.owner))
    weighted = values.weight is not None and bool((values.weight[who.rows] != 1.0).any())
    stands_for = _completed(values, who, first, notes)
    numeric = {column: v for own in stands_for.values() for column, v in own.items()}
    return PanelData(
        unit=who.unit,
        period=who.taken(values.period),
        cluster=who.cluster,
        y=who.taken(values.y),
        first_treated=within_panel(
            start,
            start[first],
            values.calendar,
            analysis.anticipation,
            columns.start,
            notes,
        ),
        weight=who.taken(values.weight)
        if weighted and values.weight is not None
        else np.broadcast_to(np.float64(1), len(who.unit)),
        unit_names=who.unit_names,
        cluster_names=who.cluster_names,
        covariates={**numeric, **{name: who.taken(v) for name, v in values.extra.items()}},
        stands_for={name: tuple(own) for name, own in stands_for.items()},
        subgroup=group,
        subgroup_name=analysis.subgroup,
        subgroup_levels=names,
        weighted=weighted,
        notes=tuple(notes),
        sections=columns.unit is None,
        exposure=None if values.exposure is None else who.taken(values.exposure),
    )


def _completed(
    values: _Values, who: _Units, first: Mask, notes: list[str]
) -> dict[str, dict[str, Floats]]:
    """Return each covariate's columns, sorted and without blanks; `first` marks a unit's first."""
    completed_columns = {}
    for name, own in values.covariates.items():
        in_order = {column: who.taken(v) for column, v in own.items()}
        completed_columns[name] = completed(name, in_order, np.flatnonzero(first), notes)
    return completed_columns
