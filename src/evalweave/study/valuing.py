"""What must agree between a study's economic evaluation and its other sections."""

from __future__ import annotations

from collections.abc import Mapping

from evalweave.catalogue.kinds import UTILITY
from evalweave.study.economics import Economics, is_qaly
from evalweave.study.outcomes import Outcome
from evalweave.study.people import Comparison
from evalweave.study.periods import Window, periods_a_year
from evalweave.study.section import undeclared
from evalweave.study.uses import ResourceUse

EFFECT = "effect, outcome"
PERSON_TIME = "exposure"


def wrong_economics(
    economics: Economics | None,
    uses: ResourceUse | None,
    outcomes: Mapping[str, Outcome],
    comparisons: Mapping[str, Comparison],
) -> list[str]:
    """Return what is wrong with an economic evaluation, a sentence each."""
    if economics is None:
        return []
    if uses is None or uses.price_year is None:
        return [
            "economics: costs need a resource_use section with unit_costs and price_year; add it"
        ]
    wrong: list[str] = []
    recorded = [name for name, outcome in outcomes.items() if not outcome.counted]
    for place, column in economics.columns().items():
        known = [*recorded, *uses.columns()] if place == EFFECT else uses.costs()
        known = list(uses.items) if place.endswith("referrals") else known
        wrong += undeclared(f"economics, {place}", column, known)
    wrong += [
        f'economics, {place}, exposure: the person-time of a study is the column "{PERSON_TIME}"; '
        "name it, or leave exposure out"
        for place, valued in (("effect", economics.effect), ("cost", economics.cost))
        if valued.exposure not in (None, PERSON_TIME)
    ]
    if economics.comparison is not None:
        wrong += undeclared("economics, comparison", economics.comparison, comparisons)
        group = comparisons.get(economics.comparison)
        if group is not None and group.kind == "not_referred":
            wrong.append(
                f"economics, comparison: {economics.comparison} is of people who were selected, "
                "and describes only; choose another"
            )
    for scenario in economics.scenarios:
        if scenario.price_year is not None and scenario.price_factor is None:
            wrong += _without_an_index(scenario.name, uses)
    return [
        *wrong,
        *_unlike_its_outcome(economics, outcomes),
        *_of_the_dead(economics, outcomes),
    ]


def wrong_discounts(economics: Economics, window: Window) -> list[str]:
    """Return where a discount counts the periods of a year otherwise than the window does."""
    a_year = periods_a_year(window.period)
    given = {"discount": economics.discount}
    given |= {f"scenarios, {each.name}, discount": each.discount for each in economics.scenarios}
    return [
        f"economics, {place}: {one.periods_per_year} periods_per_year, but the window's periods "
        f"are {a_year} a year. Leave periods_per_year out"
        for place, one in given.items()
        if one is not None and one.periods_per_year not in (None, a_year)
    ]


def _without_an_index(scenario: str, uses: ResourceUse) -> list[str]:
    if uses.price_index is not None:
        return []
    return [
        f"economics, scenarios, {scenario}: price_year needs a price_factor, or a price_index in "
        "resource_use"
    ]


def _unlike_its_outcome(economics: Economics, outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return where unit or direction of the effect are not those of the outcome that it is of."""
    effect, outcome = economics.effect, outcomes.get(economics.effect.outcome)
    if outcome is None:
        return []
    wrong: list[str] = []
    lived = outcome.kind == UTILITY and is_qaly(effect.unit)  # utility times years
    if effect.unit != outcome.difference_unit and not lived:
        wrong.append(
            f'economics, effect, unit: "{effect.unit}" is not the unit of differences of '
            f'{effect.outcome}, which is "{outcome.difference_unit}"'
        )
    if outcome.better != "neither" and effect.better != outcome.better:
        wrong.append(
            f"economics, effect, better: {effect.better}, but outcomes say that {outcome.better} "
            f"is better for {effect.outcome}"
        )
    return wrong


def _of_the_dead(economics: Economics, outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return which of the valued outcomes count the dead, which an evaluation does not; a column
    that another outcome has while alive is valued as that."""
    alive = {o.column(name) for name, o in outcomes.items() if o.dead_value is None}
    dead = {o.column(name): name for name, o in outcomes.items() if o.dead_value is not None}
    dead = {column: name for column, name in dead.items() if column not in alive}
    return [
        f"economics, {place}: {dead[column]} counts the dead (deaths: composite), and an economic "
        "evaluation is of effect and cost while alive, over the same person-time. Leave deaths "
        f"out of {dead[column]}, or give `evalweave economics` a table in which the dead have "
        "rows with an effect, a cost and person-time"
        for place, column in economics.columns().items()
        if column in dead
    ]
