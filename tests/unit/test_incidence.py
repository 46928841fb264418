"""New and old cases: who is newly diagnosed, who enters an open cohort when, and new cases by arm
and period."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from pydantic import ValidationError

from evalweave.study.people import Eligibility
from evalweave.tables.people import COHORT, INCIDENCE
from helpers.cohort import EVERY_PRACTICE, TYPE_1, TYPE_2, built, one, person, reason, settings

LONG_AGO = {p["patient_id"] for p in EVERY_PRACTICE}
# The index date is 1 April 2015; newly diagnosed: at most 365 days before, after 365 days
# registered without.
CASES: list[tuple[dict[str, Any], int]] = [
    (person("P", diagnosed="2014-04-01"), 1),  # 365 days before
    (person("P", diagnosed="2014-03-31"), 0),
    (person("P", diagnosed="2015-03-31"), 1),
    (
        person("P", diagnosed="2014-06-01", start="2013-06-01"),
        1,
    ),  # registered for exactly 365 days by then
    (person("P", diagnosed="2014-06-01", start="2013-06-02"), 0),
]


def test_who_is_newly_diagnosed() -> None:
    people = [{**case, "patient_id": f"P{place}"} for place, (case, _) in enumerate(CASES)]
    result = built(people)
    COHORT.check(result.cohort)
    for place, (case, incident) in enumerate(CASES):
        found = one(result, f"P{place}")
        assert found["incident"] == incident, case
        assert found["diagnosed_on"] == dt.date.fromisoformat(case["diagnosed"])
        assert found["index_date"] == dt.date(2015, 4, 1)
    assert one(result, "A1")["incident"] == 0 and result.cohort["followed_from"].isna().all()


def test_the_first_entry_is_the_diagnosis_whatever_follows() -> None:
    again = [{"patient_id": "P", "date": "2015-01-01", "code": TYPE_2, "value": "", "unit": ""}]
    assert one(built([person("P", diagnosed="2008-01-01")], records=again), "P")["incident"] == 0


def test_the_second_entry_is_the_diagnosis_where_two_are_asked_for() -> None:
    twice = [
        {"patient_id": p, "date": day, "code": TYPE_2, "value": "", "unit": ""}
        for p, day in [*((name, "2012-02-01") for name in LONG_AGO), ("P", "2014-12-01")]
    ]
    chosen = settings(eligibility={"counting": {"type_2_diabetes": {"at_least": 2}}})
    found = one(built([person("P")], chosen, records=twice), "P")
    assert (found["diagnosed_on"], found["incident"]) == (dt.date(2014, 12, 1), 1)


def test_cohorts_of_new_and_of_old_cases() -> None:
    new = [person(f"{practice}9", practice, diagnosed="2014-12-01") for practice in "ABCD"]
    incident = built(new, settings(eligibility={"cases": "incident"}))
    assert set(incident.cohort["patient_id"]) == {"A9", "B9", "C9", "D9"}
    assert reason(incident) == {"prevalent": 8}
    prevalent = built(new, settings(eligibility={"cases": "prevalent"}))
    assert set(prevalent.cohort["patient_id"]) == LONG_AGO
    assert reason(prevalent) == {"incident": 4}
    words = prevalent.ledger.loc[prevalent.ledger["rule"] == "incident", "reason"]
    assert set(words) == {"newly diagnosed (within 365 days, after 365 days registered without)"}


def test_a_case_needs_a_condition() -> None:
    with pytest.raises(ValidationError, match="cases: incident needs conditions"):
        Eligibility.model_validate({"index_date": "2015-04-01", "cases": "incident"})
    without = built([], settings(eligibility={"conditions": []}))
    assert without.cohort["incident"].isna().all() and not len(without.incidence)


def test_an_open_cohort_is_followed_from_entry() -> None:
    people = [
        person("P", diagnosed="2016-05-01"),
        person("Q", "C", start="2016-01-01", diagnosed="2016-06-01"),
    ]
    result = built(people, settings(eligibility={"cohort": "open"}))
    p, q, a = (one(result, name) for name in ("P", "Q", "A1"))
    assert (p["index_date"], p["followed_from"], p["incident"]) == (
        dt.date(2016, 5, 2),
        dt.date(2016, 5, 2),
        1,
    )
    # registered for a year on 31 December 2016; diagnosed five months after registering:
    # transferred history
    assert (q["followed_from"], q["incident"]) == (dt.date(2016, 12, 31), 0)
    assert a["followed_from"] == dt.date(
        2012, 1, 2
    )  # the day after the diagnosis, inside the window


def figures(result: Any, arm: str, period: int) -> list[int]:
    row = result.incidence[
        (result.incidence["arm"] == arm) & (result.incidence["period"] == period)
    ]
    return row[["n_at_risk", "n_incident", "n_entered", "n_entered_incident"]].iloc[0].tolist()


def test_new_cases_by_arm_and_period() -> None:
    people = [
        person("P", diagnosed="2016-05-01"),
        person("Q", "C", diagnosed="2017-03-31"),
        person("N", diagnosed=""),  # never a case, at risk throughout
        person("Y", diagnosed="", birth_year="1977"),  # 40 from July 2017 on
        person("O", diagnosed="", birth_year="1942"),  # 75 from July 2017 on
        person("T", diagnosed=""),  # type 1 from June 2015 on
        person("D", "C", diagnosed="", death_date="2013-04-01"),
        person("S", "C", diagnosed="2014-06-01", start="2013-04-01", end="2015-04-01"),
        person("M", "A", diagnosed="2018-05-01", end="2016-08-01"),  # moves to the other arm
    ]
    moved = [{"patient_id": "M", "practice_id": "C", "start": "2016-08-02", "end": ""}]
    type_1 = [{"patient_id": "T", "date": "2015-06-01", "code": TYPE_1, "value": "", "unit": ""}]
    result = built(people, records=type_1, spells=moved)
    INCIDENCE.check(result.incidence)
    assert len(result.incidence) == 2 * 8
    # at risk in the programme arm: 2015: P N O T M; 2016: P (new) N O M; 2017: N O; 2018: N Y
    assert figures(result, "programme", 2015) == [5, 0, 4, 0]
    assert figures(result, "programme", 2016)[:2] == [4, 1]
    assert figures(result, "programme", 2017)[:2] == [2, 0]
    assert figures(result, "programme", 2018)[:2] == [2, 0]
    # in the other: C1 C2 D1 D2 before their diagnosis of January 2012 and Q D (from 2011); S from
    # 2014; M from 2017
    assert figures(result, "comparison", 2011)[:2] == [6, 4]
    assert figures(result, "comparison", 2012)[:2] == [2, 0]
    assert figures(result, "comparison", 2013)[:2] == [1, 0]  # D died on the first day
    assert figures(result, "comparison", 2014)[:2] == [2, 1]
    assert figures(result, "comparison", 2016)[:2] == [1, 1]
    assert figures(result, "comparison", 2018)[:2] == [1, 1]
    opened = built(people, settings(eligibility={"cohort": "open"}), records=type_1, spells=moved)
    assert figures(opened, "programme", 2016) == [4, 1, 1, 1]
    assert opened.incidence["n_entered"].sum() == len(opened.cohort)


def test_a_diagnosis_on_the_first_day_of_a_period_is_a_new_case_of_it() -> None:
    people = [person("P", diagnosed="2016-04-01"), person("Q", diagnosed="2016-03-31")]
    result = built(people)
    assert figures(result, "programme", 2015)[:2] == [2, 1]  # Q, on the last day of 2015/16
    assert figures(result, "programme", 2016)[:2] == [1, 1]  # P, at risk when the day began
    assert figures(result, "programme", 2017)[:2] == [0, 0]
