"""Small coded projects made from a few marks, worked out by hand in the tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from evalweave.qualitative.project import Project
from evalweave.tables import qualitative as contracts
from evalweave.tables.qualitative import (
    CODES,
    CODINGS,
    ELIGIBILITY,
    IMPORT_LOG,
    PARTICIPANTS,
    SEGMENTS,
    SOURCE_PARTICIPANTS,
    SOURCES,
    STANCES,
    THEME_CODES,
    THEMES,
)

# A marked stretch: source, start, end, code (or none).
Mark = tuple[str, int, int, str | None]
# Who is linked: source, person, start, end (both blank: the whole source).
Link = tuple[str, str, int | None, int | None]


def project(people: Sequence[str], links: Sequence[Link], marks: Sequence[Mark]) -> Project:
    """A project of one theme T with the code c; everybody is a client and was asked about it."""
    people = list(people)
    sources = sorted({link[0] for link in links} | {mark[0] for mark in marks})
    ids = [f"{source}:{start}-{end}" for source, start, end, _ in marks]
    coded = [(name, code) for name, (*_, code) in zip(ids, marks, strict=True) if code]
    codes = sorted({code for _, code in coded} | {"c"})

    def table(contract: Any, **columns: Any) -> pd.DataFrame:
        return contract.conform(pd.DataFrame(columns))

    placed = pd.DataFrame(marks, columns=["source_id", "start", "end", "code"]).assign(
        segment_id=ids, offset_check="ok"
    )
    linked = pd.DataFrame(links, columns=["source_id", "participant_id", "start", "end"])
    linked = linked.assign(basis="map").astype({"start": "Int64", "end": "Int64"})
    return Project(
        table(contracts.PARTICIPANTS, participant_id=people, role=["client"] * len(people)),
        table(contracts.SOURCES, source_id=sources, name=sources),
        contracts.SOURCE_PARTICIPANTS.conform(linked),
        table(
            contracts.ELIGIBILITY,
            participant_id=people,
            theme_id=["T"] * len(people),
            eligible=[True] * len(people),
        ),
        table(contracts.CODES, code_id=codes, path=codes, depth=[0] * len(codes)),
        table(contracts.THEMES, theme_id=["T"], label=["T"]),
        table(contracts.THEME_CODES, theme_id=["T"], code_id=["c"], descendants=[True]),
        contracts.SEGMENTS.conform(placed.drop_duplicates("segment_id")),
        table(
            contracts.CODINGS,
            segment_id=[name for name, _ in coded],
            code_id=[code for _, code in coded],
            coder_id=["coder_1"] * len(coded),
        ),
        contracts.STANCES.empty(),
        contracts.IMPORT_LOG.empty(),
    )


def project_with(rows: list[tuple[str, int, int, str, str]], lengths: dict[str, int]) -> Project:
    """Build a project from (source, start, end, code, coder)."""
    marks = pd.DataFrame(rows, columns=["source_id", "start", "end", "code_id", "coder_id"])
    marks["segment_id"] = (
        marks["source_id"] + ":" + marks["start"].astype(str) + "-" + marks["end"].astype(str)
    )
    segments = marks.drop_duplicates("segment_id").assign(offset_check="ok")
    sources = pd.DataFrame(
        {"source_id": list(lengths), "name": list(lengths), "n_chars": list(lengths.values())}
    )
    return Project(
        PARTICIPANTS.empty(),
        SOURCES.conform(sources),
        SOURCE_PARTICIPANTS.empty(),
        ELIGIBILITY.empty(),
        CODES.empty(),
        THEMES.empty(),
        THEME_CODES.empty(),
        SEGMENTS.conform(segments),
        CODINGS.conform(marks),
        STANCES.empty(),
        IMPORT_LOG.empty(),
    )


def found(table: pd.DataFrame, code: str, measure: str, unit: str) -> pd.Series:
    rows = table[
        (table["code_id"] == code)
        & (table["measure"] == measure)
        & (table["agreement_unit"] == unit)
    ]
    assert len(rows) == 1
    return rows.iloc[0]
