"""The cohort: each reason at its boundary, follow-up, arms, baseline table, weights."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest

from evalweave import engine
from evalweave import ledger as ledgers
from evalweave.cohort.eligibility import age_at
from evalweave.errors import DataError
from evalweave.tables.people import BASELINE, COHORT, MEMBERSHIP
from helpers.cohort import (
    ASTHMA,
    EVERY_PRACTICE,
    REFERRED,
    TYPE_1,
    built,
    n_moved,
    one,
    person,
    practices,
    reason,
    settings,
)

BOUNDARIES: list[tuple[dict[str, Any], str | None]] = [
    (person("P", birth_year="1974"), None),  # 40 on 1 April 2015, from the middle of 1974
    (person("P", birth_year="1975"), "too_young"),
    (person("P", birth_year="1940"), None),
    (person("P", birth_year="1939"), "too_old"),
    (person("P", start="2014-04-01"), None),
    (person("P", start="2014-04-02"), "registered_too_recently"),
    (person("P", start="2015-04-02"), "not_registered"),
    (person("P", end="2015-03-31"), "not_registered"),
    (person("P", end="2015-04-01"), None),
    (person("P", death_date="2015-04-01"), "not_alive"),
    (person("P", death_date="2015-04-02"), None),
    (person("P", diagnosed="2015-03-31"), None),
    (person("P", diagnosed="2015-04-01"), "without_type_2_diabetes"),
    (person("P", diagnosed=""), "without_type_2_diabetes"),
]


def test_eligibility_at_its_boundaries() -> None:
    people = [{**case, "patient_id": f"P{place}"} for place, (case, _) in enumerate(BOUNDARIES)]
    result = built(people)
    eligible = set(result.cohort["patient_id"])
    for place, (case, rule) in enumerate(BOUNDARIES):
        assert (f"P{place}" in eligible) == (rule is None), case
    assert reason(result) == dict(Counter(rule for _, rule in BOUNDARIES if rule is not None))
    ledgers.check(result.ledger)


def test_type_1_is_excluded_whatever_else_is_recorded() -> None:
    result = built(
        [person("P")],
        records=[{"patient_id": "P", "date": "2003-01-01", "code": TYPE_1, "value": ""}],
    )
    assert reason(result) == {"with_type_1_diabetes": 1}


def test_registration_may_run_over_practices_but_not_over_gaps() -> None:
    then = {"near": "2015-01-01", "far": "2015-01-10"}
    result = built(
        [person(name, "C", end="2014-12-31") for name in then],
        spells=[
            {"patient_id": name, "practice_id": "A", "start": day, "end": ""}
            for name, day in then.items()
        ],
    )
    assert one(result, "near")["arm"] == "programme"
    assert "far" not in set(result.cohort["patient_id"])
    assert reason(result) == {"registered_too_recently": 1}


def test_everything_is_fixed_at_the_index_date() -> None:
    records = [
        {"patient_id": "P", "date": "2015-03-31", "code": ASTHMA, "value": ""},
        {"patient_id": "Q", "date": "2015-04-01", "code": ASTHMA, "value": ""},
    ]
    people = [
        person("P", "A", ethnicity="Asian", imd_quintile="1"),
        person("Q", "C", ethnicity="", sex="M"),
    ]
    result = built(people, records=records)
    COHORT.check(result.cohort)
    p, q = one(result, "P"), one(result, "Q")
    assert (p["n_conditions"], p["fewer_conditions"], p["white"], p["age"]) == (1, 0, 0, 64)
    assert (q["n_conditions"], q["fewer_conditions"], q["ethnicity"], q["sex"]) == (
        0,
        1,
        "unknown",
        "male",
    )
    assert pd.isna(q["white"]) and pd.isna(q["first_treated"]) and p["first_treated"] == 2015


FOLLOW_UP: list[tuple[dict[str, Any], list[tuple[str, str]], str]] = [
    (person("P"), [], "2019-03-31"),
    (person("P", end="2017-05-05"), [], "2017-05-05"),
    (person("P", death_date="2016-06-01", end="2016-06-20"), [], "2016-06-01"),
    (person("P", end="2016-12-31"), [("C", "2017-01-01")], "2016-12-31"),  # to the other arm
    (person("P"), [("C", "2017-01-01")], "2016-12-31"),  # overlapping: the later start counts
    (person("P", end="2016-12-31"), [("B", "2017-03-01")], "2019-03-31"),  # within the arm
    (person("P", end="2016-12-31"), [("B", "2017-03-01"), ("D", "2018-01-01")], "2017-12-31"),
]


def test_follow_up_ends() -> None:
    people = [{**case, "patient_id": f"P{place}"} for place, (case, _, _) in enumerate(FOLLOW_UP)]
    more = [
        {"patient_id": f"P{place}", "practice_id": practice, "start": start, "end": ""}
        for place, (_, spells, _) in enumerate(FOLLOW_UP)
        for practice, start in spells
    ]
    result = built(people, spells=more)
    for place, (case, _, last) in enumerate(FOLLOW_UP):
        assert one(result, f"P{place}")["censored_on"] == dt.date.fromisoformat(last), case


def test_moves_can_be_kept() -> None:
    more = [{"patient_id": "P", "practice_id": "C", "start": "2017-01-01", "end": ""}]
    case = person("P", end="2016-12-31")
    result = built([case], settings(exposure={"moves": "keep"}), spells=more)
    assert one(result, "P")["censored_on"] == dt.date(2019, 3, 31)
    assert n_moved(result) == {"comparison": 0, "programme": 1}


def test_comparison_groups_overlap_and_keep_to_their_areas() -> None:
    groups = {
        "all": {"primary": True},
        "north": {"areas": ["north"]},
        "later": {"kind": "not_yet_treated"},
    }
    where = practices(practice_id=["A", "B", "C", "E"], area=["west", "west", "north", "north"])
    people = [person("E1", "E"), person("E2", "E")]
    with pytest.raises(DataError, match="comparison all"):
        built([], settings(comparisons={"all": {"primary": True, "areas": ["south"]}}))
    swapped = [p for p in EVERY_PRACTICE if p["practice_id"] != "D"]
    result = built([*people], settings(comparisons=groups), where=where)
    MEMBERSHIP.check(result.membership)
    sizes = result.membership.groupby(["comparison", "arm"]).size()
    assert sizes["all", "programme"] == sizes["north", "programme"] == 4
    assert sizes["north", "comparison"] == sizes["all", "comparison"] == len(swapped) - 4 + 2
    assert sizes["later"].sum() == len(result.cohort)


def test_not_referred_selects_within_programme_practices() -> None:
    groups = {"all": {"primary": True}, "chosen": {"kind": "not_referred"}}
    referred = [
        {"patient_id": name, "date": "2016-01-01", "code": REFERRED, "value": "", "unit": ""}
        for name in ("A1", "B1", "C1")
    ] + [
        {
            "patient_id": "A2",
            "date": "2016-01-01",
            "code": "871711000000103",
            "value": "",
            "unit": "",
        }
    ]
    result = built([], settings(comparisons=groups), records=referred)
    chosen = result.membership[result.membership["comparison"] == "chosen"].set_index("patient_id")[
        "arm"
    ]
    assert chosen.to_dict() == {
        "A1": "programme",
        "B1": "programme",
        "A2": "comparison",
        "B2": "comparison",
    }


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (
            {"programme_start": [dt.date(2015, 4, 1), None, None, None]},
            "single practice in the programme arm",
        ),
        (
            {"programme_start": [dt.date(2015, 4, 1)] * 3 + [None]},
            "single practice in the comparison arm",
        ),
        (
            {"programme_start": [dt.date(2015, 4, 1)] * 4},
            "no eligible patients in the comparison arm",
        ),
        (
            {"programme_start": [dt.date(2015, 4, 1), dt.date(2011, 10, 1), None, None]},
            "with no period before",
        ),
    ],
)
def test_designs_that_cannot_be_compared(columns: dict[str, list[Any]], says: str) -> None:
    with pytest.raises(DataError, match=says):
        built([], where=practices(**columns))


def test_nobody_eligible() -> None:
    with pytest.raises(DataError, match="nobody eligible"):
        built([], settings(eligibility={"age": [18, 30]}))


def test_baseline_table() -> None:
    records = [
        {"patient_id": "A1", "date": "2015-03-31", "value": "50"},
        {"patient_id": "A1", "date": "2014-04-01", "value": "60"},
        {"patient_id": "A1", "date": "2014-03-31", "value": "90"},
        {"patient_id": "C1", "date": "2015-01-01", "value": "70"},
    ]
    table = built([], records=records).baseline
    BASELINE.check(table)
    hba1c = table[table["variable"] == "hba1c"].set_index("category")
    assert hba1c.loc["", "programme"] == 55 and hba1c.loc["", "programme_n"] == 1
    assert hba1c.loc["", "comparison_value"] == 70
    assert (hba1c.loc["missing", "programme"], hba1c.loc["missing", "comparison_value"]) == (3, 3)


@pytest.mark.parametrize(("days", "mean"), [(1, 50.0), (365, 55.0), (366, (50 + 60 + 90) / 3)])
def test_the_baseline_window_and_the_covariate_it_gives(days: int, mean: float) -> None:
    records = [
        {"patient_id": "A1", "date": "2015-03-31", "value": "50"},
        {"patient_id": "A1", "date": "2014-04-01", "value": "60"},
        {"patient_id": "A1", "date": "2014-03-31", "value": "90"},
        {"patient_id": "A1", "date": "2015-04-01", "value": "195"},
    ]
    result = built([], settings(eligibility={"baseline_days": days}), records=records)
    assert one(result, "A1")["baseline_hba1c"] == pytest.approx(mean)
    assert pd.isna(one(result, "A2")["baseline_hba1c"])
    table = result.baseline[result.baseline["variable"] == "hba1c"].set_index("category")
    assert table.loc["", "programme"] == pytest.approx(mean)


def test_baseline_value_of_an_outcome_that_is_not_averaged() -> None:
    outcomes = {"hba1c": {"unit": "mmol/mol", "plausible": [20, 195], "per_period": "last"}}
    records = [
        {"patient_id": "A1", "date": d, "value": v}
        for d, v in (("2015-03-30", "50"), ("2014-06-01", "90"))
    ]
    assert (
        one(built([], settings(outcomes=outcomes), records=records), "A1")["baseline_hba1c"] == 50
    )


def test_weights_may_balance_what_was_measured_before() -> None:
    values = {
        "A1": "50",
        "A2": "60",
        "B1": "70",
        "C1": "52",
        "C2": "58",
        "D1": "75",
    }  # B2 and D2 were not measured
    records = [
        {"patient_id": name, "date": "2015-01-01", "value": value} for name, value in values.items()
    ]
    groups = {"all": {"primary": True, "balance": "entropy", "balance_on": ["baseline_hba1c"]}}
    result = built([], settings(comparisons=groups), records=records)
    weights = result.membership.set_index("patient_id")["weight"]
    people = ["C1", "C2", "D1", "D2"]
    assert weights[people].sum() == pytest.approx(4)
    assert weights["D2"] == pytest.approx(1)  # as many of the programme's were not measured
    assert sum(float(values[p]) * weights[p] for p in people[:3]) / 3 == pytest.approx(60)


def test_standardised_differences_by_hand() -> None:
    table = built([person("P", sex="male")]).baseline.set_index(["variable", "category"])
    female, other = 4 / 5, 1.0
    expected = (female - other) / np.sqrt((female * (1 - female) + 0) / 2)
    assert table.loc[("sex", "female"), "smd"] == pytest.approx(expected)


def test_open_cohort_takes_people_when_they_become_eligible() -> None:
    people = [
        person("P", diagnosed="2016-05-01"),
        person("Q", birth_year="1977"),
        person("R", start="2016-01-01"),
    ]
    closed = built(people)
    assert set(closed.cohort["patient_id"]) == {p["patient_id"] for p in EVERY_PRACTICE}
    opened = built(people, settings(eligibility={"cohort": "open"}))
    assert {"P", "Q", "R"} <= set(opened.cohort["patient_id"])
    assert one(opened, "Q")["age"] == 40


def test_age_turns_on_the_first_of_july() -> None:
    days = [dt.date(2015, 1, 1), dt.date(2015, 6, 30), dt.date(2015, 7, 1), dt.date(2015, 12, 31)]
    table = ibis.memtable({"day": days}, schema={"day": "date"})
    ages = engine.connect("duckdb").to_pyarrow(table.select(age=age_at(1974, table.day)))
    assert ages["age"].to_pylist() == [40, 40, 41, 41]
