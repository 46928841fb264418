"""TWFE against other people's least squares, and its treatment of weights, covariates and
subgroups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import evalweave
from evalweave.errors import DataError, StudyError
from helpers.did_panels import dummies, panel


def att(frame, **more):
    return evalweave.twfe(frame, outcome="y", diagnostics=False, **more).tidy().set_index("term")


def test_equals_statsmodels_with_all_dummies():
    import statsmodels.api as sm

    frame = panel(seed=31, units=30)
    x, y, g = dummies(frame, ("x",))
    found = att(frame, covariates=["x"], inference=["cr0"]).loc["att"]
    ols = sm.OLS(y, x).fit()
    robust = ols.get_robustcov_results("cluster", groups=g, use_correction=False)
    assert found["estimate"] == pytest.approx(ols.params[0], rel=1e-9)
    assert found["std_error"] == pytest.approx(robust.bse[0], rel=1e-7)


@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("covariates", [[], ["x"]])
def test_equals_linearmodels(weight, covariates):
    frame = panel(seed=32)
    ours = att(frame, weight=weight, covariates=covariates, inference=["cr1"]).loc["att"]
    theirs = att(frame, weight=weight, covariates=covariates, engine="linearmodels").loc["att"]
    for column in ("estimate", "std_error", "ci_low", "ci_high", "p_value", "dof"):
        assert ours[column] == pytest.approx(theirs[column], rel=1e-7), column


def test_weights_are_frequencies():
    frame = panel(seed=33)
    # A weight of w on every row of a patient is w identical patients.
    frame["weight"] = frame.groupby("patient_id")["weight"].transform("first")
    copies = [
        frame[frame["weight"] > k].assign(patient_id=lambda d, k=k: d["patient_id"] + f"_{k}")
        for k in range(3)
    ]
    many = pd.concat(copies, ignore_index=True)
    a, b = (
        att(frame, weight="weight", inference=["cr0"]).loc["att"],
        att(many, inference=["cr0"]).loc["att"],
    )
    assert a["estimate"] == pytest.approx(b["estimate"], rel=1e-10)
    assert a["std_error"] == pytest.approx(b["std_error"], rel=1e-10)


def test_subgroup_levels_are_fits_of_their_own_and_differences_subtract():
    frame = panel(seed=34, units=120)
    joint = att(frame, subgroup="white", covariates=["x"], inference=["cr0"])
    for level in (0, 1):
        alone = att(frame[frame["white"] == level], covariates=["x"], inference=["cr0"]).loc["att"]
        assert joint.loc[f"att[white={level}]", "estimate"] == pytest.approx(
            alone["estimate"], rel=1e-9
        )
        assert joint.loc[f"att[white={level}]", "std_error"] == pytest.approx(
            alone["std_error"], rel=1e-9
        )
    gap = joint.loc["att[white=1]", "estimate"] - joint.loc["att[white=0]", "estimate"]
    assert joint.loc["difference[white=1-0]", "estimate"] == pytest.approx(gap, rel=1e-12)
    # The error of a difference knows that practices hold both groups: it is not the sum of the two
    # variances.
    separate = np.hypot(
        joint.loc["att[white=1]", "std_error"], joint.loc["att[white=0]", "std_error"]
    )
    assert abs(joint.loc["difference[white=1-0]", "std_error"] / separate - 1) > 0.01


def test_difference_equals_a_hand_written_interaction():
    import statsmodels.api as sm

    frame = panel(seed=35, units=120)
    treated = (frame["period"] >= frame["first_treated"]).to_numpy(float)
    white = frame["white"].to_numpy(float)
    columns = [treated * white, treated]
    for p in sorted(frame["period"].unique())[1:]:
        of = (frame["period"] == p).to_numpy(float)
        columns += [of, of * white]
    columns += [(frame["patient_id"] == u).to_numpy(float) for u in frame["patient_id"].unique()]
    ols = sm.OLS(frame["y"].to_numpy(), np.column_stack(columns)).fit()
    groups = pd.factorize(frame["practice_id"])[0]
    robust = ols.get_robustcov_results("cluster", groups=groups, use_correction=False)
    found = att(frame, subgroup="white", inference=["cr0"]).loc["difference[white=1-0]"]
    assert found["estimate"] == pytest.approx(ols.params[0], rel=1e-8)
    assert found["std_error"] == pytest.approx(robust.bse[0], rel=1e-7)


def test_unknown_is_a_level_outside_contrasts_and_levels_are_integers_without_decimals():
    frame = panel(seed=36, units=160)
    number = frame["patient_id"].str[1:].astype(int)
    frame["imd"] = np.where(number % 5 == 4, np.nan, number % 5 + 1.0)
    found = att(frame, subgroup="imd")
    assert {"att[imd=1]", "att[imd=2]", "att[imd=3]", "att[imd=4]", "att[imd=unknown]"} <= set(
        found.index
    )
    differences = [term for term in found.index if term.startswith("difference")]
    assert differences == ["difference[imd=2-1]", "difference[imd=3-1]", "difference[imd=4-1]"]
    levels = [found.loc[f"att[imd={level}]", "estimate"] for level in (1, 2, 3, 4)]
    assert found.loc["trend[imd]", "estimate"] == pytest.approx(
        np.polyfit([1, 2, 3, 4], levels, 1)[0], rel=1e-9
    )


def test_level_with_fewer_than_four_practices_in_an_arm_is_refused():
    frame = panel(seed=37, units=120)
    rare = frame["practice_id"].isin(["g00", "g01", "g02", "g05", "g06", "g07"]) & (
        frame["white"] == 1
    )
    frame["group"] = np.where(rare, "rare", "common")
    result = evalweave.twfe(frame, outcome="y", subgroup="group", diagnostics=False)
    assert set(result.tidy()["term"]) == {"att[group=common]"}
    absent = result.diagnostics["twfe"]["absent"]
    assert "3 programme and 3 comparison practices only" in absent["att[group=rare]"]
    assert "difference[group=rare-common]" in absent
    levels = {entry["level"]: entry for entry in result.diagnostics["twfe"]["levels"]}
    assert levels["rare"]["practices_programme"] == 3


def test_collinear_and_constant_covariates_are_left_out_with_a_note_and_change_nothing():
    frame = panel(seed=38)
    frame["again"], frame["age"] = 3 * frame["x"] - 2, 61.0
    result = evalweave.twfe(frame, outcome="y", covariates=["x", "again", "age"], diagnostics=False)
    plain = att(frame, covariates=["x"]).loc["att"]
    found = result.tidy().iloc[0]
    assert found["estimate"] == pytest.approx(plain["estimate"], rel=1e-9)
    assert found["std_error"] == pytest.approx(plain["std_error"], rel=1e-9)
    notes = " ".join(result.diagnostics["twfe"]["notes"])
    assert "Covariate again was left out: it is a combination" in notes
    assert "Covariate age was left out" in notes
    assert result.diagnostics["twfe"]["adjusted for"] == ["x"]
    assert result.diagnostics["twfe"]["not adjusted for"] == ["again", "age"]


def test_clustering_and_row_order_change_no_bit_of_the_estimate():
    frame = panel(seed=39, units=200)
    shuffled = frame.sample(frac=1, random_state=1)
    for weight in (None, "weight"):
        one = att(frame, weight=weight, covariates=["x"]).loc["att", "estimate"]
        assert att(shuffled, weight=weight, covariates=["x"]).loc["att", "estimate"] == one
        assert (
            att(frame, weight=weight, covariates=["x"], cluster="patient_id").loc["att", "estimate"]
            == one
        )
        assert (
            att(frame, weight=weight, covariates=["x"], cluster=None).loc["att", "estimate"] == one
        )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: f.assign(y=7.0), "same in every row"),
        (
            lambda f: f.groupby("patient_id").sample(1, random_state=1),
            "does not vary within patients",
        ),
        (lambda f: f.assign(first_treated=np.nan), "Nobody is treated within the panel"),
        (lambda f: f.assign(first_treated=2030), "Nobody is treated within the panel"),
        (lambda f: f.assign(first_treated=2000), "Everybody is treated from the first period on"),
        (lambda f: f.assign(first_treated=2014), "cannot be told apart from the period effects"),
        (lambda f: f.assign(practice_id="g"), "one practice"),
    ],
)
def test_designs_without_an_answer_say_why(change, sentence):
    with pytest.raises(DataError, match=sentence):
        att(change(panel(seed=40)))


def test_always_treated_practices_and_one_period_after_still_have_the_right_answer():
    frame = panel(seed=41)
    frame.loc[frame["practice_id"] == "g00", "first_treated"] = 2011
    frame = frame[frame["period"] <= 2014]
    x, y, _ = dummies(frame)
    assert att(frame).loc["att", "estimate"] == pytest.approx(
        np.linalg.lstsq(x, y, rcond=None)[0][0], rel=1e-9
    )


def test_ten_practices_of_which_four_treated_have_every_interval():
    methods = [
        "cr0",
        "cr1",
        "cr2",
        "cr3",
        "jackknife",
        "unit",
        "wild_bootstrap",
        "randomisation",
        "multiplier_bootstrap",
    ]
    frame = panel(seed=42, practices=10, treated=4, units=100)
    table = evalweave.twfe(frame, outcome="y", inference=methods, draws=499).tidy()
    assert list(table["inference"]) == methods
    assert np.isfinite(table[["ci_low", "ci_high", "p_value"]].to_numpy(float)).all()
    assert (
        table["std_error"][table["inference"].isin(["wild_bootstrap", "randomisation"])]
        .isna()
        .all()
    )


def test_weights_of_zero_leave_rows_out_and_say_how_many():
    frame = panel(seed=43)
    frame["w"] = np.where(np.arange(len(frame)) % 7 == 0, 0.0, 1.0)
    result = evalweave.twfe(frame, outcome="y", weight="w", diagnostics=False)
    dropped = int((frame["w"] == 0).sum())
    assert result.tidy()["n_obs"][0] == len(frame) - dropped
    assert result.tidy()["estimate"][0] == att(frame[frame["w"] == 1]).loc["att", "estimate"]
    assert f"{dropped} rows with a weight of zero" in " ".join(result.diagnostics["twfe"]["notes"])


def test_inference_that_does_not_apply_says_what_does():
    with pytest.raises(
        StudyError, match=r"wild_bootstrap needs a least-squares estimator.*jackknife"
    ):
        evalweave.callaway_santanna(panel(), outcome="y", inference=["wild_bootstrap"])


def test_a_practice_whose_patients_are_all_seen_once_changes_no_estimate_and_is_counted():
    frame = panel(seed=44)
    once = frame[frame["practice_id"] == "g07"].drop_duplicates("patient_id")
    rest = frame[frame["practice_id"] != "g07"]
    result = evalweave.twfe(pd.concat([rest, once]), outcome="y")
    assert result.tidy()["estimate"][0] == pytest.approx(
        att(rest).loc["att", "estimate"], rel=1e-12
    )
    assert result.diagnostics["twfe"]["contributing"]["practices_seen_once_only"] == 1
    assert result.tidy()["n_practices"][0] == 8


def test_the_convention_says_whether_there_are_weights():
    frame = panel(seed=44)
    assert "weighted" not in att(frame).loc["att", "convention"]
    assert "weighted" in att(frame, weight="weight").loc["att", "convention"]
