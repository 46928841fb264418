"""Difference in differences of means by start (all practices that start together) and period.

mean_ct = start_c + period_t + tau D_ct + e_ct,   weighted by the people followed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalweave.fits.result import Floats, Ints, PanelData


@dataclass(frozen=True)
class Cells:
    """The cells start x period: which one each row lies in (N), and of each cell (C) its start, its
    period's place and whether it is treated."""

    of_row: Ints
    start: Ints
    period: Ints
    treated: NDArray[np.bool_]

    @property
    def n(self) -> int:
        return len(self.start)

    def sums(self, weight: Floats) -> Floats:
        """Return sums of row weights by cell (C)."""
        return np.asarray(np.bincount(self.of_row, weight, self.n).astype(np.float64))

    def means(self, value: Floats, weight: Floats) -> Floats:
        """Return weighted means by cell (C), nan where nothing weighs."""
        return divided(self.sums(value * weight), self.sums(weight))


def cells_of(panel: PanelData) -> Cells:
    """Return the cells of a panel."""
    starts, start = np.unique(panel.first_treated, return_inverse=True)
    periods, period = np.unique(panel.period, return_inverse=True)
    cells = np.arange(len(starts) * len(periods))
    c, t = np.divmod(cells, len(periods))
    of_row = np.asarray(start.ravel() * len(periods) + period.ravel(), dtype=np.int64)
    return Cells(of_row, c, t, periods[t] >= starts[c])


def unmeasured(
    panel: PanelData, cells: Cells, measured: NDArray[np.bool_], then: str
) -> tuple[str, ...]:
    """Return a note for each start of whose people in follow-up nobody was measured in whole
    periods, ending with what follows (`then`)."""
    people, seen = cells.sums(np.ones(len(panel.y))), cells.sums(measured.astype(np.float64))
    starts, periods = np.unique(panel.first_treated), np.unique(panel.period)
    last, notes = panel.period.max(), []
    for place, start in enumerate(starts):
        lost = np.flatnonzero((cells.start == place) & (people > 0) & (seen == 0))
        if not len(lost):
            continue
        whose = f"with a start in {start:g}" if start <= last else "without the programme"
        when = ", ".join(f"{period:g}" for period in periods[cells.period[lost]])
        notes.append(
            f"Nobody of the practices {whose} was measured in {when} "
            f"({int(people[lost].sum())} person-periods in follow-up): {then}"
        )
    return tuple(notes)


def divided(sums: Floats, weight: Floats) -> Floats:
    """Return sums over weights, nan where nothing weighs."""
    return np.divide(sums, weight, out=np.full(np.shape(sums), np.nan), where=weight > 0)


def coefficient(cells: Cells, mean: Floats, people: Floats) -> float:
    """Return tau of means (C), weighted by people (C); nan where not identified."""
    weights = loadings(cells, ~np.isnan(mean), people)
    return float("nan") if weights is None else float(weights @ np.nan_to_num(mean))


def loadings(cells: Cells, known: NDArray[np.bool_], people: Floats) -> Floats | None:
    """Return by how much each cell's mean counts for tau (C, zero where unknown); None where tau
    is not identified."""
    here = np.flatnonzero(known & (people > 0))
    if not len(here):
        return None
    start, period = cells.start[here], cells.period[here]
    columns = [cells.treated[here].astype(np.float64)]
    columns += [(start == c).astype(np.float64) for c in np.unique(start)]
    columns += [(period == t).astype(np.float64) for t in np.unique(period)[1:]]
    root = np.sqrt(people[here])
    x = np.column_stack(columns) * root[:, None]
    left = x[:, 0] - x[:, 1:] @ np.linalg.lstsq(x[:, 1:], x[:, 0], rcond=None)[0]
    size = float(left @ left)
    if size <= 1e-10 * max(float(x[:, 0] @ x[:, 0]), 1e-300):
        return None
    weights = np.zeros(cells.n)
    weights[here] = left * root / size
    return weights


@dataclass(frozen=True)
class Sums:
    """Weights by practice and cell (G x C): of everybody followed, and of those measured."""

    cells: Cells
    cluster: NDArray[np.int64]
    row_weight: Floats
    weight: Floats
    measured: Floats
    people: Floats

    @classmethod
    def of(cls, panel: PanelData, cells: Cells, measured: NDArray[np.bool_]) -> Sums:
        """Return the weights of a panel."""
        follow = np.asarray(panel.weight * 1.0)
        every = by_practice(panel.cluster, cells, follow, panel.n_clusters)
        seen = by_practice(panel.cluster, cells, follow * measured, panel.n_clusters)
        return cls(cells, panel.cluster, follow, every, seen, every)

    def loadings(self, left_out: NDArray[np.bool_]) -> Floats | None:
        """Return what each cell's mean counts for tau without some practices (C)."""
        people = self.people[~left_out].sum(axis=0)
        known = self.measured[~left_out].sum(axis=0) > 0
        return loadings(self.cells, known, people)

    def by_practice(self, value: Floats) -> Floats:
        """Return sums of weighted row values by practice and cell (G x C)."""
        return by_practice(self.cluster, self.cells, self.row_weight * value, len(self.weight))


def by_practice(cluster: NDArray[np.int64], cells: Cells, value: Floats, practices: int) -> Floats:
    """Return sums of row values by practice and cell (G x C)."""
    key = cluster * cells.n + cells.of_row
    sums = np.bincount(key, value, practices * cells.n).astype(np.float64)
    return np.asarray(sums.reshape(practices, cells.n))
