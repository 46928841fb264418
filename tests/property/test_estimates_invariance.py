"""What must not change an estimate, and what must scale it, on random unbalanced panels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evalweave

METHODS = ["cr1", "cr2", "cr3", "wild_bootstrap"]
seeds = st.integers(0, 10_000)


def panel(seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    units, periods, practices = 50, 5, 8
    unit, period = np.repeat(np.arange(units), periods), np.tile(np.arange(periods), units)
    practice = (np.arange(units) % practices)[unit]
    frame = pd.DataFrame(
        {
            "patient_id": np.char.add("u", np.char.zfill(unit.astype(str), 3)),
            "practice_id": np.char.add("g", practice.astype(str)),
            "period": period + 2010,
            "first_treated": np.where(practice < 4, 2012 + practice % 2, np.nan),
            "y": 40
            + random.normal(size=units)[unit] * 4
            + random.normal(size=(practices, periods))[practice, period]
            + random.normal(size=len(unit)),
        }
    )
    return frame[random.random(len(frame)) < 0.8].reset_index(drop=True)


def table(frame: pd.DataFrame, **more: object) -> pd.DataFrame:
    return evalweave.twfe(
        frame, outcome="y", inference=METHODS, draws=199, diagnostics=False, **more
    ).tidy()


NUMBERS = ["estimate", "std_error", "ci_low", "ci_high", "p_value", "dof"]


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_row_order_changes_no_bit_of_anything(seed):
    frame = panel(seed)
    pd.testing.assert_frame_equal(
        table(frame.sample(frac=1, random_state=seed)), table(frame), check_exact=True
    )


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_relabelling_patients_moves_only_last_digits(seed):
    frame = panel(seed)
    names = frame["patient_id"].unique()
    new = dict(zip(names, np.random.default_rng(seed).permutation(names), strict=True))
    found = table(frame.assign(patient_id=frame["patient_id"].map(new)))
    assert found[NUMBERS].to_numpy(float) == pytest.approx(
        table(frame)[NUMBERS].to_numpy(float), rel=1e-8, nan_ok=True
    )


@settings(max_examples=15, deadline=None)
@given(seeds, st.floats(0.01, 100), st.floats(-100, 100))
def test_another_unit_of_measure_scales_estimates_and_leaves_p_values(seed, slope, shift):
    frame = panel(seed)
    one, other = table(frame), table(frame.assign(y=slope * frame["y"] + shift))
    for column in ("estimate", "std_error", "ci_low", "ci_high"):
        assert other[column].to_numpy(float) == pytest.approx(
            slope * one[column].to_numpy(float), rel=1e-6, nan_ok=True
        )
    assert other["p_value"].to_numpy(float) == pytest.approx(
        one["p_value"].to_numpy(float), rel=1e-6
    )
    assert other["dof"].to_numpy(float) == pytest.approx(
        one["dof"].to_numpy(float), rel=1e-8, nan_ok=True
    )


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_weights_of_one_are_no_weights_and_doubled_weights_are_the_same(seed):
    frame = panel(seed).assign(one=1.0, two=2.0)
    pd.testing.assert_frame_equal(table(frame, weight="one"), table(frame), check_exact=True)
    doubled = table(frame, weight="two")[NUMBERS].to_numpy(float)
    assert doubled == pytest.approx(table(frame)[NUMBERS].to_numpy(float), rel=1e-8, nan_ok=True)


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_clustering_changes_no_bit_of_an_estimate(seed):
    frame = panel(seed)
    for name in ("twfe", "event_study", "sun_abraham", "etwfe"):
        estimates = [
            getattr(evalweave, name)(frame, outcome="y", cluster=cluster, diagnostics=False).tidy()[
                "estimate"
            ]
            for cluster in ("practice_id", "patient_id")
        ]
        pd.testing.assert_series_equal(*estimates, check_exact=True)


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_adding_patient_and_period_constants_changes_nothing(seed):
    frame = panel(seed)
    moved = frame.assign(
        y=frame["y"]
        + frame["patient_id"].str[1:].astype(float) / 7
        - 3.0 * (frame["period"] - 2010)
    )
    a, b = table(frame)[NUMBERS].to_numpy(float), table(moved)[NUMBERS].to_numpy(float)
    assert b == pytest.approx(a, rel=1e-6, nan_ok=True)
