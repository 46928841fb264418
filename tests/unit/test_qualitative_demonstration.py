"""The demonstration's project: what the reader and the counts make of it, against the simulation's
own objects."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evalweave.qualitative.counts import fieldwork, theme_counts
from evalweave.qualitative.project import Project
from evalweave.qualitative.readers import load
from evalweave.simulation.coded_project import N_STANCES, Source, sources
from evalweave.simulation.fieldwork import participants, sources_table
from evalweave.simulation.refi_qda import qdpx
from evalweave.study.qualitative import Qualitative

CONFIG = Path(__file__).parents[2] / "config" / "ways-to-wellness"


@pytest.fixture(scope="module")
def made() -> list[Source]:
    return sources(np.random.default_rng(1), np.random.default_rng(2))


@pytest.fixture(scope="module")
def project(made: list[Source], tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("demonstration")
    (folder / "project.qdpx").write_bytes(qdpx(made, participants(), "Simulated fieldwork"))
    participants().to_csv(folder / "participants.csv", index=False)
    sources_table().to_csv(folder / "sources.csv", index=False)
    settings = Qualitative(
        project=str(folder / "project.qdpx"),
        participants=str(folder / "participants.csv"),
        sources=str(folder / "sources.csv"),
        themes=str(CONFIG / "themes.csv"),
        eligibility=str(CONFIG / "eligibility.csv"),
    )
    return load(folder / "project.qdpx", settings)


def said(made: list[Source]) -> dict[str, set[str]]:
    """Who was given which code by anybody: a plain loop over the simulation's texts, turns and
    codings."""
    found: dict[str, set[str]] = defaultdict(set)
    for source in made:
        for selection in source.selections:
            if len(source.planned.speakers) == 1:
                speakers = set(source.planned.speakers)
            else:
                speakers = {
                    who for who, start, end in source.turns if start <= selection.start < end
                }
            for code, _ in selection.codings:
                for who in speakers:
                    found[who].add(code)
    return found


def test_people_out_of_those_asked(made: list[Source], project: Project) -> None:
    counts = theme_counts(project)
    roles = dict(
        zip(project.participants["participant_id"], project.participants["role"], strict=True)
    )
    asked = pd.read_csv(CONFIG / "eligibility.csv")
    themes = dict(zip(project.theme_codes["theme_id"], project.theme_codes["code_id"], strict=True))
    codes = said(made)
    for row in counts[counts["code_id"].isna() & counts["n_eligible"].notna()].itertuples():
        eligible = {
            who
            for who in asked.loc[
                (asked["theme_id"] == row.theme_id) & asked["eligible"], "participant_id"
            ]
            if roles[who] == row.role
        }
        raised = {
            who
            for who in eligible
            if any(code.split(" > ")[0] == themes[row.theme_id] for code in codes[who])
        }
        assert (row.n_participants, row.n_eligible) == (len(raised), len(eligible)), row.theme_id
    assert counts["n_participants"].max() > 10


def test_every_position_shows_its_words(made: list[Source], project: Project) -> None:
    placed = project.segments[project.segments["start"].notna()]
    assert (placed["offset_check"] == "ok").all()
    n = sum(len({(s.start, s.end) for s in source.selections}) for source in made)
    assert len(placed) == n
    pictures = project.segments[project.segments["start"].isna()]
    assert pictures["place"].tolist() == ["region 40,30 to 200,150"]
    texts = {source.planned.name: source.text for source in made}
    names = dict(zip(project.sources["source_id"], project.sources["name"], strict=True))
    for row in placed.itertuples():
        assert row.quote == texts[names[row.source_id].removesuffix(".txt")][row.start : row.end]


def test_stances_are_those_that_were_planted(project: Project) -> None:
    from evalweave.qualitative.attribution import speakers

    who = project.stances.merge(speakers(project), on="segment_id").merge(
        project.participants, on="participant_id"
    )
    found = who.groupby(["claim_id", "stance", "role"])["participant_id"].nunique().to_dict()
    planted = {
        (claim, stance, role): n
        for claim, both in N_STANCES.items()
        for stance, roles in both.items()
        for role, n in roles.items()
    }
    assert found == planted


def test_the_fieldwork_ledger(project: Project) -> None:
    rows = {
        (row.role, row.kind): (row.n_sources, row.n_participants)
        for row in fieldwork(project).itertuples()
    }
    assert rows["client", "initial_interview"] == (19, 19) and rows[
        "client", "final_interview"
    ] == (15, 15)
    assert rows["client", "photo_elicitation"] == (9, 9) and rows["family", "family_interview"] == (
        7,
        7,
    )
    assert rows["link_worker", "focus_group"] == (3, 16) and rows[
        "link_worker", "link_worker_interview"
    ] == (
        6,
        6,
    )
    assert all(pd.isna(n) for (role, _), (_, n) in rows.items() if role == "observation")
