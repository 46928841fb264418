"""A release as one system: its counts with the bounds that their printing leaves, and its sums."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalweave.release.disclosure import HIDDEN, PARTICIPANTS, PATIENTS, RECORDS, Profile

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Cell:
    """One released count: where it stands, what it counts, and the smallest and largest value that
    its printing leaves."""

    name: str
    of: str
    hidden: bool
    least: float
    most: float


@dataclass(frozen=True)
class Relation:
    """Parts that add up to a total (or, `at_most`, a part of a whole), by their cells' places."""

    of: str
    total: int
    parts: tuple[int, ...]
    at_most: bool = False

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
        """Return the place of a count, taken in once; None where nothing is printed."""
        shown = str("" if text is None else text).strip()
        if shown == "":
            return None
        if key not in self.places:
            self.places[key] = len(self.cells)
            self.cells.append(bounded(name, of, shown, self.rules))
        return self.places[key]

    def relate(
        self, of: str, total: int | None, parts: Sequence[int | None], at_most: bool = False
    ) -> None:
        """Take in a sum of which every cell is printed."""
        known = [part for part in parts if part is not None]
        if total is not None and known and len(known) == len(parts):
            self.relations.append(Relation(of, total, tuple(known), at_most))

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
    on, a rounded one what rounds to it."""
    if text == HIDDEN:
        return Cell(name, of, True, 1.0 if of == PARTICIPANTS else float(rules.low), math.inf)
    n = float(text)
    if of not in (PATIENTS, RECORDS) or rules.base == 1 or n == 0:
        return Cell(name, of, False, n, n)
    half = (rules.base - 1) // 2
    return Cell(name, of, False, max(float(rules.high + 1), n - half), n + half)


def system(tables: Mapping[str, Rows], rules: Profile) -> System:
    """Return the counts and sums of the released tables (name → rows as text)."""
    whole = System(rules)
    _baseline(whole, tables.get("baseline", ()))
    _flow(whole, tables.get("flow", ()))
    _theme_counts(whole, tables.get("theme_counts", ()))
    _joint(whole, tables.get("joint_display", ()))
    _incidence(whole, tables.get("incidence_rates", ()))
    return whole


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def _baseline(whole: System, rows: Rows) -> None:
    """Take in the categories of a variable, which add up to the arm; those with a value and those
    without do as well."""
    for value, known in (("programme", "programme_n"), ("comparison_value", "comparison_n")):
        arms: dict[str, int | None] = {}
        parts: dict[tuple[str, str], list[int | None]] = defaultdict(list)
        for row in rows:
            comparison, variable = _text(row, "comparison"), _text(row, "variable")
            category, statistic = _text(row, "category"), _text(row, "statistic")
            if variable == "practices" or statistic not in ("n", "mean_sd"):
                continue
            text = _text(row, value) if statistic == "n" else _text(row, known)
            key = (comparison, value, variable, category)
            name = f"baseline, {comparison}, {value}, {variable} {category}".rstrip()
            if variable == "patients":
                arms[comparison] = whole.add(key, name, PATIENTS, text or HIDDEN)
            else:
                parts[comparison, variable].append(whole.add(key, name, PATIENTS, text or HIDDEN))
        for (comparison, variable), inside in parts.items():
            if len(inside) > 1:
                whole.relate(f"baseline, {comparison}, {variable}", arms.get(comparison), inside)
            else:
                whole.relate(
                    f"baseline, {comparison}, {variable}", arms.get(comparison), inside, True
                )


def _flow(whole: System, rows: Rows) -> None:
    """Take in what a stage received, which is what it set aside and kept."""
    for column, of in (("n_patients", PATIENTS), ("n_records", RECORDS)):
        received: dict[tuple[str, ...], int | None] = {}
        inside: dict[tuple[str, ...], list[int | None]] = defaultdict(list)
        for row in rows:
            if _text(row, "stage") in ("arm", "estimate") or not _text(row, column):
                continue
            unit = _text(row, "label").partition(":")[0]
            group = (_text(row, "outcome"), _text(row, "stage"), unit, _text(row, "arm"))
            place_of = ("flow", column, *group, _text(row, "box"), _text(row, "rule"))
            name = f"flow, {' '.join(word for word in group if word)}, {_text(row, 'label')}"
            place = whole.add(place_of, name, of, row.get(column))
            if _text(row, "box") == "received":
                received[group] = place
            else:
                inside[group].append(place)
        for where, places in inside.items():
            whole.relate(f"flow, {where[1]} {where[2]}", received.get(where), places)


def _theme_counts(whole: System, rows: Rows) -> None:
    """Take in people by the level of an attribute, who add up to all of the role; who raised a
    theme is a part of those asked."""
    keys = ("theme_id", "code_id", "role", "attribute", "attribute_level")
    for column in ("n_participants", "n_eligible"):
        levels: dict[tuple[str, ...], list[int | None]] = defaultdict(list)
        tops: dict[tuple[str, ...], int | None] = {}
        for row in rows:
            theme, code, role, attribute, level = (_text(row, name) for name in keys)
            key = ("themes", column, theme, code, role, attribute, level)
            name = f"theme_counts, {theme} {code} {role} {attribute} {level}, {column}"
            place = whole.add(key, " ".join(name.split()), PARTICIPANTS, row.get(column))
            if attribute:
                levels[theme, code, role, attribute].append(place)
            else:
                tops[theme, code, role] = place
        for (theme, code, role, attribute), inside in levels.items():
            if len(inside) > 1:
                of = f"theme_counts, {theme} {role} by {attribute}"
                whole.relate(of, tops.get((theme, code, role)), inside)
    for row in rows:
        line = tuple(_text(row, key) for key in keys)
        part = whole.places.get(("themes", "n_participants", *line))
        asked = whole.places.get(("themes", "n_eligible", *line))
        if part is not None:
            whole.relate("theme_counts, those asked", asked, [part], at_most=True)


def _joint(whole: System, rows: Rows) -> None:
    for row in rows:
        claim = _text(row, "claim_id")
        asked = whole.add(
            ("joint", claim), f"joint_display, {claim}", PARTICIPANTS, row.get("n_eligible")
        )
        for column in ("n_raised", "n_supports", "n_contradicts"):
            name = f"joint_display, {claim}, {column}"
            part = whole.add(("joint", claim, column), name, PARTICIPANTS, row.get(column))
            whole.relate(f"joint_display, {claim}", asked, [part], at_most=True)


def _incidence(whole: System, rows: Rows) -> None:
    for row in rows:
        arm, period = _text(row, "arm"), _text(row, "period")
        for column, over in (("n_incident", "n_at_risk"), ("n_entered_incident", "n_entered")):
            name = f"incidence_rates, {arm}, {period}"
            top = whole.add((arm, period, over), f"{name}, {over}", PATIENTS, row.get(over))
            part = whole.add((arm, period, column), f"{name}, {column}", PATIENTS, row.get(column))
            whole.relate(name, top, [part], at_most=True)
