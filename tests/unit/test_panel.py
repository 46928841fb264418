"""The panel: period values, straddling starts, washout, follow-up, and what the ledger says of
each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import pandas as pd
import pytest

from evalweave import engine
from evalweave import ledger as ledgers
from evalweave.engine.expressions import period_expression
from evalweave.errors import DataError
from evalweave.panel import followed
from evalweave.panel.building import build, first_treated
from evalweave.study.people import Exposure
from evalweave.study.periods import period_label, period_number
from evalweave.study.stages import PanelSettings
from evalweave.tables.people import COHORT, PANEL, TRENDS
from evalweave.tables.records import LEDGER, MEASUREMENTS
from helpers.framed import arrow, framed, spelt_out

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
    entered: dict[str, dt.date] | None = None,
    baseline: pd.DataFrame | None = None,
    arms: tuple[str, ...] = ("programme", "programme", "comparison", "comparison"),
    deaths: dict[str, dt.date | None] | None = None,
) -> Framed:
    people = {"T1": "A", "T2": "B", "C1": "C", "C2": "D"}
    starts = {"A": start, "B": start, **(also or {})}
    cohort = COHORT.conform(
        pd.DataFrame(
            {
                "patient_id": list(people),
                "practice_id": list(people.values()),
                "arm": list(arms),
                "programme_start": [starts.get(practice) for practice in people.values()],
                "sex": ["female", "male", "unknown", "female"],
                "age": [50, 60, 55, 70],
                "followed_from": [(entered or {}).get(name) for name in people],
                "censored_on": [
                    (censored or {}).get(name, dt.date(2017, 3, 31)) for name in people
                ],
            }
        )
    )
    if baseline is not None:
        cohort = cohort.merge(baseline, on="patient_id")
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
    made = build(
        backend,
        ibis.memtable(measurements),
        ibis.memtable(spells, schema=schema),
        arrow(cohort),
        arrow(membership),
        "all",
        chosen or settings(),
        _patients(deaths) if deaths else None,
    )
    return Framed(
        panel=framed(backend, made.panel),
        followed=framed(backend, made.followed),
        trends=made.trends,
        ledger=made.ledger,
        died=made.died,
    )


def _patients(deaths: dict[str, dt.date | None]) -> Any:
    frame = pd.DataFrame({"patient_id": list(deaths), "death_date": list(deaths.values())})
    return ibis.memtable(frame, schema={"patient_id": "string", "death_date": "date"})


@dataclass(frozen=True)
class Framed:
    panel: pd.DataFrame
    followed: pd.DataFrame
    trends: pd.DataFrame
    ledger: pd.DataFrame
    died: pd.DataFrame | None = None


C = ("C1", "2014-01-01", 50.0)
VALUES = [("T1", "2015-04-01", 40.0), ("T1", "2015-10-05", 46.0), ("T1", "2016-03-31", 55.0), C]


def value(panels: Framed, patient: str = "T1", period: int = 2015) -> float:
    rows = panels.panel[
        (panels.panel["patient_id"] == patient) & (panels.panel["period"] == period)
    ]
    return float(rows["hba1c"].iloc[0])


@pytest.mark.parametrize(
    ("how", "expected"), [("mean", 47.0), ("last", 55.0), ("nearest_middle", 46.0)]
)
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


def test_baseline_values_are_columns_to_adjust_for() -> None:
    cohort = pd.DataFrame(
        {"patient_id": ["T1", "T2", "C1", "C2"], "baseline_hba1c": [51.5, 60.0, None, 70.0]}
    )
    panel = built(VALUES, baseline=cohort).panel
    assert panel["baseline_hba1c"].tolist() == pytest.approx([float("nan"), 51.5], nan_ok=True)


def test_the_mean_does_not_depend_on_the_order_of_rows() -> None:
    values = [("T1", f"2015-{month:02d}-03", 40 + month / 7) for month in range(4, 13)]
    assert value(built([*values, C])) == value(built([C, *reversed(values)]))


def test_periods_that_begin_with_the_programmes_month() -> None:
    """A start on 1 June inside a calendar half-year drops that period; anchored, none straddles."""
    june = dt.date(2015, 6, 1)
    records = [
        (who, f"{year}-{month}-15", 50.0 + year - 2010)
        for who in ("T1", "C1")
        for year in (2014, 2015)
        for month in ("03", "09")
    ]
    window = {"first": "2013-06-01", "last": "2017-05-31", "period": "half_year"}
    plain = built(records, settings(window=window), start=june)
    anchored = built(records, settings(window=window | {"anchor": 6}), start=june)
    dropped = plain.ledger[plain.ledger["rule"] == "straddling_period"]["n"].sum()
    assert dropped > 0
    assert "straddling_period" not in set(anchored.ledger["rule"])
    treated = anchored.panel[anchored.panel["patient_id"] == "T1"]
    assert treated["period_label"].tolist() == [
        "2013-12 to 2014-05",
        "2014-06 to 2014-11",
        "2014-12 to 2015-05",
        "2015-06 to 2015-11",
    ]
    event = treated["period"] - treated["first_treated"]
    assert event.tolist() == [-3, -2, -1, 0]


@pytest.mark.parametrize(
    ("straddling", "periods", "first"),
    [
        ("drop", [2014, 2016], 2015),
        ("treated", [2014, 2015, 2016], 2015),
        ("untreated", [2014, 2015, 2016], 2016),
    ],
)
def test_a_start_inside_a_period(straddling: str, periods: list[int], first: int) -> None:
    records = [("T1", f"{year}-06-01", 50.0) for year in (2014, 2015, 2016)] + [
        ("C1", "2015-06-01", 50.0)
    ]
    result = built(
        records, settings(exposure={"straddling": straddling}), start=dt.date(2015, 9, 1)
    )
    treated = result.panel[result.panel["patient_id"] == "T1"]
    assert treated["period"].tolist() == periods
    assert set(treated["first_treated"]) == {first}
    assert len(result.panel[result.panel["patient_id"] == "C1"]) == 1
    aside = (
        result.ledger[result.ledger["rule"] == "straddling_period"]
        .groupby("unit")["n"]
        .sum()
        .to_dict()
    )
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
    staggered = built(
        records, settings(exposure={"washout_days": 30}), also={"B": dt.date(2016, 4, 1)}
    )
    assert (value(staggered, "T1"), value(staggered, "C1")) == (50, 75)


def rules(result: Framed, unit: str = "person-periods") -> dict[tuple[str, str], int]:
    """Return how many of a unit each rule took, by rule and period."""
    aside = result.ledger[(result.ledger["entry"] == "set_aside") & (result.ledger["unit"] == unit)]
    return aside.groupby(["rule", "period"])["n"].sum().to_dict()


def test_a_washout_over_the_end_of_a_period() -> None:
    every = [
        (p, f"{year}-{md}", 50.0)
        for p in ("T1", "C1")
        for year, md in (
            (2014, "06-01"),
            (2015, "04-01"),
            (2016, "03-31"),
            (2016, "04-04"),
            (2016, "04-05"),
        )
    ]
    result = built(every, settings(exposure={"washout_days": 370}))  # 1 April 2015 to 4 April 2016
    for patient in ("T1", "C1"):
        rows = result.panel[result.panel["patient_id"] == patient]
        assert rows["period"].tolist() == [2014, 2016] and rows["n_hba1c"].tolist() == [1, 1]
    assert set(result.panel["first_treated"].dropna()) == {2015}
    found = rules(result)
    assert found["washout", "2015/16"] == 4 and ("washout", "2016/17") not in found
    assert ("not_measured", "2015/16") not in found  # each person-period has one reason
    everyone = result.ledger[result.ledger["entry"] == "received"].groupby("unit")["n"].sum()
    assert everyone["person-periods"] == 4 * 4
    assert (
        found["not_measured", "2016/17"] == 2
    )  # T2 and C2: the rest of the period was theirs to be measured in
    assert not (spelt_out(result.followed)["period"] == 2015).any()
    ledgers.check(result.ledger)


def test_a_washout_that_ends_with_the_period_washes_it_all() -> None:
    for days, whole in ((365, False), (366, True)):  # 2015/16 has 366 days
        found = rules(built([], settings(exposure={"washout_days": days})))
        assert (("washout", "2015/16") in found) == whole


def test_a_washout_after_a_start_inside_a_period() -> None:
    records = [("T1", f"{year}-06-01", 50.0) for year in (2014, 2015, 2016)] + [C]
    chosen = settings(exposure={"washout_days": 400, "straddling": "treated"})
    result = built(records, chosen, start=dt.date(2015, 9, 1))  # until 4 October 2016
    assert result.panel.loc[result.panel["patient_id"] == "T1", "period"].tolist() == [2014, 2015]
    assert "washout" not in {
        rule for rule, _ in rules(result)
    }  # no period is washed out from end to end


def test_follow_up_ends_with_the_last_day_of_a_period_or_on_the_first() -> None:
    records = [
        ("T1", "2016-03-31", 50.0),
        ("T2", "2016-04-01", 50.0),
        ("T2", "2016-04-02", 90.0),
        C,
    ]
    last = {"T1": dt.date(2016, 3, 31), "T2": dt.date(2016, 4, 1)}
    result = built(records, censored=last)
    assert value(result, "T1", 2015) == 50 and value(result, "T2", 2016) == 50
    found = rules(result)
    assert found["after_follow_up", "2016/17"] == 1  # T1; T2 was there for a day
    assert spelt_out(result.followed).groupby("patient_id")["period"].max().to_dict() == {
        "T1": 2015,
        "T2": 2016,
        "C1": 2016,
        "C2": 2016,
    }


def test_an_open_cohort_is_followed_from_entry() -> None:
    records = [
        ("T1", day, 50.0) for day in ("2014-06-01", "2015-05-01", "2015-05-02", "2016-06-01")
    ] + [C]
    result = built(records, entered={"T1": dt.date(2015, 5, 2)})
    rows = result.panel[result.panel["patient_id"] == "T1"]
    assert rows["period"].tolist() == [2015, 2016] and rows["n_hba1c"].tolist() == [1, 1]
    assert rules(result, "records")["before_follow_up", "2014/15"] == 1
    assert (
        rules(result)["before_follow_up", "2014/15"] == 1
        and rules(result)["before_follow_up", "2013/14"] == 1
    )
    followed = spelt_out(result.followed).query("patient_id == 'T1'")["period"].tolist()
    assert followed == [2015, 2016]


def test_follow_up_and_strangers_are_counted() -> None:
    records = [*VALUES, ("T1", "2016-06-01", 50.0), ("X", "2015-06-01", 50.0)]
    result = built(records, censored={"T1": dt.date(2016, 5, 31)})
    lines = (
        result.ledger[result.ledger["entry"] == "set_aside"].groupby(["unit", "rule"])["n"].sum()
    )
    assert lines["records", "outside_follow_up"] == 1
    assert lines["records", "not_in_comparison"] == 1
    received = result.ledger[result.ledger["entry"] == "received"].groupby("unit")["n"].sum()
    assert received["person-periods"] == 4 * 4 and received["records"] == len(records)
    trends = result.trends.set_index(["arm", "period"])
    assert trends.loc[
        ("programme", 2015), ["n_patients", "n_eligible", "n_practices"]
    ].tolist() == [1, 2, 1]


def test_each_outcome_has_its_own_ledger() -> None:
    """T1: HbA1c in three periods, blood pressure in one; T2: blood pressure once; C2: never
    measured."""
    records = [
        *VALUES,
        ("T1", "2016-06-01", 50.0),
        ("T1", "2013-06-01", 50.0),
        ("X", "2015-06-01", 50.0),
    ]
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
        assert (
            n[outcome, "patients", "received", ""] == n[outcome, "practices", "received", ""] == 4
        )
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
    with pytest.raises(
        DataError, match='no measurement of the outcome "hba1c" in the comparison arm'
    ):
        built(VALUES[:-1])


def test_people_who_were_not_referred_are_untreated_in_a_programme_practice() -> None:
    panel = built(
        VALUES, also={"C": START, "D": START}
    ).panel  # C1 and C2: comparison arm of programme practices
    assert panel.groupby("patient_id")["first_treated"].first().to_dict() == {
        "C1": None,
        "T1": 2015,
    }


def test_later_starters_may_be_all_there_is_to_compare_with() -> None:
    later = {"C": dt.date(2016, 4, 1), "D": dt.date(2016, 4, 1)}
    panel = built(VALUES, also=later, arms=("programme",) * 4).panel
    assert panel.groupby("patient_id")["first_treated"].first().to_dict() == {
        "C1": 2016,
        "T1": 2015,
    }


@pytest.mark.parametrize(
    "period", ["month", "quarter", "half_year", "financial_year", "calendar_year"]
)
def test_periods_are_counted_as_the_study_counts_them(period: str) -> None:
    days = [dt.date(2014, 1, 1) + dt.timedelta(days=13 * n) for n in range(120)]
    backend = engine.connect("duckdb")
    table = ibis.memtable(pd.DataFrame({"day": pd.to_datetime(days)}), schema={"day": "date"})
    found = backend.to_pyarrow(table.select("day", n=period_expression(table.day, period)))
    assert found["n"].to_pylist() == [
        period_number(day, period) for day in found["day"].to_pylist()
    ]
    assert period_label(found["n"].to_pylist()[0], period).startswith(("2013", "2014"))
    chosen = settings(window={"period": period})
    assert len(built([], chosen).panel) == 2


def test_of_two_records_as_near_to_the_middle_the_earlier_counts() -> None:
    """2015/16 has 366 days, so its middle is 1 October: two days before, and two days after."""
    outcome = {"unit": "mmol/mol", "plausible": [20, 195], "per_period": "nearest_middle"}
    tie = [("T1", "2015-09-29", 70.0), ("T1", "2015-10-03", 40.0), ("T1", "2015-10-04", 90.0)]
    for records in (tie, tie[::-1]):
        assert value(built([*records, C], settings(outcomes={"hba1c": outcome}))) == 70


def test_the_trend_is_the_mean_and_the_spread_of_the_values() -> None:
    trends = built([("T1", "2015-06-01", 40.0), ("T2", "2015-06-01", 61.5), C]).trends
    row = trends.set_index(["arm", "period"]).loc[("programme", 2015)]
    assert row["mean"] == pytest.approx(50.75)
    assert row["sd"] == pytest.approx(21.5 / 2**0.5)  # n - 1 = 1: (10.75² + 10.75²) / 1


def test_who_was_measured_before_is_counted_also_where_nobody_is_measured_now() -> None:
    """T1 has values in 2013, 2015 and 2016, T2 in 2015 alone; the programme arm has none in
    2014."""
    records = [
        ("T1", "2013-06-01", 40.0),
        ("T1", "2015-06-01", 50.0),
        ("T2", "2015-06-01", 90.0),
        ("T1", "2016-06-01", 60.0),
        ("T2", "2016-06-01", 70.0),
        C,
    ]
    trends = built(records).trends.set_index(["arm", "period"]).loc["programme"]
    assert trends["n_eligible"].tolist() == [2, 2, 2, 2]
    assert trends["n_patients"].tolist() == [1, 0, 2, 2]
    assert trends["n_past"].tolist() == [pd.NA, 0, 1, 2]
    assert trends["past_mean"].tolist()[2:] == [40.0, 70.0]  # (50 + 90) / 2
    assert trends["past_sd"].iloc[3] == pytest.approx(40 / 2**0.5)
    assert trends[["mean", "past_mean"]].loc[2014].isna().all()


def test_an_arm_that_was_never_measured_is_still_a_fault() -> None:
    with pytest.raises(DataError, match="in the comparison arm"):
        built([("T1", "2015-06-01", 50.0)])


def test_deaths_are_counted_by_arm_and_period_among_those_in_follow_up() -> None:
    """T1 dies in 2015; T2's death is known, but T2 had left before; C1 lives."""
    deaths = {"T1": dt.date(2015, 7, 1), "T2": dt.date(2016, 7, 1), "C1": None, "C2": None}
    left = {"T1": dt.date(2015, 7, 1), "T2": dt.date(2016, 5, 31)}
    died = built(VALUES, censored=left, deaths=deaths).died
    assert died is not None
    table = died.set_index(["arm", "period"])[["n_followed", "n_died"]]
    assert table.loc["programme"].to_numpy().tolist() == [[2, 0], [2, 0], [2, 1], [1, 0]]
    assert table.loc["comparison"].to_numpy().tolist() == [[2, 0]] * 4
    washed = settings(exposure={"washout_days": 366})  # the whole period of T1's death
    seen = [*VALUES, ("T1", "2014-06-01", 50.0)]
    died = built(seen, washed, censored=left, deaths=deaths).died
    assert died is not None and died["n_died"].sum() == 0


