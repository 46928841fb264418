"""Coded segments and matrices of counts, as spreadsheets bring them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from evalweave.errors import DataError, StudyError
from evalweave.qualitative.assemble import Beside, assemble
from evalweave.qualitative.counts import theme_counts
from evalweave.qualitative.formats import segments
from evalweave.qualitative.hierarchy import path_of
from evalweave.qualitative.readers import load, recognise
from helpers.coded_projects import SEGMENT_COLUMNS, TURNS, beside, write_segments

SAMPLES = Path(__file__).parents[1] / "reference" / "data" / "qualitative"


def test_columns_are_mapped_and_people_linked(tmp_path: Path) -> None:
    project = assemble(segments.read(write_segments(tmp_path / "p.csv"), SEGMENT_COLUMNS), Beside())
    assert len(project.segments) == 7 and len(project.codings) == 8
    assert set(project.segments["offset_check"]) == {
        "unchecked"
    }  # there is no text to check against
    assert sorted(project.source_participants["participant_id"].unique()) == ["C01", "C02", "LW1"]


def test_all_faults_at_once(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("source,code,start,end\na,b,0,9\n,b,1,2\na,b,x,3\n")
    with pytest.raises(DataError) as error:
        segments.read(tmp_path / "p.csv")
    said = str(error.value)
    assert "row 3, column source" in said and "row 4, column start" in said


def test_missing_columns_name_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("Documents,Code\na,b\n")
    with pytest.raises(DataError, match='Did you mean "Documents"'):
        segments.read(tmp_path / "p.csv", {"source": "Document"})
    with pytest.raises(StudyError, match='Did you mean "quote"'):
        segments.read(tmp_path / "p.csv", {"qote": "Code"})


MAXQDA = ("Color", "Document group", "Document name", "Code", "Begin", "End", "Weight score")
MAXQDA_DE = ("Farbe", "Dokumentgruppe", "Dokumentname", "Code", "Anfang", "Ende", "Gewicht")
ATLAS = ("ID", "Document", "Quotation Content", "Codes", "Comment")


def workbook(path: Path, rows: list[tuple[object, ...]], title: str = "Sheet") -> Path:
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize("header", [(*MAXQDA, "Segment"), (*MAXQDA_DE, "Segment")])
@pytest.mark.parametrize("titles", [0, 2])
def test_maxqda_coded_segments(tmp_path: Path, header: tuple[str, ...], titles: int) -> None:
    """The layout of MAXQDA's "Coded segments"; Begin and End are paragraphs, not characters."""
    rows: list[tuple[object, ...]] = [("Coded segments",), ("Exported 2 May",)][:titles]
    rows += [
        header,
        ("", "Clients", "Int 1", "Support\\Visits", 3, 3, 0, "Yes."),
        ("", "Clients", "Int 1", "Support\\Visits", 9, 9, 0, "Yes."),
        ("", "Clients", "Int 1", "Money", 9, 9, 0, "Yes."),
        ("", "Clients", "Int 2", "Money", 1, 2, 0, "=2+3 pounds"),
    ]
    project = load(workbook(tmp_path / "p.xlsx", rows))
    assert project.sources["name"].tolist() == ["Int 1", "Int 2"]
    assert project.codings["code_id"].value_counts().to_dict() == {
        "Support > Visits": 2,
        "Money": 2,
    }
    assert len(project.segments) == 3 and project.segments["start"].isna().all()
    assert "MAXQDA" in " ".join(project.import_log["message"])


@pytest.mark.parametrize("between", ["\n", ";"])
def test_atlas_ti_quotation_report(tmp_path: Path, between: str) -> None:
    """The layout of ATLAS.ti's quotation report: an ID document:number, all codes in one cell."""
    rows: list[tuple[object, ...]] = [
        ("ATLAS.ti Report",),
        ("Project: p",),
        ATLAS,
        ("1:1", "Int 1", "She came.", f"Support: Visits{between}Trust", ""),
        ("1:2", "Int 1", "She came.", "Trust", ""),
        ("2:1", "Int 2", "Nothing.", "", "no code"),
    ]
    project = load(workbook(tmp_path / "p.xlsx", rows))
    assert sorted(project.codings["code_id"]) == ["Support: Visits", "Trust", "Trust"]
    assert len(project.segments) == 3  # one of them without a code


