"""The outcomes of a study."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from evalweave import quantities
from evalweave.catalogue.kinds import BINARY, COUNT, COUNTED, KINDS, UTILITY
from evalweave.errors import nearest
from evalweave.study.records import Cleaning
from evalweave.study.section import Section

# and an outcome's name: its value before the index date, a column of cohort and panel
BASELINE_OF = "baseline_"
# Relative: what converting two values apart from each other may do to their difference.
ROUNDING = 1e-9
NO_LIMIT = (0.0, 1e15)  # of what is counted nothing is set aside for its size


class Outcome(Section):
    label: str = Field(
        "",
        description="Name in figures, tables and sentences, as within a sentence: systolic blood "
        "pressure.",
    )
    codelist: str = Field(
        "", description="Code list of its records; blank = the outcome's own name."
    )
    unit: str = Field(
        description="Unit of the panel and the estimates. Not given: the quantity's first."
    )
    quantity: str = Field(
        "",
        description="What is measured, with its units and limits: hba1c, systolic_bp, "
        "diastolic_bp, bmi, cholesterol, ldl_cholesterol, hdl_cholesterol, smoking; blank = the "
        "outcome's name, where it is one of them.",
    )
    plausible: tuple[float, float] = Field(
        description="Lowest and highest plausible value, both included; of a quantity of your own, "
        "as finely as its values are written: means are one decimal finer. Not given: the "
        "quantity's, "
        "in the outcome's unit."
    )
    per_period: Literal["mean", "last", "nearest_middle"] = Field(
        "mean",
        description="How a patient's values of one period become one. Not given: the last for a "
        "yes/no outcome, whose "
        "mean would be the share of records that say yes.",
    )
    same_day_spread: float | None = Field(
        None,
        ge=0,
        description="A day whose values differ by more is set aside; blank = `cleaning`'s, else "
        "the quantity's, and 0 for a yes/no outcome, so that yes and no on one day are never "
        "averaged.",
    )
    same_day_twin: float | None = Field(
        None,
        ge=0,
        description="Two values of a day this close, in two units, are one; blank = `cleaning`'s, "
        "else the quantity's.",
    )
    better: Literal["lower", "higher", "neither"] = Field(
        "lower", description="Which way is better."
    )
    margin: float | None = Field(
        None,
        gt=0,
        description="Smallest difference in this outcome that matters, in the unit of its "
        "differences: a placebo outcome speaks for the design only within it.",
    )
    placebo: bool = Field(False, description="An outcome that the programme should not change.")
    kind: Literal["measured", "binary", "count", "cost", "utility"] = Field(
        "measured",
        description="What it is. binary = yes or no: coded (the column `value` of its code list "
        "says what each code means, 1 or 0), or a threshold of a measured outcome. count, cost = "
        "of `resource_use`: zero where nothing was recorded in follow-up, in person-time. "
        "utility = at most 1, which is full health.",
    )
    of: str = Field(
        "",
        description="What it is made of. binary: a measured outcome, with `at_least` or `below`. "
        "count: an item of `resource_use`; blank = the outcome's own name. cost: an item, whose "
        "cost it is; blank = of all items together.",
    )
    at_least: float | None = Field(
        None, description="binary: yes where the outcome named by `of` is at least this."
    )
    below: float | None = Field(
        None, description="binary: yes where the outcome named by `of` is below this."
    )
    deaths: Literal["while_alive", "composite"] = Field(
        "while_alive",
        description="What a death does. while_alive = nothing is observed or counted after it, so "
        "that the effect is one while alive. composite = from the period of death to the end of "
        "the window the outcome is `dead_value`; a count or cost has it for the days that the "
        "person was dead. Only deaths that ended follow-up are known.",
    )
    dead_value: float | None = Field(
        None,
        description="The value of the dead in a composite: 0 of a utility or a cost, 1 of a yes "
        "that means harm, ….",
    )

    @model_validator(mode="before")
    @classmethod
    def _as_its_kind_is(cls, said: Any) -> Any:
        if not isinstance(said, dict):
            return said
        kind = said.get("kind")
        if kind == BINARY:
            coded = {} if said.get("of") else {"per_period": "last"}
            return {**coded, "unit": "proportion", "plausible": (0, 1), **said}
        if kind in COUNTED:
            unit = {"unit": "events"} if kind == COUNT else {}
            return {**unit, "plausible": NO_LIMIT, **said}
        if kind == UTILITY:
            return {"unit": "utility", "plausible": (-1, 1), "better": "higher", **said}
        return said

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        wrong = [*self._range(), *self._made_of(), *self._dead()]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def _range(self) -> Iterable[str]:
        low, high = self.plausible
        if self.counted and self.plausible != NO_LIMIT:
            yield (
                f"plausible: nothing of a {self.kind} is set aside for its size; leave the range "
                "out"
            )
        elif low >= high:
            yield f"plausible: {list(self.plausible)} is no range; give the lowest value first"
        elif self.binary and not low <= 0 < 1 <= high:
            yield (
                f"plausible: {list(self.plausible)} leaves out 0 or 1 of a yes/no outcome; write "
                "[0, 1]"
            )
        elif self.kind == UTILITY and high > 1:
            yield f"plausible: a utility is at most 1, which is full health; found {high:g}"

    def _made_of(self) -> Iterable[str]:
        limits = [each for each in (self.at_least, self.below) if each is not None]
        if self.of and self.kind not in (BINARY, *COUNTED):
            yield (
                f"of: a {self.kind} outcome is made of its own records; `of` belongs to kind: "
                "binary, count or cost"
            )
        if self.kind == BINARY and self.of and len(limits) != 1:
            yield f"of: {self.of} becomes a yes or no by a threshold; give at_least or below, one"
        if limits and not (self.kind == BINARY and self.of):
            yield (
                "at_least, below: they are thresholds of the outcome that a binary one is made "
                "`of`; give kind: binary and of"
            )
        if not self.recorded:
            own = {
                "codelist": self.codelist,
                "quantity": self.quantity,
                "per_period": self.per_period != "mean",
                "same_day_spread": self.same_day_spread is not None,
                "same_day_twin": self.same_day_twin is not None,
            }
            source = "resource_use" if self.counted else self.of
            yield from (
                f"{key}: this outcome has no records of its own; {source} says how they are read"
                for key, given in own.items()
                if given
            )

    def _dead(self) -> Iterable[str]:
        value = self.dead_value
        if (self.deaths == "composite") != (value is not None):
            yield (
                "deaths: composite needs dead_value, the value that the dead have"
                if value is None
                else "dead_value: belongs to deaths: composite"
            )
        elif value is not None and (
            (self.kind == BINARY and value not in (0, 1))
            or (self.counted and value < 0)
            or (self.kind == UTILITY and value > 1)
        ):
            expected = KINDS[self.kind].values
            yield f"dead_value: {value:g} is what no {self.kind} outcome is; expected {expected}"

    @property
    def binary(self) -> bool:
        """Return whether it is a yes or no."""
        return self.kind == BINARY

    @property
    def counted(self) -> bool:
        """Return whether it is of `resource_use`: zero where nothing was recorded."""
        return self.kind in COUNTED

    @property
    def recorded(self) -> bool:
        """Return whether it has records of its own that cleaning reads."""
        return not self.counted and not self.of

    def column(self, name: str) -> str:
        """Return the column of the table of person-periods that holds the outcome called
        `name`."""
        if not self.counted:
            return name
        if self.kind == COUNT:
            return self.of or name
        return f"cost_{self.of}" if self.of else "cost"

    @property
    def difference_unit(self) -> str:
        """Return what differences, such as estimates, are counted in."""
        return quantities.unit_of_differences(self.unit)

    def measures(self, name: str) -> quantities.Quantity:
        """Return what the outcome called `name` measures; a yes or no, a count and a cost have one
        unit, whatever they are called."""
        if self.binary or self.counted:
            decimals = 1 if self.counted else 0  # a mean of counts is small
            return quantities.Quantity(name, (quantities.Unit(self.unit, decimals=decimals),))
        if quantities.known(self.quantity or name) is None:
            decimals = max(2 if self.kind == UTILITY else 0, *map(_written, self.plausible))
            return quantities.Quantity(name, (quantities.Unit(self.unit, decimals=decimals),))
        return quantities.quantity_of(self.quantity or name, self.unit)

    def spread(self, name: str, cleaning: Cleaning) -> float:
        """Return by how much the values of a day may differ before the day is set aside, in the
        outcome's unit; infinity where nothing limits it."""
        if self.same_day_spread is None and self.binary:
            return 0.0
        limit = self.measures(name).same_day_spread
        return self._limit(name, self.same_day_spread, cleaning.same_day_spread, limit)

    def twin(self, name: str, cleaning: Cleaning) -> float:
        """Return how far two values of a day in two units may lie apart and be one, in the
        outcome's unit."""
        limit = self.measures(name).same_day_twin
        limit = 0.0 if limit is None else limit
        return self._limit(name, self.same_day_twin, cleaning.same_day_twin, limit)

    def _limit(
        self, name: str, own: float | None, of_all: float | None, of_quantity: float | None
    ) -> float:
        """Return the limit that applies: the outcome's own, the study's, the quantity's."""
        given = of_all if own is None else own
        if given is not None:
            return given
        if of_quantity is None:
            return math.inf
        quantity = self.measures(name)
        if quantity.unit(self.unit).is_base:
            return of_quantity
        limit = quantities.convert_difference(of_quantity, quantity, quantity.base.name, self.unit)
        return float(limit) * (1 + ROUNDING)  # values were converted one by one


