"""Simulated admissions: person-time, the planted change, and that estimates find it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import evalweave
from evalweave.simulation import care, records
from evalweave.simulation.practices import demonstration_practices
from evalweave.simulation.truth import planted_in_care
from evalweave.study.stages import SimulateSettings, settings_for
from helpers.demonstration import STUDY

PRACTICES = demonstration_practices()


def settings(**more: Any) -> SimulateSettings:
    said = settings_for(STUDY, SimulateSettings)
    said["simulation"] |= {"eligible_programme": 700, "eligible_comparison": 500}
    return SimulateSettings.model_validate({**said, **more})


def days(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[D]")


def test_exposure_is_the_share_of_days_from_start_to_end():
    years = days("2015-04-01", "2016-04-01", "2017-04-01")
    begin, until = days("2015-04-01", "2016-03-31", "2017-05-01"), days("NaT", "2016-04-01", "NaT")
    there = care.exposure(begin, until, years)
    assert there.tolist() == [[1.0, 1.0], [1 / 366, 1 / 365], [0.0, 0.0]]


def test_savings_are_larger_for_people_who_are_not_white():
    """The published direction: Social Science & Medicine 2023;317:115598."""
    white, others, unknown = care.ratio(care.CARE["admissions"], [1, 0, np.nan])
    assert others < unknown < white < 1
    assert (care.ratio(care.CARE["attendances"], [1, 0, np.nan]) == 1).all()


def test_a_study_that_looks_at_no_care_has_none_and_the_same_people_and_measurements():
    with_care = records.draw(settings(), 3, PRACTICES)
    without = records.draw(settings(resource_use=None), 3, PRACTICES)
    assert not without.used and not without.planted_in_care
    assert set(with_care.used) == {"admissions", "attendances"}
    pd.testing.assert_frame_equal(with_care.people, without.people)
    for name, frame in with_care.measurements.items():
        pd.testing.assert_frame_equal(frame, without.measurements[name])


def panel(seed: int) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return person-years in follow-up with their admissions, and what was planted."""
    made = records.draw(settings(), seed, PRACTICES, with_others=False)
    people, starts = made.people, records._year_starts(settings())
    begin = people["start"].to_numpy().astype("datetime64[D]")
    until = people["followed_until"].to_numpy().astype("datetime64[D]")
    there = care.exposure(begin, until, starts)
    events = made.used["admissions"]
    person, day = events["person"].to_numpy(), events["day"].to_numpy().astype("datetime64[D]")
    assert (day >= begin[person]).all() and (day < starts[-1]).all()
    kept = np.isnat(until[person]) | (day <= until[person])
    counts = np.zeros(there.shape)
    year = np.searchsorted(starts, day, side="right") - 1
    np.add.at(counts, (person[kept], year[kept]), 1)
    i, t = np.nonzero(there > 0)
    names = PRACTICES["practice_id"].to_numpy()
    frame = pd.DataFrame(
        {
            "patient_id": people["patient_id"].to_numpy()[i],
            "practice_id": names[people["practice"].to_numpy()[i]],
            "period": made.first_period + t,
            "first_treated": people["first_treated"].to_numpy()[i],
            "white": people["white"].to_numpy()[i],
            "admissions": counts[i, t],
            "exposure": there[i, t],
        }
    )
    return frame, made.planted_in_care["admissions"]


def estimated(frame: pd.DataFrame, **more: Any) -> pd.DataFrame:
    call = {"outcome": "admissions", "exposure": "exposure", "inference": ["jackknife"]}
    return evalweave.poisson(frame, **call, diagnostics=False, **more).tidy().set_index("term")


def test_intervals_hold_what_was_planted_about_as_often_as_they_say():
    """Twelve seeds, 1 to 12, whatever comes: fewer than 9 of 12 happen twice in a thousand."""
    z, inside = [], 0
    for seed in range(1, 13):
        frame, truth = panel(seed)
        row = estimated(frame).loc["att"]
        z.append((row["estimate"] - truth["att"]) / row["std_error"])
        inside += row["ci_low"] <= truth["att"] <= row["ci_high"]
    assert inside >= 9
    assert abs(np.mean(z)) < 3 / np.sqrt(len(z)) and np.std(z) < 2


def test_the_planted_change_is_the_rate_without_times_ratio_minus_one():
    kind = care.Care(1.0, 0.0, 1.0, 0.0, 0.9, 0.5)
    people = pd.DataFrame({"white": [1.0, 0.0, np.nan], "imd_quintile": [1.0, 5.0, 5.0]})
    without = np.array([[1.0, 1.0], [2.0, 2.0], [1.0, 1.0]])
    there = np.array([[1.0, 0.5], [1.0, 1.0], [1.0, 0.0]])
    treated = np.array([[False, True], [False, True], [False, True]])
    terms = care.planted_care(kind, people, without, there, treated)
    assert terms["att[white=1]"] == pytest.approx(-0.1)
    assert terms["att[white=0]"] == pytest.approx(-1.0)
    assert terms["att"] == pytest.approx((-0.1 * 0.5 - 1.0) / 1.5)
    assert terms["difference[white=1-0]"] == pytest.approx(0.9)
    priced = planted_in_care({"admissions": terms}, {"admissions": 2600.0, "others": 3.0})
    assert priced["cost"]["att"] == pytest.approx(2600 * terms["att"])
