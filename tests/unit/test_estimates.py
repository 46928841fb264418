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


def test_the_family_takes_the_first_method_in_the_study_s_unit_whatever_the_p_value():
    settings = EstimatesSettings.model_validate(
        SETTINGS
        | {
            "analyses": [
                {
                    "name": name,
                    "estimator": "twfe",
                    "outcome": "hba1c",
                    "inference": ["cr2", "cr1"],
                    "subgroup": "s",
                }
                for name in ("one", "two", "outside")
            ],
            "family": ["one", "two"],
        }
    )
    p_values = {("one", "a"): 0.04, ("one", "b"): 0.6, ("two", "a"): 0.01, ("two", "b"): None}
    p_values[("outside", "a")] = 0.001
    rows = [
        {
            "analysis": analysis,
            "term": f"{kind}s={level}]",
            "inference": method,
            "outcome_unit": unit,
            "p_value": p if method == "cr2" and kind == "difference[" else 0.002,
        }
        for (analysis, level), p in p_values.items()
        for kind in ("difference[", "att[", "difference[event[1],")
        for method in ("cr1", "cr2")
        for unit in ("percentage points", "mmol/mol")
    ]
    family = holm_family(pd.DataFrame(rows), settings)
    assert list(family["p_value"]) == [0.04, 0.6, 0.01]
    assert list(family["p_holm"]) == pytest.approx([0.08, 0.6, 0.03])


def test_a_study_in_per_cent_has_each_unit_once(fits):
    outcomes = SETTINGS["outcomes"] | {"hba1c": {"unit": "%", "plausible": [3.9, 20]}}
    settings = EstimatesSettings.model_validate(SETTINGS | {"outcomes": outcomes})
    table = gather(fits, settings)
    main = table[(table["analysis"] == "main") & (table["inference"] == "cr2")]
    assert list(main["outcome_unit"]) == ["percentage points", "mmol/mol"]
    assert main["estimate"].iloc[1] == pytest.approx(main["estimate"].iloc[0] / 0.09148)


def test_a_comparison_of_selected_people_says_so_in_its_rows(fits):
    comparisons = SETTINGS["comparisons"] | {"north": {"kind": "not_referred"}}
    table = gather(fits, EstimatesSettings.model_validate(SETTINGS | {"comparisons": comparisons}))
    selected = table["convention"].str.contains("descriptive only, no effect")
    assert list(selected) == list(table["analysis"] == "placebo")


def test_ratios_and_shares_are_not_converted_into_other_units():
    from evalweave.catalogue.nonlinear import unit_of_term

    assert unit_of_term("ratio[white=1]") == unit_of_term("ratio_of_ratios[white=1-0]") == "ratio"
    assert unit_of_term("att_any") == "proportion"
    assert unit_of_term("att") == unit_of_term("att_additive") == ""


def test_an_analysis_without_subgroup_enters_the_family_with_its_summary():
    staggered = {"estimator": "callaway_santanna", "outcome": "systolic_bp"}
    declared = [*SETTINGS["analyses"], {"name": "staggered", **staggered}]
    settings = EstimatesSettings.model_validate(
        SETTINGS
        | {
            "analyses": [{**analysis, "inference": ["jackknife"]} for analysis in declared],
            "family": ["by_ethnicity", "placebo", "staggered"],
        }
    )
    rows = [
        ("by_ethnicity", "difference[white=1-0]", 0.01),
        ("by_ethnicity", "att[white=1]", 0.001),
        ("placebo", "att", 0.03),
        ("staggered", "att_gt[2015,2016]", 0.001),
        ("staggered", "simple", 0.02),
        ("staggered", "event[overall]", 0.001),
        ("main", "att", 0.001),
    ]
    frame = pd.DataFrame(rows, columns=["analysis", "term", "p_value"])
    family = holm_family(frame.assign(inference="jackknife"), settings)
    assert list(family["term"]) == ["difference[white=1-0]", "att", "simple"]
    assert list(family["p_holm"]) == pytest.approx([0.03, 0.04, 0.04])
