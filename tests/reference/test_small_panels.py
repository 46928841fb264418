"""Small panels whose right answers are known: what is adjusted, averaged, compared and said."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evalweave.errors import DataError
from evalweave.fitting import named

HERE = Path(__file__).parent / "data" / "panels"
ALL = ("did_2x2", "twfe", "event_study", "sun_abraham", "imputation", "etwfe", "callaway_santanna")
MAIN = ("att", "event[overall]", "simple")


def read(name):
    return pd.read_csv(HERE / f"{name}.csv", dtype={"patient_id": str, "practice_id": str})


def run(name, frame, **options):
    given = {"outcome": "hba1c", "inference": ["cr1"], "diagnostics": False, **options}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = named(name)(frame, **given)
    return result.tidy().set_index("term"), result.diagnostics[name]


def main_of(table):
    return table.loc[next(term for term in MAIN if term in table.index)]


@pytest.mark.parametrize(
    ("estimator", "term", "value"),
    [
        ("twfe", "att", -2.245017),
        ("callaway_santanna", "simple", -2.174558),
        ("sun_abraham", "att", -2.174558),
    ],
)
def test_a_year_that_nobody_was_observed_in(estimator, term, value):
    table, entry = run(estimator, read("year-missing-for-all"))
    assert table.loc[term, "estimate"] == pytest.approx(value, abs=1e-6)
    assert "nobody was observed in 2013" in entry["notes"][0]
    moved = any("2013: it refers to 2012" in note for note in entry["notes"])
    assert moved is (estimator == "sun_abraham")
    assert "event[-1]" not in table.index or estimator == "callaway_santanna"
    assert run("twfe", read("year-missing-for-all"), diagnostics=True)[1]["goodman_bacon"]


def test_starts_after_the_last_period_are_comparisons_everywhere():
    late = read("starts-after-the-last-period")
    blank = late.assign(first_treated=late["first_treated"].where(late["first_treated"] <= 2018))
    assert late["first_treated"].max() > 2018
    for estimator in ALL[1:]:
        one, entry = run(estimator, late, period="year")
        pd.testing.assert_series_equal(
            one["estimate"], run(estimator, blank, period="year")[0]["estimate"]
        )
        assert "serve as comparisons" in " ".join(entry["notes"])
    table, _ = run("sun_abraham", late, period="year")
    assert table.loc["att", "estimate"] == pytest.approx(-1.763888, abs=1e-6)
    assert table.loc["event[0]", "estimate"] == pytest.approx(-0.989451, abs=1e-6)


@pytest.mark.parametrize("estimator", ALL)
def test_a_baseline_covariate_adjusts_in_every_estimator(estimator):
    frame = read("baseline-covariate-that-confounds")
    plain, _ = run(estimator, frame)
    table, entry = run(estimator, frame, covariates=["severe"])
    assert main_of(plain)["estimate"] < -0.6
    assert abs(main_of(table)["estimate"]) < 0.45
    assert any(word.startswith("severe") for word in entry["adjusted for"])
    assert entry["not adjusted for"] == []
    assert "severe" in main_of(table)["convention"]


@pytest.mark.parametrize("estimator", ALL)
def test_a_category_and_its_indicator_are_one_and_unknown_is_a_level(estimator):
    frame = read("baseline-covariate-that-confounds")
    words = frame.assign(severe=frame["severe"].map({0: "mild", 1: "severe"}))
    one, _ = run(estimator, frame, covariates=["severe"])
    other, _ = run(estimator, words, covariates=["severe"])
    np.testing.assert_allclose(one["estimate"], other["estimate"], rtol=1e-8, atol=1e-10)
    everyone = frame["patient_id"].nunique()
    people = sorted(frame["patient_id"].unique())
    blank = words.assign(severe=words["severe"].where(~words["patient_id"].isin(people[::5])))
    table, entry = run(estimator, blank, covariates=["severe"])
    assert main_of(table)["n_patients"] == everyone
    assert any("severe is unknown in" in note for note in entry["notes"])
    as_level = run(
        estimator, words.assign(severe=blank["severe"].fillna("not stated")), covariates=["severe"]
    )[0]
    np.testing.assert_allclose(table["estimate"], as_level["estimate"], rtol=1e-8, atol=1e-10)


def test_rows_with_a_blank_covariate_leave_when_asked_and_are_counted_by_arm():
    frame = read("baseline-covariate-that-confounds")
    blank = frame.assign(severe=frame["severe"].astype(float))
    gone = blank.index % 7 == 0
    blank.loc[gone, "severe"] = np.nan
    options = {"covariates": ["severe"], "unknown_covariates": "drop"}
    table, entry = run("twfe", blank, **options)
    right, _ = run("twfe", frame[~gone], covariates=["severe"])
    assert table.loc["att", "estimate"] == right.loc["att", "estimate"]
    programme = int((gone & frame["first_treated"].notna()).sum())
    said = f"{programme} of the programme arm, {int(gone.sum()) - programme} of the comparison arm"
    assert any(said in note for note in entry["notes"])


def test_the_adjusted_twfe_is_least_squares_with_the_products_written_out():
    frame = read("baseline-covariate-that-confounds")
    table, _ = run("twfe", frame, covariates=["severe"])
    treated = (frame["period"] >= frame["first_treated"].fillna(np.inf)).to_numpy(float)
    x = pd.concat(
        [
            pd.Series(treated),
            pd.get_dummies(frame["patient_id"], dtype=float),
            pd.get_dummies(frame["period"], dtype=float).iloc[:, 1:],
            pd.get_dummies(frame["period"], dtype=float).iloc[:, 1:].mul(frame["severe"], axis=0),
        ],
        axis=1,
    ).to_numpy()
    right = np.linalg.lstsq(x, frame["hba1c"].to_numpy(), rcond=None)[0][0]
    assert table.loc["att", "estimate"] == pytest.approx(right, rel=1e-9)


OVERALL = ("simple", "group[overall]", "event[overall]", "calendar[overall]")


def test_an_average_that_lost_a_cohort_is_withheld_or_says_so_in_its_row():
    frame = read("cohort-without-overlap")
    options = {"outcome": "y", "period": "year", "covariates": ["x"]}
    table, entry = run("callaway_santanna", frame, **options)
    assert not set(OVERALL) & set(table.index)
    assert (
        "withheld" in entry["absent"]["simple"] and "% of its weight" in entry["absent"]["simple"]
    )
    lost = [reason for term, reason in entry["absent"].items() if term.startswith("att_gt")]
    assert lost and all("no overlap" in r and "range of x" in r for r in lost)
    part, _ = run("callaway_santanna", frame, **options, partial=True)
    assert part.loc["simple", "estimate"] == pytest.approx(-10, abs=1)
    for term in OVERALL[:2]:
        assert "left out: att_gt[" in part.loc[term, "convention"]
    assert not part.loc["group[2]" if "group[2]" in part.index else "group[3]", "convention"].count(
        "left out"
    )
    whole, _ = run("callaway_santanna", frame, **options, method="reg")
    assert whole.loc["simple", "estimate"] > -4


def test_a_treated_patient_beyond_everybody_is_no_reason_to_refuse():
    """One treated patient with a score near 1 asks for no comparison patient's weight."""
    frame = read("baseline-covariate-that-confounds")
    rng = np.random.default_rng(7)
    people = frame.drop_duplicates("patient_id")
    x = dict(zip(people["patient_id"], rng.normal(size=len(people)), strict=True))
    treated = people.loc[people["first_treated"].notna(), "patient_id"].iloc[0]
    frame["x"] = frame["patient_id"].map({**x, treated: 60.0})
    frame["x"] += 0.3 * frame["first_treated"].notna()
    table, entry = run("callaway_santanna", frame, covariates=["x"], method="ipw")
    assert "simple" in table.index and not entry["absent"]


