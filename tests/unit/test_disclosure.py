"""The disclosure profiles on the tables of a release: each rule with its before and after."""

from __future__ import annotations

import pandas as pd
import pytest

from evalweave.errors import StudyError
from evalweave.release.baseline import released_baseline
from evalweave.release.disclosure import profile
from evalweave.release.resting import people_behind
from evalweave.release.withheld import released_estimates, withhold
from evalweave.tables.analyses import ESTIMATES
from evalweave.tables.contract import Table
from evalweave.tables.joint import JOINT_DISPLAY
from evalweave.tables.people import BASELINE, TRENDS
from evalweave.tables.qualitative import THEME_COUNTS
from evalweave.tables.records import LEDGER
from evalweave.tables.report import FLOW

NHS = profile("nhs_england")


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("nhs_england", [0, 1, 7, 8, 12, 13, 4752], ["0", "*", "*", "10", "10", "15", "4750"]),
        ("opensafely", [0, 1, 7, 8, 12, 13, 4752], ["*", "*", "*", "10", "10", "15", "4750"]),
        ("sacro", [0, 1, 7, 8, 9, 10, 4752], ["*", "*", "*", "*", "*", "10", "4752"]),
        ("none", [0, 1, 7, 8, 12, 13, 4752], ["0", "1", "7", "8", "12", "13", "4752"]),
    ],
)
def test_counts_of_patients(name: str, before: list[int], after: list[str]) -> None:
    assert [profile(name).count(n).text for n in before] == after
    assert [profile(name).count(n, "records").text for n in before] == after


def test_practices_are_exact_and_participants_follow_their_own_threshold() -> None:
    assert NHS.count(3, "practices").text == "3"
    assert [NHS.count(n, "participants").text for n in (0, 1, 2, 3, 9)] == ["0", "*", "*", "3", "9"]
    assert profile("nhs_england", min_cell=1).count(1, "participants").text == "1"
    assert profile("none", min_cell=5).count(4, "participants").text == "*"
    assert NHS.count(1, "references").text == "1"


def test_blank_counts_stay_blank() -> None:
    assert NHS.count(None).text == NHS.count(float("nan")).text == ""
    assert not NHS.count(pd.NA).suppressed  # type: ignore[arg-type]


def test_an_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(StudyError, match='Did you mean "nhs_england"'):
        profile("nhs_englnd")
    with pytest.raises(ValueError, match="patients"):
        NHS.count(3, "dogs")


def test_marks_say_what_they_count_and_carry_the_released_value() -> None:
    assert (
        str(NHS.mark(4752))
        == '<data class="count" data-counts="patients" value="4750">4,750</data>'
    )
    assert str(NHS.mark(3)) == '<data class="count" data-counts="patients" value="*">*</data>'
    assert str(NHS.about(4752)).startswith("about <data")
    assert ">1 to 7</data>" in NHS.about(3) and ">fewer than 10</data>" in profile("sacro").about(3)
    assert str(NHS.about(24, "practices")).startswith("<data")
    assert str(profile("none").about(4752)) == str(profile("none").mark(4752))


def test_rates_come_from_rounded_counts() -> None:
    assert NHS.rate(2043, 4752) == 2045 / 4750
    assert NHS.rate(3, 4752) is None and NHS.rate(10, 0) is None


def test_totals() -> None:
    assert NHS.total([4002, 4]).text == "4005"
    assert profile("opensafely").total([4002, 4]).text == "4000"
    assert profile("opensafely").total([3, 4]).text == "*"
    assert profile("sacro").total([9, 9]).text == "*"  # 18 could only be 9 + 9
    assert NHS.total([2, 2], "participants").text == "*"


def frame(table: Table, *rows: dict[str, object]) -> pd.DataFrame:
    whole = pd.DataFrame(list(rows)).reindex(columns=table.names)
    return whole.astype({c.name: "Int64" for c in table.columns if c.type == "whole number"})


def test_a_mean_of_few_people_is_blank() -> None:
    trends = frame(
        TRENDS,
        {
            "arm": "programme",
            "period": 2015,
            "mean": 58.1,
            "sd": 12.0,
            "n_patients": 7,
            "n_practices": 2,
        },
        {
            "arm": "programme",
            "period": 2016,
            "mean": 57.1,
            "sd": 12.0,
            "n_patients": 8,
            "n_practices": 2,
        },
    )
    got = NHS.count_frame(trends, TRENDS)
    assert got["n_patients"].tolist() == ["*", "10"]
    assert got["mean"].isna().tolist() == got["sd"].isna().tolist() == [True, False]
    assert got["n_practices"].tolist() == ["2", "2"]


