"""Nobody is silently zero: words of one, of each of several, of a group, or of nobody known.

The small projects are made here; those with pictures and recordings follow REFI-QDA 1.5.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from evalweave.cli import app
from evalweave.qualitative.agreement import agreement
from evalweave.qualitative.counts import theme_counts
from evalweave.qualitative.readers import load
from evalweave.qualitative.ways_out import participant_codes
from evalweave.triangulation.stances import voices, words_of
from helpers import counted
from helpers.counted import (
    SELECTED,
    counts_of,
    of_refi,
    of_segments,
    refi,
    settings_of,
    text_source,
    warnings_of,
)

WORDS = "G,0,9,We are on,Support,MO\n"


def test_a_group_of_one_role_is_not_known(tmp_path: Path) -> None:
    project = of_segments(tmp_path, WORDS, "G,L1,,\nG,L2,,\n", "G,focus_group,\n")
    counts = counts_of(project)
    assert counts["link_worker"] == (None, 2, "not known")
    assert counts["client"] == (0, 2, "complete")  # no client was there
    assert "linked as a whole to several people" in warnings_of(project)


def test_a_dyad_of_two_roles_leaves_both_open(tmp_path: Path) -> None:
    counts = counts_of(of_segments(tmp_path, WORDS, "G,C1,,\nG,F1,,\n"))
    assert counts["client"] == (None, 2, "not known")
    assert counts["family"] == (None, 1, "not known")
    assert counts["link_worker"] == (0, 2, "complete")


def test_three_people_two_of_another_role(tmp_path: Path) -> None:
    own = "I,0,5,Alone,Support,MO\n"
    counts = counts_of(of_segments(tmp_path, WORDS + own, "G,C1,,\nG,L1,,\nG,L2,,\nI,C2,,\n"))
    assert counts["client"] == (1, 2, "at least")
    assert counts["link_worker"] == (None, 2, "not known")


def test_a_count_is_complete_when_all_who_may_have_spoken_did_elsewhere(tmp_path: Path) -> None:
    own = "I,0,5,Alone,Support,MO\n"
    counts = counts_of(of_segments(tmp_path, WORDS + own, "G,C1,,\nG,F1,,\nI,C1,,\n"))
    assert counts["client"] == (1, 2, "complete") and counts["family"] == (None, 1, "not known")


@pytest.mark.parametrize("declared", ["column", "setting"])
def test_each_of_a_shared_source_counts_when_declared(tmp_path: Path, declared: str) -> None:
    kinds, more = ("G,interview,Each\n", {}) if declared == "column" else ("", {"how": "each"})
    more = {"shared_sources": more["how"]} if more else {}
    project = of_segments(tmp_path, WORDS, "G,C1,,\nG,F1,,\n", kinds, **more)
    assert counts_of(project)["client"] == (1, 2, "complete")
    assert counts_of(project)["family"] == (1, 1, "complete")


def test_a_declared_group_is_a_unit_of_its_own(tmp_path: Path) -> None:
    project = of_segments(tmp_path, WORDS, "G,L1,,\nG,L2,,\n", "G,focus_group,group\n")
    counts = counts_of(project)
    assert counts["link_worker"] == (None, 2, "not known") and counts["group"] == (None, None, "")
    assert counts["client"] == (0, 2, "complete")  # no client was there
    assert (
        participant_codes(project).set_index("participant_id")["Support"].isna()[["L1", "L2"]].all()
    )
    row = theme_counts(project).query("role == 'group'").iloc[0]
    assert (row["n_references"], row["n_sources"]) == (1, 1)


def test_another_word_for_shared_is_refused(tmp_path: Path) -> None:
    from evalweave.errors import DataError

    with pytest.raises(DataError, match=r"row 2, column shared.*each, group, unknown"):
        of_segments(tmp_path, WORDS, "G,L1,,\n", "G,focus_group,all\n")


def test_a_source_of_nobody_may_be_anybodys(tmp_path: Path) -> None:
    own = "I,0,5,Alone,Support,MO\n"
    counts = counts_of(of_segments(tmp_path, WORDS + own, "I,C1,,\n"))
    assert counts["client"] == (1, 2, "at least") and counts["family"] == (None, 1, "not known")


def test_words_between_turns_are_those_of_the_people_there(tmp_path: Path) -> None:
    counts = counts_of(of_segments(tmp_path, "G,20,29,Who?,Support,MO\n", "G,C1,0,9\nG,L1,9,18\n"))
    assert counts["client"] == (None, 2, "not known") and counts["family"] == (0, 1, "complete")


def test_rows_that_name_their_people_count_for_them_without_positions(tmp_path: Path) -> None:
    """A focus group's export may name who spoke in each row; a list of all is no attribution."""
    (tmp_path / "seg.csv").write_text(
        "source,quote,code,participant\nG,one,Support,C1\nG,two,Support,L1\nH,three,Support,C2;F1\n"
    )
    project = load(tmp_path / "seg.csv", settings_of(tmp_path, tmp_path / "seg.csv", "segments"))
    counts = counts_of(project)
    assert counts["client"] == (1, 2, "at least")  # C1 said one; C2 or F1 said three
    assert counts["link_worker"] == (1, 2, "complete") and counts["family"][0] is None


