"""The rows of a model of counts, costs or yes and no: a panel, collapsed where that loses nothing.

Rows that share every regressor, the practice and the absorbed effect enter such a model through
their sums alone. Without covariates 1.6 million patient-periods are a few thousand rows, so that an
estimation without each practice in turn costs no more than one with all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalweave.estimators.adjustment import TIMES, adjustment, by_period, standardised
from evalweave.estimators.moments import period_places, unit_starts
from evalweave.fits.result import Floats, Ints, PanelData

Cell = tuple[int, int]  # cohort, period
MOST_KINDS = 400  # distinct sets of regressors up to which sums over them are faster than over rows
CHUNK = 4096  # groups held at once


@dataclass(frozen=True)
class Rows:
    """R rows, those of one group together, with D distinct sets of regressors.

    Attributes:
        table: the sets (D x P), the K tested columns first; `names` (P).
        kind: which of them a row has (R).
        removed: which columns are 0 without the programme (P).
        y, size: sums of w y and of w times exposure (R).
        group: code of the patient, practice or cohort effect that a row belongs to (R), sorted;
            `absorbed` = concentrated out, else its columns are among the regressors.
        cluster: the practice (R).
        cell: place in `cells` of the row's cohort and period, -1 where untreated (R).
    """

    table: Floats
    kind: Ints
    names: tuple[str, ...]
    n_terms: int
    removed: NDArray[np.bool_]
    y: Floats
    size: Floats
    group: Ints
    absorbed: bool
    cluster: Ints
    cell: Ints
    cells: tuple[Cell, ...]

    @cached_property
    def starts(self) -> Ints:
        """The first row of each group (U)."""
        return np.flatnonzero(np.append(True, np.diff(self.group) != 0))

    @cached_property
    def place(self) -> Ints:
        """Each row's group, 0..U-1 (R)."""
        counts = np.diff(np.append(self.starts, len(self.group)))
        return np.repeat(np.arange(len(self.starts)), counts)

    @cached_property
    def group_total(self) -> Floats:
        """The sum of outcomes of each group (U)."""
        return self.by_group(self.y)

    @property
    def x(self) -> Floats:
        """The regressors (R x P)."""
        return self.table[self.kind]

    @property
    def few_kinds(self) -> bool:
        return len(self.table) <= MOST_KINDS

    def index(self, beta: Floats) -> Floats:
        """Return x'beta (R)."""
        return np.asarray((self.table @ beta)[self.kind])

    def total(self, weight: Floats) -> Floats:
        """Return the sum of weight times x (P)."""
        return np.asarray(self.table.T @ np.bincount(self.kind, weight, len(self.table)))

    def gram(self, weight: Floats) -> Floats:
        """Return the sum of weight times x x' (P x P)."""
        by_kind = np.bincount(self.kind, weight, len(self.table))
        return np.asarray(self.table.T @ (self.table * by_kind[:, None]))

    def by_group(self, weight: Floats) -> Floats:
        """Return the sums of weight in each group (U)."""
        return np.asarray(np.add.reduceat(weight, self.starts))

    def group_means(self, weight: Floats, share: Floats) -> Floats:
        """Return the sum over groups of `share` (U) times the weighted mean of x in it (P)."""
        total = self.by_group(weight)
        factor = share / np.where(total > 0, total, 1.0)
        return self.total(weight * factor[self.place])

    def within_gram(self, weight: Floats) -> Floats:
        """Return the sum of weight times x x', x less its weighted mean in its group (P x P)."""
        total = self.by_group(weight)
        scale = 1 / np.sqrt(np.where(total > 0, total, 1.0))
        if not self.few_kinds:
            sums = np.add.reduceat(self.x * weight[:, None], self.starts, axis=0)
            sums *= scale[:, None]
            return np.asarray(self.gram(weight) - sums.T @ sums)
        kinds = len(self.table)
        product = np.zeros((kinds, kinds))
        shared = weight * scale[self.place]
        ends = np.append(self.starts, len(self.group))
        for low in range(0, len(self.starts), CHUNK):
            high = min(low + CHUNK, len(self.starts))
            rows = slice(ends[low], ends[high])
            cell = (self.place[rows] - low) * kinds + self.kind[rows]
            part = np.bincount(cell, shared[rows], (high - low) * kinds).reshape(-1, kinds)
            product += part.T @ part
        return np.asarray(self.gram(weight) - self.table.T @ product @ self.table)

    def by_cluster(self, weight: Floats, clusters: int) -> Floats:
        """Return the sums of weight times x in each practice (G x P)."""
        if self.few_kinds:
            kinds = len(self.table)
            cell = self.cluster * kinds + self.kind
            sums = np.bincount(cell, weight, clusters * kinds).reshape(clusters, kinds)
            return np.asarray(sums @ self.table)
        x = self.x
        columns = [np.bincount(self.cluster, column * weight, clusters) for column in x.T]
        return np.column_stack(columns)


