"""How programs write who speaks where, each in a project whose counts are known by hand."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from evalweave.errors import DataError
from evalweave.qualitative.agreement import agreement
from evalweave.qualitative.formats import refi
from evalweave.qualitative.project import Project
from evalweave.qualitative.readers import load
from evalweave.qualitative.refi_out import qdpx
from helpers.coded_projects import CODES, TEXTS, beside, write_qualcoder
from helpers.counted import (
    SELECTED,
    counts_of,
    of_refi,
    of_segments,
    settings_of,
    text_source,
    warnings_of,
)

GROUP = "We are all worn out, all of us."


def of_qualcoder(folder: Path, *statements: str) -> Project:
    path = write_qualcoder(folder / "p.qda")
    with sqlite3.connect(path / "data.qda") as database:
        for statement in statements:
            database.execute(statement)
    database.close()
    return load(path, beside(folder, path, "qualcoder"))


@pytest.mark.parametrize("short", [0, 1])  # older versions end one character early
def test_a_file_that_qualcoder_adds_to_several_cases_is_no_turn_of_each(
    tmp_path: Path, short: int
) -> None:
    length = len(TEXTS["FG1"]) - short
    links = f"INSERT INTO case_text VALUES (2, 2, 0, {length}), (3, 2, 0, {length})"
    project = of_qualcoder(tmp_path, "DELETE FROM case_text WHERE fid = 2", links)
    assert counts_of(project, "work")["link_worker"] == (None, 2, "not known")
    assert "linked as a whole to several people" in warnings_of(project)


def test_a_recording_and_its_transcript_belong_to_the_same_people(tmp_path: Path) -> None:
    project = of_qualcoder(
        tmp_path,
        "ALTER TABLE source ADD av_text_id INTEGER",
        "INSERT INTO source VALUES (10, 'talk.mp3', NULL, 'audio:talk.mp3', 11)",
        "INSERT INTO source VALUES (11, 'talk.mp3.txt', 'Targets, again.', NULL, NULL)",
        f"INSERT INTO code_text VALUES ({CODES.index('targets')}, 11, 'Targets', 0, 7, 'zoe', '')",
        "INSERT INTO case_text VALUES (1, 10, 0, 0)",
    )
    assert counts_of(project, "work")["client"] == (1, 2, "complete")


def test_a_text_linked_from_nought_to_nought_is_linked_as_a_whole(tmp_path: Path) -> None:
    link = "UPDATE case_text SET pos0 = 0, pos1 = 0 WHERE caseid = 1"
    assert counts_of(of_qualcoder(tmp_path, link), "help")["client"] == (2, 2, "complete")


def test_a_group_whose_text_is_coded_to_each_case_is_a_shared_source(tmp_path: Path) -> None:
    """NVivo codes a file to a case as one stretch of all of it."""
    whole = "".join(
        f'<PlainTextSelection guid="w{who}" startPosition="0" endPosition="{len(GROUP)}">'
        f'<Coding><CodeRef targetGUID="k{who}"/></Coding></PlainTextSelection>'
        for who in ("L1", "L2")
    )
    source = text_source("1", "group", GROUP).replace("</TextSource>", whole + "</TextSource>")
    cases = "".join(f'<Case guid="k{who}" name="{who}"/>' for who in ("L1", "L2"))
    project = of_refi(tmp_path, source, cases=cases)
    assert counts_of(project)["link_worker"] == (None, 2, "not known")
    each = of_refi(tmp_path, source, cases=cases, shared_sources="each")
    assert counts_of(each)["link_worker"] == (2, 2, "complete")


def test_a_case_that_is_a_code_too_says_who_speaks(tmp_path: Path) -> None:
    """NVivo lists cases among the codes, under the identifier of the case."""
    both = SELECTED + '<Coding creatingUser="u"><CodeRef targetGUID="kC1"/></Coding>'
    source = text_source("1", "first", "Help came and went", both)
    codes = '<Code guid="top" name="Cases"><Code guid="kC1" name="C1"/></Code>'
    case = '<Case guid="kC1" name="C1"><CodeRef targetGUID="kC1"/></Case>'
    project = of_refi(tmp_path, source, cases=case, codes=codes)
    assert counts_of(project)["client"] == (1, 2, "complete")
    assert "Cases > C1" not in set(project.codes["code_id"])
    assert "dangling" not in warnings_of(project)


def test_a_text_coded_as_a_whole_counts_for_its_person_and_leaves_agreement(
    tmp_path: Path,
) -> None:
    """It has no stretch: characters and segments do not know it, the document does."""
    users = '<User guid="u" name="Ann"/><User guid="v" name="Ben"/>'
    stretch = SELECTED.replace('"c"', '"d"')
    twice = stretch + stretch.replace('"u"', '"v"')
    source = text_source("1", "first", "Help came and went", twice)
    coded = source.replace("</TextSource>", SELECTED + "</TextSource>")
    plain = of_refi(tmp_path, source, "first,C1\n", users=users)
    whole = of_refi(tmp_path, coded, "first,C1\n", users=users)
    assert counts_of(plain)["client"] == (0, 2, "complete")
    assert counts_of(whole)["client"] == (1, 2, "complete")
    units = agreement(whole).groupby("agreement_unit")["n_units"].max()
    assert set(units.index) == {"character", "segment", "document"}
    written = tmp_path / "out.qdpx"
    written.write_bytes(qdpx(whole))
    assert len(refi.read(written).selections) == len(whole.segments) + 1  # one a coder


def test_cases_without_links_name_the_program_that_drops_them(tmp_path: Path) -> None:
    project = of_refi(
        tmp_path, text_source("1", "first", "Help"), cases='<Case guid="k" name="C1"/>'
    )
    said = project.import_log["message"]
    assert said.str.contains("QualCoder writes no link of a case").sum() == 1


@pytest.mark.parametrize("kind", ["Field notes", "fieldnote", "Observations", "FIELD-NOTES"])
def test_notes_of_the_field_are_nobodys_in_every_form_of_the_word(
    tmp_path: Path, kind: str
) -> None:
    project = of_segments(tmp_path, "N,0,5,Alone,Support,MO\n", "N,C1,,\n", f"N,{kind},\n")
    counts = counts_of(project)
    assert counts["client"] == (0, 2, "complete") and "observation" in counts


# Tables -------------------------------------------------------------------------------------------


def of_table(folder: Path, text: str, **more: object) -> Project:
    path = folder / "seg.csv"
    path.write_text(text, encoding="utf-8")
    return load(path, settings_of(folder, path, "segments", **more))


def test_the_same_words_of_two_people_are_two_stretches(tmp_path: Path) -> None:
    rows = "source,quote,code,participant\nG,Yes.,Support,C1\nG,Yes.,Other,C2\nG,No.,Other,C2\n"
    assert counts_of(of_table(tmp_path, rows))["client"] == (1, 2, "complete")


@pytest.mark.parametrize("written", [r"Cases\\Clients\\C1", r"Cases\C1; Cases\L1"])
def test_a_case_below_its_folders_is_the_person(tmp_path: Path, written: str) -> None:
    project = of_table(tmp_path, f"source,quote,code,case\nG,One,Support,{written}\nG,x,Y,C2\n")
    assert counts_of(project)["client"] == (1, 2, "complete")


@pytest.mark.parametrize("column", ["Participant ID", "speaker", "Teilnehmer", "Entrevistado"])
def test_a_column_that_says_who_speaks_is_read_under_its_other_names(
    tmp_path: Path, column: str
) -> None:
    project = of_table(tmp_path, f"source,quote,code,{column}\nG,Alone,Support,C1\n")
    assert counts_of(project)["client"] == (1, 2, "complete")


def test_documents_of_one_name_in_two_groups_are_two_sources(tmp_path: Path) -> None:
    """MAXQDA lets every group have its interview 1."""
    rows = (
        "Document group,Document name,Code,Segment\nClients,Interview 1,Support,One\n"
        "Workers,Interview 1,Other,Two\nWorkers,Interview 2,Support,Three\n"
    )
    (tmp_path / "map.csv").write_text(
        "source,participant\nClients\\Interview 1,C1\nWorkers\\Interview 1,L1\nInterview 2,L2\n"
    )
    project = of_table(tmp_path, rows, source_participants=str(tmp_path / "map.csv"))
    counts = counts_of(project)
    assert counts["client"] == (1, 2, "complete") and counts["link_worker"] == (1, 2, "complete")


def test_a_source_in_several_spellings_is_one_and_said(tmp_path: Path) -> None:
    rows = "source,quote,code\nCafé 1,One,Other\nCafe\u0301 1,Two,Support\n"
    (tmp_path / "map.csv").write_text("source,participant\ncafé 1,C1\n", encoding="utf-8")
    project = of_table(tmp_path, rows, source_participants=str(tmp_path / "map.csv"))
    assert counts_of(project)["client"] == (1, 2, "complete") and len(project.sources) == 1
    assert "read as one source" in warnings_of(project)


def test_two_coders_in_a_cell_are_two_coders(tmp_path: Path) -> None:
    rows = "source,quote,code,coder\nG,One,Support,AB; CD\nG,Two,Support,AB\nG,Three,Other,CD\n"
    project = of_table(tmp_path, rows)
    assert project.codings.groupby("coder_id").size().tolist() == [2, 2]


def test_bars_part_lists_and_lists_that_cannot_be_parted_are_said(tmp_path: Path) -> None:
    head = "source,quote,code,participant\n"
    rows = "G,One,Support | Other,C1\nG,Two,Other,C2\nG,Three,Support,C2\n"
    assert counts_of(of_table(tmp_path, head + rows))["client"] == (2, 2, "complete")
    project = of_table(
        tmp_path, head + 'G,One,"More, Other",C1\nG,Two,"Support, More",C2\nG,x,Support,C1\n'
    )
    assert "seem to hold several names" in warnings_of(project)


def test_a_stance_under_another_word_is_said(tmp_path: Path) -> None:
    rows = "source,quote,code,participant\nG,One,claims::trust::supports,C1\nG,Two,Support,C1\n"
    project = of_table(tmp_path, rows)
    assert project.stances.empty and "Set `stance_prefix`" in warnings_of(project)


def test_superscripts_and_digits_are_two_people(tmp_path: Path) -> None:
    """Full width is no other name; another character is."""
    rows = "source,quote,code,participant\nG,One,Support,Ｃ１\nG,Two,Support,C²\n"
    project = of_table(tmp_path, rows)
    assert counts_of(project)["client"] == (1, 2, "at least")  # C² is nobody of them
    assert "not in the table of participants were left out" in warnings_of(project)


@pytest.mark.parametrize("mark", [", ", " / ", " + ", "|", " & "])
def test_a_code_that_stands_in_lists_only_is_refused_and_not_counted_as_nobodys(
    tmp_path: Path, mark: str
) -> None:
    rows = f'source,quote,code,participant\nG,One,"Support{mark}Other",C1\n'
    with pytest.raises(DataError, match=r'"Support" of the themes only as a part of "Support.*Put'):
        of_table(tmp_path, rows)


@pytest.mark.parametrize("between", ["; ", ", ", " & ", " und ", "/"])
def test_people_of_whom_every_row_says_all_are_a_list_of_who_was_there(
    tmp_path: Path, between: str
) -> None:
    everybody = between.join(("L1", "L2"))
    rows = f'G,One,Support,"{everybody}"\nG,Two,Support,"{everybody}"\n'
    project = of_table(tmp_path, "source,quote,code,participant\n" + rows)
    assert counts_of(project)["link_worker"] == (None, 2, "not known")


def test_a_group_of_which_one_is_linked_is_not_hers_alone(tmp_path: Path) -> None:
    rows, kinds = "G,0,5,We all,Support,MO\n", "G,Fokusgruppe,\n"
    project = of_segments(tmp_path, rows, "G,L1,,\n", kinds)
    assert counts_of(project)["link_worker"][2] == "not known"


def test_a_coding_that_names_no_coder_is_compared_with_nobody(tmp_path: Path) -> None:
    rows = "source,quote,code,coder\nG,One,Support,AB\nG,One,Other,\n"
    project = of_table(tmp_path, rows)
    assert agreement(project).empty and "name no coder" in warnings_of(project)


def test_columns_of_a_matrix_are_roles_in_the_plural_and_below_an_attribute(
    tmp_path: Path,
) -> None:
    rows = ",A : Person:Role = Clients,B : Link workers,C : Nurses,Totaal\n1 : Support,2,1,3,6\n"
    path = tmp_path / "m.csv"
    path.write_text(rows)
    project = load(path, settings_of(tmp_path, path, "counts", counts_are="participants"))
    counts = counts_of(project)
    assert counts["client"] == (2, 2, "") and counts["link_worker"] == (1, 2, "")
    assert "no role of the participants" in warnings_of(project)


def test_whole_numbers_that_a_spreadsheet_wrote_with_a_nought_behind(tmp_path: Path) -> None:
    project = of_segments(tmp_path, "G,0.0,9.0,We are on,Support,MO\n", "G,L1,0.0,9.0\n")
    assert counts_of(project)["link_worker"] == (1, 2, "complete")
    (tmp_path / "m.csv").write_text("code,client\nSupport,2.0\n")
    matrix = settings_of(tmp_path, tmp_path / "m.csv", "counts", counts_are="participants")
    assert counts_of(load(tmp_path / "m.csv", matrix))["client"] == (2, 2, "")
