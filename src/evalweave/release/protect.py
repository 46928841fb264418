"""What else is hidden, and how counts are rounded, so that nothing follows from the release as a
whole.

All released tables are one system (`published`). Its exact counts say which sums hold; controlled
rounding makes these hold among the printed numbers (`rounding`). Then the release is attacked
(`attack.weak`), and for each count that gives way one more is hidden of a sum that gave it away:
the one that costs least, which is never the primary comparison's while another does. A count of
patients or records is hidden wherever it stands, by its value; one of participants in its cell.
This is repeated until nothing gives way; in the end everything is hidden, so it always ends.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace

from evalweave.release.attack import joined, weak
from evalweave.release.disclosure import PARTICIPANTS, PATIENTS, RECORDS, Profile
from evalweave.release.disclosure import profile as named
from evalweave.release.published import Declared, Tables, system
from evalweave.release.register import Release
from evalweave.release.rounding import NOTHING, Sum, controlled
from evalweave.release.system import Relation, System, following

Render = Callable[[Profile], Tables]  # a profile → the tables as released under it
EXACT = replace(named("none"), min_cell=0)
_PRIMARY, _TOTAL = 1000, 100  # what hiding costs beside one count of a table


def exactly(render: Render, known: Declared) -> System:
    """Return the system of a release with its exact numbers."""
    return system(render(EXACT), EXACT, known)


def counts(truth: System) -> dict[tuple[str, ...], int]:
    """Return every place of a count in the release with its exact number."""
    printed = {key: truth.cells[place] for key, place in truth.places.items()}
    return {
        key: int(cell.least)
        for key, cell in printed.items()
        if isinstance(key, tuple) and not cell.derived
    }


def protect(
    render: Render,
    rules: Profile,
    known: Declared,
    earlier: Sequence[Release] = (),
    before: Mapping[int, int] = NOTHING,
    truth: System | None = None,
) -> Profile:
    """Return the profile with its rounding and with what it hides besides small counts.

    Args:
        render: gives the released tables, as text, under a profile.
        earlier: earlier releases.
        before: exact count → as an earlier release printed it.
        truth: the system of exact numbers, where it is at hand.
    """
    if rules.exact:
        return rules
    truth = truth or exactly(render, known)
    values: dict[Hashable, float] = dict(counts(truth).items())
    for number, release in enumerate(earlier):
        values |= {("earlier", number, key): n for key, n in release.places().items()}
    tables = [release.released for release in earlier]
    while True:
        rules = replace(rules, chosen=_rounding(truth, values, rules, before))
        whole = joined(render(rules), rules, known, tables)
        held, true = following(whole, values)
        if local := _hidden_in_the_flow(whole, true, rules):
            rules = replace(rules, withheld=rules.withheld | local)
            continue
        given = weak(whole, rules)  # as the audit will see it, who cannot know which sums hold
        if not given and len(held.relations) < len(whole.relations):
            whole, given = held, weak(held, rules)
        more = _more(whole, true, given, known)
        if not more:
            return rules
        numbers = {int(true[i]) for i in more if whole.cells[i].of != PARTICIPANTS}
        keys = {place: key for key, place in whole.places.items()}
        cells = {cell_of(keys[i]) for i in more if whole.cells[i].of == PARTICIPANTS}
        rules = replace(rules, withheld=rules.withheld | numbers, cells=rules.cells | cells)


def _hidden_in_the_flow(whole: System, true: Mapping[int, float], rules: Profile) -> set[int]:
    """Return the numbers that the table of the flow hides for the sake of its own sums, so that the
    drawing beside it hides them too."""
    return {
        int(true[place])
        for key, place in whole.places.items()
        if isinstance(key, tuple)
        and key[0] == "flow"
        and place in true
        and whole.cells[place].hidden
        and not rules.withholds(true[place])
    }


def _rounding(
    truth: System, values: Mapping[Hashable, float], rules: Profile, before: Mapping[int, int]
) -> dict[int, int]:
    """Return the counts that are not rounded to the nearest multiple, so that sums hold."""
    whole, true = following(truth, values)
    spread = {r.total: r.parts for r in whole.relations if whole.cells[r.total].derived}
    sums = []
    for relation in whole.relations:
        inside = [i for i in relation.members if not whole.cells[i].derived]
        if any(whole.cells[i].of not in (PATIENTS, RECORDS) for i in inside):
            continue
        tops = spread.get(relation.total, (relation.total,))
        if relation.total in spread and relation.parts == tops:
            continue
        shown = _shown(whole, true, relation, tops, rules)
        sums += [shown] if shown else []
    return controlled(sums, rules.base, rules.high + 1, before)


def _shown(
    whole: System,
    true: Mapping[int, float],
    relation: Relation,
    tops: Sequence[int],
    rules: Profile,
) -> Sum | None:
    """Return a sum of what is shown; None where nothing follows from it."""
    totals = [int(true[i]) for i in tops]
    printed = [int(true[i]) for i in relation.parts if not whole.cells[i].derived]
    rest = sum(true[i] for i in relation.parts if whole.cells[i].derived)
    if rest < 0:  # more joined than left
        return None
    parts = [n for n in printed if n and not rules.withholds(n)]
    hidden = sum(1 for n in printed if n and rules.withholds(n))
    if any(rules.withholds(n) for n in totals) or not parts:
        return None
    if len(totals) == 1 and totals == parts:
        return None
    return Sum(totals[0], tuple(sorted(parts)), hidden, rest > 0, tuple(totals[1:]))


def _more(
    whole: System,
    true: Mapping[int, float],
    given: Mapping[int, tuple[float, float]],
    known: Declared,
) -> set[int]:
    """Return for each count that is given away one more to hide, by place."""
    beside: dict[int, list[Relation]] = defaultdict(list)
    for relation in whole.relations:
        for index in relation.members:
            beside[index].append(relation)
    costs = _costs(whole, true, known)
    more: set[int] = set()
    for index in given:
        near = _near(whole, beside[index], index)
        while near:
            if near & more:
                break
            free = [i for i in near if i in costs and not whole.cells[i].hidden]
            if free:
                more.add(min(free, key=lambda i: (i == index, costs[i], i)))
                break
            wider = {i for j in near for r in beside[j] for i in r.members}
            near = wider if wider != near else set()
    return more


def _near(whole: System, relations: Sequence[Relation], index: int) -> set[int]:
    """Return the counts of the sums that give a cell away: those in which nothing else is hidden,
    if there are such."""

    def open_(i: int) -> bool:
        return i != index and (whole.cells[i].hidden or whole.cells[i].derived)

    tight = [r for r in relations if not any(open_(i) for i in r.members)]
    return {i for relation in tight or relations for i in relation.members} | {index}


def _costs(whole: System, true: Mapping[int, float], known: Declared) -> dict[int, float]:
    """Return what hiding a printed count costs: as many counts as go with it, those of the primary
    comparison and totals dearer, large ones last."""
    keys = {place: key for key, place in whole.places.items()}
    totals = Counter(r.total for r in whole.relations)
    price: dict[Hashable, float] = defaultdict(float)
    group: dict[int, Hashable] = {}
    for place, n in true.items():
        cell, key = whole.cells[place], keys[place]
        if cell.derived or not isinstance(key, tuple) or key[0] == "earlier":
            continue
        group[place] = key if cell.of == PARTICIPANTS else int(n)
        price[group[place]] += 1 + (_TOTAL if totals[place] else 0) + n / 1e6
        price[group[place]] += _PRIMARY if key[:2] == ("arm", known.primary) else 0
        price[group[place]] += _TOTAL if key[:2] == ("baseline", known.primary) else 0
        price[group[place]] += 1e6 if n == 0 else 0  # of nobody: hidden last
    return {place: price[name] for place, name in group.items()}


def cell_of(key: Hashable) -> tuple[str, ...]:
    """Return the table, key and column of a count of participants from its place in the system."""
    assert isinstance(key, tuple)
    if key[0] == "joint":
        return ("joint_display", key[1], key[2])
    return ("theme_counts", *key[2:], key[1])
