"""From stances on segments to people who support or contradict a claim, out of those who were
asked.

Whose words a segment holds is decided once, in `qualitative.attribution`; field notes speak for
nobody and are counted apart. Only people of the claim's role who are eligible for its theme count;
others with a stance are reported, not counted. Nothing is pooled over roles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalweave.triangulation.convergence import Qualitative, qualitative_state

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.qualitative.project import Project

UNION, INTERSECTION = "union", "intersection"
SUPPORTS, CONTRADICTS = "supports", "contradicts"


@dataclass(frozen=True)
class Voices:
    """The people behind one claim. Identifiers stay in memory: only their numbers leave this floor.

    Attributes:
        supports, contradicts: eligible people by stance, whichever coder gave it (the primary
        reading).
        by_choice: coder choice -> counts; each coder alone is counted among the people whose
        sources they coded.
        n_both: people who do both.
        n_outside: people with a stance who are not eligible or of another role (not counted).
        n_observations_supporting, n_observations_contradicting: segments of field notes (never
        people).
    """

    eligible: frozenset[str]
    supports: frozenset[str]
    contradicts: frozenset[str]
    by_choice: Mapping[str, Qualitative]
    n_outside: int
    n_observations_supporting: int
    n_observations_contradicting: int

    @property
    def n_both(self) -> int:
        return len(self.supports & self.contradicts)

    @property
    def state(self) -> Qualitative:
        return self.by_choice[UNION]


def observed(project: Project) -> frozenset[str]:
    """Return the sources that belong to no participant, by their kind."""
    sources = project.sources
    return frozenset(
        sources.loc[sources["kind"].isin(project.observation_kinds), "source_id"].astype(str)
    )


def readers(project: Project) -> dict[str, frozenset[str]]:
    """Return source_id -> the coders who coded anything in it."""
    import pandas as pd

    given = [table[["segment_id", "coder_id"]] for table in (project.codings, project.stances)]
    worked = pd.concat(given).drop_duplicates()
    placed = worked.merge(project.segments[["segment_id", "source_id"]], on="segment_id")
    return {
        str(source): frozenset(group["coder_id"].astype(str))
        for source, group in placed.groupby("source_id", sort=True)
    }


def voices(
    claim_id: str,
    eligible: frozenset[str],
    project: Project,
    spoken: pd.DataFrame,
    coders_of: Mapping[str, frozenset[str]],
) -> Voices:
    """Return who supports and who contradicts one claim, under every coder choice.

    Args:
        eligible: participants of the claim's role who were asked about its theme.
        spoken: segment_id, source_id, participant_id: whose words a segment holds (people only).
        coders_of: what `readers` returns.

    Intersection: somebody has a stance when, in one of their sources, every coder who coded it gave
    it to them.
    """
    stances, segments, observations = project.stances, project.segments, observed(project)
    mine = stances[stances["claim_id"] == claim_id].merge(
        segments[["segment_id", "source_id"]], on="segment_id"
    )
    noted = mine[mine["source_id"].isin(observations)].drop_duplicates(["segment_id", "stance"])
    said = mine.merge(spoken[["segment_id", "participant_id"]], on="segment_id")
    # (person, stance, source) -> coders
    given: dict[tuple[str, str, str], set[str]] = {}
    for person, stance, source, coder in zip(
        said["participant_id"], said["stance"], said["source_id"], said["coder_id"], strict=True
    ):
        given.setdefault((str(person), str(stance), str(source)), set()).add(str(coder))
    read_by: dict[str, set[str]] = {}
    for person, source in zip(spoken["participant_id"], spoken["source_id"], strict=True):
        read_by.setdefault(str(person), set()).update(coders_of.get(str(source), ()))

    def people(stance: str, holds: Callable[[str, set[str]], bool]) -> frozenset[str]:
        return frozenset(
            person
            for (person, what, source), coders in given.items()
            if what == stance and person in eligible and holds(source, coders)
        )

    def state(holds: Callable[[str, set[str]], bool], among: frozenset[str]) -> Qualitative:
        return qualitative_state(
            len(among), len(people(SUPPORTS, holds)), len(people(CONTRADICTS, holds))
        )

    def anyone(source: str, coders: set[str]) -> bool:
        return True

    by_choice = {UNION: state(anyone, eligible)}
    every = sorted({coder for coders in coders_of.values() for coder in coders})
    for coder in every:
        among = frozenset(person for person in eligible if coder in read_by.get(person, ()))
        if among and len(every) > 1:
            by_choice[coder] = state(lambda source, coders, c=coder: c in coders, among)  # type: ignore[misc]
    if len(every) > 1:
        by_choice[INTERSECTION] = state(
            lambda source, coders: coders >= coders_of.get(source, frozenset()), eligible
        )
    return Voices(
        eligible=eligible,
        supports=people(SUPPORTS, anyone),
        contradicts=people(CONTRADICTS, anyone),
        by_choice=by_choice,
        n_outside=len({person for person, _, _ in given} - eligible),
        n_observations_supporting=int((noted["stance"] == SUPPORTS).sum()),
        n_observations_contradicting=int((noted["stance"] == CONTRADICTS).sum()),
    )
