"""Event studies: terms, bins, reference, summaries, leads, pre-trend tests."""

from __future__ import annotations

import numpy as np
import pytest

import evalweave
from evalweave.diagnostics.pretrend import slope_weights
from evalweave.errors import DataError, StudyError
from helpers.did_panels import panel


def study(frame, **more):
    return evalweave.event_study(frame, outcome="y", **more)


def test_summaries_are_mean_and_slope_of_the_effects_after_the_start():
    found = study(panel(seed=51, staggered=True)).tidy().set_index("term")["estimate"]
    after = [e for e in range(6) if f"event[{e}]" in found]
    values = [found[f"event[{e}]"] for e in after]
    assert found["event[overall]"] == pytest.approx(np.mean(values), rel=1e-10)
    assert found["trend"] == pytest.approx(np.polyfit(after, values, 1)[0], rel=1e-8)


def test_saturated_single_start_is_a_difference_of_means_on_a_balanced_panel():
    frame = panel(seed=52, seen=1.1)
    found = study(frame).tidy().set_index("term")["estimate"]
    wide = frame.pivot_table(index=frame["first_treated"].notna(), columns="period", values="y")
    for event, period in ((-3, 2011), (0, 2014), (2, 2016)):
        gap = (wide[period] - wide[2013]).diff().iloc[-1]
        assert found[f"event[{event}]"] == pytest.approx(gap, rel=1e-9)


def test_bins_pool_far_event_times():
    result = study(panel(seed=53), bins=[-2, 1])
    assert set(result.tidy()["term"]) == {
        "event[-2]",
        "event[0]",
        "event[1]",
        "event[overall]",
        "trend",
    }
    assert "binned at -2 and 1" in result.tidy()["convention"][0]


def test_other_reference_and_a_reference_nobody_was_seen_at():
    assert "event[-1]" in set(study(panel(seed=54), reference=-2).tidy()["term"])
    with pytest.raises(StudyError, match="no treated patient was observed at the reference -5"):
        study(panel(seed=54), reference=-5)


def test_without_never_treated_nothing_is_identified_and_the_reason_is_printed():
    frame = panel(seed=55, treated=8, staggered=True)
    with pytest.raises(DataError, match="No term has an estimate"):
        study(frame)
    binned = study(frame, bins=[-2, 1]).tidy()
    assert len(binned)


def test_pretrend_refuses_a_joint_test_of_too_many_leads():
    said = study(panel(seed=56)).diagnostics["event_study"]["pretrend"]
    assert said["leads"] == [-3, -2]
    assert "p_value" in said["wild_wald"]
    few = study(panel(seed=56, practices=6, treated=3)).diagnostics["event_study"]["pretrend"]
    assert "more than a third of 5" in few["wild_wald"]["refused"]
    assert few["joint_f"]["dof"] == 5


def test_slope_through_leads_is_the_least_squares_line_with_the_reference_at_zero():
    leads, values = [-4, -3, -2], np.array([0.3, -0.1, 0.2])
    expected = np.polyfit([*leads, -1], [*values, 0.0], 1)[0]
    assert slope_weights(leads, -1) @ values == pytest.approx(expected)


def test_a_steep_pretrend_is_found_and_its_detectable_slope_is_smaller():
    frame = panel(seed=57, practices=16, treated=8, units=320)
    # Both the joint test and the slope see a drift of three standard deviations of a practice's
    # shock a period.
    frame["y"] += 3 * (frame["period"] - 2011) * frame["first_treated"].notna()
    said = study(frame).diagnostics["event_study"]["pretrend"]
    assert said["slope"]["estimate"] == pytest.approx(3, abs=1)
    assert said["slope"]["p_value_wild"] < 0.05
    assert said["verdict"].startswith("The leads differ from zero")
    power = said["detectable_slope"]
    assert 0 < power["power_50"] < power["power_80"] < 3


def test_leave_one_out_equals_refits():
    frame = panel(seed=58)
    entry = evalweave.twfe(frame, outcome="y").diagnostics["twfe"]["leave_one_out"]["att"]
    refits = sorted(
        evalweave.twfe(frame[frame["practice_id"] != g], outcome="y", diagnostics=False).tidy()[
            "estimate"
        ][0]
        for g in frame["practice_id"].unique()
    )
    assert entry["values"] == pytest.approx(refits, rel=1e-9)


