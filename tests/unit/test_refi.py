"""REFI-QDA as programs write it, and as somebody with bad intentions might."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from evalweave.errors import DataError, StudyError
from evalweave.qualitative.assemble import Beside, assemble
from evalweave.qualitative.formats import refi
from evalweave.qualitative.project import Project
from evalweave.reading import archives
from helpers.coded_projects import Style, qde, write_qdpx

DATA = Path(__file__).parents[1] / "reference" / "data" / "qualitative"


def project_of(path: Path) -> Project:
    return assemble(refi.read(path), Beside())


def logged(project: Project) -> dict[str, int]:
    return dict(zip(project.import_log["message"], project.import_log["n"], strict=True))


def n_of(project: Project, words: str) -> int:
    return sum(n for message, n in logged(project).items() if words in message)


def test_qualcoder_export_with_both_coders() -> None:
    project = project_of(DATA / "qualcoder.qdpx")
    assert len(project.sources) == 6 and len(project.codings) == 58
    assert project.codings.groupby("coder_id").size().to_dict() == {"coder_1": 33, "coder_2": 25}
    assert (project.segments["offset_check"] == "ok").all()
    assert n_of(project, "stored twice") == 6
    assert n_of(project, "nobody is linked to") == 6  # the export lost its case links
    assert project.participants["role"].tolist() == ["client"] * 3 + ["link_worker"] * 3
    assert project.participants["months_in_programme"].tolist()[:3] == [26, 14, 9]


@pytest.mark.parametrize(("file", "codable"), [("qualcoder.qdc", 17), ("taguette.qdc", 17)])
def test_code_books(file: str, codable: int) -> None:
    project = project_of(DATA / file)
    assert int(project.codes["codable"].sum()) == codable and project.sources.empty
    assert "support > accompanied" in " ".join(project.codes["code_id"])


def test_a_document_of_any_name_and_case_is_noted(tmp_path: Path) -> None:
    project = project_of(
        write_qdpx(tmp_path / "p.qdpx", Style(qde="Überblick.QDE", folder="SOURCES"))
    )
    assert len(project.codings) == 8 and n_of(project, "not called project.qde") == 1


@pytest.mark.parametrize("names", [(), ("a.qde", "b.qde")])
def test_no_or_two_documents_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with zipfile.ZipFile(tmp_path / "p.qdpx", "w") as archive:
        archive.writestr("sources/a.txt", "a")
        for name in names:
            archive.writestr(name, qde())
    with pytest.raises(DataError, match="expected exactly one"):
        refi.read(tmp_path / "p.qdpx")


def test_dangling_and_empty_things_are_counted(tmp_path: Path) -> None:
    extra = (
        '<TextSource guid="e" name="extra"><PlainTextContent>One two three</PlainTextContent>'
        '<PlainTextSelection guid="e1" startPosition="0" endPosition="3"><Coding><CodeRef '
        'targetGUID="nowhere"/></Coding></PlainTextSelection>'
        '<PlainTextSelection guid="e2" startPosition="4" endPosition="4"><Coding><CodeRef '
        'targetGUID="g-targets"/></Coding></PlainTextSelection>'
        '<PlainTextSelection guid="e3" startPosition="4" endPosition="7"/>'
        '<Coding><CodeRef targetGUID="g-targets"/></Coding></TextSource>'
        '<TextSource guid="o" name="outside" plainTextPath="absolute:///etc/passwd"/>'
        '<TextSource guid="r" name="relative" plainTextPath="relative://../../secret.txt"/>'
        '<TextSource guid="u" name="up" plainTextPath="internal://../project.qde"/>'
        '<PictureSource guid="pic" name="p"><PictureSelection '
        'guid="ps"/></PictureSource><VideoSource guid="v2" name="v"/>'
    )
    project = project_of(write_qdpx(tmp_path / "p.qdpx", Style(extra=extra)))
    assert n_of(project, "not in the code book (dangling)") == 1
    assert n_of(project, "of no length") == 1
    assert n_of(project, "without a code") == 3  # e3, e1 whose only code is dangling, the picture's
    assert n_of(project, "by their place") == 2  # of the picture, and a text coded as a whole
    assert n_of(project, "leads outside the archive") == 3
    assert n_of(project, "without a readable text") == 3


def test_sources_imported_twice_are_one(tmp_path: Path) -> None:
    once = (
        '<TextSource guid="a1" name="same"><PlainTextContent>Same '
        "words</PlainTextContent></TextSource>"
    )
    project = project_of(
        write_qdpx(tmp_path / "p.qdpx", Style(extra=once + once.replace("a1", "a2")))
    )
    assert (
        project.sources["name"].tolist().count("same") == 1
        and n_of(project, "twice (same name") == 1
    )


def test_the_same_leaf_under_two_parents_stays_two_codes(tmp_path: Path) -> None:
    book = (
        '<CodeBook xmlns="urn:QDA-XML:codebook:1.0"><Codes><Code guid="1" name="money"><Code '
        'guid="2" name="trust"/></Code>'
        '<Code guid="3" name="GP"><Code guid="4" name="trust"/></Code></Codes></CodeBook>'
    )
    (tmp_path / "c.qdc").write_text(book)
    codes = project_of(tmp_path / "c.qdc").codes["code_id"].tolist()
    assert codes == ["GP", "GP > trust", "money", "money > trust"]


# Hostile and broken files
# ---------------------------------------------------------------------------------

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b '
    '"&a;&a;&a;&a;&a;&a;&a;&a;">]><Project>&b;</Project>'
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/passwd">]><Project>&a;</Project>'
DTD = '<?xml version="1.0"?><!DOCTYPE Project SYSTEM "http://example.invalid/p.dtd"><Project/>'


@pytest.mark.parametrize("document", [BOMB, OUTSIDE, DTD], ids=["bomb", "external entity", "DTD"])
@pytest.mark.parametrize("zipped", [True, False])
def test_document_types_and_entities_are_refused(
    tmp_path: Path, document: str, zipped: bool
) -> None:
    path = tmp_path / "p.qdpx"
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("project.qde", document)
    else:
        path.write_text(document)
    with pytest.raises(DataError, match="document type or entities"):
        refi.read(path)


def test_names_that_climb_out_are_ignored_and_nothing_is_written(tmp_path: Path) -> None:
    names = (
        "../evil.txt",
        "/etc/evil.txt",
        "C:\\evil.txt",
        "sources/../../evil.txt",
        "..\\evil.txt",
    )
    home = tmp_path / "home"
    home.mkdir()
    path = write_qdpx(home / "p.qdpx", **dict.fromkeys(names, b"evil"))
    project = project_of(path)
    assert n_of(project, "lead out of the archive") == len(names)
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["home", "p.qdpx"]


def test_zip_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.qdpx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("project.qde", " " * (8 * 2**20))
    with pytest.raises(DataError, match="zip bomb"):
        refi.read(path)
    monkeypatch.setattr(archives, "MAX_ENTRIES", 3)
    with pytest.raises(DataError, match="more than 3 entries"):
        refi.read(write_qdpx(tmp_path / "many.qdpx"))
    monkeypatch.setattr(archives, "MAX_ENTRIES", 100)
    monkeypatch.setattr(archives, "MAX_TOTAL", 100)
    with pytest.raises(DataError, match="zip bomb"):
        refi.read(write_qdpx(tmp_path / "large.qdpx"))


def test_a_size_that_lies_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The header says 10 bytes, the member holds more: what is read counts, not what is said."""
    path = write_qdpx(tmp_path / "p.qdpx")
    content = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.index(signature)
        content[at + place : at + place + 4] = struct.pack("<I", 10)
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"damaged|not well formed"):
        refi.read(path)


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = write_qdpx(tmp_path / "p.qdpx")
    content = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.index(signature)
        content[at + place] |= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="encrypted"):
        refi.read(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty file"),
        (b"just some words", "no zip"),
        (b"<Project><Users></Project>", "not well formed"),
        (b"<html><body/></html>", "REFI-QDA <Project>"),
    ],
    ids=["empty", "words", "bad XML", "HTML"],
)
def test_files_that_are_something_else(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "p.qdpx").write_bytes(content)
    with pytest.raises(DataError, match=words):
        refi.read(tmp_path / "p.qdpx")


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_zip(tmp_path: Path, share: float) -> None:
    path = write_qdpx(tmp_path / "p.qdpx")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DataError, match="truncated"):
        refi.read(path)


