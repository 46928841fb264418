"""A study's economic evaluation: what it may declare, the SPEC that follows from it, and the two
panels side by side."""

from __future__ import annotations

import copy
import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

import evalweave
from evalweave.cli import app
from evalweave.economics.of_study import compared, side_by_side, spec_of
from evalweave.economics.programme import discounted
from evalweave.errors import StudyError
from evalweave.panel.prices import factor
from evalweave.release import manifest
from evalweave.release.reproduce import reduced
from evalweave.study.file import load_settings, load_study, validate
from evalweave.study.periods import first_day
from evalweave.study.stages import ValueSettings, settings_for
from evalweave.study.whole import Study
from helpers.did_panels import costs

CONFIG = Path(__file__).parents[2] / "config"
DECLARED = yaml.safe_load((CONFIG / "config.yaml").read_text(encoding="utf-8"))
STUDY = load_study(CONFIG / "config.yaml")
INDEX = str(CONFIG / "ways-to-wellness" / "price_index.csv")


def declared(**changes: Any) -> Study:
    """Return the demonstration's study with other keys in its sections (`economics__by=[]`)."""
    said = copy.deepcopy(DECLARED)
    for place, value in changes.items():
        section, _, key = place.partition("__")
        if not key:
            said[section] = value
        elif value is None:
            said[section].pop(key, None)
        else:
            said[section][key] = value
    return validate(said, Study, "study.yaml", {})


