"""The Word document: the same words, the banner on every page, the same bytes, and the audit can
read it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from evalweave.release import released
from evalweave.release.audit import audit
from evalweave.report.blocks import plain, text
from evalweave.report.word import _apart
from evalweave.report.word_numbered import three_lines
from helpers.report_results import HOSTILE, Made
from helpers.reports import report, written

MADE = Made(formats=("html", "docx"))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("word"), MADE)


def test_word_says_what_the_page_says(out: Path) -> None:
    import docx

    word = docx.Document(io.BytesIO((out / "report.docx").read_bytes()))
    cells = [cell.text for table in word.tables for row in table.rows for cell in row.cells]
    text = "\n".join([*(p.text for p in word.paragraphs), *cells])
    headings = [
        p.text for p in word.paragraphs if p.style is not None and p.style.name == "Heading 1"
    ]
    assert headings[:3] == ["The answer", "Can it be believed?", "Who was studied"]
    assert "rose by 0.11 percentage points less" in text and "1.20 mmol/mol less" not in text
    assert HOSTILE in text
    assert "<" not in text.replace(HOSTILE, "").replace("<for some>", "").replace(
        "< 0", ""
    ).replace("<i>bad</i>", "").replace("<u>suits</u>", "").replace("no <b>", "").replace(
        "No <b>attribute</b>", ""
    ).replace("<b>words</b>", "")
    assert "Simulated data" in word.sections[0].header.paragraphs[0].text
    assert any("Sex" in cell.text for table in word.tables for cell in table.columns[0].cells)


def _pictures(folder: Path) -> int:
    import docx

    names = ("report.docx", "supplement.docx")
    return sum(len(docx.Document(str(folder / name)).inline_shapes) for name in names)


def test_figures_are_pictures_that_say_what_they_show(tmp_path: Path) -> None:
    import docx
    from docx.shared import Cm

    out = written(tmp_path, replace(MADE, only_main=True))
    more = docx.Document(str(out / "supplement.docx")).inline_shapes
    assert "inference-methods" in {shape._inline.docPr.get("name") for shape in more}
    word = docx.Document(str(out / "report.docx"))
    told = [shape._inline.docPr for shape in word.inline_shapes]
    named = {properties.get("name") for properties in told}
    assert {"interval", "raw-means"} <= named
    for shape, properties in zip(word.inline_shapes, told, strict=True):
        assert properties.get("descr").startswith("Simulated data.")
        image = word.part.related_parts[
            shape._inline.graphic.graphicData.pic.blipFill.blip.embed
        ].image
        assert image.px_width / (shape.width / Cm(2.54)) >= 250  # dots an inch as printed
    assert not [p for p in word.paragraphs if p.text.startswith("Figure: Mean HbA1c")]


def test_the_joint_display_is_a_table_a_row_a_claim(out: Path) -> None:
    import docx

    word = docx.Document(str(out / "report.docx"))
    (joint,) = [t for t in word.tables if t.rows[0].cells[0].text == "Claim"]
    assert [cell.text for cell in joint.rows[0].cells] == [
        "Claim",
        "The numbers",
        "The voices",
        "Together",
    ]
    claims = pd.read_csv(out / "joint_display.csv")
    assert len(joint.rows) == len(claims) + 1
    for line, claim in zip(joint.rows[1:], claims.to_dict("records"), strict=True):
        what, numbers, voices, together = (cell.text for cell in line.cells)
        assert claim["proposition"] in what and "What the analysts conclude" in together
        assert "raised the theme" in voices or "were asked" in voices
        drawn = line.cells[1]._tc.xpath(".//wp:docPr/@descr")
        assert len(drawn) == pd.notna(claim["estimate"])
        assert all(
            numbers.strip().startswith(words.removeprefix("Simulated data. ")) for words in drawn
        )
    before = joint._tbl.getprevious()
    while not before.xpath(".//w:instrText"):
        before = before.getprevious()
    assert "SEQ Table" in before.xpath("string(.//w:instrText)")


def test_the_flow_is_a_picture_with_a_caption_on_a4(out: Path) -> None:
    import docx
    from docx.shared import Cm

    word = docx.Document(str(out / "report.docx"))
    (flow,) = [s for s in word.inline_shapes if s._inline.docPr.get("name") == "flow"]
    assert flow.height <= Cm(20.1) and flow.width <= Cm(15.1)
    assert any("From the extract to the two arms" in p.text for p in word.paragraphs)
    assert not [p for p in word.paragraphs if p.text.startswith("Figure: ")]
    assert {round(section.page_width.cm, 1) for section in word.sections} == {21.0}


def test_word_passes_the_audit_and_is_the_same_bytes(out: Path, tmp_path: Path) -> None:
    first, second = out, written(tmp_path, MADE)
    found = audit(first, [])
    assert found.pictures == _pictures(first)  # told of: their pixels cannot be read
    # A Word file always holds `_rels/.rels`, whose name is all extension.
    assert [each for each in found.findings if "no extension" not in each] == []
    assert (first / "report.docx").read_bytes() == (second / "report.docx").read_bytes()


@pytest.mark.parametrize(
    "made",
    [replace(MADE, qualitative=False), replace(MADE, only_main=True, ledger=False, trends=False)],
)
def test_word_of_a_study_with_less(tmp_path: Path, made: Made) -> None:
    assert (report(tmp_path, made) / "report.docx").stat().st_size > 10_000


def test_quotations_in_a_cell_stand_apart_and_are_nobody_elses_counts(tmp_path: Path) -> None:
    import docx

    cell = text(
        "<details><summary>2 quotations</summary><blockquote><p>“{}”</p><footer>{}</footer>"
        "</blockquote><blockquote><p>“Then it rained.”</p></blockquote></details>",
        "I closed five people who were in the middle of something.",
        "care > caseload",
    )
    document = docx.Document()
    three_lines(document, ["Theme", "Words"], [["Care", plain(_apart(cell))]])
    document.save(tmp_path / "report.docx")
    found = document.tables[0].rows[1].cells[1].paragraphs
    assert [p.text.split("\n") for p in found if p.text] == [
        ["2 quotations"],
        ["“I closed five people who were in the middle of something.”", "care > caseload"],
        ["“Then it rained.”"],
    ]
    assert [p.style.name for p in found if p.text] == ["Normal", "Quote", "Quote"]
    assert "five people" not in released.read(tmp_path / "report.docx", "report.docx").own
