"""The wild bootstrap against row-by-row regressions, and the inversion of its test."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import evalweave
from evalweave.inference.wild_bootstrap import wild_wald, wild_weights
from evalweave.study.analyses import AnalysisOptions
from helpers.did_panels import absorbed, panel


def cr1_t(x, y, g, null=0.0):
    bread = np.linalg.inv(x.T @ x)
    beta = bread @ x.T @ y
    residual = y - x @ beta
    scores = np.array([x[g == c].T @ residual[g == c] for c in np.unique(g)]) @ bread[0]
    return (beta[0] - null) / np.sqrt((scores**2).sum())


def brute_force(x, y, g, null=0.0, patterns=None, sampled=False):
    """Return the p-value of H0: first coefficient = null, refitting every bootstrap sample row by
    row; sampled draws count the observed statistic."""
    others, outcome = x[:, 1:], y - null * x[:, 0]
    gamma = np.linalg.lstsq(others, outcome, rcond=None)[0]
    fitted, residual = others @ gamma, outcome - others @ gamma
    observed = abs(cr1_t(x, outcome, g))
    reached = [
        abs(cr1_t(x, fitted + np.array(v)[g] * residual, g)) >= observed * (1 - 1e-10)
        for v in patterns
    ]
    return (1 + sum(reached)) / (1 + len(reached)) if sampled else float(np.mean(reached))


def options(**more):
    return AnalysisOptions.model_validate({"name": "a", "estimator": "twfe", **more})


def test_enumerated_rademacher_equals_brute_force():
    frame = panel(seed=11, practices=6, treated=3)
    x, y, g = absorbed(frame)
    patterns = list(itertools.product((-1.0, 1.0), repeat=6))
    result = evalweave.twfe(
        frame, outcome="y", inference=["wild_bootstrap"], bootstrap_weights="rademacher"
    )
    assert result.tidy()["p_value"][0] == pytest.approx(
        brute_force(x, y, g, 0.0, patterns), abs=1e-12
    )
    assert "all 64 Rademacher patterns" in result.tidy()["convention"][0]


def test_sampled_webb_draws_equal_brute_force_with_the_same_weights():
    frame = panel(seed=12)
    x, y, g = absorbed(frame)
    weights, probability, _ = wild_weights(8, options(draws=199, seed=5))
    assert set(np.round(np.unique(weights**2), 6)) == {0.5, 1.0, 1.5}
    result = evalweave.twfe(frame, outcome="y", inference=["wild_bootstrap"], draws=199, seed=5)
    assert result.tidy()["p_value"][0] == pytest.approx(
        brute_force(x, y, g, 0.0, weights, sampled=True), abs=1e-12
    )
    assert probability.sum() == pytest.approx(1 - 1 / 200)


def test_a_statistic_beyond_every_draw_has_the_p_value_of_the_observed_one():
    frame = panel(seed=17, practices=14, treated=7, effect=-50.0)
    given = {"outcome": "y", "inference": ["wild_bootstrap"], "draws": 99, "diagnostics": False}
    assert evalweave.twfe(frame, **given).tidy()["p_value"][0] == pytest.approx(1 / 100)


def test_interval_holds_the_hypotheses_that_the_same_test_accepts():
    frame = panel(seed=13, practices=10, treated=5)
    x, y, g = absorbed(frame)
    weights, _, _ = wild_weights(10, options(draws=399, seed=2))
    found = (
        evalweave.twfe(frame, outcome="y", inference=["wild_bootstrap"], draws=399, seed=2)
        .tidy()
        .iloc[0]
    )
    width = found["ci_high"] - found["ci_low"]
    for end, inwards in ((found["ci_low"], 1), (found["ci_high"], -1)):
        assert brute_force(x, y, g, end + inwards * 1e-6 * width, weights, True) > 0.05
        assert brute_force(x, y, g, end - inwards * 1e-6 * width, weights, True) <= 0.05 + 1e-9


def test_too_few_practices_give_an_unbounded_interval_that_says_so():
    frame = panel(seed=14, practices=4, treated=2)
    result = evalweave.twfe(
        frame, outcome="y", inference=["wild_bootstrap"], bootstrap_weights="rademacher"
    )
    found = result.tidy().iloc[0]
    assert np.isneginf(found["ci_low"])
    assert np.isposinf(found["ci_high"])
    assert "unbounded" in result.diagnostics["twfe"]["inference"]["wild_bootstrap"]["notes"][0]


def test_default_weights_are_webb_below_twelve_practices():
    assert "Webb" in wild_weights(11, options())[2]
    assert "Rademacher" in wild_weights(12, options())[2]
    weights, probability, words = wild_weights(4, options(bootstrap_weights="mammen"))
    assert words == "all 16 Mammen patterns"
    assert probability @ weights == pytest.approx(np.zeros(4), abs=1e-12)
    assert probability @ weights**2 == pytest.approx(np.ones(4))


@pytest.mark.parametrize("practices", [8, 6])  # of 6, all signs are tried: the draws have ties
def test_wald_of_one_restriction_is_the_two_sided_test(practices):
    frame = panel(seed=15, practices=practices)
    chosen = {"draws": 499, "bootstrap_weights": "rademacher" if practices == 6 else "auto"}
    result = evalweave.twfe(
        frame, outcome="y", inference=["wild_bootstrap"], diagnostics=False, **chosen
    )
    fit = result.fits["twfe"]
    contrast = np.eye(1, len(fit.least_squares.columns))
    found = wild_wald(fit, contrast, options(**chosen))
    assert found["p_value"] == pytest.approx(result.tidy()["p_value"][0], abs=1e-12)


def test_wald_of_two_restrictions_equals_brute_force():
    frame = panel(seed=16)
    result = evalweave.event_study(frame, outcome="y", diagnostics=False)
    fit = result.fits["event_study"]
    x, y, g = _event_columns(frame)
    leads = [0, 1]
    weights, _, _ = wild_weights(8, options(draws=199))
    assert wild_wald(fit, np.eye(len(fit.least_squares.columns))[leads], options(draws=199))[
        "p_value"
    ] == pytest.approx(_brute_wald(x, y, g, leads, weights), abs=1e-12)


def _event_columns(frame):
    import pandas as pd

    event = (frame["period"] - frame["first_treated"]).to_numpy()
    events = [e for e in sorted(set(event[~np.isnan(event)])) if e != -1]
    columns = [(event == e).astype(float) for e in events]
    columns += [
        (frame["period"] == p).to_numpy(float) for p in sorted(frame["period"].unique())[1:]
    ]
    table = pd.DataFrame(np.column_stack([*columns, frame["y"]]))
    table -= table.groupby(frame["patient_id"].to_numpy()).transform("mean")
    values = table.to_numpy()
    return values[:, :-1], values[:, -1], pd.factorize(frame["practice_id"], sort=True)[0]


def _brute_wald(x, y, g, tested, weights):
    def wald(outcome):
        bread = np.linalg.inv(x.T @ x)
        beta = bread @ x.T @ outcome
        residual = outcome - x @ beta
        scores = np.array([x[g == c].T @ residual[g == c] for c in np.unique(g)]) @ bread[:, tested]
        return beta[tested] @ np.linalg.solve(scores.T @ scores, beta[tested])

    others = np.delete(x, tested, axis=1)
    fitted = others @ np.linalg.lstsq(others, y, rcond=None)[0]
    observed = wald(y)
    reached = [wald(fitted + v[g] * (y - fitted)) >= observed * (1 - 1e-10) for v in weights]
    return (1 + sum(reached)) / (1 + len(weights))


def jackknife_based(x, y, g, null, patterns, sampled):
    """Return the WCR-S p-value row by row: each practice's restricted residuals times
    (I - H_gg)^-1, H the hat matrix of the restricted model, are what the weights turn."""
    others, outcome = x[:, 1:], y - null * x[:, 0]
    gamma = np.linalg.lstsq(others, outcome, rcond=None)[0]
    fitted, residual = others @ gamma, outcome - others @ gamma
    bread = np.linalg.inv(others.T @ others)
    modified = np.empty_like(residual)
    for practice in np.unique(g):
        own = others[g == practice]
        left = np.eye(len(own)) - own @ bread @ own.T
        modified[g == practice] = np.linalg.solve(left, residual[g == practice])
    observed = abs(cr1_t(x, outcome, g))
    reached = [
        abs(cr1_t(x, fitted + np.array(v)[g] * modified, g)) >= observed * (1 - 1e-10)
        for v in patterns
    ]
    return (1 + sum(reached)) / (1 + len(reached)) if sampled else float(np.mean(reached))


def test_jackknife_based_scores_equal_brute_force():
    frame = panel(seed=21, practices=7, treated=3)
    x, y, g = absorbed(frame)
    patterns = list(itertools.product((-1.0, 1.0), repeat=7))
    result = evalweave.twfe(
        frame,
        outcome="y",
        inference=["wild_bootstrap_s", "wild_bootstrap"],
        bootstrap_weights="rademacher",
    ).tidy()
    expected = jackknife_based(x, y, g, 0.0, patterns, sampled=False)
    assert result["p_value"][0] == pytest.approx(expected, abs=1e-12)
    assert result["p_value"][0] != result["p_value"][1]


def test_jackknife_based_interval_holds_what_its_test_accepts():
    frame = panel(seed=22, practices=10, treated=4)
    x, y, g = absorbed(frame)
    weights, _, _ = wild_weights(10, options(draws=399, seed=2))
    row = evalweave.twfe(
        frame, outcome="y", inference=["wild_bootstrap_s"], draws=399, seed=2
    ).rows[0]
    width = row["ci_high"] - row["ci_low"]
    for end, inwards in ((row["ci_low"], 1), (row["ci_high"], -1)):
        inside, outside = end + inwards * 1e-6 * width, end - inwards * 1e-6 * width
        assert jackknife_based(x, y, g, inside, weights, True) > 0.05
        assert jackknife_based(x, y, g, outside, weights, True) <= 0.05 + 1e-9


@pytest.mark.parametrize("method", ["wild_bootstrap", "wild_bootstrap_s", "multiplier_bootstrap"])
def test_a_sampled_bootstrap_never_prints_zero(method):
    frame = panel(seed=23, practices=20, treated=10)
    frame.loc[frame["period"] >= frame["first_treated"], "y"] += 1000
    row = evalweave.twfe(frame, outcome="y", inference=[method], draws=199).rows[0]
    assert row["p_value"] == pytest.approx(1 / 200)
