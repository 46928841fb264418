"""Balancing weights, against independent solvers, and the balance table that shows what they
did."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evalweave.cohort.balance import effective, smd
from evalweave.cohort.weighting import design, entropy, propensity
from evalweave.errors import DataError
from evalweave.tables.people import BALANCE
from helpers.cohort import built, person, settings

Arms = tuple[np.ndarray, np.ndarray]


def arms(n: int, seed: int = 7) -> Arms:
    """Return three variables and who is treated, which depends on the first two."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    return x, rng.random(n) < 1 / (1 + np.exp(-x @ [0.8, -0.5, 0.0]))


def test_entropy_weights_balance_exactly_and_odds_nearly() -> None:
    x, treated = arms(900)
    exact, odds = entropy(x, treated), propensity(x, treated)
    for made in (exact, odds):
        assert made[treated] == pytest.approx(1)
        assert made[~treated].sum() == pytest.approx((~treated).sum())
    assert np.average(x[~treated], axis=0, weights=exact[~treated]) == pytest.approx(
        x[treated].mean(axis=0)
    )
    assert max(abs(smd(x[:, k], treated, exact)) for k in range(3)) < 1e-8
    assert max(abs(smd(x[:, k], treated, odds)) for k in range(3)) < 0.1
    assert abs(smd(x[:, 0], treated, np.ones(900))) > 0.5


