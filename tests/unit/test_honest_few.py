"""HonestDiD for few practices: errors, critical values, the user's M and the breakdown value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

import evalweave
from evalweave.diagnostics.bounds import honest_bounds
from evalweave.diagnostics.honest_did import breakdown_value, honest_did
from evalweave.diagnostics.honest_flci import folded_quantile
from evalweave.diagnostics.honest_moments import Moments, least_favourable, truncated_quantile
from evalweave.errors import StudyError
from evalweave.study.analyses import AnalysisOptions
from helpers.did_panels import panel

PANEL = panel(seed=301, units=240, practices=16, treated=8, effect=-6.0)


def asked(**more) -> AnalysisOptions:
    return AnalysisOptions(name="e", estimator="event_study", **more)


@pytest.fixture(scope="module")
def fitted():
    result = evalweave.event_study(PANEL, outcome="y", diagnostics=False, inference=["cr3"])
    return result.fits["event_study"], result.tidy().set_index("term")


def table(bounds: dict, method: str) -> pd.DataFrame:
    return pd.DataFrame(bounds[method]).set_index(["kind", "target", "M"]).sort_index()


def test_least_squares_takes_cr3_and_t(fitted):
    fit, rows = fitted
    bounds = honest_bounds(fit, asked())
    events = [f"event[{e}]" for e in (-3, -2, 0, 1, 2)]
    dof = rows.loc[events, "dof"].min()
    assert bounds["dof"] == {"cr1": None, "cr3": pytest.approx(dof)}
    first = next(r for r in bounds["cr3"] if r["method"] == "original" and r["target"] == "first")
    half = student.ppf(0.975, dof) * rows.loc["event[0]", "std_error"]
    middle = rows.loc["event[0]", "estimate"]
    assert (first["ci_low"], first["ci_high"]) == pytest.approx((middle - half, middle + half))
    assert f"t with {dof:.1f} degrees of freedom" in bounds["caveat"]
    wide, narrow = (table(bounds, name) for name in ("cr3", "cr1"))
    relative = wide.loc["relative"].index[wide.loc["relative"].index.get_level_values("M") > 0]
    for place in relative:
        assert wide.loc[("relative", *place), "ci_low"] < narrow.loc[("relative", *place), "ci_low"]


def test_influence_based_estimators_take_the_jackknife():
    frame = panel(seed=302, units=240, practices=20, treated=10, staggered=True)
    result = evalweave.callaway_santanna(
        frame, outcome="y", base="universal", inference=["jackknife"], aggregate=["dynamic"]
    )
    bounds = result.diagnostics["callaway_santanna"]["honest_did"]
    assert bounds["dof"]["jackknife"] == 19
    first = next(r for r in bounds["jackknife"] if r["target"] == "first")
    row = result.tidy().set_index("term").loc["event[0]"]
    assert (first["ci_low"], first["ci_high"]) == pytest.approx((row["ci_low"], row["ci_high"]))


def test_the_user_chooses_m(fitted):
    bounds = honest_bounds(fitted[0], asked(honest_relative=[0.3, 0.7], honest_smoothness=[0.2]))
    for method in ("cr1", "cr3"):
        found = pd.DataFrame(bounds[method]).dropna(subset="M").groupby("kind")["M"].unique()
        assert list(found["relative"]) == [0.3, 0.7] and list(found["smoothness"]) == [0.2]
    with pytest.raises(StudyError, match="honest_relative"):
        evalweave.event_study(PANEL, outcome="y", honest_relative=[-1.0])
    spec = {"name": "a", "estimator": "twfe", "honest_relative": [1.0]}
    with pytest.raises(StudyError, match="twfe takes no honest_relative"):
        evalweave.fit(PANEL, {"columns": {"outcome": "y"}, "analyses": [spec]})


def test_the_breakdown_value_does_not_depend_on_the_m_that_was_asked(fitted):
    fit = fitted[0]
    default = honest_bounds(fit, asked())["breakdown"]["cr3"]
    other = honest_bounds(fit, asked(honest_relative=[0.01, 3.0]))["breakdown"]["cr3"]
    assert default["relative"]["first"] == pytest.approx(other["relative"]["first"], abs=0.011)
    for row in honest_bounds(fit, asked())["cr3"]:
        value = default[row["kind"]][row["target"]]
        if row["M"] == row["M"] and value is not None:
            assert (row["ci_low"] <= 0 <= row["ci_high"]) == (row["M"] >= value)
    theta, sigma = np.array([0.1, -0.1, -3.0]), 0.01 * np.eye(3)
    alone = breakdown_value(theta, sigma, 2, 1, dof=9.0)
    rows = honest_did(theta, sigma, 2, 1, grid=[alone, alone - 0.02], dof=9.0).iloc[1:]
    inside = (rows["ci_low"] <= 0) & (rows["ci_high"] >= 0)
    assert inside.tolist() == [True, False]


@pytest.mark.parametrize(("low", "high"), [(-1, 2), (3, 4), (-np.inf, 1), (-40, -8), (2, np.inf)])
def test_quantiles_of_a_truncated_t(low, high):
    law = student(6)
    for p in (0.05, 0.5, 0.95):
        expected = law.ppf(law.cdf(low) + p * (law.cdf(high) - law.cdf(low)))
        found = truncated_quantile(p, low, high, 6.0)
        assert found == pytest.approx(expected, rel=1e-6)
        assert truncated_quantile(p, low, high, 1e9) == pytest.approx(
            truncated_quantile(p, low, high), rel=1e-5
        )


@pytest.mark.parametrize("bias", [0, 0.3, 2, 40])
@pytest.mark.parametrize("dof", [2.5, 12.0])
def test_quantiles_of_a_folded_t(bias, dof):
    c = folded_quantile(bias, 0.05, dof)
    assert student.cdf(c - bias, dof) - student.cdf(-c - bias, dof) == pytest.approx(0.95, abs=1e-9)
    assert c > folded_quantile(bias, 0.05)


def test_the_least_favourable_value_of_one_moment_is_that_of_t():
    one = Moments(np.zeros(1), np.zeros(1), np.eye(1), np.eye(1))
    for dof in (4.0, 15.0):
        assert least_favourable(one, 0.05, dof) == pytest.approx(student.ppf(0.95, dof), rel=0.05)
