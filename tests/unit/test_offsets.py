"""Positions are decided by evidence, and doubt is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalweave.qualitative.assemble import Beside, assemble
from evalweave.qualitative.formats import refi
from evalweave.qualitative.offsets import (
    AMBIGUOUS,
    BEYOND,
    OK,
    SHIFTED,
    UNCHECKED,
    Document,
    decide,
    locate,
    same_words,
)
from evalweave.qualitative.project import Project
from evalweave.qualitative.raw import RawSelection
from helpers.coded_projects import Style, write_qdpx

REFI = ("code_point", "utf16")


def project_of(path: Path) -> Project:
    return assemble(refi.read(path), Beside())


@pytest.mark.parametrize("newline", ["lf", "crlf"])
@pytest.mark.parametrize("unit", ["code_point", "utf16"])
@pytest.mark.parametrize("bom", [False, True])
@pytest.mark.parametrize("quotes", [True, False])
def test_every_convention_is_recognised(
    tmp_path: Path, newline: str, unit: str, bom: bool, quotes: bool
) -> None:
    """With quotes always; without them by word edges, or else the doubt is said."""
    plain = project_of(write_qdpx(tmp_path / "plain.qdpx"))
    style = Style(newline=newline, unit=unit, bom=bom, count_bom=bom, quotes=quotes)
    other = project_of(write_qdpx(tmp_path / "o.qdpx", style))
    right = other.segments["quote"].tolist() == plain.segments["quote"].tolist()
    doubted = (other.segments["offset_check"] == AMBIGUOUS).any()
    assert right or (doubted and not quotes)
    if quotes:
        assert right and (other.segments["offset_check"] == OK).all()


def test_an_included_end_is_recognised_by_quotes(tmp_path: Path) -> None:
    plain = project_of(write_qdpx(tmp_path / "plain.qdpx"))
    other = project_of(write_qdpx(tmp_path / "o.qdpx", Style(inclusive=True)))
    assert other.segments["quote"].tolist() == plain.segments["quote"].tolist()
    assert other.sources["offset_convention"].str.contains("end included").all()


def located(
    text: str, selections: list[RawSelection], units: tuple[str, ...] = REFI
) -> list[tuple[str, str]]:
    documents = {"s": Document(text)}
    how, rivals = decide(documents, selections, units)
    placed = [locate(documents["s"], selection, how, rivals) for selection in selections]
    return [(place.quote, place.check) for place in placed]


def test_one_wrong_position_is_shifted_to_its_quote() -> None:
    text = "alpha beta gamma delta epsilon"
    right = [RawSelection("s", 0, 5, "alpha"), RawSelection("s", 6, 10, "beta")]
    wrong = RawSelection("s", 12, 17, "gamma")
    assert located(text, [*right, wrong]) == [("alpha", OK), ("beta", OK), ("gamma", SHIFTED)]


def test_a_quote_as_near_on_both_sides_is_ambiguous() -> None:
    selections = [RawSelection("s", 0, 2, "it"), RawSelection("s", 8, 10, "ab")]
    assert located("it .. ab .. ab ..", selections)[1][1] == SHIFTED
    selections = [RawSelection("s", 0, 2, "it"), RawSelection("s", 9, 11, "ab")]
    assert located("it .. ab .. ab ..", selections)[1][1] == AMBIGUOUS


def test_a_position_past_the_end_is_never_invented() -> None:
    assert located("short text", [RawSelection("s", 50, 60, "")]) == [("", BEYOND)]
    assert located("short text", [RawSelection("s", 50, 54, "text")]) == [("", BEYOND)]
    assert located("short text", [RawSelection("s", 6, 11, "")]) == [("", BEYOND)]


def test_without_quotes_a_line_end_leaves_doubt() -> None:
    """One selection after one line end: LF and CRLF differ, and two word edges are no proof."""
    assert located("a b\nc d e f", [RawSelection("s", 4, 5, "")])[0][1] == AMBIGUOUS


def test_without_quotes_word_edges_decide_when_clear() -> None:
    text = "one two\nthree four\nfive six\nseven eight"
    crlf = text.replace("\n", "\r\n")
    words = ["three", "four", "five", "six", "seven", "eight"]
    selections = [RawSelection("s", crlf.index(w), crlf.index(w) + len(w), "") for w in words]
    assert located(text, selections) == [(word, OK) for word in words]


def test_a_label_is_no_quote() -> None:
    assert located("one two three", [RawSelection("s", 4, 7, "Selection 17")]) == [("two", OK)]
    assert located("one two three", [RawSelection("s", 5, 7, "")]) == [("wo", UNCHECKED)]


def test_names_cut_off_by_a_program_are_quotes() -> None:
    text = "It was the damp, and the forty pounds a week that I was short of."
    assert same_words(text[:40], text) and same_words(text[:40] + "…", text)
    assert not same_words("It was", text)
    selections = [RawSelection("s", 0, len(text), text[:40] + "...")]
    assert located(text, selections) == [(text, OK)]


def test_bytes_are_counted_in_utf8() -> None:
    text = "Señora 🙂 said so"
    selection = RawSelection(
        "s", len("Señora 🙂 ".encode()), len("Señora 🙂 said".encode()), "said"
    )
    assert located(text, [selection], ("utf8",)) == [("said", OK)]


def test_mixed_line_ends_are_counted_as_stored() -> None:
    text = "one\r\ntwo\nthree\r\nfour"
    selections = [
        RawSelection("s", text.index(w), text.index(w) + len(w), w)
        for w in ("two", "three", "four")
    ]
    assert located(text, selections) == [("two", OK), ("three", OK), ("four", OK)]


def test_utf16_counts_two_for_what_lies_beyond_the_basic_plane_only() -> None:
    text = "It’s “fine” – 🙂 – so"
    start = len("It’s “fine” – 🙂 – ".encode("utf-16-le")) // 2
    assert located(text, [RawSelection("s", start, start + 2, "so")], ("utf16",)) == [("so", OK)]


def test_a_byte_order_mark_takes_three_bytes() -> None:
    before = "\ufeffSeñora "
    start = len(before.encode())
    selection = RawSelection("s", start, start + 4, "said")
    assert located(before + "said so", [selection], ("utf8",)) == [("said", OK)]
