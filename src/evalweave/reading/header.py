"""The header of a table: which row it is, and where the columns stand that are asked for.

Capitals, and blanks or hyphens in place of underscores, make no other name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evalweave.errors import Fault, nearest
from evalweave.reading.cells import trimmed

TITLE_ROWS = 40  # rows among which the header is looked for


def folded(name: str) -> str:
    """Return a column's name as it is compared: capitals, and what stands for a blank, aside."""
    plain = unicodedata.normalize("NFKC", trimmed(name)).casefold()
    return "_".join(plain.replace("-", " ").replace("_", " ").split())


@dataclass(frozen=True)
class Names:
    """The columns that are asked for, and what a file may call them."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def candidates(self, name: str) -> tuple[str, ...]:
        """Return what a file may call one of our columns, the likeliest first."""
        return (self.rename[name],) if name in self.rename else (name, *self.also.get(name, ()))

    @property
    def needed(self) -> tuple[str, ...]:
        declared = [name for name in self.optional if name in self.rename]
        return tuple(dict.fromkeys([*self.required, *declared]))

    def is_header(self, cells: Sequence[str]) -> bool:
        """Return whether a row holds the names of all columns that must be there."""
        titles = {folded(cell) for cell in cells}
        return bool(self.needed) and all(
            any(folded(word) in titles for word in self.candidates(name)) for name in self.needed
        )


def repeats(file: str, header: Sequence[str], row: int) -> list[Fault]:
    """Return a fault for each name that stands over several columns."""
    return [
        Fault(file, f'the column "{name}" {header.count(name)} times', "each column once", row=row)
        for name in sorted({name for name in header if name and header.count(name) > 1})
    ]


def places(
    file: str, header: Sequence[str], row: int | None, names: Names, faults: list[Fault]
) -> dict[str, int]:
    """Return where each column that is asked for stands; add a fault for each that cannot be
    found."""
    columns: dict[str, int] = {}
    alike: dict[str, list[int]] = {}
    for i, name in enumerate(header):
        alike.setdefault(folded(name), []).append(i)
    for name in dict.fromkeys([*names.required, *names.optional]):
        matches: list[int] = []
        for word in names.candidates(name):
            exact = [i for i, title in enumerate(header) if title == word]
            matches = exact or alike.get(folded(word), [])
            if matches:
                break
        if len(matches) > 1 and len({header[i] for i in matches}) > 1:
            shown = " and ".join(f'"{header[i]}"' for i in matches)
            faults.append(Fault(file, f"{shown}", "one of them", "Rename the other.", row, name))
        elif matches:
            columns[name] = matches[0]
        elif name in names.needed:
            wanted = names.candidates(name)[0]
            titles = [title for title in header if title]
            action = nearest(wanted, titles)
            faults.append(Fault(file, "no such column", "it in the header", action, row, wanted))
    return columns