def _written(bound: float) -> int:
    """Return with how many decimals, up to two, a bound is written."""
    return len(f"{bound:.2f}".rstrip("0").partition(".")[2])


def as_the_quantity_is(name: str, said: Any) -> Any:
    """Return an outcome as the study file says it, filled in by what it measures: unit, plausible
    range, which way is better, whether it is a yes or no."""
    quantity = (
        quantities.known(str(said.get("quantity") or name)) if isinstance(said, dict) else None
    )
    kind, threshold = (said.get("kind"), said.get("of")) if isinstance(said, dict) else (None, None)
    if quantity is None or kind in COUNTED or (kind == BINARY and threshold):
        return said
    filled = {
        "unit": quantity.base.name,
        "better": quantity.better,
        **({"kind": BINARY} if quantity.binary else {}),
        **said,
    }
    if "plausible" not in filled and quantity.plausible and quantity.has(str(filled["unit"])):
        filled["plausible"] = plausible_in(quantity, str(filled["unit"]))
    return filled


def plausible_in(quantity: quantities.Quantity, unit: str) -> tuple[float, float]:
    """Return a quantity's plausible range in one of its units."""
    assert quantity.plausible is not None
    low, high = (
        float(quantities.convert(float(bound), quantity, quantity.base.name, unit))
        for bound in quantity.plausible
    )
    return low, high


