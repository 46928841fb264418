"""Stances given in a table, for programs in which they cannot be coded, or to add to those coded.

A row names a stretch: by its `segment_id` (as `segments.csv` of the code stage has it), by source,
start and end, or by source and its words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from evalweave.errors import Fault, nearest, raise_faults
from evalweave.qualitative.documents import bare
from evalweave.qualitative.identity import normal
from evalweave.qualitative.project import Project
from evalweave.qualitative.raw import position
from evalweave.qualitative.stances import STANCES as WORDS
from evalweave.reading import tables
from evalweave.reading.cells import unguarded
from evalweave.tables.qualitative import STANCES


def with_given(project: Project, path: Path | str, coders: Mapping[str, str]) -> pd.DataFrame:
    """Return the project's stances and those of the table.

    Args:
        coders: name, or pseudonym, in normal form → pseudonym.

    Raises:
        DataError: with every row whose stretch, stance or coder cannot be told.
    """
    sheet = tables.read(
        path,
        ["claim_id", "stance"],
        ["segment_id", "source", "start", "end", "quote", "coder"],
        identifiers=["segment_id"],
    )
    find = _finder(project)
    alone = sorted(set(coders.values())) if len(set(coders.values())) == 1 else []
    rows, faults = [], []
    for row, line in zip(sheet.rows, sheet.lines, strict=True):
        meant = find(row)
        if len(meant) != 1:
            what = "a stretch that is not unique" if meant else "a stretch that nobody marked"
            expected = "one marked stretch, by segment_id, or by source with start and end or quote"
            faults.append(Fault(sheet.file, what, expected, row=line))
        stance = normal(row["stance"])
        if stance not in WORDS:
            hint, expected = nearest(stance, WORDS), " or ".join(WORDS)
            faults.append(Fault(sheet.file, "another word", expected, hint, line, "stance"))
        if not row["claim_id"]:
            faults.append(Fault(sheet.file, "a blank", "a claim", "", line, "claim_id"))
        coder = coders.get(normal(row.get("coder", ""))) or (
            alone[0] if alone and not row.get("coder") else ""
        )
        if not coder:
            expected = "a coder as the project names them, or a pseudonym such as coder_1"
            what = "a coder who is not known" if row.get("coder") else "a blank"
            faults.append(Fault(sheet.file, what, expected, "", line, "coder"))
        rows.append((next(iter(meant), ""), row["claim_id"], coder, stance))
    raise_faults(faults)
    given = pd.DataFrame(rows, columns=STANCES.names)
    whole = pd.concat([project.stances, given]).drop_duplicates()
    return STANCES.conform(whole.sort_values(STANCES.names))


def _finder(project: Project) -> Callable[[Mapping[str, str]], set[str]]:
    """Return how a row finds its stretch."""
    segments = project.segments
    names = dict(zip(project.sources["source_id"], project.sources["name"], strict=True))
    by_place: dict[tuple[str, int, int], set[str]] = {}
    by_words: dict[tuple[str, str], set[str]] = {}
    for row in segments.itertuples(index=False):
        for source in {str(row.source_id), bare(str(names[row.source_id]))}:
            if not pd.isna(row.start):
                at = (source, int(row.start), int(row.end))
                by_place.setdefault(at, set()).add(row.segment_id)
            if not pd.isna(row.quote):
                by_words.setdefault((source, normal(str(row.quote))), set()).add(row.segment_id)
    known = set(segments["segment_id"])

    def find(row: Mapping[str, str]) -> set[str]:
        key, source = unguarded(row.get("segment_id", "")), row.get("source", "")
        if key:
            return {key} & known
        start, end = position(row.get("start", "")), position(row.get("end", ""))
        for name in (source, bare(source)):
            if start is not None and end is not None:
                meant = by_place.get((name, start, end), set())
            else:
                meant = by_words.get((name, normal(row.get("quote", ""))), set())
            if meant:
                return meant
        return set()

    return find
