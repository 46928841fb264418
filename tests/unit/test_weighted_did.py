"""Who is measured depends on the past: weights against statsmodels, what must not change, and a
programme that makes measuring routine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import evalweave
from evalweave.errors import DataError, StudyError
from evalweave.estimators.weighted_did import probabilities
from helpers.measured_panels import SIZE, followed


def terms(frame: pd.DataFrame, **more: object) -> pd.DataFrame:
    result = evalweave.weighted_did(frame, outcome="y", diagnostics=False, **more)
    return result.tidy().set_index("term")


def two_way(cells: pd.DataFrame, outcome: str, weight: str) -> float:
    """Return the coefficient of treated beside start and period effects, by statsmodels."""
    import statsmodels.api as sm

    x = pd.get_dummies(cells[["first_treated", "period"]].astype(str), dtype=float)
    x = x.iloc[:, :-1]  # one dummy of a period less
    x.insert(0, "d", (cells["period"] >= cells["first_treated"]).astype(float))
    return float(sm.WLS(cells[outcome], x.to_numpy(), weights=cells[weight]).fit().params.iloc[0])


def test_probabilities_are_those_of_a_logit():
    import statsmodels.api as sm

    random = np.random.default_rng(1)
    x = random.normal(size=(400, 2))
    yes = random.random(400) < 1 / (1 + np.exp(-0.3 - x @ [1.0, -0.5]))
    theirs = sm.Logit(yes.astype(float), sm.add_constant(x)).fit(disp=False)
    ours = probabilities(x, yes)
    assert ours == pytest.approx(theirs.predict(sm.add_constant(x)), rel=1e-4)  # a ridge of 0.001


def test_the_estimate_is_weighted_least_squares_of_means():
    frame = followed(2)
    last = frame.groupby("patient_id")["y"].transform(lambda v: v.ffill().shift())
    first = frame.groupby("patient_id")["y"].transform("first").where(last.notna())
    weight = pd.Series(np.nan, index=frame.index)
    for _, rows in frame.groupby(["first_treated", "period"]):
        z = (pd.DataFrame({"l": last, "f": first}).loc[rows.index] - 50) / 3
        z = z.fillna(0.0).assign(any=last.loc[rows.index].notna().astype(float))
        chance = probabilities(z[["any", "l", "f"]].to_numpy(), rows["y"].notna().to_numpy())
        weight[rows.index] = 1 / chance
    seen = frame.assign(w=weight)[frame["y"].notna()]
    seen = seen.assign(wy=seen["w"] * seen["y"])
    cells = seen.groupby(["period", "first_treated"], as_index=False)[["w", "wy"]].sum()
    cells = cells.assign(y=cells["wy"] / cells["w"], people=1.0)  # both arms have as many people
    # the centre and scale of the past differ, which the ridge hardly feels
    expected = two_way(cells, "y", "people")
    assert terms(frame).loc["att", "estimate"] == pytest.approx(expected, rel=1e-4)


def test_estimating_again_without_a_practice_weights_again():
    frame = followed(3)
    fit = evalweave.weighted_did(frame, outcome="y", diagnostics=False).fits["weighted_did"]
    keep = np.array([name != "g03" for name in fit.cluster_names])
    alone = evalweave.weighted_did(
        frame[frame["practice_id"] != "g03"], outcome="y", diagnostics=False
    ).fits["weighted_did"]
    assert fit.refit(keep) == pytest.approx(alone.theta, rel=1e-5)


def test_without_a_past_it_is_the_difference_of_means_by_people_followed():
    frame = followed(4)
    once = frame.assign(patient_id=frame["patient_id"] + frame["period"].astype(str))
    once = once[np.random.default_rng(4).random(len(once)) < 0.9]  # nobody has a past
    found = terms(once)
    weighted, plain = (found.loc[t, "estimate"] for t in ("att", "att_unweighted"))
    assert weighted == pytest.approx(plain, rel=1e-9)
    cells = once.groupby(["period", "first_treated"], as_index=False)
    cells = cells.agg(y=("y", "mean"), people=("patient_id", "size"))
    assert plain == pytest.approx(two_way(cells, "y", "people"), rel=1e-9)
    assert "composition" not in found.index


def test_routine_measuring_is_repaired_and_its_changed_composition_is_seen():
    """Ten panels: the unweighted estimate is far off, the weighted one is not, and at every one the
    check says that other people were measured. (benchmarks/missing_coverage.py gives
    the coverage.)"""
    found = [terms(followed(seed)) for seed in range(10)]
    weighted = np.array([f.loc["att", "estimate"] for f in found])
    plain = np.array([f.loc["att_unweighted", "estimate"] for f in found])
    spread = weighted.std(ddof=1) / np.sqrt(len(found))
    assert abs(weighted.mean() + 1) < 3 * spread
    assert plain.mean() < -1.5
    assert all(f.loc["composition", "ci_high"] < 0 for f in found)


def test_no_composition_is_shown_where_measuring_did_not_change():
    result = evalweave.weighted_did(followed(5, routine=False), outcome="y", diagnostics=False)
    details = result.diagnostics["weighted_did"]
    assert details["composition"]["verdict"] == "cannot tell"
    table = pd.DataFrame(details["measured_by_arm_and_period"]).set_index(["arm", "period"])
    assert table.loc[("programme", 0), "past_value_followed"] is None or np.isnan(
        table.loc[("programme", 0), "past_value_followed"]
    )
    later = table.loc[("comparison", 4)]
    assert later["past_value_measured"] > later["past_value_followed"]
    assert 0 < later["measured_share"] < 1 and later["followed"] == 8 * SIZE


def test_the_tipping_point_is_where_the_estimate_is_nothing():
    frame = followed(6)
    result = evalweave.weighted_did(frame, outcome="y", diagnostics=False)
    tip = result.diagnostics["weighted_did"]["tipping_point"]
    rows = result.tidy().set_index("term")
    treated = frame["period"] >= frame["first_treated"]
    assert tip["share_unmeasured"] == pytest.approx(frame.loc[treated, "y"].isna().mean())
    # Worse by delta among the unmeasured treated moves the estimate by delta times their share.
    assert tip["estimate_is_zero_at"] > 0 > rows.loc["att", "estimate"]
    assert tip["interval_reaches_zero_at"] < tip["estimate_is_zero_at"]
    every = frame.assign(missed=(treated & frame["y"].isna()).astype(float))
    cells = every.groupby(["period", "first_treated"], as_index=False)["missed"].mean()
    moved = two_way(cells.assign(people=1.0), "missed", "people")
    expected = -rows.loc["att", "estimate"] / moved
    assert tip["estimate_is_zero_at"] == pytest.approx(expected, rel=1e-6)


def test_what_it_refuses():
    frame = followed(7)
    with pytest.raises(DataError, match="nothing to weight"):
        evalweave.weighted_did(frame.dropna(subset=["y"]), outcome="y")
    with pytest.raises(StudyError, match="cr1"):
        evalweave.weighted_did(frame, outcome="y", inference=["cr1"])


@pytest.mark.parametrize("estimator", ["weighted_did", "lee_did"])
@pytest.mark.parametrize("treated", [True, False])
def test_an_arm_that_is_unmeasured_in_whole_periods_is_named(estimator, treated):
    frame = followed(7)
    arm = frame["first_treated"].notna() & np.isfinite(frame["first_treated"])
    whole = getattr(evalweave, estimator)(frame, outcome="y", diagnostics=False)
    assert not any("Nobody of" in note for note in whole.diagnostics[estimator]["notes"])
    gone = (arm == treated) & frame["period"].isin([3, 5])
    frame["y"] = frame["y"].mask(gone)
    found = getattr(evalweave, estimator)(frame, outcome="y", diagnostics=False)
    whose = "with a start in 3" if treated else "without the programme"
    notes = " ".join(found.diagnostics[estimator]["notes"])
    assert f"Nobody of the practices {whose} was measured in 3, 5 ({gone.sum()} person" in notes
    assert len(found.rows) >= 2  # over the periods that are left


@pytest.mark.parametrize("name", ["weighted_did", "lee_did"])
def test_covariates_that_would_change_nothing_are_refused(name):
    frame = followed(1, practices=4).assign(x=1.0)
    with pytest.raises(StudyError, match=f"{name} takes no covariates"):
        getattr(evalweave, name)(frame, outcome="y", covariates=["x"], diagnostics=False)


@pytest.mark.parametrize("name", ["weighted_did", "imputed_did", "lee_did"])
def test_an_outcome_that_is_the_same_wherever_it_was_measured_is_refused(name):
    frame = followed(1, practices=4)
    frame["y"] = frame["y"].where(frame["y"].isna(), 5.0)
    with pytest.raises(DataError, match="the same in every row"):
        getattr(evalweave, name)(frame, outcome="y", diagnostics=False)


def test_people_are_those_who_were_ever_measured():
    frame = followed(2)
    lost = frame["patient_id"].unique()[:5]
    frame.loc[frame["patient_id"].isin(lost), "y"] = np.nan
    ever = frame.loc[frame["y"].notna(), "patient_id"].nunique()
    assert ever < frame["patient_id"].nunique()
    assert set(terms(frame)["n_patients"]) == {ever}
