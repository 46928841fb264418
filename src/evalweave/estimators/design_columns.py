"""The full list of columns of a least-squares model with patient effects absorbed, and its sums of
squares by practice from a panel's moments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evalweave.estimators.adjustment import TIMES
from evalweave.estimators.moments import Moments, Reduced
from evalweave.fits.result import Floats, Ints

Cells = Callable[
    [float, int, Ints], Floats
]  # (start, subgroup level, periods T) -> T x K regressors


class Design:
    """The full list of columns: terms, dense columns (one a level), fixed covariates by period and
    period effects (one less than T a level)."""

    def __init__(self, reduced: Reduced, names: tuple[str, ...], cells: Cells) -> None:
        self.cells, self.periods, self.n_terms = cells, reduced.periods, len(names)
        self.levels = [int(level) for level in np.unique(reduced.pooled.level)]
        self.n_dense = len(reduced.dense_names)
        many = len(self.levels) > 1
        suffix = {level: f"[{level}]" if many else "" for level in self.levels}
        dense = [f"{name}{suffix[level]}" for level in self.levels for name in reduced.dense_names]
        self.effects: list[tuple[int, int]] = []  # (level, place of the period)
        self.period_effects = 0
        for level in self.levels:
            # A period counts as soon as a row lies in it, although patients seen once leave no
            # trace in L.
            seen = np.flatnonzero(reduced.pooled.rows[reduced.pooled.level == level].sum(axis=0))
            self.effects += [(level, int(place)) for place in seen[1:]]
            self.period_effects += len(seen)
        steady = []
        self.steady: list[tuple[int, int, int]] = []  # (level, covariate from 1 on, place)
        for level, place in self.effects:
            for j, name in enumerate(reduced.steady_names, start=1):
                self.steady.append((level, j, place))
                steady.append(f"{name}{TIMES}{self.periods[place]}{suffix[level]}")
        self.n_steady = len(reduced.steady_names)
        effects = [f"period[{self.periods[place]}]{suffix[level]}" for level, place in self.effects]
        self.names = (*names, *dense, *steady, *effects)
        k = len(names)
        self.steady_columns = list(range(k + len(dense), k + len(dense) + len(steady)))
        self.dense_columns = [*range(k, k + len(dense)), *self.steady_columns]
        self.period_columns = list(range(k + len(dense) + len(steady), len(self.names)))

    def values(self, cohort: float, level: int) -> tuple[Floats, Floats]:
        """Return the cell regressors (1+S x T x P: plain ones, then those that a fixed covariate
        multiplies; zero in dense columns) and the choice of dense columns (C x P)."""
        tables = np.zeros((1 + self.n_steady, len(self.periods), len(self.names)))
        table = tables[0]
        if self.n_terms:
            table[:, : self.n_terms] = self.cells(cohort, level, self.periods)
        for column, (of, place) in zip(self.period_columns, self.effects, strict=True):
            if of == level:
                table[place, column] = 1.0
        for column, (of, j, place) in zip(self.steady_columns, self.steady, strict=True):
            if of == level:
                tables[j, place, column] = 1.0
        pick = np.zeros((self.n_dense, len(self.names)))
        first = self.n_terms + self.levels.index(level) * self.n_dense
        pick[np.arange(self.n_dense), first + np.arange(self.n_dense)] = 1.0
        return tables, pick

    def sums(self, moments: Moments, clusters: int) -> tuple[Floats, Floats, Floats]:
        """Return X'WX (G x P x P), X'Wy (G x P) and y'Wy (G)."""
        p = len(self.names)
        xx, xy = np.zeros((clusters, p, p)), np.zeros((clusters, p))
        yy = np.bincount(moments.cluster, moments.dense[:, 0, 0], clusters).astype(np.float64)
        for cohort, level in sorted(
            set(zip(moments.cohort.tolist(), moments.level.tolist(), strict=True))
        ):
            types = np.flatnonzero((moments.cohort == cohort) & (moments.level == level))
            part_xx, part_xy = self.of_types(moments, types, cohort, level)
            np.add.at(xx, moments.cluster[types], part_xx)
            np.add.at(xy, moments.cluster[types], part_xy)
        return xx, xy, yy

    def of_types(
        self, moments: Moments, types: Ints, cohort: float, level: int
    ) -> tuple[Floats, Floats]:
        """Return X'WX and X'Wy of each of `types`, as if all had started in `cohort`."""
        tables, pick = self.values(cohort, level)
        table = tables[0]
        xx = table.T @ moments.laplacian[types] @ table
        xy = moments.cross[types, :, 0] @ table
        if self.n_dense:
            mixed = table.T @ moments.cross[types][:, :, 1:] @ pick
            xx = (
                xx
                + mixed
                + np.swapaxes(mixed, 1, 2)
                + pick.T @ moments.dense[types][:, 1:, 1:] @ pick
            )
            xy = xy + moments.dense[types][:, 0, 1:] @ pick
        if self.n_steady:
            self._add_steady(moments, types, tables, pick, xx, xy)
        return xx, xy

    def _add_steady(
        self,
        moments: Moments,
        types: Ints,
        tables: Floats,
        pick: Floats,
        xx: Floats,
        xy: Floats,
    ) -> None:
        """Add to X'WX and X'Wy what the columns by fixed covariates contribute."""
        columns = [np.flatnonzero(table.any(axis=0)) for table in tables]
        own = [table[:, used] for table, used in zip(tables, columns, strict=True)]
        for a, of_a in enumerate(columns):
            for b, of_b in enumerate(columns):
                if a or b:
                    block = own[a].T @ moments.steady[types, a, b] @ own[b]
                    xx[:, of_a[:, None], of_b] += block
            if not a:
                continue
            cross = moments.steady_cross[types, a - 1]
            xy[:, of_a] += cross[:, :, 0] @ own[a]
            if self.n_dense:
                mixed = own[a].T @ cross[:, :, 1:] @ pick
                xx[:, of_a, :] += mixed
                xx[:, :, of_a] += np.swapaxes(mixed, 1, 2)
