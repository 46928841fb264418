"""How the programme was given out, which decides what errors and permutations are by."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from evalweave.study.section import Section

AREA = "area"  # the column of the table of practices


class Allocation(Section):
    level: Literal["practice", "area"] = Field(
        "practice",
        description="Who was given the programme or not: single practices, or whole areas. Errors "
        "are clustered and start dates permuted at this level; where one area alone has the "
        "programme (or alone lacks it) they stay by practice and the report says what that takes "
        "for granted.",
    )
    area: str = Field(
        AREA, description="Column with each practice's area; in a study, of the table of practices."
    )
    restrict: list[str] = Field(
        [],
        description="Columns whose values are strata (pairs, blocks) within which the programme "
        "was given out: randomisation permutes within them. In a study, `area` or nothing.",
    )

    @field_validator("restrict", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else [] if given is None else given

    @model_validator(mode="after")
    def _strata_hold_units(self) -> Self:
        if self.level == "area" and self.area in self.restrict:
            raise ValueError(
                f"restrict: {self.area} is what the programme was given to, so that nothing could "
                "be permuted within it; name strata of areas, or level: practice"
            )
        return self

    def columns(self) -> list[str]:
        """Return the columns that it needs of a panel."""
        return [*([self.area] if self.level == "area" else []), *self.restrict]
