"""Callaway–Sant'Anna on simulated unbalanced, staggered panels: what must not change, and
arithmetic by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import expit

from evalweave.errors import DataError
from evalweave.estimators.callaway_santanna import callaway_santanna
from evalweave.estimators.cs_panel import compare
from evalweave.estimators.cs_propensity import NoEstimate
from evalweave.estimators.panel_data import panel_data
from evalweave.study.analyses import AnalysisOptions, Columns

COLUMNS = Columns(
    unit="patient_id",
    period="period",
    cluster="practice_id",
    outcome="y",
    first_treated="first_treated",
)
STARTS = np.array([2013.0, 2014.0, 2015.0, np.nan, np.nan, 2014.0, np.nan, 2013.0, 2015.0, np.nan])


def simulated(seed=3, units=300, seen=0.75, periods=6):
    """Simulated: 10 practices, three start dates and never, a covariate that moves outcome and
    start."""
    random = np.random.default_rng(seed)
    practice = random.integers(0, 10, units)
    x = random.normal(size=units) + 0.4 * np.isnan(STARTS[practice])
    frame = pd.DataFrame(
        {
            "patient_id": np.repeat([f"p{u:04d}" for u in range(units)], periods),
            "practice_id": np.repeat([f"g{p}" for p in practice], periods),
            "period": np.tile(np.arange(2011, 2011 + periods), units),
            "first_treated": np.repeat(STARTS[practice], periods),
            "x": np.repeat(x, periods),
            "weight": np.repeat(random.uniform(0.5, 2, units), periods),
        }
    )
    frame["z"] = frame["x"] + random.normal(size=len(frame))  # varies within a patient
    trend = 0.3 * frame["x"] * (frame["period"] - 2011)
    done = (frame["period"] >= frame["first_treated"]).astype(float)
    shock = random.normal(size=(10, periods))[np.repeat(practice, periods), frame["period"] - 2011]
    frame["y"] = 50 + trend - done + 0.3 * shock + random.normal(size=len(frame))
    return frame[random.random(len(frame)) < seen].reset_index(drop=True)


FRAME = simulated()


def options(**keys):
    return AnalysisOptions(**{"name": "cs", "estimator": "callaway_santanna"} | keys)


def fitted(frame=FRAME, columns=COLUMNS, **keys):
    analysis = options(**keys)
    return callaway_santanna(panel_data(frame, columns, analysis), analysis)


def named(fit):
    return dict(zip(fit.terms, fit.theta, strict=True))


ALL = [
    {"unbalanced": unbalanced, "method": method, "control": control, "base": base}
    for unbalanced in ("pairwise", "balanced", "repeated_cross_section")
    for method in ("reg", "ipw", "dr")
    for control, base in (("never_treated", "varying"), ("not_yet_treated", "universal"))
]


@pytest.mark.parametrize("keys", ALL)
def test_clustering_changes_no_bit_of_an_estimate(keys):
    by_practice = fitted(covariates=["z"], **keys)
    by_patient = fitted(
        columns=COLUMNS.model_copy(update={"cluster": "patient_id"}), covariates=["z"], **keys
    )
    assert by_practice.terms == by_patient.terms
    assert np.array_equal(by_practice.theta, by_patient.theta)
    assert not np.allclose(by_practice.influence.std(axis=0), 0)


@pytest.mark.parametrize("keys", ALL)
def test_influence_is_the_derivative_in_each_patients_weight(keys):
    """theta at weights w(1 + h) against w(1 − h): exact for estimators that solve weighted moments.

    Independent of every formula for influence, nuisance parameters and estimated shares included.
    """
    frame, weighted = simulated(seed=9, units=160), COLUMNS.model_copy(update={"weight": "weight"})
    if keys["unbalanced"] == "balanced":
        frame = simulated(seed=9, units=160, seen=1.0)
    columns = weighted.model_copy(update={"cluster": "patient_id"})
    fit = fitted(frame, columns, covariates=["z"], **keys)
    step = 1e-4
    for patient in fit.cluster_names[:160:23]:
        moved = []
        for sign in (1, -1):
            other = frame.copy()
            other.loc[other["patient_id"] == patient, "weight"] *= 1 + sign * step
            moved.append(named(fitted(other, columns, covariates=["z"], **keys)))
        slope = np.array([(moved[0][t] - moved[1][t]) / (2 * step) for t in fit.terms])
        row = fit.influence[fit.cluster_names.index(patient)]
        np.testing.assert_allclose(row, slope, rtol=2e-5, atol=2e-8)


@pytest.mark.parametrize("keys", ALL)
def test_unclustered_covariance_is_that_of_clustering_on_patients(keys):
    by_patient = fitted(
        columns=COLUMNS.model_copy(update={"cluster": "patient_id"}),
        covariates=["z"],
        inference=["unit"],
        **keys,
    )
    expected = by_patient.influence.T @ by_patient.influence
    np.testing.assert_allclose(by_patient.unit_covariance, expected, rtol=1e-8, atol=1e-14)


def pair(frame, g, t, base, covariate):
    """Patients of cohort g and never treated who are seen in both periods."""
    wide = frame.pivot(index="patient_id", columns="period", values="y")
    early = frame[frame["period"] == min(t, base)].set_index("patient_id")
    both = wide[[t, base]].dropna().index
    early = early.loc[both]
    early = early[(early["first_treated"] == g) | early["first_treated"].isna()]
    change = (wide[t] - wide[base]).loc[early.index].to_numpy()
    treated = (early["first_treated"] == g).to_numpy(float)
    return change, treated, sm.add_constant(early[covariate].to_numpy())


@pytest.mark.parametrize("cell", [(2014, 2015, 2013), (2013, 2016, 2012), (2015, 2012, 2011)])
def test_doubly_robust_by_hand(cell):
    change, d, x = pair(FRAME, *cell, "z")
    b = sm.OLS(change[d == 0], x[d == 0]).fit().params
    p = sm.Logit(d, x).fit(disp=0, tol=1e-12).predict(x)
    rest = change - x @ b
    odds = p / (1 - p)
    dr = rest[d == 1].mean() - np.average(rest[d == 0], weights=odds[d == 0])
    reg = rest[d == 1].mean()
    ipw = change[d == 1].mean() - np.average(change[d == 0], weights=odds[d == 0])
    for method, value in {"dr": dr, "reg": reg, "ipw": ipw}.items():
        found = named(fitted(method=method, covariates=["z"]))[f"att_gt[{cell[0]},{cell[1]}]"]
        assert found == pytest.approx(value, rel=1e-7), method


def test_repeated_cross_section_by_hand():
    """Locally efficient doubly robust form, written out with every term of Sant'Anna & Zhao's eq.
    3.4."""
    g, t, base = 2014, 2015, 2013
    rows = FRAME[FRAME["period"].isin([t, base])]
    rows = rows[(rows["first_treated"] == g) | rows["first_treated"].isna()]
    y, x = rows["y"].to_numpy(), sm.add_constant(rows["z"].to_numpy())
    d, post = (rows["first_treated"] == g).to_numpy(), (rows["period"] == t).to_numpy()
    p = sm.Logit(d.astype(float), x).fit(disp=0, tol=1e-12).predict(x)
    mean = {
        (i, s): x @ sm.OLS(y[(d == i) & (post == s)], x[(d == i) & (post == s)]).fit().params
        for i in (False, True)
        for s in (False, True)
    }
    of_control = np.where(post, mean[False, True], mean[False, False])
    w = {(True, s): (d & (post == s)).astype(float) for s in (False, True)}
    w |= {(False, s): np.where(~d & (post == s), p / (1 - p), 0.0) for s in (False, True)}

    def average(values, weights):
        return np.average(values, weights=weights)

    simple = sum(
        (1 if i == s else -1) * average(y - of_control, w[i, s])
        for i in (False, True)
        for s in (False, True)
    )
    extra = sum(
        (1 if s else -1)
        * (
            average(mean[True, s] - mean[False, s], d)
            - average(mean[True, s] - mean[False, s], w[True, s])
        )
        for s in (False, True)
    )
    found = named(fitted(unbalanced="repeated_cross_section", covariates=["z"]))[f"att_gt[{g},{t}]"]
    assert found == pytest.approx(simple + extra, rel=1e-7)


@pytest.mark.parametrize("unbalanced", ["pairwise", "repeated_cross_section"])
def test_averages_weigh_cohorts_by_distinct_patients(unbalanced):
    """R's convention, not the number of rows and not the patients seen in the two periods of a
    cell."""
    found = named(fitted(unbalanced=unbalanced))
    sizes = FRAME.drop_duplicates("patient_id")["first_treated"].value_counts()
    cells = {(g, t): found[f"att_gt[{g},{t}]"] for g in (2013, 2014, 2015) for t in range(g, 2017)}
    simple = np.average(list(cells.values()), weights=[sizes[g] for g, _ in cells])
    assert found["simple"] == pytest.approx(simple)
    now = [(g, value) for (g, t), value in cells.items() if t - g == 1]
    assert found["event[1]"] == pytest.approx(
        np.average([v for _, v in now], weights=[sizes[g] for g, _ in now])
    )
    group = {g: np.mean([v for (h, _), v in cells.items() if h == g]) for g in (2013, 2014, 2015)}
    overall = np.average(list(group.values()), weights=[sizes[g] for g in group])
    assert found["group[overall]"] == pytest.approx(overall)


def test_row_order_weights_of_one_and_scale():
    base = fitted(covariates=["z"])
    shuffled = fitted(FRAME.sample(frac=1, random_state=1), covariates=["z"])
    assert np.array_equal(base.theta, shuffled.theta)
    ones = fitted(
        FRAME.assign(weight=1.0), COLUMNS.model_copy(update={"weight": "weight"}), covariates=["z"]
    )
    np.testing.assert_allclose(ones.theta, base.theta, rtol=1e-12)
    doubled = fitted(
        FRAME.assign(weight=2.0), COLUMNS.model_copy(update={"weight": "weight"}), covariates=["z"]
    )
    np.testing.assert_allclose(doubled.theta, base.theta, rtol=1e-9)
    np.testing.assert_allclose(doubled.influence, base.influence, rtol=1e-8, atol=1e-12)
    scaled = fitted(
        FRAME.assign(y=FRAME["y"] * 0.09148 + 2.15, z=FRAME["z"] * 100 - 7), covariates=["z"]
    )
    np.testing.assert_allclose(scaled.theta, base.theta * 0.09148, rtol=1e-7)


@pytest.mark.parametrize("method", ["reg", "dr"])
def test_leaving_a_practice_out_is_estimating_without_it(method):
    for unbalanced in ("pairwise", "repeated_cross_section"):
        fit = fitted(method=method, covariates=["z"], unbalanced=unbalanced)
        for out in (0, 3):
            keep = np.arange(len(fit.cluster_names)) != out
            without = FRAME[FRAME["practice_id"] != fit.cluster_names[out]]
            again = named(fitted(without, method=method, covariates=["z"], unbalanced=unbalanced))
            np.testing.assert_allclose(
                fit.refit(keep), [again[term] for term in fit.terms], rtol=1e-6
            )


def test_leaving_out_the_only_practice_of_a_cohort_loses_its_terms():
    frame = FRAME[~FRAME["practice_id"].isin(["g7"])]  # 2013 is g0 alone
    fit = fitted(frame)
    again = dict(
        zip(fit.terms, fit.refit(np.array([n != "g0" for n in fit.cluster_names])), strict=True)
    )
    lost = {term for term, value in again.items() if np.isnan(value)}
    assert {"att_gt[2013,2014]", "group[2013]", "simple", "group[overall]", "event[0]"} <= lost
    assert not np.isnan(again["att_gt[2014,2015]"])


def test_no_never_treated():
    frame = FRAME[FRAME["first_treated"].notna()]
    with pytest.raises(DataError, match="not_yet_treated"):
        fitted(frame)
    fit = fitted(frame, control="not_yet_treated")
    assert {term for term in fit.terms if term.startswith("att_gt")} == {
        f"att_gt[{g},{t}]" for g in (2013, 2014) for t in (2012, 2013, 2014)
    }
    assert any("comparison only" in note for note in fit.notes)
    with pytest.raises(DataError, match="no comparison"):
        fitted(frame[frame["first_treated"] == 2014], control="not_yet_treated")


def test_already_treated_are_set_aside_and_counted():
    frame = FRAME.assign(first_treated=FRAME["first_treated"].replace(2013.0, 2011.0))
    fit = fitted(frame)
    count = FRAME.loc[FRAME["first_treated"] == 2013, "patient_id"].nunique()
    assert any(note.startswith(f"{count} patients were set aside") for note in fit.notes)
    assert not any("2011," in term for term in fit.terms)


def test_separation_is_absent_with_its_reason():
    frame = FRAME.assign(s=FRAME["z"].where(FRAME["first_treated"] != 2014, FRAME["z"] + 100))
    fit = fitted(frame, covariates=["s"])
    assert "no overlap in the covariates" in fit.absent["att_gt[2014,2015]"]
    assert "lie outside the comparison patients' range of s" in fit.absent["att_gt[2014,2015]"]
    assert "group[2014]" in fit.absent
    assert np.isfinite(fit.theta).all()
    assert any("have no estimate" in note for note in fit.notes)
    assert "att_gt[2014,2015]" in fitted(frame, covariates=["s"], method="reg").terms


def test_collinear_and_constant_covariates_are_left_out_with_a_note():
    frame = FRAME.assign(twice=2 * FRAME["z"] - 1, one=1.0)
    fit = fitted(frame, covariates=["z", "twice", "one"])
    np.testing.assert_allclose(fit.theta, fitted(covariates=["z"]).theta, rtol=1e-9)
    assert sum("was left out" in note for note in fit.notes) == 2


def test_no_usable_comparison_for_a_cohort():
    """Never-treated patients seen early only: later cells are absent, earlier ones remain."""
    frame = FRAME[FRAME["first_treated"].notna() | (FRAME["period"] <= 2013)]
    fit = fitted(frame)
    assert "no comparison patient" in fit.absent["att_gt[2014,2015]"]
    assert "att_gt[2013,2013]" in fit.terms
    assert np.isfinite(fit.theta).all()


def test_one_period_after_one_treated_practice_and_constant_outcome():
    frame = FRAME[
        (FRAME["period"] <= 2013) & (FRAME["first_treated"].isna() | (FRAME["practice_id"] == "g0"))
    ]
    fit = fitted(frame)
    assert fit.n_practices_treated == 1
    assert {"att_gt[2013,2013]", "simple", "event[0]", "calendar[2013]"} <= set(fit.terms)
    flat = fitted(FRAME.assign(y=40.0))
    np.testing.assert_allclose(flat.theta, 0, atol=1e-12)
    np.testing.assert_allclose(flat.influence, 0, atol=1e-12)


def test_patients_seen_once_inform_pairs_of_nobody_but_count():
    once = FRAME.drop_duplicates("patient_id")
    frame = pd.concat([FRAME, once.assign(patient_id=once["patient_id"] + "b")])
    more, base = fitted(frame), fitted()
    cells = [k for k, term in enumerate(base.terms) if term.startswith("att_gt")]
    np.testing.assert_allclose(more.theta[cells], base.theta[cells], rtol=1e-12)
    assert more.n_patients == 2 * base.n_patients


def test_influence_of_an_average_is_linear_in_its_parts():
    fit = fitted(covariates=["z"])
    at = {term: k for k, term in enumerate(fit.terms)}
    parts = [at[f"event[{e}]"] for e in range(4)]
    np.testing.assert_allclose(
        fit.influence[:, at["event[overall]"]],
        fit.influence[:, parts].mean(axis=1),
        rtol=1e-9,
        atol=1e-15,
    )


def test_panel_is_not_changed():
    analysis = options(covariates=["z"])
    panel = panel_data(FRAME, COLUMNS, analysis)
    before = replace(panel, y=panel.y.copy())
    callaway_santanna(panel, analysis)
    assert np.array_equal(before.y, panel.y)


def test_anticipation_window_refers_to_the_last_period_before_it():
    """From g − 2 on the base period is g − 3: a lasting anticipation effect must not be differenced
    away."""
    frame = FRAME.copy()
    frame["y"] += 3.0 * (
        (frame["period"] >= frame["first_treated"] - 2) & (frame["first_treated"] == 2015)
    )
    cells = {f"att_gt[2015,{t}]" for t in range(2013, 2017)}
    moved, base = named(fitted(frame, anticipation=2)), named(fitted(anticipation=2))
    assert {term for term in base if moved[term] - base[term] == pytest.approx(3)} >= cells
    assert moved["att_gt[2015,2012]"] == pytest.approx(base["att_gt[2015,2012]"])
    assert not any(
        term.startswith("att_gt[2013") for term in base
    )  # its window covers the first period


@pytest.mark.parametrize("seed", range(5))
def test_the_logit_is_that_of_statsmodels(seed):
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    from evalweave.estimators.cs_propensity import logit

    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(3, 200)), rng.integers(1, 4, 200).astype(float)
    treated = rng.random(200) < 1 / (1 + np.exp(-(x[0] - 0.5 * x[1])))
    fit, own, other = logit(x[:, treated], x[:, ~treated], w[treated], w[~treated])
    design = np.column_stack((np.ones(200), x.T))
    peer = GLM(treated.astype(float), design, family=Binomial(), freq_weights=w).fit(
        tol=1e-14, tol_criterion="params"
    )
    np.testing.assert_allclose(fit.coefficients, peer.params, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(fit.inverse_information, peer.cov_params(), rtol=1e-9, atol=1e-12)
    fitted = np.concatenate((own, other))
    expected = np.concatenate((peer.fittedvalues[treated], peer.fittedvalues[~treated]))
    np.testing.assert_allclose(fitted, expected, atol=1e-10)


def scored(x_treated, x_control):
    ones = np.ones(len(x_treated)), np.ones(len(x_control))
    return compare("ipw", x_treated[None], x_control[None], *ones)


def test_scores_from_0995_on_get_no_weight():
    rng = np.random.default_rng(12)
    far = 5.5  # logit is about x + 0.2: the score is about 0.9965
    found = scored(rng.normal(1, 1, 2000), np.append(rng.normal(0, 1, 1000).clip(-3, 4), far))
    score = expit(found.score.coefficients[0] + found.score.coefficients[1] * found.x_control[0])
    assert 0.995 <= score[-1] < 0.999 and score[:-1].max() < 0.995
    assert found.odds[-1] == 0
    np.testing.assert_allclose(found.odds[:-1], score[:-1] / (1 - score[:-1]), rtol=1e-9)


def test_one_comparison_patient_cannot_stand_for_a_cohort():
    rng = np.random.default_rng(13)
    with pytest.raises(NoEstimate, match="one comparison patient would carry more than half"):
        scored(rng.normal(2, 0.5, 20), np.append(rng.normal(-1, 0.6, 60), [2.0, 0.5]))
