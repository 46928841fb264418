"""How finely statistics are released: as their released counts support, the same in every table."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from evalweave import cli
from evalweave.release import precision
from evalweave.release.audit import audit
from evalweave.release.baseline import released_baseline
from evalweave.release.disclosure import profile
from evalweave.tables.analyses import ESTIMATES
from evalweave.tables.catalogue import ALL
from evalweave.tables.contract import NUMBER, STATISTICS
from evalweave.tables.people import BASELINE
from helpers.report_results import Made, results, study_file
from helpers.reports import report

NHS, NONE = profile("nhs_england"), profile("none")
RELEASED = (
    "estimates",
    "trends",
    "baseline",
    "balance",
    "incidence_rates",
    "flow",
    "joint_display",
)


@pytest.mark.parametrize(
    ("value", "n", "places", "released"),
    [
        (57.919612794612796, 4750, 1, 57.9),
        (57.919612794612796, 15, 1, 58.0),  # below 20 people no decimal
        (7.4682, 4750, 2, 7.47),  # HbA1c in per cent has a decimal of its own
        (math.nan, 4750, 1, math.nan),
    ],
)
def test_a_mean_has_the_decimals_that_its_people_support(
    value: float, n: int, places: int, released: float
) -> None:
    assert precision.mean(value, n, places) == pytest.approx(released, nan_ok=True, abs=0)


def test_the_mean_of_a_yes_or_no_is_a_share_of_released_counts() -> None:
    """123 of 998 smoke: 125 of 1,000 are released, so 0.12, and the deviation of that."""
    assert precision.moments(NHS, 123 / 998, 0.33, 998, precision.SHARE) == (0.12, 0.33)
    assert math.isnan(precision.moments(NHS, 3 / 998, 0.05, 998, precision.SHARE)[0])


def estimates(**more: object) -> pd.DataFrame:
    row = {
        "analysis": "main",
        "estimator": "twfe",
        "outcome": "hba1c",
        "term": "att",
        "estimate": -1.1731677312250062,
        "std_error": 0.3404768457274793,
        "ci_low": -1.8980899671375298,
        "ci_high": -0.4482454953124826,
        "p_value": 0.0035470052592712588,
        "dof": 15.189310503293022,
        "level": 0.95,
        "outcome_unit": "mmol/mol",
        "inference": "cr2",
        "comparison": "all",
    }
    finer = row | {"inference": "cr1", "std_error": 0.0981, "ci_high": math.inf}
    return ESTIMATES.conform(pd.DataFrame([row | more, finer]))


def test_estimates_end_at_the_third_digit_of_the_first_methods_error() -> None:
    frame = estimates()
    got = precision.estimates(NHS, frame, precision.steps(frame))
    first, second = got.iloc[0], got.iloc[1]
    names = ["estimate", "std_error", "ci_low", "ci_high", "p_value", "dof", "level"]
    assert first[names].tolist() == [-1.173, 0.34, -1.898, -0.448, 0.00355, 15.19, 0.95]
    assert (second["estimate"], second["std_error"]) == (-1.173, 0.098)  # as in the first row
    assert second["ci_high"] == math.inf
    assert precision.estimates(NONE, frame, precision.steps(frame)).equals(frame)


def test_diagnostics_are_as_fine_as_the_estimate() -> None:
    found = {
        "main": {
            "n_patients": 8044,
            "leave_one_out": {"att": {"low": -1.3216824, "values": [-1.3216824, -1.3090998]}},
            "placebo_dates": [{"estimate": -0.137923, "std_error": 0.471761, "p_value": 0.773973}],
        }
    }
    frame = estimates()
    got = precision.diagnostics(NHS, found, precision.steps(frame))["main"]
    assert got["n_patients"] == 8044
    assert got["leave_one_out"]["att"] == {"low": -1.322, "values": [-1.322, -1.309]}
    assert got["placebo_dates"] == [{"estimate": -0.138, "std_error": 0.472, "p_value": 0.774}]
    assert precision.diagnostics(NONE, found, precision.steps(frame)) == found


def test_standardised_differences_rest_on_released_numbers() -> None:
    """A difference to many digits pins a pair of counts; this one is the same for all pairs that
    round alike."""
    both = {"comparison": "all", "programme_n": 4752, "comparison_n": 3334}

    def smd(programme: int, comparison: int) -> float:
        line = {
            **both,
            "variable": "sex",
            "category": "female",
            "statistic": "n",
            "programme": programme,
            "comparison_value": comparison,
            "smd": 0.123456789,
        }
        return float(released_baseline(NHS, BASELINE.conform(pd.DataFrame([line])))["smd"].iloc[0])

    assert {smd(n, k) for n in range(2048, 2053) for k in range(1428, 1433)} == {0.01}


def test_every_released_number_is_declared() -> None:
    for table in ALL:
        if table.name in (*RELEASED, "drawn"):
            for column in table.columns:
                declared = bool(column.counts) + bool(column.statistic)
                assert declared == (column.type == NUMBER or bool(column.counts)) or (
                    column.statistic
                ), (table.name, column.name)
                assert column.statistic in ("", *STATISTICS)


def test_the_audit_refuses_fine_and_undeclared_numbers(tmp_path: Path) -> None:
    out = report(tmp_path, Made(weighted=True))
    assert audit(out, []).findings == []
    whole = (out / "baseline.csv").read_text()
    (out / "baseline.csv").write_text(whole.replace("59.2", "59.20198412698413"))
    assert any("more finely" in finding for finding in audit(out, []).findings)
    lines = whole.splitlines()
    lines = [lines[0] + ",kurtosis", *(line + ",2.75" for line in lines[1:])]
    (out / "baseline.csv").write_text("\n".join(lines) + "\n")
    assert any("column kurtosis: holds numbers" in finding for finding in audit(out, []).findings)


def test_without_disclosure_control_nothing_is_rounded(tmp_path: Path) -> None:
    out = report(tmp_path, Made(disclosure="none", estimate=-1.23456789012))
    assert "-1.23456789012" in (out / "estimates.csv").read_text()


@pytest.mark.parametrize(
    ("disclosure", "synthetic", "loud"),
    [("none", False, True), ("none", True, False), ("nhs_england", False, False)],
)
def test_no_disclosure_control_on_real_data_is_said_loudly(
    tmp_path: Path, disclosure: str, synthetic: bool, loud: bool
) -> None:
    made = Made(disclosure=disclosure, synthetic=synthetic, only_main=True)
    file, where = study_file(tmp_path, made), results(tmp_path, made)
    call = ["report", "--study", str(file), "--results", str(where), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(cli.app, call)
    assert done.exit_code == 0
    assert ("NO DISCLOSURE CONTROL" in done.output) is loud
