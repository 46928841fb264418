"""Controlled rounding: released counts whose parts add up to their released totals.

Counts that are rounded one by one give themselves away where parts and total are both shown: 2,050
and 2,705 of 4,750 can only be 2,048 or 2,049 and 2,703 or 2,704. So a few counts go to the other
neighbouring multiple, the fewest and least that make every published sum hold. Then every part may
still be any number that rounds to it, whatever the others are. A count is released as the same
number everywhere.

    minimise  sum over counts of the distance to the multiple + M x (sums that do not hold)
    subject to  v(total) = sum of v(parts),  v(n) one of the two multiples of the base beside n

Source: Salazar-González, Statistics and Computing 2005;15:267-278 (controlled rounding as an
integer programme); solved by HiGHS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

LARGE = 1000.0  # a sum that does not hold costs more than any rounding
STAY = 100.0  # and leaving an earlier release's multiple less, but more than any distance
NOTHING: Mapping[int, int] = {}
SECONDS = 20.0


@dataclass(frozen=True)
class Sum:
    """A published total (with those `beside` it) and the published parts that add up to it, exact;
    `hidden` parts besides them are not shown, and where `rest` is true, people are left."""

    total: int
    parts: tuple[int, ...]
    hidden: int = 0
    rest: bool = False
    beside: tuple[int, ...] = ()

    @property
    def totals(self) -> tuple[int, ...]:
        return (self.total, *self.beside)


def controlled(
    sums: Sequence[Sum], base: int, smallest: int, before: Mapping[int, int] = NOTHING
) -> dict[int, int]:
    """Return exact count → released multiple of `base`, for the counts that are not released as the
    nearest one.

    No count is released below `smallest`. Sums with hidden parts keep room for them. A count stays
    at the multiple at which it was released `before`, where it lies beside it and sums allow.
    """
    sums = sorted(set(sums), key=lambda s: (s.total, s.beside, s.parts, s.hidden, s.rest))
    counts = sorted({*before, *(n for s in sums for n in (*s.totals, *s.parts) if n)})
    if base <= 1 or not counts:
        return {}
    low = {n: _lower(n, base, smallest) for n in counts}
    free = [n for n in counts if low[n] != n and low[n] + base - n < base]
    place = {n: i for i, n in enumerate(free)}
    up = _solved(sums, low, place, base, before)
    chosen = {n: low[n] + base * int(up[i]) for n, i in place.items()}
    return {n: v for n, v in chosen.items() if v != (2 * n + base) // (2 * base) * base}


def _lower(n: int, base: int, smallest: int) -> int:
    """Return the lower of the two multiples beside `n`; the only one where the lower is too
    small."""
    below = n // base * base
    return below if below >= smallest or n < smallest else below + base


def _solved(
    sums: Sequence[Sum],
    low: dict[int, int],
    place: dict[int, int],
    base: int,
    before: Mapping[int, int],
) -> np.ndarray:
    """Return which counts go up."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import lil_matrix

    n, k = len(place), len(sums)
    rows = lil_matrix((k, n + 2 * k))
    least, most = np.zeros(k), np.zeros(k)
    for i, s in enumerate(sums):
        apart = sum(low.get(n, 0) for n in s.totals) - sum(low.get(n, 0) for n in s.parts)
        signed = [*((n, 1) for n in s.totals), *((n, -1) for n in s.parts)]
        for count, sign in signed:
            if count in place:
                rows[i, place[count]] += sign
        rows[i, n + i], rows[i, n + k + i] = 1, -1  # by how much the sum fails
        room = -(-(s.hidden + base // 2) // base) if s.hidden else 0
        least[i] = room - apart / base
        most[i] = np.inf if s.hidden or s.rest else -apart / base
    distance = [base - 2 * (count - low[count]) + 1e-4 * i for i, count in enumerate(place)]
    for count in before:
        if count in place and before[count] in (low[count], low[count] + base):
            distance[place[count]] = -STAY if before[count] > low[count] else STAY
    solved = milp(
        np.array([*distance, *([LARGE] * (2 * k))]),
        constraints=LinearConstraint(rows.tocsr(), least, most),
        integrality=np.ones(n + 2 * k),
        bounds=Bounds(np.zeros(n + 2 * k), np.array([*([1.0] * n), *([np.inf] * (2 * k))])),
        options={"time_limit": SECONDS},
    )
    if solved.x is None:
        return np.array([2 * (count - low[count]) >= base for count in place], dtype=float)
    return np.round(solved.x[:n])
