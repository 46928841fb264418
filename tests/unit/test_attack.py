"""What an intruder gets from the released files alone: nothing that the profile protects."""

from __future__ import annotations

import itertools
import random

import pandas as pd
import pytest

from evalweave.release.attack import attack
from evalweave.release.baseline import released_baseline
from evalweave.release.disclosure import Profile, profile
from evalweave.release.protect import protect
from evalweave.release.published import Declared
from evalweave.release.rounding import Sum, controlled
from evalweave.tables.people import BASELINE
from evalweave.tables.qualitative import THEME_COUNTS

NHS = profile("nhs_england")
PROFILES = ("nhs_england", "opensafely", "sacro")


def baseline(programme: dict[str, int], comparison: dict[str, int], name: str = "all") -> list:
    """Return the lines of one comparison whose patients fall into categories of one variable."""
    sizes = {"programme": sum(programme.values()), "comparison_value": sum(comparison.values())}
    lines: list[dict[str, object]] = [
        {"comparison": name, "variable": "patients", "statistic": "n", **sizes}
    ]
    lines.append(
        {
            "comparison": name,
            "variable": "age",
            "statistic": "mean_sd",
            "programme": 57.919612794612796,
            "programme_sd": 8.74895179201285,
            "comparison_value": 57.893221355728855,
            "comparison_sd": 8.59789441779985,
            "smd": 0.0030426785349005414,
        }
    )
    lines += [
        {
            "comparison": name,
            "variable": "ethnicity",
            "category": category,
            "statistic": "n",
            "programme": programme[category],
            "comparison_value": comparison[category],
            "smd": 0.1234567,
        }
        for category in programme
    ]
    known = {"programme_n": sizes["programme"], "comparison_n": sizes["comparison_value"]}
    return [line if line["variable"] == "patients" else line | known for line in lines]


def released(rules: Profile, frame: pd.DataFrame) -> list[dict[str, str]]:
    """Return the baseline as its CSV file holds it."""
    return texts(released_baseline(protected(rules, frame), frame))


def protected(rules: Profile, frame: pd.DataFrame) -> Profile:
    """Return the profile as it is for a release of nothing but a baseline table."""
    return protect(
        lambda rules: {"baseline": texts(released_baseline(rules, frame))}, rules, Declared("all")
    )


def texts(frame: pd.DataFrame) -> list[dict[str, str]]:
    return frame.astype(object).where(frame.notna(), "").astype(str).to_dict("records")


def test_parts_that_do_not_add_up_are_given_away_and_the_attacker_says_so() -> None:
    """2,050 and 2,705 of 4,750 can only be 2,048 or 2,049 and 2,703 or 2,704."""
    frame = BASELINE.conform(pd.DataFrame(baseline({"a": 2049, "b": 2703}, {"a": 1428, "b": 1907})))
    rows = released(NHS, frame)
    together = attack({"baseline": rows}, NHS)
    assert together.findings == [] and together.protected >= 6
    for row, n in zip(rows, ("4750", "57.9", "2050", "2705"), strict=True):
        row["programme"] = n
    alone = attack({"baseline": rows}, NHS)
    assert any(
        "ethnicity a: a rounded count can be narrowed to 2 values" in found
        for found in alone.findings
    )


def test_a_count_goes_to_a_neighbouring_multiple_and_sums_hold() -> None:
    sums = [Sum(4752, (2049, 2703)), Sum(4752, (3929, 768, 55))]
    chosen = controlled(sums, 5, 8)

    def value(n: int) -> int:
        return chosen.get(n, (2 * n + 5) // 10 * 5)

    for s in sums:
        assert value(s.total) == sum(value(n) for n in s.parts)
        assert all(abs(value(n) - n) < 5 and value(n) % 5 == 0 for n in (s.total, *s.parts))
    assert controlled([Sum(20, (12, 8))], 5, 8) == {}  # 10 and 10; 8 is never released as 5
    assert controlled(sums, 1, 0) == {}


@pytest.mark.parametrize("seed", range(2))
def test_every_table_that_rounds_alike_stays_possible(seed: int) -> None:
    """The strongest attacker knows the program: of all tables near the true one, those that are
    released as the same numbers leave every count at least five values."""
    draw = random.Random(seed)
    parts = (draw.randint(30, 60), draw.randint(30, 60))

    def shown(counts: tuple[int, ...]) -> tuple[int, ...]:
        chosen = controlled([Sum(sum(counts), tuple(sorted(counts)))], 5, 8)
        return tuple(chosen.get(n, (2 * n + 5) // 10 * 5) for n in (sum(counts), *counts))

    near = [range(n - 4, n + 5) for n in parts]
    same = [other for other in itertools.product(*near) if shown(other) == shown(parts)]
    for position in range(2):
        assert len({other[position] for other in same}) >= 5
    assert len({sum(other) for other in same}) >= 5


HOSTILE = {
    "one of few": ({"a": 40, "b": 9, "c": 1}, {"a": 33, "b": 12, "c": 8}),
    "hidden beside the total": ({"a": 41, "b": 3}, {"a": 18, "b": 5}),
    "everyone but two": ({"a": 96, "b": 2, "c": 0}, {"a": 8, "b": 8, "c": 8}),
    "many small ones": (
        dict(zip("abcdef", (1, 2, 3, 4, 5, 60), strict=True)),
        dict(zip("abcdef", (7, 7, 9, 11, 13, 17), strict=True)),
    ),
}


@pytest.mark.parametrize("rules", PROFILES)
@pytest.mark.parametrize("study", HOSTILE)
def test_no_count_of_a_hostile_study_is_recovered(study: str, rules: str) -> None:
    frame = BASELINE.conform(pd.DataFrame(baseline(*HOSTILE[study])))
    attacked = attack({"baseline": released(profile(rules), frame)}, profile(rules))
    assert attacked.findings == []
    assert attacked.protected > 0 or rules == "sacro"


def test_a_silence_follows_from_the_levels_of_an_attribute() -> None:
    """Two of three women and the one man are hidden behind 3 of 4: the total gives them away."""
    lines = [("", "", "4", "9"), ("gender", "female", "*", "5"), ("gender", "male", "2", "4")]
    rows = [
        {
            "theme_id": "t",
            "code_id": "",
            "role": "client",
            "attribute": attribute,
            "attribute_level": level,
            "n_participants": k,
            "n_eligible": n,
        }
        for attribute, level, k, n in lines
    ]
    assert set(rows[0]) <= set(THEME_COUNTS.names)
    found = attack({"theme_counts": rows}, NHS).findings
    assert len(found) == 2 and "female" in found[0] and "1 value" in found[0]
    assert "those who are left" in found[1] and "male" in found[1]  # two of four men were silent


def test_a_mean_to_many_digits_tells_how_many_people_it_rests_on() -> None:
    frame = BASELINE.conform(pd.DataFrame(baseline({"a": 2049, "b": 2703}, {"a": 1428, "b": 1907})))
    rows = released(NHS, frame)
    assert attack({"baseline": rows}, NHS).findings == []
    for row in rows:
        if row["variable"] == "age":
            row["programme"] = repr(275234 / 4752)
    assert any("the mean is so fine" in found for found in attack({"baseline": rows}, NHS).findings)


def test_nothing_is_attacked_where_nothing_is_protected() -> None:
    frame = BASELINE.conform(pd.DataFrame(baseline({"a": 3, "b": 5}, {"a": 1, "b": 7})))
    none = profile("none")
    assert attack({"baseline": released(none, frame)}, none).protected == 0
