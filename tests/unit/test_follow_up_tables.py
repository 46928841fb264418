"""Tables of follow-up and of the dead that strangers send: a plain sentence, never a traceback, and
nobody dead whose value is blank."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import evalweave
from evalweave.errors import DataError, StudyError
from helpers.did_panels import panel

FRAME = panel(seed=5, units=60)
PEOPLE = FRAME[["patient_id", "practice_id", "first_treated"]].drop_duplicates().head(10)
DIED = pd.concat(
    [PEOPLE.assign(period=2015, dead_share=0.5), PEOPLE.assign(period=2016, dead_share=1.0)],
    ignore_index=True,
)
RUNS = PEOPLE.assign(from_period=2011, to_period=2016).reset_index(drop=True)


def composite(died: pd.DataFrame, value: float = 0.0, frame: pd.DataFrame = FRAME):
    return evalweave.twfe(
        frame, outcome="y", deaths=died, dead_value=value, inference=["cr1"], diagnostics=False
    )


def test_the_dead_have_their_value_also_where_the_outcome_is_whole():
    whole = FRAME.assign(y=FRAME["y"].round().astype("int64"))
    exact, rounded = (
        composite(DIED, 0.5, f).tidy()["estimate"].iloc[0]
        for f in (whole.astype({"y": float}), whole)
    )
    assert exact == rounded


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dead_share": "x"}, r"deaths, row 2, column dead_share: found no share \(20 rows\)"),
        ({"dead_share": -3.0}, "dead_share: found no share"),
        ({"dead_share": np.nan}, "dead_share: found no share"),
        ({"period": "spring"}, "deaths, row 2, column period: found no period"),
        ({"period": 2015.5}, "column period: found no period"),
        ({"period": 2016}, "deaths, row 12: found a person and period that stand twice"),
    ],
)
def test_a_table_of_the_dead_that_is_at_fault(changes, words):
    with pytest.raises(DataError, match=words):
        composite(DIED.assign(**changes))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e308])
def test_the_value_of_the_dead_is_a_number(value):
    with pytest.raises(StudyError, match="is no value of an outcome"):
        composite(DIED, value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"from_period": "a"}, r"followed, row 2, column from_period: found no period \(10 rows\)"),
        ({"to_period": np.nan}, "column to_period: found no period"),
        ({"to_period": 2012.5}, "column to_period: found no period"),
        ({"from_period": 2017}, "a run that ends before it begins"),
        ({"to_period": 10**9}, "a run very far from the panel's periods"),
    ],
)
def test_a_table_of_follow_up_that_is_at_fault(changes, words):
    with pytest.raises(DataError, match=words):
        evalweave.weighted_did(
            FRAME, outcome="y", followed=RUNS.assign(**changes), diagnostics=False
        )


def test_a_panel_whose_periods_are_words_takes_neither():
    dated = FRAME.assign(period=FRAME["period"].astype(str) + "-04-01")
    with pytest.raises(DataError, match="the panel, row 2, column period: found no period"):
        evalweave.weighted_did(dated, outcome="y", followed=RUNS, diagnostics=False)
    with pytest.raises(DataError, match="the panel, row 2, column period: found no period"):
        composite(DIED, frame=dated)


def counted(value: float, **more: object):
    frame = FRAME.assign(events=FRAME.index % 3, time=np.where(FRAME["period"] < 2015, 1.0, 0.5))
    return evalweave.poisson(
        frame.assign(**more),
        outcome="events",
        kind="count",
        exposure="time",
        missing="zero",
        deaths=DIED.assign(dead_share=0.3),
        dead_value=value,
        inference=["cr1"],
        diagnostics=False,
    )


def test_a_composite_count_need_not_be_whole_and_a_count_must_be():
    """Two events a year of death are 0.6 in three tenths of one."""
    assert counted(2.0).tidy()["estimate"].notna().all()
    with pytest.raises(DataError, match="the panel, row 2, column events: found what no count is"):
        counted(2.0, events=0.5)


def test_in_a_composite_a_blank_count_is_zero_and_the_dead_have_their_value():
    events = pd.Series(FRAME.index % 3, dtype="float64")
    zero, blank = (counted(5.0, events=e).tidy() for e in (events, events.where(events > 0)))
    assert zero["estimate"].tolist() == blank["estimate"].tolist()
