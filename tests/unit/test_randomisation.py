"""Randomisation over practices against refits of every assignment."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import evalweave
from helpers.did_panels import panel


def refitted(frame, chosen):
    moved = frame.assign(first_treated=np.where(frame["practice_id"].isin(chosen), 2014.0, np.nan))
    found = evalweave.twfe(moved, outcome="y", inference=["cr1"], diagnostics=False).tidy().iloc[0]
    return found["estimate"], found["estimate"] / found["std_error"]


def test_all_assignments_equal_refits():
    frame = panel(seed=21, practices=6, treated=3)
    practices = sorted(frame["practice_id"].unique())
    every = [refitted(frame, chosen) for chosen in itertools.combinations(practices, 3)]
    estimate, t = refitted(frame, practices[:3])
    result = evalweave.twfe(frame, outcome="y", inference=["randomisation"], diagnostics=False)
    expected = np.mean([abs(other) >= abs(t) * (1 - 1e-9) for _, other in every])
    assert result.tidy()["p_value"][0] == pytest.approx(expected, abs=1e-12)
    said = result.diagnostics["twfe"]["inference"]["randomisation"]
    assert said["assignments"] == 20
    assert said["enumerated"]
    larger = np.mean([abs(other) >= abs(estimate) * (1 - 1e-9) for other, _ in every])
    assert said["p_value_of_estimate"]["att"] == pytest.approx(larger, abs=1e-12)


def test_interval_holds_shifts_that_the_test_accepts():
    frame = panel(seed=22, practices=8, treated=4)
    found = (
        evalweave.twfe(frame, outcome="y", inference=["randomisation"], diagnostics=False)
        .tidy()
        .iloc[0]
    )
    dose = (frame["period"] >= frame["first_treated"]).astype(float)
    width = found["ci_high"] - found["ci_low"]
    for end, inwards in ((found["ci_low"], 1), (found["ci_high"], -1)):
        for step, inside in ((inwards, True), (-inwards, False)):
            shifted = frame.assign(y=frame["y"] - (end + step * 1e-5 * width) * dose)
            p = evalweave.twfe(
                shifted, outcome="y", inference=["randomisation"], diagnostics=False
            ).tidy()["p_value"][0]
            assert bool(p > 0.05) is inside


def test_sampled_assignments_count_the_observed_one():
    frame = panel(seed=23, practices=14, treated=7)
    result = evalweave.twfe(
        frame, outcome="y", inference=["randomisation"], draws=99, diagnostics=False
    )
    p = result.tidy()["p_value"][0]
    assert p * 100 == pytest.approx(round(p * 100), abs=1e-9)
    assert p >= 0.01


def test_an_effect_beyond_every_draw_has_the_p_value_of_the_observed_assignment():
    frame = panel(seed=27, practices=14, treated=7, effect=-50.0)
    result = evalweave.twfe(
        frame, outcome="y", inference=["randomisation"], draws=99, diagnostics=False
    )
    assert result.tidy()["p_value"][0] == pytest.approx(1 / 100)
    details = result.diagnostics["twfe"]["inference"]["randomisation"]
    assert details["p_value_of_estimate"]["att"] == pytest.approx(1 / 100)


def test_all_assignments_are_taken_where_they_are_no_more_than_the_draws():
    frame = panel(seed=28, practices=9, treated=4)
    options = {"outcome": "y", "inference": ["randomisation"], "diagnostics": False}
    for draws, enumerated in ((126, True), (125, False)):
        result = evalweave.twfe(frame, draws=draws, **options)
        details = result.diagnostics["twfe"]["inference"]["randomisation"]
        assert details["enumerated"] is enumerated


def test_one_treated_practice_has_a_p_value_and_no_interval():
    frame = panel(seed=24, treated=1)
    result = evalweave.twfe(frame, outcome="y", inference=["randomisation"])
    found = result.tidy().iloc[0]
    assert found["p_value"] * 8 == pytest.approx(round(found["p_value"] * 8))
    assert np.isnan(found["ci_low"])
    assert (
        "one practice in an arm"
        in result.diagnostics["twfe"]["inference"]["randomisation"]["notes"][0]
    )


def test_staggered_start_dates_are_permuted_as_a_whole():
    frame = panel(seed=25, practices=5, treated=3, staggered=True)
    result = evalweave.twfe(frame, outcome="y", inference=["randomisation"], diagnostics=False)
    assert result.diagnostics["twfe"]["inference"]["randomisation"]["assignments"] == 60  # 5!/2!


def test_start_dates_that_vary_within_a_practice_are_refused():
    frame = panel(seed=26)
    frame.loc[frame["patient_id"] == frame["patient_id"].iloc[0], "first_treated"] = 2015
    with pytest.raises(evalweave.errors.DataError, match="within some practices"):
        evalweave.twfe(frame, outcome="y", inference=["randomisation"])
