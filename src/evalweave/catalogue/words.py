"""Names in a sentence."""

from __future__ import annotations

from collections.abc import Iterable


def listed(names: Iterable[str], last: str = "and") -> str:
    """Return names as "a, b and c"."""
    *before, end = names
    return f"{', '.join(before)} {last} {end}" if before else end


def number_of(n: int, one: str, more: str = "") -> str:
    """Return "1 file" or "2 files"; `more` is the plural where it is not the noun and an s."""
    return f"{n:,} {one if n == 1 else more or one + 's'}"
