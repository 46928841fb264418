"""The outcomes of a study."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from evalweave.study.records import Cleaning
from evalweave.study.section import Section

# and an outcome's name: its value before the index date, a column of cohort and panel
BASELINE_OF = "baseline_"


class Outcome(Section):
    label: str = Field(
        "",
        description="Name in figures, tables and sentences, as within a sentence: systolic blood "
        "pressure.",
    )
    codelist: str = Field(
        "", description="Code list of its records; blank = the outcome's own name."
    )
    unit: str = Field(description="Unit of the panel and the estimates.")
    quantity: str = Field(
        "",
        description="Named conversion between units (hba1c: % and mmol/mol); blank = the outcome's "
        "name.",
    )
    plausible: tuple[float, float] = Field(
        description="Lowest and highest plausible value, both included."
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
        description="A day whose values differ by more is set aside; blank = `cleaning`'s, and 0 "
        "for a yes/no outcome, "
        "so that yes and no on one day are never averaged.",
    )
    same_day_twin: float | None = Field(
        None,
        ge=0,
        description="Two values of a day this close, in two units, are one; blank = `cleaning`'s.",
    )
    better: Literal["lower", "higher", "neither"] = Field(
        "lower", description="Which way is better."
    )
    placebo: bool = Field(False, description="An outcome that the programme should not change.")
    binary: bool = Field(
        False,
        description="Coded yes/no instead of measured: the column `value` of its code list says "
        "what each code means "
        "(1 or 0); `unit: proportion, plausible: [0, 1]`, and effects are differences in "
        "proportions.",
    )

    @model_validator(mode="before")
    @classmethod
    def _last_status(cls, said: Any) -> Any:
        if isinstance(said, dict) and said.get("binary") is True:
            return {"per_period": "last", **said}
        return said

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.plausible[0] >= self.plausible[1]:
            raise ValueError(
                f"plausible: {list(self.plausible)} is no range; give the lowest value first"
            )
        if self.binary and not self.plausible[0] <= 0 < 1 <= self.plausible[1]:
            raise ValueError(
                f"plausible: {list(self.plausible)} leaves out 0 or 1 of a yes/no outcome; write "
                "[0, 1]"
            )
        return self

    def spread(self, cleaning: Cleaning) -> float:
        """Return by how much the values of a day may differ before the day is set aside."""
        if self.same_day_spread is not None:
            return self.same_day_spread
        return 0.0 if self.binary else cleaning.same_day_spread

    def twin(self, cleaning: Cleaning) -> float:
        """Return how far two values of a day in two units may lie apart and be one."""
        return cleaning.same_day_twin if self.same_day_twin is None else self.same_day_twin


def shared_lists(outcomes: dict[str, Outcome]) -> list[str]:
    owner: dict[str, str] = {}
    return [
        f"outcomes, {name}: its code list {codelist} is that of {before} too, and a record can be "
        "of one outcome only. "
        "For another way to make one value of a period, write a second study file"
        for name, outcome in outcomes.items()
        if (codelist := outcome.codelist or name)
        and (before := owner.setdefault(codelist, name)) != name
    ]
