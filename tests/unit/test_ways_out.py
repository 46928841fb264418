"""Ways out: what other programs read, and that a merged project comes back as it left."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd

from evalweave.qualitative.counts import theme_counts
from evalweave.qualitative.project import Project
from evalweave.qualitative.readers import load
from evalweave.qualitative.refi_out import NAMESPACE, NO_TEXT, qdpx
from evalweave.qualitative.ways_out import codebook, participant_codes, quotations, said_or_not
from helpers.coded_projects import (
    SEGMENT_COLUMNS,
    beside,
    write_qdpx,
    write_segments,
    write_taguette,
)
from helpers.small_projects import project as small

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# The order of a project's parts, of a case's and of a text's in REFI-QDA's schema.
ORDER = {
    "Project": ["Users", "CodeBook", "Variables", "Cases", "Sources"],
    "Case": ["VariableValue", "SourceRef", "SelectionRef"],
    "TextSource": ["Description", "PlainTextSelection", "VariableValue"],
    "Code": ["Description", "Code"],
    "PlainTextSelection": ["Coding"],
}


def back(folder: Path, project: Project) -> Project:
    """Write a project out and read it again with the same tables beside it."""
    folder.mkdir()
    path = folder / "out.qdpx"
    path.write_bytes(qdpx(project))
    return load(path, beside(folder, path, "refi_qda"))


def same(one: Project, two: Project) -> None:
    for name in ("codings", "stances", "segments", "eligibility", "theme_codes"):
        columns = [c for c in getattr(one, name) if c not in ("coded_at", "offset_check")]
        pd.testing.assert_frame_equal(getattr(one, name)[columns], getattr(two, name)[columns])
    pd.testing.assert_frame_equal(theme_counts(one, ["gender"]), theme_counts(two, ["gender"]))


def test_a_project_comes_back_as_it_left(tmp_path: Path) -> None:
    path = write_qdpx(tmp_path / "p.qdpx")
    project = load(path, beside(tmp_path, path, "refi_qda"))
    assert qdpx(project) == qdpx(project)
    same(project, back(tmp_path / "again", project))


def test_what_another_program_wrote_comes_back(tmp_path: Path) -> None:
    path = write_taguette(tmp_path / "p.sqlite3")
    project = load(path, beside(tmp_path, path, "taguette"))
    again = back(tmp_path / "again", project)
    pd.testing.assert_series_equal(
        project.codings["code_id"], again.codings["code_id"], check_index=False
    )
    pd.testing.assert_frame_equal(
        project.stances[["claim_id", "stance"]], again.stances[["claim_id", "stance"]]
    )


def test_segments_of_a_spreadsheet_become_texts_that_say_so(tmp_path: Path) -> None:
    path = write_segments(tmp_path / "s.csv")
    project = load(path, beside(tmp_path, path, "segments", columns=SEGMENT_COLUMNS))
    again = back(tmp_path / "again", project)
    assert len(again.codings) == len(project.codings)
    assert set(again.codings["code_id"]) == set(project.codings["code_id"])
    with zipfile.ZipFile(io.BytesIO(qdpx(project))) as archive:
        assert NO_TEXT in archive.read("project.qde").decode()


def test_the_document_has_the_parts_of_the_schema_in_its_order(tmp_path: Path) -> None:
    path = write_qdpx(tmp_path / "p.qdpx")
    project = load(path, beside(tmp_path, path, "refi_qda"))
    with zipfile.ZipFile(io.BytesIO(qdpx(project))) as archive:
        root = ElementTree.fromstring(archive.read("project.qde"))
        names = set(archive.namelist())
    assert root.tag == f"{{{NAMESPACE}}}Project"
    known = {e.get("guid") for e in root.iter() if e.get("guid")}
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        children = [child.tag.rpartition("}")[2] for child in element]
        if name in ORDER:
            assert set(children) <= set(ORDER[name])
            assert children == sorted(children, key=ORDER[name].index)
        if "guid" in element.attrib:
            assert GUID.fullmatch(element.attrib["guid"])
        if "targetGUID" in element.attrib:
            assert element.attrib["targetGUID"] in known
        if name == "TextSource":
            assert element.attrib["plainTextPath"].replace("internal://", "sources/") in names
    assert len(known) == sum("guid" in element.attrib for element in root.iter())


def test_not_known_is_blank_and_not_zero() -> None:
    """A said it in words of her own; in a source of nobody it may have been B as well."""
    made = small("AB", [("s", "A", None, None), ("t", "B", None, None)], [("s", 0, 9, "c")])
    counts = participant_codes(made)
    assert counts["c"].tolist() == [1, 0]
    both = [("s", "A", None, None), ("s", "B", None, None)]
    open_ = participant_codes(small("AB", both, [("s", 0, 9, "c")]))
    assert open_["c"].isna().all()
    twice = participant_codes(
        small("A", [("s", "A", None, None)], [("s", 0, 5, "c"), ("s", 6, 9, "c")])
    )
    assert twice["c"].tolist() == [2] and said_or_not(twice)["c"].tolist() == [1]


def test_a_row_a_quotation_and_a_row_a_code(tmp_path: Path) -> None:
    path = write_qdpx(tmp_path / "p.qdpx")
    project = load(path, beside(tmp_path, path, "refi_qda"))
    rows = quotations(project)
    assert len(rows) == len(project.codings.drop_duplicates(["segment_id", "code_id"]))
    twice = rows[rows["coders"].str.contains(";")]
    assert twice["code"].tolist() == ["support > accompanied"]
    assert twice[["participant_id", "gender", "themes"]].to_numpy().tolist() == [
        ["C01", "female", "help"]
    ]
    book = codebook(project).set_index("code")
    support = book.loc["support"]
    assert (support["n_references"], support["n_references_below"]) == (0, 4)
    assert (support["n_sources_below"], support["n_participants_below"]) == (3, 3)
    assert support["themes"] == "help"
