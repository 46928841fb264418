"""HonestDiD bounds: properties that any implementation must have, and its pieces against brute
force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog, minimize
from scipy.stats import norm, truncnorm

from evalweave.diagnostics.honest_did import breakdown_value, default_grid, honest_did
from evalweave.diagnostics.honest_flci import folded_quantile, lasso_path
from evalweave.diagnostics.honest_moments import Moments, _corners, rejects, truncated_quantile
from evalweave.errors import DataError

RANDOM = np.random.default_rng(11)
ROOT = RANDOM.normal(size=(6, 9))
SIGMA = ROOT @ ROOT.T / 9 * 0.04
THETA = np.array([0.05, -0.04, 0.02, -1.0, -1.1, -1.3])  # three leads, three lags


def bounds(kind, grid, target="first", theta=THETA, sigma=SIGMA, n_pre=3, n_post=3, **keys):
    return honest_did(theta, sigma, n_pre, n_post, target, kind, grid, **keys)


@pytest.mark.parametrize("kind", ["relative", "smoothness"])
@pytest.mark.parametrize("target", ["first", "average"])
def test_intervals_widen_with_m(kind, target):
    table = bounds(kind, [0, 0.25, 0.5, 1, 2, 8], target).iloc[1:]
    assert (table["ci_low"].diff().dropna() <= 1e-9).all()
    assert (table["ci_high"].diff().dropna() >= -1e-9).all()


def test_grid_goes_on_until_the_bound_lies_inside():
    """The R package's grid ends at 20 standard errors; the identified set here reaches far
    beyond."""
    theta = THETA.copy()
    theta[:3] = [6.0, -6.0, 6.0]
    table = bounds("relative", [4.0], theta=theta)
    far = 20 * np.sqrt(SIGMA[3, 3])
    assert table["ci_high"][1] > far
    assert table["ci_low"][1] < -far
    assert np.isfinite(table[["ci_low", "ci_high"]].to_numpy()).all()


@pytest.mark.parametrize("kind", ["relative", "smoothness"])
def test_sign_and_unit_follow_the_outcome(kind):
    base = bounds(kind, [0.5])
    factor = 0.09148 if kind == "relative" else 1.0
    turned = bounds(kind, [0.5], theta=-factor * THETA, sigma=factor**2 * SIGMA)
    step = 40 * np.sqrt(SIGMA[3, 3]) / 999 * factor
    assert -turned["ci_high"][1] == pytest.approx(base["ci_low"][1] * factor, abs=1.01 * step)
    assert -turned["ci_low"][1] == pytest.approx(base["ci_high"][1] * factor, abs=1.01 * step)


def test_precise_estimates_give_the_identified_set():
    """Without noise the relative bound is theta ± M × the largest change before the start."""
    theta = np.array([0.3, 0.1, -1.0, -1.2])
    tiny = 1e-10 * np.eye(4)
    table = bounds("relative", [1.0, 2.0], theta=theta, sigma=tiny, n_pre=2, n_post=2)
    for m, low, high in zip([1.0, 2.0], table["ci_low"][1:], table["ci_high"][1:], strict=True):
        assert (low, high) == pytest.approx((-1.0 - 0.2 * m, -1.0 + 0.2 * m), abs=2e-4)
    smooth = bounds("smoothness", [0.15], theta=theta, sigma=tiny, n_pre=2, n_post=2)
    # the leads 0.3, 0.1, 0 have slope −0.1 into the start, which may change by 0.15
    assert (smooth["ci_low"][1], smooth["ci_high"][1]) == pytest.approx((-1.05, -0.75), abs=2e-4)


def test_precise_estimates_of_one_lag_give_the_identified_set():
    """Half of the largest change is allowed after the start, while those before it stay as large
    as they are."""
    theta = np.array([0.1, 0.3, -1.0])  # changes of 0.2 and −0.3 before the reference
    table = bounds("relative", [0.5], theta=theta, sigma=1e-10 * np.eye(3), n_pre=2, n_post=1)
    assert table["ci_low"][1] == pytest.approx(-1.15, abs=1e-3)
    assert table["ci_high"][1] == pytest.approx(-0.85, abs=1e-3)


def test_the_grid_of_smoothness_goes_to_the_largest_bend_before_the_start():
    theta = np.array([0.1, 0.5, 0.4, -1.0])  # changes 0.4, −0.1, −0.4: bends −0.5 and −0.3
    assert default_grid(theta, 3, "smoothness") == pytest.approx((0, 0.1, 0.2, 0.3, 0.4, 0.5))


@pytest.mark.parametrize("seed", range(20))
def test_the_conditional_test_by_brute_force(seed):
    """Given the corner that attains eta, eta is normal on the values at which that corner goes on
    attaining it."""
    random = np.random.default_rng(seed)
    root = random.normal(size=(5, 6))
    correlation = root @ root.T
    scale = np.sqrt(np.diag(correlation))
    correlation /= np.outer(scale, scale)
    corners = random.dirichlet(np.full(5, 0.7), size=6)
    moments = Moments(1.5 * random.normal(size=5), np.zeros(5), correlation, corners)
    values = corners @ moments.y
    best = int(values.argmax())
    along = corners @ correlation @ corners[best]
    steps = np.linspace(-60, 60, 1_200_001)
    attains = np.ones(len(steps), dtype=bool)
    for value, slope in zip(values, along / along[best], strict=True):
        attains &= values[best] + steps >= value + slope * steps - 1e-9
    low, high = values[best] + steps[attains][[0, -1]]
    spread = np.sqrt(along[best])
    for critical in (np.inf, values[best] + 0.4):
        law = truncnorm(low / spread, min(high, critical) / spread)
        tail = law.sf(values[best] / spread)
        for size in (0.9 * tail, min(1.1 * tail + 1e-9, 0.999)):
            found = rejects(moments, 0.0, size, critical)
            assert found == (values[best] > 0 and size > tail)
    assert rejects(moments, 0.0, 1e-6, values[best] - 0.01)


def test_breakdown_value():
    m = breakdown_value(THETA, SIGMA, 3, 3)
    inside = bounds("relative", [m]).iloc[1]
    outside = bounds("relative", [m - 0.02]).iloc[1]
    assert inside["ci_low"] <= 0 <= inside["ci_high"]
    assert outside["ci_high"] < 0
    assert np.isnan(breakdown_value(np.array([0.1, 0.0, 0.1, 0.01, 0.02, 0.0]), SIGMA, 3, 3))


def test_one_lead_and_one_lag():
    table = bounds(
        "relative",
        [1.0],
        theta=np.array([0.1, -1.0]),
        sigma=np.diag([0.01, 0.01]),
        n_pre=1,
        n_post=1,
    )
    low, high = table["ci_low"][1], table["ci_high"][1]
    assert low < -1.1 < -0.9 < high
    flci = bounds(
        "smoothness",
        [0.0],
        theta=np.array([0.1, -1.0]),
        sigma=np.diag([0.01, 0.01]),
        n_pre=1,
        n_post=1,
    )
    half = norm.ppf(0.975) * np.sqrt(0.02)  # a straight line through one lead: theta_1 + theta_-1
    assert (flci["ci_low"][1], flci["ci_high"][1]) == pytest.approx((-0.9 - half, -0.9 + half))


def test_flci_at_zero_is_the_best_linear_extrapolation():
    """M = 0: generalised least squares of the effects net of a straight line."""
    t = np.array([-4.0, -3.0, -2.0, 1.0, 2.0, 3.0]) + np.array([1, 1, 1, 0, 0, 0])
    x = np.column_stack((t, np.vstack((np.zeros((3, 3)), np.eye(3)))))
    weight = np.linalg.inv(SIGMA)
    covariance = np.linalg.inv(x.T @ weight @ x)
    b = covariance @ x.T @ weight @ THETA
    row = bounds("smoothness", [0.0]).iloc[1]
    half = norm.ppf(0.975) * np.sqrt(covariance[1, 1])
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((b[1] - half, b[1] + half), rel=1e-6)


def test_lasso_path_minimises():
    root = RANDOM.normal(size=(5, 7))
    q, linear = root @ root.T, RANDOM.normal(size=5)
    for c in lasso_path(q, linear)[1:-1]:
        gradient = q @ c + linear
        penalty = np.abs(gradient).max()
        assert np.allclose(gradient[c != 0], -penalty * np.sign(c[c != 0]))

        def loss(v, penalty=penalty):
            return v @ q @ v / 2 + linear @ v + penalty * np.abs(v).sum()

        best = minimize(
            loss,
            c,
            method="Nelder-Mead",
            options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 20000},
        )
        assert loss(c) <= best.fun + 1e-9
    np.testing.assert_allclose(lasso_path(q, linear)[-1], -np.linalg.solve(q, linear), rtol=1e-8)


def test_corners_solve_the_linear_programme():
    x = RANDOM.normal(size=(6, 2))
    x = np.vstack((x, -x * RANDOM.uniform(0.5, 2, size=(6, 1))))
    corners = _corners(x)
    np.testing.assert_allclose(corners @ x, 0, atol=1e-9)
    for _ in range(20):
        z = RANDOM.normal(size=12)
        lp = linprog(
            [1, 0, 0],
            A_ub=-np.column_stack((np.ones(12), x)),
            b_ub=-z,
            bounds=[(None, None)] * 3,
        )
        assert (corners @ z).max() == pytest.approx(lp.fun, abs=1e-8)


@pytest.mark.parametrize(
    ("low", "high"), [(-1, 2), (3, 4), (-np.inf, 1), (8, 8.5), (-9, -8), (2, np.inf)]
)
def test_truncated_quantile(low, high):
    for p in (0.05, 0.5, 0.95):
        assert truncated_quantile(p, low, high) == pytest.approx(
            truncnorm.ppf(p, low, high), rel=1e-6
        )


@pytest.mark.parametrize("bias", [0, 0.3, 2, 40])
def test_folded_quantile(bias):
    c = folded_quantile(bias, 0.05)
    assert norm.cdf(c - bias) - norm.cdf(-c - bias) == pytest.approx(0.95, abs=1e-9)


def test_refusals():
    with pytest.raises(DataError, match="expected 6 leads and lags"):
        honest_did(THETA[:5], SIGMA, 3, 3)
    with pytest.raises(DataError, match="at least one lead"):
        honest_did(THETA, SIGMA, 0, 6)
    with pytest.raises(DataError, match="singular"):
        honest_did(THETA, np.ones((6, 6)), 3, 3)
    with pytest.raises(DataError, match="too many"):
        honest_did(np.zeros(14), np.eye(14), 2, 12)