ECONOMICS = DECLARED["economics"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"resource_use": None}, "costs need a resource_use section with unit_costs"),
        (
            {"economics__cost": {**ECONOMICS["cost"], "outcome": "costs"}},
            'economics, cost, outcome: "costs" is not declared. Did you mean "cost"',
        ),
        (
            {"economics__components": {"wards": "cost_wards"}},
            'economics, components, wards: "cost_wards" is not declared',
        ),
        (
            {"economics__cost": {**ECONOMICS["cost"], "outcome": "systolic_bp"}},
            'economics, cost, outcome: "systolic_bp" is not declared',
        ),
        (
            {"economics__components": {"stays": "admissions"}},
            'economics, components, stays: "admissions" is not declared',
        ),
        (
            {
                "economics__programme_cost": {
                    "amount": 1,
                    "per": "referral",
                    "referrals": "hba1c",
                    "source": "a test",
                }
            },
            'economics, programme_cost, referrals: "hba1c" is not declared',
        ),
        (
            {"economics__cost": {**ECONOMICS["cost"], "exposure": "years"}},
            'the person-time of a study is the column "exposure"',
        ),
        ({"economics__comparison": "south"}, 'economics, comparison: "south" is not declared'),
        (
            {"economics__effect": {**ECONOMICS["effect"], "unit": "%"}},
            'is not the unit of differences of hba1c, which is "mmol/mol"',
        ),
        (
            {"economics__effect": {**ECONOMICS["effect"], "better": "higher"}},
            "outcomes say that lower is better for hba1c",
        ),
        ({"resource_use__price_index": None}, "price_year needs a price_factor, or a price_index"),
        (
            {"economics__discount": {"first": 2015, "periods_per_year": 4}},
            "economics, discount: 4 periods_per_year, but the window's periods are 1 a year",
        ),
        (
            {
                "outcomes__spend": {
                    "kind": "cost",
                    "unit": "£",
                    "deaths": "composite",
                    "dead_value": 0,
                }
            },
            "economics, cost, outcome: spend counts the dead",
        ),
    ],
)
def test_what_an_economics_section_may_not_say(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(StudyError) as caught:
        declared(**changes)
    assert words in str(caught.value)


def test_a_study_without_costs_shows_no_trace_of_them() -> None:
    plain = load_study(CONFIG / "staggered.yaml")
    assert plain.economics is None and plain.resource_use is None
    dumped = plain.model_dump(mode="json")
    assert not {"economics", "resource_use"} & set(dumped)
    assert not {"economics"} & set(manifest.seeds(plain))
    assert not [role for role, _ in manifest.roles(plain) if role in ("unit costs", "price index")]
    assert {"economics", "resource_use"} <= set(STUDY.model_dump(mode="json"))


def test_its_files_are_inputs_and_a_rerun_of_one_analysis_does_without_them() -> None:
    roles = dict(manifest.roles(STUDY))
    assert Path(roles["unit costs"]).name == "unit_costs.csv"
    assert Path(roles["price index"]).name == "price_index.csv"
    again = reduced(STUDY.model_dump(mode="json"), "main")
    assert not {"economics", "resource_use"} & set(again)


def settings() -> ValueSettings:
    return ValueSettings.model_validate(settings_for(STUDY, ValueSettings))


def test_the_spec_takes_prices_columns_and_allocation_from_the_study() -> None:
    chosen = settings()
    assert compared(chosen) == "area_without_programme"
    spec = spec_of(chosen, "area_without_programme")
    assert spec.price_year == 2019 and spec.allocation == STUDY.allocation
    factors = {each.name: each.price_factor for each in spec.scenarios}
    assert factors["prices_of_2024"] == pytest.approx(1.18) and factors["per_referral"] is None
    assert factor(chosen.resource_use, 2031) is None
    columns = spec.columns_of(spec.cost)
    assert (columns.outcome, columns.exposure, columns.weight) == ("cost", "exposure", None)
    group = chosen.comparisons["area_without_programme"]
    weighted = {"area_without_programme": group.model_copy(update={"balance": "entropy"})}
    other = chosen.model_copy(update={"comparisons": weighted})
    assert spec_of(other, "area_without_programme").columns == {"weight": "weight"}


@pytest.mark.parametrize(
    ("period", "a_year"),
    [("calendar_year", 1), ("half_year", 2), ("quarter", 4), ("month", 12)],
)
def test_a_study_discounts_by_the_year_whatever_its_periods_are(period: str, a_year: int) -> None:
    said = {"window__period": period, "economics__discount": {"first": 2015}}
    study = declared(simulation=None, resource_use__price_index=INDEX, **said)
    chosen = ValueSettings.model_validate(settings_for(study, ValueSettings))
    spec = spec_of(chosen, "area_without_programme")
    scenario = next(each for each in spec.scenarios if each.name == "discounted")
    for known in (spec.discount, scenario.discount):
        assert known is not None
        assert first_day(known.first, study.window.cut) == dt.date(2015, 1, 1)
        worth = discounted(known.first + a_year * np.arange(3), known, 0.035)
        assert worth == pytest.approx([1, 1 / 1.035, 1 / 1.035**2])
    assert load_settings(json.dumps(settings_for(study, ValueSettings)), ValueSettings) == chosen


def test_a_utility_held_for_a_quarter_is_a_quarter_of_a_qaly() -> None:
    effect = {**ECONOMICS["effect"], "outcome": "eq5d", "unit": "QALY", "better": "higher"}
    study = declared(
        resource_use__price_index=INDEX,
        outcomes__eq5d={"kind": "utility", "better": "higher"},
        codelists__eq5d="codelists/smoking.csv",
        economics__effect={**effect, "kind": "utility", "source": "invented"},
    )
    chosen = ValueSettings.model_validate(settings_for(study, ValueSettings))
    spec = spec_of(chosen, "area_without_programme")
    uses = pd.DataFrame({"patient_id": ["a", "b"], "period": [1, 1], "cost": [0.0, 5]})
    measured = pd.DataFrame({"patient_id": ["a"], "period": [1], "eq5d": [0.8]})
    for a_year, lived, n_notes in ((1, 0.8, 0), (4, 0.2, 1)):
        joined, notes = side_by_side(uses, measured, spec, a_year)
        assert joined["eq5d"].iloc[0] == pytest.approx(lived) and len(notes) == n_notes


def test_costs_while_alive_are_valued_beside_an_outcome_that_counts_the_dead() -> None:
    cost = {"kind": "cost", "unit": "£"}
    study = declared(
        outcomes__spend=cost,
        outcomes__spend_of_all={**cost, "deaths": "composite", "dead_value": 0},
    )
    assert study.economics is not None


def test_people_without_a_measurement_keep_their_costs() -> None:
    uses = pd.DataFrame({"patient_id": ["a", "a", "b"], "period": [1, 2, 1], "cost": [0.0, 5, 2]})
    measured = pd.DataFrame({"patient_id": ["a", "c"], "period": [2, 1], "hba1c": [50.0, 60]})
    spec = spec_of(settings(), "area_without_programme")
    joined, notes = side_by_side(uses, measured, spec)
    assert joined["cost"].tolist() == [0.0, 5.0, 2.0]
    assert joined["hba1c"].fillna(-1).tolist() == [-1.0, 50.0, -1.0]
    assert notes and notes[0].startswith("1 person-periods have a measurement and no followed day")
    assert side_by_side(uses, measured.head(1), spec)[1] == ()


def stage(tmp_path: Path, frame: pd.DataFrame, **effect: str) -> Path:
    """Run the stage on a panel of costs and one of the outcome, by quarters where `effect` has
    other keys; return where it wrote."""
    name = "area_without_programme"
    frame = frame.rename(columns={"stay": "cost_admissions", "visit": "cost_attendances"})
    frame = frame.assign(
        imd_quintile=1 + frame["patient_id"].str[1:].astype(int) % 2,
        exposure=1.0,
        referrals=frame["referred"],
    )
    seen = frame.iloc[::2].rename(columns={"y": "hba1c"})
    for folder, table in (("uses", frame.drop(columns="y")), ("panel", seen)):
        (tmp_path / folder).mkdir()
        table.to_parquet(tmp_path / folder / f"{name}.parquet")
    said = settings_for(STUDY, ValueSettings)
    said["economics"] |= {
        "draws": 99,
        "discount": None,
        "scenarios": said["economics"]["scenarios"][:4],
    }
    said["allocation"] = None
    if effect:
        said["economics"]["effect"] |= effect
        said["window"]["period"] = "quarter"
    command = ["value", "--settings", json.dumps(said), "--uses", str(tmp_path / "uses")]
    command += ["--measured", str(tmp_path / "panel"), "--practices", str(tmp_path / "none.csv")]
    done = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    return tmp_path / "out"


def test_the_effect_is_the_main_analysis_on_those_measured_and_the_cost_is_of_all(
    tmp_path: Path,
) -> None:
    frame = costs()
    out = stage(tmp_path, frame)
    rows = pd.read_csv(out / "increments.csv").set_index("item")
    alone = evalweave.twfe(frame.iloc[::2], outcome="y", diagnostics=False).tidy()["estimate"]
    assert rows.loc["effect", "estimate"] == pytest.approx(-alone.iloc[0])
    care = evalweave.poisson(frame, outcome="cost", diagnostics=False).tidy().set_index("term")
    assert rows.loc["cost of care", "estimate"] == pytest.approx(care.loc["att", "estimate"])
    assert rows.loc["effect", "n_obs"] < rows.loc["cost of care", "n_obs"]
    programme = rows.loc["programme"]
    assert programme["estimate"] == 60 and programme["std_error"] == 0
    assert rows.loc["cost", "estimate"] == pytest.approx(60 + rows.loc["cost of care", "estimate"])
    prices = json.loads((out / "economics.json").read_text())["prices"]
    assert [one["item"] for one in prices] == ["admissions", "attendances", "referrals"]
    assert prices[0]["worth"] == 2600 and prices[0]["source"] == "invented for this demonstration"


def test_the_stage_values_qalys_of_quarters_as_quarters(tmp_path: Path) -> None:
    frame = costs()
    out = stage(tmp_path, frame, unit="QALY", source="invented")
    rows = pd.read_csv(out / "increments.csv").set_index("item")
    alone = evalweave.twfe(frame.iloc[::2], outcome="y", diagnostics=False).tidy()["estimate"]
    assert rows.loc["effect", "estimate"] == pytest.approx(-alone.iloc[0] / 4)
    assert "1/4 of a QALY" in (out / "economics.json").read_text()


def test_an_evaluation_without_an_estimate_says_why_and_stops_nothing(tmp_path: Path) -> None:
    frame = costs()
    frame["first_treated"] = frame["first_treated"].where(frame["practice_id"] == "g00")
    out = stage(tmp_path, frame)
    said = json.loads((out / "economics.json").read_text())
    assert "no practice-level interval" in said["absent"]
    assert (out / "increments.csv").read_text().strip() == "item"
