"""Feasible intervals: the smallest and largest value of a count that agree with all that is shown.

    minimise / maximise  x_i   subject to  x(total) = sum of x(parts),  least <= x <= most

Solved by HiGHS as linear programmes, the ends rounded inwards to whole numbers. Every solution is a
table that might be the true one, so a count that has taken enough values in those found needs no
programme of its own. Sums that contradict the others (what an intruder assumed does not hold) are
left out, the fewest that do.

Source: Fischetti and Salazar-González, Management Science 2001;47:1008-1027 (the attacker's
problem).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalweave.release.system import Cell, Relation, System

if TYPE_CHECKING:
    from highspy import Highs
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

LARGEST = 1e8  # no count of people or records is larger
_TOLERANCE = 1e-6
_IDLE = 2  # rounds without a new cell after which each is tried on its own


class Part:
    """One connected part of a release as a linear programme."""

    def __init__(
        self, cells: Sequence[Cell], inside: Sequence[int], relations: Sequence[Relation]
    ) -> None:
        self.place = {index: i for i, index in enumerate(inside)}
        self.low = np.array([max(cells[i].least, -LARGEST) for i in inside])
        self.high = np.array([min(cells[i].most, LARGEST) for i in inside])
        self.contradictory: list[Relation] = []
        self.relations = list(relations)
        self.least = np.full(len(inside), math.inf)  # smallest and largest value in a solution
        self.most = np.full(len(inside), -math.inf)
        self._model: Highs | None = None
        if relations:
            self._agreeing()
        if self.relations:
            for sign in (1.0, -1.0):
                self._solve(np.full(len(inside), sign))

    def bounds(self, index: int) -> tuple[float, float]:
        """Return the smallest and largest whole value of a cell that agree with all the others."""
        i = self.place[index]
        if not self.relations:
            return float(self.low[i]), float(self.high[i])
        goal = np.zeros(len(self.place))
        ends = []
        for sign in (1.0, -1.0):
            goal[i] = sign
            self._solve(goal)
            ends.append(self.least[i] if sign > 0 else self.most[i])
        return math.ceil(ends[0] - _TOLERANCE), math.floor(ends[1] + _TOLERANCE)

    def taken(self, index: int) -> tuple[float, float]:
        """Return the smallest and largest whole value of a cell in the solutions so far."""
        i = self.place[index]
        if not self.relations:
            return float(self.low[i]), float(self.high[i])
        return math.ceil(self.least[i] - _TOLERANCE), math.floor(self.most[i] + _TOLERANCE)

    def spread(self, needed: Mapping[int, int]) -> None:
        """Look for solutions in which many cells together take as many values as each of them
        needs, so that few want programmes of their own."""
        if not self.relations:
            return
        wanted = np.zeros(len(self.place))
        for index, values in needed.items():
            wanted[self.place[index]] = values
        draw = np.random.default_rng(0)
        left, idle = math.inf, 0
        while idle < _IDLE:
            short = self.most - self.least + 1 < wanted - _TOLERANCE
            if not short.any():
                return
            idle = 0 if short.sum() < left else idle + 1
            left = short.sum()
            signs = np.where(short, draw.choice([1.0, -1.0], len(short)) if idle else 1.0, 0.0)
            for sign in (1.0, -1.0):
                self._solve(sign * signs)

    def _solve(self, goal: NDArray[np.float64]) -> None:
        """Solve for one goal, from where the last one ended."""
        from highspy import HighsModelStatus

        if self._model is None:
            self._model = _model(self.rows, self.low, self.high)
        self._model.changeColsCost(len(goal), np.arange(len(goal), dtype=np.int32), goal)
        self._model.run()
        if self._model.getModelStatus() == HighsModelStatus.kOptimal:
            solution = np.array(self._model.getSolution().col_value)
            self.least = np.minimum(self.least, solution)
            self.most = np.maximum(self.most, solution)

    def _agreeing(self) -> None:
        """Leave out the sums that contradict the others."""
        from scipy.optimize import linprog
        from scipy.sparse import eye, hstack

        n, k = len(self.place), len(self.relations)
        self.rows = self._matrix()
        solved = linprog(
            np.concatenate([np.zeros(n), np.ones(2 * k)]),
            A_eq=hstack([self.rows, eye(k), -eye(k)]).tocsr(),
            b_eq=np.zeros(k),
            bounds=[*zip(self.low, self.high, strict=True), *([(0, None)] * (2 * k))],
            method="highs",
        )
        if solved.x is None:  # a time limit or the like: no sum can be used
            self.contradictory, self.relations = self.relations, []
            return
        off = solved.x[n : n + k] + solved.x[n + k :]
        if (off > _TOLERANCE).any():
            self.contradictory = [r for r, by in zip(self.relations, off, strict=True) if by > 1e-6]
            self.relations = [r for r, by in zip(self.relations, off, strict=True) if by <= 1e-6]
            self.rows = self._matrix()

    def _matrix(self) -> csr_matrix:
        from scipy.sparse import lil_matrix

        rows = lil_matrix((len(self.relations), len(self.place)))
        for i, relation in enumerate(self.relations):
            for part in relation.parts:
                rows[i, self.place[part]] += 1
            rows[i, self.place[relation.total]] -= 1
        return rows.tocsr()


def _model(rows: csr_matrix, low: NDArray[np.float64], high: NDArray[np.float64]) -> Highs:
    """Return the linear programme without a goal: every row adds up to nothing."""
    from highspy import Highs, HighsLp, MatrixFormat

    programme = HighsLp()
    programme.num_row_, programme.num_col_ = rows.shape
    programme.col_cost_ = np.zeros(len(low))
    programme.col_lower_, programme.col_upper_ = low, high
    programme.row_lower_ = programme.row_upper_ = np.zeros(rows.shape[0])
    programme.a_matrix_.format_ = MatrixFormat.kRowwise
    programme.a_matrix_.start_ = rows.indptr
    programme.a_matrix_.index_ = rows.indices
    programme.a_matrix_.value_ = rows.data
    model = Highs()
    model.setOptionValue("output_flag", False)
    model.passModel(programme)
    return model


def parts(whole: System) -> list[tuple[Part, list[int]]]:
    """Return every connected part of a release with its cells."""
    return [(Part(whole.cells, cells, relations), cells) for cells, relations in whole.components()]
