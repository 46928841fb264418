"""Ways out: what other programs read, and that a merged project comes back as it left."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd

from evalweave.qualitative.codebook import with_unused
from evalweave.qualitative.counts import theme_counts
from evalweave.qualitative.matrix import Matrix
from evalweave.qualitative.project import Project
from evalweave.qualitative.readers import load
from evalweave.qualitative.refi_out import NAMESPACE, NO_TEXT, qdpx
from evalweave.qualitative.show import neutral, plain
from evalweave.qualitative.theme_numbers import theme_numbers
from evalweave.qualitative.ways_out import codebook, participant_codes, quotations, said_or_not
from evalweave.triangulation.stances import voices, words_of
from helpers.coded_projects import (
    SEGMENT_COLUMNS,
    beside,
    write_qdpx,
    write_segments,
    write_taguette,
)
from helpers.small_projects import project as small

DATA = Path(__file__).parents[1] / "reference" / "data" / "qualitative"
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


def documents(project: Project) -> tuple[bytes, dict[str, str]]:
    """Return the project's document as exported, and its texts by file name."""
    with zipfile.ZipFile(io.BytesIO(qdpx(project))) as archive:
        texts = {n: archive.read(n).decode() for n in archive.namelist() if n.endswith(".txt")}
        return archive.read("project.qde"), texts


def test_the_document_is_valid_by_the_published_schema(tmp_path: Path) -> None:
    """Project-mrt2019.xsd of the REFI-QDA standard; empty parts are left out, not written empty."""
    from lxml import etree

    schema = etree.XMLSchema(file=str(DATA / "Project-mrt2019.xsd"))
    path = write_qdpx(tmp_path / "p.qdpx")
    table = write_segments(tmp_path / "s.csv")
    projects = {
        "whole": load(path, beside(tmp_path, path, "refi_qda")),
        "table": load(table, beside(tmp_path, table, "segments", columns=SEGMENT_COLUMNS)),
        "nobody": small("A", [], []),
        "uncoded": small("A", [("s", "A", None, None)], []),
    }
    for name, project in projects.items():
        valid = schema.validate(etree.fromstring(documents(project)[0]))
        assert valid, (name, schema.error_log)
    broken = documents(projects["whole"])[0].replace(b"<Users>", b"<Nobody>")
    broken = broken.replace(b"</Users>", b"</Nobody>")
    assert not schema.validate(etree.fromstring(broken))


def test_characters_that_xml_cannot_hold_are_boxes(tmp_path: Path) -> None:
    project = small("A", [("s", "A", None, None)], [("s", 0, 5, "c")])
    codes = project.codes.assign(description="one\x0btwo\x00three\ufffe")
    document = documents(replace(project, codes=codes))[0]
    assert "one□two□three□" in ElementTree.fromstring(document).find(".//{*}Description").text  # type: ignore[union-attr,operator]


def qualcoder(document: bytes, texts: dict[str, str]) -> dict[str, list[tuple[object, ...]]]:
    """Return what QualCoder's import would put into its tables.

    It mirrors RefiImport of QualCoder's refi.py (github.com/ccbogel/QualCoder, August 2026):
    `import_project`, `parse_users`, `sub_codes`, `parse_cases`, `load_text_source` and
    `load_codings_for_text`, with the constraints of its tables: names of codes, categories, sources
    and cases are unique; a code whose name is taken is not entered, so that its codings lose it; a
    coding is unique by code, source, place and owner; the owner is the selection's user.
    """
    ns = "{urn:QDA-XML:project:1.0}"
    root = ElementTree.fromstring(document)
    made: dict[str, list[tuple[object, ...]]] = {n: [] for n in ("codes", "texts", "cases", "lost")}
    users = {u.get("guid"): u.get("name") for u in root.iterfind(f"{ns}Users/{ns}User")}
    codes: dict[str | None, str] = {}
    taken: set[tuple[bool, str]] = set()

    def sub_codes(element: ElementTree.Element, above: tuple[str, ...], in_code: bool) -> None:
        name, category = element.get("name") or "", element.get("isCodable") == "false"
        if (category, name) in taken:
            made["lost"].append(("code", name))
        elif not category:
            codes[element.get("guid")] = name
            made["codes"].append((*above, name))
        if category and in_code:
            made["lost"].append(("category under a code", name))
        taken.add((category, name))
        for child in element.iterfind(f"{ns}Code"):
            sub_codes(child, (*above, name), not category)

    for part in root.iterfind(f"{ns}CodeBook"):
        for code in next(iter(part)):
            sub_codes(code, (), False)
    for case in root.iterfind(f"{ns}Cases/{ns}Case"):
        made["cases"].append((case.get("name"), len(case.findall(f"{ns}VariableValue"))))
    entered: set[tuple[object, ...]] = set()
    for source in root.iterfind(f"{ns}Sources/{ns}TextSource"):
        text = texts["sources/" + source.get("plainTextPath").split("internal:/")[1].lstrip("/")]  # type: ignore[union-attr]
        assert source.get("creationDateTime") and "\r\n" not in text
        for selection in source.iterfind(f"{ns}PlainTextSelection"):
            place = int(selection.get("startPosition", "")), int(selection.get("endPosition", ""))
            owner = users.get(selection.get("creatingUser"), "default")
            for coding in selection.iterfind(f"{ns}Coding"):
                code = codes.get(next(iter(coding)).get("targetGUID"))
                row = (source.get("name"), place, owner, code)
                if code is None or row in entered:
                    made["lost"].append(("coding", *row))
                entered.add(row)
                made["texts"].append((source.get("name"), text[slice(*place)], owner, code))
    return made


