"""Ethnic groups of the 2001, 2011 and 2021 censuses, from labels and codes.

Every Mixed group is Mixed, whatever its name begins with: White and Black Caribbean is not White
(Ethnicity facts and figures, list of ethnic groups).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from evalweave.vocabulary.words import NOTHING, Words, normal, words

WHITE, MIXED, UNKNOWN = "white", "mixed", "unknown"
# Sixteen groups by number, in the census's order: three White, four Mixed, four Asian, three Black,
# Chinese, other. In five, 2 is Mixed and 3 Asian: numbers beyond 9 tell that there are sixteen.
SIXTEEN = (*["white"] * 3, *["mixed"] * 4, *["asian"] * 4, *["black"] * 3, "asian", "other")
BEYOND_FIVE = {str(number) for number in range(10, 17)}
_BETWEEN = re.compile(r"\s*[:;|>]\s*|\s+[-–—]+\s+|\s*[(\[]|[)\]]")
_AND = re.compile(r"\s+and\s+|\s*[&+/]\s*", re.IGNORECASE)
_MIXED = re.compile(r"\b(mixed|multiple ethnic)\b", re.IGNORECASE)
_CENSUS = re.compile(r"\bcensus\b|\bfinding\b|^\d{4}$", re.IGNORECASE)


def read_groups(labels: Iterable[str], own: Mapping[str, str] = NOTHING) -> dict[str, str | None]:
    """Return label → white, mixed, asian, black, other or unknown; None where nobody knows the
    label. `own` are a study's words."""
    table = words("ethnic_groups", own)
    listed = list(labels)
    plain = {label: normal(label) for label in listed}
    if BEYOND_FIVE & set(plain.values()):
        sixteen = {str(place): group for place, group in enumerate(SIXTEEN, start=1)}
        table = words("ethnic_groups", sixteen | dict(own))
    return {label: read_group(label, table) for label in listed}


def read_group(label: str, table: Words) -> str | None:
    """Return the group of one label: of the whole, else of its parts (`Mixed: White and Asian`), of
    which the last that is known tells. Mixed goes before all, and two groups in one are Mixed."""
    whole = table.read(label)
    if whole is not None:
        return whole
    parts = [part for part in _BETWEEN.split(label) if part and not _CENSUS.search(part)]
    groups = [table.read(part) or _of_two(part, table) for part in parts]
    known = [group for group in groups if group is not None]
    return MIXED if MIXED in known else known[-1] if known else None


def _of_two(part: str, table: Words) -> str | None:
    """Return Mixed where an unknown label says so, or names two groups."""
    sides = {table.read(side) for side in _AND.split(part)} - {UNKNOWN}
    two = len(sides) > 1 and None not in sides
    return MIXED if two or _MIXED.search(part) else None


def white(group: str | None) -> int | None:
    """Return 1 for White, 0 for any other group, None where it is unknown."""
    return None if group in (None, UNKNOWN) else int(group == WHITE)
