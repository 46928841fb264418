"""`inference` left out: the method follows from the design, and rows name it. Hansen's V5 against
row-by-row regressions."""

from __future__ import annotations

import numpy as np
import pytest

import evalweave
from evalweave.catalogue.calls import applies
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.inferences import INFERENCES
from helpers.did_panels import absorbed, panel


def minimum_norm_changes(x, y, g):
    """Return b(-g) - b (G x P) by regressions of minimum norm without each practice's rows, and the
    map from outcomes to the first coefficient's changes (G x N)."""
    whole = np.linalg.pinv(x)
    changes, maps = [], []
    for practice in np.unique(g):
        rows = g != practice
        without = np.zeros_like(whole)
        without[:, rows] = np.linalg.pinv(x[rows], rcond=1e-9)
        changes.append((without - whole) @ y)
        maps.append((without - whole)[0])
    return np.array(changes), np.array(maps)


@pytest.mark.parametrize("treated", [1, 3])
def test_hansen_equals_regressions_of_minimum_norm(treated):
    frame = panel(seed=31, practices=8, treated=treated)
    x, y, g = absorbed(frame)
    changes, maps = minimum_norm_changes(x, y, g)
    row = evalweave.twfe(frame, outcome="y", inference=["hansen"]).rows[0]
    assert row["std_error"] == pytest.approx(np.sqrt((changes[:, 0] ** 2).sum()), rel=1e-9)
    covariance = maps @ maps.T
    satterthwaite = np.trace(covariance) ** 2 / (covariance**2).sum()
    assert row["dof"] == pytest.approx(satterthwaite, rel=1e-8)
    # never understated: its expectation under equal variances is at least the true variance
    assert np.trace(covariance) >= np.linalg.inv(x.T @ x)[0, 0] * (1 - 1e-12)


def test_hansen_is_cr3_where_no_practice_carries_the_term():
    frame = panel(seed=32)
    rows = evalweave.twfe(frame, outcome="y", inference=["hansen", "cr3"]).rows
    for key in ("std_error", "dof", "ci_low", "ci_high"):
        assert rows[0][key] == pytest.approx(rows[1][key], rel=1e-9)


def test_with_one_treated_practice_the_default_holds_zero_and_says_why():
    frame = panel(seed=33, practices=9, treated=1)
    frame.loc[frame["period"] >= frame["first_treated"], "y"] -= 50
    result = evalweave.twfe(frame, outcome="y")
    assert [row["inference"] for row in result.rows] == ["hansen"]
    assert result.rows[0]["ci_low"] < 0 < result.rows[0]["ci_high"]
    said = result.diagnostics["twfe"]["inference"]
    assert "without one of the 9 practices" in said["cr3"]["absent"]["att"]


def test_default_is_the_jackknife_type_error_of_the_estimator():
    frame = panel(seed=34)
    for name, method in (("twfe", "cr3"), ("callaway_santanna", "jackknife")):
        left_out = getattr(evalweave, name)(frame, outcome="y", diagnostics=False)
        named = getattr(evalweave, name)(frame, outcome="y", inference=[method], diagnostics=False)
        assert {row["inference"] for row in left_out.rows} == {method}
        assert left_out.rows == named.rows


def test_default_and_further_methods_give_each_row_once():
    frame = panel(seed=35)
    rows = evalweave.twfe(frame, outcome="y", inference=["auto", "cr1", "cr3"]).rows
    assert [row["inference"] for row in rows] == ["cr3", "cr1"]


def test_default_of_many_practices_is_cr1_where_each_costs_an_estimation(monkeypatch):
    from evalweave.inference import registry

    monkeypatch.setattr(registry, "MANY_REFITS", 5)
    rows = evalweave.callaway_santanna(panel(seed=36), outcome="y", diagnostics=False).rows
    assert {row["inference"] for row in rows} == {"cr1"}


def test_every_estimator_declares_a_default_that_applies_to_it():
    for estimator in ESTIMATORS.values():
        assert estimator.default_inference
        for name in estimator.default_inference:
            assert applies(INFERENCES[name], estimator)


def test_a_lost_cell_counts_as_nothing_in_an_average_by_re_estimation():
    frame = panel(seed=37, practices=10, treated=4)
    first = sorted(frame.loc[frame["first_treated"].notna(), "practice_id"].unique())[0]
    frame.loc[frame["practice_id"] == first, "first_treated"] += 1
    result = evalweave.callaway_santanna(frame, outcome="y", diagnostics=False)
    rows = {row["term"]: row for row in result.rows}
    assert rows["simple"]["inference"] == "hansen"
    fit = result.fits["callaway_santanna"]
    place, cells = fit.terms.index("simple"), fit.averages.shape[1]
    weights = fit.averages[place - cells]
    total = 0.0
    for practice in range(10):
        again = fit.refit(np.arange(10) != practice)
        if np.isnan(again[place]):
            known = np.nan_to_num(again[:cells], nan=0.0)
            total += float((known * weights).sum() - fit.theta[place]) ** 2
        else:
            total += float(again[place] - fit.theta[place]) ** 2
    assert rows["simple"]["std_error"] == pytest.approx(np.sqrt(total), rel=1e-10)
