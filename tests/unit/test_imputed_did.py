"""Multiple imputation of those not measured: draws against regression theory, Rubin's rules by
hand, what must not change, delta adjustment, and a programme that makes measuring routine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import evalweave
from evalweave.errors import DataError, StudyError
from evalweave.estimators.chained import People, imputed
from evalweave.fits.result import Imputations
from evalweave.fits.rubin import barnard_rubin, pooled
from helpers.measured_panels import followed


def fitted(frame: pd.DataFrame, **more: object):
    return evalweave.imputed_did(frame, outcome="y", diagnostics=False, **more)


def terms(frame: pd.DataFrame, **more: object) -> pd.DataFrame:
    return fitted(frame, **more).tidy().set_index("term")


def test_draws_follow_the_predictive_distribution_of_a_regression():
    import statsmodels.api as sm

    random = np.random.default_rng(3)
    x = random.normal(size=80)
    y = 2 + 0.7 * x + 0.5 * random.normal(size=80)
    blank = random.random(80) < 0.4
    values = np.column_stack((x, np.where(blank, np.nan, y)))
    people = People(values, np.empty((80, 0)), np.zeros(80, dtype=np.int64), 1)
    whole = imputed(people, 4000, 20, np.random.default_rng(1))
    theirs = sm.OLS(y[~blank], sm.add_constant(x[~blank])).fit()
    design = sm.add_constant(x[blank])
    degrees = (~blank).sum() - 2
    spread = np.einsum("ij,jk,ik->i", design, theirs.cov_params(), design) + theirs.scale
    draws = whole[:, blank, 1]
    errors = np.sqrt(spread / 4000)
    assert np.abs((draws.mean(axis=0) - theirs.predict(design)) / errors).max() < 4
    expected = spread * degrees / (degrees - 2)
    assert draws.var(axis=0) == pytest.approx(expected, rel=0.12)
    # of one draw all values share a model: their means vary more than independent ones would
    shared = theirs.cov_params()
    middle = design.mean(axis=0)
    of_mean = middle @ shared @ middle + theirs.scale / blank.sum()
    assert draws.mean(axis=1).var() == pytest.approx(of_mean * degrees / (degrees - 2), rel=0.12)


def test_draws_have_the_level_of_their_practice():
    random = np.random.default_rng(5)
    practice = np.arange(600) % 6
    level = np.array([-3.0, -2.0, 0.0, 1.0, 2.0, 4.0])
    y = level[practice] + random.normal(size=600)
    blank = random.random(600) < 0.5
    values = np.column_stack((random.normal(size=600), np.where(blank, np.nan, y)))
    people = People(values, np.empty((600, 0)), practice, 6)
    whole = imputed(people, 200, 10, np.random.default_rng(2))
    for g in range(6):
        mine = blank & (practice == g)
        seen = y[~blank & (practice == g)].mean()
        assert whole[:, mine, 1].mean() == pytest.approx(seen, abs=0.15)


def test_what_was_measured_stays_to_the_last_bit_and_nobody_measured_stays_unknown():
    random = np.random.default_rng(6)
    values = np.where(random.random((50, 4)) < 0.3, np.nan, random.normal(55, 10, (50, 4)))
    values[:, 2] = np.nan
    people = People(values, random.normal(size=(50, 1)), np.arange(50) % 5, 5)
    whole = imputed(people, 7, 3, np.random.default_rng(1))
    seen = ~np.isnan(values)
    assert (whole[:, seen] == values[seen]).all()
    assert np.isnan(whole[:, :, 2]).all() and not np.isnan(whole[:, :, [0, 1, 3]]).any()


def by_hand(estimates: list[float], without: np.ndarray, complete: float) -> dict[str, float]:
    """Rubin (1987, section 3.1) and Barnard and Rubin (1999), in the notation of R's mice."""
    m, g = without.shape
    u = [
        sum((w - e) ** 2 for w in row) * (g - 1) / g
        for e, row in zip(estimates, without, strict=True)
    ]
    ubar, b = sum(u) / m, float(np.var(estimates, ddof=1))
    t = ubar + (1 + 1 / m) * b
    lam = (1 + 1 / m) * b / t
    old, obs = (m - 1) / lam**2, (complete + 1) / (complete + 3) * complete * (1 - lam)
    return {"t": t, "df": old * obs / (old + obs), "lambda": lam}


def test_rubins_rules_are_those_by_hand():
    random = np.random.default_rng(8)
    theta = random.normal(1, 0.1, 20)
    without = theta[:, None] + random.normal(0, 0.05, (20, 12))
    found = pooled(Imputations(theta[:, None], without[:, :, None], 10), 0.95)
    expected = by_hand(list(theta), without, 10)
    assert found.theta[0] == pytest.approx(theta.mean())
    assert found.covariance[0, 0] == pytest.approx(expected["t"])
    assert (found.dof[0], found.missing[0]) == pytest.approx((expected["df"], expected["lambda"]))


def test_degrees_of_freedom_are_those_of_complete_data_where_nothing_is_missing():
    assert barnard_rubin(np.array([0.0]), 20, 22.0)[0] == pytest.approx(22 * 23 / 25)
    many = barnard_rubin(np.array([0.3]), 20, 1e9)[0]
    assert many == pytest.approx(19 / 0.3**2, rel=1e-6)  # Rubin's own, for large samples


