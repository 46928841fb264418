"""Codes that speak to a claim: `claim::<claim_id>::supports` or `…::contradicts`, in any hierarchy
notation.

They become stances and leave the code book, so that they are never counted as themes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from evalweave.errors import nearest
from evalweave.qualitative.hierarchy import JOIN
from evalweave.qualitative.identity import normal
from evalweave.qualitative.raw import Log

STANCES = ("supports", "contradicts")
Coding = tuple[str, str, str, str | None]  # segment_id, code_id, coder_id, coded_at
Row = TypeVar("Row")


def split(
    codings: Sequence[Coding],
    book: Mapping[str, Row],
    used: Mapping[str, int],
    prefix: str,
    log: Log,
) -> tuple[list[Coding], list[tuple[str, str, str, str]], dict[str, Row]]:
    """Return thematic codings, stances (segment, claim, coder, stance) and the thematic code book.

    Codes below the prefix that are neither supports nor contradicts stay codes, with a warning.
    """
    stance_of: dict[str, tuple[str, str]] = {}
    containers = set()
    for code in book:
        path = code.split(JOIN)
        if normal(path[0]) != normal(prefix):
            if len(path) > 2 and normal(path[-1]) in STANCES and used.get(code):
                log.warn(
                    "stances",
                    f'the code "{code}" ends as a stance does and does not stand below "{prefix}": '
                    "it is no stance. Set `stance_prefix`, or rename it",
                    used[code],
                )
            continue
        if len(path) == 3 and normal(path[2]) in STANCES:
            stance_of[code] = (path[1], normal(path[2]))
            continue
        if len(path) < 3 and not used.get(code):
            containers.add(code)
            continue
        hint = nearest(path[-1], STANCES)
        log.warn(
            "stances",
            f'the code "{code}" says neither supports nor contradicts. {hint}',
            max(used.get(code, 0), 1),
        )
    below = set(stance_of)
    thematic_codes = [c for c in book if c not in below and c not in containers]
    needed = {
        JOIN.join(code.split(JOIN)[:depth])
        for code in thematic_codes
        for depth in range(1, len(code.split(JOIN)))
    }
    thematic = {code: row for code, row in book.items() if code in set(thematic_codes) | needed}
    claimed = {
        (segment, *_claim(stance_of[code], coder))
        for segment, code, coder, _ in codings
        if code in stance_of
    }
    log.note("stances", "segments coded as supporting or contradicting a claim", len(claimed))
    return [row for row in codings if row[1] not in stance_of], sorted(claimed), thematic


def _claim(stance: tuple[str, str], coder: str) -> tuple[str, str, str]:
    return stance[0], coder, stance[1]