def some_rows(rows: Rows, keep: NDArray[np.bool_]) -> Rows:
    """Return the rows that the mask keeps (R)."""
    few = rows.few_kinds
    return replace(
        rows,
        table=rows.table if few else rows.table[rows.kind[keep]],
        kind=rows.kind[keep] if few else np.arange(int(keep.sum())),
        y=rows.y[keep],
        size=rows.size[keep],
        group=rows.group[keep],
        cluster=rows.cluster[keep],
        cell=rows.cell[keep],
    )


def model_rows(
    panel: PanelData, cells: list[Cell], effects: str, absorbed: bool, one_term: bool
) -> Rows:
    """Return the rows of a model with `effects` (patient, practice or cohort) and period effects.

    `cells` are the treated cohorts and periods; with `one_term` they share one tested column.
    Effects that are not absorbed become columns.
    """
    exposure = np.ones(1) if panel.exposure is None else panel.exposure
    size = np.broadcast_to(panel.weight * exposure, panel.y.shape).astype(np.float64)
    y = np.asarray(panel.weight * panel.y, dtype=np.float64)
    cell = _cell_of_row(panel, cells)
    group = _group_of_row(panel, effects)
    if not panel.stands_for:
        panel_rows, y, size, group, cell = _collapsed(panel, y, size, group, cell, effects)
    else:
        panel_rows = np.arange(len(y))
    order = np.argsort(group, kind="stable")
    if (np.diff(group) >= 0).all():
        order = np.arange(len(group))
    columns = _Columns(panel, panel_rows[order], cell[order], cells, one_term)
    columns.add_effects(group[order], effects, absorbed)
    columns.add_covariates(effects)
    table, kind = columns.distinct(group[order] if not absorbed else None)
    return Rows(
        table=table,
        kind=kind,
        names=tuple(columns.values),
        n_terms=columns.n_terms,
        removed=np.array([name in columns.removed for name in columns.values]),
        y=y[order],
        size=size[order],
        group=group[order],
        absorbed=absorbed,
        cluster=panel.cluster[panel_rows[order]],
        cell=cell[order],
        cells=tuple(cells),
    )


def treated_cells(panel: PanelData) -> list[Cell]:
    """Return the cohorts and periods in which somebody is treated, in order."""
    treated = panel.period >= panel.first_treated
    pairs = np.column_stack((panel.first_treated[treated], panel.period[treated]))
    return [(int(g), int(t)) for g, t in np.unique(pairs, axis=0)]


def _cell_of_row(panel: PanelData, cells: list[Cell]) -> Ints:
    """Return each row's place in `cells`, -1 where it is not treated (N)."""
    out = np.full(len(panel.y), -1, dtype=np.int64)
    treated = np.flatnonzero(panel.period >= panel.first_treated)
    span = int(panel.period.max()) + 1
    low = int(min(panel.period.min(), panel.first_treated.min()))
    key = (panel.first_treated[treated] - low) * (span - low) + (panel.period[treated] - low)
    known = np.array([(g - low) * (span - low) + (t - low) for g, t in cells], dtype=np.float64)
    order = np.argsort(known)
    out[treated] = order[np.searchsorted(known[order], key)]
    return out


def _group_of_row(panel: PanelData, effects: str) -> Ints:
    if effects == "patient":
        return panel.unit
    if effects == "practice":
        return panel.cluster
    return np.asarray(np.unique(panel.first_treated, return_inverse=True)[1], dtype=np.int64)


def _collapsed(
    panel: PanelData, y: Floats, size: Floats, group: Ints, cell: Ints, effects: str
) -> tuple[Ints, Floats, Floats, Ints, Ints]:
    """Return, for each collapsed row, a panel row that stands for it, and the sums."""
    places = period_places(panel.period)[1]
    if effects == "patient":
        group = _alike(panel, size, places)
    cohort = np.unique(panel.first_treated, return_inverse=True)[1]
    key = group
    for code in (cohort, panel.cluster, places):
        key = key * (int(code.max()) + 1) + code
    _, first, code = np.unique(key, return_index=True, return_inverse=True)
    return (
        np.asarray(first, dtype=np.int64),
        np.bincount(code, y, len(first)).astype(np.float64),
        np.bincount(code, size, len(first)).astype(np.float64),
        group[first],
        cell[first],
    )


