"""Placebo dates as one test, and what equivalence tests could declare."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

import evalweave
from evalweave.diagnostics.equivalence import smallest_margins
from helpers.did_panels import panel


def dates(frame, **options):
    return evalweave.twfe(frame, outcome="y", **options).diagnostics["twfe"]["placebo_dates"]


def test_the_joint_p_value_is_the_maximum_over_all_sign_patterns_written_out():
    """Least squares on dummies, residuals without any placebo effect, all 64 sign patterns."""
    frame = panel(seed=401, units=36, practices=6, treated=3, periods=8)
    result = dates(frame, bootstrap_weights="rademacher", draws=99)
    before = frame[frame["period"] < 2014].reset_index(drop=True)
    practice = before["practice_id"].to_numpy()

    def dummies(name):
        values = sorted(before[name].unique())
        return np.column_stack([(before[name] == v).to_numpy(float) for v in values])

    base = np.column_stack((dummies("patient_id"), dummies("period")[:, 1:]))
    project = base @ np.linalg.pinv(base)
    placebo = [
        (before["period"] >= before["first_treated"] - shift).to_numpy(float) for shift in (1, 2)
    ]

    def t(y, d):
        d = d - project @ d
        theta = d @ y / (d @ d)
        residual = y - project @ y - theta * d
        score = [d[practice == g] @ residual[practice == g] for g in np.unique(practice)]
        return abs(theta) * (d @ d) / np.sqrt(np.sum(np.square(score)))

    y = before["y"].to_numpy()
    observed = max(t(y, d) for d in placebo)
    fitted = project @ y
    names = np.unique(practice)
    reached = []
    for signs in itertools.product((-1.0, 1.0), repeat=6):
        again = fitted + np.array(signs)[np.searchsorted(names, practice)] * (y - fitted)
        reached.append(max(t(again, d) for d in placebo) >= observed * (1 - 1e-9))
    assert result["joint"]["tests"] == 2
    assert result["joint"]["statistic"] == pytest.approx(observed, rel=1e-8)
    assert result["joint"]["p_value"] == pytest.approx(np.mean(reached), abs=1e-12)


def test_a_sampled_joint_test_never_gives_zero():
    frame = panel(seed=402, units=240, practices=16, treated=8, periods=8)
    jump = (frame["period"] >= 2012) & frame["first_treated"].notna()
    moved = frame.assign(y=frame["y"] + 50.0 * jump)
    assert dates(moved, draws=99)["joint"]["p_value"] == pytest.approx(1 / 100)


def test_where_no_date_can_be_tried_the_joint_test_says_why():
    frame = panel(seed=403)
    late = frame[frame["period"] >= 2013]
    found = dates(late)
    assert "two periods before" in found["joint"]["refused"]


def test_the_smallest_margin_is_where_both_one_sided_tests_reject():
    estimate, error, dof = np.array([0.4, -1.1]), np.array([0.3, 0.2]), np.array([7.0, 15.0])
    margins = smallest_margins(estimate, error, dof)
    for theta, se, nu, margin in zip(estimate, error, dof, margins, strict=True):
        for m, declared in ((margin * 1.001, True), (margin * 0.999, False)):
            above = stats.t.sf((theta + m) / se, nu)  # H0: theta <= -m
            below = stats.t.cdf((theta - m) / se, nu)  # H0: theta >= m
            assert (max(above, below) < 0.05) == declared


def test_margins_stand_beside_every_term_and_the_dates():
    result = evalweave.twfe(panel(seed=404), outcome="y", inference=["cr2"])
    row = result.tidy().iloc[0]
    expected = abs(row["estimate"]) + stats.t.ppf(0.95, row["dof"]) * row["std_error"]
    found = result.diagnostics["twfe"]
    assert found["equivalence"]["margins"]["att"] == pytest.approx(expected, rel=1e-9)
    own = [date["margin"] for date in found["placebo_dates"]["dates"]]
    assert found["placebo_dates"]["joint"]["margin"] == max(own)


def test_leads_are_declared_together_and_a_drift_in_the_effect():
    frame = panel(seed=405, units=160, practices=16, treated=8)
    result = evalweave.event_study(frame, outcome="y", inference=["cr2"])
    found = result.diagnostics["event_study"]["pretrend"]
    rows = result.tidy().set_index("term").loc[["event[-3]", "event[-2]"]]
    each = rows["estimate"].abs() + stats.t.ppf(0.95, rows["dof"]) * rows["std_error"]
    assert found["equivalence"]["leads"] == pytest.approx(each.max(), rel=1e-9)
    slope = found["slope"]
    drift = abs(slope["estimate"]) + stats.t.ppf(0.95, slope["dof"]) * slope["std_error"]
    assert found["equivalence"]["slope"] == pytest.approx(drift, rel=1e-9)
    # events 0, 1 and 2 lie 2 periods from the reference on average
    assert found["equivalence"]["effect"] == pytest.approx(2 * drift, rel=1e-9)
    assert f"{slope['detectable_80']:.3g} a period with 80 % probability" in found["verdict"]
    assert "not the test of the verdict" in found["detectable_slope"]["test"]
