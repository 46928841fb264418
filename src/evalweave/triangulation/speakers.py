"""What may be printed about a speaker: attributes shared by at least k people, and no more.

Each role is divided attribute by attribute (in the order of the study file). A level keeps its own
name only while at least k people of it remain; smaller levels are pooled and lose the attribute,
and when the pool is below k the next smallest level joins it. So every string, also one that lacks
an attribute, stands for at least k people: from "client, woman" nobody can conclude on a single
woman whose age band would have given her away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

WORDS = {"female": "woman", "male": "man", "f": "woman", "m": "man"}
PLAIN = (
    "gender",
    "age_band",
    "ethnicity",
    "employment",
)  # their levels are understood without their name
Person = tuple[str, tuple[str, ...]]  # participant_id, level of each attribute as it is printed


def speaker_strings(
    participants: pd.DataFrame, attributes: Sequence[str], k: int
) -> dict[str, str]:
    """Return participant_id -> "client, woman, 60–64"; participants of a role with fewer than k are
    left out.

    A participant has one string in the whole report. Attributes that the table lacks are ignored.
    """
    known = [name for name in attributes if name in participants.columns]
    levels = [participants[name].astype("string").fillna("").map(_printed(name)) for name in known]
    people = [
        (str(person), str(role), tuple(str(column.iloc[row]) for column in levels))
        for row, (person, role) in enumerate(
            zip(participants["participant_id"], participants["role"], strict=True)
        )
    ]
    strings: dict[str, str] = {}
    for role in sorted({role for _, role, _ in people}):
        group = [(person, levels) for person, which, levels in sorted(people) if which == role]
        if len(group) >= k:
            strings |= _divide(group, 0, role.replace("_", " "), k)
    return strings


def _divide(group: list[Person], depth: int, string: str, k: int) -> dict[str, str]:
    if not group or depth == len(group[0][1]):
        return {person: string for person, _ in group}
    by_level: dict[str, list[Person]] = {}
    for person, levels in group:
        by_level.setdefault(levels[depth], []).append((person, levels))
    pool = [
        person
        for level, people in by_level.items()
        if not level or len(people) < k
        for person in people
    ]
    named = sorted(
        ((level, people) for level, people in by_level.items() if level and len(people) >= k),
        key=lambda item: (len(item[1]), item[0]),
    )
    while pool and len(pool) < k and named:
        pool += named.pop(0)[1]
    strings = _divide(sorted(pool), depth + 1, string, k) if pool else {}
    for level, people in named:
        strings |= _divide(people, depth + 1, f"{string}, {level}", k)
    return strings


def _printed(attribute: str) -> Callable[[str], str]:
    """Return how a level of `attribute` is printed: woman for female, 60–64, and "provider A" for a
    bare A."""

    def words(level: str) -> str:
        level = level.strip()
        bounds = [part.strip() for part in level.split("-")]
        if len(bounds) == 2 and all(part.isdigit() for part in bounds):
            level = "–".join(bounds)
        word = WORDS.get(level.lower(), level.replace("_", " "))
        return word if attribute in PLAIN or not word else f"{attribute.replace('_', ' ')} {word}"

    return words
