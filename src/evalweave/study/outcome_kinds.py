"""What outcomes of each kind are made of, and the person-time that counts and costs are in."""

from __future__ import annotations

from typing import Any

from evalweave.catalogue.kinds import COUNT, COUNTED
from evalweave.catalogue.person_periods import TAKEN
from evalweave.study.outcomes import BASELINE_OF, Outcome
from evalweave.study.section import undeclared
from evalweave.study.uses import ResourceUse

PERSON_TIME = {
    "financial_year": "year",
    "calendar_year": "year",
    "half_year": "half-year",
    "quarter": "quarter",
    "month": "month",
}
AN_AMOUNT = "per person-"  # a count's or cost's unit is one of person-time


def in_person_time(said: Any, period: str) -> Any:
    """Return a count or cost as the study file says it, its unit one of person-time: events per
    person-year where periods are years."""
    if not isinstance(said, dict) or said.get("kind") not in COUNTED:
        return said
    unit = said.get("unit") or ("events" if said["kind"] == COUNT else "")
    if not unit or not isinstance(unit, str) or AN_AMOUNT in unit:
        return said
    return {**said, "unit": f"{unit} {AN_AMOUNT}{PERSON_TIME.get(period, 'period')}"}


def wrong_kinds(outcomes: dict[str, Outcome], use: ResourceUse | None) -> list[str]:
    """Return what is wrong with what outcomes are made of."""
    wrong = []
    for name, outcome in outcomes.items():
        place = f"outcomes, {name}"
        if outcome.counted and use is None:
            wrong.append(
                f"{place}, kind: a {outcome.kind} is made from resource_use, and the study file "
                "has no such section. Add it, with the item and its code list"
            )
        elif outcome.counted and use is not None:
            item = outcome.of or (name if outcome.kind == COUNT else "")
            wrong += undeclared(f"{place}, of", item, use.items) if item else []
            if outcome.kind != COUNT and use.unit_costs is None:
                wrong.append(f"{place}, kind: a cost needs resource_use, unit_costs")
        elif outcome.of:
            measured = [other for other, each in outcomes.items() if each.recorded]
            wrong += undeclared(f"{place}, of", outcome.of, measured)
            if outcome.of in measured:
                wrong += _out_of_range(place, outcome, outcomes[outcome.of])
    return wrong


def wrong_names(outcomes: dict[str, Outcome], use: ResourceUse | None) -> list[str]:
    """Return which outcomes and items would be two columns of one name, or of names that databases
    hold for one (they do not tell capitals)."""
    items = list(use.items) if use is not None else []
    made = {f"{before}{name}".casefold() for name in outcomes for before in ("n_", BASELINE_OF)}
    places = {f"outcomes, {name}": name for name in outcomes}
    places |= {f"resource_use, items, {name}": name for name in items}
    wrong = [
        f"{place}: the rows of a study have a column of that name already; call it otherwise"
        for place, name in places.items()
        if name.casefold() in TAKEN | made
    ]
    for names in (list(outcomes), items):
        wrong += [
            f"{one} and {other} differ only in capitals, which databases do not tell; rename one"
            for k, one in enumerate(names)
            for other in names[:k]
            if one.casefold() == other.casefold()
        ]
    counted = {name.casefold() for name in use.columns()} if use is not None else set()
    wrong += [
        f"outcomes, {name}: resource_use makes a column of that name, and this outcome is not made "
        "of it; call one of them otherwise"
        for name, outcome in outcomes.items()
        if not outcome.counted and name.casefold() in counted
    ]
    return wrong


def _out_of_range(place: str, outcome: Outcome, source: Outcome) -> list[str]:
    """Return what is wrong with a threshold that no value of its outcome can cross."""
    low, high = source.plausible
    return [
        f"{place}, {key}: {limit:g} does not divide what is plausible for {outcome.of} "
        f"({low:g} to {high:g} {source.unit}): every value would be on one side. Write the "
        f"threshold in {source.unit}"
        for key, limit in (("at_least", outcome.at_least), ("below", outcome.below))
        if limit is not None and not low < limit <= high
    ]
