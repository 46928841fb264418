"""Whose words count, and how often: small projects worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalweave.qualitative.attribution import speakers
from evalweave.qualitative.counts import theme_counts
from evalweave.qualitative.gaps import (
    NO_SOURCE,
    UNCODED_PARTICIPANT,
    UNCODED_SOURCE,
    gaps,
    sentences,
)
from evalweave.qualitative.project import Project
from evalweave.qualitative.saturation import saturation
from helpers.small_projects import Link, Mark, project


def counted(made: Project) -> tuple[int, int, int]:
    """People, references and sources of the theme."""
    counts = theme_counts(made)
    row = counts[counts["code_id"].isna()].iloc[0]
    return row["n_participants"], row["n_references"], row["n_sources"]


def test_a_reference_counts_once_however_many_speak_in_it() -> None:
    both = [("s", "A", 0, 10), ("s", "B", 10, 20)]
    assert counted(project("AB", both, [("s", 0, 20, "c")])) == (2, 1, 1)
    assert counted(project("AB", both, [("s", 0, 20, "c"), ("s", 0, 10, "c")])) == (2, 2, 1)


def test_a_source_counts_once_however_often_it_is_coded() -> None:
    links = [("s", "A", None, None), ("t", "A", None, None)]
    marks = [("s", 0, 5, "c"), ("s", 6, 9, "c"), ("s", 10, 12, "c"), ("t", 0, 5, "c")]
    assert counted(project("A", links, marks)) == (1, 4, 2)


@pytest.mark.parametrize(
    ("turns", "who"),
    [
        # five of A's ten letters, and a quarter of the segment's twenty
        ([("s", "A", 95, 105), ("s", "B", 105, 130)], ["A", "B"]),
        ([("s", "A", 94, 104), ("s", "B", 104, 130)], ["B"]),  # four of ten
        # half of the segment's twenty, of a turn of a hundred
        ([("s", "A", 10, 110), ("s", "B", 110, 210)], ["A", "B"]),
        ([("s", "A", 10, 109), ("s", "B", 109, 210)], ["B"]),
    ],
)
def test_half_of_a_turn_or_half_of_the_segment_makes_a_speaker(
    turns: list[Link], who: list[str]
) -> None:
    made = project("AB", turns, [("s", 100, 120, "c")])
    assert speakers(made)["participant_id"].tolist() == who


def test_the_saturation_band_holds_95_per_cent_of_the_orders() -> None:
    """Of 25 people one brings one code and 24 bring two: the first of an order is that one in 4 %
    of all orders, which is more than 2.5 % and less than 5 %."""
    people = [f"P{n:02d}" for n in range(25)]
    links: list[Link] = [(f"s{name}", name, None, None) for name in people]
    marks: list[Mark] = [(f"s{name}", 0, 9, "c") for name in people]
    marks += [(f"s{name}", 0, 9, "d") for name in people[1:]]
    curve = saturation(project(people, links, marks), "client", draws=4000, seed=3)
    assert curve.loc[0, ["low", "high"]].tolist() == [1, 2]
    assert curve["mean"].iloc[0] == pytest.approx(1.96, abs=0.02)


def test_gaps_by_hand() -> None:
    links = [("s", "A", None, None), ("t", "B", None, None)]
    found = gaps(project("ABC", links, [("s", 0, 5, "c"), ("t", 0, 5, None)]))
    rows = found[["theme_id", "gap", "item"]].astype(object).where(found.notna(), None)
    assert {tuple(row) for row in rows.to_numpy()} == {
        (None, UNCODED_SOURCE, "t"),
        ("T", UNCODED_PARTICIPANT, "B"),
        ("T", NO_SOURCE, "C"),
    }


def test_gaps_list_who_has_no_source_also_when_nobody_asked_them() -> None:
    made = project("ABC", [("s", "A", None, None)], [("s", 0, 5, "c")])
    asked = made.eligibility.assign(eligible=[True, True, False])
    found = gaps(replace(made, eligibility=asked))
    rows = found[["theme_id", "gap", "item"]].astype(object).where(found.notna(), None)
    assert {tuple(row) for row in rows.to_numpy()} == {
        ("T", NO_SOURCE, "B"),
        (None, NO_SOURCE, "C"),
    }
    assert any("count nowhere" in line for line in sentences(found, theme_counts(made)))
