"""Which rows and columns of a table an analysis is of: where, treated, outcomes, factors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import evalweave
from evalweave.errors import DataError, StudyError
from evalweave.estimators.row_filter import kept_rows
from evalweave.study.conditions import parse
from helpers.did_panels import panel

TABLE = pd.DataFrame(
    {
        "age": [39, 40, 74, 75, None],
        "sex": ["F", "M", "F", None, "F"],
        "code": ["1", "2", "x", "1", "1"],
        "white": ["1", "0", "1", "1", ""],
        "day one": pd.to_datetime(["2015-04-01"] * 4 + [None]),
    }
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("age >= 40", [1, 2, 3]),
        ("40 <= age <= 74", [1, 2]),
        ("age < 40 or age > 74", [0, 3]),
        ("not age < 40", [1, 2, 3]),
        ("sex == 'F'", [0, 2, 4]),
        ("sex != 'F'", [1]),  # a blank is unknown
        ("sex in ['F', 'M'] and age == 40", [1]),
        ("age not in [39, 40]", [2, 3]),
        ("sex is None", [3]),
        ("age is not None and sex is not None", [0, 1, 2]),
        ("sex == 'M' or age == 75", [1, 3]),  # true or unknown is true
        ("white == 1", [0, 2, 3]),  # numbers read as text are still numbers
        ("white == '1'", [0, 2, 3]),
        ("code == '1'", [0, 3, 4]),
        ("age in [39, 75] and not (sex == 'F')", []),
        ("`day one` is None", [4]),
        ("age > -1", [0, 1, 2, 3]),
        ("`day one` >= '2015-04-01' and `day one` < '2015-04-02'", [0, 1, 2, 3]),
    ],
)
def test_conditions(text, rows):
    if not rows:
        with pytest.raises(DataError, match="no row for which the condition holds"):
            kept_rows(TABLE, text, "t")
        return
    mask, note = kept_rows(TABLE, text, "t")
    assert np.flatnonzero(mask).tolist() == rows
    assert f"{5 - len(rows)} of 5 rows were left out" in note


def test_rows_that_a_blank_leaves_open_are_counted():
    assert "1 rows of these because a cell is blank" in kept_rows(TABLE, "age >= 40", "t")[1]
    assert "blank" not in kept_rows(TABLE, "age is not None", "t")[1]


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "age.real > 1",
        "age + 1 > 2",
        "lambda: age",
        "age > (1).real",
        "1 < 2",
        "age >=",
        "age = 4",
        "age > f(2)",
        "age in [None, 1]",
        "age == b'x'",
        "[x for x in age]",
        "age > {'a': 1}",
        "(" * 300 + "age",
        "age > 1" + " and age > 1" * 400,
    ],
)
def test_what_is_no_condition_is_refused_and_never_run(text):
    with pytest.raises(ValueError, match=r"condition|comparisons|value|characters|column"):
        parse(text)


def test_comparisons_without_meaning_are_refused_by_column():
    for text, words in (
        ("code > 1", "text that is not a number"),
        ("age == [1, 2]", "before a list"),
        ("age is 3", "no meaning"),
        ("nowhere == 1", 'no column "nowhere"'),
    ):
        with pytest.raises(DataError, match=words):
            kept_rows(TABLE, text, "t")


def test_where_is_the_same_as_leaving_the_rows_out():
    frame = panel(seed=61, units=120)
    frame["sex"] = np.where(frame["patient_id"].str[-1].astype(int) % 3 == 0, "M", "F")
    part = frame[(frame["period"] >= 2012) & (frame["sex"] == "F")]
    expected = evalweave.twfe(part, outcome="y").tidy()
    found = evalweave.twfe(frame, outcome="y", where="period >= 2012 and sex == 'F'")
    pd.testing.assert_frame_equal(found.tidy(), expected)
    assert f"{len(frame) - len(part)} of {len(frame)} rows were left out" in " ".join(
        found.diagnostics["twfe"]["notes"]
    )
    analyses = [{"name": "a", "estimator": "twfe", "where": "sex == 'F'"}]
    spec = {"columns": {"outcome": "y"}, "where": "period >= 2012", "analyses": analyses}
    analyses.append({"name": "b", "estimator": "twfe"})
    both = evalweave.fit(frame, spec).tidy()
    assert both["estimate"].tolist()[0] == expected["estimate"].tolist()[0]
    assert both["n_obs"].tolist() == [len(part), int((frame["period"] >= 2012).sum())]


def test_a_fault_in_the_rows_that_are_left_is_told_by_its_row_in_the_file():
    frame = panel(seed=61)
    frame["x"] = frame["x"].astype(object)
    frame.loc[7, "x"] = "tall"
    year = int(frame.loc[7, "period"])
    with pytest.raises(DataError, match="row 9, column x"):
        evalweave.twfe(frame, outcome="y", covariates=["x"], where=f"period <= {max(year, 2015)}")


def test_a_condition_that_cannot_be_read_is_a_fault_of_the_spec():
    with pytest.raises(StudyError, match="no condition"):
        evalweave.twfe(panel(seed=61), outcome="y", where="age >=")


def test_a_column_of_treatment_gives_the_start_dates():
    frame = panel(seed=62, units=90, staggered=True)
    on = (frame["period"] >= frame["first_treated"]).astype(int)
    expected = evalweave.twfe(frame, outcome="y").tidy()
    for values in (on, on.astype(bool), on.astype(str)):
        said = frame.drop(columns="first_treated").assign(on=values)
        found = evalweave.twfe(said, outcome="y", treated="on")
        pd.testing.assert_frame_equal(found.tidy(), expected)
    assert "first treated period of each practice_id" in " ".join(
        found.diagnostics["twfe"]["notes"]
    )


def test_treatment_of_people_within_a_practice_is_their_own():
    frame = panel(seed=62, units=90)
    odd = frame["patient_id"].str[-1].astype(int) % 2 == 1
    frame["first_treated"] = np.where(odd, frame["first_treated"], np.nan)
    seen = frame["period"] >= frame["first_treated"]
    own = frame["period"].where(seen).groupby(frame["patient_id"]).transform("min")
    expected = evalweave.twfe(frame.assign(first_treated=own), outcome="y").tidy()
    found = evalweave.twfe(
        frame.drop(columns="first_treated").assign(on=seen.astype(int)), outcome="y", treated="on"
    )
    pd.testing.assert_frame_equal(found.tidy(), expected)
    assert "of each patient_id" in " ".join(found.diagnostics["twfe"]["notes"])


def test_treatment_that_is_switched_off_is_refused_with_what_can_be_done():
    frame = panel(seed=62)
    on = ((frame["period"] >= frame["first_treated"]) & (frame["period"] != 2015)).astype(int)
    said = frame.drop(columns="first_treated").assign(on=on)
    with pytest.raises(DataError) as told:
        evalweave.twfe(said, outcome="y", treated="on")
    for words in ("column on", "treated and later are not (4 of them", "where", "ever having had"):
        assert words in str(told.value)
    with pytest.raises(DataError, match="neither 0 nor 1"):
        evalweave.twfe(said.assign(on=2 * on), outcome="y", treated="on")
    with pytest.raises(DataError, match="found a blank"):
        evalweave.twfe(said.assign(on=on.where(on.index > 3)), outcome="y", treated="on")
    with pytest.raises(StudyError, match="name one of them"):
        evalweave.twfe(said, outcome="y", treated="on", first_treated="start")


def test_several_outcomes_are_each_analysed_alike():
    frame = panel(seed=63)
    frame["z"] = frame["y"] * 2 + frame["x"]
    frame.loc[::7, "z"] = np.nan
    found = evalweave.twfe(frame, outcome=["y", "z"])
    parts = [evalweave.twfe(frame, outcome=name).tidy() for name in ("y", "z")]
    pd.testing.assert_frame_equal(found.tidy(), pd.concat(parts, ignore_index=True))
    assert set(found.diagnostics) == {"twfe, y", "twfe, z"}
    with pytest.raises(StudyError, match="each outcome once"):
        evalweave.twfe(frame, outcome=["y", "y"])
    with pytest.raises(StudyError, match="both weight and outcome y"):
        evalweave.twfe(frame, outcome=["y", "z"], weight="y")


def test_a_factor_is_a_category_although_it_is_a_number():
    frame = panel(seed=64, units=150)
    frame["imd"] = frame["patient_id"].str[1:].astype(int) % 4
    words = frame.assign(imd=frame["imd"].map({0: "a", 1: "b", 2: "c", 3: "d"}))
    expected = evalweave.twfe(words, outcome="y", covariates=["imd"]).rows[0]
    found = evalweave.twfe(frame, outcome="y", covariates=["imd"], factors=["imd"]).rows[0]
    line = evalweave.twfe(frame, outcome="y", covariates=["imd"]).rows[0]
    assert found["estimate"] == pytest.approx(expected["estimate"], rel=1e-12)
    assert line["estimate"] != pytest.approx(expected["estimate"], rel=1e-6)
    with pytest.raises(StudyError, match="among the covariates"):
        evalweave.twfe(frame, outcome="y", factors=["imd"])


def test_treatment_in_words_is_one_problem():
    frame = panel(seed=15).assign(given="yes")
    with pytest.raises(DataError) as told:
        evalweave.twfe(frame, outcome="y", treated="given")
    assert "text that is not a number" in str(told.value)
    assert "blank" not in str(told.value)
