"""Whose words a segment holds: people, a group, an observation, or nobody who can be named.

A stretch that is somebody's own (a turn, a coded case) counts for them when it holds at least half
of the segment, or the segment at least half of it: a coder's boundary that slips over a neighbour's
turn does not make the neighbour a speaker. A source linked as a whole counts for its person, except
where the segment lies in other people's stretches, a slip of up to five characters aside. A source
linked as a whole to several people, or a focus group, is what the study declares: `each` (all of
them said it), `group` (a unit of its own, never added to people) or `unknown`, which is the
default. A row or a stretch that names several people is what is declared too, `each` by default.
Field notes and observations belong to nobody, whatever is linked.

Not known is not no: words that can be given to nobody, a group's too, have candidates, the people
whose words they may be: all who are linked to the source; everybody where nobody is, or where
somebody is named in it who is no participant. Counts of a theme with such words are lower bounds
for their roles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from evalweave.qualitative.people import ALL, EACH, GROUP, UNKNOWN, Span, is_group
from evalweave.qualitative.project import Project

OBSERVATION, UNATTRIBUTED, GROUP_ROLE = "observation", "unattributed", "group"
APART = (OBSERVATION, GROUP_ROLE, UNATTRIBUTED)  # roles that are nobody's, without k and N
SLIP = 5  # characters by which a segment may reach beyond a turn
TOGETHER = ""  # in place of the people of a stretch that several share
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
    """Who is linked to one source: as a whole, by stretches, and by segments without a position;
    and what is known of it."""

    kind: str = ""
    shared: str = ""
    unmatched: str = ""
    whole: set[str] = field(default_factory=set)
    turns: dict[Span, set[str]] = field(default_factory=lambda: defaultdict(set))
    segments: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def everyone(self) -> set[str]:
        return self.whole.union(*self.turns.values(), *self.segments.values())

    @property
    def several(self) -> bool:
        """Whether a link to the whole source is no attribution."""
        return len(self.whole) + (self.unmatched == ALL) > 1 or is_group(self.kind)


def attribution(project: Project) -> Attribution:
    """Return whose words each segment holds, whose they may be, and which are nobody's."""
    speaking = _speaking(project)
    people = set(project.participants["participant_id"])
    spoken: list[tuple[str, str]] = []
    candidates: list[tuple[str, str]] = []
    apart: list[tuple[str, str]] = []
    for segment in project.segments.itertuples(index=False):
        here = speaking[segment.source_id]
        if here.kind in project.observation_kinds:
            apart.append((segment.segment_id, OBSERVATION))
            continue
        owners, how = _owners(segment, here)
        if owners:
            spoken += [(segment.segment_id, person) for person in sorted(owners)]
        else:
            apart.append((segment.segment_id, GROUP_ROLE if how == GROUP else UNATTRIBUTED))
            maybe = (here.everyone() if not here.unmatched else set()) or people
            candidates += [(segment.segment_id, person) for person in sorted(maybe)]
    return Attribution(
        pd.DataFrame(spoken, columns=COLUMNS, dtype="string"),
        pd.DataFrame(candidates, columns=COLUMNS, dtype="string"),
        pd.DataFrame(apart, columns=["segment_id", "role"], dtype="string"),
    )


def heard(project: Project) -> pd.DataFrame:
    """Return the links of people to sources that can hold their words: to no observation."""
    kinds = project.sources["kind"].isin(project.observation_kinds).fillna(False)
    observed = project.sources.loc[kinds, "source_id"]
    links = project.source_participants
    return links[~links["source_id"].isin(observed)]


def speakers(project: Project) -> pd.DataFrame:
    """Return (segment_id, participant_id), one row for each person whose words a segment holds."""
    return attribution(project).spoken


def _speaking(project: Project) -> dict[str, _Speaking]:
    known = project.sources[["source_id", "kind", "shared", "unmatched"]].fillna("")
    speaking: dict[str, _Speaking] = defaultdict(_Speaking)
    speaking |= {key: _Speaking(*about) for key, *about in known.itertuples(index=False)}
    for link in project.source_participants.itertuples(index=False):
        here = speaking[link.source_id]
        if not pd.isna(link.segment_id):
            here.segments[link.segment_id].add(link.participant_id)
        elif pd.isna(link.start):
            here.whole.add(link.participant_id)
        else:
            here.turns[int(link.start), int(link.end)].add(link.participant_id)
    return speaking


def _owners(segment: Any, here: _Speaking) -> tuple[set[str], str]:
    """Return who owns a segment, and else what is declared of the several people who share it."""
    apart = here.shared if here.shared in (GROUP, UNKNOWN) else ""
    named = here.segments.get(segment.segment_id, set())
    if named:
        return (set(), apart) if apart and len(named) > 1 else (set(named), "")
    turns = {
        span: {TOGETHER} if apart and len(people) > 1 else people
        for span, people in here.turns.items()
    }
    owners, covered, length = set[str](), 0, 0
    if not pd.isna(segment.start):
        start, end = int(segment.start), int(segment.end)
        owners, covered = _own(start, end, turns)
        length = end - start
    how = here.shared or UNKNOWN if here.whole and here.several else ""
    slip = min(SLIP, (length - 1) // 2)
    if how in ("", EACH) and (not owners or length - covered > slip):
        owners = owners | here.whole
    return owners - {TOGETHER}, apart if TOGETHER in owners else how


def _own(start: int, end: int, turns: Mapping[Span, set[str]]) -> tuple[set[str], int]:
    """Return who owns a segment by their stretches, and how many of its characters are
    somebody's."""
    shared: dict[str, set[int]] = defaultdict(set)
    owners = set()
    for (first, last), people in turns.items():
        low, high = max(start, first), min(end, last)
        for person in people if low < high else ():
            shared[person].update(range(low, high))
            if 2 * (high - low) >= last - first:
                owners.add(person)
    owners |= {person for person, held in shared.items() if 2 * len(held) >= end - start}
    return owners, len(set().union(*shared.values()))
