"""Periods and starts in every dress that people send give the same estimates as 1, 2, 3 …"""

from __future__ import annotations

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import pytest

from evalweave.errors import DataError
from evalweave.fitting import fit, named
from helpers.did_panels import panel

ESTIMATORS = (
    "did_2x2",
    "twfe",
    "event_study",
    "callaway_santanna",
    "sun_abraham",
    "imputation",
    "etwfe",
)
SPEC = {
    "columns": {"outcome": "y"},
    "analyses": [
        {"name": name, "estimator": name, "inference": ["cr1"], "diagnostics": False}
        for name in ESTIMATORS
    ],
}


@pytest.fixture(scope="module")
def frame():
    """Periods 1 … 6, start in 4, four practices of eight never treated."""
    made = panel(seed=5, units=80)
    return made.assign(period=made["period"] - 2010, first_treated=made["first_treated"] - 2010)


@pytest.fixture(scope="module")
def right(frame):
    return estimates(frame)


def estimates(frame):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = fit(frame, SPEC)
    return result.tidy().set_index(["analysis", "term"])["estimate"], result


def day(month):
    return dt.date(2014 + (month + 8) // 12, (month + 8) % 12 + 1, 1)  # 1 = October 2014


def serial(epoch):
    return lambda p: (day(p) - dt.date.fromisoformat(epoch)).days


DRESS = {
    "month": lambda p: f"{day(p):%Y-%m}",
    "stata month": lambda p: f"{day(p).year}m{day(p).month}",
    "named month": lambda p: f"{day(p):%b-%y}",
    "yyyymm": lambda p: day(p).year * 100 + day(p).month,
    "date": lambda p: day(p).isoformat(),
    "datetime": lambda p: pd.Timestamp(day(p)),
    "midnight of London in UTC": lambda p: (
        pd.Timestamp(day(p), tz="Europe/London").tz_convert("UTC").isoformat()
    ),
    "zoned": lambda p: pd.Timestamp(day(p), tz="Europe/London").tz_convert("UTC"),
    "day first": lambda p: f"{day(p):%d/%m/%Y}",
    "month end": lambda p: (day(p + 1) - dt.timedelta(days=1)).isoformat(),
    "yyyymmdd": lambda p: int(f"{day(p):%Y%m%d}"),
    "spreadsheet": serial("1899-12-30"),
    "stata days": serial("1960-01-01"),
    "unix days": serial("1970-01-01"),
    "unix seconds": lambda p: serial("1970-01-01")(p) * 86_400,
    "yearmon": lambda p: day(p).year + (day(p).month - 1) / 12,
    "quarter": lambda p: f"{2014 + (p + 1) // 4}Q{(p + 1) % 4 + 1}",
    "quarter first": lambda p: f"Q{(p + 1) % 4 + 1} {2014 + (p + 1) // 4}",
    "yyyyq": lambda p: (2014 + (p + 1) // 4) * 10 + (p + 1) % 4 + 1,
    "yearqtr": lambda p: 2014 + (p + 1) / 4,
    "quarters by their first day": lambda p: f"{2014 + (p + 1) // 4}-{(p + 1) % 4 * 3 + 1:02d}-01",
    "half years": lambda p: f"{2014 + p // 2}H{p % 2 + 1}",
    "week": lambda p: f"2015W{p + 50:02d}" if p <= 3 else f"2016W{p - 3:02d}",
    "yyyyww": lambda p: 201450 + p - 1 if p <= 3 else 201500 + p - 3,
    "weeks by their Monday": lambda p: (
        dt.date(2015, 12, 14) + dt.timedelta(days=7 * p)
    ).isoformat(),
    "stata month number": lambda p: 648 + p,
}


@pytest.mark.parametrize("dress", DRESS)
def test_calendar_periods_give_what_consecutive_numbers_give(dress, frame, right):
    write = DRESS[dress]
    dressed = frame.assign(
        period=frame["period"].map(write),
        first_treated=frame["first_treated"].map(lambda p: None if np.isnan(p) else write(int(p))),
    )
    found, result = estimates(dressed)
    if dress == "stata month number":
        assert not any("read as" in n for n in result.diagnostics["twfe"]["notes"])
        assert np.array_equal(found.to_numpy(), right[0].to_numpy())
        return
    pd.testing.assert_series_equal(found, right[0])
    note = next(n for n in result.diagnostics["twfe"]["notes"] if n.startswith("period:"))
    assert "consecutive periods" in note and "numbered 1 (" in note


YEARS = {
    "financial": lambda y: f"{y}/{(y + 1) % 100:02d}",
    "financial with a dash": lambda y: f"{y}-{(y + 1) % 100:02d}",
    "financial in one number": lambda y: y * 100 + (y + 1) % 100,
    "first of April": lambda y: f"{y}-04-01",
    "April in one number": lambda y: y * 100 + 4,
    "two digits": lambda y: (y - 12) % 100,
    "years as text": lambda y: f"{y}.0",
}


@pytest.mark.parametrize("dress", YEARS)
def test_years_keep_their_number(dress, frame):
    years = frame.assign(period=frame["period"] + 2010, first_treated=frame["first_treated"] + 2010)
    write = YEARS[dress]
    dressed = years.assign(
        period=years["period"].map(write),
        first_treated=years["first_treated"].map(
            lambda p: "never" if np.isnan(p) else write(int(p))
        ),
    )
    found, right = estimates(dressed)[0], estimates(years)[0]
    if dress == "two digits":  # 99, 0, 1 … are 1999, 2000, 2001 …
        assert (
            found["callaway_santanna", "calendar[2002]"]
            == right["callaway_santanna", "calendar[2014]"]
        )
        return
    pd.testing.assert_series_equal(found, right)


def test_a_start_inside_a_period_belongs_to_it(frame, right):
    quarters = frame["period"].map(lambda p: f"{2014 + p // 4}-{p % 4 * 3 + 1:02d}-01")
    start = frame["first_treated"].map({4.0: "2015-02-17"})
    found, _ = estimates(frame.assign(period=quarters, first_treated=start))
    pd.testing.assert_series_equal(found, right[0])
    ends = frame["period"].map(
        lambda p: (pd.Timestamp(2014 + p // 4, p % 4 * 3 + 3, 1) + pd.offsets.MonthEnd(0)).date()
    )
    found, _ = estimates(frame.assign(period=ends.astype(str), first_treated=start))
    pd.testing.assert_series_equal(found, right[0])


NEVER = {
    "fixest": 10000,
    "nines": 9999,
    "after the panel": 7,
    "zero": 0,
    "infinite": np.inf,
    "word": "never",
    "point": ".",
    "Stata's extended missing": ".a",
    "text": "NA",
    "minus one": -1,
    "minus 999": -999,
}


@pytest.mark.parametrize("code", NEVER)
def test_every_way_to_say_never_gives_the_same_and_is_said(code, frame, right):
    value = NEVER[code]
    start = frame["first_treated"].astype(object if isinstance(value, str) else float)
    found, result = estimates(frame.assign(first_treated=start.fillna(value)))
    pd.testing.assert_series_equal(found, right[0])
    for entry in result.diagnostics.values():
        notes = " ".join(entry["notes"])
        assert "read as never treated" in notes or "start after the last period" in notes


def test_several_codes_at_once(frame, right):
    late = {"g04": 9999.0, "g05": 8.0, "g06": np.inf}
    start = frame["practice_id"].map(late).fillna(frame["first_treated"])
    found, result = estimates(frame.assign(first_treated=start))
    pd.testing.assert_series_equal(found, right[0])
    assert "start after the last period (8, 9999)" in " ".join(result.diagnostics["twfe"]["notes"])


def test_late_starts_stay_treated_where_effects_are_anticipated(frame):
    """With one period of anticipation a start in 7 may show in 6: no comparison there."""
    late = frame.assign(
        first_treated=frame["first_treated"].fillna(
            frame["practice_id"].map({"g04": 7.0, "g05": 7.0})
        )
    )
    options = {"outcome": "y", "inference": ["cr1"], "diagnostics": False, "anticipation": 1}
    result = named("imputation")(late, **options)
    assert result.rows[0]["n_practices_treated"] == 6
    assert "after the last period" not in repr(result)


def test_a_year_without_rows_is_named_and_no_event_time(frame):
    gap = frame[frame["period"] != 3]
    found, result = estimates(gap[gap["practice_id"] > "g01"])
    assert "nobody was observed in 3" in result.diagnostics["twfe"]["notes"][0]
    assert not any("event[-1]" in term for _, term in found.index)


def test_jumps_are_said(frame):
    result = named("twfe")(
        frame.assign(period=frame["period"] * 10, first_treated=frame["first_treated"] * 10),
        outcome="y",
    )
    assert "the periods jump (nobody was observed between 10 and 20" in repr(result)


def test_identifiers_in_exponential_form_are_refused(frame):
    cut = frame.assign(patient_id="1.26220410000061E+16")
    with pytest.raises(DataError, match="exponential form, as a spreadsheet"):
        named("twfe")(cut, outcome="y")
