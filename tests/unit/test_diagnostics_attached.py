"""Which diagnostics are attached to which fit, and power, bounds and weights where the answer is
known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import evalweave
from evalweave.diagnostics.bounds import bacon, honest_bounds
from evalweave.diagnostics.pretrend import detectable_slopes
from evalweave.estimators.panel_data import panel_data
from evalweave.study.analyses import AnalysisOptions, Columns
from helpers.did_panels import panel


def said(name, frame, **more):
    return getattr(evalweave, name)(frame, outcome="y", **more).diagnostics[name]


def test_power_of_one_lead_is_that_of_a_normal_test():
    # P(|N(slope x 1 / se, 1)| > 1.96): a half at 1.96, 80 % at 1.96 + 0.84; 5 % without a
    # violation.
    found = detectable_slopes([-2], -1, np.array([[4.0]]), seed=3)
    assert found["power_50"] == pytest.approx(2 * 1.96, abs=0.06)
    assert found["power_80"] == pytest.approx(2 * 2.80, abs=0.06)
    assert found["false_alarm"] == pytest.approx(0.05, abs=0.005)


def test_bacon_weights_sum_to_one_and_give_back_the_twfe_estimate():
    frame = panel(seed=201, staggered=True, seen=1.1)
    result = evalweave.twfe(frame, outcome="y")
    rows = result.diagnostics["twfe"]["goodman_bacon"]["comparisons"]
    assert sum(row["weight"] for row in rows) == pytest.approx(1)
    total = sum(row["weight"] * row["estimate"] for row in rows)
    assert total == pytest.approx(result.tidy()["estimate"][0], rel=1e-8)
    assert "refused" in said("twfe", panel(seed=201))["goodman_bacon"]


def test_bounds_are_attached_only_where_they_are_valid():
    one, many = panel(seed=202, units=120), panel(seed=202, units=120, staggered=True)
    bounds = said("event_study", one)["honest_did"]
    assert {row["kind"] for row in bounds["cr3"]} == {"relative", "smoothness"}
    assert (bounds["leads"], bounds["lags"]) == (2, 3)
    by_m = [row["ci_high"] - row["ci_low"] for row in bounds["cr1"] if row["kind"] == "relative"][
        :5
    ]
    assert by_m == sorted(by_m)
    assert "several starts" in said("event_study", many)["honest_did"]["refused"]
    assert "binned" in said("event_study", one, bins=[-2, 1])["honest_did"]["refused"]
    assert "base: universal" in said("callaway_santanna", many)["honest_did"]["refused"]
    enough = panel(seed=202, units=240, practices=20, treated=10, staggered=True)
    assert "cr1" in said("callaway_santanna", enough, base="universal")["honest_did"]
    assert "pretrend" not in said("callaway_santanna", many)


def test_bounds_need_event_times_without_a_gap():
    frame = panel(seed=207, units=120)
    gap = frame[frame["period"] != 2012]
    result = evalweave.event_study(gap, outcome="y", diagnostics=False)
    analysis = AnalysisOptions(name="e", estimator="event_study")
    refused = honest_bounds(result.fits["event_study"], analysis)["refused"]
    assert "without a gap" in refused


def test_a_decomposition_is_of_a_model_without_covariates():
    frame = panel(seed=208, staggered=True)
    plain = AnalysisOptions(name="t", estimator="twfe")
    table = panel_data(frame, Columns(outcome="y"), plain)
    assert "comparisons" in bacon(table, plain)
    adjusted = AnalysisOptions(name="t", estimator="twfe", covariates=["x"])
    assert "without covariates" in bacon(table, adjusted)["refused"]


def test_subgroup_test_is_joint_over_levels_and_refused_for_too_many():
    frame = panel(seed=203, units=200)
    assert 0 <= said("twfe", frame, subgroup="white")["subgroup_test"]["p_value"] <= 1
    third = panel(seed=203, units=200, practices=10, treated=5)  # three differences, ten less one
    third["imd"] = third["patient_id"].str[1:].astype(int) % 4
    assert "p_value" in said("twfe", third, subgroup="imd")["subgroup_test"]
    level = np.random.default_rng(1).integers(0, 4, 200)
    frame["imd"] = level[frame["patient_id"].str[1:].astype(int)]
    found = said("twfe", frame, subgroup="imd")["subgroup_test"]
    assert "more than a third of 7" in found["refused"]


def test_what_the_design_cannot_support_is_warned_of():
    few = said("twfe", panel(seed=204, treated=2))
    assert few["design"]["terms"]["att"]["dof"] < 4
    assert "degrees of freedom" in few["trust"]
    many = panel(seed=204, units=480, practices=24, treated=12)
    assert said("twfe", many)["trust"] == ""
    assert "cr1 takes no account" in said("twfe", many, inference=["cr1"])["trust"]
    alone = panel(seed=204, treated=7)
    assert "One comparison practice" in said("callaway_santanna", alone)["trust"]


def test_simultaneous_bands_are_wider_than_pointwise_and_equal_for_a_single_term():
    frame = panel(seed=205)
    point = evalweave.event_study(frame, outcome="y", diagnostics=False).tidy().set_index("term")
    band = (
        evalweave.event_study(frame, outcome="y", bands="simultaneous", diagnostics=False)
        .tidy()
        .set_index("term")
    )
    width = (band["ci_high"] - band["ci_low"]) / (point["ci_high"] - point["ci_low"])
    assert (width >= 1 - 1e-12).all()
    assert width["event[0]"] > 1.05
    assert (band["std_error"] == point["std_error"]).all()
    assert "sup-t" in band["convention"].iloc[0]


def test_diagnostics_can_be_left_out():
    assert "minimum_detectable_effect" not in said("twfe", panel(seed=206), diagnostics=False)


@pytest.mark.parametrize(
    ("estimator", "treated", "inference", "method"),
    [
        ("twfe", 4, ["auto"], "cr3"),
        ("twfe", 4, ["cr1", "cr2"], "cr1"),
        ("twfe", 4, ["randomisation", "cr3"], "cr3"),
        ("callaway_santanna", 4, ["auto"], "jackknife"),
        ("synthetic_did", 1, ["auto"], "placebo"),
        ("twfe", 1, ["auto"], "hansen"),
    ],
)
def test_margins_take_the_error_that_is_printed(estimator, treated, inference, method):
    frame = panel(seed=207, treated=treated, seen=1.1)
    found = getattr(evalweave, estimator)(frame, outcome="y", inference=inference)
    term = "simple" if estimator == "callaway_santanna" else "att"
    rows = found.tidy().query("term == @term and std_error.notna()")
    row = rows.iloc[0]
    dof = row["dof"] if row["dof"] == row["dof"] else np.inf
    entry = found.diagnostics[estimator]
    smallest = abs(row["estimate"]) + stats.t.ppf(0.95, dof) * row["std_error"]
    detectable = (stats.t.ppf(0.975, dof) + stats.t.ppf(0.8, dof)) * row["std_error"]
    assert row["inference"] == method
    assert entry["equivalence"]["inference"].startswith(method)
    assert entry["equivalence"]["margins"][term] == pytest.approx(smallest)
    assert entry["minimum_detectable_effect"]["effects"][term] == pytest.approx(detectable)


def test_what_is_said_of_one_treated_practice_fits_the_method():
    frame = panel(seed=207, treated=1, seen=1.1)
    entry = evalweave.twfe(frame, outcome="y").diagnostics["twfe"]
    assert "too narrow" not in entry["trust"]
    assert "holds zero whatever the data are" in entry["trust"]
    dof = evalweave.twfe(frame, outcome="y").tidy()["dof"].iloc[0]
    assert entry["design"]["terms"]["att"]["dof"] is None
    assert f"by hansen has {dof:.1f} degrees of freedom" in entry["design"]["sentence"]
    entry = evalweave.twfe(frame, outcome="y", inference=["cr1"]).diagnostics["twfe"]
    assert "Clustered intervals (cr1) are far too narrow" in entry["trust"]
    assert "no degrees of freedom describe its error" in entry["design"]["sentence"]
