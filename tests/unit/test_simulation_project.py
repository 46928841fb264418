"""The simulated coded project: fieldwork as published, positions that equal their quotes, stances
as declared."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest

from evalweave.errors import DataError
from evalweave.files import read_table
from evalweave.simulation import fieldwork
from evalweave.simulation.coded_project import CODERS, N_STANCES, Source, code_book, sources
from evalweave.simulation.refi_qda import qdpx
from evalweave.simulation.streams import streams
from evalweave.simulation.written import written_project
from evalweave.study.file import load_settings
from evalweave.study.stages import SimulateSettings
from evalweave.tables.joint import CLAIMS
from evalweave.tables.qualitative import ELIGIBILITY

CONFIG = Path(__file__).parents[2] / "config"
INPUTS = CONFIG / "ways-to-wellness"
NS = {"q": "urn:QDA-XML:project:1.0"}


@pytest.fixture(scope="module")
def texts() -> list[Source]:
    random = streams(5)
    return sources(random["interviews"], random["coders"])


@pytest.fixture(scope="module")
def archive(texts: list[Source]) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(qdpx(texts, fieldwork.participants(), "test")))


@pytest.fixture(scope="module")
def project(archive: zipfile.ZipFile) -> Any:
    return ElementTree.fromstring(archive.read("project.qde"))


def test_fieldwork_is_the_published_one() -> None:
    people = fieldwork.participants()
    assert people["role"].value_counts().to_dict() == {"link_worker": 20, "client": 19, "family": 7}
    kinds = fieldwork.sources_table()["kind"].value_counts().to_dict()
    assert kinds["focus_group"] == 3
    assert kinds["link_worker_interview"] == 6
    assert kinds["initial_interview"] == 19
    assert kinds["photo_elicitation"] == 9
    assert kinds["family_interview"] == 7
    assert kinds["final_interview"] == 15
    assert kinds["shadowing"] == 8
    assert {"field_note", "client_observation"} <= set(kinds)
    assert len({person for group in fieldwork.FOCUS_GROUPS for person in group}) == 16
    dates = pd.to_datetime(fieldwork.sources_table()["date"])
    assert dates.min() >= pd.Timestamp("2019-01-01")
    assert dates.max() <= pd.Timestamp("2020-07-31")


@pytest.mark.parametrize("attribute", ["age_band", "gender", "ethnicity", "employment", "provider"])
def test_each_attribute_of_clients_is_shared_by_three(attribute: str) -> None:
    people = fieldwork.participants()
    assert people.loc[people["role"] == "client", attribute].value_counts().min() >= 3


def test_positions_equal_their_quotes_in_code_points(
    archive: zipfile.ZipFile, project: Any
) -> None:
    checked = 0
    for source in project.iterfind("q:Sources/q:TextSource", NS):
        path = source.get("plainTextPath").replace("internal://", "sources/")
        text = archive.read(path).decode()
        assert "\r" not in text
        for selection in source.iterfind("q:PlainTextSelection", NS):
            start, end = int(selection.get("startPosition")), int(selection.get("endPosition"))
            assert text[start:end] == selection.get("name")
            assert end > start
            checked += 1
    assert checked > 400


def test_some_text_lies_beyond_the_basic_plane(texts: list[Source]) -> None:
    assert any(ord(sign) > 0xFFFF for source in texts for sign in source.text)


def test_every_reference_leads_somewhere(project: Any) -> None:
    defined = {element.get("guid") for element in project.iter() if element.get("guid")}
    targets = [element.get("targetGUID") for element in project.iter() if element.get("targetGUID")]
    assert set(targets) <= defined
    guids = [element.get("guid") for element in project.iter() if element.get("guid")]
    assert len(guids) == len(set(guids))


def test_cases_are_linked_by_source_or_by_turn(project: Any) -> None:
    cases = {case.get("name"): case for case in project.iterfind("q:Cases/q:Case", NS)}
    assert set(cases) == {*fieldwork.CLIENTS, *fieldwork.LINK_WORKERS, *fieldwork.FAMILY}
    for person in fieldwork.CLIENTS:
        assert cases[person].find("q:SourceRef", NS) is not None
    for group in fieldwork.FOCUS_GROUPS:
        for person in group:
            assert cases[person].find("q:SelectionRef", NS) is not None


def test_two_coders_mostly_agree(texts: list[Source]) -> None:
    double = [
        s
        for s in texts
        if any(coder == CODERS[1] for each in s.selections for _, coder in each.codings)
    ]
    assert 0.15 < len(double) / len(texts) < 0.4
    by_coder = {
        coder: {
            (source.planned.name, selection.start, selection.end, code)
            for source in double
            for selection in source.selections
            for code, who in selection.codings
            if who == coder
        }
        for coder in CODERS
    }
    shared = len(by_coder[CODERS[0]] & by_coder[CODERS[1]]) / len(by_coder[CODERS[0]])
    assert 0.4 < shared < 0.95


def test_stances_are_taken_by_as_many_as_declared(texts: list[Source]) -> None:
    taken: dict[tuple[str, str], set[str]] = {}
    for source in texts:
        for selection in source.selections:
            for code, coder in selection.codings:
                if not code.startswith("claim::") or coder != CODERS[0]:
                    continue
                turns = [who for who, start, end in source.turns if start <= selection.start < end]
                speaker = (turns or source.planned.speakers)[0]
                _, claim, stance = code.split("::")
                taken.setdefault((claim, stance), set()).add(speaker)
    for claim, both in N_STANCES.items():
        for stance, by_role in both.items():
            assert len(taken[claim, stance]) == sum(by_role.values()), (claim, stance)
    # A negative case for each claim that a convergence label is wanted of, and nobody on both
    # sides.
    for claim in ("deprivation", "drift", "conditions"):
        assert len(taken[claim, "contradicts"]) == 1
        assert not taken[claim, "contradicts"] & taken[claim, "supports"]


def test_only_people_who_were_asked_raise_a_theme(texts: list[Source]) -> None:
    themes = read_table(INPUTS / "themes.csv").set_index("code")["theme_id"]
    eligible = fieldwork.eligibility()
    asked = set(
        zip(
            *(eligible.loc[eligible["eligible"], c] for c in ("participant_id", "theme_id")),
            strict=True,
        )
    )
    raised = {
        (source.planned.speakers[0], themes[code.split(" > ")[0]])
        for source in texts
        if len(source.planned.speakers) == 1 and source.planned.kind != "final_interview"
        for selection in source.selections
        for code, _ in selection.codings
        if code.split(" > ")[0] in themes.index
    }
    assert raised <= asked


def test_declared_inputs_agree_with_the_fieldwork() -> None:
    declared = pd.read_csv(INPUTS / "eligibility.csv", dtype=str)
    declared = ELIGIBILITY.conform(declared.assign(eligible=declared["eligible"] == "true"))
    pd.testing.assert_frame_equal(declared, fieldwork.eligibility())
    assert set(read_table(INPUTS / "themes.csv")["code"]) <= set(code_book())
    claims = CLAIMS.conform(read_table(INPUTS / "claims.csv", CLAIMS))
    assert set(claims["claim_id"]) == set(N_STANCES)
    signs = claims.set_index("claim_id")["expected_sign"]
    # Lower is better. Limited help for the most deprived: less of a fall in quintile 1, so 5 minus
    # 1 is negative.
    assert signs["deprivation"] == "negative"
    assert signs["drift"] == "positive"
    assert signs["conditions"] == "negative"


def test_the_same_leaf_stands_under_two_parents() -> None:
    leaves = [path.rpartition(" > ")[2] for path in code_book()]
    assert leaves.count("trust") == 2


def test_a_theme_of_an_unknown_code_is_refused_with_its_row() -> None:
    settings = load_settings(str(CONFIG / "config.yaml"), SimulateSettings)
    themes = pd.DataFrame({"code": ["Classed experiences", "Clased experiences"]})
    with pytest.raises(DataError, match=r"row 3, column code"):
        written_project(settings, themes, "test")


def test_the_archive_is_the_same_bytes_twice(texts: list[Source]) -> None:
    again = streams(5)
    one = qdpx(texts, fieldwork.participants(), "test")
    two = qdpx(sources(again["interviews"], again["coders"]), fieldwork.participants(), "test")
    assert one == two


def test_what_is_declared_beside_the_project_is_what_it_holds(texts: list[Source]) -> None:
    """Which sources were coded twice, and who belongs to whom, stand in files of the study."""
    declared = pd.read_csv(INPUTS / "double_coding.csv")
    coders: dict[str, set[str]] = {}
    for source in texts:
        coders[source.planned.name] = {who for s in source.selections for _, who in s.codings}
    twice = {name for name, who in coders.items() if CODERS[1] in who}
    assert twice <= set(declared["source"]) == fieldwork.double_coded()
    assert (declared.groupby("source")["coder"].agg(set) == set(CODERS)).all()
    links = pd.read_csv(INPUTS / "links.csv")
    assert dict(zip(links["linked"], links["participant"], strict=True)) == fieldwork.RELATIVE_OF


def test_the_dyad_speaks_in_turns_of_two_voices(texts: list[Source]) -> None:
    (relative, client), *_ = fieldwork.DYADS.items()
    source = next(s for s in texts if s.planned.name == f"{relative}_family_interview")
    assert {who for who, _, _ in source.turns} == {relative, client}
