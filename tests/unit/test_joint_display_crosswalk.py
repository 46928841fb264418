"""Theme x subgroup: counts beside estimates only where both strands mean the same, and the match
printed."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from evalweave.study.analyses import Analysis
from evalweave.tables.analyses import ESTIMATES
from evalweave.tables.qualitative import THEME_COUNTS
from evalweave.triangulation.crosswalk import CROSSWALK, theme_by_subgroup

GAP = Analysis(name="gap", estimator="twfe", outcome="hba1c", subgroup="white", inference=["cr2"])


def counts(*rows: tuple[str, str, str, int, int], attribute: str = "ethnicity") -> pd.DataFrame:
    return THEME_COUNTS.conform(
        pd.DataFrame(
            [
                {
                    "theme_id": theme,
                    "role": role,
                    "attribute": attribute,
                    "attribute_level": level,
                    "n_participants": k,
                    "n_eligible": n,
                    "n_references": k,
                    "n_sources": k,
                }
                for theme, role, level, k, n in rows
            ],
            columns=THEME_COUNTS.names,
        )
    )


def estimates() -> pd.DataFrame:
    return ESTIMATES.conform(
        pd.DataFrame(
            [
                {
                    "analysis": "gap",
                    "estimator": "twfe",
                    "outcome": "hba1c",
                    "term": f"att[white={level}]",
                    "inference": inference,
                    "outcome_unit": "mmol/mol",
                    "estimate": -1.0 - level,
                    "ci_low": -3.0,
                    "ci_high": 1.0,
                }
                for level in (0, 1)
                for inference in ("cr1", "cr2")
            ]
        )
    )


def test_levels_are_gathered_and_set_beside_the_estimate_of_the_same_people() -> None:
    table = counts(
        ("fit", "client", "White British", 3, 5),
        ("fit", "client", "White Irish", 1, 1),
        ("fit", "client", "South Asian", 2, 4),
        ("fit", "client", "not stated", 1, 2),
        ("fit", "link_worker", "White British", 9, 9),
    )
    (entry,) = theme_by_subgroup([GAP], table, estimates())
    assert (entry["attribute"], entry["match"]) == ("ethnicity", "approximate")
    assert [
        (line["level"], line["n_participants"], line["n_eligible"], line["estimate"])
        for line in entry["lines"]
    ] == [
        ("0", 2, 4, -1.0),
        ("1", 4, 6, -2.0),
    ]
    assert entry["lines"][1]["attribute_levels"] == ["White British", "White Irish"]
    assert {line["role"] for line in entry["lines"]} == {
        "client"
    }  # never pooled, never of other people


@pytest.mark.parametrize(
    ("subgroup", "table", "match", "reason"),
    [
        ("imd_quintile", counts(), "none", "deprivation of an area is not a person's precarity"),
        ("smoker", counts(), "none", "no participant attribute is declared to correspond"),
        (
            "white",
            counts(("fit", "client", "a", 1, 2), attribute="gender"),
            "approximate",
            "not counted by ethnicity",
        ),
        (
            "white",
            counts(("fit", "link_worker", "White", 1, 2)),
            "approximate",
            "none of the people interviewed",
        ),
    ],
)
def test_without_a_match_there_is_a_reason(
    subgroup: str, table: pd.DataFrame, match: str, reason: str
) -> None:
    analysis = GAP.model_copy(update={"subgroup": subgroup})
    (entry,) = theme_by_subgroup([analysis], table, estimates())
    assert entry["match"] == match
    assert reason in entry["reason"]
    assert entry["lines"] == []


def test_an_absent_estimate_is_left_blank() -> None:
    (entry,) = theme_by_subgroup(
        [GAP], counts(("fit", "client", "White", 3, 5)), estimates().iloc[:0]
    )
    assert entry["lines"][0]["estimate"] is None


def test_analyses_without_subgroups_have_no_entry() -> None:
    assert (
        theme_by_subgroup([GAP.model_copy(update={"subgroup": None})], counts(), estimates()) == []
    )


@pytest.mark.parametrize(
    ("subgroup", "level", "mapped"),
    [
        ("white", "white british", "1"),
        ("white", "black african", "0"),
        ("white", "", None),
        ("white", "unknown", None),
        ("female", "woman", "1"),
        ("female", "non-binary", None),
        ("sex", "m", "male"),
        ("ethnicity", "asian", "asian"),
    ],
)
def test_levels(subgroup: str, level: str, mapped: Any) -> None:
    assert CROSSWALK[subgroup].level(level) == mapped


def test_a_level_that_is_not_known_leaves_the_sum_unknown() -> None:
    table = counts(("fit", "client", "White British", 3, 5), ("fit", "client", "Irish", 1, 2))
    table.loc[table["attribute_level"] == "Irish", "n_participants"] = pd.NA
    (entry,) = theme_by_subgroup([GAP], table, estimates())
    (line,) = entry["lines"]
    assert (line["level"], line["n_participants"], line["n_eligible"]) == ("1", None, 7)
