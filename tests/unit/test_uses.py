"""Care that was used: zeros, person-time, events out of follow-up, and prices of one year."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest

import evalweave
from evalweave import engine
from evalweave.errors import DataError, StudyError
from evalweave.panel.prices import as_declared, prices
from evalweave.panel.uses import build_uses
from evalweave.study.stages import UsesSettings
from evalweave.study.uses import ResourceUse
from evalweave.tables.people import COHORT
from helpers.framed import arrow, framed

PEOPLE = {"T1": "A", "T2": "B", "C1": "C", "C2": "D"}
START = dt.date(2015, 4, 1)
RAW: dict[str, pd.DataFrame] = {}  # raw means and ledger of what was built last
ITEMS = {"admissions": {"codelist": "admission"}, "visits": {"codelist": "visit"}}


def settings(**exposure: Any) -> UsesSettings:
    return UsesSettings.model_validate(
        {
            "engine": "duckdb",
            "window": {"first": "2013-04-01", "last": "2017-03-31"},
            "exposure": exposure,
            "outcomes": {
                "admissions": {"kind": "count"},
                "contacts": {"kind": "count", "of": "visits"},
            },
            "resource_use": {"items": ITEMS},
        }
    )


def used(
    events: list[tuple[str, str, str]],
    chosen: UsesSettings | None = None,
    costs: dict[str, float] | None = None,
    censored: dict[str, dt.date] | None = None,
    spells: list[tuple[str, str, str | None]] | None = None,
    start: dt.date = START,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows by patient and period, and the counts of events."""
    cohort = COHORT.conform(
        pd.DataFrame(
            {
                "patient_id": list(PEOPLE),
                "practice_id": list(PEOPLE.values()),
                "arm": ["programme" if name[0] == "T" else "comparison" for name in PEOPLE],
                "programme_start": [start if name[0] == "T" else None for name in PEOPLE],
                "sex": "female",
                "age": 60,
                "censored_on": [
                    (censored or {}).get(name, dt.date(2017, 3, 31)) for name in PEOPLE
                ],
            }
        )
    )
    membership = cohort[["patient_id", "arm"]].assign(comparison="all", weight=1.0)
    rows = spells or [(name, "2010-01-01", None) for name in PEOPLE]
    registrations = pd.DataFrame(
        {
            "patient_id": [row[0] for row in rows],
            "practice_id": [PEOPLE[row[0]] for row in rows],
            "start": [dt.date.fromisoformat(row[1]) for row in rows],
            "end": [dt.date.fromisoformat(row[2]) if row[2] else None for row in rows],
        }
    )
    conditions = pd.DataFrame(
        {
            "patient_id": [event[0] for event in events],
            "codelist": [event[1] for event in events],
            "date": [dt.date.fromisoformat(event[2]) for event in events],
        }
    )
    texts = {"patient_id": "string", "codelist": "string", "date": "date"}
    dates = {"patient_id": "string", "practice_id": "string", "start": "date", "end": "date"}
    backend = engine.connect("duckdb")
    made = build_uses(
        backend,
        ibis.memtable(conditions, schema=texts),
        ibis.memtable(registrations, schema=dates),
        arrow(cohort),
        arrow(membership),
        "all",
        chosen or settings(),
        costs or {},
    )
    RAW.update(trends=made.trends, ledger=made.ledger)
    return framed(backend, made.panel).set_index(["patient_id", "period"]), made.counts


EVENTS = [
    ("T1", "admission", "2013-04-01"),
    ("T1", "admission", "2014-03-31"),
    ("T1", "visit[gp]", "2014-03-31"),
    ("T1", "visit[nurse]", "2014-03-31"),  # a day is one event
    ("T1", "asthma", "2014-03-31"),
    ("C1", "visit[gp]", "2016-05-01"),
]


def test_a_person_period_without_a_record_has_zero_and_every_followed_one_a_row():
    rows, counts = used(EVENTS)
    assert len(rows) == 4 * 4
    assert rows.loc[("T1", 2013), ["admissions", "visits"]].tolist() == [2, 1]
    assert rows.loc[("C1", 2016), "visits"] == 1
    assert rows["admissions"].sum() == 2 and rows["visits"].sum() == 2
    assert rows[["admissions", "visits"]].notna().all(axis=None)
    assert ((rows["admissions"] == 0).sum(), (rows["visits"] == 0).sum()) == (15, 14)
    assert (rows["exposure"] == 1).all()
    assert rows.loc[("T1", 2015), "first_treated"] == 2015
    assert counts.set_index(["arm", "item"])["n_counted"].to_dict() == {
        ("programme", "admissions"): 2,
        ("programme", "visits"): 1,
        ("comparison", "admissions"): 0,
        ("comparison", "visits"): 1,
    }


