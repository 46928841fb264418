"""What outcomes of each kind are made of, and the person-time that counts and costs are in."""

from __future__ import annotations

from typing import Any

from evalweave.catalogue.kinds import COUNT, COUNTED
from evalweave.study.outcomes import Outcome
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
    if not unit or AN_AMOUNT in str(unit):
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
