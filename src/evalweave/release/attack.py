"""The attacker: what the released files alone give away of the counts that a profile protects.

It reads the release and knows the method, the code and that people are whole. Every released count
of people or records is an unknown within the bounds that its printing leaves (`*` or a multiple of
the base); every sum that the tables show is an equation (`published`). Linear programming then
gives the smallest and the largest value of each (`intervals`), which must leave

    hidden cells    as many values as the rule hides (1 to 7: seven), or all that its whole leaves
    rounded cells   as many values as the base
    derived ones    (the rest of a whole, the change since an earlier release) likewise, where all
                    that is left of them is small

Beside sums it tries means of whole numbers and standardised differences (`inversion`). It knows
nothing of results/.

Source: Fischetti and Salazar-González, Management Science 2001;47:1008-1027 (the attacker's
problem); Hundepool and others, Statistical Disclosure Control (Wiley 2012), chapter 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from evalweave.release.disclosure import Profile
from evalweave.release.intervals import Part, parts
from evalweave.release.inversion import differences, means
from evalweave.release.published import Declared, Tables, system
from evalweave.release.system import System, gives_way, needs


@dataclass
class Attacked:
    """What was tried, the narrowest interval of a protected cell, and which cells gave way."""

    protected: int = 0
    relations: int = 0
    contradictory: int = 0
    narrowest: dict[str, int] = field(default_factory=dict)  # kind of cell → values left
    findings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "protected_cells": self.protected,
            "relations": self.relations,
            "relations_that_do_not_hold": self.contradictory,
            "fewest_values_left": self.narrowest,
        }


def attack(
    tables: Tables,
    rules: Profile,
    known: Declared | None = None,
    earlier: Sequence[Tables] = (),
) -> Attacked:
    """Attack the released tables (name → rows as text) of a profile, and what changed since
    `earlier` releases; nothing is protected by `none`."""
    result = Attacked()
    if rules.exact:
        return result
    whole = joined(tables, rules, known, earlier)
    result.relations = len(whole.relations)
    for part, cells in parts(whole):
        result.contradictory += len(part.contradictory)
        _intervals(whole, part, cells, rules, result)
    result.findings += [*means(tables.get("baseline", ()), rules), *differences(tables)]
    return result


def joined(
    tables: Tables, rules: Profile, known: Declared | None, earlier: Sequence[Tables] = ()
) -> System:
    """Return the system of a release and of those before it: a count that stands in both is two
    cells, between which lies a change."""
    whole = system(tables, rules, known)
    for number, others in enumerate(earlier):
        before = system(others, rules, known)
        place = {}
        for key, at in before.places.items():
            if not isinstance(key, tuple) or key[0] in ("rest", "joined"):
                continue
            place[at] = whole.put(("earlier", number, key), before.cells[at])
        for relation in before.relations:
            if all(i in place for i in relation.members):
                inside = [place[i] for i in relation.parts]
                whole.relate(f"an earlier release, {relation.of}", place[relation.total], inside)
        for key, at in before.places.items():
            if at in place and key in whole.places:
                whole.change(place[at], whole.places[key])
    return whole


def weak(whole: System, rules: Profile) -> dict[int, tuple[float, float]]:
    """Return the cells that the sums give away, by place, with the interval that is left."""
    given = {}
    for part, cells in parts(whole):
        part.spread({index: needs(whole.cells[index], rules) for index in cells})
        for index in cells:
            least, most = _ends(whole, part, index, rules)
            if gives_way(whole.cells[index], least, most, rules):
                given[index] = (least, most)
    return given


def _ends(whole: System, part: Part, index: int, rules: Profile) -> tuple[float, float]:
    """Return the interval of a cell, or as much of it as shows that it does not give way."""
    least, most = part.taken(index)
    safe = (least, most) != (0, 0) and not gives_way(whole.cells[index], least, most, rules)
    return (least, most) if safe else part.bounds(index)


def _intervals(
    whole: System, part: Part, cells: Sequence[int], rules: Profile, result: Attacked
) -> None:
    """Bound each protected cell of one connected part of the release."""
    part.spread({index: needs(whole.cells[index], rules) for index in cells})
    for index in cells:
        cell = whole.cells[index]
        needed = needs(cell, rules)
        if not needed:
            continue
        result.protected += 1
        least, most = _ends(whole, part, index, rules)
        left = int(most - least + 1)
        kind = "derived" if cell.derived else "hidden" if cell.hidden else "rounded"
        if kind != "derived":
            result.narrowest[kind] = min(result.narrowest.get(kind, 10**9), left)
        if gives_way(cell, least, most, rules):
            via = ", ".join(sorted({r.of for r in part.relations if index in r.members}))
            result.findings.append(
                f"{cell.name}: a {kind} count can be narrowed to {left} "
                f"value{'s' if left > 1 else ''} (the profile {rules.name} promises {needed}), "
                f"from {via}. Hide one more of these cells, or leave the table out."
            )
