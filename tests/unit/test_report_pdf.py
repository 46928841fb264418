"""The PDF: tagged, the same bytes, read back by the audit; and a format that fails withholds none
of the rest."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evalweave.cli import app
from evalweave.release import released
from evalweave.release.audit import audit
from evalweave.report import formats, pdf, typeset, word
from evalweave.report.blocks import BOX, Heading, JointRow, Line, Prose, Sheet, begin_pages
from helpers.report_results import HOSTILE, Made, results, study_file
from helpers.reports import written

MADE = Made(formats=("html", "docx", "pdf"))
NAMES = ("report.pdf", "supplement.pdf")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("pdf"), MADE)


def test_the_pdf_is_tagged_titled_and_dated_by_no_clock(out: Path) -> None:
    from pypdf import PdfReader

    for name in NAMES:
        reader = PdfReader(out / name)
        root = reader.root_object
        assert root["/MarkInfo"]["/Marked"] and root["/Lang"] == "en-GB"
        assert "pdfuaid:part" in root["/Metadata"].get_data().decode()
        assert reader.metadata is not None
        assert str(reader.metadata["/CreationDate"]).startswith("D:19800101")
        assert "An invented study of <b>words</b> & numbers" in str(reader.metadata.title)
    main = PdfReader(out / "report.pdf")
    assert 3 < len(main.pages) <= 10
    assert all("Simulated data" in page.extract_text() for page in main.pages)


def test_the_pdf_says_what_the_page_says_and_passes_the_audit(out: Path) -> None:
    main, more = (released.read(out / name, name) for name in NAMES)
    text = " ".join(main.words[0].split())
    assert "rose by 0.11 percentage points less" in text and "1.20 mmol/mol less" not in text
    assert HOSTILE in text and "Good fit <for some>" in text
    assert "Simulated data. By years since the start" in text  # the figure's alternative text
    assert "Table 1. " in text and "Table S1. " in " ".join(more.words[0].split())
    assert not [found for found in audit(out, []).findings if "no extension" not in found]


def test_no_word_of_a_table_of_many_columns_reaches_into_the_next() -> None:
    headers = ("Analysis", "Estimate", *("N",) * 5, "Practices\nof them with the programme", "By")
    line = ("two words", "−0.07 percentage points", *("44,690",) * 5, "24 (13)", "Jackknife over")
    source = pdf._rows("", headers, (False, *(True,) * 7, False), (Line(line),), ())
    shares = [float(share) for share in re.findall(r"([\d.]+)fr", source)]
    words = [
        max(map(len, f"{head} {cell}".split())) for head, cell in zip(headers, line, strict=True)
    ]
    assert len(shares) == len(headers)
    room = 135 / sum(shares)  # characters of 6.6 points in a line
    assert all(share * room > word for share, word in zip(shares, words, strict=True))
    assert shares[1] > len("−0.07 percentage points")  # a number stays in one line


def test_each_claim_has_a_page_of_its_own(out: Path) -> None:
    from pypdf import PdfReader

    pages = [page.extract_text() for page in PdfReader(out / "supplement.pdf").pages]
    with_inputs = [number for number, page in enumerate(pages) if "What it rests on" in page]
    assert [pages[n].count("What it rests on") for n in with_inputs] == [1, 1]
    first, second = (pages[n] for n in with_inputs)
    assert "It helps some & not others" in first and "She said" in first and "Agreement" in first
    assert "Nobody was asked" in second and "Each claim on its own page" in first
    assert "Claims by label" in pages[with_inputs[-1] + 1].splitlines()[1]


def test_sheets_begin_pages_with_the_heading_above_and_so_does_what_follows() -> None:
    row = JointRow("c", "t", "p", "", "", "", "", (), (), "", "")
    sheet, more = Sheet(row), Prose("words")
    blocks = [more, Heading("Claims"), sheet, more, sheet, more, Heading("Next"), Heading("Other")]
    assert begin_pages(blocks) == [False, True, False, False, True, False, True, False]


def test_figures_are_pages_of_the_width_of_a_journals_column(out: Path) -> None:
    from pypdf import PdfReader

    for name, width in (("raw-means", 183), ("raw-means.89mm", 89), ("flow", 183)):
        (page,) = PdfReader(out / f"figures/{name}.pdf").pages
        assert float(page.mediabox.width) == pytest.approx(width * 72 / 25.4, abs=0.1)
        assert f'width="{width}mm"' in (out / f"figures/{name}.svg").read_text()
    assert "programme starts" in page.extract_text() or "practices" in page.extract_text()
    pairs = {path.stem for path in (out / "figures").glob("*.svg")}
    assert pairs == {path.stem for path in (out / "figures").glob("*.pdf")}


def test_a_count_or_a_file_inside_a_pdf_is_found(out: Path, tmp_path: Path) -> None:
    import typst

    (tmp_path / "manifest.json").write_bytes((out / "manifest.json").read_bytes())
    typst.compile(b"Of these, 3 patients died.", output=str(tmp_path / "report.pdf"))
    attached = b'#pdf.attach("a.csv", bytes("patient_id"))'
    typst.compile(attached, output=str(tmp_path / "supplement.pdf"))
    (tmp_path / "figure.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    found = "\n".join(audit(tmp_path, []).findings)
    assert "report.pdf: a count of people" in found
    assert "supplement.pdf: holds a file" in found
    assert "figure.pdf: is damaged" in found


def test_the_same_results_give_the_same_bytes(out: Path, tmp_path: Path) -> None:
    again = written(tmp_path, MADE)
    for name in NAMES:
        assert (again / name).read_bytes() == (out / name).read_bytes()


def test_text_is_never_markup_and_what_no_font_has_is_a_box() -> None:
    assert typeset.string('#panic("x") $a$ \\') == '"#panic(\\"x\\") $a$ \\\\"'
    assert typeset.string("τ −0.1 \u202f% \U00020000 語") == f'"τ −0.1 \u202f% {BOX} {BOX}"'


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the call of `report` without --out."""
    folder = tmp_path_factory.mktemp("formats")
    made = replace(MADE, only_main=True, qualitative=False)
    return [
        "report",
        "--study",
        str(study_file(folder, made)),
        "--results",
        str(results(folder, made)),
    ]


