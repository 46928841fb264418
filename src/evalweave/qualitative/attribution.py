"""Whose words a segment holds: people, a group, an observation, or nobody who can be named.

A stretch that is somebody's own (a turn, a coded case) counts for them when it holds at least half
of the segment, or the segment at least half of it: a coder's boundary that slips over a neighbour's
turn does not make the neighbour a speaker. A source linked as a whole counts for its person, except
where the segment lies in other people's stretches. A source linked as a whole to several people, or
a focus group, is what the study declares: `each` (all of them said it), `group` (a unit of its own,
never added to people) or `unknown`, which is the default. Field notes and observations belong to
nobody, whatever is linked.

Not known is not no: words that can be given to nobody, a group's too, have candidates, the people
whose words they may be. Counts of a theme with such words are lower bounds for their roles.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from evalweave.qualitative.people import EACH, GROUP, UNKNOWN, is_group
from evalweave.qualitative.project import Project

OBSERVATION, UNATTRIBUTED, GROUP_ROLE = "observation", "unattributed", "group"
APART = (OBSERVATION, GROUP_ROLE, UNATTRIBUTED)  # roles that are nobody's, without k and N
COLUMNS = ["segment_id", "participant_id"]


@dataclass(frozen=True)
class Attribution:
    """Whose words the segments of a project hold.

    `spoken`: (segment_id, participant_id), one row for each person whose words a segment holds;
    `candidates`: the same, the people whose words a segment may be that can be given to nobody;
    `apart`: (segment_id, role), segments of observations, of groups and of nobody.
    """

    spoken: pd.DataFrame
    candidates: pd.DataFrame
    apart: pd.DataFrame


@dataclass
class _Speaking:
    """Who is linked to one source: as a whole, by turns, and by segments without a position."""

    whole: set[str] = field(default_factory=set)
    turns: list[tuple[int, int, str]] = field(default_factory=list)
    segments: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def everyone(self) -> set[str]:
        named = set().union(*self.segments.values()) if self.segments else set()
        return self.whole | {person for _, _, person in self.turns} | named


def attribution(project: Project) -> Attribution:
    """Return whose words each segment holds, whose they may be, and which are nobody's."""
    speaking = _speaking(project)
    sources = project.sources.set_index("source_id")
    kinds = sources["kind"].fillna("").to_dict()
    shared = sources["shared"].fillna(UNKNOWN).to_dict()
    people = set(project.participants["participant_id"])
    spoken: list[tuple[str, str]] = []
    candidates: list[tuple[str, str]] = []
    apart: list[tuple[str, str]] = []
    for segment in project.segments.itertuples(index=False):
        source = segment.source_id
        if kinds.get(source, "") in project.observation_kinds:
            apart.append((segment.segment_id, OBSERVATION))
            continue
        here = speaking[source]
        grouped = len(here.whole) > 1 or is_group(kinds.get(source, ""))
        how = shared.get(source, UNKNOWN) if here.whole and grouped else ""
        owners, near = _owners(segment, here, here.whole if how in ("", EACH) else set())
        if owners:
            spoken += [(segment.segment_id, person) for person in sorted(owners)]
        else:
            apart.append((segment.segment_id, GROUP_ROLE if how == GROUP else UNATTRIBUTED))
            maybe = near or here.everyone() or people
            candidates += [(segment.segment_id, person) for person in sorted(maybe)]
    return Attribution(
        pd.DataFrame(spoken, columns=COLUMNS, dtype="string"),
        pd.DataFrame(candidates, columns=COLUMNS, dtype="string"),
        pd.DataFrame(apart, columns=["segment_id", "role"], dtype="string"),
    )


def speakers(project: Project) -> pd.DataFrame:
    """Return (segment_id, participant_id), one row for each person whose words a segment holds."""
    return attribution(project).spoken


def _speaking(project: Project) -> dict[str, _Speaking]:
    speaking: dict[str, _Speaking] = defaultdict(_Speaking)
    for link in project.source_participants.itertuples(index=False):
        here = speaking[link.source_id]
        if not pd.isna(link.segment_id):
            here.segments[link.segment_id].add(link.participant_id)
        elif pd.isna(link.start):
            here.whole.add(link.participant_id)
        else:
            here.turns.append((int(link.start), int(link.end), link.participant_id))
    return speaking


def _owners(segment: Any, here: _Speaking, whole: set[str]) -> tuple[set[str], set[str]]:
    """Return who owns a segment, and whose stretches it touches."""
    named = here.segments.get(segment.segment_id, set())
    if named:
        return set(named), set()
    owners, near, covered, length = set[str](), set[str](), 0, 0
    if not pd.isna(segment.start):
        start, end = int(segment.start), int(segment.end)
        owners, near, covered = _own(start, end, here.turns)
        length = end - start
    if whole and (not owners or covered < length):
        owners = owners | whole
    return owners, near


def _own(start: int, end: int, turns: list[tuple[int, int, str]]) -> tuple[set[str], set[str], int]:
    """Return who owns a segment by their stretches, whom it touches, and how many of its characters
    are somebody's."""
    shared: dict[str, set[int]] = defaultdict(set)
    owners = set()
    for first, last, person in turns:
        low, high = max(start, first), min(end, last)
        if low < high:
            shared[person].update(range(low, high))
            if 2 * (high - low) >= last - first:
                owners.add(person)
    owners |= {person for person, held in shared.items() if 2 * len(held) >= end - start}
    return owners, set(shared), len(set().union(*shared.values()))