def test_leave_one_out_of_other_estimators_is_what_their_jackknife_estimated_again():
    frame = panel(seed=58, units=40)
    asked = {"outcome": "y", "inference": ["jackknife"], "aggregate": ["simple"]}
    result = evalweave.callaway_santanna(frame, **asked)
    entry = result.diagnostics["callaway_santanna"]["leave_one_out"]["simple"]
    refits = sorted(
        evalweave.callaway_santanna(
            frame[frame["practice_id"] != g], outcome="y", inference=["cr1"], diagnostics=False
        )
        .tidy()
        .set_index("term")
        .loc["simple", "estimate"]
        for g in frame["practice_id"].unique()
    )
    assert entry["values"] == pytest.approx(refits, rel=1e-9)
    by_formula = evalweave.callaway_santanna(frame, **asked | {"inference": ["cr1"]})
    assert "leave_one_out" not in by_formula.diagnostics["callaway_santanna"]


def test_leave_one_out_says_where_a_practice_decides_the_sign():
    changes = set()
    for seed in (63, 64, 65):
        result = evalweave.twfe(panel(seed=seed, effect=0.0), outcome="y")
        entry = result.diagnostics["twfe"]["leave_one_out"]["att"]
        values = np.array(entry["values"])
        assert entry["low"] == values.min() and entry["high"] == values.max()
        other_sign = (np.sign(values) != np.sign(result.tidy()["estimate"][0])).any()
        assert entry["changes_sign"] is bool(other_sign)
        changes.add(entry["changes_sign"])
    assert changes == {True, False}  # the seeds see to it


def test_placebo_dates_of_several_starts_end_before_each_patients_own():
    frame = panel(seed=62, staggered=True)
    result = evalweave.twfe(frame, outcome="y").diagnostics["twfe"]["placebo_dates"]["dates"]
    before = ~(frame["period"] >= frame["first_treated"])
    moved = frame[before].assign(first_treated=frame["first_treated"] - 1)
    expected = (
        evalweave.twfe(moved, outcome="y", inference=["cr2"], diagnostics=False).tidy().iloc[0]
    )
    assert result[0]["estimate"] == pytest.approx(expected["estimate"], rel=1e-10)
    assert result[0]["std_error"] == pytest.approx(expected["std_error"], rel=1e-10)


def test_placebo_dates_use_only_the_time_before():
    frame = panel(seed=59)
    result = evalweave.twfe(frame, outcome="y").diagnostics["twfe"]["placebo_dates"]["dates"]
    assert [entry["shift"] for entry in result] == [1, 2]
    before = frame[frame["period"] < 2014].assign(first_treated=frame["first_treated"] - 1)
    expected = (
        evalweave.twfe(before, outcome="y", inference=["cr2"], diagnostics=False).tidy().iloc[0]
    )
    assert result[0]["estimate"] == pytest.approx(expected["estimate"], rel=1e-10)
    assert result[0]["std_error"] == pytest.approx(expected["std_error"], rel=1e-10)


def test_minimum_detectable_effect_is_the_quantiles_times_the_error():
    from scipy.stats import t

    result = evalweave.twfe(panel(seed=60), outcome="y", inference=["cr2"])
    found = result.tidy().iloc[0]
    expected = (t.ppf(0.975, found["dof"]) + t.ppf(0.8, found["dof"])) * found["std_error"]
    assert result.diagnostics["twfe"]["minimum_detectable_effect"]["effects"][
        "att"
    ] == pytest.approx(expected)


def test_measurement_did_and_contributing_patients():
    from evalweave.measured import measured_did
    from evalweave.study.analyses import Columns

    full = panel(seed=61, seen=1.1)
    full["measured"] = (np.random.default_rng(1).random(len(full)) < 0.7).astype(int)
    table = measured_did(full, Columns(outcome="y"), "measured").tidy()
    assert table["outcome"][0] == "measured"
    assert abs(table["estimate"][0]) < 0.5
    seen = evalweave.twfe(full[full["measured"] == 1], outcome="y").diagnostics["twfe"][
        "contributing"
    ]
    assert seen["programme"]["seen_before_and_after"] <= seen["programme"]["patients"]
    with pytest.raises(DataError, match="expected 1 \\(measured\\)"):
        measured_did(full.assign(measured=2), Columns(outcome="y"), "measured")
