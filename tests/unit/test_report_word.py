"""The Word document: the same words, the banner on every page, the same bytes, and the audit can
read it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from evalweave.release.audit import audit
from evalweave.report.folder import write_report
from evalweave.report.gather import gather
from evalweave.study.file import load_study
from helpers.report_results import HOSTILE, Made, results, study_file

MADE = Made(formats=("html", "docx"))


def report(folder: Path, made: Made = MADE) -> Path:
    file = study_file(folder, made)
    where = results(folder, made)
    write_report(gather(load_study(file), file, where), file, where, folder / "report")
    return folder / "report"


def test_word_says_what_the_page_says(tmp_path: Path) -> None:
    import docx

    word = docx.Document(io.BytesIO((report(tmp_path) / "report.docx").read_bytes()))
    text = "\n".join(p.text for p in word.paragraphs)
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


def test_word_passes_the_audit_and_is_the_same_bytes(tmp_path: Path) -> None:
    first, second = report(tmp_path / "a"), report(tmp_path / "b")
    found = audit(first, [])
    assert found.pictures == 0
    # A Word file always holds `_rels/.rels`, whose name is all extension.
    assert [each for each in found.findings if "no extension" not in each] == []
    assert (first / "report.docx").read_bytes() == (second / "report.docx").read_bytes()


@pytest.mark.parametrize(
    "made",
    [replace(MADE, qualitative=False), replace(MADE, only_main=True, ledger=False, trends=False)],
)
def test_word_of_a_study_with_less(tmp_path: Path, made: Made) -> None:
    assert (report(tmp_path, made) / "report.docx").stat().st_size > 10_000