def test_a_ledger_rounds_records_and_leaves_practices() -> None:
    rows = [
        {
            "stage": "clean",
            "unit": unit,
            "entry": "set_aside",
            "order": order,
            "rule": str(order),
            "reason": "r",
            "n": n,
        }
        for unit, order, n in (("records", 1, 3), ("records", 2, 48), ("practices", 1, 3))
    ]
    assert NHS.count_frame(frame(LEDGER, *rows), LEDGER)["n"].tolist() == ["*", "50", "3"]
    assert profile("sacro").count_frame(frame(LEDGER, *rows), LEDGER)["n"].tolist() == [
        "*",
        "*",
        "3",
    ]


def test_the_flow_rounds_people_and_leaves_practices() -> None:
    flow = frame(
        FLOW, {"order": 1, "box": "kept", "n_practices": 5, "n_patients": 4752, "n_records": 6}
    )
    got = NHS.count_frame(flow, FLOW).iloc[0]
    assert (got["n_practices"], got["n_patients"], got["n_records"]) == ("5", "4750", "*")


def estimate(term: str, n_patients: int, n_obs: int) -> dict[str, object]:
    return {
        "analysis": "main",
        "estimator": "twfe",
        "outcome": "hba1c",
        "term": term,
        "estimate": -1.0,
        "std_error": 0.3,
        "ci_low": -1.6,
        "ci_high": -0.4,
        "p_value": 0.01,
        "dof": 8.0,
        "n_obs": n_obs,
        "n_patients": n_patients,
        "n_practices": 8,
    }


def test_estimates_keep_coefficients_and_round_counts() -> None:
    got = released_estimates(NHS, frame(ESTIMATES, estimate("att", 8086, 50001))).iloc[0]
    assert (got["estimate"], got["n_patients"], got["n_obs"], got["n_practices"]) == (
        -1.0,
        "8085",
        "50000",
        "8",
    )


def test_an_estimate_on_few_people_is_withheld() -> None:
    both = frame(
        ESTIMATES, estimate("att[white=1]", 7, 40), estimate("difference[white=1-0]", 100, 600)
    )
    got = released_estimates(NHS, both)
    assert got["estimate"].isna().tolist() == got["ci_low"].isna().tolist() == [True, False]


def test_a_term_rests_on_the_smallest_level_that_it_names() -> None:
    terms = [
        "att",
        "att[group=a-b]",
        "att[group=c]",
        "difference[group=c-a-b]",
        "trend[group]",
        "att[group=unknown]",
    ]
    both = frame(ESTIMATES, *(estimate(term, 900, 5000) for term in terms))
    levels = [
        {"level": "a-b", "n_patients": 400},
        {"level": "c", "n_patients": 6},
        {"level": "unknown", "n_patients": 3},
    ]
    diagnostics = {"main": {"levels": levels}}
    assert people_behind(both, diagnostics).tolist() == [900, 400, 6, 6, 6, 3]
    released = released_estimates(NHS, both, diagnostics)
    assert released["estimate"].isna().tolist() == [False, False, True, True, True, True]
    assert released["n_patients"].tolist() == ["900"] * 6
    kept = withhold(NHS, both, diagnostics)
    assert kept["estimate"].isna().tolist() == released["estimate"].isna().tolist()
    assert kept["n_patients"].tolist() == [900] * 6


def test_sacro_withholds_fits_with_few_residual_degrees_of_freedom() -> None:
    few, many = frame(ESTIMATES, estimate("att", 20, 30)), frame(ESTIMATES, estimate("att", 20, 31))
    assert released_estimates(profile("sacro"), few)["estimate"].isna().all()
    assert released_estimates(profile("sacro"), many)["estimate"].notna().all()
    assert released_estimates(NHS, few)["estimate"].notna().all()


def test_references_hide_with_their_participants_and_levels_protect_each_other() -> None:
    rows = [
        {
            "theme_id": "t",
            "role": "client",
            "attribute": attribute,
            "attribute_level": level,
            "n_participants": k,
            "n_eligible": n,
            "n_references": 5,
            "n_sources": 4,
        }
        for attribute, level, k, n in (
            (None, None, 12, 19),
            ("gender", "woman", 10, 11),
            ("gender", "man", 2, 8),
        )
    ]
    got = NHS.count_frame(frame(THEME_COUNTS, *rows), THEME_COUNTS)
    assert got["n_participants"].tolist() == ["12", "*", "*"]
    assert got["n_references"].tolist() == ["5", "*", "*"]
    assert got["n_eligible"].tolist() == ["19", "11", "8"]


