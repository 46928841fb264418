"""Imputation on simulated unbalanced panels, against dummies written out in full."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import evalweave
from evalweave.errors import DataError
from evalweave.estimators.imputation import imputation
from evalweave.estimators.panel_data import panel_data
from evalweave.study.analyses import AnalysisOptions, Columns
from helpers.did_panels import panel as simulated

COLUMNS = Columns(
    unit="patient_id",
    period="period",
    cluster="practice_id",
    outcome="y",
    first_treated="first_treated",
)
FRAME = simulated(staggered=True, units=90)


def fitted(frame=FRAME, columns=COLUMNS, **keys):
    analysis = AnalysisOptions(**{"name": "bjs", "estimator": "imputation"} | keys)
    return imputation(panel_data(frame, columns, analysis), analysis)


def named(fit):
    return dict(zip(fit.terms, fit.theta, strict=True))


def by_hand(frame, weight=None, covariate=None):
    """Effects of treated rows with all dummies explicit, and for each untreated row its weight in
    `att`."""
    frame = frame.sort_values(["patient_id", "period"])
    z = [
        pd.get_dummies(frame["patient_id"]).to_numpy(float),
        pd.get_dummies(frame["period"]).to_numpy(float),
    ]
    if covariate:
        z.append(frame[[covariate]].to_numpy())
    z = np.hstack(z)
    w = frame[weight].to_numpy() if weight else np.ones(len(frame))
    treated = (frame["period"] >= frame["first_treated"]).to_numpy()
    seen = frame[~treated].groupby("patient_id").size()
    known = treated & frame["patient_id"].isin(seen.index).to_numpy()
    free = ~treated
    inverse = np.linalg.pinv((z[free] * w[free, None]).T @ z[free])
    y = frame["y"].to_numpy()
    tau = y - z @ (inverse @ (z[free] * w[free, None]).T @ y[free])
    target = np.where(known, w, 0) / w[known].sum()
    v = np.where(free, -w * (z @ (inverse @ (z.T @ target))), target)
    return frame, tau, known, v


@pytest.mark.parametrize(
    ("weight", "covariate"), [(None, None), ("weight", None), (None, "x"), ("weight", "x")]
)
def test_estimates_and_conservative_error_by_hand(weight, covariate):
    columns = COLUMNS.model_copy(update={"weight": weight})
    fit = fitted(columns=columns, covariates=[covariate] if covariate else [])
    frame, tau, known, v = by_hand(FRAME, weight, covariate)
    w = frame[weight].to_numpy() if weight else np.ones(len(frame))
    theta = named(fit)
    assert theta["att"] == pytest.approx(np.average(tau[known], weights=w[known]), rel=1e-8)
    event = (frame["period"] - frame["first_treated"]).to_numpy()
    for e in np.unique(event[known]):
        at = known & (event == e)
        assert theta[f"event[{int(e)}]"] == pytest.approx(
            np.average(tau[at], weights=w[at]), rel=1e-8
        )
    table = frame.assign(tau=tau, v=v, known=known)
    cell = table[known].groupby(["first_treated", "period"])
    mean = cell.apply(lambda rows: np.average(rows["tau"], weights=rows["v"] ** 2)).rename("mean")
    table = table.join(mean, on=["first_treated", "period"])
    done = table["period"] >= table["first_treated"]
    table["e"] = np.where(
        table["known"], table["tau"] - table["mean"], np.where(done, 0, table["tau"])
    )
    psi = (table["v"] * table["e"]).groupby(table["practice_id"]).sum()
    np.testing.assert_allclose(fit.influence[:, fit.terms.index("att")], psi, rtol=1e-7, atol=1e-10)


def test_rows_that_cannot_be_imputed_are_counted():
    late = FRAME[(FRAME["patient_id"] != "p0000") | (FRAME["period"] >= 2014)]
    base, fit = fitted(), fitted(late)
    lost = int(((late["patient_id"] == "p0000") & (late["period"] >= late["first_treated"])).sum())
    before = next((int(n.split()[0]) for n in base.notes if "cannot be imputed" in n), 0)
    assert lost > 0
    assert any(note.startswith(f"{before + lost} of ") for note in fit.notes)


def test_periods_without_untreated_rows_cannot_be_imputed():
    treated = FRAME[FRAME["first_treated"].notna()]
    fit = fitted(treated)
    assert any("periods from 2015 on were set aside" in note for note in fit.notes)
    assert "event[2]" not in fit.terms  # 2015 is the last start; from then on nobody is untreated
    assert np.isfinite(fit.theta).all()
    assert not fit.absent
    late = treated.assign(
        first_treated=treated["first_treated"].where(treated["first_treated"] < 2015)
    )
    again = fitted(late[late["period"] < 2015])
    assert np.array_equal(again.theta, fit.theta)
    same = treated[treated["first_treated"] == 2014]
    with pytest.raises(DataError, match="Nobody is untreated while others are treated"):
        fitted(same)


def test_unrelated_to_clustering_row_order_and_relabelling():
    base = fitted()
    assert np.array_equal(base.theta, fitted(FRAME.sample(frac=1, random_state=2)).theta)
    by_patient = fitted(
        columns=COLUMNS.model_copy(update={"cluster": "patient_id"}), inference=["unit"]
    )
    assert np.array_equal(base.theta, by_patient.theta)
    expected = by_patient.influence.T @ by_patient.influence
    np.testing.assert_allclose(by_patient.unit_covariance, expected, rtol=1e-9, atol=1e-16)
    renamed = FRAME.assign(patient_id="z" + FRAME["patient_id"].str[:0:-1])
    np.testing.assert_allclose(fitted(renamed).theta, base.theta, rtol=1e-9)


def test_leaving_a_practice_out_is_estimating_without_it():
    fit = fitted(covariates=["x"])
    for out in range(3):
        keep = np.arange(len(fit.cluster_names)) != out
        again = named(
            fitted(FRAME[FRAME["practice_id"] != fit.cluster_names[out]], covariates=["x"])
        )
        np.testing.assert_allclose(
            fit.refit(keep), [again.get(term, np.nan) for term in fit.terms], rtol=1e-7
        )


def test_anticipation_takes_rows_before_the_start_out_of_the_untreated():
    fit = fitted(anticipation=1)
    moved = FRAME.assign(first_treated=FRAME["first_treated"] - 1)
    earlier = named(fitted(moved))
    assert named(fit)["event[-1]"] == pytest.approx(earlier["event[0]"], rel=1e-9)
    assert named(fit)["event[1]"] == pytest.approx(earlier["event[2]"], rel=1e-9)


def test_an_exact_model_gives_the_exact_effect():
    frame = FRAME.copy()
    done = frame["period"] >= frame["first_treated"]
    frame["y"] = (
        frame["patient_id"].str[1:].astype(float) + (frame["period"] - 2011) ** 2 - 3.0 * done
    )
    fit = fitted(frame)
    assert named(fit)["att"] == pytest.approx(-3.0)
    assert all(named(fit)[f"event[{e}]"] == pytest.approx(-3.0) for e in range(3))
    assert named(fit)["event[-2]"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("covariates", [[], ["white"], ["x"]])
def test_estimates_without_practices_are_those_of_estimating_again(weighted, covariates):
    """Sums by practice against the whole estimation on the rows that are left."""
    frame = simulated(seed=91, units=120, practices=9, treated=5, periods=7, staggered=True)
    keys = {"outcome": "y", "weight": "weight" if weighted else None, "covariates": covariates}
    fit = evalweave.imputation(frame, inference=["cr1"], diagnostics=False, **keys).fits[
        "imputation"
    ]
    for left_out in (["g00"], ["g04"], ["g08"], ["g01", "g06"]):
        keep = np.array([name not in left_out for name in fit.cluster_names])
        rest = frame[~frame["practice_id"].isin(left_out)]
        table = evalweave.imputation(
            rest, inference=["cr1"], diagnostics=False, partial=True, **keys
        ).tidy()
        again = table.set_index("term")["estimate"].reindex(fit.terms)
        np.testing.assert_allclose(fit.refit(keep), again, rtol=1e-8, atol=1e-9)


def test_what_only_one_practice_determines_is_lost_without_it():
    """Without the only untreated practice of the last period nothing there can be imputed."""
    frame = simulated(seed=92, units=140, practices=7, treated=5, seen=1.1)
    frame = frame[(frame["practice_id"] != "g06") | (frame["period"] < 2016)]
    keys = {"outcome": "y", "inference": ["cr1"], "diagnostics": False, "partial": True}
    fit = evalweave.imputation(frame, **keys).fits["imputation"]
    assert np.isfinite(fit.theta).all() and "event[2]" in fit.terms
    keep = np.array([name != "g05" for name in fit.cluster_names])
    rest = evalweave.imputation(frame[frame["practice_id"] != "g05"], **keys).tidy()
    again = rest.set_index("term")["estimate"].reindex(fit.terms)
    assert again.isna().to_dict()["event[2]"]
    np.testing.assert_allclose(fit.refit(keep), again, rtol=1e-8)
