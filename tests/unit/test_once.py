"""One thing is stated once: found in either place, and said where two places differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evalweave.report.data import ReportData
from evalweave.report.sections import guidelines
from evalweave.study import once
from evalweave.study.governance import Governance, Person, Project
from evalweave.study.reporting import Reporting, Statements
from evalweave.study.whole import Study
from helpers import reports


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    return reports.data(tmp_path_factory.mktemp("made"))


def stating(study: Study, whole: dict[str, str], strand: dict[str, str]) -> Study:
    """Return a study that states this of itself and that of its qualitative strand."""
    about = study.study.model_copy(
        update={
            "governance": Governance(approval=whole.get("approval", "")),
            "project": Project(funding=whole.get("funding", "")),
            "reporting": Statements(interests=whole.get("interests", "")),
        }
    )
    assert study.qualitative is not None
    own = {{"approval": "ethics"}.get(name, name): words for name, words in strand.items()}
    voices = study.qualitative.model_copy(update={"reporting": Reporting(**own)})
    return study.model_copy(update={"study": about, "qualitative": voices})


@pytest.mark.parametrize("name", once.PLACES)
def test_what_stands_in_either_place_is_found(data: ReportData, name: str) -> None:
    for places in (({name: "As agreed."}, {}), ({}, {name: "As agreed."})):
        study = stating(data.study, *places)
        assert once.stated(study, name) == "As agreed."
        assert once.stated(study.model_dump(mode="json"), name) == "As agreed."
        assert once.contradictions(study) == []
    assert once.stated(data.study, name) == ""


@pytest.mark.parametrize("name", once.PLACES)
def test_two_that_differ_are_both_printed_and_check_says_so(data: ReportData, name: str) -> None:
    study = stating(data.study, {name: "Of the records."}, {name: "Of the interviews."})
    (said,) = once.contradictions(study)
    assert '"Of the records."' in said and '"Of the interviews."' in said
    assert ", ".join(once.PLACES[name][0].split(".")) in said
    answers = guidelines.table(replace(data, study=study))["answer"].astype(str)
    both = answers[answers.str.contains("Of the records.", regex=False)]
    assert len(both) and both.str.contains("Of the interviews.", regex=False).all()


@pytest.mark.parametrize(
    ("one", "other"), [("NIHR, 123", "nihr 123."), ("NIHR", "NIHR, grant 123"), ("None", "")]
)
def test_the_same_in_other_letters_or_more_of_it_is_no_contradiction(
    data: ReportData, one: str, other: str
) -> None:
    study = stating(data.study, {"funding": one}, {"funding": other})
    assert once.contradictions(study) == []
    assert once.stated(study, "funding") == max(one, other, key=len)


def test_the_names_of_people_stand_for_authors(data: ReportData) -> None:
    def named(authors: list[str], people: list[str]) -> Study:
        update = {"authors": authors, "people": [Person(name=name) for name in people]}
        return data.study.model_copy(update={"study": data.study.study.model_copy(update=update)})

    assert named([], ["A. Author"]).study.names == ["A. Author"]
    assert once.contradictions(named(["A. Author"], ["A Author"])) == []
    (said,) = once.contradictions(named(["A. Author"], ["B. Other"]))
    assert "A. Author" in said and "B. Other" in said


def test_check_notes_it(tmp_path: Path, data: ReportData, monkeypatch: pytest.MonkeyPatch) -> None:
    from evalweave.commands import _findings

    for name in ("_practices", "_lists", "_strand", "_extract"):
        monkeypatch.setattr(_findings, name, lambda *given: ({}, True))
    study = stating(data.study, {"funding": "One."}, {"funding": "Two."})
    findings = _findings.of_study(tmp_path / "s.yaml", study, tmp_path, lambda what: None)
    assert any('"One."' in note and '"Two."' in note for note in findings.notes)
