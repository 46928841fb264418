"""A study's economic evaluation: what it declares as a SPEC, on the care used and the outcomes
measured, side by side."""

from __future__ import annotations

import pandas as pd

from evalweave.errors import StudyError
from evalweave.panel.prices import factor
from evalweave.study.economics import EconomicsSpec, Scenario, is_qaly
from evalweave.study.periods import periods_a_year
from evalweave.study.stages import ValueSettings
from evalweave.study.uses import ResourceUse

UNFOLLOWED = (
    "{n} person-periods have a measurement and no followed day; they are left out of the economic "
    "evaluation."
)

PART_OF_A_YEAR = "A utility held for one period is 1/{a_year} of a QALY."


def spec_of(settings: ValueSettings, comparison: str) -> EconomicsSpec:
    """Return the SPEC of a study's evaluation, its columns those of the study's panels.

    Raises:
        StudyError: for a price index that lacks a year of a scenario.
        DataError: where the index is at fault.
    """
    declared, uses = settings.economics, settings.resource_use
    a_year = periods_a_year(settings.window.cut)
    balanced = settings.comparisons[comparison].balance != "none"
    assert uses.price_year is not None  # checked with the study
    shared = declared.model_dump(exclude={"comparison", "scenarios"})
    return EconomicsSpec.model_validate(
        {
            **shared,
            "scenarios": [
                {
                    **_with_prices(each, uses).model_dump(),
                    "discount": each.discount and each.discount.in_periods(a_year),
                }
                for each in declared.scenarios
            ],
            "discount": declared.discount and declared.discount.in_periods(a_year),
            "columns": {"weight": "weight"} if balanced else {},
            "price_year": uses.price_year,
            "allocation": settings.allocation,
        }
    )


def _with_prices(scenario: Scenario, uses: ResourceUse) -> Scenario:
    """Return a scenario with what its prices are multiplied by."""
    if scenario.price_year is None or scenario.price_factor is not None:
        return scenario
    found = factor(uses, scenario.price_year)
    if found is None:
        raise StudyError(
            f"economics, scenarios, {scenario.name}: the price index has no year "
            f"{scenario.price_year}, or not {uses.price_year}. Add it, or give price_factor."
        )
    return scenario.model_copy(update={"price_factor": found})


def compared(settings: ValueSettings) -> str:
    """Return the comparison that is evaluated."""
    primary = (name for name, group in settings.comparisons.items() if group.primary)
    return settings.economics.comparison or next(primary, next(iter(settings.comparisons)))


def side_by_side(
    uses: pd.DataFrame, measured: pd.DataFrame, spec: EconomicsSpec, a_year: int = 1
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the person-periods in follow-up with what was measured in them (blank where nothing
    was), and what is to be noted. A utility held for one of `a_year` periods is that part of a
    QALY."""
    columns = spec.columns_of(spec.effect)
    keys = [columns.owner, columns.period]
    more = [name for name in measured if name not in uses]
    joined = uses.merge(measured[[*keys, *more]], how="left", on=keys, indicator=True)
    lost = len(measured) - int((joined.pop("_merge") == "both").sum())
    notes: tuple[str, ...] = (UNFOLLOWED.format(n=lost),) if lost else ()
    if a_year > 1 and is_qaly(spec.effect.unit):
        joined[columns.outcome] = joined[columns.outcome] / a_year
        notes += (PART_OF_A_YEAR.format(a_year=a_year),)
    return joined, notes
