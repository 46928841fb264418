"""The simulated extract: published sizes and baseline, known truth, the same bytes for the same
seed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from evalweave.cli import app
from evalweave.errors import DataError
from evalweave.files import read_table, sha256
from evalweave.simulation.effect import planted_effect
from evalweave.simulation.practices import demonstration_practices, sizes
from evalweave.simulation.records import draw, identifiers, panel_of, simulate_panel
from evalweave.simulation.truth import planted_truth, weighted_by_twfe
from evalweave.study.about import Simulation
from evalweave.study.file import load_settings, load_study
from evalweave.study.stages import SimulateSettings, settings_for
from evalweave.tables.records import PRACTICES

CONFIG = Path(__file__).parents[2] / "config" / "config.yaml"


@pytest.fixture(scope="module")
def settings() -> SimulateSettings:
    return load_settings(str(CONFIG), SimulateSettings)


@pytest.fixture(scope="module")
def small(settings: SimulateSettings) -> SimulateSettings:
    fewer = Simulation(eligible_programme=400, eligible_comparison=300)
    return settings.model_copy(update={"simulation": fewer})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated")
    result = CliRunner().invoke(app, ["simulate", "--settings", str(CONFIG), "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out


def read_text(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def day(text: pd.Series) -> pd.Series:
    return pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")


def eligible_by_hand(folder: Path) -> pd.DataFrame:
    """Apply the eligibility rules of records.md to the files, independently of the package's own
    cleaning."""
    index = pd.Timestamp("2015-04-01")
    patients = read_text(folder / "patients.csv").drop_duplicates()
    patients = patients[~patients["patient_id"].duplicated(keep=False)]
    patients = patients[
        (patients["sex"] != "")
        & (patients["birth_year"] != "")
        & (patients["acceptable"] == "true")
    ]
    # Half of the year of birth has passed by 1 July, after the index date.
    age = 2014 - patients["birth_year"].astype(int)
    patients = patients[(age >= 40) & (age <= 74)]
    death = day(patients["death_date"])
    patients = patients[death.isna() | (death >= index)]

    practices = set(demonstration_practices()["practice_id"])
    spells = read_text(folder / "registrations.csv").drop_duplicates()
    spells = spells[spells["practice_id"].isin(practices)]
    spells = spells.assign(
        start=day(spells["start"]), end=day(spells["end"]).fillna(pd.Timestamp("2100-01-01"))
    )
    spells = spells[spells["start"].notna() & (spells["end"] >= spells["start"])]
    at_index = spells[(spells["start"] <= index) & (spells["end"] >= index)]
    at_index = at_index.sort_values(["patient_id", "start"]).drop_duplicates(
        "patient_id", keep="last"
    )
    at_index = at_index[at_index["start"] <= index - pd.Timedelta(days=365)]

    events = read_text(folder / "events.csv")
    before = day(events["date"]) < index
    type_2 = set(events.loc[before & (events["code"] == "44054006"), "patient_id"])
    type_1 = set(events.loc[before & (events["code"] == "46635009"), "patient_id"])
    found = at_index[at_index["patient_id"].isin(set(patients["patient_id"]) & type_2 - type_1)]
    return found.merge(demonstration_practices()[["practice_id", "area"]], on="practice_id")


def test_the_files_hold_exactly_the_published_number_of_eligible_patients(folder: Path) -> None:
    found = eligible_by_hand(folder)
    assert len(found) == 8086
    assert (found["area"] == "west").sum() == 4752
    assert found["practice_id"].nunique() == 24
    assert found.loc[found["area"] == "west", "practice_id"].nunique() == 13


def test_practices_are_of_very_unequal_size(folder: Path) -> None:
    per_practice = eligible_by_hand(folder)["practice_id"].value_counts()
    assert per_practice.max() > 8 * per_practice.min()
    assert per_practice.min() >= 50


def test_sizes_sum_to_the_total_whatever_the_seed() -> None:
    for seed in range(5):
        drawn = sizes(4752, 13, np.random.default_rng(seed))
        assert drawn.sum() == 4752
        assert (drawn > 0).all()


def test_baseline_is_the_published_one(settings: SimulateSettings) -> None:
    simulated = draw(settings, settings.simulation.seed, with_others=False)
    people = simulated.people
    assert (people["sex"] == "female").sum() == 3477
    assert (people["ethnicity"] == "White").sum() == 6631
    age = 2014 - people["birth_year"]
    assert age.mean() == pytest.approx(57.8, abs=0.3)  # 3 standard errors of the mean
    assert age.std() == pytest.approx(8.78, abs=0.2)
    panel = panel_of(simulated)
    year = panel[(panel["period"] == 2014) & panel["hba1c"].notna()]
    percent = year["hba1c"] * 0.09148 + 2.152
    treated = year["first_treated"].notna()
    # Practice shocks of SD 1 mmol/mol move an arm's mean by about 0.03 percentage points.
    assert percent[treated].mean() == pytest.approx(7.56, abs=0.1)
    assert percent[~treated].mean() == pytest.approx(7.44, abs=0.1)
    assert percent[treated].std() == pytest.approx(1.47, abs=0.1)
    assert percent[~treated].std() == pytest.approx(1.43, abs=0.1)


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    CliRunner().invoke(app, ["simulate", "--settings", str(CONFIG), "--out", str(tmp_path)])
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 7
    assert [sha256(folder / name) for name in names] == [sha256(tmp_path / name) for name in names]


def test_another_seed_gives_other_people_and_other_shocks(small: SimulateSettings) -> None:
    one, two = simulate_panel(small, 1), simulate_panel(small, 2)
    assert not set(one["patient_id"]) & set(two["patient_id"])
    assert one["hba1c"].mean() != two["hba1c"].mean()


def test_ineligible_people_and_dirt_shift_nothing(small: SimulateSettings) -> None:
    pd.testing.assert_frame_equal(
        simulate_panel(small, 3), panel_of(draw(small, 3, with_others=True))
    )


def test_panel_has_one_row_a_patient_and_period_and_its_columns(small: SimulateSettings) -> None:
    panel = simulate_panel(small, 4)
    assert list(panel.columns) == [
        "patient_id",
        "practice_id",
        "period",
        "first_treated",
        "hba1c",
        "systolic_bp",
        "white",
        "imd_quintile",
        "fewer_conditions",
        "planted",
    ]
    assert not panel.duplicated(["patient_id", "period"]).any()
    assert panel["period"].between(2011, 2018).all()
    assert panel[["hba1c", "systolic_bp"]].notna().any(axis=1).all()
    assert panel["hba1c"].dropna().between(20, 195).all()


def test_mean_planted_effect_is_the_declared_one(settings: SimulateSettings, folder: Path) -> None:
    panel = simulate_panel(settings, settings.simulation.seed)
    treated = panel[
        (panel["period"] >= panel["first_treated"]).fillna(False) & panel["hba1c"].notna()
    ]
    assert treated["planted"].mean() == pytest.approx(settings.simulation.effect, rel=1e-12)
    truth = json.loads((folder / "truth.json").read_text())
    assert truth["terms"]["att"] == pytest.approx(settings.simulation.effect, rel=1e-12)
    assert truth["terms_percentage_points"]["att"] == pytest.approx(-0.1, abs=1e-4)
    assert truth["terms"] == pytest.approx(planted_truth(panel)["terms"])


def test_truth_is_recomputable_patient_year_by_patient_year(
    settings: SimulateSettings, folder: Path
) -> None:
    panel = simulate_panel(settings, settings.simulation.seed)
    truth = json.loads((folder / "truth.json").read_text())
    again = planted_effect(
        panel["period"] - panel["first_treated"],
        panel["white"],
        panel["fewer_conditions"],
        panel["imd_quintile"],
        truth["scale"],
    )
    np.testing.assert_allclose(again, panel["planted"], rtol=0, atol=1e-12)
    untreated = ~(panel["period"] >= panel["first_treated"]).fillna(False)
    assert (panel.loc[untreated, "planted"] == 0).all()


def test_planted_effect_has_the_published_directions(settings: SimulateSettings) -> None:
    terms = planted_truth(simulate_panel(settings, settings.simulation.seed))["terms"]
    assert terms["event[0]"] > terms["event[1]"] > terms["event[2]"] > terms["event[3]"]
    assert terms["trend"] < 0
    assert terms["difference[white=1-0]"] < 0  # greater for White patients
    assert terms["difference[fewer_conditions=1-0]"] < 0  # greater with fewer conditions
    assert terms["difference[imd_quintile=5-1]"] > 0  # greater in the most deprived


def test_a_constant_effect_is_weighted_to_itself(small: SimulateSettings) -> None:
    panel = simulate_panel(small, 5)
    seen = panel[panel["hba1c"].notna()].copy()
    seen["planted"] = np.where((seen["period"] >= seen["first_treated"]).fillna(False), -2.0, 0.0)
    assert weighted_by_twfe(seen) == pytest.approx(-2.0)


def test_weighted_effect_agrees_with_dummies_for_everybody(settings: SimulateSettings) -> None:
    tiny = settings.model_copy(
        update={"simulation": Simulation(eligible_programme=40, eligible_comparison=30)}
    )
    panel = simulate_panel(tiny, 6)
    seen = panel[panel["hba1c"].notna()]
    treated = (seen["period"] >= seen["first_treated"]).fillna(False).to_numpy(dtype=float)
    design = np.column_stack(
        [
            treated,
            pd.get_dummies(seen["patient_id"], dtype=float),
            pd.get_dummies(seen["period"], dtype=float),
        ]
    )
    full = np.linalg.lstsq(design, seen["planted"].to_numpy(dtype=float), rcond=None)[0][0]
    assert weighted_by_twfe(seen) == pytest.approx(full, abs=1e-9)


def test_placebo_outcome_does_not_move_with_the_effect(small: SimulateSettings) -> None:
    without = small.model_copy(
        update={"simulation": small.simulation.model_copy(update={"effect": 0.0})}
    )
    one, none = simulate_panel(small, 7), simulate_panel(without, 7)
    pd.testing.assert_series_equal(one["systolic_bp"], none["systolic_bp"])
    assert (none["planted"] == 0).all()
    assert one["hba1c"].sum() != none["hba1c"].sum()


def test_being_measured_does_not_hang_on_the_outcome(small: SimulateSettings) -> None:
    sicker = small.model_copy(
        update={"simulation": small.simulation.model_copy(update={"effect": 20.0})}
    )
    one, other = simulate_panel(small, 8), simulate_panel(sicker, 8)
    pd.testing.assert_series_equal(one["hba1c"].isna(), other["hba1c"].isna())


def test_people_move_arrive_leave_die_and_are_not_measured(settings: SimulateSettings) -> None:
    simulated = draw(settings, settings.simulation.seed, with_others=False)
    people, panel = simulated.people, panel_of(simulated)
    arm = simulated.practices["programme_start"].notna().to_numpy()
    moved = people[people["moved_to"] >= 0]
    assert (arm[moved["moved_to"]] != (moved["arm"] == 1)).sum() > 50
    assert people["death"].notna().sum() > 100
    assert (people["start"] > simulated.window[0]).sum() > 500
    years_seen = panel[panel["hba1c"].notna()].groupby("patient_id").size()
    assert 0.2 < (years_seen < 8).mean() < 0.95


def test_identifiers_are_ten_characters_and_stay_when_people_are_added() -> None:
    few, many = (identifiers(n, np.random.default_rng(1)) for n in (10, 5000))
    assert list(few) == list(many[:10])
    assert len(set(many)) == 5000
    assert all(len(each) == 10 and each[0].isalpha() and each[-1].isdigit() for each in many)


def test_practices_file_is_the_one_that_the_package_makes() -> None:
    written = PRACTICES.conform(
        read_table(CONFIG.parent / "ways-to-wellness" / "practices.csv", PRACTICES)
    )
    pd.testing.assert_frame_equal(written, demonstration_practices())


def test_monthly_periods_are_refused_in_words(tmp_path: Path) -> None:
    text = CONFIG.read_text().replace("period: financial_year", "period: month")
    text = text.replace("ways-to-wellness/", f"{CONFIG.parent}/ways-to-wellness/")
    study = tmp_path / "study.yaml"
    study.write_text(text)
    result = CliRunner().invoke(
        app, ["simulate", "--settings", str(study), "--out", str(tmp_path / "out")]
    )
    assert "yearly" in str(result.exception)


def test_a_study_that_simulates_nothing_is_refused_in_words(tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(re.sub(r"simulation: \{.*\}", "", CONFIG.read_text()))
    result = CliRunner().invoke(
        app, ["simulate", "--settings", str(study), "--out", str(tmp_path / "out")]
    )
    assert "no simulation section" in str(result.exception)


def test_practices_for_a_simulation_are_read_as_any_study_reads_them(tmp_path: Path) -> None:
    """A word for a date ends in the row that holds it."""
    study = yaml.safe_load(CONFIG.read_text())
    practices = (CONFIG.parent / study["practices"]).read_text()
    (tmp_path / "practices.csv").write_text(practices.replace("2015-04-01", "soon", 1))
    settings = settings_for(load_study(CONFIG), SimulateSettings)
    settings["practices"] = str(tmp_path / "practices.csv")
    result = CliRunner().invoke(
        app, ["simulate", "--settings", json.dumps(settings), "--out", str(tmp_path / "out")]
    )
    assert isinstance(result.exception, DataError)
    assert "row 2, column programme_start: found no date" in str(result.exception)