@pytest.mark.parametrize(
    ("k", "n", "shown"),
    [
        (0, 5, "0"),
        (2, 12, "*"),
        (3, 12, "3"),
        (9, 12, "9"),
        (10, 12, "*"),
        (11, 12, "*"),
        (12, 12, "12"),
        (4, 5, "*"),
        (5, 5, "5"),
    ],
)
def test_the_silence_of_few_is_hidden_like_the_words_of_few(k: int, n: int, shown: str) -> None:
    counted = {
        "theme_id": "t",
        "role": "client",
        "n_participants": k,
        "n_eligible": n,
        "n_references": k,
        "n_sources": k,
    }
    got = NHS.count_frame(frame(THEME_COUNTS, counted), THEME_COUNTS).iloc[0]
    assert got["n_participants"] == shown and got["n_eligible"] == str(n)
    assert (got["n_references"] == "*") == (shown == "*")
    joint = frame(
        JOINT_DISPLAY, {"n_eligible": n, "n_raised": k, "n_supports": k, "n_contradicts": 0}
    )
    assert NHS.count_frame(joint, JOINT_DISPLAY).iloc[0][["n_raised", "n_supports"]].tolist() == [
        shown,
        shown,
    ]


def test_levels_protect_a_hidden_rest() -> None:
    """10 of 11 women hides; men and the total would give it away, so men hide as well."""
    rows = [
        {
            "theme_id": "t",
            "role": "client",
            "attribute": attribute,
            "attribute_level": level,
            "n_participants": k,
            "n_eligible": n,
        }
        for attribute, level, k, n in (
            (None, None, 14, 19),
            ("gender", "woman", 10, 11),
            ("gender", "man", 4, 8),
        )
    ]
    assert NHS.count_frame(frame(THEME_COUNTS, *rows), THEME_COUNTS)["n_participants"].tolist() == [
        "14",
        "*",
        "*",
    ]


def test_a_joint_display_hides_few_voices() -> None:
    got = NHS.count_frame(
        frame(
            JOINT_DISPLAY, {"n_eligible": 12, "n_raised": 9, "n_supports": 8, "n_contradicts": 1}
        ),
        JOINT_DISPLAY,
    ).iloc[0]
    assert [got[name] for name in ("n_eligible", "n_raised", "n_supports", "n_contradicts")] == [
        "12",
        "9",
        "8",
        "*",
    ]


def baseline(
    variable: str, category: str | None, statistic: str, value: float, other: float
) -> dict[str, object]:
    return {
        "comparison": "all",
        "variable": variable,
        "category": category,
        "statistic": statistic,
        "programme": value,
        "programme_sd": 8.0 if statistic == "mean_sd" else None,
        "programme_n": 4752,
        "comparison_value": other,
        "comparison_sd": 8.0 if statistic == "mean_sd" else None,
        "comparison_n": 3334,
        "smd": 0.1,
    }


def test_the_baseline_rounds_counts_and_takes_percentages_from_them() -> None:
    table = frame(
        BASELINE,
        baseline("age", None, "mean_sd", 57.8, 57.9),
        baseline("female", None, "n", 2043, 1434),
        baseline("white", None, "percent", 100 * 3900 / 4752, 100 * 2731 / 3334),
    )
    got = released_baseline(NHS, table)
    assert got["programme"].tolist() == pytest.approx([57.8, 2045, 82.1])
    assert got["comparison_value"].tolist() == pytest.approx([57.9, 1435, 81.9])
    assert got["programme_n"].tolist() == ["4750"] * 3


def test_the_baseline_hides_small_cells_their_complement_and_the_difference() -> None:
    table = frame(
        BASELINE,
        baseline("sex", "unknown", "n", 3, 40),
        baseline("sex", "female", "n", 2043, 1434),
        baseline("sex", "male", "n", 2706, 1860),
        baseline("registered", None, "n", 4750, 3300),
    )
    got = released_baseline(NHS, table)
    assert got["programme"].isna().tolist() == [
        True,
        False,
        False,
        True,
    ]  # 4,750 of 4,752 gives 2 away
    assert got["smd"].isna().tolist() == [True, False, False, True]
    assert got["comparison_value"].notna().all()
    exact = released_baseline(profile("sacro"), table)
    assert exact["programme"].isna().tolist() == [True, True, False, True]
