"""The tests of leads: which counts, which is refused, and what the verdict says of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import evalweave
from evalweave.diagnostics.pretrend import leads_of, pretrend
from evalweave.study.analyses import AnalysisOptions
from helpers.did_panels import panel


def study(frame, **options):
    return evalweave.event_study(frame, outcome="y", diagnostics=False, **options)


def examined(result, **options):
    given = {"name": "event_study", "estimator": "event_study", "draws": 999, **options}
    return pretrend(result.fits["event_study"], AnalysisOptions(**given))


def test_the_verdict_follows_the_smallest_p_value_at_the_level_asked_for():
    result = study(panel(seed=344, units=90))
    tests = examined(result)
    p_values = tests["wild_wald"]["p_value"], tests["slope"]["p_value_wild"]
    smallest = min(p_values)
    assert 0.01 < smallest < 0.4 and max(p_values) > 1.2 * smallest  # the seed sees to it
    rejecting = examined(result, level=1 - 1.01 * smallest)["verdict"]
    assert rejecting.startswith("The leads differ from zero")
    accepting = examined(result, level=1 - 0.99 * smallest)["verdict"]
    assert accepting.startswith("The leads show no departure from parallel paths")
    assert f"jointly p = {p_values[0]:.3f}" in accepting
    assert f"slope p = {p_values[1]:.3f}" in accepting
    assert accepting.endswith("Not rejecting is no proof of parallel paths.")


def test_the_joint_f_is_that_of_the_clustered_covariance():
    result = study(panel(seed=323, units=90), inference=["cr1"])
    found = examined(result)["joint_f"]
    table = result.tidy().set_index("term")
    fit = result.fits["event_study"]
    leads = [fit.terms.index("event[-3]"), fit.terms.index("event[-2]")]
    covariance = fit.influence[:, leads].T @ fit.influence[:, leads]
    covariance *= table.loc["event[-3]", "std_error"] ** 2 / covariance[0, 0]
    theta = fit.theta[leads]
    statistic = theta @ np.linalg.inv(covariance) @ theta / 2
    assert found["statistic"] == pytest.approx(statistic)
    assert found["p_value"] == pytest.approx(stats.f.sf(statistic, 2, 7))


def test_a_joint_test_of_a_third_of_the_practices_is_given():
    result = study(panel(seed=324, practices=7, treated=3))  # two leads, seven practices less one
    assert "p_value" in examined(result)["wild_wald"]


def test_slopes_that_the_test_would_notice():
    slope = examined(study(panel(seed=325)))["slope"]
    law = stats.t(slope["dof"])
    assert slope["detectable_50"] == pytest.approx(law.ppf(0.975) * slope["std_error"])
    both = law.ppf(0.975) + law.ppf(0.8)
    assert slope["detectable_80"] == pytest.approx(both * slope["std_error"])
    assert slope["ci_high"] - slope["estimate"] == pytest.approx(slope["detectable_50"])
    tail = law.sf(abs(slope["estimate"] / slope["std_error"]))
    assert slope["p_value"] == pytest.approx(2 * tail)


def test_the_reference_is_no_lead():
    frame = panel(seed=326)
    made = evalweave.callaway_santanna(frame, outcome="y", base="universal", diagnostics=False)
    fit = made.fits["callaway_santanna"]
    assert "event[-1]" in fit.terms  # 0 by construction
    assert [event for event, _ in leads_of(fit)] == [-3, -2]
    assert examined(study(frame, reference=-2))["leads"] == [-3, -1]