def test_registrations_that_touch_are_one_run() -> None:
    spells = {
        "person": [0, 0, 0],
        "start": [dt.date(2013, 5, 1), dt.date(2014, 4, 1), dt.date(2016, 4, 1)],
        "end": [dt.date(2014, 3, 31), dt.date(2015, 3, 31), None],
    }
    people = {"person": [0], "censored_on": [dt.date(2017, 3, 31)], "followed_from": [None]}
    dates = {"start": "date", "end": "date"}
    backend = engine.connect("duckdb")
    made = followed.runs(
        ibis.memtable(pd.DataFrame(spells), schema={"person": "int64", **dates}),
        ibis.memtable(
            pd.DataFrame({**people, "_drop": [None]}),
            schema={
                "person": "int64",
                "censored_on": "date",
                "followed_from": "date",
                "_drop": "int64",
            },
        ),
        settings(),
    )
    found = framed(backend, made).sort_values("from_period")
    assert found[["from_period", "to_period"]].to_numpy().tolist() == [[2013, 2014], [2016, 2016]]


def test_the_nearest_to_the_middle_lies_in_the_second_half_as_well_as_in_the_first() -> None:
    """1 October is 61 days after 1 August and 50 days before 20 November."""
    outcome = {"unit": "mmol/mol", "plausible": [20, 195], "per_period": "nearest_middle"}
    records = [("T1", "2015-08-01", 55.0), ("T1", "2015-11-20", 65.0), C]
    assert value(built(records, settings(outcomes={"hba1c": outcome}))) == 65


def test_a_threshold_is_a_yes_or_no_of_the_value_of_a_period():
    chosen = settings(
        outcomes={
            "high": {"kind": "binary", "of": "hba1c", "at_least": 58},
            "good": {"kind": "binary", "of": "hba1c", "below": 58},
        }
    )
    records = [
        ("T1", "2014-01-01", 57.0),
        ("T1", "2014-02-01", 59.0),  # a mean of 58
        ("C1", "2014-01-01", 57.9),
    ]
    made = built(records, chosen)
    rows = made.panel.set_index("patient_id")
    assert rows["high"].to_dict() == {"T1": 1.0, "C1": 0.0}
    assert rows["good"].to_dict() == {"T1": 0.0, "C1": 1.0}
    assert rows["n_high"].to_dict() == {"T1": 2, "C1": 1}
    assert set(made.trends["outcome"]) == {"hba1c", "high", "good"}