def _alike(panel: PanelData, size: Floats, places: Ints) -> Ints:
    """Return for each row the code of its patient's kind: practice, start, and size by period."""
    starts = unit_starts(panel)
    table = np.zeros((len(starts), int(places.max()) + 3))
    table[panel.unit, places] = size
    table[:, -2] = panel.cluster[starts]
    table[:, -1] = np.where(np.isfinite(panel.first_treated), panel.first_treated, 0)[starts]
    code = np.zeros(len(starts), dtype=np.int64)
    for column in table.T:  # one column after the other: sorting whole rows is much slower
        values = np.unique(column, return_inverse=True)[1]
        code = np.unique(code * (int(values.max()) + 1) + values, return_inverse=True)[1]
    return np.asarray(code[panel.unit], dtype=np.int64)


class _Columns:
    """The columns of the design, by name, in their order."""

    def __init__(
        self, panel: PanelData, rows: Ints, cell: Ints, cells: list[Cell], one_term: bool
    ) -> None:
        self.panel, self.rows, self.cell, self.cells = panel, rows, cell, cells
        self.values: dict[str, Floats] = {}
        if one_term:
            self.values["treated"] = (cell >= 0).astype(np.float64)
        else:
            for place, (g, t) in enumerate(cells):
                self.values[f"att_gt[{g},{t}]"] = (cell == place).astype(np.float64)
        self.one_term, self.n_terms = one_term, len(self.values)
        self.removed = set(self.values)

    def add_effects(self, group: Ints, effects: str, absorbed: bool) -> None:
        """Add the period effects and, where they are not absorbed, the others."""
        period = self.panel.period[self.rows]
        if not absorbed:
            for code in np.unique(group):
                self.values[f"{effects} {code}"] = (group == code).astype(np.float64)
        for t in np.unique(self.panel.period)[1:]:
            self.values[f"period[{t}]"] = (period == t).astype(np.float64)

    def add_covariates(self, effects: str) -> None:
        """Add covariates, times the periods where they are fixed; with one term a cell also times
        start and treated cell, as Wooldridge (2023) proposes."""
        panel = self.panel
        adjusts = adjustment(panel)
        if self.one_term:
            if effects != "patient":
                self.values |= self._taken(adjusts.steady)
            self.values |= self._taken(adjusts.written_out(panel))
            return
        for own in panel.stands_for.values():
            for column in own:
                values = standardised(panel.covariates[column])
                more = {column: values} if effects != "patient" else {}
                more |= by_period(column, values, panel)
                if effects == "cohort":
                    for g in np.unique(panel.first_treated[np.isfinite(panel.first_treated)]):
                        of = panel.first_treated == g
                        more[f"{column}{TIMES}start {g:.0f}"] = np.where(of, values, 0.0)
                self.values |= self._taken(more)
                self._by_cell(column, values)

    def _by_cell(self, column: str, values: Floats) -> None:
        """Add a covariate, less its mean in the cohort, times each treated cell."""
        panel = self.panel
        for place, (g, t) in enumerate(self.cells):
            of = panel.first_treated == g
            mean = float(np.average(values[of], weights=panel.weight[of]))
            name = f"{column}{TIMES}{g},{t}"
            self.values[name] = np.where(self.cell == place, values[self.rows] - mean, 0.0)
            self.removed.add(name)

    def _taken(self, columns: dict[str, Floats]) -> dict[str, Any]:
        return {name: values[self.rows] for name, values in columns.items()}

    def distinct(self, group: Ints | None) -> tuple[Floats, Ints]:
        """Return the distinct sets of regressors (D x P) and which of them each row has (R).

        `group` is the effect whose columns are among them, if any.
        """
        x = np.column_stack(list(self.values.values()))
        if self.panel.stands_for:
            return x, np.arange(len(x))
        periods, place = period_places(self.panel.period)
        key = (self.cell + 1) * len(periods) + place[self.rows]
        if group is not None:
            key = key * (int(group.max()) + 1) + group
        _, first, kind = np.unique(key, return_index=True, return_inverse=True)
        return x[first], np.asarray(kind, dtype=np.int64)
