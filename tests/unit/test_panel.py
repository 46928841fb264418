"""The panel: period values, straddling starts, washout, follow-up, and what the ledger says of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import ibis
import pandas as pd
import pytest

from evalweave import ledger as ledgers
from evalweave.errors import DataError
from evalweave.panel import Panels, build, first_treated
from evalweave.records import engine
from evalweave.records.entries import period_expression
from evalweave.study import Exposure, PanelSettings, period_label, period_number
from evalweave.tables import COHORT, LEDGER, MEASUREMENTS, PANEL, TRENDS

START = dt.date(2015, 4, 1)


def settings(**changes: Any) -> PanelSettings:
    base: dict[str, Any] = {
        "engine": "duckdb",
        "window": {"first": "2013-04-01", "last": "2017-03-31"},
        "exposure": {},
        "outcomes": {"hba1c": {"unit": "mmol/mol", "plausible": [20, 195]}},
    }
    for key, value in changes.items():
        base[key] = {**base[key], **value}
    return PanelSettings.model_validate(base)


def built(
    records: Sequence[tuple[Any, ...]],
    chosen: PanelSettings | None = None,
    start: dt.date = START,
    censored: dict[str, dt.date] | None = None,
    also: dict[str, dt.date] | None = None,
) -> Panels:
    people = {"T1": "A", "T2": "B", "C1": "C", "C2": "D"}
    starts = {"A": start, "B": start, **(also or {})}
    cohort = COHORT.conform(
        pd.DataFrame(
            {
                "patient_id": list(people),
                "practice_id": list(people.values()),
                "arm": ["programme", "programme", "comparison", "comparison"],
                "programme_start": [starts.get(practice) for practice in people.values()],
                "sex": ["female", "male", "unknown", "female"],
                "age": [50, 60, 55, 70],
                "censored_on": [(censored or {}).get(name, dt.date(2017, 3, 31)) for name in people],
            }
        )
    )
    membership = cohort[["patient_id", "arm"]].assign(comparison="all", weight=1.0)
    both = [("T1", "2014-01-01", 50.0), ("C1", "2014-01-01", 50.0)] if not records else []
    rows = [*records, *both]
    measurements = MEASUREMENTS.conform(
        pd.DataFrame(
            {
                "patient_id": [row[0] for row in rows],
                "practice_id": [people.get(row[0], "Z") for row in rows],
                "date": pd.to_datetime([row[1] for row in rows]),
                "outcome": [row[3] if len(row) > 3 else "hba1c" for row in rows],
                "value": [row[2] for row in rows],
                "unit_decided_by": "text",
                "n_same_day": 1,
            }
        )
    )
    backend = engine.connect("duckdb")
    spells = pd.DataFrame(
        {
            "patient_id": list(people),
            "practice_id": list(people.values()),
            "start": [dt.date(2010, 1, 1)] * 4,
            "end": None,
        }
    )
    schema = {"patient_id": "string", "practice_id": "string", "start": "date", "end": "date"}
    return build(
        backend,
        ibis.memtable(measurements),
        ibis.memtable(spells, schema=schema),
        cohort,
        membership,
        "all",
        chosen or settings(),
    )


C = ("C1", "2014-01-01", 50.0)
VALUES = [("T1", "2015-04-01", 40.0), ("T1", "2015-10-05", 46.0), ("T1", "2016-03-31", 55.0), C]


def value(panels: Panels, patient: str = "T1", period: int = 2015) -> float:
    rows = panels.panel[(panels.panel["patient_id"] == patient) & (panels.panel["period"] == period)]
    return float(rows["hba1c"].iloc[0])


@pytest.mark.parametrize(("how", "expected"), [("mean", 47.0), ("last", 55.0), ("nearest_middle", 46.0)])
def test_period_values(how: str, expected: float) -> None:
    outcomes = {"hba1c": {"unit": "mmol/mol", "plausible": [20, 195], "per_period": how}}
    result = built(VALUES, settings(outcomes=outcomes))
    assert value(result) == expected
    assert result.panel["n_hba1c"].tolist() == [1, 3]
    PANEL.check(result.panel)
    TRENDS.check(result.trends)
    ledgers.check(result.ledger)


def test_columns_and_types() -> None:
    panel = built(VALUES).panel
    assert list(panel.columns[:5]) == PANEL.names
    assert panel["first_treated"].tolist() == [pd.NA, 2015]
    assert panel["female"].tolist() == [pd.NA, 1]
    assert panel["period_label"].tolist() == ["2013/14", "2015/16"]
    assert panel[["patient_id", "period"]].equals(
        panel.sort_values(["patient_id", "period"])[["patient_id", "period"]]
    )


def test_the_mean_does_not_depend_on_the_order_of_rows() -> None:
    values = [("T1", f"2015-{month:02d}-03", 40 + month / 7) for month in range(4, 13)]
    assert value(built([*values, C])) == value(built([C, *reversed(values)]))


@pytest.mark.parametrize(
    ("straddling", "periods", "first"),
    [
        ("drop", [2014, 2016], 2015),
        ("treated", [2014, 2015, 2016], 2015),
        ("untreated", [2014, 2015, 2016], 2016),
    ],
)
def test_a_start_inside_a_period(straddling: str, periods: list[int], first: int) -> None:
    records = [("T1", f"{year}-06-01", 50.0) for year in (2014, 2015, 2016)] + [("C1", "2015-06-01", 50.0)]
    result = built(records, settings(exposure={"straddling": straddling}), start=dt.date(2015, 9, 1))
    treated = result.panel[result.panel["patient_id"] == "T1"]
    assert treated["period"].tolist() == periods
    assert set(treated["first_treated"]) == {first}
    assert len(result.panel[result.panel["patient_id"] == "C1"]) == 1
    aside = result.ledger[result.ledger["rule"] == "straddling_period"].groupby("unit")["n"].sum().to_dict()
    # T1's record; T1 and T2 lose the period
    assert aside == ({"records": 1, "person-periods": 2} if straddling == "drop" else {})


def test_first_treated_contains_the_start() -> None:
    for straddling in ("drop", "treated", "untreated"):
        exposure = Exposure(straddling=straddling)  # type: ignore[arg-type]
        assert first_treated(dt.date(2015, 4, 1), exposure, "financial_year") == 2015
    assert first_treated(dt.date(2015, 4, 2), Exposure(), "financial_year") == 2015


def test_washout_is_the_same_days_in_both_arms_when_all_start_together() -> None:
    records = [
        ("T1", "2015-04-30", 90.0),
        ("T1", "2015-05-01", 50.0),
        ("C1", "2015-04-30", 90.0),
        ("C1", "2015-05-01", 60.0),
    ]
    result = built(records, settings(exposure={"washout_days": 30}))
    assert (value(result, "T1"), value(result, "C1")) == (50, 60)
    staggered = built(records, settings(exposure={"washout_days": 30}), also={"B": dt.date(2016, 4, 1)})
    assert (value(staggered, "T1"), value(staggered, "C1")) == (50, 75)


def test_follow_up_and_strangers_are_counted() -> None:
    records = [*VALUES, ("T1", "2016-06-01", 50.0), ("X", "2015-06-01", 50.0)]
    result = built(records, censored={"T1": dt.date(2016, 5, 31)})
    lines = result.ledger[result.ledger["entry"] == "set_aside"].groupby(["unit", "rule"])["n"].sum()
    assert lines["records", "outside_follow_up"] == 1
    assert lines["records", "not_in_comparison"] == 1
    received = result.ledger[result.ledger["entry"] == "received"].groupby("unit")["n"].sum()
    assert received["person-periods"] == 4 * 4 and received["records"] == len(records)
    trends = result.trends.set_index(["arm", "period"])
    assert trends.loc[("programme", 2015), ["n_patients", "n_eligible", "n_practices"]].tolist() == [1, 2, 1]


def test_each_outcome_has_its_own_ledger() -> None:
    """T1: HbA1c in three periods, blood pressure in one; T2: blood pressure once; C2: never measured."""
    records = [*VALUES, ("T1", "2016-06-01", 50.0), ("T1", "2013-06-01", 50.0), ("X", "2015-06-01", 50.0)]
    records += [
        ("T1", "2015-06-01", 130.0, "sbp"),
        ("T2", "2015-06-01", 131.0, "sbp"),
        ("C1", "2013-06-01", 140.0, "sbp"),
    ]
    outcomes = {
        "hba1c": {"unit": "mmol/mol", "plausible": [20, 195]},
        "sbp": {"unit": "mmHg", "plausible": [60, 260]},
    }
    ledger = built(records, settings(outcomes=outcomes)).ledger
    LEDGER.check(ledger)
    ledgers.check(ledger)
    assert list(dict.fromkeys(ledger["outcome"])) == ["hba1c", "sbp"]
    n = ledger.groupby(["outcome", "unit", "entry", "rule"])["n"].sum()
    for outcome, measured, patients, kept in (("hba1c", 4, 2, 6), ("sbp", 3, 3, 3)):
        assert n[outcome, "person-periods", "received", ""] == 4 * 4
        assert n[outcome, "person-periods", "kept", ""] == measured
        assert n[outcome, "person-periods", "set_aside", "not_measured"] == 16 - measured
        assert n[outcome, "patients", "received", ""] == n[outcome, "practices", "received", ""] == 4
        assert n[outcome, "patients", "kept", ""] == n[outcome, "practices", "kept", ""] == patients
        assert n[outcome, "patients", "set_aside", "never_measured"] == 4 - patients
        assert n[outcome, "records", "kept", ""] == kept
    assert n["hba1c", "records", "set_aside", "not_in_comparison"] == 1
    wrong = ledger.copy()
    first = wrong.index[(wrong["entry"] == "kept") & (wrong["outcome"] == "hba1c")][0]
    second = wrong.index[(wrong["entry"] == "kept") & (wrong["outcome"] == "sbp")][0]
    wrong.loc[first, "n"] += 1
    wrong.loc[second, "n"] -= 1  # right over both, wrong for each
    with pytest.raises(DataError, match="does not add up"):
        ledgers.check(wrong)


def test_an_outcome_not_measured_in_an_arm() -> None:
    with pytest.raises(DataError, match='no measurement of the outcome "hba1c" in the comparison arm'):
        built(VALUES[:-1])


@pytest.mark.parametrize("period", ["month", "quarter", "half_year", "financial_year", "calendar_year"])
def test_periods_are_counted_as_the_study_counts_them(period: str) -> None:
    days = [dt.date(2014, 1, 1) + dt.timedelta(days=13 * n) for n in range(120)]
    backend = engine.connect("duckdb")
    table = ibis.memtable(pd.DataFrame({"day": pd.to_datetime(days)}), schema={"day": "date"})
    found = backend.to_pyarrow(table.select("day", n=period_expression(table.day, period)))
    assert found["n"].to_pylist() == [period_number(day, period) for day in found["day"].to_pylist()]
    assert period_label(found["n"].to_pylist()[0], period).startswith(("2013", "2014"))
    chosen = settings(window={"period": period})
    assert len(built([], chosen).panel) == 2