def wrong_limits(outcomes: dict[str, Outcome], cleaning: Cleaning) -> list[str]:
    """Return what is wrong with ranges and limits that cannot be meant in the outcome's unit."""
    wrong = []
    for name, outcome in outcomes.items():
        quantity = quantities.known(outcome.quantity or name)
        if quantity is None:
            if outcome.quantity:
                wrong.append(
                    f'outcomes, {name}, quantity: "{outcome.quantity}" is not a quantity. '
                    f"{nearest(outcome.quantity, quantities.QUANTITIES)}"
                )
            continue
        if outcome.binary or outcome.counted:
            continue
        if not quantity.has(outcome.unit):
            valid = [unit.name for unit in quantity.units]
            wrong.append(
                f'outcomes, {name}, unit: the quantity {quantity.name} has no unit "{outcome.unit}"'
                f". {nearest(outcome.unit, valid)}"
            )
            continue
        if quantity.plausible is not None:
            low, high = plausible_in(quantity, outcome.unit)
            if outcome.plausible[1] < low or outcome.plausible[0] > high:
                wrong.append(
                    f"outcomes, {name}, plausible: {list(outcome.plausible)} lies outside of what "
                    f"{quantity.label} can be in {outcome.unit} ({low:.4g} to {high:.4g}). Write "
                    "the range in the outcome's unit"
                )
        if quantity.unit(outcome.unit).is_base:
            continue
        wrong += [
            f"cleaning, {key}: {getattr(cleaning, key):g} has no unit, and the outcome {name} is "
            f"counted in {outcome.unit}, not in {quantity.base.name}. Write {key} under the "
            f"outcome, in {outcome.difference_unit}; or leave it out for the limit of "
            f"{quantity.label}"
            for key in ("same_day_spread", "same_day_twin")
            if getattr(cleaning, key) is not None and getattr(outcome, key) is None
        ]
    return wrong


def shared_lists(outcomes: dict[str, Outcome]) -> list[str]:
    owner: dict[str, str] = {}
    return [
        f"outcomes, {name}: its code list {codelist} is that of {before} too, and a record can be "
        "of one outcome only. "
        "For another way to make one value of a period, write a second study file"
        for name, outcome in outcomes.items()
        if outcome.recorded
        and (codelist := outcome.codelist or name)
        and (before := owner.setdefault(codelist, name)) != name
    ]


def not_shown_in(name: str, outcome: Outcome, unit: str) -> list[str]:
    """Return what is wrong with the unit that the page shall show first; nothing where differences
    in the outcome stand in it."""
    quantity = outcome.measures(name)
    units = dict.fromkeys([outcome.unit, *quantity.reported_in])
    if not unit or unit in units or unit in map(quantities.unit_of_differences, units):
        return []
    return [
        f'report, unit: found "{unit}", expected a unit in which differences in {name} are '
        f"reported. {nearest(unit, list(units))}"
    ]
