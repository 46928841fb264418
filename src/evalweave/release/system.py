"""A release as one system: its counts with the bounds that their printing leaves, and its sums."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evalweave.release.disclosure import HIDDEN, PARTICIPANTS, PATIENTS, RECORDS, Profile


@dataclass(frozen=True)
class Cell:
    """One count: where it stands, what it counts, and the smallest and largest value that its
    printing leaves. A `derived` one is printed nowhere (who is not part of a whole, what changed
    since an earlier release); `free` ones are not protected."""

    name: str
    of: str
    hidden: bool
    least: float
    most: float
    derived: bool = False
    free: bool = False


@dataclass(frozen=True)
class Relation:
    """Parts that add up to a total, by their cells' places."""

    of: str
    total: int
    parts: tuple[int, ...]

    @property
    def members(self) -> tuple[int, ...]:
        return (self.total, *self.parts)


@dataclass
class System:
    """Cells and relations of a whole release."""

    rules: Profile
    cells: list[Cell] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    places: dict[Hashable, int] = field(default_factory=dict)

    def add(self, key: Hashable, name: str, of: str, text: Any) -> int | None:
        """Return the place of a count; None where nothing is printed. Where it stands a second
        time, both printings bound it."""
        shown = str("" if text is None else text).strip()
        if shown == "":
            return None
        cell = bounded(name, of, shown, self.rules)
        if key not in self.places:
            return self.put(key, cell)
        place = self.places[key]
        known = self.cells[place]
        if max(known.least, cell.least) > min(known.most, cell.most):
            return place  # they contradict each other: one of them tells nothing
        self.cells[place] = replace(
            known,
            hidden=known.hidden and cell.hidden,
            least=max(known.least, cell.least),
            most=min(known.most, cell.most),
        )
        return place

    def put(self, key: Hashable, cell: Cell) -> int:
        """Return the place of a new cell."""
        self.places[key] = len(self.cells)
        self.cells.append(cell)
        return self.places[key]

    def relate(self, of: str, total: int | None, parts: Sequence[int | None]) -> None:
        """Take in a sum of which every cell is printed."""
        known = [part for part in parts if part is not None]
        if total is not None and known and len(known) == len(parts):
            self.relations.append(Relation(of, total, tuple(known)))

    def same(self, of: str, one: int | None, other: int | None) -> None:
        """Take in two cells that count the same people."""
        if one != other:
            self.relate(of, one, [other])

    def part(
        self,
        of: str,
        whole: int | None,
        parts: Sequence[int | None],
        free: bool = False,
        least: float = 0.0,
    ) -> int | None:
        """Take in parts of a whole that leave a rest (of `least` people), and return its place; it
        is protected unless it is `free`."""
        inside = [part for part in parts if part is not None]
        if whole is None or not inside or len(inside) != len(parts):
            return None
        key = ("rest", of, whole, tuple(inside))
        if key not in self.places:
            counts = self.cells[inside[0]].of
            name = f"those who are left of {self.cells[whole].name} ({of})"
            self.put(key, Cell(name, counts, False, least, math.inf, True, free))
            self.relate(of, whole, [*inside, self.places[key]])
        return self.places[key]

    def joined(self, of: str, parts: Sequence[int]) -> int:
        """Return the place of people who are counted in parts only; their sum is not protected."""
        key = ("joined", of, tuple(parts))
        if key not in self.places:
            counts = self.cells[parts[0]].of
            self.put(key, Cell(f"{of}, together", counts, False, 0.0, math.inf, True, True))
            self.relate(of, self.places[key], parts)
        return self.places[key]

    def change(self, before: int, now: int) -> None:
        """Take in how a count changed from an earlier release."""
        key = ("change", before, now)
        if key not in self.places:
            cell = self.cells[now]
            name = f"the change since an earlier release of {cell.name}"
            self.put(key, Cell(name, cell.of, False, -math.inf, math.inf, True))
            self.relate("an earlier release", now, [before, self.places[key]])

    def components(self) -> Iterator[tuple[list[int], list[Relation]]]:
        """Yield the parts of the system that have nothing to do with each other."""
        root = list(range(len(self.cells)))

        def find(i: int) -> int:
            while root[i] != i:
                root[i] = root[root[i]]
                i = root[i]
            return i

        for relation in self.relations:
            for part in relation.parts:
                root[find(part)] = find(relation.total)
        cells, relations = defaultdict(list), defaultdict(list)
        for i in range(len(self.cells)):
            cells[find(i)].append(i)
        for relation in self.relations:
            relations[find(relation.total)].append(relation)
        for top, inside in cells.items():
            yield inside, relations[top]


def bounded(name: str, of: str, text: str, rules: Profile) -> Cell:
    """Return a cell with what its printing leaves: a hidden count anything from the rule's smallest
    on, a rounded one what rounds to it or to which a neighbour was rounded."""
    if text == HIDDEN:
        return Cell(name, of, True, 1.0 if of == PARTICIPANTS else float(rules.low), math.inf)
    n = float(text)
    if of not in (PATIENTS, RECORDS) or rules.base == 1 or n == 0:
        return Cell(name, of, False, n, n)
    half = (rules.base - 1) // 2
    return Cell(name, of, False, max(float(rules.high + 1), n - half), n + half)


def needs(cell: Cell, rules: Profile) -> int:
    """Return how many values a protected cell must keep; 0 where it is not protected."""
    small = rules.min_cell - 1 if cell.of == PARTICIPANTS else rules.high - max(rules.low, 1) + 1
    rounded = cell.of in (PATIENTS, RECORDS) and rules.base > 1
    if cell.free or cell.of not in (PATIENTS, RECORDS, PARTICIPANTS):
        return 0
    if cell.derived:
        return rules.base if rounded else small
    span = int(min(cell.most, 10**9) - cell.least + 1)
    if cell.hidden:
        return min(span, small if cell.of == PARTICIPANTS else rules.high - rules.low + 1)
    return min(span, rules.base) if cell.most > cell.least else 0


def gives_way(cell: Cell, least: float, most: float, rules: Profile) -> bool:
    """Is an interval narrower than a cell's protection? A derived count only matters where all that
    is left of it is small, above zero or below."""
    needed = needs(cell, rules)
    if not needed or most - least + 1 >= needed:
        return False
    if cell.derived:
        high = rules.min_cell - 1 if cell.of == PARTICIPANTS else rules.high
        return -high <= least and most <= high and (least, most) != (0, 0)
    return True


def following(whole: System, values: Mapping[Hashable, float]) -> tuple[System, dict[int, float]]:
    """Return the system with those relations only that hold in the true table, and the true value
    of every cell that has one."""
    true = {place: values[key] for key, place in whole.places.items() if key in values}
    held = []
    for relation in whole.relations:
        unknown = [i for i in relation.members if i not in true]
        derived = [i for i in unknown if whole.cells[i].derived]
        if not unknown:
            if true[relation.total] == sum(true[i] for i in relation.parts):
                held.append(relation)
        elif unknown == [relation.total] and derived:
            true[relation.total] = sum(true[i] for i in relation.parts)
            held.append(relation)
        elif len(unknown) == len(derived) == 1 and derived[0] in relation.parts:
            rest = true[relation.total] - sum(true[i] for i in relation.parts if i in true)
            if rest >= whole.cells[derived[0]].least:
                true[derived[0]] = rest
                held.append(relation)
    return replace(whole, relations=held), true
