"""Whoever said nothing that was coded stays in the denominator, whatever the file can list."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalweave.errors import DataError
from evalweave.qualitative.gaps import NO_SOURCE, UNCODED_PARTICIPANT, UNCODED_SOURCE, gaps
from evalweave.qualitative.project import Project
from evalweave.qualitative.readers import load
from evalweave.qualitative.uncoded import nearly
from helpers.counted import counts_of, of_refi, of_segments, settings_of, text_source

ROWS = "Interview 3 Cleo,0,5,Alone,Support,MO\n"
LINKS = "Interview 3 Cleo,C1,,\n"


def listed(project: Project) -> set[tuple[str, str]]:
    return set(gaps(project)[["gap", "item"]].itertuples(index=False, name=None))


def unasked(folder: Path, links: str, kinds: str = "") -> Project:
    """The same without a table of who was asked what: everybody with a source was."""
    of_segments(folder, ROWS, LINKS)
    (folder / "map.csv").write_text("source,participant,start,end\n" + links)
    settings = settings_of(folder, folder / "seg.csv", "segments")
    more = {"eligibility": None, "source_participants": str(folder / "map.csv")}
    if kinds:
        (folder / "sources.csv").write_text("source,kind\n" + kinds)
        more["sources"] = str(folder / "sources.csv")
    return load(folder / "seg.csv", settings.model_copy(update=more))


def test_an_interview_without_a_coding_counts_in_the_denominator(tmp_path: Path) -> None:
    assert counts_of(unasked(tmp_path, LINKS))["client"] == (1, 1, "complete")
    kinds = "Interview 3 Cleo,interview\nInterview 4 Fay,interview\n"
    more = LINKS + "Clients\\Interview 4 Fay,C2,,\n"
    project = unasked(tmp_path, more, kinds)
    assert counts_of(project)["client"] == (1, 2, "complete")
    assert project.sources["name"].tolist() == ["Interview 3 Cleo", "Interview 4 Fay"]
    assert project.sources["kind"].tolist() == ["interview", "interview"]
    found = {gap for gap, item in listed(project)}
    assert {UNCODED_SOURCE, UNCODED_PARTICIPANT} <= found
    assert (NO_SOURCE, "C2") not in listed(project) and (NO_SOURCE, "F1") in listed(project)
    assert project.import_log["message"].str.contains("sources without any coding").any()


def test_a_name_that_is_nearly_one_of_the_file_is_asked_about(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'row 3.*Did you mean "Interview 3 Cleo".*give each'):
        of_segments(tmp_path, ROWS, LINKS + "Interviw 3 Cleo,C2,,\n")
    both = "Interview 3 Cleo,interview,\nInterview 3 Clea,interview,\n"
    project = of_segments(tmp_path, ROWS, LINKS + "Interview 3 Clea,C2,,\n", both)
    assert len(project.sources) == 2
    with pytest.raises(DataError, match="Did you mean"):
        of_segments(tmp_path, ROWS, LINKS, "Interview 3 Clea,interview,\n")


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("Interview3 Cleo", "interview 3 cleo", True),
        ("Int_3_Cleo.docx", "Int 3 Cleo", True),
        ("Intervie 3", "Interview 3", True),
        ("Intreview 3", "Interview 3", True),
        ("Interview 5", "Interview 3", False),
        ("Interview 13", "Interview 3", False),
        ("Int A", "Int B", False),
        ("Interview 5 Fay", "Interview 3 Cleo", False),
        ("C1", "C11", False),
    ],
)
def test_what_is_near(one: str, other: str, near: bool) -> None:
    assert nearly(one, other) is nearly(other, one) is near


def test_a_project_that_lists_all_its_sources_refuses_and_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lists all of its sources.*take the row out"):
        of_refi(tmp_path, text_source("s", "Anna", "We are on"), "Anna,C1\nFay,C2\n")