def test_the_same_seed_gives_the_same_bytes_whatever_the_order_of_rows():
    frame = followed(2, 8)
    first = fitted(frame).tidy()
    second = fitted(frame.sample(frac=1, random_state=3)).tidy()
    assert first.equals(second)
    other = terms(frame, seed=2).loc["att", "estimate"]
    error = first.set_index("term").loc["att", "std_error"]
    assert 0 < abs(other - first["estimate"][0]) < 0.5 * error


def test_weights_of_one_change_nothing():
    frame = followed(2, 8).assign(one=1.0)
    assert fitted(frame, weight="one").tidy().equals(fitted(frame).tidy())


def test_as_they_are_those_measured_give_what_weighting_starts_from():
    frame = followed(3, 8)
    plain = evalweave.weighted_did(frame, outcome="y", diagnostics=False).tidy().set_index("term")
    ours = terms(frame).loc["att_unweighted"]
    assert ours["estimate"] == pytest.approx(plain.loc["att_unweighted", "estimate"], rel=1e-9)
    assert ours["std_error"] == pytest.approx(plain.loc["att_unweighted", "std_error"], rel=1e-9)


def test_estimating_again_without_a_practice_keeps_what_was_imputed():
    fit = fitted(followed(3, 8)).fits["imputed_did"]
    one, two = np.ones(8, dtype=bool), np.ones(8, dtype=bool)
    one[3] = False
    two[[3, 5]] = False
    assert fit.refit(one) == pytest.approx(fit.theta - fit.influence[3])
    assert fit.refit(np.ones(8, dtype=bool)) == pytest.approx(fit.theta)
    assert not np.isnan(fit.refit(two)).any()


def test_routine_measuring_is_repaired():
    """(benchmarks/missing_coverage.py gives the coverage.)"""
    found = [terms(followed(seed)) for seed in range(10)]
    repaired = np.array([f.loc["att", "estimate"] for f in found])
    spread = repaired.std(ddof=1) / np.sqrt(len(found))
    assert abs(repaired.mean() + 1) < 3 * spread
    assert np.mean([f.loc["att_unweighted", "estimate"] for f in found]) < -1.5


def test_delta_moves_the_estimate_by_the_share_that_was_imputed():
    import statsmodels.api as sm

    frame = followed(4, 8)
    result = fitted(frame)
    table = pd.DataFrame(result.diagnostics["imputed_did"]["delta"])
    att = terms(frame).loc["att", "estimate"]
    assert set(table["arm"]) == {"programme", "comparison"}
    assert len(result.delta_rows()) == len(table) * 7
    for line in table.to_dict("records"):
        treated = np.isfinite(frame["first_treated"]) == (line["arm"] == "programme")
        when = (
            frame["period"] >= 3 if np.isnan(line["period"]) else frame["period"] == line["period"]
        )
        here = treated & when
        moved = frame.assign(
            m=(here & frame["y"].isna()).astype(float),
            d=(frame["period"] >= frame["first_treated"]).astype(float),
            arm=np.isfinite(frame["first_treated"]).astype(float),
        )
        x = pd.get_dummies(moved["period"].astype(str), dtype=float).assign(
            arm=moved["arm"], d=moved["d"]
        )
        unit = float(sm.OLS(moved["m"], x).fit().params["d"])
        assert line["share_imputed"] == pytest.approx(moved.loc[here, "m"].mean())
        moves = pd.DataFrame(line["moved"]).set_index("delta")
        expected = [att + delta * unit for delta in moves.index]
        assert moves["estimate"].tolist() == pytest.approx(expected, rel=1e-6)
        assert line["estimate_is_zero_at"] == pytest.approx(-att / unit)
        found = terms(frame).loc["att", ["ci_low", "ci_high"]].tolist()
        assert moves.loc[0.0, ["ci_low", "ci_high"]].tolist() == pytest.approx(found)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": lambda f: f["y"].fillna(50.0)}, "nothing to impute"),
        ({"y": lambda f: f["y"].where(f["period"] < 3)}, "measured both before and after"),
    ],
)
def test_what_it_needs(change, words):
    with pytest.raises(DataError, match=words):
        fitted(followed(3, 8).assign(**change))


def test_it_has_intervals_of_its_own():
    with pytest.raises(StudyError, match="rubin applies"):
        fitted(followed(3, 8), inference=["cr1"])
    with pytest.raises(StudyError, match="imputed_did does"):
        evalweave.twfe(followed(3, 8), outcome="y", inference=["rubin"])


def test_delta_is_released_as_finely_as_its_errors_and_drawn():
    from evalweave.release import precision
    from evalweave.release.disclosure import profile
    from evalweave.report.figures.delta import delta_curve

    result = fitted(followed(3, 8))
    released = precision.diagnostics(profile("nhs_england", 3), result.diagnostics, {})
    exact, line = (d["imputed_did"]["delta"][0] for d in (result.diagnostics, released))
    assert line["moved"][0]["delta"] == exact["moved"][0]["delta"] == -3.0  # one digit of an SD
    assert line["moved"][0]["estimate"] == pytest.approx(exact["moved"][0]["estimate"], abs=0.01)
    assert line["moved"][0]["estimate"] != exact["moved"][0]["estimate"]
    whole = result.delta_rows().loc[lambda f: f["period"].isna()]
    svg = delta_curve(whole, "delta", "mmol/mol", synthetic=True)
    assert "Simulated data" in svg and "programme moved by" in svg
    assert svg == delta_curve(whole, "delta", "mmol/mol", synthetic=True)
