"""Checklists are answered by what is stated and by what was computed, and by nothing else."""

from __future__ import annotations

import functools
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from evalweave.report.data import ReportData
from evalweave.report.sections import checklists, guidelines
from evalweave.report.sections.guidelines import said as answered_by
from evalweave.report.sections.guidelines.guideline import NOT_STATED, Either, Stated, answered
from evalweave.study.governance import Governance, Project
from evalweave.study.reporting import Reporting, Statements, TargetTrial
from evalweave.study.whole import Study
from helpers import reports

ITEMS = {"RECORD": 47, "TARGET": 39, "GRAMMS": 6, "SRQR": 21, "COREQ": 32, "CHEERS": 28}


def stating(data: ReportData, part: str, **words: str) -> ReportData:
    """Return the data of a study that states this under one of its sections of statements."""
    about, strand, report = data.study.study, data.study.qualitative, data.study.report
    sections = {"reporting": Statements, "target_trial": TargetTrial, "project": Project}
    sections |= {"governance": Governance}
    if part == "qualitative":
        assert strand is not None
        strand = strand.model_copy(update={"reporting": Reporting(**words)})
    elif part == "checklist":
        report = report.model_copy(update={"checklist": words})
    else:
        about = about.model_copy(update={part: sections[part](**words)})
    study = data.study.model_copy(update={"study": about, "qualitative": strand, "report": report})
    return replace(data, study=study)


@functools.cache
def made(**options: bool) -> dict[tuple[str, str], str]:
    """Return all answers of invented results without the authors' own."""
    with tempfile.TemporaryDirectory() as folder:
        return answers(stating(reports.data(Path(folder), **options), "checklist"))


def answers(data: ReportData) -> dict[tuple[str, str], str]:
    frame = guidelines.table(data)
    keys = zip(frame["checklist"], frame["item"], strict=True)
    return dict(zip(keys, frame["answer"].astype(str), strict=True))


def keys_of(answer: object) -> list[str]:
    """Return the keys of the study file that an answer rests on; none of what was computed."""
    if isinstance(answer, Stated):
        return [answer.key]
    return [each.key for each in answer.keys] if isinstance(answer, Either) else []


