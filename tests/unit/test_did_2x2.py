"""The 2×2, ANCOVA, practice means, dose and ETWFE against hand-made or other people's numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import evalweave
from evalweave.errors import DataError, StudyError
from helpers.did_panels import panel


def test_att_is_the_difference_of_four_means():
    frame = panel(seed=71)
    found = evalweave.did_2x2(frame, outcome="y").tidy().set_index("term")
    arm, after = frame["first_treated"].notna(), frame["period"] >= 2014
    mean = frame.groupby([arm, after])["y"].mean()
    expected = (mean[True, True] - mean[True, False]) - (mean[False, True] - mean[False, False])
    assert found.loc["att", "estimate"] == pytest.approx(expected, rel=1e-10)


def test_errors_and_ancova_equal_statsmodels():
    import statsmodels.formula.api as smf

    frame = panel(seed=72).assign(
        arm=lambda f: f["first_treated"].notna() * 1, after=lambda f: (f["period"] >= 2014) * 1
    )
    found = evalweave.did_2x2(frame, outcome="y", inference=["cr1"]).tidy().set_index("term")
    fitted = smf.ols("y ~ arm * after", frame).fit(
        cov_type="cluster", cov_kwds={"groups": frame["practice_id"]}
    )
    assert found.loc["att", "std_error"] == pytest.approx(fitted.bse["arm:after"], rel=1e-9)
    means = frame.pivot_table(
        index=["patient_id", "practice_id", "arm"], columns="after", values="y"
    ).dropna()
    means = means.rename(columns={0: "before", 1: "later"}).reset_index()
    ancova = smf.ols("later ~ arm + before", means).fit(
        cov_type="cluster", cov_kwds={"groups": means["practice_id"]}
    )
    assert found.loc["ancova", "estimate"] == pytest.approx(ancova.params["arm"], rel=1e-9)
    assert found.loc["ancova", "std_error"] == pytest.approx(ancova.bse["arm"], rel=1e-9)


def test_practice_means_are_a_two_sample_t_test():
    from scipy.stats import ttest_ind

    frame = panel(seed=73)
    found = (
        evalweave.did_2x2(frame, outcome="y", collapse="practice")
        .tidy()
        .set_index("term")
        .loc["practices_equal"]
    )
    after = frame["period"] >= 2014
    change = frame.pivot_table(
        index=["patient_id", "practice_id"], columns=after, values="y"
    ).dropna()
    change = (change[True] - change[False]).groupby("practice_id").mean()
    treated = change.index < "g04"
    test = ttest_ind(change[treated], change[~treated])
    assert found["estimate"] == pytest.approx(
        change[treated].mean() - change[~treated].mean(), rel=1e-10
    )
    assert found["p_value"] == pytest.approx(test.pvalue, rel=1e-9)
    assert found["dof"] == len(change) - 2
    assert found["inference"] == "practice_means"


def test_practice_means_by_size_are_weighted_least_squares():
    import statsmodels.api as sm

    frame = panel(seed=79)
    found = (
        evalweave.did_2x2(frame, outcome="y", collapse="practice")
        .tidy()
        .set_index("term")
        .loc["practices_by_size"]
    )
    after = frame["period"] >= 2014
    people = frame.pivot_table(
        index=["patient_id", "practice_id"], columns=after, values="y"
    ).dropna()
    change = (people[True] - people[False]).groupby("practice_id")
    arm = (change.mean().index < "g04").astype(float)
    right = sm.WLS(change.mean(), sm.add_constant(arm), weights=change.size()).fit()
    assert found["estimate"] == pytest.approx(right.params.iloc[1], rel=1e-9)
    assert found["std_error"] == pytest.approx(right.bse.iloc[1], rel=1e-9)


def test_staggered_starts_are_refused_with_what_to_use():
    with pytest.raises(DataError, match="did_2x2 needs one start, and there are 3"):
        evalweave.did_2x2(panel(seed=74, staggered=True), outcome="y")


def dosed(seed):
    frame = panel(seed=seed, units=200)
    started = frame["period"] >= frame["first_treated"]
    frame["up"] = (started & (np.random.default_rng(seed).random(len(frame)) < 0.5)).astype(float)
    return frame


def test_dose_equals_linearmodels_iv_on_absorbed_data():
    from linearmodels.iv import IV2SLS

    frame = dosed(75)
    found = (
        evalweave.dose(
            frame,
            outcome="y",
            uptake="up",
            uptake_complete=True,
            covariates=["x"],
            inference=["cr1"],
        )
        .tidy()
        .iloc[0]
    )
    table = pd.DataFrame({"y": frame["y"], "up": frame["up"], "x": frame["x"]})
    table["d"] = (frame["period"] >= frame["first_treated"]).astype(float)
    for p in sorted(frame["period"].unique())[1:]:
        table[f"p{p}"] = (frame["period"] == p).astype(float)
    table -= table.groupby(frame["patient_id"]).transform("mean")
    exog = table.drop(columns=["y", "up", "d"])
    clusters = pd.factorize(frame["practice_id"])[0]
    fitted = IV2SLS(table["y"], exog, table["up"], table["d"]).fit(
        cov_type="clustered", clusters=clusters, debiased=False
    )
    g = frame["practice_id"].nunique()
    assert found["term"] == "att[up=1]"
    assert found["estimate"] == pytest.approx(fitted.params["up"], rel=1e-8)
    assert found["std_error"] == pytest.approx(
        fitted.std_errors["up"] * np.sqrt(g / (g - 1)), rel=1e-8
    )


def test_dose_jackknife_is_the_refit_and_anderson_rubin_bounds_it():
    frame = dosed(76)
    result = evalweave.dose(
        frame, outcome="y", uptake="up", uptake_complete=True, inference=["jackknife"]
    )
    full = result.tidy()["estimate"][0]
    options = {"outcome": "y", "uptake": "up", "uptake_complete": True, "diagnostics": False}
    moved = [
        evalweave.dose(frame[frame["practice_id"] != g], **options).tidy()["estimate"][0] - full
        for g in frame["practice_id"].unique()
    ]
    assert result.tidy()["std_error"][0] == pytest.approx(
        np.sqrt(np.sum(np.square(moved)) * 7 / 8), rel=1e-8
    )
    said = result.diagnostics["dose"]
    assert said["anderson_rubin"]["low"] < full < said["anderson_rubin"]["high"]
    # The ends of the Anderson–Rubin interval are where the reduced form of y - b uptake is just
    # significant.
    for b in (said["anderson_rubin"]["low"], said["anderson_rubin"]["high"]):
        shifted = frame.assign(y=frame["y"] - b * frame["up"])
        fitted = evalweave.twfe(shifted, outcome="y", diagnostics=False, inference=["cr1"])
        assert fitted.tidy()["p_value"][0] == pytest.approx(0.05, abs=1e-8)


def test_dose_says_how_strong_its_first_stage_is():
    frame = dosed(80)
    frame["noise"] = np.random.default_rng(80).integers(0, 2, len(frame)).astype(float)
    for uptake in ("up", "noise"):
        options = {"outcome": "y", "uptake": uptake, "uptake_complete": True}
        entry = evalweave.dose(frame, **options).diagnostics["dose"]
        fitted = evalweave.twfe(frame, outcome=uptake, diagnostics=False, inference=["cr1"])
        first = fitted.tidy().iloc[0]
        f = (first["estimate"] / first["std_error"]) ** 2
        assert entry["first_stage_f"] == pytest.approx(f)
        weak = any("The first stage is weak" in note for note in entry["notes"])
        assert weak is (uptake == "noise") is bool(f < 10)


def test_dose_refuses_an_undeclared_source_and_prints_its_warning():
    with pytest.raises(StudyError, match="Referral codes before 2019 are not one"):
        evalweave.dose(dosed(77), outcome="y", uptake="up")
    notes = evalweave.dose(dosed(77), outcome="y", uptake="up", uptake_complete=True).diagnostics[
        "dose"
    ]["notes"]
    assert any(note.startswith("Selection:") for note in notes)


def test_etwfe_att_equals_imputation_by_hand():
    frame = panel(seed=78, staggered=True, seen=1.1)  # the equivalence needs a balanced panel
    found = evalweave.etwfe(frame, outcome="y").tidy().set_index("term")["estimate"]
    # Without covariates, etwfe's cell effects average what imputing from untreated rows gives
    # (Wooldridge 2021).
    treated = frame["period"] >= frame["first_treated"]
    names = [*sorted(frame["patient_id"].unique()), *sorted(frame["period"].unique())[1:]]
    x = np.column_stack(
        [(frame["patient_id"] == n) | (frame["period"] == n) for n in names]
    ).astype(float)
    beta = np.linalg.lstsq(x[~treated], frame["y"][~treated], rcond=None)[0]
    seen = frame["patient_id"].isin(frame.loc[~treated, "patient_id"])
    gap = (frame["y"] - x @ beta)[treated & seen]
    assert seen[treated].all()
    assert found["att"] == pytest.approx(gap.mean(), rel=1e-8)
    of = (frame["first_treated"] == 2014) & (frame["period"] == 2015)
    assert found["att_gt[2014,2015]"] == pytest.approx(gap[of].mean(), rel=1e-8)
