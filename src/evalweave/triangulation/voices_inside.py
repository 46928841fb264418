"""Everybody who may have words inside a segment, for their consent; who it counts for is narrower
(`qualitative.attribution`).

Somebody's words may be inside where their stretch, or another segment that is linked to them,
overlaps it, however little; and, where such stretches leave a part of it open, wherever the whole
source is linked to them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.qualitative.project import Project

Stretch = tuple[int, int, str]  # start, end, person


def voices_inside(project: Project) -> pd.DataFrame:
    """Return (segment_id, participant_id), everybody who may have words inside a segment."""
    import pandas as pd

    segments = project.segments
    places = {
        row.segment_id: (int(row.start), int(row.end))
        for row in segments[segments["start"].notna()].itertuples(index=False)
    }
    whole: dict[str, set[str]] = defaultdict(set)
    named: dict[str, set[str]] = defaultdict(set)
    stretches: dict[str, list[Stretch]] = defaultdict(list)
    for link in project.source_participants.itertuples(index=False):
        if not pd.isna(link.segment_id):
            named[link.segment_id].add(link.participant_id)
            if link.segment_id in places:
                place = places[link.segment_id]
                stretches[link.source_id].append((*place, link.participant_id))
        elif pd.isna(link.start):
            whole[link.source_id].add(link.participant_id)
        else:
            place = int(link.start), int(link.end)
            stretches[link.source_id].append((*place, link.participant_id))
    rows = []
    for segment, source in zip(segments["segment_id"], segments["source_id"], strict=True):
        inside, covered = _inside(places.get(segment), stretches[source])
        inside |= named[segment]
        if not covered and not named[segment]:
            inside |= whole[source]
        rows += [(segment, person) for person in sorted(inside)]
    return pd.DataFrame(rows, columns=["segment_id", "participant_id"], dtype="string")


def _inside(place: tuple[int, int] | None, stretches: list[Stretch]) -> tuple[set[str], bool]:
    """Return whose stretches overlap a place, and whether they cover all of it."""
    if place is None:
        return set(), False
    start, end = place
    over = sorted(s for s in stretches if s[0] < end and start < s[1])
    reached = start
    for first, last, _ in over:
        if first <= reached:
            reached = max(reached, last)
    return {person for _, _, person in over}, reached >= end