def test_entropy_weights_are_those_that_a_general_minimiser_finds() -> None:
    """Minimise Σ w log w itself, under the constraints, instead of the dual (scipy, SLSQP)."""
    from scipy.optimize import minimize

    x, treated = arms(70)
    inside = x[~treated]
    target, n = x[treated].mean(axis=0), len(inside)
    found = minimize(
        lambda w: np.sum(w * np.log(w * n)),
        np.full(n, 1 / n),
        jac=lambda w: np.log(w * n) + 1,
        method="SLSQP",
        bounds=[(1e-9, 1)] * n,
        options={"maxiter": 500, "ftol": 1e-14},
        constraints=[
            {"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(n)},
            {"type": "eq", "fun": lambda w: inside.T @ w - target, "jac": lambda w: inside.T},
        ],
    )
    assert found.success
    assert entropy(x, treated)[~treated] / n == pytest.approx(found.x, abs=1e-6)


def test_propensity_weights_are_the_odds_of_a_logit() -> None:
    """statsmodels' Logit, an independent maximum likelihood fit."""
    import statsmodels.api as sm

    x, treated = arms(400)
    p = sm.Logit(treated.astype(float), sm.add_constant(x)).fit(disp=0, tol=1e-12).predict()
    odds = (p / (1 - p))[~treated]
    assert propensity(x, treated)[~treated] == pytest.approx(
        odds * len(odds) / odds.sum(), rel=1e-6
    )


@pytest.mark.parametrize("method", [entropy, propensity])
def test_weights_do_not_depend_on_the_order_of_people_or_the_unit_of_a_variable(method) -> None:  # type: ignore[no-untyped-def]
    x, treated = arms(300)
    made = method(x, treated)
    order = np.random.default_rng(1).permutation(300)
    assert method(x[order], treated[order]) == pytest.approx(made[order], rel=1e-9)
    assert method(x * [1000, 0.01, -1] + [5, 0, 3], treated) == pytest.approx(made, rel=1e-7)


@pytest.mark.parametrize("method", [entropy, propensity])
def test_arms_that_are_the_same_need_no_weights(method) -> None:  # type: ignore[no-untyped-def]
    x, _ = arms(200)
    treated = np.repeat([True, False], 200)
    assert method(np.vstack([x, x]), treated) == pytest.approx(np.ones(400))
    assert method(np.empty((400, 0)), treated) == pytest.approx(np.ones(400))  # nothing varies


@pytest.mark.parametrize("method", [entropy, propensity])
def test_a_variable_said_twice_changes_nothing(method) -> None:  # type: ignore[no-untyped-def]
    x, treated = arms(300)
    twice = np.column_stack([x, x[:, 0]])
    assert method(twice, treated) == pytest.approx(method(x, treated), rel=1e-7)


@pytest.mark.parametrize("method", [entropy, propensity])
def test_a_category_of_one_arm_only_cannot_be_balanced(method) -> None:  # type: ignore[no-untyped-def]
    x, treated = arms(300)
    for arm in (treated, ~treated):
        alone = np.zeros(300)
        alone[np.flatnonzero(arm)[:4]] = 1
        if method is entropy and arm is not treated:
            continue  # comparison patients of a category of their own get (almost) no weight
        with pytest.raises(np.linalg.LinAlgError):
            method(np.column_stack([x, alone]), treated)


def test_the_effective_sample_size() -> None:
    assert effective(np.ones(40)) == pytest.approx(40)
    assert effective(np.array([2.0, 2.0, 0.0, 0.0])) == pytest.approx(2)


def test_missing_is_a_level_of_its_own() -> None:
    people = pd.DataFrame(
        {"imd_quintile": pd.array([1, 2, None, 2], dtype="Int64"), "age": [50, 60, 55, 70]}
    )
    assert list(design(people, ["age", "imd_quintile"]).columns) == [
        "age",
        "imd_quintile=2",
        "imd_quintile=missing",
    ]


PEOPLE = [
    person("P", birth_year="1945"),
    person("Q", "C", birth_year="1970"),
    person("R", "C", birth_year="1941", sex="male"),
]
GROUPS = {"all": {"primary": True}, "even": {"balance": "entropy", "balance_on": ["age"]}}


def test_weights_are_asked_for_by_comparison() -> None:
    result = built(PEOPLE, settings(comparisons=GROUPS))
    weights = result.membership.set_index(["comparison", "patient_id"])["weight"]
    assert (weights["all"] == 1).all() and weights["even"].nunique() > 1
    with pytest.raises(DataError, match="balance_on"):
        built([], settings(comparisons={"even": {"balance": "entropy", "balance_on": ["height"]}}))


def test_the_balance_table_has_the_lines_of_the_baseline_table() -> None:
    result = built(PEOPLE, settings(comparisons=GROUPS))
    table = result.balance
    BALANCE.check(table)
    assert set(table["comparison"]) == {"even"}
    lines = result.baseline[result.baseline["comparison"] == "even"].iloc[2:]
    assert list(zip(table["variable"], table["category"], strict=True)) == list(
        zip(lines["variable"], lines["category"], strict=True)
    )
    assert table["smd_before"].to_numpy() == pytest.approx(lines["smd"].to_numpy(), nan_ok=True)
    assert table.loc[table["balanced"], "variable"].tolist() == ["age"]
    assert abs(table.loc[table["balanced"], "smd_after"]).max() < 1e-8
    by = table.set_index(["variable", "category"])["smd_after"]
    assert by["sex", "male"] == pytest.approx(-by["sex", "female"]) and by["sex", "male"] < 0


def test_without_weights_the_balance_table_is_empty() -> None:
    table = built([]).balance
    assert list(table.columns) == BALANCE.names and table.empty


def test_weights_of_one_leave_every_difference_as_it_was() -> None:
    """Before and after are computed by different code; with equal weights they must agree to the
    last digits."""
    groups = {"even": {"primary": True, "balance": "propensity", "balance_on": ["n_conditions"]}}
    table = built(
        PEOPLE, settings(comparisons=groups)
    ).balance  # nobody has a further condition: nothing to weight
    assert table["smd_after"].to_numpy() == pytest.approx(
        table["smd_before"].to_numpy(), nan_ok=True
    )
    assert table["effective_comparison_n"].iloc[0] == 6


@pytest.mark.parametrize("seed", range(40))
def test_entropy_weights_are_found_wherever_they_exist(seed):
    """The treated mean is a known convex combination of comparison people: weights exist."""
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(24, 400)), int(rng.integers(1, 9))
    scale = 10.0 ** rng.integers(-6, 7, k)
    others = rng.standard_t(3, (n, k)) * scale
    others[:, : k // 2] = others[:, : k // 2] > 0  # categories
    mixed = rng.dirichlet(np.full(n, 0.3))
    own = np.vstack([others.T @ mixed + d for d in (np.zeros(k), scale * 0.1, -scale * 0.1)])
    x, treated = np.vstack([own, others]), np.arange(n + 3) < 3
    made = entropy(x, treated)
    spread = np.maximum(x.std(axis=0), 1e-12)
    left = (np.average(x[3:], axis=0, weights=made[3:]) - own.mean(axis=0)) / spread
    assert np.abs(left).max() < 1e-8
    assert (made[3:] > 0).all() and made[3:].sum() == pytest.approx(n)


@pytest.mark.parametrize("seed", range(10))
def test_entropy_weights_that_do_not_exist_are_refused(seed):
    rng = np.random.default_rng(seed)
    others = rng.normal(size=(200, 4))
    away = rng.normal(size=4)
    own = others.mean(axis=0) + away / np.linalg.norm(away) * 1.05 * np.abs(others).max() * 2
    with pytest.raises(np.linalg.LinAlgError):
        entropy(np.vstack([own, own, others]), np.arange(202) < 2)
