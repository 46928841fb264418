"""Cleaning the dirty extract gives back the panel that was simulated: the two rooms check each
other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from evalweave.cli import app
from evalweave.simulation.records import simulate_panel
from evalweave.study.file import load_settings
from evalweave.study.stages import SimulateSettings

CONFIG = Path(__file__).parents[2] / "config"
# A value in % has one decimal: half of that, in mmol/mol.
ROUNDING = 0.05 / 0.09148


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame, SimulateSettings]:
    home = tmp_path_factory.mktemp("study")
    text = (CONFIG / "config.yaml").read_text()
    text = text.replace(
        "{seed: 20150401,", "{seed: 8, eligible_programme: 700, eligible_comparison: 500,"
    )
    text = text.replace("../resources/ways-to-wellness", "extract")
    for folder in ("ways-to-wellness/", "codelists/"):
        text = text.replace(f": {folder}", f": {CONFIG}/{folder}")
    study = home / "study.yaml"
    study.write_text(text)

    def stage(*arguments: str) -> None:
        result = CliRunner().invoke(app, [arguments[0], "--settings", str(study), *arguments[1:]])
        assert result.exit_code == 0, (result.output, result.exception)

    stage("simulate", "--out", str(home / "extract"))
    for table in ("patients", "registrations", "events"):
        stage("ingest", "--table", table, "--out", str(home / "ingest"))
    stage("clean", "--ingested", str(home / "ingest"), "--out", str(home / "clean"))
    stage("cohort", "--cleaned", str(home / "clean"), "--out", str(home / "cohort"))
    stage(
        "panel",
        "--comparison",
        "area_without_programme",
        "--cleaned",
        str(home / "clean"),
        "--cohort",
        str(home / "cohort"),
        "--out",
        str(home / "panel"),
    )
    panel = pd.read_parquet(home / "panel" / "area_without_programme.parquet")
    panel = panel[panel[["hba1c", "systolic_bp"]].notna().any(axis=1)]  # not of cholesterol alone
    return home, panel, load_settings(str(study), SimulateSettings)


def test_the_cohort_is_the_people_who_were_made_eligible(
    run: tuple[Path, pd.DataFrame, SimulateSettings],
) -> None:
    cohort = pd.read_parquet(run[0] / "cohort" / "cohort.parquet")
    assert cohort["arm"].value_counts().to_dict() == {"programme": 700, "comparison": 500}


def test_every_patient_year_comes_back(run: tuple[Path, pd.DataFrame, SimulateSettings]) -> None:
    _, panel, settings = run
    made = simulate_panel(settings, settings.simulation.seed)
    both = made.merge(
        panel, on=["patient_id", "period"], how="outer", suffixes=("", "_found"), indicator=True
    )
    assert not (both["_merge"] == "right_only").any()
    # Only values with a unit of something else are lost: one in a hundred of those in mmol/mol.
    assert (both["_merge"] == "left_only").mean() < 0.005
    both = both[both["_merge"] == "both"]
    np.testing.assert_array_equal(both["systolic_bp"], both["systolic_bp_found"])
    gap = (both["hba1c"] - both["hba1c_found"]).abs().dropna()
    assert (gap <= ROUNDING + 1e-9).mean() > 0.99
    assert both["hba1c_found"].notna().sum() > 0.99 * both["hba1c"].notna().sum()
    for name in ("practice_id", "first_treated", "white", "imd_quintile", "fewer_conditions"):
        found = both[f"{name}_found"].astype(both[name].dtype)
        assert (
            both[name]
            .fillna(both[name].dropna().iloc[0])
            .equals(found.fillna(both[name].dropna().iloc[0]))
        ), name


def test_whole_measurements_come_back_on_their_day(
    run: tuple[Path, pd.DataFrame, SimulateSettings],
) -> None:
    measurements = pd.read_parquet(run[0] / "clean" / "measurements.parquet")
    pressure = measurements.loc[measurements["outcome"] == "systolic_bp", "value"]
    assert (pressure == pressure.round()).all()
    aside = pd.read_csv(run[0] / "clean" / "ledger.csv")
    rules = set(aside.loc[(aside["entry"] == "set_aside") & (aside["n"] > 0), "rule"])
    assert {
        "patient_conflicting",
        "patient_sex_missing",
        "patient_unknown",
        "date_filler",
        "date_unreadable",
        "date_before_birth",
        "date_after_death",
        "date_after_registration",
        "date_before_registration",
        "date_outside_window",
        "value_comparator",
        "value_not_a_number",
        "unit_contradicts_value",
        "value_out_of_range",
        "same_day_repeat",
        "same_day_twin",
        "same_day_spread",
        "registration_end_before_start",
    } <= rules