def test_a_damaged_member(tmp_path: Path) -> None:
    path = write_qdpx(tmp_path / "p.qdpx")
    content = bytearray(path.read_bytes())
    content[60:90] = b"\xff" * 30
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="damaged"):
        refi.read(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no such file"):
        refi.read(tmp_path / "p.qdpx")


def test_html_in_a_quote_stays_text(tmp_path: Path) -> None:
    words = "&lt;script&gt;alert(1)&lt;/script&gt;"
    extra = (
        f'<TextSource guid="e" name="extra"><PlainTextContent>{words}</PlainTextContent>'
        '<PlainTextSelection guid="e1" startPosition="0" endPosition="25"><Coding><CodeRef '
        'targetGUID="g-targets"/></Coding></PlainTextSelection></TextSource>'
    )
    project = project_of(write_qdpx(tmp_path / "p.qdpx", Style(extra=extra)))
    assert (
        "<script>alert(1)</script>" in project.segments["quote"].tolist()
    )  # the report escapes it


def test_codes_nested_without_end_are_refused(tmp_path: Path) -> None:
    deep = "".join(f'<Code guid="{i}" name="c">' for i in range(2000)) + "</Code>" * 2000
    (tmp_path / "p.qdc").write_text(
        f'<CodeBook xmlns="urn:QDA-XML:codebook:1.0"><Codes>{deep}</Codes></CodeBook>'
    )
    with pytest.raises(DataError, match="nested more than"):
        refi.read(tmp_path / "p.qdc")


def test_absurd_positions_are_no_positions(tmp_path: Path) -> None:
    extra = (
        '<TextSource guid="e" name="extra"><PlainTextContent>One two</PlainTextContent>'
        + "".join(
            f'<PlainTextSelection guid="e{i}" startPosition="{p}" endPosition="3"><Coding><CodeRef '
            'targetGUID="g-targets"/></Coding></PlainTextSelection>'
            for i, p in enumerate(["-1", "9" * 30, "9" * 5000, "x", "1.5", ""])
        )
    )
    project = project_of(write_qdpx(tmp_path / "p.qdpx", Style(extra=extra + "</TextSource>")))
    odd = project.segments[project.segments["source_id"].str.startswith("extra")]
    assert (
        len(odd) == 6 and (odd["offset_check"] == "ambiguous").all() and odd["start"].isna().all()
    )


def test_sets_are_named_and_change_no_count(tmp_path: Path) -> None:
    sets = (
        '<Sets><Set guid="s1" name="First wave"><MemberSource targetGUID="g-FG1"/>'
        '<MemberSource targetGUID="g-FN1"/><MemberCode targetGUID="g-targets"/></Set></Sets>'
    )
    plain = project_of(write_qdpx(tmp_path / "plain.qdpx"))
    path = tmp_path / "sets.qdpx"
    with zipfile.ZipFile(write_qdpx(tmp_path / "p.qdpx")) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name).replace(b"</Project>", sets.encode() + b"</Project>")
            new.writestr(name, content)
    project = project_of(path)
    assert n_of(project, 'the set "First wave"') == 1
    assert n_of(project, "(2 sources, 1 codes, 0 notes)") == 1
    assert project.codings.equals(plain.codings)
