"""Quotations and what is printed beside them: consent, k-sharing, determinism, both sides."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalweave.tables.qualitative import PARTICIPANTS, SEGMENTS
from evalweave.triangulation.quotes import CUT, quotable, select_quotes, shorten
from evalweave.triangulation.speakers import speaker_strings
from evalweave.triangulation.voices_inside import voices_inside
from helpers.small_projects import Link
from helpers.small_projects import project as small


def people(
    *levels: tuple[str, ...], names: tuple[str, ...] = ("role", "gender", "age_band")
) -> pd.DataFrame:
    frame = pd.DataFrame(levels, columns=list(names))
    frame.insert(0, "participant_id", [f"P{n:02d}" for n in range(len(frame))])
    return frame


def test_shared_attributes_are_printed_as_people_say_them() -> None:
    table = people(*[("link_worker", "female", "60-64")] * 3)
    assert set(speaker_strings(table, ["gender", "age_band"], 3).values()) == {
        "link worker, woman, 60–64"
    }


def test_an_attribute_that_fewer_than_k_share_is_dropped() -> None:
    table = people(
        *[("client", "female", "60-64")] * 4,
        *[("client", "male", "60-64")] * 3,
        ("client", "male", "40-44"),
    )
    strings = speaker_strings(table, ["gender", "age_band"], 3)
    # The one man of 40–44 takes the other men with him: "client, man" alone would have pointed at
    # him.
    assert Counter(strings.values()) == {"client, woman, 60–64": 4, "client, man": 4}


def test_a_level_that_does_not_explain_itself_has_its_attribute_before_it() -> None:
    table = people(*[("client", "A")] * 3, names=("role", "provider"))
    assert set(speaker_strings(table, ["provider"], 3).values()) == {"client, provider A"}


def test_small_levels_are_pooled() -> None:
    table = people(
        *[("client", "female", "60-64")] * 3,
        ("client", "female", "40-44"),
        ("client", "female", "45-49"),
        ("client", "female", ""),
    )
    strings = speaker_strings(table, ["gender", "age_band"], 3)
    assert Counter(strings.values()) == {"client, woman, 60–64": 3, "client, woman": 3}


def test_a_role_of_fewer_than_k_is_not_quoted() -> None:
    table = people(
        *[("client", "female", "60-64")] * 3,
        ("family", "male", "60-64"),
        ("family", "male", "60-64"),
    )
    assert set(speaker_strings(table, ["gender"], 3)) == {"P00", "P01", "P02"}


def test_attributes_that_the_table_lacks_are_ignored() -> None:
    assert set(speaker_strings(people(*[("client", "x", "y")] * 3), ["provider"], 3).values()) == {
        "client"
    }


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["client", "family"]),
            st.sampled_from(["f", "m", ""]),
            st.sampled_from("abcde"),
        ),
        min_size=1,
        max_size=40,
    ),
    st.integers(1, 5),
)
def test_every_string_stands_for_at_least_k_people(
    levels: list[tuple[str, str, str]], k: int
) -> None:
    table = people(*levels)
    strings = speaker_strings(table, ["gender", "age_band"], k)
    assert all(n >= k for n in Counter(strings.values()).values())
    turned = table.iloc[::-1].reset_index(drop=True)
    assert speaker_strings(turned, ["gender", "age_band"], k) == strings
    roles = dict(zip(table["participant_id"], table["role"], strict=True))
    assert all(string.split(",")[0] == roles[person] for person, string in strings.items())


def usable(**change: Any) -> pd.DataFrame:
    columns: dict[str, list[Any]] = {
        "segment_id": ["a", "b", "c"],
        "source_id": ["s1", "s2", "s3"],
        "start": [0, 0, 0],
        "end": [50, 50, 50],
        "quote": ["A quotation long enough to be read on its own."] * 3,
        "offset_check": ["ok"] * 3,
    }
    segments = SEGMENTS.conform(
        pd.DataFrame(columns | {k: v for k, v in change.items() if k in columns})
    )
    spoken = pd.DataFrame(
        change.get("spoken", [("a", "P1"), ("b", "P2"), ("c", "P3")]),
        columns=["segment_id", "participant_id"],
    )
    participants = PARTICIPANTS.conform(
        pd.DataFrame(
            {
                "participant_id": ["P1", "P2", "P3"],
                "role": ["client"] * 3,
                "consent_quote": change.get("consent", [True] * 3),
            }
        )
    )
    speakers = dict.fromkeys(("P1", "P2", "P3"), "client")
    inside = pd.DataFrame(change.get("inside", []), columns=["segment_id", "participant_id"])
    return quotable(segments, spoken, participants, speakers, inside)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({}, ["a", "b", "c"]),
        ({"consent": [True, False, None]}, ["a"]),  # not asked is not consent
        ({"offset_check": ["ok", "ambiguous", "shifted"]}, ["a", "c"]),
        ({"quote": ["  ", None, "Words enough."]}, ["c"]),
        ({"spoken": [("a", "P1"), ("a", "P2"), ("b", "P2")]}, ["b"]),  # two voices in one segment
        ({"inside": [("a", "P2"), ("b", "P2")], "consent": [True, True, False]}, ["a", "b"]),
        ({"inside": [("a", "P3"), ("b", "P2")], "consent": [True, True, False]}, ["b"]),
    ],
)
def test_what_may_be_quoted(change: dict[str, Any], left: list[str]) -> None:
    assert list(usable(**change)["segment_id"]) == left


@pytest.mark.parametrize(
    ("links", "mark", "inside"),
    [
        ([("s", "A", 0, 55), ("s", "B", 55, 300)], (0, 100), "AB"),  # counts for A alone
        ([("s", "A", 0, 55), ("s", "B", 55, 300)], (0, 55), "A"),
        ([("s", "A", None, None), ("s", "B", 95, 300)], (0, 100), "AB"),
        ([("s", "A", None, None), ("s", "B", None, None), ("s", "A", 0, 90)], (0, 100), "AB"),
        ([("s", "A", None, None), ("s", "B", None, None), ("s", "A", 0, 100)], (0, 100), "A"),
        ([("s", "A", None, None), ("t", "B", 0, 100)], (0, 100), "A"),
    ],
)
def test_everybody_who_may_have_words_inside(
    links: list[Link], mark: tuple[int, int], inside: str
) -> None:
    found = voices_inside(small("AB", links, [("s", *mark, "c")]))
    assert "".join(found["participant_id"]) == inside


def test_long_quotations_are_cut_at_a_word() -> None:
    short = shorten("word " * 200)
    assert short.endswith("word […]")
    assert len(short) <= CUT + 4
    assert shorten("  two\n lines ") == "two lines"


TEXT = "A quotation long enough to be read on its own."


def chosen(
    stances: list[tuple[str, str, str]],
    segments: list[tuple[str, str, int, int, str]],
    codings: list[tuple[str, str]],
) -> pd.DataFrame:
    """Return the quotations of claims a and b, of one theme with the code `of theme`; the speaker
    of a segment is the first letter of its name."""
    placed = pd.DataFrame(segments, columns=["segment_id", "source_id", "start", "end", "quote"])
    placed = SEGMENTS.conform(placed.assign(offset_check="ok"))
    people = sorted({name[0] for name in placed["segment_id"]})
    spoken = placed[["segment_id"]].assign(participant_id=placed["segment_id"].str[0])
    consenting = PARTICIPANTS.conform(
        pd.DataFrame({"participant_id": people, "role": "client", "consent_quote": True})
    )
    given = pd.DataFrame(stances, columns=["segment_id", "claim_id", "stance"])
    everybody = frozenset(people)
    heard = {name: SimpleNamespace(eligible=everybody) for name in "ab"}
    declared = [SimpleNamespace(claim_id=name, theme_id="t") for name in "ab"]
    return select_quotes(
        declared,  # type: ignore[arg-type]
        heard,  # type: ignore[arg-type]
        given,
        pd.DataFrame(codings, columns=["segment_id", "code_id"]),
        placed,
        {"t": ["of theme"]},
        {"of theme": "of theme", "other": "other"},
        quotable(placed, spoken, consenting, dict.fromkeys(people, "client"), spoken),
    )


def test_who_was_not_quoted_yet_comes_first_then_what_is_readable() -> None:
    segments = [
        ("P1", "s1", 0, 50, TEXT),
        ("P2", "s1", 60, 110, TEXT),
        ("Q1", "s2", 0, 9, "Too short"),
        ("R1", "s3", 0, 50, TEXT),
    ]
    stances = [("P1", "a", "supports"), ("P2", "b", "supports"), ("Q1", "b", "supports")]
    stances += [("R1", "b", "contradicts")]
    made = chosen(stances, segments, [])
    # for b: Q, of whom nothing was quoted yet, although what P says there is of readable length
    assert made[["claim_id", "segment_id"]].to_numpy().tolist() == [
        ["a", "P1"],
        ["b", "Q1"],
        ["b", "P2"],
        ["b", "R1"],
    ]
    alone = chosen([("P1", "b", "supports"), ("Q1", "b", "supports")], segments, [])
    assert alone["segment_id"].tolist() == ["P1", "Q1"]


def test_a_code_that_only_touches_a_quotation_is_not_its_path() -> None:
    segments = [("P1", "s1", 10, 60, TEXT), ("P2", "s1", 60, 99, TEXT), ("P3", "s1", 59, 70, TEXT)]
    stance = [("P1", "a", "supports")]
    touching = chosen(stance, segments, [("P2", "of theme")])
    assert touching.loc[0, "code_path"] == "no code but the stance"
    overlapping = chosen(stance, segments, [("P2", "of theme"), ("P3", "other")])
    assert overlapping.loc[0, "code_path"] == "other"


def test_a_quotation_of_exactly_the_longest_length_is_whole() -> None:
    text = "a" * (CUT - 4) + " end"
    assert shorten(text) == text and shorten(text + "s") == "a" * (CUT - 4) + " […]"
