"""Whose words a segment holds: people, an observation, or nobody who can be named.

A stretch that is somebody's own (a turn, a coded case) counts for them when it holds at least half
of the segment, or the segment at least half of it: a coder's boundary that slips over a neighbour's
turn does not make the neighbour a speaker. A source linked as a whole counts for its person, except
where the segment lies in other people's stretches. A source shared by several people, or a focus
group, linked only as a whole, counts for nobody. Field notes and observations belong to nobody,
whatever is linked.
"""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

from evalweave.qualitative.project import Project

GROUP = "focus_group"
OBSERVATION, UNATTRIBUTED = "observation", "unattributed"


def speakers(project: Project) -> pd.DataFrame:
    """Return (segment_id, participant_id), one row for each person whose words a segment holds."""
    kinds = dict(zip(project.sources["source_id"], project.sources["kind"].fillna(""), strict=True))
    whole: dict[str, set[str]] = defaultdict(set)
    turns: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for link in project.source_participants.itertuples(index=False):
        if pd.isna(link.start):
            whole[link.source_id].add(link.participant_id)
        else:
            turns[link.source_id].append((int(link.start), int(link.end), link.participant_id))
    rows = []
    for segment in project.segments.itertuples(index=False):
        source = segment.source_id
        if kinds.get(source, "") in project.observation_kinds:
            continue
        owners: set[str] = set()
        covered = 0
        if not pd.isna(segment.start):
            owners, covered = _own(int(segment.start), int(segment.end), turns[source])
        single = (
            whole[source]
            if len(whole[source]) == 1 and GROUP not in kinds.get(source, "")
            else set()
        )
        length = 0 if pd.isna(segment.start) else int(segment.end) - int(segment.start)
        if single and (not owners or covered < length):
            owners = owners | single
        rows += [(segment.segment_id, person) for person in sorted(owners)]
    return pd.DataFrame(rows, columns=["segment_id", "participant_id"], dtype="string")


def roles(project: Project) -> pd.DataFrame:
    """Return (segment_id, role), one row for each role that a segment speaks for.

    Segments of observation sources have the role `observation`, those that nobody owns
    `unattributed`.
    """
    spoken = speakers(project).merge(
        project.participants[["participant_id", "role"]], on="participant_id"
    )
    known = spoken[["segment_id", "role"]].drop_duplicates()
    sources = project.segments.merge(project.sources[["source_id", "kind"]], on="source_id")
    observed = sources["kind"].isin(project.observation_kinds).fillna(False)
    rest = sources[~sources["segment_id"].isin(known["segment_id"])]
    named = pd.DataFrame(
        {
            "segment_id": rest["segment_id"],
            "role": observed.loc[rest.index].map({True: OBSERVATION, False: UNATTRIBUTED}),
        }
    )
    return pd.concat([known, named], ignore_index=True).astype("string")


def _own(start: int, end: int, turns: list[tuple[int, int, str]]) -> tuple[set[str], int]:
    """Return who owns a segment by their stretches, and how many of its characters are
    somebody's."""
    shared: dict[str, set[int]] = defaultdict(set)
    owners = set()
    for first, last, person in turns:
        low, high = max(start, first), min(end, last)
        if low < high:
            shared[person].update(range(low, high))
            if 2 * (high - low) >= last - first:
                owners.add(person)
    owners |= {person for person, held in shared.items() if 2 * len(held) >= end - start}
    return owners, len(set().union(*shared.values()))