def test_count_warns_before_it_counts(tmp_path: Path) -> None:
    rows = WORDS + "I,0,5,Alone,Other,MO\n"
    of_segments(tmp_path, rows, "G,L1,,\nG,L2,,\nI,C1,,\n")
    settings = settings_of(
        tmp_path,
        tmp_path / "seg.csv",
        "segments",
        source_participants=str(tmp_path / "map.csv"),
    )
    text = json.dumps({"qualitative": settings.model_dump(mode="json")})
    run = CliRunner()
    code = run.invoke(app, ["code", "--settings", text, "--out", str(tmp_path / "code")])
    assert "Warnings:" in code.output
    paths = ["--coded", str(tmp_path / "code"), "--out", str(tmp_path / "count")]
    counted = run.invoke(app, ["count", "--settings", text, *paths], catch_exceptions=False)
    printed = counted.output
    warned = printed.split("Themes  ")[0]
    assert warned.startswith("Warnings:") and "1 code without any theme" in warned
    assert 'theme "T", link worker: how many raised it is not known' in warned
    assert 'theme "T", of those asked: 2 participants without any source' in warned
    gaps = pd.read_csv(tmp_path / "count" / "gaps.csv")
    assert set(gaps.loc[gaps["theme_id"] == "T", "item"]) == {"C2", "F1"}


# Pictures, recordings, PDFs -----------------------------------------------------------------------

MEDIA = (
    '<PictureSource guid="p" name="photo.jpg"><PictureSelection guid="p1" firstX="1" firstY="2" '
    f'secondX="9" secondY="8">{SELECTED}</PictureSelection></PictureSource>'
    '<VideoSource guid="w" name="walk"><VideoSelection guid="w1" begin="61000" end="62500">'
    f"{SELECTED}</VideoSelection></VideoSource>"
    '<PDFSource guid="f" name="letter"><PDFSelection guid="f1" page="2" firstX="1" firstY="1" '
    f'secondX="2" secondY="2">{SELECTED}</PDFSelection></PDFSource>'
    '<AudioSource guid="a" name="talk"><Transcript guid="t"><PlainTextContent>Nobody came at all.'
    '</PlainTextContent><SyncPoint guid="s1" position="0" timeStamp="0"/><SyncPoint guid="s2" '
    'position="11" timeStamp="900"/><TranscriptSelection guid="t1" fromSyncPoint="s1" '
    f'toSyncPoint="s2">{SELECTED}</TranscriptSelection></Transcript></AudioSource>'
)


def test_codings_of_every_medium_count_for_their_people(tmp_path: Path) -> None:
    project = of_refi(tmp_path, MEDIA, "photo,C1\nwalk,C2\nletter,L1\ntalk,F1\n")
    counts = counts_of(project)
    assert counts["client"] == (2, 2, "complete") and counts["family"] == (1, 1, "complete")
    assert counts["link_worker"] == (1, 2, "complete")
    assert sorted(project.segments["place"].dropna()) == [
        "0:01:01.000 to 0:01:02.500",
        "page 3, region 1,1 to 2,2",
        "region 1,2 to 9,8",
    ]
    transcript = project.segments[project.segments["place"].isna()].iloc[0]
    assert transcript["quote"] == "Nobody came"
    assert set(project.sources["medium"]) == {"picture", "video", "pdf", "audio"}