def test_a_header_and_a_sheet_may_be_named(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [("source", "note"), ("Doc", "What"), ("Int 1", "Trust")]
    path = workbook(tmp_path / "p.xlsx", rows, "Data")
    columns = {"source": "Doc", "code": "What"}
    raw = segments.read(path, columns, sheet="Data", header_row=2)
    assert [source.name for source in raw.sources] == ["Int 1"]
    with pytest.raises(DataError, match='no sheet "Dat"'):
        segments.read(path, columns, sheet="Dat")


@pytest.mark.parametrize("name", ["p.mx24", "p.MEX", "p.nvpx", "p.atlproj23"])
def test_a_programs_own_file_is_named_as_what_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(DataError, match=r"(MAXQDA|NVivo|ATLAS\.ti).*export .* REFI-QDA"):
        load(tmp_path / name)


@pytest.mark.parametrize("name", ["codes.docx", "p.PDF", "references.rtf"])
def test_a_document_is_no_project(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(DataError, match=r"a document.*export the project as REFI-QDA"):
        load(tmp_path / name)


NESTED = {
    # As NVivo's help shows a code's references (help-nv9-en.qsrinternational.com, "Review the
    # references in a node"), exported as text; the second with decimal commas.
    "references": "Name: Support\n\n<Internals\\Barbara> - § 5 references coded  [4.06% Coverage]\n"
    "\nReferences 1-2 - 1.88% Coverage\n\nShe came, along.\n",
    "commas": "<Files\\Int 1> - § 1 reference coded [ 4,06% Coverage]\n\nShe came, along.\n",
    # A report saved as a sheet: titles, then codes, files and references below each other.
    "report": "Coding Summary By Code,,\nMy project,,\nCode,,\nCodes\\Support,,\nFile,,\n",
    "untitled": "Aggregate,Coverage,Number Of Coding References\nCode,,\nCodes\\A,,\nNo,0.1,2\n",
}


@pytest.mark.parametrize("kind", NESTED)
def test_nvivos_nested_reports_say_what_to_export_instead(tmp_path: Path, kind: str) -> None:
    (tmp_path / "p.txt").write_text(NESTED[kind], encoding="utf-8")
    with pytest.raises(
        DataError, match=r"p.txt, row \d: found NVivo's nested report.*\.qdpx.*extract"
    ):
        load(tmp_path / "p.txt")


def test_an_old_workbook_is_read_like_a_new_one(tmp_path: Path) -> None:
    """`segments.xls` is BIFF8 as xlwt 1.3.0 writes it: MAXQDA's layout below a title, dates as
    numbers with a format; people and words are invented."""
    project = load(SAMPLES / "segments.xls")
    assert sorted(project.codings["code_id"]) == ["Money", "Money", "Support > Visits"]
    assert "She came along 🙂 – señora." in set(project.segments["quote"])
    assert set(project.codings["coded_at"]) == {"2019-05-02 10:30:00", "2019-05-03"}
    whole = (SAMPLES / "segments.xls").read_bytes()
    for size in range(512, len(whole), 512):
        (tmp_path / "cut.xls").write_bytes(whole[:size])
        with pytest.raises(DataError, match=r"^cut.xls: found .*save it as \.xlsx"):
            load(tmp_path / "cut.xls")


def test_what_is_named_xls_and_is_none(tmp_path: Path) -> None:
    for page in ("<html><table><tr><td>Code</td></tr></table></html>", "MIME-Version: 1.0\n\n--x"):
        (tmp_path / "p.xls").write_text(page)
        with pytest.raises(DataError, match=r"web page.*save it as \.xlsx"):
            load(tmp_path / "p.xls")
    (tmp_path / "p.xls").write_text("Document\tCodes\tQuotation Content\tID\nInt 1\tA\tx\t1:1\n")
    assert load(tmp_path / "p.xls").codings["code_id"].tolist() == ["A"]


def test_the_container_of_nvivos_codes_is_no_code(tmp_path: Path) -> None:
    """An extract's hierarchical names begin with their container, `Nodes\\\\Support\\Visits`."""
    rows = "Hierarchical Name,Source Name,Coded Text\nNodes\\\\Support\\Visits,Int 1,She came\n"
    (tmp_path / "p.txt").write_text(rows + "Nodes\\of care,Int 1,Home\n", encoding="utf-8-sig")
    codes = load(tmp_path / "p.txt").codings["code_id"]
    assert sorted(codes) == ["Nodes > of care", "Support > Visits"]


def test_a_matrix_that_is_read_as_segments_says_how_to_read_it(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(",Female,Male\nSupport,3,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="format: counts"):
        load(tmp_path / "p.csv")


def test_an_nvivo_matrix_without_a_name_for_its_first_column(tmp_path: Path) -> None:
    text = ",A : client,B : Link worker,Total\n1 : support,2,1,3\n2 : targets,0,1,1\nTotal,2,2,4\n"
    counts = matrix(tmp_path, text, counts_are="participants")
    rows = {(r.theme_id, r.role): r.n_participants for r in counts.itertuples()}
    assert rows["help", "client"] == 2 and rows["work", "link_worker"] == 1
    assert set(counts["role"]) == {"client", "link_worker"}


def test_without_positions_segments_are_told_apart_by_their_words(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(
        "source,code,quote,coder\ns,a,same words,x\ns,a,same "
        "words,y\ns,b,others,x\ns,c,,x\ns,c,,x\n"
    )
    project = assemble(segments.read(tmp_path / "p.csv"), Beside())
    assert len(project.segments) == 4  # two rows without words are two segments
    assert project.codings.groupby("code_id").size().to_dict() == {"a": 2, "b": 1, "c": 2}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_encodings_and_separators(tmp_path: Path, encoding: str, separator: str) -> None:
    (tmp_path / "p.csv").write_text(
        f"source{separator}code\nSeñora{separator}a – b\n", encoding=encoding
    )
    raw = segments.read(tmp_path / "p.csv")
    assert raw.sources[0].name == "Señora" and raw.codes[0].names == ("a – b",)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\x01\x02binary\x00", b"PK\x03\x04"])
def test_files_that_are_no_tables(tmp_path: Path, content: bytes) -> None:
    for name in ("p.csv", "p.xlsx"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError):
            segments.read(tmp_path / name)


def test_formulas_in_a_workbook_are_never_computed(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["source", "code", "quote"])
    book.active.append(["s", "a", '=HYPERLINK("http://example.invalid","x")'])
    book.active.append(["s", "b", "plain"])
    book.save(tmp_path / "p.xlsx")
    raw = segments.read(tmp_path / "p.xlsx")
    assert [selection.quote for selection in raw.selections] == ["", "plain"]


@pytest.mark.parametrize(
    ("names", "path"),
    [
        (["support.practical"], "support > practical"),
        (["claim::x::supports"], "claim > x > supports"),
        (["support", "practical"], "support > practical"),
        (["A > B"], "A > B"),
        (["Codes\\\\A\\\\B"], "Codes > A > B"),
        (["SUPPORT", "support.practical"], "SUPPORT > support > practical"),
        (["support", "support.practical"], "support > practical"),
        (["HbA1c 7.5 or more"], "HbA1c 7.5 or more"),
        (["e.g. rent"], "e.g. rent"),
        (["Dr. Brown"], "Dr. Brown"),
        (["HbA1c >48"], "HbA1c >48"),
        (["etc."], "etc."),
    ],
)
def test_hierarchies_in_every_notation(names: list[str], path: str) -> None:
    assert " > ".join(path_of(names)) == path


def test_formats_are_recognised(tmp_path: Path) -> None:
    data = Path(__file__).parents[1] / "reference" / "data" / "qualitative"
    for name, format_ in (
        ("qualcoder.qdpx", "refi_qda"),
        ("taguette.qdc", "refi_qda"),
        ("qualcoder.qda", "qualcoder"),
        ("qualcoder.qda/data.qda", "qualcoder"),
        ("taguette.sqlite3", "taguette"),
        ("taguette_highlights.csv", "taguette"),
        ("taguette_highlights.xlsx", "taguette"),
        ("qualcoder_segments.csv", "segments"),
    ):
        assert recognise(data / name) == format_
    (tmp_path / "x.bin").write_bytes(b"\x00\x01\x02\x03")
    with pytest.raises(DataError, match="format that is not known"):
        recognise(tmp_path / "x.bin")


# Matrices of counts
# ---------------------------------------------------------------------------------------


def matrix(folder: Path, text: str, **more: object) -> pd.DataFrame:
    (folder / "m.csv").write_text(text)
    rows = [f"{who},{theme},yes" for who in TURNS for theme in ("help", "work")]
    (folder / "eligibility.csv").write_text(
        "participant_id,theme_id,eligible\n" + "\n".join(rows) + "\n"
    )
    more = {"eligibility": str(folder / "eligibility.csv"), "sources": None} | more
    return theme_counts(load(folder / "m.csv", beside(folder, folder / "m.csv", "counts", **more)))


def test_what_a_matrix_counts_must_be_declared(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="counts_are"):
        matrix(tmp_path, "code,client\nsupport,2\n")


def test_a_matrix_of_participants(tmp_path: Path) -> None:
    text = "code,client,Link worker\nsupport,2,1\ntargets,0,1\n"
    counts = matrix(tmp_path, text, counts_are="participants")
    rows = {
        (r.theme_id, r.role): (r.n_participants, r.n_eligible)
        for r in counts[counts["code_id"].isna()].itertuples()
    }
    assert rows["help", "client"] == (2, 2) and rows["work", "link_worker"] == (1, 2)
    assert counts["n_references"].isna().all()


def test_a_matrix_is_never_rolled_up(tmp_path: Path) -> None:
    folder = tmp_path
    settings = beside(folder, folder / "m.csv", "counts")
    (folder / "themes.csv").write_text("theme_id,label,code\nhelp,Help,support\nhelp,Help,money\n")
    (folder / "m.csv").write_text("code,client\nsupport,2\nmoney,1\n")
    settings = settings.model_copy(update={"counts_are": "references", "sources": None})
    counts = theme_counts(load(folder / "m.csv", settings))
    assert counts["code_id"].notna().all()  # no row for the theme: 3 would be a sum, not a union
    assert counts["n_references"].tolist() == [1, 2]


def test_cells_that_are_no_counts(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 2, column client"):
        matrix(tmp_path, "code,client\nsupport,two\n", counts_are="participants")


def test_a_workbook_that_is_a_zip_bomb(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "p.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "<a>" * 2**22)
    with pytest.raises(DataError, match="zip bomb"):
        segments.read(tmp_path / "p.xlsx")


def test_digits_that_are_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("source,code,start,end\na,b,²,9\n")
    with pytest.raises(DataError, match="row 2, column start"):
        segments.read(tmp_path / "p.csv")


def test_a_code_of_the_themes_that_is_nearly_one_of_the_file_is_a_warning(tmp_path: Path) -> None:
    """A list of segments knows used codes only; a misspelt one would count 0 people in silence."""
    path = write_segments(tmp_path / "p.csv")
    settings = beside(tmp_path, path, "segments", columns=SEGMENT_COLUMNS)
    used = load(path, settings).codes["code_id"].iloc[0]
    (tmp_path / "themes.csv").write_text(
        f"theme_id,label,code\nhelp,Help,{used}x\nelse,Else,Quite another thing\n", encoding="utf-8"
    )
    log = load(path, settings).import_log
    warned = log[log["severity"] == "warning"]["message"].tolist()
    assert any(f'"{used}x", is not in the file, but "{used}" is' in message for message in warned)
    unused = log[log["message"].str.contains("nobody used")]
    assert unused["n"].tolist() == [1] and unused["severity"].tolist() == ["note"]


def test_commas_part_lists_and_not_names(tmp_path: Path) -> None:
    """A comma parts where every part is a name elsewhere; "help, practical" stays one code."""
    path = tmp_path / "s.csv"
    path.write_text(
        "source,quote,code,participant\n"
        'A,one two three,"pressure, targets",C01\nA,four five six,Targets,"C01, C02"\n'
        'A,seven eight nine,pressure,C02\nB,ten eleven,"help, practical",C01\n'
        'B,twelve,"pressure, hope",C01\n',
        encoding="utf-8",
    )
    raw = segments.read(path)
    codes = [[coding.code for coding in s.codings] for s in raw.selections]
    assert codes == [
        ["pressure", "targets"],
        ["Targets"],
        ["pressure"],
        ["help, practical"],
        ["pressure, hope"],
    ]
    assert sorted(link.person for link in raw.links if link.selection == "row 1") == ["C01", "C02"]
    told = {message: n for _, _, message, n in raw.log.rows}
    assert told["cells of code hold several names with commas or bars between"] == 1
    assert any("not all of which stand alone" in m and n == 1 for m, n in told.items())
