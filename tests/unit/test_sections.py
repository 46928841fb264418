"""Repeated cross-sections: nobody is followed, practice effects are taken out instead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import evalweave
from evalweave.errors import DataError, StudyError
from helpers.did_panels import panel


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    """Different people every year: many in a practice and year, one row each."""
    frame = panel(seed=71, units=260, practices=10, treated=5).drop(columns="patient_id")
    return frame.assign(treat=(frame["period"] >= frame["first_treated"]).astype(int))


def by_hand(frame: pd.DataFrame, formula: str, weight: str | None = None):
    """Least squares with every dummy written out, errors by practice without a factor."""
    model = smf.wls if weight else smf.ols
    options = {"weights": frame[weight]} if weight else {}
    return model(f"{formula} + C(practice_id) + C(period)", frame, **options).fit(
        cov_type="cluster",
        cov_kwds={"groups": pd.factorize(frame["practice_id"])[0], "use_correction": False},
    )


@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("covariates", [[], ["x"]])
def test_twfe_is_least_squares_with_practice_and_period_dummies(people, covariates, weight):
    fitted = evalweave.twfe(
        people,
        outcome="y",
        unit=None,
        inference=["cr0", "cr1"],
        covariates=covariates,
        weight=weight,
    )
    formula = " + ".join(["y ~ treat", *covariates])
    expected = by_hand(people, formula, weight)
    cr0, cr1 = fitted.rows
    assert cr0["estimate"] == pytest.approx(expected.params["treat"], rel=1e-9)
    assert cr0["std_error"] == pytest.approx(expected.bse["treat"], rel=1e-9)
    n, g, k = len(people), 10, 1 + len(covariates) + people["period"].nunique()
    factor = np.sqrt(g / (g - 1) * (n - 1) / (n - k))  # practices are nested in clusters
    assert cr1["std_error"] == pytest.approx(expected.bse["treat"] * factor, rel=1e-9)
    assert (cr1["n_obs"], cr1["n_patients"], cr1["n_practices"]) == (n, n, 10)
    assert "every row another person" in cr1["convention"]


def test_event_study_and_a_subgroup(people):
    fitted = evalweave.event_study(people, outcome="y", unit=None, inference=["cr0"])
    wide = people.assign(
        **{
            f"e{e + 3}": (people["period"] - people["first_treated"] == e).astype(int)
            for e in (-3, -2, 0, 1, 2)
        }
    )
    expected = by_hand(wide, "y ~ e0 + e1 + e3 + e4 + e5")
    rows = {row["term"]: row for row in fitted.rows}
    for event in (-3, -2, 0, 1, 2):
        assert rows[f"event[{event}]"]["estimate"] == pytest.approx(
            expected.params[f"e{event + 3}"]
        )
        assert rows[f"event[{event}]"]["std_error"] == pytest.approx(expected.bse[f"e{event + 3}"])
    gap = evalweave.twfe(people, outcome="y", unit=None, subgroup="white", inference=["cr0"])
    for row in gap.rows[:2]:
        level = int(row["term"][-2])
        part = by_hand(people[people["white"] == level], "y ~ treat")
        assert row["estimate"] == pytest.approx(part.params["treat"])
        assert row["std_error"] == pytest.approx(part.bse["treat"])


def test_imputation_is_a_prediction_from_untreated_rows(people):
    untreated = people[people["treat"] == 0]
    model = smf.ols("y ~ C(practice_id) + C(period)", untreated).fit()
    treated = people[people["treat"] == 1]
    expected = (treated["y"] - model.predict(treated)).mean()
    row = evalweave.imputation(people, outcome="y", unit=None, inference=["cr1"]).rows[0]
    assert row["estimate"] == pytest.approx(expected)


def test_callaway_santanna_takes_every_row_as_a_person(people):
    numbered = people.assign(patient_id=[f"p{i:05d}" for i in range(len(people))])
    options = {"outcome": "y", "inference": ["cr1"], "covariates": ["x"]}
    mine = evalweave.callaway_santanna(people, unit=None, **options).tidy()
    other = evalweave.callaway_santanna(
        numbered, unbalanced="repeated_cross_section", **options
    ).tidy()
    pd.testing.assert_frame_equal(mine, other)


@pytest.mark.parametrize("estimator", ["did_2x2", "sun_abraham", "etwfe"])
def test_the_other_estimators_give_the_single_start_effect(people, estimator):
    fitted = getattr(evalweave, estimator)(people, outcome="y", unit=None, inference=["cr1"])
    assert np.isfinite(fitted.rows[0]["estimate"])
    assert fitted.rows[0]["n_patients"] == len(people)


def test_what_needs_people_who_are_followed_is_refused(people):
    for call, words in (
        ({"engine": "linearmodels", "inference": ["cr1"]}, "needs a unit"),
        ({"cluster": None}, "needs a cluster"),
    ):
        with pytest.raises(StudyError, match=words):
            evalweave.twfe(people, outcome="y", unit=None, **call)
    with pytest.raises(StudyError, match="needs people who are followed"):
        evalweave.callaway_santanna(people, outcome="y", unit=None, unbalanced="balanced")
    wrong = people.copy()
    wrong.loc[wrong.index[0], "first_treated"] = 2013.0
    with pytest.raises(DataError, match="one first treated period a practice_id"):
        evalweave.twfe(wrong, outcome="y", unit=None)