def test_media_of_nobody_are_a_warning(tmp_path: Path) -> None:
    project = of_refi(tmp_path, MEDIA, "photo,C1\n")
    log = project.import_log
    row = log[log["message"].str.contains("pictures, audio, video, transcripts and PDFs")].iloc[0]
    assert (row["severity"], row["n"]) == ("warning", 3)
    assert counts_of(project)["client"] == (1, 2, "at least")


def test_a_recording_coded_as_a_whole_counts(tmp_path: Path) -> None:
    whole = f'<AudioSource guid="a" name="talk">{SELECTED}</AudioSource>'
    assert counts_of(of_refi(tmp_path, whole, "talk,F1\n"))["family"] == (1, 1, "complete")


# Cases without a name -----------------------------------------------------------------------------


def case(value: str, target: str, name: str = "") -> str:
    said = f'<VariableValue><VariableRef targetGUID="v"/><TextValue>{value}</TextValue>'
    named = f' name="{name}"' if name else ""
    link = f'<SourceRef targetGUID="{target}"/>'
    return f'<Case guid="k{target}"{named}>{said}</VariableValue>{link}</Case>'


def test_a_case_without_a_name_is_known_by_its_variable(tmp_path: Path) -> None:
    sources = text_source("1", "first", "Help came") + text_source("2", "second", "None came")
    project = of_refi(tmp_path, sources, cases=case("C1", "1") + case(" c2 ", "2"))
    assert counts_of(project)["client"] == (2, 2, "complete")


def test_cases_that_nothing_names_are_said_and_leave_counts_open(tmp_path: Path) -> None:
    sources = text_source("1", "first", "Help came")
    project = of_refi(tmp_path, sources, cases='<Case guid="k"><SourceRef targetGUID="1"/></Case>')
    assert "cases that have no name" in warnings_of(project)
    assert counts_of(project)["client"] == (None, 2, "not known")


# One identity -------------------------------------------------------------------------------------


def test_people_match_in_every_spelling(tmp_path: Path) -> None:
    counts = counts_of(of_segments(tmp_path, "I,0,5,Alone,Support,MO\n", "I, c1 ,,\n"))
    assert counts["client"] == (1, 2, "complete")


def test_a_look_alike_is_named_by_its_code_points(tmp_path: Path) -> None:
    from evalweave.errors import DataError

    with pytest.raises(DataError, match=r'nearly "C1": it has "с" \(U\+0441\) in place of'):
        of_segments(tmp_path, "I,0,5,Alone,Support,MO\n", "I,С1,,\n")  # a Cyrillic letter


@pytest.mark.parametrize("other", ["support", " SUPPORT", "Sup\u00adport"])
def test_codes_of_several_spellings_are_one_and_said(tmp_path: Path, other: str) -> None:
    rows = f'I,0,5,Alone,Support,MO\nJ,0,5,Alone,"{other}",MO\n'
    project = of_segments(tmp_path, rows, "I,C1,,\nJ,C2,,\n")
    assert counts_of(project)["client"] == (2, 2, "complete")
    assert ("see their spelling" in warnings_of(project)) == (other.strip() != "Support")


def test_accents_composed_and_decomposed_are_one(tmp_path: Path) -> None:
    rows = "José,0,5,Alone,Café,MO\nJ,0,5,Alone,Cafe\u0301,MO\n"
    project = of_segments(tmp_path, rows, "Jose\u0301,C1,,\nJ,C2,,\n")
    assert project.codings["code_id"].nunique() == 1
    said = warnings_of(project)
    assert "U+0301" in said and "U+00E9" in said and "composed and decomposed accents" in said
    assert set(project.source_participants["participant_id"]) == {"C1", "C2"}


USERS = '<User guid="u" name="Ann"/><User guid="w" name="ann "/><User guid="x" name="ANN"/>'


def by(user: str, code: str = "c") -> str:
    return f'<Coding creatingUser="{user}"><CodeRef targetGUID="{code}"/></Coding>'


