"""Synthetic difference-in-differences on California's Proposition 99 (data/ORIGIN-synthdid.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import evalweave

PROP99 = pd.read_csv(Path(__file__).parent / "data/prop99.csv")
COLUMNS = {"outcome": "packs", "unit": "state", "period": "year", "cluster": "state"}


@pytest.fixture(scope="module")
def found():
    return evalweave.synthetic_did(PROP99, **COLUMNS, inference=["jackknife", "placebo"])


def test_the_estimate_is_that_of_the_r_package(found):
    att = found.tidy().set_index("term").loc["att"]
    assert att["estimate"] == pytest.approx(-15.6038, abs=5e-5)
    assert att["n_practices"] == 39 and att["n_practices_treated"] == 1


def test_the_weights_are_the_published_ones(found):
    """Three years carry the time weights and no state more than an eighth (figure 1 there)."""
    (told,) = found.diagnostics["synthetic_did"]["weights"]
    time = {year: weight for year, weight in told["time"].items() if weight > 1e-6}
    assert set(time) == {"1986", "1987", "1988"}
    heaviest = sorted(told["unit"], key=told["unit"].get)[-3:]
    assert set(heaviest) == {"Nevada", "New Hampshire", "Connecticut"}
    for weights in (told["unit"], told["time"]):
        assert sum(weights.values()) == pytest.approx(1, abs=1e-12)
        assert min(weights.values()) >= 0


def test_the_published_placebo_error_is_one_of_200_draws_from_all_38(found):
    att = found.tidy().set_index("term").loc["att"]
    assert att["inference"] == "placebo" and att["dof"] == 37
    spread = found.fits["synthetic_did"].placebo
    every = np.array([spread.estimate(np.array([state]))[0] for state in range(38)])
    assert att["std_error"] == pytest.approx(every.std(), rel=1e-12)
    random = np.random.default_rng(1)
    of_200 = [random.choice(every, 200).std() for _ in range(2000)]
    low, high = np.quantile(of_200, (0.025, 0.975))
    assert low < 8.4 < high


def test_one_treated_unit_leaves_only_placebo_and_says_why(found):
    assert set(found.tidy()["inference"]) == {"placebo"}
    why = found.diagnostics["synthetic_did"]["inference"]["jackknife"]["absent"]["att"]
    assert "1 treated" in why and "cannot be estimated" in why
    by_default = evalweave.synthetic_did(PROP99, **COLUMNS).tidy()
    assert set(by_default["inference"]) == {"placebo"}


def test_the_optimum_lies_near_and_is_one(found):
    """The steps of the R package stop a little short of it."""
    from scipy.optimize import minimize

    exact = evalweave.synthetic_did(PROP99, **COLUMNS, solver="exact")
    (told,) = exact.diagnostics["synthetic_did"]["weights"]
    assert exact.tidy()["estimate"][0] == pytest.approx(-15.6038, abs=0.01)
    wide = PROP99.pivot(index="state", columns="year", values="packs")
    others = wide.drop("California").loc[:, :1988].to_numpy().T
    own = wide.loc["California", :1988].to_numpy()
    noise = np.diff(others.T, axis=1).std(ddof=1)
    ridge = (12**0.25 * noise) ** 2

    def objective(x):
        residual = others @ x - own
        return (residual - residual.mean()) @ (residual - residual.mean()) / 19 + ridge * x @ x

    n = others.shape[1]
    peer = minimize(
        objective,
        np.full(n, 1 / n),
        method="SLSQP",
        bounds=[(0, 1)] * n,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    ours = np.array([told["unit"][state] for state in wide.drop("California").index])
    assert objective(ours) <= peer.fun * (1 + 1e-9)
    assert ours == pytest.approx(peer.x, abs=1e-3)
