"""Eligibility beyond one entry of a list: counting days, categories of a list, type 1 against type
2."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from evalweave.cli import app
from evalweave.cohort.eligibility import reasons
from evalweave.errors import DataError
from evalweave.records.codelists import read_all, unknown_labels
from evalweave.study.file import load_study
from evalweave.study.people import Eligibility, listed
from evalweave.study.whole import Study
from helpers.cohort import TYPE_1, TYPE_2, built, person, reason, settings

CONFIG = Path(__file__).parents[2] / "config"
GENERIC = "73211009"


def entries(patient: str, code: str, *days: str) -> list[dict[str, str]]:
    return [
        {"patient_id": patient, "date": day, "code": code, "value": "", "unit": ""} for day in days
    ]


RULES: list[tuple[dict[str, Any], int, int, bool]] = [
    # counting of type 1, days of type 1, days of type 2, eligible
    ({}, 0, 1, True),
    ({}, 1, 9, False),
    ({"at_least": 2}, 1, 1, True),
    ({"at_least": 2}, 2, 5, False),
    ({"more_than": "type_2_diabetes"}, 1, 1, True),
    ({"more_than": "type_2_diabetes"}, 2, 1, False),
    ({"more_than": "type_2_diabetes"}, 2, 3, True),
    ({"at_least": 3, "more_than": "type_2_diabetes"}, 2, 1, True),
    ({"at_least": 3, "more_than": "type_2_diabetes"}, 3, 2, False),
]


@pytest.mark.parametrize("number", range(len(RULES)), ids=str)
def test_type_1_rules(number: int) -> None:
    """Each rule is asked of the people of all rules, so that they are cleaned once."""
    rule, _, _, eligible = RULES[number]
    names = [f"P{place}" for place in range(len(RULES))]
    days = [f"20{year:02d}-03-01" for year in range(3, 14)]
    records = []
    for name, (_, type_1, type_2, _) in zip(names, RULES, strict=True):
        records += [*entries(name, TYPE_1, *days[:type_1]), *entries(name, TYPE_2, *days[:type_2])]
        # the same day twice, and a day from the index date on, count for nothing
        records += entries(name, TYPE_1, *days[:type_1], "2015-04-01")
    chosen = settings(eligibility={"counting": {"type_1_diabetes": rule}} if rule else {})
    result = built([person(name, diagnosed="") for name in names], chosen, records=records)
    found = set(result.cohort["patient_id"]) & set(names)
    assert (names[number] in found) == eligible
    out = {
        name
        for name, (_, type_1, type_2, _) in zip(names, RULES, strict=True)
        if type_1 >= rule.get("at_least", 1) and ("more_than" not in rule or type_1 > type_2)
    }
    assert found == set(names) - out
    assert reason(result) == {"with_type_1_diabetes": len(out)}


def test_a_condition_may_need_entries_on_several_days() -> None:
    chosen = settings(eligibility={"counting": {"type_2_diabetes": {"at_least": 2}}})
    twice = [
        entry for p in "ABCD" for n in (1, 2) for entry in entries(f"{p}{n}", TYPE_2, "2013-01-01")
    ]
    records = [*twice, *entries("Q", TYPE_2, "2012-01-01"), *entries("R", TYPE_2, "2015-04-02")]
    people = [person("P"), person("Q"), person("R")]
    result = built(people, chosen, records=records)
    assert reason(result) == {
        "without_type_2_diabetes": 3
    }  # Q twice on a day, R the second time afterwards
    words = set(result.ledger.loc[result.ledger["rule"] == "without_type_2_diabetes", "reason"])
    assert words == {"no entries of type_2_diabetes on 2 days or more before"}


def test_reasons_say_the_rule() -> None:
    rule = {"type_1": {"at_least": 2, "more_than": "type_2"}}
    said = Eligibility.model_validate(
        {
            "index_date": "2015-04-01",
            "conditions": ["type_2"],
            "without": ["type_1"],
            "counting": rule,
        }
    )
    assert reasons(said)[-1].words == (
        "entries of type_1 on 2 days or more, on more days than of type_2, before"
    )
    assert listed(said) == ["type_2", "type_1"]


@pytest.fixture
def diabetes(tmp_path: Path) -> dict[str, str]:
    """One list of diabetes codes, with a column that says of which type each is; generic codes are
    blank."""
    path = tmp_path / "diabetes.csv"
    path.write_text(f"code,term,category\n{TYPE_2},a,type_2\n{TYPE_1},b,type_1\n{GENERIC},c,\n")
    return {"diabetes": str(path)}


def test_categories_of_one_list(diabetes: dict[str, str]) -> None:
    chosen = settings(
        eligibility={
            "conditions": ["diabetes[type_2]"],
            "without": ["diabetes[type_1]"],
            "counting": {"diabetes[type_1]": {"more_than": "diabetes[type_2]"}},
        }
    )
    people = [person("P"), person("Q", diagnosed=""), person("R"), person("S", diagnosed="")]
    records = [
        *entries("P", TYPE_1, "2010-01-01"),
        *entries("Q", GENERIC, "2010-01-01"),
        *entries("R", TYPE_1, "2010-01-01", "2010-06-01"),
        *entries("S", TYPE_1, "2010-01-01"),
    ]
    result = built(people, chosen, records=records, more_lists=diabetes)
    assert {"P"} == set(result.cohort["patient_id"]) & set("PQRS")
    assert reason(result) == {"with_diabetes[type_1]": 1, "without_diabetes[type_2]": 2}


def test_a_category_that_no_code_has(diabetes: dict[str, str]) -> None:
    lists, _ = read_all(diabetes, "snomed")
    labels = {name: each.labels() for name, each in lists.items()}
    assert not unknown_labels(labels, ["diabetes[type_1]", "diabetes", "elsewhere"])
    (fault,) = unknown_labels(labels, ["diabetes[type1]"])
    assert 'no code of "diabetes[type1]"' in str(
        fault
    ) and 'Did you mean "diabetes[type_1]"' in str(fault)


@pytest.mark.parametrize(
    ("stage", "asked", "other", "more"),
    [
        ("cohort", "[type_1_diabetes]", '["type_1_diabetes[sure]"]', ()),
        (
            "uses",
            "codelist: emergency_admission,",
            'codelist: "emergency_admission[sure]",',
            ("--comparison", "north_only", "--cohort", "none"),
        ),
    ],
)
def test_a_stage_refuses_a_category_that_no_code_has(
    tmp_path: Path, stage: str, asked: str, other: str, more: tuple[str, ...]
) -> None:
    lists = ("type_1_diabetes", "emergency_admission")
    rows = "".join(f"{name},{name}\n" for name in lists)
    (tmp_path / "codelists.csv").write_text(f"codelist,labels\n{rows}")
    shutil.copy(CONFIG / "ways-to-wellness" / "practices.csv", tmp_path)
    text = (CONFIG / "config.yaml").read_text()
    assert asked in text
    study = tmp_path / "study.yaml"
    study.write_text(text.replace(asked, other))
    (tmp_path / "ways-to-wellness").symlink_to(CONFIG / "ways-to-wellness")
    folders = ("--cleaned", str(tmp_path), "--out", str(tmp_path / "out"))
    done = CliRunner().invoke(app, [stage, "--settings", str(study), *folders, *more])
    assert isinstance(done.exception, DataError)
    assert '[sure]"' in str(done.exception) and "no code of" in str(done.exception)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"without": ["typ_1_diabetes"]}, 'Did you mean "type_1_diabetes"'),
        ({"without": ["typ_1[x]"]}, '"typ_1" is not declared'),
        (
            {"counting": {"asthma": {"at_least": 2}}},
            'eligibility, counting: "asthma" is not declared',
        ),
        ({"counting": {"type_1_diabetes": {"more_than": "x"}}}, 'more_than: "x" is not declared'),
        (
            {"counting": {"type_1_diabetes": {"more_than": "type_1_diabetes"}}},
            "cannot outnumber itself",
        ),
        (
            {"cohort": "open", "counting": {"type_2_diabetes": {"more_than": "type_1_diabetes"}}},
            "in an open cohort",
        ),
    ],
)
def test_rules_that_mean_nothing_are_refused(change: dict[str, Any], says: str) -> None:
    said = load_study(CONFIG / "config.yaml").model_dump(mode="json")
    said["eligibility"] |= change
    with pytest.raises(ValidationError) as caught:
        Study.model_validate(said)
    assert says in str(caught.value)
