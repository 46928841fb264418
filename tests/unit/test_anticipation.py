"""Periods before the start in which effects may show, for every estimator."""

from __future__ import annotations

import pandas as pd
import pytest

import evalweave
from evalweave.errors import DataError
from helpers.did_panels import panel

ONE, SEVERAL = {"seed": 21, "units": 90}, {"seed": 22, "units": 120, "staggered": True}


def estimate(estimator, frame, term="att", **options):
    options = {"outcome": "y", "inference": ["cr1"], "diagnostics": False, **options}
    fitted = getattr(evalweave, estimator)(frame, **options)
    return next(row for row in fitted.rows if row["term"] == term)


@pytest.mark.parametrize("estimator", ["twfe", "did_2x2"])
def test_with_one_start_both_arms_leave_out_the_same_periods(estimator):
    frame = panel(**ONE)
    rest = frame[frame["period"] != 2013]
    found, expected = estimate(estimator, frame, anticipation=1), estimate(estimator, rest)
    for column in ("estimate", "std_error", "n_obs"):
        assert found[column] == pytest.approx(expected[column], rel=1e-10)


def test_with_several_starts_each_practice_leaves_out_its_own():
    frame = panel(**SEVERAL)
    apart = frame["first_treated"] - frame["period"]
    rest = frame[~apart.between(1, 2)]
    for options in ({}, {"subgroup": "white"}):
        term = "att[white=1]" if options else "att"
        found = estimate("twfe", frame, term, anticipation=2, **options)
        expected = estimate("twfe", rest, term, **options)
        assert found["estimate"] == pytest.approx(expected["estimate"], rel=1e-10)
        assert found["std_error"] == pytest.approx(expected["std_error"], rel=1e-10)
    with pytest.raises(DataError, match="no randomisation inference"):
        evalweave.twfe(frame, outcome="y", anticipation=1, inference=["randomisation"])


def test_what_is_set_aside_is_counted():
    frame = panel(**ONE)
    notes = evalweave.twfe(frame, outcome="y", anticipation=1).diagnostics["twfe"]["notes"]
    assert f"{(frame['period'] == 2013).sum()} rows in the 1 period before the start" in notes[-1]


@pytest.mark.parametrize(("estimator", "options"), [("event_study", ONE), ("sun_abraham", SEVERAL)])
def test_event_studies_refer_to_the_period_before_it(estimator, options):
    frame = panel(**options)
    found = getattr(evalweave, estimator)(frame, outcome="y", anticipation=1)
    expected = getattr(evalweave, estimator)(frame, outcome="y", reference=-2)
    columns = ["term", "estimate", "std_error"]
    pd.testing.assert_frame_equal(found.tidy()[columns], expected.tidy()[columns])
    entry = found.diagnostics[estimator]
    assert "The reference is -2 instead of -1" in " ".join(entry["notes"])
    assert -1 not in entry["pretrend"]["leads"]  # no test of paths before any effect
    assert "anticipation" in entry["honest_did"]["refused"]


def test_extended_twfe_and_imputation_agree_on_a_balanced_panel():
    """Both learn the untreated path from rows before the anticipation alone."""
    frame = panel(**{**SEVERAL, "seen": 1.0})
    for ahead in (0, 1):
        found = [
            estimate(estimator, frame, term, anticipation=ahead)["estimate"]
            for estimator in ("etwfe", "imputation")
            for term in ("att", "event[1]", "group[2014]")
        ]
        assert found[:3] == pytest.approx(found[3:], rel=1e-9)
    early = estimate("etwfe", frame, "event[-1]", anticipation=1)
    assert early["std_error"] > 0


def test_dose_leaves_the_same_rows_out():
    frame = panel(**ONE)
    done = (frame["period"] >= frame["first_treated"]).astype(int)
    frame["uptake"] = done * (frame["patient_id"].str[-1].astype(int) % 2)
    options = {"uptake": "uptake", "uptake_complete": True}
    found = estimate("dose", frame, "att[uptake=1]", anticipation=1, **options)
    expected = estimate("dose", frame[frame["period"] != 2013], "att[uptake=1]", **options)
    assert found["estimate"] == pytest.approx(expected["estimate"], rel=1e-10)
