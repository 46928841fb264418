"""What every estimator averages over: weights are frequencies, and averages are of the cells that
they name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evalweave.fitting import named
from helpers.did_panels import panel

STAGGERED = (
    "twfe",
    "event_study",
    "sun_abraham",
    "imputation",
    "etwfe",
    "callaway_santanna",
)


def run(estimator, frame, **options):
    given = {"outcome": "y", "inference": ["cr0"], "diagnostics": False, **options}
    result = named(estimator)(frame, **given)
    return result.tidy().set_index("term"), result.diagnostics[estimator]


def estimates(estimator, frame, **options):
    return run(estimator, frame, **options)[0]["estimate"]


def weighted(seed, **options):
    """A panel with a whole weight a patient, and the same with each patient as often as that."""
    frame = panel(seed=seed, **options)
    number = frame["patient_id"].str[1:].astype(int)
    frame["weight"] = 1.0 + number % 3
    frame["x"] = frame["x"].groupby(frame["patient_id"]).transform("first")
    copies = [
        frame[frame["weight"] > k].assign(patient_id=lambda rows, k=k: f"{k}" + rows["patient_id"])
        for k in range(3)
    ]
    return frame, pd.concat(copies, ignore_index=True)


@pytest.mark.parametrize("covariates", [[], ["x"]], ids=["plain", "adjusted"])
@pytest.mark.parametrize("estimator", [*STAGGERED, "did_2x2"])
def test_a_weight_of_two_is_two_patients(estimator, covariates):
    alone = estimator == "did_2x2"
    frame, copies = weighted(301, units=90, staggered=not alone)
    options = {"covariates": covariates, **({"collapse": "practice"} if alone else {})}
    one, _ = run(estimator, frame, weight="weight", **options)
    many, _ = run(estimator, copies, **options)
    assert list(one.index) == list(many.index)
    np.testing.assert_allclose(one["estimate"], many["estimate"], rtol=1e-7, atol=1e-9)
    errors = many["inference"] == "cr0"
    if estimator == "imputation":  # its errors are centred with weights squared
        errors &= many.index.str.match(r"event\[-")
    np.testing.assert_allclose(
        one.loc[errors, "std_error"], many.loc[errors, "std_error"], rtol=1e-7, atol=1e-9
    )


@pytest.mark.parametrize("estimator", ["sun_abraham", "etwfe"])
def test_averages_over_cohorts_are_weighted_by_the_weights_of_their_rows(estimator):
    frame = panel(seed=302, units=90, staggered=True)
    found = estimates(estimator, frame, weight="weight")
    treated = frame[frame["period"] >= frame["first_treated"]].astype({"first_treated": int})
    size = treated.groupby(["first_treated", "period"])["weight"].sum()
    cell = pd.Series({(g, t): found[f"att_gt[{g},{t}]"] for g, t in size.index})
    assert found["att"] == pytest.approx(np.average(cell, weights=size))
    for event in range(3):
        at = cell.index[[t - g == event for g, t in cell.index]]
        mean = np.average(cell[at], weights=size[at])
        assert found[f"event[{event}]"] == pytest.approx(mean)
    after = [found[f"event[{e}]"] for e in range(4) if f"event[{e}]" in found]
    assert found["event[overall]"] == pytest.approx(np.mean(after))


@pytest.mark.parametrize("estimator", ["sun_abraham", "etwfe"])
def test_what_an_average_lost_is_told_by_its_weight(estimator):
    frame = panel(seed=303, units=90, staggered=True)
    last = frame["period"] == 2016
    frame = frame[~(last & frame["first_treated"].isna())]  # nobody to compare with in 2016
    treated = frame[frame["period"] >= frame["first_treated"]]
    lost = treated.loc[treated["period"] == 2016, "weight"].sum() / treated["weight"].sum()
    _, entry = run(estimator, frame, weight="weight")
    assert f"would hold {100 * lost:.3g} % of its weight" in entry["absent"]["att"]
    part, _ = run(estimator, frame, weight="weight", partial=True)
    assert f"({100 * lost:.3g} % of its weight)" in part.loc["att", "convention"]


@pytest.mark.parametrize("estimator", ["sun_abraham", "etwfe"])
def test_patients_never_seen_untreated_are_left_out_and_counted(estimator):
    frame = panel(seed=304, units=90, staggered=True)
    early = frame["first_treated"] == 2013
    always = frame.assign(first_treated=frame["first_treated"].mask(early, 2011))
    table, entry = run(estimator, always)
    right = estimates(estimator, frame[~early])
    pd.testing.assert_series_equal(table["estimate"], right)
    n = frame.loc[early, "patient_id"].nunique()
    assert any(note.startswith(f"{n} patients whose start") for note in entry["notes"])


def test_where_everybody_starts_the_anticipation_is_cut_too():
    frame = panel(seed=305, units=90, treated=8, staggered=True)
    found = estimates("imputation", frame, anticipation=1)
    cut = frame[frame["period"] < 2014]
    never = cut.assign(first_treated=cut["first_treated"].where(cut["first_treated"] < 2015))
    right = estimates("imputation", never, anticipation=1)
    pd.testing.assert_series_equal(found, right)


def test_the_average_of_imputation_leaves_out_the_anticipation():
    frame = panel(seed=306, units=90)
    found = estimates("imputation", frame, anticipation=1)
    treated = frame[frame["period"] >= frame["first_treated"]]
    seen = frame[frame["period"] < 2013]["patient_id"]
    share = treated[treated["patient_id"].isin(seen)].groupby("period").size()
    after = [found[f"event[{e}]"] for e in range(3)]
    assert found["att"] == pytest.approx(np.average(after, weights=share))


def test_leads_refer_to_the_period_before_the_anticipation():
    frame = panel(seed=307, units=90)
    moved = frame.assign(first_treated=frame["first_treated"] - 1)
    found, right = estimates("imputation", frame, anticipation=1), estimates("imputation", moved)
    assert "event[-2]" not in found
    assert found["event[-3]"] == pytest.approx(right["event[-2]"])


def test_two_starts_are_staggered():
    frame = panel(seed=308, staggered=True)
    two = frame.assign(first_treated=frame["first_treated"].replace(2015.0, 2014.0))
    _, entry = run("event_study", two)
    assert any(note.startswith("Starts are staggered") for note in entry["notes"])


@pytest.mark.parametrize("estimator", ["sun_abraham", "etwfe"])
def test_the_effects_are_those_at_the_covariates_mean(estimator):
    frame, _ = weighted(309, units=90, staggered=True)
    one = estimates(estimator, frame, covariates=["x"])
    other = estimates(estimator, frame.assign(x=frame["x"] + 100), covariates=["x"])
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-8)


def test_a_patients_share_of_a_cohort_is_the_mean_of_its_weights():
    frame = panel(seed=310, units=90, staggered=True)
    found = estimates("callaway_santanna", frame, weight="weight")
    size = frame.groupby(["patient_id", "first_treated"])["weight"].mean()
    size = size.groupby("first_treated").sum()
    groups = [found[f"group[{int(g)}]"] for g in size.index]
    assert found["group[overall]"] == pytest.approx(np.average(groups, weights=size))


def test_practices_that_start_after_the_panel_are_not_treated():
    frame = panel(seed=311)
    late = frame["practice_id"] == "g00"
    frame["first_treated"] = frame["first_treated"].mask(late, 2019)
    for estimator in ("twfe", "did_2x2", "callaway_santanna"):
        assert run(estimator, frame)[0]["n_practices_treated"].iloc[0] == 3
