"""Descriptions of nearly the same people, and labels of groups too small to be named."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from evalweave.release import labels
from evalweave.release.disclosure import profile
from evalweave.release.near import nearly_the_same
from evalweave.report.gather import shown
from evalweave.tables.people import BASELINE
from evalweave.tables.qualitative import THEME_COUNTS
from helpers.reports import data

NHS, SACRO, NONE = profile("nhs_england"), profile("sacro"), profile("none")


def membership(**groups: tuple[range, range]) -> pd.DataFrame:
    rows = [
        (comparison, f"p{person}", arm)
        for comparison, arms in groups.items()
        for arm, people in zip(("programme", "comparison"), arms, strict=True)
        for person in people
    ]
    return pd.DataFrame(rows, columns=["comparison", "patient_id", "arm"])


def test_a_comparison_of_nearly_the_same_people_is_not_described() -> None:
    arms = {
        "main": (range(100), range(200, 300)),
        "one_practice_less": (range(100), range(206, 300)),  # by a practice of 6
        "another": (range(100), range(208, 300)),  # by 8 of main, by 2 of the one above
        "the_same": (range(100), range(200, 300)),
        "moved": (range(100), range(203, 303)),  # as many people, three of them others
    }
    people = membership(**arms)
    assert nearly_the_same(people, NHS, list(arms)) == {
        "one_practice_less": "main",
        "moved": "main",
    }
    assert set(nearly_the_same(people, SACRO, list(arms))) == {
        "one_practice_less",
        "another",
        "moved",
    }
    assert nearly_the_same(people, NONE, list(arms)) == {}
    assert nearly_the_same(people, NHS, ["another", *arms])["one_practice_less"] == "another"


def test_the_report_says_which_description_is_withheld_and_shows_its_estimate(
    tmp_path: Path,
) -> None:
    whole = data(tmp_path)
    people = membership(all=(range(100), range(200, 300)), north=(range(100), range(206, 300)))
    told = shown(whole, people)
    assert told.baseline is not None and set(told.baseline["comparison"]) == {"all"}
    mine = told.released_estimates[told.estimates["comparison"] == "north"]
    assert set(mine["n_patients"]) == {"*"} and mine["estimate"].notna().all()
    from evalweave.report.sections.studied import section

    words = str(section(told))
    assert words.count("counts and means are withheld") == 1 and "fewer than 8" in words


def ethnic(groups: dict[str, tuple[int, int]]) -> pd.DataFrame:
    total = [sum(n[arm] for n in groups.values()) for arm in (0, 1)]
    lines = [
        {
            "comparison": "all",
            "variable": "ethnicity",
            "category": group,
            "statistic": "n",
            "programme": programme,
            "programme_n": total[0],
            "comparison_value": others,
            "comparison_n": total[1],
            "smd": 0.5,
        }
        for group, (programme, others) in groups.items()
    ]
    return BASELINE.conform(pd.DataFrame(lines))


def test_small_ethnic_groups_have_no_name() -> None:
    frame = ethnic(
        {"White": (80, 90), "Chinese": (1, 0), "Roma": (2, 7), "Indian": (3, 8), "unknown": (1, 1)}
    )
    merged = labels.baseline(NHS, frame).set_index("category")
    assert list(merged.index) == ["White", labels.FEW, "Indian", "unknown"]
    assert merged.loc[labels.FEW, ["programme", "comparison_value"]].tolist() == [3, 7]
    shares = (3 / 87, 7 / 106)
    spread = sum(p * (1 - p) for p in shares) / 2
    assert merged.at[labels.FEW, "smd"] == pytest.approx((shares[0] - shares[1]) / spread**0.5)
    assert labels.baseline(NONE, frame).equals(frame)
    assert labels.baseline(SACRO, frame)["category"].tolist() == ["White", labels.FEW, "unknown"]


def themes(role: str, attribute: str, levels: dict[str, tuple[int, int]]) -> pd.DataFrame:
    lines = [
        {
            "theme_id": theme,
            "role": role,
            "attribute": attribute or pd.NA,
            "attribute_level": level or pd.NA,
            "n_participants": k,
            "n_eligible": n,
            "n_references": k,
            "n_sources": k,
            "attributed": "complete",
        }
        for theme in ("access", "trust")
        for level, (k, n) in levels.items()
    ]
    return THEME_COUNTS.conform(pd.DataFrame(lines))


@pytest.mark.parametrize(
    ("levels", "left"),
    [
        ({"nurse": (4, 6), "vicar": (1, 1), "cook": (3, 5)}, ["nurse", "cook", labels.FEW]),
        ({"nurse": (4, 6), "vicar": (1, 1), "cook": (2, 2)}, ["nurse", labels.FEW]),
        ({"male": (2, 7)}, []),  # every relative is male
        ({"male": (2, 7), "female": (1, 1)}, []),  # all but one are
        ({"male": (2, 7), "female": (1, 4)}, ["male", "female"]),
        ({"not stated": (2, 7)}, []),
    ],
)
def test_small_levels_of_an_attribute_have_no_name(
    levels: dict[str, tuple[int, int]], left: list[str]
) -> None:
    whole = themes("family", "", {"": (2, 9)})
    frame = pd.concat([whole, themes("family", "job", levels)], ignore_index=True)
    merged = labels.theme_counts(NHS, frame)
    crossed = merged[merged["attribute"].notna() & (merged["theme_id"] == "trust")]
    assert sorted(crossed["attribute_level"]) == sorted(left)
    assert (merged["attribute"].isna()).sum() == 2
    if left:
        assert int(crossed["n_eligible"].sum()) == sum(n for _, n in levels.values())
        assert int(crossed["n_participants"].sum()) == sum(k for k, _ in levels.values())
