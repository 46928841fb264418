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

from evalweave.triangulation.convergence import Qualitative, Unattributed, qualitative_state

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
        n_unattributed: segments with a stance that can be given to nobody.
    """

    eligible: frozenset[str]
    supports: frozenset[str]
    contradicts: frozenset[str]
    by_choice: Mapping[str, Qualitative]
    n_outside: int
    n_observations_supporting: int
    n_observations_contradicting: int
    n_unattributed: int = 0

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
    """Return source_id -> the coders who coded anything in it, or are declared to have coded it."""
    import pandas as pd

    given = [table[["segment_id", "coder_id"]] for table in (project.codings, project.stances)]
    worked = pd.concat(given).drop_duplicates()
    placed = worked.merge(project.segments[["segment_id", "source_id"]], on="segment_id")
    placed = pd.concat([placed, project.double_coding])
    return {
        str(source): frozenset(group["coder_id"].astype(str))
        for source, group in placed.groupby("source_id", sort=True)
    }


@dataclass(frozen=True)
class Words:
    """Whose words the segments of a project hold, once for all claims.

    `spoken`, `candidates`: segment_id, source_id, participant_id (people only), and the people
    whose words those may be that can be given to nobody; `coders_of`: what `readers` returns.
    """

    spoken: pd.DataFrame
    candidates: pd.DataFrame
    coders_of: Mapping[str, frozenset[str]]


def words_of(project: Project) -> Words:
    """Return whose words each segment holds."""
    from evalweave.qualitative.attribution import attribution

    words = attribution(project)
    placed = project.segments[["segment_id", "source_id"]]
    return Words(
        words.spoken.merge(placed, on="segment_id"),
        words.candidates.merge(placed, on="segment_id"),
        readers(project),
    )


def voices(
    claim_id: str,
    eligible: frozenset[str],
    project: Project,
    words: Words,
    theme_segments: frozenset[str] = frozenset(),
    minimum: float | None = None,
) -> Voices:
    """Return who supports and who contradicts one claim, under every coder choice.

    Args:
        eligible: participants of the claim's role who were asked about its theme.
        theme_segments: segments coded under the claim's theme.
        minimum: people who must speak to the claim before it has a label; the rule's own if None.

    Intersection: somebody has a stance when, in one of their sources, every coder who coded it gave
    it to them.
    """
    stances, observations = project.stances, observed(project)
    mine = stances[stances["claim_id"] == claim_id].merge(
        project.segments[["segment_id", "source_id"]], on="segment_id"
    )
    noted = mine[mine["source_id"].isin(observations)].drop_duplicates(["segment_id", "stance"])
    given = _given(mine, words.spoken)
    maybe = _given(mine, words.candidates)
    open_theme = words.candidates["segment_id"].isin(theme_segments | set(mine["segment_id"]))
    theme_open = bool(eligible & set(words.candidates.loc[open_theme, "participant_id"]))
    theme_open |= project.matrix is not None  # counts added up elsewhere know no people

    def state(holds: Holds, among: frozenset[str]) -> Qualitative:
        supports = _people(given, SUPPORTS, among, holds)
        contradicts = _people(given, CONTRADICTS, among, holds)
        hidden = Unattributed(
            len(_people(maybe, SUPPORTS, among, holds) - supports),
            len(_people(maybe, CONTRADICTS, among, holds) - contradicts),
            theme_open,
        )
        return qualitative_state(len(among), len(supports), len(contradicts), minimum, hidden)

    open_stances = mine[mine["segment_id"].isin(words.candidates["segment_id"])]
    return Voices(
        eligible=eligible,
        supports=_people(given, SUPPORTS, eligible, _anyone),
        contradicts=_people(given, CONTRADICTS, eligible, _anyone),
        by_choice=_by_choice(state, eligible, words),
        n_outside=len({person for person, _, _ in given} - eligible),
        n_observations_supporting=int((noted["stance"] == SUPPORTS).sum()),
        n_observations_contradicting=int((noted["stance"] == CONTRADICTS).sum()),
        n_unattributed=int(open_stances["segment_id"].nunique()),
    )


Holds = Callable[[str, set[str]], bool]  # (source, coders who gave the stance) -> does it hold
Given = dict[tuple[str, str, str], set[str]]  # (person, stance, source) -> coders


def _anyone(source: str, coders: set[str]) -> bool:
    return True


def _given(stances: pd.DataFrame, people: pd.DataFrame) -> Given:
    rows = stances.merge(people[["segment_id", "participant_id"]], on="segment_id")
    given: Given = {}
    for person, stance, source, coder in zip(
        rows["participant_id"], rows["stance"], rows["source_id"], rows["coder_id"], strict=True
    ):
        given.setdefault((str(person), str(stance), str(source)), set()).add(str(coder))
    return given


def _people(given: Given, stance: str, among: frozenset[str], holds: Holds) -> frozenset[str]:
    return frozenset(
        person
        for (person, what, source), coders in given.items()
        if what == stance and person in among and holds(source, coders)
    )


def _by_choice(
    state: Callable[[Holds, frozenset[str]], Qualitative], eligible: frozenset[str], words: Words
) -> dict[str, Qualitative]:
    """Return the state under every coder choice: all together, each alone, only where they
    agree."""
    read_by: dict[str, set[str]] = {}
    spoken = words.spoken
    for person, source in zip(spoken["participant_id"], spoken["source_id"], strict=True):
        read_by.setdefault(str(person), set()).update(words.coders_of.get(str(source), ()))
    choices = {UNION: state(_anyone, eligible)}
    every = sorted({coder for coders in words.coders_of.values() for coder in coders})
    if len(every) < 2:
        return choices
    for coder in every:
        among = frozenset(person for person in eligible if coder in read_by.get(person, ()))
        if among:
            choices[coder] = state(_gave(coder), among)
    choices[INTERSECTION] = state(
        lambda source, coders: coders >= words.coders_of.get(source, frozenset()), eligible
    )
    return choices


def _gave(coder: str) -> Holds:
    return lambda source, coders: coder in coders