def test_imputation_withholds_an_average_of_which_a_period_is_lost():
    frame = read("year-missing-for-all")
    gone = frame[~(frame["first_treated"].isna() & (frame["period"] == 2018))]
    table, entry = run("imputation", gone)
    assert "att" not in table.index and "withheld" in entry["absent"]["att"]
    part, _ = run("imputation", gone, partial=True)
    assert "left out: att_gt[2013,2018], att_gt[2014,2018]" in part.loc["att", "convention"]
    right, _ = run("imputation", gone[gone["period"] < 2018])
    assert part.loc["att", "estimate"] == pytest.approx(right.loc["att", "estimate"], rel=1e-9)


@pytest.mark.parametrize("estimator", ["sun_abraham", "etwfe", "imputation", "callaway_santanna"])
def test_without_never_treated_the_last_cohort_is_the_comparison(estimator):
    frame = read("year-missing-for-all")
    started = frame.assign(first_treated=frame["first_treated"].fillna(2016))
    more = {"control": "not_yet_treated"} if estimator == "callaway_santanna" else {}
    table, entry = run(estimator, started, **more)
    right, _ = run(estimator, frame[frame["period"] < 2016], **more)
    shared = [term for term in right.index if term in table.index]
    assert "periods from 2016 on were set aside" in " ".join(entry["notes"])
    np.testing.assert_allclose(table.loc[shared, "estimate"], right.loc[shared, "estimate"])


def test_one_start_for_everybody_has_no_comparison():
    frame = read("year-missing-for-all").assign(first_treated=2014)
    for estimator in ("sun_abraham", "etwfe", "imputation"):
        with pytest.raises(DataError, match="no comparison"):
            run(estimator, frame)


def test_with_one_treated_practice_no_method_is_recommended_that_is_called_unusable():
    """Eleven practices do not take part: cr2 is far too narrow, and nothing sends there."""
    frame = read("year-missing-for-all")
    treated = frame.loc[frame["first_treated"].notna(), "practice_id"].unique()
    one = frame[~frame["practice_id"].isin(treated[1:])]
    methods = ["cr2", "cr3", "jackknife", "randomisation"]
    table, entry = run("twfe", one, inference=methods, draws=99, diagnostics=True)
    assert set(table["inference"]) == {"cr2", "randomisation"}
    assert "randomisation gives a p-value, at best 1/" in entry["trust"]
    assert "cr2" not in str(entry["inference"]["cr3"]["absent"])
