"""Words of somebody who cannot be found, of several people or of two projects, worked out by hand.

Nobody answers for the words of a stranger, a group or a namesake.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from evalweave.errors import DataError
from evalweave.qualitative.gaps import NO_SOURCE, gaps
from evalweave.qualitative.project import Project
from evalweave.qualitative.readers import load
from evalweave.qualitative.refi_out import qdpx
from helpers.counted import (
    SELECTED,
    counts_of,
    of_refi,
    of_segments,
    settings_of,
    text_source,
)

OTHER = '<Coding creatingUser="u"><CodeRef targetGUID="d"/></Coding>'
AT_A = '<Case guid="k" name="C1"><SelectionRef targetGUID="a"/></Case>'


def of_rows(folder: Path, rows: str, header: str = "source,code,quote,participant", **more):
    """Rows of coded segments that name their people; everybody was asked unless `more` says."""
    (folder / "seg.csv").write_text(f"{header}\n{rows}", encoding="utf-8")
    settings = settings_of(folder, folder / "seg.csv", "segments", **more)
    return load(folder / "seg.csv", settings)


@pytest.mark.parametrize("who", ["Bee", "Interviewer", "Husband", "C 2", ""])
@pytest.mark.parametrize("placed", [False, True])
def test_words_of_a_stranger_are_not_the_other_ones(tmp_path: Path, who: str, placed: bool) -> None:
    header = "source,code,quote,participant" + (",start,end" if placed else "")
    first, second = (",0,5", ",10,20") if placed else ("", "")
    rows = f"D,Other,hello there,C1{first}\nD,Support,i was helped,{who}{second}\n"
    counts = counts_of(of_rows(tmp_path, rows, header))
    assert counts["client"] == (None, 2, "not known")
    # who was there is known unless a name matches nobody
    assert counts["family"] == ((None, 1, "not known") if who else (0, 1, "complete"))


def test_a_stranger_leaves_the_count_of_those_who_did_open(tmp_path: Path) -> None:
    rows = "I,Support,one,C1\nJ,Support,two,C-2\n"
    assert counts_of(of_rows(tmp_path, rows))["client"] == (1, 2, "at least")


def test_who_has_no_source_may_be_who_was_not_matched(tmp_path: Path) -> None:
    """Without a table of who was asked, a misspelt name must not lower both k and N in silence."""
    rows = "I,Support,one,C1\nJ,Support,two,C-2\n"
    project = of_rows(tmp_path, rows, eligibility=None)
    assert counts_of(project)["client"] == (1, 1, "at least")


def test_somebody_named_on_every_row_has_the_source(tmp_path: Path) -> None:
    links = of_rows(tmp_path, "I,Support,one,C1\nI,Other,two,c1\n").source_participants
    assert links["segment_id"].isna().all() and links["participant_id"].tolist() == ["C1"]


def region(guid: str, code: str = SELECTED) -> str:
    return (
        f'<PictureSelection guid="{guid}" firstX="{len(guid)}" firstY="2" secondX="9" secondY="8">'
        f"{code}</PictureSelection>"
    )


def test_a_region_of_a_picture_is_not_the_picture(tmp_path: Path) -> None:
    photo = f'<PictureSource guid="p" name="photo">{region("a", OTHER)}{region("bb")}'
    project = of_refi(tmp_path, photo + "</PictureSource>", cases=AT_A)
    counts = counts_of(project)
    assert counts["client"] == (None, 2, "not known") and counts["family"] == (0, 1, "complete")
    alone = f'<PictureSource guid="p" name="photo">{region("a")}</PictureSource>'
    assert counts_of(of_refi(tmp_path, alone, cases=AT_A))["client"] == (1, 2, "complete")


@pytest.mark.parametrize("code", [OTHER, ""])
def test_a_turn_beyond_the_end_is_not_the_whole_text(tmp_path: Path, code: str) -> None:
    beyond = f'<PlainTextSelection guid="a" startPosition="900" endPosition="950">{code}'
    source = text_source("1", "talk", "Help came to both of us").replace(
        "</TextSource>", f"{beyond}</PlainTextSelection></TextSource>"
    )
    project = of_refi(tmp_path, source, cases=AT_A)
    assert counts_of(project)["client"] == (None, 2, "not known")
    (tmp_path / "back.qdpx").write_bytes(qdpx(project, stance_prefix="claim"))


def test_a_whole_source_that_a_stranger_shares_is_shared(tmp_path: Path) -> None:
    rows = "D,Support,one,C1;Husband\nD,Other,two,C1;Husband\n"
    assert counts_of(of_rows(tmp_path, rows))["client"] == (None, 2, "not known")


@pytest.mark.parametrize("turns", ["D,C1,,\nD,L1,,\nD,C1,0,10\n", "D,L1,200,300\nD,C1,0,10\n"])
def test_a_touched_turn_does_not_clear_the_others(tmp_path: Path, turns: str) -> None:
    counts = counts_of(of_segments(tmp_path, "D,8,100,,Support,MO\n", turns))
    assert counts["client"] == (None, 2, "not known")
    assert counts["link_worker"] == (None, 2, "not known")
    assert counts["family"] == (0, 1, "complete")


@pytest.mark.parametrize("places", [("", ""), (",0,9", ",10,20")])
@pytest.mark.parametrize(
    ("declared", "clients", "group"),
    [
        ("group", (None, 2, "not known"), True),
        ("unknown", (None, 2, "not known"), False),
        ("each", (2, 2, "complete"), False),
        ("", (2, 2, "complete"), False),
    ],
)
def test_rows_that_list_several_are_what_is_declared(
    tmp_path: Path, declared: str, clients: tuple[object, ...], group: bool, places: tuple[str, str]
) -> None:
    (tmp_path / "s.csv").write_text(f"source,kind,shared\nFG,focus_group,{declared}\n")
    header = "source,code,quote,participant" + (",start,end" if places[0] else "")
    rows = f"FG,Support,aaa,C1;C2;L1{places[0]}\nFG,Other,bbb,C1;C2{places[1]}\n"
    counts = counts_of(of_rows(tmp_path, rows, header, sources=str(tmp_path / "s.csv")))
    assert counts["client"] == clients and ("group" in counts) == group


def two_projects(folder: Path) -> Project:
    (folder / "w.csv").write_text("source,code,quote,participant\nTalk 1,Support,did help,L1\n")
    (folder / "t.csv").write_text("theme_id,label,code\nT,T,Support\nT,,w > Support\n")
    further = {"w": {"project": str(folder / "w.csv"), "format": "segments"}}
    more = {"further_projects": further, "themes": str(folder / "t.csv"), "eligibility": None}
    return of_rows(folder, "Talk 1,Support,i was helped,C1\n", **more)


def test_sources_of_one_name_in_two_projects_stay_two_without_a_text(tmp_path: Path) -> None:
    project = two_projects(tmp_path)
    counts = counts_of(project)
    assert counts["client"] == counts["link_worker"] == (1, 1, "complete")
    assert len(project.sources) == 2
    assert "same name in several projects" in "\n".join(project.import_log["message"])


def test_a_row_that_means_two_sources_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("source,kind\nI,field note\n")
    header = "source,group,code,quote,participant"
    rows = "I,Clients,Support,aaa,C1\nI,Notes,Support,bbb,C2\n"
    with pytest.raises(DataError, match=r'row 2, column source.*"I", which is not unique'):
        of_rows(tmp_path, rows, header, sources=str(tmp_path / "s.csv"))


@pytest.mark.parametrize(("end", "k"), [(51, 1), (55, 1), (56, 2)])
def test_a_slip_beyond_a_turn_makes_no_speaker(tmp_path: Path, end: int, k: int) -> None:
    project = of_segments(tmp_path, f"I,10,{end},,Support,MO\n", "I,C1,,\nI,C2,10,50\n")
    assert counts_of(project)["client"] == (k, 2, "complete")


@pytest.mark.parametrize(("columns", "place"), [("start", "9"), ("start,end", "9,")])
def test_a_start_without_an_end_is_refused(tmp_path: Path, columns: str, place: str) -> None:
    with pytest.raises(DataError, match="row 2, column end: found a blank"):
        of_rows(tmp_path, f"I,Support,{place}\n", f"source,code,{columns}")


def test_who_is_seen_in_field_notes_only_was_not_heard(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("source,kind\nI,interview\nN,field note\n")
    rows = "I,Support,one,C1\nN,Support,two,C2\n"
    more = {"sources": str(tmp_path / "s.csv"), "eligibility": None}
    assert counts_of(of_rows(tmp_path, rows, **more))["client"] == (1, 1, "complete")
    asked = gaps(of_rows(tmp_path, rows, sources=more["sources"]))
    listed = set(asked.loc[asked["gap"] == NO_SOURCE, "item"])
    assert "C2" in listed and "C1" not in listed


@pytest.mark.parametrize("mark", ["\u200e", "\u200d", "\u200b", "\u2066", "\ufe0f", "\u034f"])
def test_marks_that_nobody_sees_change_no_name(tmp_path: Path, mark: str) -> None:
    project = of_rows(tmp_path, f"I,Support{mark},one,C1{mark}\nJ,Support,two,C{mark}2\n")
    assert counts_of(project)["client"] == (2, 2, "complete")


def test_themes_of_two_spellings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("theme_id,label,code\nT,T,Support\nt,T,Money\n")
    with pytest.raises(DataError, match=r'row 3, column theme_id.*"t", which is "T" above'):
        of_rows(tmp_path, "I,Support,one,C1\n", themes=str(tmp_path / "t.csv"))


def test_a_stretch_without_a_code_that_names_somebody_is_kept(tmp_path: Path) -> None:
    project = of_rows(tmp_path, "I,Support,one,C1\nI,,two,C1\nI,,three,\n")
    log = project.import_log.set_index("message")["n"]
    assert len(project.segments) == 3
    assert log[log.index.str.contains("marked stretches without a code")].tolist() == [2]


@pytest.mark.parametrize("name", ["::", ".", ">", "\\", "a::"])
def test_a_code_of_separators_is_not_lost(tmp_path: Path, name: str) -> None:
    (tmp_path / "t.csv").write_text(f"theme_id,label,code\nT,T,{name}\n")
    project = of_rows(tmp_path, f"I,{name},one,C1\n", themes=str(tmp_path / "t.csv"))
    assert project.codings["code_id"].tolist() == [name.removesuffix("::") or name]
    assert counts_of(project)["client"] == (1, 2, "complete")


def test_the_same_words_in_two_forms_are_one_reference(tmp_path: Path) -> None:
    header = "source,code,quote,participant,coder"
    rows = "I,Support,i  was at the caf\u00e9,C1,k1\nI,Support,i was at the cafe\u0301,C1,k2\n"
    project = of_rows(tmp_path, rows, header)
    assert len(project.segments) == 1 and len(project.codings) == 2
    turned = of_rows(tmp_path, "".join(reversed(rows.splitlines(keepends=True))), header)
    assert turned.segments["segment_id"].tolist() == project.segments["segment_id"].tolist()


def test_the_order_of_rows_names_no_source(tmp_path: Path) -> None:
    header = "source,group,code,start,end,quote,participant"
    rows = ["I,Clients,Support,0,9,at length,C1\n", "I,Workers,Support,0,9,in short.,L1\n"]
    first, second = (of_rows(tmp_path, "".join(o), header).segments for o in (rows, rows[::-1]))
    ids = [dict(zip(s["quote"], s["segment_id"], strict=True)) for s in (first, second)]
    assert ids[0] == ids[1] and len(set(ids[0].values())) == 2