def test_qualcoder_would_open_it_and_lose_no_coding(tmp_path: Path) -> None:
    path = write_qdpx(tmp_path / "p.qdpx")
    project = load(path, beside(tmp_path, path, "refi_qda"))
    again = project.stances.assign(claim_id="money")  # supports and contradicts under two claims
    project = replace(project, stances=pd.concat([project.stances, again], ignore_index=True))
    opened = qualcoder(*documents(project))
    assert opened["lost"] == []
    stances, codings = project.stances, project.codings
    assert len(opened["texts"]) == len(codings) + len(stances)
    assert {row[2] for row in opened["texts"]} == {*codings["coder_id"], *stances["coder_id"]}
    quotes = dict(project.segments[["segment_id", "quote"]].itertuples(index=False, name=None))
    assert {row[1] for row in opened["texts"]} == {
        quotes[s] for s in [*codings["segment_id"], *stances["segment_id"]]
    }
    assert [name for name, _ in opened["cases"]] == project.participants["participant_id"].tolist()
    assert ("claim", "deprivation", "claim > deprivation > supports") in opened["codes"]
    assert len(set(opened["codes"])) == len(opened["codes"])


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


def test_who_has_no_source_or_was_not_asked_is_blank() -> None:
    """A said it, B did not, C has no source, D was asked about nothing; d belongs to no theme."""
    links = [("s", "A", None, None), ("t", "B", None, None), ("u", "D", None, None)]
    made = small("ABCD", links, [("s", 0, 9, "c"), ("t", 0, 9, "d")])
    asked = made.eligibility.assign(eligible=[True, True, True, False])
    told = participant_codes(replace(made, eligibility=asked)).astype(object)
    told = told.where(told.notna(), None)
    assert told["c"].tolist() == [1, 0, None, None]
    assert told["d"].tolist() == [0, 1, None, 0]


def test_a_code_that_nobody_used_is_a_finding(tmp_path: Path) -> None:
    links = [("s", "A", None, None), ("t", "B", None, None)]
    made = small("AB", links, [("s", 0, 9, "d")])
    assert participant_codes(made)["c"].tolist() == [0, 0]
    below = small("AB", links, [("s", 0, 9, "c > d")])
    assert list(participant_codes(below))[2:] == ["c > d"]
    codes = made.codes[made.codes["code_id"] == "d"]
    whole = with_unused(codes, ["food > paid", "food"])
    assert whole["code_id"].tolist() == ["d", "food", "food > paid"]
    assert whole["parent"].fillna("").tolist() == ["", "", "food"]
    path = write_segments(tmp_path / "s.csv")
    settings = beside(tmp_path, path, "segments", columns=SEGMENT_COLUMNS)
    themes = Path(settings.themes)
    themes.write_text(themes.read_text().rstrip("\n") + "\nfood,Food,,Food and money,yes\n")
    project = load(path, settings)
    assert "Food and money" in set(codebook(project)["code"])
    assert 'name="Food and money"' in documents(project)[0].decode()


def test_people_of_a_code_are_by_role_and_blank_where_they_are_not_known() -> None:
    both = [("s", "A", None, None), ("s", "B", None, None)]
    book = codebook(small("AB", both, [("s", 0, 9, "c")]))
    assert book.set_index("code")["n_client_below"].isna().tolist() == [True]
    known = codebook(small("AB", [("s", "A", None, None)], [("s", 0, 9, "c")]))
    assert known["n_client_below"].tolist() == [1]


def test_numbers_of_those_who_raised_a_theme_are_not_known_where_they_may_be_anybody() -> None:
    both = [("s", "A", None, None), ("s", "B", None, None)]
    for links, raised in ((both, [None]), (both[:1], [1]), ([("t", "A", None, None)], [None])):
        made = small("AB", links, [("s", 0, 9, "c")])
        made = replace(made, participants=made.participants.assign(age=40.0))
        numbers = theme_numbers(made, ["age"], 1).set_index("of")["n_with_value"]
        assert [None if pd.isna(n) else n for n in numbers[["raised"]]] == raised
        assert numbers["asked"] == 2


def test_a_claim_beside_counts_that_were_added_up_elsewhere_is_not_known() -> None:
    made = small("AB", [("s", "A", None, None)], [])
    counts = pd.DataFrame({"code_id": ["c"], "role": ["client"], "n": [2]})
    for matrix, state in ((None, "A"), (Matrix(counts, "participants"), "N")):
        project = replace(made, matrix=matrix)
        heard = voices("drift", frozenset("AB"), project, words_of(project))
        assert heard.state.state == state


def test_codes_and_attributes_that_are_called_as_columns_of_ours() -> None:
    marks = [("s", 0, 9, "role"), ("s", 0, 9, "participant_id"), ("s", 10, 19, "-help")]
    made = small("A", [("s", "A", None, None)], [*marks, ("s", 20, 29, "role (code)")])
    counts = said_or_not(participant_codes(made))
    assert counts.iloc[0].to_dict() == {
        "participant_id": "A",
        "role": "client",
        "-help": 1,
        "c": 0,
        "participant_id (code)": 1,
        "role (code) (code)": 1,
        "role (code)": 1,
    }
    assert "'-help" in neutral(counts) and "-help" in plain(neutral(counts))
    people = made.participants.assign(place="Byker", Quote="yes")
    rows = quotations(replace(made, participants=people))
    assert rows["place (participant)"].tolist()[0] == "Byker" and rows.columns.is_unique


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
    roles = set(project.participants["role"])
    assert (support["n_sources_below"], support[[f"n_{role}_below" for role in roles]].sum()) == (
        3,
        3,
    )
    assert support["themes"] == "help"