def test_nothing_depends_on_the_order_of_records_or_people():
    first, second = used(EVENTS)[0], used(EVENTS[::-1])[0]
    pd.testing.assert_frame_equal(first, second)
    names = list(PEOPLE.items())
    PEOPLE.clear()
    PEOPLE.update(names[::-1])  # two of them have no record at all
    try:
        third = used(EVENTS)[0]
    finally:
        PEOPLE.clear()
        PEOPLE.update(names)
    pd.testing.assert_frame_equal(first, third)


def test_person_time_ends_with_follow_up_and_events_after_it_are_counted_apart():
    rows, counts = used(
        [("T1", "admission", "2014-04-10"), ("T1", "admission", "2014-04-11")],
        censored={"T1": dt.date(2014, 4, 10)},
    )
    assert rows.loc["T1"].index.tolist() == [2013, 2014]
    assert rows.loc[("T1", 2014), "exposure"] == pytest.approx(10 / 365)
    assert rows.loc[("T1", 2014), "admissions"] == 1
    line = counts.set_index(["arm", "item"]).loc[("programme", "admissions")]
    assert (line["n_events"], line["n_counted"]) == (2, 1)


def test_raw_rates_are_grouped_sums_and_the_ledger_adds_up():
    late = [*EVENTS, ("T1", "visit", "2016-06-01")]
    rows, _ = used(late, censored={"T1": dt.date(2014, 10, 1)})
    trends = RAW["trends"].set_index(["outcome", "arm", "period"])
    facts = rows.reset_index().assign(
        arm=lambda f: f["patient_id"].str[0].map({"T": "programme", "C": "comparison"})
    )
    for outcome, item in (("admissions", "admissions"), ("contacts", "visits")):
        by = facts.groupby(["arm", "period"])
        rate, sd = by[item].sum() / by["exposure"].sum(), by[item].std()
        mine = trends.loc[outcome].sort_index()
        assert mine["mean"].to_dict() == pytest.approx(rate.to_dict())
        assert mine["sd"].fillna(-1).to_dict() == pytest.approx(sd.fillna(-1).to_dict())
        assert mine["n_patients"].to_dict() == by["exposure"].count().to_dict()
    ledger = RAW["ledger"]
    events = ledger[(ledger["outcome"] == "contacts") & (ledger["unit"] == "records")]
    counts = events.groupby("entry")["n"].sum().to_dict()
    assert counts == {"received": 3, "kept": 2, "set_aside": 1}
    assert events.loc[events["entry"] == "set_aside", "rule"].tolist() == ["not_followed"]
    periods = ledger[(ledger["outcome"] == "admissions") & (ledger["unit"] == "person-periods")]
    assert periods.groupby("entry")["n"].sum()["received"] == 4 * 4
    assert periods.groupby("entry")["n"].sum()["kept"] == len(rows) == 14


def test_overlapping_spells_count_a_day_once_and_gaps_are_no_person_time():
    spells = [
        ("T1", "2013-04-01", "2013-04-20"),
        ("T1", "2013-04-11", "2013-04-30"),
        ("T1", "2013-06-01", "2013-06-10"),
        *((name, "2010-01-01", None) for name in ("T2", "C1", "C2")),
    ]
    rows, counts = used([("T1", "visit", "2013-05-15")], spells=spells)
    assert rows.loc["T1"].index.tolist() == [2013]
    assert rows.loc[("T1", 2013), "exposure"] == pytest.approx(40 / 365)
    assert rows.loc[("T1", 2013), "visits"] == 0
    assert counts["n_events"].sum() == 1 and counts["n_counted"].sum() == 0


def test_straddling_periods_and_washouts_are_left_out_as_in_the_panel():
    rows, _ = used(EVENTS, start=dt.date(2015, 6, 1))
    assert rows.loc["T1"].index.tolist() == [2013, 2014, 2016]
    washed, counts = used(
        [("T1", "visit", "2015-04-30"), ("T1", "visit", "2015-05-01")], settings(washout_days=30)
    )
    assert washed.loc[("T1", 2015), "exposure"] == pytest.approx(336 / 366)
    assert washed.loc[("T1", 2015), "visits"] == 1
    assert counts["n_counted"].sum() == 1


def test_costs_are_counts_times_prices():
    rows, _ = used(EVENTS, costs={"admissions": 2000.0, "visits": 30.0})
    row = rows.loc[("T1", 2013)]
    assert (row["cost_admissions"], row["cost_visits"], row["cost"]) == (4000.0, 30.0, 4030.0)
    assert rows["cost"].sum() == 2 * 2000 + 2 * 30
    assert "cost" not in used(EVENTS)[0].columns


