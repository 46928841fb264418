"""What the report says of how alike the arms were: love plots, the effective sample size, and the
released tables."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
import pytest

from evalweave.release.audit import audit
from evalweave.release.baseline import released_balance, released_baseline
from evalweave.release.disclosure import profile
from evalweave.report.figures.love import Pair, love_plot
from evalweave.tables.people import BALANCE, BASELINE
from helpers.report_results import Made
from helpers.reports import both, report, words, written

SVG = "{http://www.w3.org/2000/svg}"


def released(out: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(out / f"{name}.csv", dtype=str, keep_default_na=False)


def test_a_weighted_comparison_is_told_drawn_and_released(tmp_path: Path) -> None:
    out = written(tmp_path, Made(weighted=True))
    text = words(both(out))
    assert (
        "weighted by entropy balancing so that they resemble the programme arm in age and sex"
        in text
    )
    assert (
        "Among these the largest standardised mean difference was 0.15 before weighting (Age at "
        "the index date) and is 0.00 after." in text
    )
    assert "After weighting: all lie within 0.1" in text
    assert (
        "comparison patients (about 3,335 ) tell as much, once weighted, as about 2,870 of equal "
        "weight" in text
    )
    svg = (out / "figures/balance-all.svg").read_text()
    assert {"before weighting", "after weighting", "Balanced by the weights"} <= {
        "".join(each.itertext()) for each in ET.fromstring(svg).iter(f"{SVG}text")
    }
    assert "var(--before, #D55E00)" in svg and "var(--after, #009E73)" in svg
    assert audit(out, []).findings == []


def test_a_difference_that_rests_on_few_people_is_released_nowhere(tmp_path: Path) -> None:
    out = written(tmp_path, Made(weighted=True))
    table = released(out, "balance")
    assert list(table.columns) == BALANCE.names
    assert table["effective_comparison_n"].tolist() == ["2870"] * 4
    rare = table[table["category"] == "Rare"].iloc[0]
    assert (rare["smd_before"], rare["smd_after"]) == ("", "")
    for file in (
        "report.html",
        "supplement.html",
        "balance.csv",
        "manifest.json",
        "figures/balance-all.csv",
        "figures/balance-all.svg",
    ):
        assert not re.search(r"1\.7231|1\.72\b|1\.6417|1\.64\b", (out / file).read_text()), file


def test_without_weights_the_baseline_itself_is_drawn(tmp_path: Path) -> None:
    out = report(tmp_path, Made())
    assert not (out / "balance.csv").exists()
    text = words(both(out))
    assert (
        "How far apart the arms were at baseline, largest difference first. One of 2 lies "
        "beyond 0.1" in text
    )
    assert "after weighting" not in text
    assert (out / "figures/baseline-differences.csv").exists()


def test_the_baseline_table_is_released_with_exact_practices(tmp_path: Path) -> None:
    table = released(report(tmp_path, Made()), "baseline").set_index(["variable", "category"])
    assert list(table.reset_index().columns) != [] and set(BASELINE.names) <= set(
        table.reset_index().columns
    )
    assert table.loc[("patients", ""), "programme"] == "4750.0"
    assert table.loc[("practices", ""), ["programme", "comparison_value"]].tolist() == [
        "13.0",
        "11.0",
    ]
    assert table.loc[("ethnicity", "Rare"), ["programme", "smd"]].tolist() == ["", ""]


def test_the_audit_finds_what_a_profile_would_not_have_released(tmp_path: Path) -> None:
    out = written(tmp_path, Made(weighted=True))
    for name, right, wrong in (("balance", "2870", "2871"), ("baseline", "4750.0", "4752.0")):
        file = out / f"{name}.csv"
        whole = file.read_text()
        file.write_text(whole.replace(right, wrong))
        assert any(
            "not rounded" in found and f"{name}.csv" in found for found in audit(out, []).findings
        )
        file.write_text(whole)


def test_a_small_effective_number_hides_what_rests_on_it() -> None:
    line = {
        "comparison": "all",
        "variable": "age",
        "category": "",
        "balanced": True,
        "smd_before": 0.3,
        "smd_after": 0.1,
        "effective_comparison_n": 6,
    }
    baseline = {
        "comparison": "all",
        "variable": "age",
        "category": "",
        "statistic": "mean_sd",
        "programme": 60.4,
        "programme_sd": 8.0,
        "programme_n": 50,
        "comparison_value": 58.0,
        "comparison_sd": 8.0,
        "comparison_n": 60,
        "smd": 0.3,
    }
    frames = BALANCE.conform(pd.DataFrame([line])), BASELINE.conform(pd.DataFrame([baseline]))
    got = released_balance(profile("nhs_england"), *frames).iloc[0]
    assert (
        got["effective_comparison_n"] == "*"
        and pd.isna(got["smd_after"])
        and got["smd_before"] == 0.3
    )


def test_how_many_lack_a_value_cannot_be_worked_out() -> None:
    """Exact counts (sacro): 4,745 of 4,752 with a value would give away the 7 without."""
    lines = [
        {
            "variable": "patients",
            "category": "",
            "statistic": "n",
            "programme": 4752,
            "comparison_value": 3334,
        },
        {
            "variable": "hba1c",
            "category": "",
            "statistic": "mean_sd",
            "programme": 59.0,
            "programme_sd": 15.0,
            "programme_n": 4745,
            "comparison_value": 58.0,
            "comparison_sd": 15.0,
            "comparison_n": 3300,
            "smd": 0.05,
        },
        {
            "variable": "hba1c",
            "category": "missing",
            "statistic": "n",
            "programme": 7,
            "programme_n": 4752,
            "comparison_value": 34,
            "comparison_n": 3334,
            "smd": 0.1,
        },
    ]
    got = released_baseline(
        profile("sacro"),
        BASELINE.conform(pd.DataFrame([{"comparison": "all", **each} for each in lines])),
    )
    assert got["programme_n"].iloc[1] == "*" and got["comparison_n"].iloc[1] == "3300"
    assert pd.isna(got["programme"].iloc[2]) and got["programme"].iloc[1] == 59.0


@pytest.mark.parametrize(
    "pairs", [[Pair("Age", 0.02, 0.0)], [Pair("Age", 2.4, 0.3), Pair("B " * 40, float("nan"), 0.1)]]
)
def test_the_love_plot_says_its_line_and_is_the_same_bytes_twice(pairs: list[Pair]) -> None:
    first, second = (love_plot("b", "t", "c", pairs, pd.DataFrame(), True) for _ in range(2))
    assert first is not None and second is not None
    svg = first.drawings[0].svg
    assert svg == second.drawings[0].svg
    shown = ["".join(each.itertext()).strip() for each in ET.fromstring(svg).iter(f"{SVG}text")]
    assert "beyond 0.1 arms are" in shown and "Simulated data" in shown
    assert first.description.startswith(
        "Simulated data. Sizes of standardised mean differences before and after"
    )


def test_nothing_to_draw_is_no_figure() -> None:
    assert (
        love_plot("b", "t", "c", [Pair("A", heading=True), Pair("Age")], pd.DataFrame(), False)
        is None
    )
