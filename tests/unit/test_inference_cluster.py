"""cr0–cr3, jackknife and degrees of freedom against full matrices and refits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import evalweave
from helpers.did_panels import absorbed, bell_mccaffrey, dummies, panel


def row(frame, method, **more):
    table = evalweave.twfe(frame, outcome="y", inference=[method], **more).tidy()
    return table[table["term"] == "att"].iloc[0]


@pytest.mark.parametrize(("method", "power"), [("cr0", 0.0), ("cr2", 0.5), ("cr3", 1.0)])
def test_adjusted_errors_and_dof_equal_full_matrices(method, power):
    frame = panel(seed=3)
    error, dof = bell_mccaffrey(*absorbed(frame), power)
    found = row(frame, method)
    assert found["std_error"] == pytest.approx(error, rel=1e-9)
    if method != "cr0":
        assert found["dof"] == pytest.approx(dof, rel=1e-8)


def test_absorbing_patient_effects_gives_the_same_cr2_as_patient_dummies():
    frame = panel(seed=4, units=24)
    x, y, g = dummies(frame)
    error, dof = bell_mccaffrey(x, y, g, 0.5)
    found = row(frame, "cr2")
    assert found["std_error"] == pytest.approx(error, rel=1e-7)
    assert found["dof"] == pytest.approx(dof, rel=1e-6)


def test_cr3_and_jackknife_are_refits_without_each_practice():
    frame = panel(seed=5)
    full = row(frame, "cr1")["estimate"]
    practices = sorted(frame["practice_id"].unique())
    moved = [row(frame[frame["practice_id"] != g], "cr1")["estimate"] - full for g in practices]
    total = float(np.sum(np.square(moved)))
    count = len(practices)
    assert row(frame, "cr3")["std_error"] == pytest.approx(np.sqrt(total), rel=1e-9)
    assert row(frame, "jackknife")["std_error"] == pytest.approx(
        np.sqrt(total * (count - 1) / count), rel=1e-9
    )
    assert row(frame, "jackknife")["dof"] == count - 1


def test_cr1_counts_period_effects_and_coefficients_and_not_patients():
    frame = panel(seed=6)
    count, n, k = frame["practice_id"].nunique(), len(frame), 1 + frame["period"].nunique()
    factor = count / (count - 1) * (n - 1) / (n - k)
    assert row(frame, "cr1")["std_error"] == pytest.approx(
        row(frame, "cr0")["std_error"] * np.sqrt(factor)
    )


def test_patients_seen_once_stay_in_n_and_change_no_estimate():
    frame = panel(seed=7)
    once = (
        frame.drop_duplicates("patient_id")
        .head(9)
        .assign(patient_id=lambda d: "z" + d["patient_id"])
    )
    import pandas as pd

    more = pd.concat([frame, once], ignore_index=True)
    a, b = row(frame, "cr1"), row(more, "cr1")
    assert b["estimate"] == pytest.approx(a["estimate"], rel=1e-12)
    assert b["n_obs"] == a["n_obs"] + 9
    k = 1 + frame["period"].nunique()
    ratio = np.sqrt((len(more) - 1) / (len(more) - k) * (len(frame) - k) / (len(frame) - 1))
    assert b["std_error"] / a["std_error"] == pytest.approx(ratio, rel=1e-10)


def test_one_treated_practice_has_no_jackknife_and_says_how_many_practices():
    frame = panel(seed=8, treated=1)
    result = evalweave.twfe(frame, outcome="y", inference=["cr2", "cr3", "jackknife"])
    assert set(result.tidy()["inference"]) == {"cr2"}
    said = result.diagnostics["twfe"]["inference"]
    assert "without one of the 8 practices (1 treated)" in said["cr3"]["absent"]["att"]
    assert "without one of the 8 practices (1 treated)" in said["jackknife"]["absent"]["att"]
    assert "One treated practice" in result.diagnostics["twfe"]["trust"]


@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("units", [60, 2100])  # many small practices are summed in another way
def test_unit_ignores_practices(units, weight):
    frame = panel(seed=9, units=units)
    by_patient = row(frame, "cr0", cluster="patient_id", weight=weight, diagnostics=False)
    found = row(frame, "unit", weight=weight, diagnostics=False)
    assert found["std_error"] == pytest.approx(by_patient["std_error"], rel=1e-9)


def test_weights_enter_least_squares_and_cr3_is_still_the_refit():
    frame = panel(seed=10)
    full = row(frame, "cr1", weight="weight")["estimate"]
    practices = sorted(frame["practice_id"].unique())
    moved = [
        row(frame[frame["practice_id"] != g], "cr1", weight="weight")["estimate"] - full
        for g in practices
    ]
    assert row(frame, "cr3", weight="weight")["std_error"] == pytest.approx(
        np.sqrt(np.sum(np.square(moved))), rel=1e-9
    )


@pytest.mark.parametrize(
    ("name", "method", "freedom"),
    [
        ("twfe", "cr0", 7),
        ("twfe", "cr1", 7),
        ("twfe", "jackknife", 7),
        ("twfe", "unit", None),
        ("callaway_santanna", "cr0", None),
        ("callaway_santanna", "cr1", 7),
    ],
)
def test_intervals_and_p_values_are_those_of_t_or_the_normal(name, method, freedom):
    options = {"outcome": "y", "inference": [method], "level": 0.9, "diagnostics": False}
    found = getattr(evalweave, name)(panel(seed=30), **options).tidy().iloc[0]
    law = stats.norm() if freedom is None else stats.t(freedom)
    assert (np.isnan(found["dof"])) == (freedom is None)
    assert freedom is None or found["dof"] == freedom
    half = law.ppf(0.95) * found["std_error"]
    assert found["ci_low"] == pytest.approx(found["estimate"] - half)
    assert found["ci_high"] == pytest.approx(found["estimate"] + half)
    tail = law.sf(abs(found["estimate"] / found["std_error"]))
    assert found["p_value"] == pytest.approx(2 * tail)


def test_cr1_of_an_influence_has_the_factor_of_its_practices():
    result = evalweave.callaway_santanna(
        panel(seed=31), outcome="y", inference=["cr0", "cr1"], diagnostics=False
    )
    error = result.tidy().pivot(index="term", columns="inference", values="std_error")
    np.testing.assert_allclose(error["cr1"] / error["cr0"], np.sqrt(8 / 7), rtol=1e-12)


def test_a_term_that_needs_every_practice_says_how_many():
    analysis = {"name": "two", "estimator": "twfe", "inference": ["cr3"]}
    spec = {"columns": {"outcome": "y"}, "analyses": [analysis]}
    result = evalweave.fit(panel(seed=32, practices=2, treated=1), spec, may_be_empty=True)
    assert "any of 2 of the 2 practices" in result.failures["two"]
