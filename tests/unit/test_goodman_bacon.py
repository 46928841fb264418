"""Goodman-Bacon weights on simulated panels: the decomposition adds up to the two-way
coefficient."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evalweave.diagnostics.goodman_bacon import goodman_bacon
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


def table(frame):
    analysis = AnalysisOptions(name="bacon", estimator="twfe")
    return goodman_bacon(panel_data(frame, COLUMNS, analysis))


def two_way(frame):
    """Coefficient of treated on y with both means removed (exact on a balanced panel)."""
    d = (frame["period"] >= frame["first_treated"]).astype(float)

    def within(v):
        return (
            v
            - v.groupby(frame["patient_id"]).transform("mean")
            - v.groupby(frame["period"]).transform("mean")
            + v.mean()
        )

    x = within(d)
    return float((x * frame["y"]).sum() / (x * x).sum())


@pytest.mark.parametrize("never", [True, False])
@pytest.mark.parametrize("always", [True, False])
def test_adds_up(never, always):
    frame = simulated(seen=1.1, staggered=True, treated=6)
    if not never:
        frame = frame[frame["first_treated"].notna()]
    if always:
        frame["first_treated"] = frame["first_treated"].replace(2013.0, 2011.0)
    found, notes = table(frame)
    assert notes == ()
    assert found["weight"].sum() == pytest.approx(1)
    assert (found["weight"] > 0).all()
    assert (found["weight"] * found["estimate"]).sum() == pytest.approx(two_way(frame), rel=1e-9)
    assert ("treated_vs_untreated" in set(found["kind"])) == never
    assert ("later_vs_always_treated" in set(found["kind"])) == always


def test_incomplete_patients_are_counted():
    frame = simulated(staggered=True)
    found, notes = table(frame)
    sizes = frame.groupby("patient_id").size()
    whole = frame[frame["patient_id"].map(sizes) == 6]
    assert notes[0].startswith(
        f"Goodman-Bacon weights: {int((sizes < 6).sum())} of {len(sizes)} patients"
    )
    pd.testing.assert_frame_equal(found, table(whole)[0])


def test_single_start_is_one_comparison():
    found, _ = table(simulated(seen=1.1))
    assert found["kind"].tolist() == ["treated_vs_untreated"]
    assert np.isnan(found["comparison"][0])


def test_a_weight_of_two_is_two_patients():
    frame = simulated(seed=5, seen=1.1, staggered=True)
    frame["weight"] = 1.0 + frame["patient_id"].str[1:].astype(int) % 2
    copies = frame[frame["weight"] == 2].assign(patient_id=lambda rows: "z" + rows["patient_id"])
    analysis = AnalysisOptions(name="bacon", estimator="twfe")
    weighted = COLUMNS.model_copy(update={"weight": "weight"})
    found, _ = goodman_bacon(panel_data(frame, weighted, analysis))
    pd.testing.assert_frame_equal(found, table(pd.concat([frame, copies], ignore_index=True))[0])
