"""Feasible intervals, started from one another, against programmes each solved anew by SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import linprog

from evalweave.release.intervals import Part
from evalweave.release.system import Cell, Relation


def system(seed: int) -> tuple[list[Cell], list[Relation]]:
    """A table of counts that add up by row and column, some of them hidden, others rounded."""
    draw = np.random.default_rng(seed)
    rows, columns = draw.integers(2, 6, 2)
    counts = np.zeros((rows + 1, columns + 1), int)
    counts[:-1, :-1] = draw.integers(0, 40, (rows, columns))
    counts[-1] = counts.sum(axis=0)
    counts[:, -1] = counts.sum(axis=1)
    cells = [
        Cell(str(n), "patients", True, 0.0, 9.0)
        if n < 8
        else Cell(str(n), "patients", False, n - 2.0, n + 2.0)
        for n in counts.ravel()
    ]
    at = np.arange(counts.size).reshape(counts.shape)
    lines = [*at, *at.T]
    return cells, [Relation("sum", int(line[-1]), tuple(map(int, line[:-1]))) for line in lines]


@pytest.mark.parametrize("seed", range(5))
def test_bounds_are_those_of_programmes_solved_one_by_one(seed: int) -> None:
    cells, relations = system(seed)
    part = Part(cells, range(len(cells)), relations)
    assert not part.contradictory
    part.spread(dict.fromkeys(range(len(cells)), 3))
    rows = np.zeros((len(relations), len(cells)))
    for i, relation in enumerate(relations):
        rows[i, [*relation.parts]] += 1
        rows[i, relation.total] -= 1
    for index in range(len(cells)):
        ends = []
        for sign in (1, -1):
            goal = np.zeros(len(cells))
            goal[index] = sign
            boxes = [(cell.least, cell.most) for cell in cells]
            ends.append(linprog(goal, A_eq=rows, b_eq=np.zeros(len(rows)), bounds=boxes).fun * sign)
        expected = math.ceil(ends[0] - 1e-6), math.floor(ends[1] + 1e-6)
        assert part.bounds(index) == expected
        least, most = part.taken(index)
        assert expected[0] <= least <= most <= expected[1]


def test_the_solver_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Standard output is one JSON object where --json is given."""
    cells, relations = system(0)
    assert Part(cells, range(len(cells)), relations).bounds(0)
    assert capfd.readouterr() == ("", "")
