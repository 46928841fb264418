"""Several coded projects of one study, and stances given in a table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import pytest

from evalweave.errors import DataError, EvalweaveError
from evalweave.qualitative.counts import theme_counts
from evalweave.qualitative.readers import load
from evalweave.qualitative.several import below, together
from evalweave.study.qualitative import FILES, Qualitative
from helpers import coded_projects
from helpers.coded_projects import MARKS, TEXTS, beside, write_qdpx

CLIENTS = ("C01_interview", "C02_interview")


def part(path: Path, names: tuple[str, ...]) -> Path:
    """Write the project with these sources only."""
    texts = {name: text for name, text in TEXTS.items() if name in names}
    marks = tuple(mark for mark in MARKS if mark[0] in names)
    turns = {
        who: [turn for turn in said if turn[0] in names]
        for who, said in coded_projects.TURNS.items()
    }
    with (
        patch.object(coded_projects, "TEXTS", texts),
        patch.object(coded_projects, "MARKS", marks),
        patch.object(coded_projects, "TURNS", turns),
    ):
        return write_qdpx(path)


def cut_in_two(folder: Path, **more: object) -> Qualitative:
    """Return settings of clients' interviews as the project and everything else as a further
    one."""
    clients = part(folder / "clients.qdpx", CLIENTS)
    others = part(folder / "others.qdpx", tuple(set(TEXTS) - set(CLIENTS)))
    (folder / "others.csv").write_text(
        "source,kind,phase\nFG1,focus_group,1\nFN1,field_note,2\n", encoding="utf-8"
    )
    further = {"workers": {"project": str(others), "sources": str(folder / "others.csv")}}
    settings = beside(folder, clients, "refi_qda", further_projects=further, **more)
    (folder / "sources.csv").write_text(
        "source,kind,phase,date\nC01_interview,initial_interview,1,2019-02-01\n"
        "C02_interview,initial_interview,1,\n",
        encoding="utf-8",
    )
    (folder / "themes.csv").write_text(
        "theme_id,label,definition,code,descendants\nhelp,Help,,support,yes\n"
        "help,,,workers > support,yes\nwork,Work,,targets,yes\nwork,,,workers > targets,yes\n",
        encoding="utf-8",
    )
    return settings


def test_a_project_cut_in_two_counts_as_it_did_whole(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    whole = load(one / "p.qdpx", beside(one, write_qdpx(one / "p.qdpx"), "refi_qda"))
    settings = cut_in_two(two)
    cut = load(two / "clients.qdpx", settings)
    columns = ["theme_id", "role", "n_participants", "n_eligible", "n_references", "n_sources"]
    counts = [
        table[table["code_id"].isna() & table["attribute"].isna()][columns].reset_index(drop=True)
        for table in (theme_counts(whole), theme_counts(cut))
    ]
    pd.testing.assert_frame_equal(*counts)
    assert set(cut.codes["code_id"]) >= {"support", "workers", "workers > support > accompanied"}
    placed = cut.codings.merge(cut.segments, on="segment_id")
    further = ~placed["source_id"].str.startswith(CLIENTS)
    assert (placed["code_id"].str.startswith("workers > ") == further).all()
    assert set(cut.codings["coder_id"]) == {"coder_1", "coder_2"}  # one person in both projects
    pd.testing.assert_frame_equal(whole.stances, cut.stances)
    assert cut.import_log["message"].str.startswith("workers: ").any()


def test_a_project_together_with_itself_adds_codes_and_nobody(tmp_path: Path) -> None:
    whole = load(tmp_path / "p.qdpx", beside(tmp_path, write_qdpx(tmp_path / "p.qdpx"), "refi_qda"))
    twice = together([whole, below(whole, "again")])
    assert len(twice.codings) == 2 * len(whole.codings)
    pd.testing.assert_frame_equal(twice.segments, whole.segments)
    assert set(twice.sources["codebooks"]) == {"(main); again"}
    pd.testing.assert_frame_equal(
        *(each.sources.drop(columns="codebooks") for each in (twice, whole))
    )
    assert theme_counts(replace(twice, themes=whole.themes)).equals(theme_counts(whole))


def test_every_file_of_the_strand_is_named_and_joined_once(tmp_path: Path) -> None:
    settings = cut_in_two(tmp_path)
    named = {key for key, path in settings.files().items() if path}
    assert {"project", "further_projects, workers, project"} <= named
    moved = settings.with_files(lambda key, path: f"x/{Path(path).name}")
    assert all(path.startswith("x/") for path in moved.files().values() if path)
    assert {key for key, path in moved.files().items() if path} == named
    assert set(FILES) <= set(Qualitative.model_fields)


def stances(folder: Path, text: str) -> Qualitative:
    (folder / "stances.csv").write_text(text, encoding="utf-8")
    return beside(
        folder, write_qdpx(folder / "p.qdpx"), "refi_qda", stances=str(folder / "stances.csv")
    )


def test_stances_by_identifier_place_and_words(tmp_path: Path) -> None:
    first = load(tmp_path / "p.qdpx", stances(tmp_path, "claim_id,stance,segment_id,coder\n"))
    segments = first.segments.set_index("quote")["segment_id"]
    quote = "We chase targets all week."
    start = TEXTS["FG1"].index(quote)
    made = load(
        tmp_path / "p.qdpx",
        stances(
            tmp_path,
            "claim_id,stance,segment_id,source,start,end,quote,coder\n"
            f"drift,Supports,,FG1,{start},{start + len(quote)},,coder_1\n"
            "drift,contradicts,,FN1.txt,,,the  board shows targets met.,Zoe Q\n"
            f"drift,supports,{segments['Nobody can go along.']},,,,,adam p\n",
        ),
    ).stances
    given = made[made["claim_id"] == "drift"]
    assert len(made) == len(first.stances) + 3
    by_segment = dict(zip(given["segment_id"], given["stance"], strict=True))
    assert by_segment[segments[quote]] == "supports"
    assert by_segment[segments["The board shows targets met."]] == "contradicts"
    assert given["coder_id"].tolist().count("coder_1") == 2


def test_stances_that_cannot_be_placed_are_said_at_once(tmp_path: Path) -> None:
    settings = stances(
        tmp_path,
        "claim_id,stance,source,quote,coder\n,suports,FG1,We chase targets all week.,\n"
        "drift,supports,FG1,Nobody said this,eve\n",
    )
    with pytest.raises(DataError) as error:
        load(tmp_path / "p.qdpx", settings)
    told = str(error.value)
    assert told.startswith("5 things") and "Nobody said" not in told and "eve" not in told


def test_a_further_project_named_like_a_top_code_is_refused(tmp_path: Path) -> None:
    settings = cut_in_two(tmp_path)
    named = {"Targets": settings.further_projects["workers"]}
    with pytest.raises(EvalweaveError, match='"Targets" is a top code of clients'):
        load(tmp_path / "clients.qdpx", settings.model_copy(update={"further_projects": named}))
