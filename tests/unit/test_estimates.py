"""Gathering fits: units, comparison groups, percentage points and Holm's adjustment."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

import evalweave
from evalweave.cli import app
from evalweave.errors import DataError
from evalweave.estimates import gather, holm, holm_family
from evalweave.study.stages import EstimatesSettings
from helpers.did_panels import panel

SETTINGS = {
    "analyses": [
        {"name": "main", "estimator": "twfe", "outcome": "hba1c", "primary": True},
        {"name": "by_ethnicity", "estimator": "twfe", "outcome": "hba1c", "subgroup": "white"},
        {"name": "placebo", "estimator": "twfe", "outcome": "systolic_bp", "comparison": "north"},
    ],
    "comparisons": {"north": {}, "city": {"primary": True}},
    "outcomes": {
        "hba1c": {"unit": "mmol/mol", "plausible": [20, 195]},
        "systolic_bp": {"unit": "mmHg", "plausible": [60, 260]},
    },
    "family": ["by_ethnicity"],
}


@pytest.fixture
def fits():
    frame = panel(seed=91, units=120)
    return {
        "main": evalweave.twfe(frame, outcome="y", inference=["cr2", "cr1"]).tidy(),
        "by_ethnicity": evalweave.twfe(frame, outcome="y", subgroup="white").tidy(),
        "placebo": evalweave.twfe(frame, outcome="y").tidy(),
    }


def test_units_comparisons_and_percentage_points(fits):
    table = gather(fits, EstimatesSettings.model_validate(SETTINGS))
    main = table[(table["analysis"] == "main") & (table["inference"] == "cr2")].set_index(
        "outcome_unit"
    )
    assert list(main["comparison"]) == ["city", "city"]
    for column in ("estimate", "std_error", "ci_low", "ci_high"):
        assert main.loc["percentage points", column] == pytest.approx(
            0.09148 * main.loc["mmol/mol", column], rel=1e-15
        )
    for column in ("p_value", "dof", "n_obs"):
        assert main.loc["percentage points", column] == main.loc["mmol/mol", column]
    placebo = table[table["analysis"] == "placebo"]
    assert set(placebo["outcome_unit"]) == {"mmHg"}
    assert set(placebo["comparison"]) == {"north"}


def test_holm_steps_down():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_family_holds_the_differences_once(fits):
    settings = EstimatesSettings.model_validate(SETTINGS)
    family = holm_family(gather(fits, settings), settings)
    assert list(family["term"]) == ["difference[white=1-0]"]
    assert family["p_holm"][0] == family["p_value"][0]


def test_a_missing_fit_is_named(fits):
    del fits["placebo"]
    with pytest.raises(DataError, match="no fit of the analyses placebo"):
        gather(fits, EstimatesSettings.model_validate(SETTINGS))


def test_command_writes_the_contract(tmp_path):
    panel(seed=92, units=120).rename(columns={"y": "hba1c"}).assign(
        systolic_bp=lambda f: f["hba1c"] * 2
    ).to_csv(tmp_path / "panel.csv", index=False)
    runner = CliRunner()
    for analysis in SETTINGS["analyses"]:
        options = {
            k: v for k, v in analysis.items() if k not in ("outcome", "comparison", "primary")
        }
        spec = {"columns": {"outcome": analysis["outcome"]}, "analyses": [options]}
        out = tmp_path / "fit" / analysis["name"]
        runner.invoke(
            app, ["fit", str(tmp_path / "panel.csv"), "--spec", json.dumps(spec), "--out", str(out)]
        )
    call = [
        "estimates",
        "--settings",
        json.dumps(SETTINGS),
        "--fits",
        str(tmp_path / "fit"),
        "--out",
        str(tmp_path / "e"),
    ]
    result = runner.invoke(app, call, catch_exceptions=False)
    assert result.exit_code == 0
    table = pd.read_csv(tmp_path / "e" / "estimates.csv")
    assert set(table["outcome_unit"]) == {"mmol/mol", "percentage points", "mmHg"}
    assert set(json.loads((tmp_path / "e" / "diagnostics.json").read_text())) == {
        "main",
        "by_ethnicity",
        "placebo",
    }
    assert list(pd.read_csv(tmp_path / "e" / "holm.csv").columns) == [
        "analysis",
        "term",
        "p_value",
        "p_holm",
    ]
