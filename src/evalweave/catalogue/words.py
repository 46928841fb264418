"""Names in a sentence."""

from __future__ import annotations

from collections.abc import Iterable


def listed(names: Iterable[str], last: str = "and") -> str:
    """Return names as "a, b and c"."""
    *before, end = names
    return f"{', '.join(before)} {last} {end}" if before else end
