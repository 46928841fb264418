"""Multiplier bootstrap: what its draws must have in common with the influence they come from."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import norm

from evalweave.fits.result import Fit
from evalweave.inference.multiplier_bootstrap import (
    draw_multipliers,
    families,
    intervals,
    multiplier_bootstrap,
)
from evalweave.study.analyses import AnalysisOptions


def fit_of(influence, theta=None, terms=None):
    g, k = influence.shape
    return Fit(
        estimator="simulated",
        terms=terms or tuple(f"event[{e}]" for e in range(k)),
        theta=np.zeros(k) if theta is None else np.asarray(theta),
        influence=influence,
        cluster_names=tuple(f"g{i}" for i in range(g)),
        n_obs=g,
        n_patients=g,
        n_practices=g,
        n_practices_treated=g // 2,
    )


INFLUENCE = np.random.default_rng(5).normal(size=(200, 4)) @ np.linalg.cholesky(
    0.5 * np.eye(4) + 0.5
)


@pytest.mark.parametrize("kind", ["rademacher", "mammen", "webb"])
def test_multipliers_have_mean_zero_and_variance_one(kind):
    v = draw_multipliers(np.random.default_rng(1), (1000, 500), kind)
    assert abs(v.mean()) < 0.006
    assert v.var() == pytest.approx(1, abs=0.006)


def test_many_practices_give_the_normal_answers():
    theta = np.sqrt((INFLUENCE**2).sum(axis=0)) * np.array([0.0, 1.0, 2.0, 3.0])
    boot = multiplier_bootstrap(fit_of(INFLUENCE, theta), 40_000, seed=3, level=0.95)
    np.testing.assert_allclose(boot.std_error, np.sqrt((INFLUENCE**2).sum(axis=0)), rtol=0.03)
    np.testing.assert_allclose(boot.critical_pointwise, 1.96, rtol=0.03)
    np.testing.assert_allclose(boot.p_value, 2 * norm.sf([0, 1, 2, 3]), atol=0.01)
    assert boot.p_value[0] == 1.0
    assert (boot.critical > boot.critical_pointwise).all()
    assert np.unique(boot.critical).size == 1


def test_sup_t_of_independent_terms():
    """max |N| of K independent normals is below c with probability (2 Φ(c) − 1)^K."""
    influence = np.zeros((800, 4))
    for k in range(4):
        influence[200 * k : 200 * (k + 1), k] = np.random.default_rng(k).normal(size=200)
    boot = multiplier_bootstrap(fit_of(influence), 40_000, seed=3, level=0.95)
    assert boot.critical[0] == pytest.approx(norm.ppf((1 + 0.95**0.25) / 2), rel=0.02)


def test_few_practices_are_enumerated():
    influence = np.array([[1.0], [2.0], [4.0], [0.5]])
    boot = multiplier_bootstrap(fit_of(influence, theta=[5.5]), 16, seed=1, level=0.95)
    assert boot.enumerated
    assert boot.n_draws == 16
    sums = [abs(np.dot(signs, influence[:, 0])) for signs in product((-1, 1), repeat=4)]
    assert boot.p_value[0] == np.mean([s >= 5.5 for s in sums])
    sampled = multiplier_bootstrap(fit_of(influence), 15, seed=1, level=0.95)
    assert not sampled.enumerated


def test_seed_decides_and_a_base_period_stays_without_error():
    influence = np.column_stack((INFLUENCE, np.zeros(200)))
    one, two, other = (
        multiplier_bootstrap(fit_of(influence), 500, seed, 0.9) for seed in (1, 1, 2)
    )
    assert np.array_equal(one.std_error, two.std_error, equal_nan=True)
    assert not np.array_equal(one.std_error[:4], other.std_error[:4])
    assert np.isnan([one.std_error[4], one.critical[4], one.p_value[4]]).all()
    assert np.isfinite(one.critical[:4]).all()


def test_families():
    terms = (
        "att_gt[2015,2016]",
        "att_gt[2015,2017]",
        "simple",
        "event[-1]",
        "event[0]",
        "event[overall]",
    )
    assert families(terms) == {
        "att_gt": [0, 1],
        "simple": [2],
        "event": [3, 4],
        "event[overall]": [5],
    }


def test_an_estimate_beyond_every_draw_has_the_p_value_of_the_observed_one():
    influence = np.random.default_rng(6).normal(size=(30, 1))
    drawn = multiplier_bootstrap(fit_of(influence, theta=[1e3]), 199, seed=1)
    assert drawn.p_value[0] == pytest.approx(1 / 200)


def test_a_band_for_all_is_wider_than_intervals_for_one():
    analyses = [
        AnalysisOptions(name="a", estimator="twfe", bands=bands, draws=499)
        for bands in ("pointwise", "simultaneous")
    ]
    one, band = (intervals(fit_of(INFLUENCE), analysis) for analysis in analyses)
    assert (band.ci_high > one.ci_high).all()
    assert "pointwise" in one.convention and "sup-t" in band.convention