def fails(*given: object) -> bytes:
    raise ValueError("planted")


@pytest.mark.parametrize(("broken", "suffix"), [(word, "docx"), (pdf, "pdf")])
def test_a_format_that_fails_withholds_none_of_the_rest(
    call: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: object, suffix: str
) -> None:
    monkeypatch.setattr(broken, "document", fails)
    to, noted = tmp_path / "report", tmp_path / "unwritten.txt"
    done = CliRunner().invoke(app, [*call, "--out", str(to)])
    assert done.exit_code == 1
    last = done.output.strip().splitlines()[-1]
    assert last.startswith(f"supplement.{suffix} was not written: planted. ")
    other = {"docx": "pdf", "pdf": "docx"}[suffix]
    there = {path.name for path in to.iterdir()}
    assert {"report.html", "supplement.html", f"report.{other}", "manifest.json"} <= there
    assert not there & {f"report.{suffix}", f"supplement.{suffix}"}
    assert (to / "figures/raw-means.pdf").is_file()  # a picture needs no document
    again = [*call, "--out", str(to), "--unwritten", str(noted)]
    assert CliRunner().invoke(app, again).exit_code == 0
    assert [line.split()[0] for line in noted.read_text().splitlines()] == [
        f"{name}.{suffix}" for name in ("report", "supplement")
    ]
    assert formats.FORMATS == ("docx", "pdf")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ((183,), "figures/interval.percentage-points.pdf and "),
        ((89,), ".89mm.pdf and "),
    ],
)
def test_a_figure_that_fails_as_pdf_withholds_nothing_else(
    call: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    broken: tuple[int, ...],
    said: str,
) -> None:
    page = typeset.page

    def sometimes(svg: str, width: int, *told: str) -> bytes:
        return fails() if width in broken else page(svg, width, *told)

    monkeypatch.setattr(typeset, "page", sometimes)
    to = tmp_path / "report"
    done = CliRunner().invoke(app, [*call, "--out", str(to)])
    assert done.exit_code == 1
    (line,) = [line for line in done.output.splitlines() if "not written" in line]
    assert said in line and "other figures were not written: planted." in line
    there = {path.name for path in to.rglob("*.pdf")}
    assert {"report.pdf", "supplement.pdf"} < there
    narrow = {name for name in there if ".89mm." in name}
    assert bool(narrow) == (89 not in broken)
    assert (to / "report.docx").is_file() and (to / "manifest.json").is_file()


def test_word_is_written_where_no_picture_can_be_drawn(
    call: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import docx

    monkeypatch.setattr(typeset, "pictures", fails)
    done = CliRunner().invoke(app, [*call, "--out", str(tmp_path)])
    assert done.exit_code == 1 and done.output.count("not written: planted.") == 1
    assert "told in words" in done.output
    told = [p.text for p in docx.Document(str(tmp_path / "report.docx")).paragraphs]
    assert any(words.startswith("Figure: Mean HbA1c by period and arm") for words in told)
