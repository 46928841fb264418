"""What care people used: events counted by code list, and what a unit of each costs."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from evalweave.study.section import Name, Section, list_of


class UsedItem(Section):
    codelist: str = Field(
        description="Code list of its records, or one of its labels, as `list[label]`; each day "
        "with such a record is one event."
    )
    label: str = Field("", description="Its name in tables.")


class ResourceUse(Section):
    """Care that was used. In a person-period in follow-up without a record it is zero, never
    missing; person-time is the share of the period's days registered, alive and followed."""

    items: dict[Name, UsedItem] = Field(min_length=1, description="What is counted, by name.")
    unit_costs: str | None = Field(
        None, description="CSV: item, unit_cost, price_year, source; blank = nothing is priced."
    )
    price_year: int | None = Field(
        None, ge=1900, description="The year whose prices the costs are in."
    )
    price_index: str | None = Field(
        None,
        description="CSV: year, index; unit costs of other years are multiplied by the index of "
        "`price_year` over theirs.",
    )

    @model_validator(mode="after")
    def _prices_hang_together(self) -> Self:
        if (self.unit_costs is None) != (self.price_year is None):
            raise ValueError("resource_use: unit_costs and price_year belong together")
        if self.price_index is not None and self.unit_costs is None:
            raise ValueError("resource_use: price_index needs unit_costs to apply to")
        taken = [name for name in self.items if f"{name}_".casefold().startswith("cost_")]
        if taken:
            raise ValueError(f"resource_use, items: {taken[0]} is a column of costs; rename it")
        return self

    def columns(self) -> list[str]:
        """Return the columns of counts and costs that it makes."""
        return [*self.items, *self.costs()]

    def costs(self) -> list[str]:
        """Return the columns of costs."""
        if self.unit_costs is None:
            return []
        return [*(f"cost_{item}" for item in self.items), "cost"]

    def overlapping(self) -> list[tuple[str, str]]:
        """Return which two items count the same records: of one code list, or of a list and one of
        its labels."""
        names = list(self.items)
        pairs = ((one, other) for k, one in enumerate(names) for other in names[k + 1 :])
        return [pair for pair in pairs if _same_records(*(self.items[i].codelist for i in pair))]

    def files(self) -> list[str]:
        """Return the paths of its files."""
        return [path for _, path in self.roles() if path]

    def roles(self) -> list[tuple[str, str | None]]:
        """Return each of its files' role and path."""
        return [("unit costs", self.unit_costs), ("price index", self.price_index)]


def _same_records(one: str, other: str) -> bool:
    return one == other or list_of(one) == other or list_of(other) == one
