"""The same project in every format gives the same tables wherever the format carries the
information."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from evalweave.qualitative.agreement import agreement
from evalweave.qualitative.cooccurrence import cooccurrence
from evalweave.qualitative.counts import fieldwork, theme_counts
from evalweave.qualitative.project import Project
from evalweave.qualitative.readers import load
from helpers.coded_projects import (
    SEGMENT_COLUMNS,
    TURNS,
    Style,
    beside,
    turns_as_map,
    write_qdpx,
    write_qualcoder,
    write_segments,
    write_taguette,
)


def loaded(folder: Path, project: Path, format_: str, **more: object) -> Project:
    return load(project, beside(folder, project, format_, **more))


@pytest.fixture
def refi(tmp_path: Path) -> Project:
    return loaded(tmp_path, write_qdpx(tmp_path / "p.qdpx"), "refi_qda")


def with_map(folder: Path) -> dict[str, object]:
    (folder / "map.csv").write_text(turns_as_map(), encoding="utf-8")
    return {"source_participants": str(folder / "map.csv")}


def warnings_of(project: Project) -> str:
    rows = project.import_log
    return "\n".join(rows.loc[rows["severity"] == "warning", "message"])


def test_theme_counts_by_hand(refi: Project) -> None:
    counts = theme_counts(refi, ["gender"])
    rows = {
        (r.theme_id, r.code_id if pd.notna(r.code_id) else "", r.role): (
            r.n_participants,
            r.n_eligible,
            r.n_references,
            r.n_sources,
        )
        for r in counts[counts["attribute"].isna()].itertuples()
    }
    assert rows["help", "", "client"] == (2, 2, 3, 2)
    assert rows["help", "support > practical", "client"] == (2, 2, 2, 2)
    assert (
        rows["help", "support", "client"] == rows["help", "", "client"]
    )  # a heading holds what is below it
    assert rows["help", "", "link_worker"] == (1, 2, 1, 1)
    assert rows["work", "", "link_worker"] == (1, 2, 2, 1)  # LW1 twice is one person
    assert rows["work", "", "client"] == (0, 2, 0, 0)
    observed = rows["work", "", "observation"]
    assert pd.isna(observed[0]) and pd.isna(observed[1]) and observed[2:] == (1, 1)
    women = counts[(counts["attribute_level"] == "female") & (counts["theme_id"] == "help")]
    assert women["n_participants"].tolist() == [1] and women["n_eligible"].tolist() == [1]


def test_stances_leave_the_code_book(refi: Project) -> None:
    assert refi.codes["code_id"].tolist() == [
        "support",
        "support > accompanied",
        "support > practical",
        "targets",
    ]
    assert refi.stances["claim_id"].tolist() == ["deprivation", "deprivation"]
    assert sorted(refi.stances["stance"]) == ["contradicts", "supports"]
    assert not refi.codings["code_id"].str.startswith("claim").any()


def test_field_notes_belong_to_nobody_and_roles_are_apart(refi: Project) -> None:
    done = fieldwork(refi)
    rows = {(r.role, r.kind): (r.n_sources, r.n_participants) for r in done.itertuples()}
    assert rows["client", "initial_interview"] == (2, 2)
    assert rows["link_worker", "focus_group"] == (1, 2)
    assert rows["observation", "field_note"][0] == 1 and pd.isna(
        rows["observation", "field_note"][1]
    )


def everybody_asked(folder: Path) -> dict[str, object]:
    """Without it a segments file would lose who was asked and never coded."""
    rows = [f"{who},{theme},yes" for who in TURNS for theme in ("help", "work")]
    (folder / "eligibility.csv").write_text(
        "participant_id,theme_id,eligible\n" + "\n".join(rows) + "\n"
    )
    return {"eligibility": str(folder / "eligibility.csv")}


def test_every_format_gives_the_same_counts(tmp_path: Path, refi: Project) -> None:
    expected = theme_counts(refi, ["gender"])
    asked = everybody_asked(tmp_path)
    taguette = loaded(
        tmp_path, write_taguette(tmp_path / "p.sqlite3"), "taguette", **with_map(tmp_path), **asked
    )
    qualcoder = loaded(tmp_path, write_qualcoder(tmp_path / "p.qda"), "qualcoder", **asked)
    segments = loaded(
        tmp_path, write_segments(tmp_path / "p.csv"), "segments", columns=SEGMENT_COLUMNS, **asked
    )
    for other in (taguette, qualcoder, segments):
        pd.testing.assert_frame_equal(theme_counts(other, ["gender"]), expected)
        done = fieldwork(other)[["role", "kind"]].drop_duplicates()
        done = done[done["role"] != "unattributed"].reset_index(drop=True)  # QualCoder's photo
        pd.testing.assert_frame_equal(done, fieldwork(refi)[["role", "kind"]].drop_duplicates())
        pd.testing.assert_frame_equal(cooccurrence(other), cooccurrence(refi))
    pd.testing.assert_frame_equal(
        qualcoder.stances[["claim_id", "stance", "coder_id"]],
        refi.stances[["claim_id", "stance", "coder_id"]],
    )
    assert "does not record who" in "\n".join(taguette.import_log["message"])
    assert set(taguette.codings["coder_id"]) == {"coder_1"}
    by_segment = [
        agreement(p)
        .query("agreement_unit == 'segment' and source_id.isna()")  # each names sources its way
        .reset_index(drop=True)
        for p in (refi, qualcoder, segments)
    ]
    for other in by_segment[1:]:
        pd.testing.assert_frame_equal(other, by_segment[0])


def test_an_old_qualcoder_database_reads(tmp_path: Path, refi: Project) -> None:
    old = loaded(tmp_path, write_qualcoder(tmp_path / "old.qda", old=True), "qualcoder")
    pd.testing.assert_frame_equal(theme_counts(old), theme_counts(refi))
    assert "version that was not tested" not in warnings_of(old)


@pytest.mark.parametrize("links", ["selection", "coding"])
def test_conventions_that_carry_turns_agree(tmp_path: Path, refi: Project, links: str) -> None:
    other = loaded(tmp_path, write_qdpx(tmp_path / "o.qdpx", Style(links=links)), "refi_qda")
    pd.testing.assert_frame_equal(theme_counts(other, ["gender"]), theme_counts(refi, ["gender"]))


def test_focus_group_linked_as_a_whole_counts_nobody(tmp_path: Path) -> None:
    other = loaded(
        tmp_path, write_qdpx(tmp_path / "o.qdpx", Style(links="source_only")), "refi_qda"
    )
    counts = theme_counts(other)
    workers = counts[(counts["role"] == "link_worker") & counts["code_id"].isna()]
    assert workers["n_participants"].isna().all()  # not known is not no
    assert workers["attributed"].tolist() == ["not known", "not known"]
    assert "linked as a whole to several people" in warnings_of(other)
    lost = counts[(counts["role"] == "unattributed") & counts["code_id"].isna()]
    assert lost["n_references"].tolist() == [1, 2] and lost["n_participants"].isna().all()


def test_a_variable_on_the_source_links_its_person(tmp_path: Path) -> None:
    other = loaded(tmp_path, write_qdpx(tmp_path / "o.qdpx", Style(links="variable")), "refi_qda")
    assert sorted(other.source_participants["participant_id"]) == ["C01", "C02"]
    assert set(other.source_participants["basis"]) == {"variable"}


def test_lost_links_are_said_and_repaired_by_a_map(tmp_path: Path, refi: Project) -> None:
    project = write_qdpx(tmp_path / "o.qdpx", Style(links="none"))
    lost = loaded(tmp_path, project, "refi_qda")
    assert "nobody is linked to" in warnings_of(lost)
    assert theme_counts(lost)["n_participants"].fillna(0).sum() == 0
    repaired = loaded(tmp_path, project, "refi_qda", **with_map(tmp_path))
    pd.testing.assert_frame_equal(theme_counts(repaired), theme_counts(refi))


def test_a_map_overrides_what_the_project_says(tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("source,participant\nC01_interview,C02\n")
    project = write_qdpx(tmp_path / "o.qdpx")
    other = loaded(tmp_path, project, "refi_qda", source_participants=str(tmp_path / "map.csv"))
    links = other.source_participants
    assert links.loc[links["source_id"].str.startswith("C01"), "participant_id"].tolist() == ["C02"]
    assert links.loc[links["source_id"].str.startswith("C02"), "participant_id"].tolist() == ["C02"]


@pytest.mark.parametrize(
    "style",
    [
        Style(upper=True, prefix="other", qde="My Project.qde", folder="Sources"),
        Style(nested="dotted", bom=True),
        Style(nested="colons", newline="crlf", unit="utf16"),
    ],
    ids=["reissued GUIDs", "dotted names", "colons"],
)
def test_tables_do_not_depend_on_the_program(tmp_path: Path, refi: Project, style: Style) -> None:
    other = loaded(tmp_path, write_qdpx(tmp_path / "o.qdpx", style), "refi_qda")
    for name in ("segments", "codings", "stances", "source_participants", "codes"):
        pd.testing.assert_frame_equal(getattr(other, name), getattr(refi, name))


def test_coders_are_numbered_by_name_and_names_are_dropped(refi: Project) -> None:
    first = refi.codings[refi.codings["coded_at"].str.startswith("2020-01-01")]
    assert set(first["coder_id"]) == {"coder_1"}  # Adam before Zoe, whatever the order in the file
    everything = "\n".join(table.to_csv() for table in refi.tables().values())
    assert "Zoe" not in everything and "Adam" not in everything and "internal://" not in everything


def test_without_eligibility_everyone_with_a_source_counts_as_asked(refi: Project) -> None:
    assert refi.eligibility["eligible"].all() and len(refi.eligibility) == 8
    assert "everyone with a source" in warnings_of(refi)


def test_people_who_were_not_asked_are_not_counted_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "eligibility.csv").write_text(
        "participant_id,theme_id,eligible,reason\nC01,help,no,not "
        "asked\nC02,help,yes,\nLW1,work,yes,\n"
    )
    project = write_qdpx(tmp_path / "o.qdpx")
    other = loaded(tmp_path, project, "refi_qda", eligibility=str(tmp_path / "eligibility.csv"))
    counts = theme_counts(other)
    row = counts[
        (counts["theme_id"] == "help") & (counts["role"] == "client") & counts["code_id"].isna()
    ].iloc[0]
    assert (row.n_participants, row.n_eligible, row.n_references) == (1, 1, 1)
    assert "not listed as asked" in warnings_of(other)


def test_a_shared_interview_linked_as_a_whole_counts_nobody(refi: Project) -> None:
    extra = refi.source_participants.assign(participant_id="C02").head(1)
    shared = replace(
        refi, source_participants=pd.concat([refi.source_participants, extra], ignore_index=True)
    )
    counts = theme_counts(shared)
    row = counts[
        (counts["theme_id"] == "help") & (counts["role"] == "client") & counts["code_id"].isna()
    ].iloc[0]
    assert row.n_participants == 1  # only C02's own interview is left