def test_nobody_agrees_with_herself(tmp_path: Path) -> None:
    source = text_source("1", "first", "Help came", by("u") + by("w") + by("x", "d"))
    project = of_refi(tmp_path, source, "first,C1\n", users=USERS)
    assert agreement(project).empty and set(project.codings["coder_id"]) == {"coder_1"}
    assert "listed 3 times" in warnings_of(project) and "capitals" in warnings_of(project)
    assert "Ann" not in project.import_log.to_csv() and "ann" not in warnings_of(project)


def test_two_people_of_one_name_may_be_declared(tmp_path: Path) -> None:
    source = text_source("1", "first", "Help came", by("u") + by("w", "d"))
    project = of_refi(tmp_path, source, "first,C1\n", users=USERS, coders_of_one_name="several")
    assert len(agreement(project)) and project.codings["coder_id"].nunique() == 2


def test_a_user_who_is_not_listed_is_compared_with_nobody(tmp_path: Path) -> None:
    source = text_source("1", "first", "Help came", by("u") + by("nobody"))
    project = of_refi(tmp_path, source, "first,C1\n")
    assert agreement(project).empty and "not listed in the project" in warnings_of(project)
    assert counts_of(project)["client"] == (1, 2, "complete")


def test_one_role_in_two_spellings_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = of_segments(tmp_path, WORDS, "G,C1,,\n")
    assert "nearly one" not in warnings_of(project)
    monkeypatch.setitem(counted.ROLES, "C2", "Clients")
    project = of_segments(tmp_path, WORDS, "G,C1,,\n")
    assert "client and clients. Write them alike" in warnings_of(project)


def test_the_same_coding_twice_is_counted_once_and_said(tmp_path: Path) -> None:
    source = text_source("1", "first", "Help came", by("u") + by("u") + by("w"))
    users = '<User guid="u" name="Ann"/><User guid="w" name="Bo"/>'
    project = of_refi(tmp_path, source, "first,C1\n", users=users)
    log = dict(zip(project.import_log["message"], project.import_log["n"], strict=True))
    assert sum(n for message, n in log.items() if "more than once" in message) == 1  # not Bo's
    references = theme_counts(project).query("role == 'client'")["n_references"]
    assert references.tolist()[0] == 1


def test_two_sources_of_one_name_are_told_apart_by_their_id(tmp_path: Path) -> None:
    from evalweave.errors import DataError

    sources = text_source("1", "talk", "Help came") + text_source("2", "talk", "None came")
    with pytest.raises(DataError, match=r"not unique.*source_id") as error:
        of_refi(tmp_path, sources, "talk,C1\n")
    first, second = sorted(
        part.strip('". ') for part in str(error.value).split("you mean: ")[1].split(" or ")
    )
    project = of_refi(tmp_path, sources, f"{first},C1\n{second},L1\n")
    assert counts_of(project)["client"] == (1, 2, "complete")
    assert counts_of(project)["link_worker"] == (1, 2, "complete")


# Places -------------------------------------------------------------------------------------------


def test_a_name_of_a_quotation_moves_and_shortens_nothing(tmp_path: Path) -> None:
    text = "I had damp walls and nobody came to see about it"
    selection = (
        f'<TextSource guid="1" name="first"><PlainTextContent>{text}</PlainTextContent>'
        f'<PlainTextSelection guid="11" name="damp" startPosition="21" endPosition="47">{SELECTED}'
        f'</PlainTextSelection><PlainTextSelection guid="12" name="I had" startPosition="0" '
        f'endPosition="16">{SELECTED}</PlainTextSelection></TextSource>'
    )
    project = of_refi(tmp_path, selection, "first,C1\n")
    assert project.segments["quote"].tolist() == [text[0:16], text[21:47]]
    assert set(project.segments["offset_check"]) <= {"ok", "unchecked"}


def test_beyond_the_end_is_said_and_shows_no_words(tmp_path: Path) -> None:
    source = text_source("1", "first", "Help came").replace('endPosition="9"', 'endPosition="40"')
    project = of_refi(tmp_path, source.replace('guid="11"', 'guid="11" name="Help"'), "first,C1\n")
    segment = project.segments.iloc[0]
    assert segment["offset_check"] == "beyond" and pd.isna(segment["quote"])
    assert "beyond the end" in warnings_of(project)
    assert counts_of(project)["client"] == (1, 2, "complete")  # it counts for its source's person


