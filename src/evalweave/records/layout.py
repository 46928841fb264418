"""Several small whole numbers side by side in one, for columns that are sorted and joined.

Cleaning keeps of each record a few numbers, not a row of names and dates: writing and sorting rows
is half of its work. The first field stands in the highest bits, so that packed numbers sort as
their fields do, in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

BITS = 63  # of a signed 64-bit number that stays positive


@dataclass(frozen=True)
class Layout:
    """Which field takes how many bits: (name, bits), the highest first; at most 63 bits."""

    fields: tuple[tuple[str, int], ...]

    def __post_init__(self) -> None:
        width = sum(bits for _, bits in self.fields)
        if width > BITS:
            raise ValueError(f"fields of {width} bits, expected at most {BITS}")

    def capacity(self, field: str) -> int:
        """Return how many different numbers, from 0, a field holds."""
        return 1 << dict(self.fields)[field]

    def pack(self, **numbers: Any) -> Any:
        """Return one 64-bit column from a column of non-negative whole numbers for each field;
        null where one of them is."""
        (first, _), *others = self.fields
        packed = numbers[first].cast("int64")
        for field, bits in others:
            packed = packed * (1 << bits) + numbers[field]
        return packed

    def part(self, packed: Any, field: str) -> Any:
        """Return the column of a field from a packed column."""
        names = [name for name, _ in self.fields]
        place = names.index(field)
        below = sum(bits for _, bits in self.fields[place + 1 :])
        shifted = packed >> below if below else packed
        return shifted if place == 0 else shifted & (self.capacity(field) - 1)


# What becomes one measurement, or one entry of a condition: all records of one kind on one day in
# one stretch of a patient's registration.
#
#   62                          30 29        20 19                 0
#   | tile (33)                   | kind (10)  | days since 1000 (20) |
#
# tile: the place of the stretch in `people.People.observed`, which is sorted by patient and time.
# kind: the place of the outcome, or of the condition lists (`coded.code_table`).
# days: since `timeline.FIRST_DAY`; 2^20 days reach beyond the year 3800.
OCCASION = Layout((("tile", 33), ("kind", 10), ("days", 20)))

# How a value was recorded: the place of its unit among the quantity's, and of what decided the
# unit in `values.DECIDED_BY`.
#
#   6        2 1           0
#   | unit (5) | decided (2) |
READING = Layout((("unit", 5), ("decided", 2)))

# A row set aside: the place of its file in the sorted names, its row, and the place of the rule in
# `rules.RULES`.
#
#   62        47 46        7 6        0
#   | file (16)  | row (40)  | rule (7) |
SET_ASIDE = Layout((("file", 16), ("row", 40), ("rule", 7)))