def test_the_rows_go_into_fit_as_they_are():
    each_year = {"T1": (1, 3, 1, 2), "T2": (2, 1, 4, 1), "C1": (3, 1, 1, 2), "C2": (1, 2, 2, 4)}
    events = [
        (name, "visit", f"{2013 + k}-0{month}-01")
        for name, numbers in each_year.items()
        for k, number in enumerate(numbers)
        for month in range(5, 5 + number)
    ]
    rows, _ = used(events)
    frame = rows.reset_index()
    result = evalweave.poisson(
        frame, outcome="visits", exposure="exposure", inference=["cr1"], diagnostics=False
    )
    counts = {
        (arm, after): sum(
            sum(v[2 * after : 2 + 2 * after]) for n, v in each_year.items() if n[0] == arm
        )
        for arm in "TC"
        for after in (0, 1)
    }
    # complete, one start: two arms by two sides is all that matters
    expected = (counts["T", 1] / counts["T", 0]) / (counts["C", 1] / counts["C", 0])
    assert result.tidy().set_index("term").loc["ratio", "estimate"] == pytest.approx(expected)


def declared(
    tmp_path: Path, costs: str, index: str = "year,index\n2016,100\n2019,110\n", **more: Any
):
    (tmp_path / "costs.csv").write_text(f"item,unit_cost,price_year,source\n{costs}")
    (tmp_path / "index.csv").write_text(index)
    keys = {"price_index": str(tmp_path / "index.csv"), **more}
    return ResourceUse.model_validate(
        {"items": ITEMS, "unit_costs": str(tmp_path / "costs.csv"), "price_year": 2019, **keys}
    )


def test_unit_costs_are_brought_to_one_year(tmp_path):
    known = declared(tmp_path, "visits,40,2019,list\nadmissions,2000,2016,list\n")
    assert prices(known) == pytest.approx({"admissions": 2200.0, "visits": 40.0})
    assert prices(ResourceUse.model_validate({"items": ITEMS})) == {}
    said = {
        one["item"]: (one["unit_cost"], one["price_year"], one["source"], one["worth"])
        for one in as_declared(known)
    }
    assert said["admissions"] == ("2000", "2016", "list", pytest.approx(2200))
    assert (
        list(said) == list(ITEMS)
        and as_declared(ResourceUse.model_validate({"items": ITEMS})) == []
    )


def test_all_that_is_wrong_with_unit_costs_is_told_at_once(tmp_path):
    known = declared(tmp_path, "visits,forty,2019,list\nadmision,10,2019,list\nvisits,5,2011,\n")
    with pytest.raises(DataError) as caught:
        prices(known)
    text = str(caught.value)
    for words in (
        "row 2, column unit_cost",
        "another item",
        "stands twice",
        "row 4, column price_year",
        "no source",
        'no row of the item "admissions"',
    ):
        assert words in text, words


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"unit_costs": "x.csv"}, "unit_costs and price_year belong together"),
        ({"items": {"cost": {"codelist": "a"}}}, "is a column of costs"),
        ({"price_index": "x.csv"}, "needs unit_costs"),
    ],
)
def test_what_resource_use_may_not_say(keys, words):
    from evalweave.study.file import validate

    with pytest.raises(StudyError, match=words):
        validate({"items": ITEMS, **keys}, ResourceUse, "study.yaml", {})


def test_a_study_without_it_shows_no_trace_of_it():
    from evalweave.study.file import load_study

    study = load_study(Path(__file__).parents[2] / "config" / "staggered.yaml")
    assert study.resource_use is None
    assert "resource_use" not in study.model_dump(mode="json")
    items = ResourceUse.model_validate({"items": {"referrals": {"codelist": "a"}}})
    with_it = study.model_copy(update={"resource_use": items}).model_dump(mode="json")
    assert with_it["resource_use"]["items"]["referrals"]["codelist"] == "a"


@pytest.mark.parametrize(
    ("costs", "told"),
    [
        ("admissions,10,2019,l\nvisits,5,2019,l\n", True),
        ("admissions,10,2019,l\nvisits,0,2019,l\n", False),
    ],
)
@pytest.mark.parametrize("other", ["admission", "admission[night]"])
def test_a_record_is_not_paid_for_twice(tmp_path, costs, told, other):
    items = {"admissions": {"codelist": "admission"}, "visits": {"codelist": other}}
    known = declared(tmp_path, costs, items=items)
    if not told:
        assert prices(known) == {"admissions": 10.0, "visits": 0.0}
        return
    with pytest.raises(DataError, match='"admissions" and "visits", which count the same records'):
        prices(known)


@pytest.mark.parametrize("cost", ["£40", "1,000", "1_000", "-1", "nan"])
def test_what_is_no_unit_cost(tmp_path, cost):
    with pytest.raises(DataError, match="no currency sign"):
        prices(declared(tmp_path, f'visits,"{cost}",2019,l\nadmissions,1,2019,l\n'))


def test_a_price_year_with_decimals_is_no_year(tmp_path):
    with pytest.raises(DataError, match="row 2, column price_year"):
        prices(declared(tmp_path, "visits,40,2016.7,l\nadmissions,1,2019,l\n"))
