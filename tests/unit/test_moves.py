"""Registration gaps, moves, mergers: each at its edge, by hand. The index date is 1 April 2015."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from evalweave.cohort.building import Built
from helpers.cohort import (
    EVERY_PRACTICE,
    built,
    n_moved,
    one,
    person,
    practices,
    reason,
    settings,
)


def spell(practice: str, start: str, end: str = "", patient: str = "P") -> dict[str, str]:
    return {"patient_id": patient, "practice_id": practice, "start": start, "end": end}


@pytest.mark.parametrize(
    ("gap_days", "near", "far"),
    [
        (0, "2015-01-01", "2015-01-02"),  # the day after, and one day between
        (10, "2015-01-11", "2015-01-12"),  # ten days between, and eleven
    ],
)
def test_a_gap_of_exactly_so_many_days(gap_days: int, near: str, far: str) -> None:
    cleaning = {"gap_days": gap_days}
    # on to the same practice again, or to one of the other arm
    then = {
        f"{when}{practice}": (practice, day)
        for when, day in (("near", near), ("far", far))
        for practice in "AC"
    }
    result = built(
        [person(name, "A", start="2010-01-01", end="2014-12-31") for name in then],
        settings(cleaning=cleaning),
        spells=[spell(practice, day, patient=name) for name, (practice, day) in then.items()],
        cleaning=cleaning,
    )
    assert set(result.cohort["patient_id"]) & set(then) == {"nearA", "nearC"}
    assert reason(result) == {"registered_too_recently": 2}
    assert (one(result, "nearA")["practice_id"], one(result, "nearC")["practice_id"]) == ("A", "C")


def test_an_index_date_within_a_gap_between_practices() -> None:
    cleaning = {"gap_days": 30}
    left = [person(name, "A", end="2015-03-30") for name in ("P", "Q")]
    then = [spell("C", "2015-04-02"), spell("A", "2015-04-02", patient="Q")]
    result = built(left, settings(cleaning=cleaning), spells=then, cleaning=cleaning)
    assert reason(result) == {
        "not_registered": 1
    }  # with nobody on that day, whatever may be bridged
    assert "P" not in set(result.cohort["patient_id"])
    assert one(result, "Q")["practice_id"] == "A"  # one spell with the same practice


MOVES: list[tuple[str, list[dict[str, str]], str, str]] = [
    # end of the first spell (practice A), then; practice at the index date, last day of follow-up
    (
        "2015-04-01",
        [spell("C", "2015-04-01")],
        "C",
        "2019-03-31",
    ),  # moved on the index date: the later start counts
    ("2015-03-31", [spell("C", "2015-04-01")], "C", "2019-03-31"),
    (
        "2015-04-01",
        [spell("C", "2015-04-02")],
        "A",
        "2015-04-01",
    ),  # the day after: a day of follow-up is left
    (
        "2016-12-31",
        [
            spell("B", "2017-01-01", "2017-06-30"),
            spell("C", "2017-07-01", "2017-12-31"),
            spell("A", "2018-01-01"),
        ],
        "A",
        "2017-06-30",
    ),  # away and back: followed to the first move
    ("2016-12-31", [spell("A", "2018-01-01")], "A", "2019-03-31"),  # gone for a year and back
    ("2016-12-31", [spell("C", "2018-01-01")], "A", "2016-12-31"),  # gone, then to the other arm
]


@pytest.mark.parametrize("place", range(len(MOVES)), ids=str)
def test_moves_around_the_index_date_and_after(moved: Built, place: int) -> None:
    _, _, practice, last = MOVES[place]
    found = one(moved, f"P{place}")
    assert (found["practice_id"], found["censored_on"]) == (practice, dt.date.fromisoformat(last))
    assert found["arm"] == ("comparison" if practice == "C" else "programme")


@pytest.fixture(scope="module")
def moved() -> Built:
    """The cohort of everybody who moves as MOVES says."""
    people = [person(f"P{place}", "A", end=end) for place, (end, *_) in enumerate(MOVES)]
    spells = [
        {**each, "patient_id": f"P{place}"}
        for place, (_, then, *_) in enumerate(MOVES)
        for each in then
    ]
    return built(people, spells=spells)


def test_a_merger_is_no_move_and_takes_the_arm_of_what_is_left() -> None:
    where = practices(
        practice_id=["A", "B", "C", "D", "E"],
        programme_start=[dt.date(2015, 4, 1), dt.date(2015, 4, 1), None, None, None],
        area=["west", "west", "north", "east", "east"],
        merged_into=[None, None, None, None, "A"],
    )
    result = built(
        [person("P", "E", end="2017-01-31")], spells=[spell("A", "2017-02-01")], where=where
    )
    found = one(result, "P")
    assert (found["practice_id"], found["arm"], found["first_treated"]) == ("A", "programme", 2015)
    assert found["censored_on"] == dt.date(2019, 3, 31) and n_moved(result)["programme"] == 0


@pytest.mark.parametrize(
    ("moves", "last"),
    [("censor", "2019-03-31"), ("censor_starts", "2016-12-31"), ("keep", "2019-03-31")],
)
def test_a_move_to_a_practice_that_started_on_another_day(moves: str, last: str) -> None:
    where = practices(programme_start=[dt.date(2015, 4, 1), dt.date(2016, 4, 1), None, None])
    chosen: dict[str, Any] = {"exposure": {"moves": moves}}
    result = built(
        [person("P", "A", end="2016-12-31"), person("Q", "C", end="2016-12-31")],
        settings(**chosen),
        spells=[spell("B", "2017-01-01"), spell("D", "2017-01-01", patient="Q")],
        where=where,
    )
    assert one(result, "P")["censored_on"] == dt.date.fromisoformat(last)
    for other in ("C1", "D1"):
        assert one(result, other)["censored_on"] == dt.date(2019, 3, 31)
    assert one(result, "Q")["censored_on"] == dt.date(2019, 3, 31)  # neither practice ever starts
    assert len(result.cohort) == len(EVERY_PRACTICE) + 2
