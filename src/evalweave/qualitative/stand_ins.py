"""Texts that stand in for those a project does not have, so that other programs can open what was
marked in them.

Where every stretch has a position, and no words are longer than theirs, the text has each where it
lies and boxes where nothing is known: overlaps, turns and agreement stay as they were. Else it has
a line for each stretch, its words or its place, and who speaks goes with the stretch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from evalweave.catalogue.words import number_of
from evalweave.qualitative.identity import normal
from evalweave.qualitative.project import Project
from evalweave.qualitative.raw import WHOLE

BOX = "□"
LONGEST = 1_000_000  # characters of a text of boxes
Places = dict[str, tuple[int, int]]  # segment_id → first character, one past the last


@dataclass(frozen=True)
class Texts:
    """`texts`: source_id → its text or what stands in for it; `places`: where segments lie there;
    `lined`: sources with a line for each stretch; `names`: source_id → a name that no other source
    of the same text has."""

    texts: dict[str, str]
    places: Places
    lined: frozenset[str]
    names: dict[str, str]


def texts_of(project: Project) -> Texts:
    """Return the text of each source, and where each segment lies in it."""
    texts: dict[str, str] = {}
    places: Places = {}
    lined = set()
    by_source = dict(list(project.segments.groupby("source_id")))
    turns = project.source_participants.groupby("source_id")["end"].max()
    for source in project.sources["source_id"]:
        segments = by_source.get(source, project.segments.head(0))
        placed = segments[segments["start"].notna()]
        if source in project.texts or _all_placed(segments, placed):
            last = turns.get(source)
            texts[source] = project.texts.get(source) or _boxed(
                placed, 0 if pd.isna(last) else int(last)
            )
            places |= {
                row.segment_id: (int(row.start), int(row.end))
                for row in placed.itertuples(index=False)
            }
        else:
            texts[source], own = _lines(segments)
            places |= own
            lined.add(str(source))
    return Texts(texts, places, frozenset(lined), _names(project, texts))


def not_carried(project: Project) -> list[str]:
    """Return what a project loses as REFI-QDA, in sentences with how often."""
    written = texts_of(project)
    without = len(written.texts) - len(project.texts)
    renamed = sum(written.names[s] != n for s, n in _named(project))
    told = []
    if without:
        lines = len(written.lined)
        told.append(
            f"project.qdpx: the text of {number_of(without, 'source')} is not known; words that "
            f"were marked stand among boxes, and in {lines} of them on a line for each stretch, so "
            "that there positions, overlaps and agreement by stretch are not carried. Agreement by "
            "character means nothing in these sources"
        )
    if renamed:
        told.append(
            f"project.qdpx: {number_of(renamed, 'source')} of the same name and text as another "
            "got a number behind the name"
        )
    return told


def _all_placed(segments: pd.DataFrame, placed: pd.DataFrame) -> bool:
    """Whether every stretch has a position that its words fit in; texts coded as a whole need
    none."""
    rest = segments[segments["start"].isna()]
    if placed.empty or not rest["place"].eq(WHOLE).fillna(False).all():
        return False
    fits = placed["quote"].fillna("").str.len() <= placed["end"] - placed["start"]
    return bool(fits.all()) and int(placed["end"].max()) <= LONGEST


def _boxed(placed: pd.DataFrame, last: int) -> str:
    """Return boxes with the words of each stretch where it lies, the longest stretch first."""
    ends = [last if last <= LONGEST else 0, *(int(end) for end in placed["end"])]
    text = [BOX] * max(ends)
    widths = (placed["end"] - placed["start"]).sort_values(ascending=False, kind="stable")
    for row in placed.loc[widths.index].itertuples(index=False):
        words = "" if pd.isna(row.quote) else re.sub(r"\s", " ", str(row.quote))
        text[int(row.start) : int(row.start) + len(words)] = words
    return "".join(text)


def _lines(segments: pd.DataFrame) -> tuple[str, Places]:
    text, places = "", {}
    for row in segments.itertuples(index=False):
        words = next((str(w) for w in (row.quote, row.place) if not pd.isna(w)), BOX)
        line = " ".join(words.split()) or BOX
        places[str(row.segment_id)] = (len(text), len(text) + len(line))
        text += line + "\n"
    return text, places


def _named(project: Project) -> list[tuple[str, str]]:
    return list(zip(project.sources["source_id"], project.sources["name"], strict=True))


def _names(project: Project, texts: dict[str, str]) -> dict[str, str]:
    names: dict[str, str] = {}
    seen: dict[tuple[str, str], int] = {}
    for source, name in _named(project):
        key = (normal(name), texts[source])
        seen[key] = seen.get(key, 0) + 1
        names[source] = name if seen[key] == 1 else f"{name} ({seen[key]})"
    return names
