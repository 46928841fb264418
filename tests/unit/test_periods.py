"""Periods: one table of lengths gives numbers, first days and labels, in Python and in the
engine."""

from __future__ import annotations

import datetime as dt

import ibis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalweave.engine.expressions import period_expression
from evalweave.study.periods import (
    LENGTHS,
    Window,
    first_day,
    period_label,
    period_number,
    period_start,
)

ANCHORED = (*LENGTHS, "half_year@6", "quarter@6", "financial_year@6", "calendar_year@12")
DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2999, 12, 31))


@pytest.mark.parametrize(
    ("period", "number", "first", "label"),
    [
        ("financial_year", 2015, dt.date(2015, 4, 1), "2015/16"),
        ("financial_year", 1999, dt.date(1999, 4, 1), "1999/00"),
        ("calendar_year", 2016, dt.date(2016, 1, 1), "2016"),
        ("half_year", 4032, dt.date(2016, 1, 1), "2016 H1"),
        ("quarter", 8064, dt.date(2016, 1, 1), "2016 Q1"),
        ("month", 24194, dt.date(2016, 3, 1), "2016-03"),
        ("half_year@6", 4031, dt.date(2015, 12, 1), "2015-12 to 2016-05"),
        ("quarter@6", 8064, dt.date(2016, 3, 1), "2016-03 to 2016-05"),
        ("financial_year@6", 2015, dt.date(2015, 6, 1), "2015-06 to 2016-05"),
    ],
)
def test_the_period_of_a_day(period: str, number: int, first: dt.date, label: str) -> None:
    day = dt.date(2016, 3, 31) if number != 1999 else dt.date(2000, 3, 31)
    assert period_number(day, period) == number
    assert period_start(day, period) == first_day(number, period) == first
    assert period_label(number, period) == label


@pytest.mark.parametrize("period", ANCHORED)
@given(day=DAYS)
def test_a_day_lies_in_its_period_and_in_no_other(period: str, day: dt.date) -> None:
    number = period_number(day, period)
    assert first_day(number, period) <= day < first_day(number + 1, period)


@pytest.mark.parametrize("period", ANCHORED)
def test_the_engine_counts_as_python_does(period: str) -> None:
    days = [dt.date(1999, 12, 31) + dt.timedelta(days=n) for n in range(1600)]
    table = ibis.memtable({"day": days})
    numbers = ibis.duckdb.connect().to_pyarrow(table.mutate(n=period_expression(table.day, period)))
    rows = numbers.to_pylist()
    assert [row["n"] for row in rows] == [period_number(row["day"], period) for row in rows]


def test_the_programmes_month_takes_the_place_of_its_word() -> None:
    window = Window(
        first=dt.date(2013, 6, 1),
        last=dt.date(2017, 5, 31),
        period="half_year",
        anchor="programme_start",
    )
    told = window.anchored(dt.date(2015, 6, 1))
    assert told.cut == "half_year@6" and told.period == "half_year"
    assert period_start(dt.date(2015, 6, 1), told.cut) == dt.date(2015, 6, 1)
    for wrong in ({"period": "month", "anchor": 6}, {"period": "quarter", "anchor": 13}):
        with pytest.raises(ValueError, match="anchor"):
            Window(first=dt.date(2013, 6, 1), last=dt.date(2017, 5, 31), **wrong)