@pytest.mark.parametrize(
    ("path", "member"),
    [
        ("internal://a.txt", "Sources/a.txt"),
        ("internal:///a.txt", "sources/A.TXT"),
        ("internal://sources/a.txt", "a.txt"),
        ("internal://My%20talk.txt", "sources/My talk.txt"),
        ("internal://My talk.txt", "sources/My%20talk.txt"),
        ("internal://Café.txt", "sources/Cafe\u0301.txt"),
        ("internal://Cafe\u0301.txt", "sources/Café.txt"),
    ],
)
def test_texts_are_found_under_every_form_of_their_path(
    tmp_path: Path, path: str, member: str
) -> None:
    source = (
        f'<TextSource guid="1" name="first" plainTextPath="{path}"><PlainTextSelection guid="11" '
        f'startPosition="0" endPosition="4">{SELECTED}</PlainTextSelection></TextSource>'
    )
    written = refi(tmp_path, source, **{member: "Help came"})
    assert load(written).segments["quote"].tolist() == ["Help"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp850", "cp1252"])
def test_names_in_the_code_page_of_a_program(encoding: str) -> None:
    from evalweave.qualitative.formats.refi_files import file_of, member_names

    info = zipfile.ZipInfo("sources/" + "Café.txt".encode(encoding).decode("cp437"))
    assert file_of("internal://Café.txt") in member_names(info)


def test_a_stretch_without_a_code_refuses_no_file(tmp_path: Path) -> None:
    project = of_segments(tmp_path, "I,0,5,Alone,Support,MO\nI,6,9,And,,MO\n", "I,C1,,\n")
    assert len(project.segments) == 2
    assert "without a code" in "\n".join(project.import_log["message"])


def test_several_codes_in_a_cell_are_several_codings(tmp_path: Path) -> None:
    rows = 'I,0,5,Alone,Support; Money,MO\nJ,0,5,Alone,"Money\nSupport",MO\n'
    project = of_segments(tmp_path, rows, "I,C1,,\nJ,C2,,\n")
    assert sorted(project.codings["code_id"]) == ["Money", "Money", "Support", "Support"]
    assert counts_of(project)["client"] == (2, 2, "complete")


def test_where_the_tradition_is_reflexive_no_agreement_is_computed(tmp_path: Path) -> None:
    source = text_source("1", "first", "Help came", by("u") + by("w", "d"))
    path = refi(tmp_path, source, users='<User guid="u" name="Ann"/><User guid="w" name="Bo"/>')
    for tradition, rows in (("reflexive", 0), ("codebook", 1)):
        settings = settings_of(tmp_path, path, "refi_qda", tradition=tradition)
        text = json.dumps({"qualitative": settings.model_dump(mode="json")})
        run = CliRunner()
        run.invoke(app, ["code", "--settings", text, "--out", str(tmp_path / "code")])
        paths = ["--coded", str(tmp_path / "code"), "--out", str(tmp_path / tradition)]
        printed = run.invoke(app, ["count", "--settings", text, *paths], catch_exceptions=False)
        agreed = pd.read_csv(tmp_path / tradition / "agreement.csv")
        assert bool(len(agreed)) == bool(rows)
        assert ("declared as reflexive" in printed.output) == (tradition == "reflexive")


@pytest.mark.parametrize("spoken", ["claim > helps > supports", "Support"])
def test_what_a_group_said_is_never_silence(tmp_path: Path, spoken: str) -> None:
    """Its people may have said it, of the claim or of its theme; who was not there did not."""
    rows = WORDS.replace("Support", spoken)
    project = of_segments(tmp_path, rows, "G,L1,,\nG,L2,,\n", "G,focus_group,group\n")
    theme = frozenset(project.codings["segment_id"])
    words = words_of(project)
    state = voices("helps", frozenset({"L1", "L2"}), project, words, theme).state
    assert state.state == "N" and state.unattributed.theme
    assert voices("helps", frozenset({"C1", "C2"}), project, words, theme).state.state == "A"