STATED = sorted(
    {
        (one.name, item.number, key)
        for one in guidelines.declared()
        for item in one.items
        for answer in item.answers
        for key in keys_of(answer)
    }
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    return stating(reports.data(tmp_path_factory.mktemp("made"), costs=True), "checklist")


def test_every_item_of_every_list_stands_once_and_has_an_answer(data: ReportData) -> None:
    declared = guidelines.declared()
    assert {one.name: len(one.items) for one in declared} == ITEMS
    for one in declared:
        assert len({item.number for item in one.items}) == len(one.items)
        assert "doi:10." in one.reference
    said = answers(stating(data, "qualitative", software="Taguette"))
    assert len(said) == sum(ITEMS.values()) and all(said.values())
    strobe = {re.match(r"\d+", number)[0] for name, number in said if name == "RECORD"}  # type: ignore[index]
    assert {int(n) for n in strobe} == set(range(1, 23))


def test_nothing_is_answered_that_nobody_stated() -> None:
    said = made()
    assert {name for name, _ in said} == {"RECORD", "TARGET", "GRAMMS", "SRQR"}  # nothing for COREQ
    replies = {key: reply for key, reply in said.items() if reply != NOT_STATED}
    assert {key for key in replies if key[0] in ("GRAMMS", "SRQR")} == {
        ("SRQR", "S4"),  # the question, which the study file has
        ("SRQR", "S16"),  # the themes, of which the insights are not stated
        ("SRQR", "S17"),  # quotations
    }
    assert said["SRQR", "S16"].endswith("insights: not stated.")
    assert not any(number.startswith("6") for name, number in replies if name == "TARGET")
    assert said["RECORD", "22"] == said["RECORD", "16b"] == NOT_STATED


def one(data: ReportData, name: str, number: str) -> str:
    """Return the answer to one item."""
    guideline = next(one for one in guidelines.declared() if one.name == name)
    item = next(item for item in guideline.items if item.number == number)
    return guidelines.words(guidelines.answer(data, guideline, item))


@pytest.mark.parametrize("key", sorted({key for *_, key in STATED}))
def test_a_key_answers_its_items_and_only_while_it_is_there(data: ReportData, key: str) -> None:
    *path, last = key.split(".")
    fields = Study.model_fields
    for step in path:  # the key is one of the study file
        kind = fields[step].annotation
        fields = next(k for k in getattr(kind, "__args__", (kind,)) if k is not None).model_fields
    assert last in fields
    part = "qualitative" if path[0] == "qualitative" else path[-1]
    stated = stating(data, part, **{last: f"Said under {last}, <really>; 2 patients."})
    for name, number in ((name, number) for name, number, other in STATED if other == key):
        reply = one(stated, name, number)
        assert f"Said under {last}, <really>; 1 to 7 patients." in reply  # counts as released
        without = one(data, name, number)
        assert "Said under" not in without and NOT_STATED in without


def test_an_item_says_what_was_left_out(data: ReportData) -> None:
    said = stating(data, "qualitative", sampling="By age.", analysis="By 3.")
    assert one(said, "GRAMMS", "3") == "By age. data collection: not stated. By 3."
    assert one(said, "COREQ", "10") == "By age." and one(said, "COREQ", "9") == NOT_STATED


def test_the_authors_answer_by_item_goes_first(data: ReportData) -> None:
    own = stating(data, "checklist", **{"record 18": "As we say.", "RECORD 99": "x"})
    assert one(own, "RECORD", "18") == "As we say."
    assert guidelines.unknown(own) == ["RECORD 99"]
    assert "RECORD 99" in str(checklists.section(own).blocks[-1])


COMPUTED = {
    "ledger": {("RECORD", "13b"), ("RECORD", "13c"), ("RECORD", "14c"), ("TARGET", "10")},
    "baseline": {("RECORD", "14a"), ("TARGET", "9")},
    "trends": {("RECORD", "15"), ("TARGET", "12")},
}


@pytest.mark.parametrize("part", COMPUTED)
def test_what_was_not_computed_answers_nothing(data: ReportData, tmp_path: Path, part: str) -> None:
    without = stating(reports.data(tmp_path, **{part: False}), "checklist")
    before, after = answers(data), answers(without)
    for key in COMPUTED[part]:
        assert before[key] != NOT_STATED and after[key] == NOT_STATED


def test_answers_speak_only_of_what_was_run() -> None:
    said = made(only_main=True, qualitative=False, diagnostics=False)
    assert {name for name, _ in said} == {"RECORD", "TARGET"}
    assert said["RECORD", "12b"] == "No subgroups were analysed."
    assert said["RECORD", "17"] == said["RECORD", "12e"] == said["RECORD", "9"] == NOT_STATED
    everything = " ".join(said.values())
    for never in ("placebo", "by year", "Ethnicity", "wild", "weighted by", "Subgroups were"):
        assert never not in everything, never


def test_without_an_estimate_no_answer_has_one(data: ReportData) -> None:
    none = replace(data, estimates=data.estimates.assign(estimate=pd.NA))
    for key in (("RECORD", "16a"), ("RECORD", "18"), ("TARGET", "13"), ("TARGET", "15")):
        assert "CI" not in one(none, *key)


def test_every_statement_is_asked_for_by_some_item() -> None:
    asked = {key for _, _, key in STATED}
    for prefix, kind in (
        ("qualitative.reporting", Reporting),
        ("study.reporting", Statements),
        ("study.target_trial", TargetTrial),
    ):
        assert {f"{prefix}.{name}" for name in kind.model_fields} <= asked


def test_they_stand_in_the_supplement_and_as_a_table(tmp_path: Path) -> None:
    from helpers.report_results import Made

    out = reports.report(tmp_path, Made())
    frame = pd.read_csv(out / "checklists.csv")
    page = reports.words((out / "supplement.html").read_text())
    assert len(frame) == 47 + 39 + 6 + 21
    for row in frame.itertuples():
        assert row.asks in page
    assert "Funded by nobody." in set(frame["answer"])
    section = (out / "supplement.html").read_text().partition('id="checklists"')[2]
    assert 'href="#' not in section.partition("</section>")[0]  # never a link


def test_cheers_is_answered_from_the_run_and_only_where_costs_are_studied(
    data: ReportData,
) -> None:
    assert not any(name == "CHEERS" for name, _ in made())
    said = {number: reply for (name, number), reply in answers(data).items() if name == "CHEERS"}
    for number, words in (
        ("7", "Practices with the service are compared with all others."),
        ("8", "Costs are those of a payer."),
        ("10", "not discounted"),
        ("13", "natural unit, mmol/mol"),
        ("14", "the programme at 20 per person and period (the accounts)"),
        ("15", "GBP, in prices of 2019."),
        ("17", "The effect is estimated by twfe, the cost by poisson."),
        ("18", "by the levels of ethnicity"),
        ("22", "£0, £50 and £100 (the commissioner’s)"),
    ):
        assert words in said[number], number
    assert (
        "ratio" in said["23"].lower() and "Scenarios with something else assumed: 1." in said["20"]
    )
    for number in ("1", "2", "4", "6", "21", "25", "27", "28"):
        assert said[number].startswith(NOT_STATED) or NOT_STATED in said[number], number
    failed = replace(data, economics=replace(data.economics, facts={"absent": "no practice"}))  # type: ignore[type-var]
    without = answers(failed)
    for number in ("17", "19", "20", "23", "24"):
        assert without["CHEERS", number] == NOT_STATED, number


def test_imputation_is_said_of_the_analyses_that_impute(data: ReportData) -> None:
    assert "nothing was imputed" in one(data, "TARGET", "7h(i)")
    main, *others = data.study.analyses
    imputed = [main.model_copy(update={"estimator": "imputed_did"}), *others]
    study = data.study.model_copy(update={"analyses": imputed})
    said = answered_by.complete_cases(replace(data, study=study))
    assert "nothing was imputed" not in said
    assert said.startswith("Missing values were imputed in “Availability and HbA1c”;")


def test_what_several_keys_state_is_not_run_together() -> None:
    def says(*words: str) -> str:
        return str(answered(None, tuple(lambda _, said=said: said for said in words)))  # type: ignore[arg-type]

    assert says("doi:10.1234/p", "On request.", "https://x.org") == (
        "doi:10.1234/p; On request. https://x.org"
    )
