"""The attacker: what the released files alone give away of the counts that a profile protects.

It reads the release and knows the method, the code and that people are whole. Every released count
of people or records is an unknown within the bounds that its printing leaves (`*` or a multiple of
the base); every sum that the tables show is an equation. Linear programming (HiGHS) then gives the
smallest and the largest value of each, which must leave

    hidden cells    as many values as the rule hides (1 to 7: seven), or all that its whole leaves
    rounded cells   as many values as the base

Beside sums it tries the mean of whole numbers (mean × n must be a whole number) and the inversion
of standardised differences. It knows nothing of results/.

Source: Fischetti and Salazar-González, Management Science 2001;47:1008-1027 (the attacker's
problem); Hundepool and others, Statistical Disclosure Control (Wiley 2012), chapter 4.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evalweave.release.disclosure import HIDDEN, PARTICIPANTS, Profile
from evalweave.release.published import Cell, Relation, System, system

Rows = Sequence[Mapping[str, Any]]
WHOLE_VALUED = ("age", "n_conditions")
_TOLERANCE = 1e-6


@dataclass
class Attacked:
    """What was tried, the narrowest interval of a protected cell, and which cells gave way."""

    protected: int = 0
    relations: int = 0
    narrowest: dict[str, int] = field(default_factory=dict)  # kind of cell → values left
    findings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "protected_cells": self.protected,
            "relations": self.relations,
            "fewest_values_left": self.narrowest,
        }


def attack(tables: Mapping[str, Rows], rules: Profile) -> Attacked:
    """Attack the released tables (name → rows as text) of a profile; nothing is protected by
    `none`."""
    result = Attacked()
    if rules.exact:
        return result
    whole = system(tables, rules)
    result.relations = len(whole.relations)
    for cells, relations in whole.components():
        _intervals(whole, cells, relations, rules, result)
    result.findings += _means(tables.get("baseline", ()), rules)
    return result


def weak(tables: Mapping[str, Rows], rules: Profile) -> list[Hashable]:
    """Return which counts the sums give away, by their keys in `published`; for those who choose
    what else to hide."""
    whole = system(tables, rules)
    keys = {place: key for key, place in whole.places.items()}
    given = []
    for cells, relations in whole.components():
        solver = _Part(whole.cells, cells, relations)
        for index in cells:
            needed = needs(whole.cells[index], rules)
            if needed:
                least, most = solver.bounds(index)
                given += [keys[index]] if most - least + 1 < needed else []
    return given


def _intervals(
    whole: System,
    cells: Sequence[int],
    relations: Sequence[Relation],
    rules: Profile,
    result: Attacked,
) -> None:
    """Bound each protected cell of one connected part of the release."""
    solver = _Part(whole.cells, cells, relations)
    for index in cells:
        cell = whole.cells[index]
        needed = needs(cell, rules)
        if not needed:
            continue
        result.protected += 1
        least, most = solver.bounds(index)
        left = most - least + 1
        kind = "hidden" if cell.hidden else "rounded"
        result.narrowest[kind] = int(min(result.narrowest.get(kind, 10**9), left))
        if left < needed:
            via = ", ".join(sorted({r.of for r in relations if index in r.members}))
            result.findings.append(
                f"{cell.name}: a {kind} count can be narrowed to {int(left)} "
                f"value{'s' if left > 1 else ''} (the profile {rules.name} promises {needed}), "
                f"from {via}. Hide one more of these cells, or leave the table out."
            )


def needs(cell: Cell, rules: Profile) -> int:
    """Return how many values a protected cell must keep; 0 where it is not protected."""
    span = int(min(cell.most, 10**9) - cell.least + 1)
    if cell.hidden:
        return min(
            span, rules.min_cell - 1 if cell.of == PARTICIPANTS else rules.high - rules.low + 1
        )
    return min(span, rules.base) if cell.most > cell.least else 0


class _Part:
    """One connected part of the release as a linear programme."""

    def __init__(
        self, cells: Sequence[Cell], inside: Sequence[int], relations: Sequence[Relation]
    ) -> None:
        self.place = {index: i for i, index in enumerate(inside)}
        self.bounded = [
            (cells[i].least, None if math.isinf(cells[i].most) else cells[i].most) for i in inside
        ]
        equal = [r for r in relations if not r.at_most]
        below = [r for r in relations if r.at_most]
        self.equal, self.below = self._rows(equal), self._rows(below)

    def _rows(self, relations: Sequence[Relation]) -> np.ndarray | None:
        if not relations:
            return None
        rows = np.zeros((len(relations), len(self.place)))
        for i, relation in enumerate(relations):
            for part in relation.parts:
                rows[i, self.place[part]] += 1
            rows[i, self.place[relation.total]] -= 1
        return rows

    def bounds(self, index: int) -> tuple[float, float]:
        """Return the smallest and largest whole value of a cell that agree with all the others."""
        low, high = self.bounded[self.place[index]]
        if self.equal is None and self.below is None:
            return low, math.inf if high is None else high
        ends = [self._end(index, sign) for sign in (1.0, -1.0)]
        least = low if ends[0] is None else math.ceil(ends[0] - _TOLERANCE)
        most = math.inf if ends[1] is None else math.floor(ends[1] + _TOLERANCE)
        return least, most

    def _end(self, index: int, sign: float) -> float | None:
        from scipy.optimize import linprog

        goal = np.zeros(len(self.place))
        goal[self.place[index]] = sign
        zeros = [None if rows is None else np.zeros(len(rows)) for rows in (self.below, self.equal)]
        solved = linprog(
            goal,
            A_ub=self.below,
            b_ub=zeros[0],
            A_eq=self.equal,
            b_eq=zeros[1],
            bounds=self.bounded,
            method="highs",
        )
        return sign * float(solved.fun) if solved.status == 0 else None


def _means(rows: Rows, rules: Profile) -> Iterable[str]:
    """Find means of whole numbers so fine that few numbers of people agree with them."""
    for row in rows:
        if row.get("variable") not in WHOLE_VALUED or row.get("statistic") != "mean_sd":
            continue
        for value, people in (("programme", "programme_n"), ("comparison_value", "comparison_n")):
            text, n = str(row.get(value) or ""), str(row.get(people) or "")
            if not text or n == "":
                continue
            candidates = _candidates(n, rules)
            half = 0.5 * 10.0 ** -len(text.partition(".")[2])
            agree = [
                k
                for k in candidates
                if math.floor(k * (float(text) + half)) >= math.ceil(k * (float(text) - half))
            ]
            if len(candidates) > 1 and len(agree) < len(candidates):
                yield (
                    f"baseline, {row.get('comparison')}, {row.get('variable')}: the mean is so "
                    "fine that it tells how many people it rests on. Write the report again."
                )


def _candidates(text: str, rules: Profile) -> range:
    if text == HIDDEN:
        return range(max(1, rules.low), rules.high + 1)
    n, half = int(float(text)), (rules.base - 1) // 2
    return range(max(1, n - half), n + half + 1)
