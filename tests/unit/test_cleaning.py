"""The cleaning rules: each example is a test; then what examples cannot show."""

from __future__ import annotations

import datetime as dt
import math
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evalweave import ledger as ledgers
from evalweave.errors import DataError
from evalweave.records.codelists import read_all
from evalweave.records.example import as_markdown
from evalweave.records.examples import EXAMPLES
from evalweave.records.practices import arm_of
from evalweave.records.rules import PATIENTS, RECORDS, REGISTRATIONS, RULES
from evalweave.tables.records import CONDITIONS, MEASUREMENTS
from evalweave.tables.records import PATIENTS as PATIENTS_TABLE
from helpers.cleaning import BACKEND_PRACTICES, LISTS, TABLE, cleaned, prefixed, rows, settings

Fate = tuple[tuple[str, ...], list[tuple[str, float]]]


@cache
def fates(alike: str) -> dict[int, Fate]:
    """Return for each example with these settings (`repr` of its `cleaning`) which rule took each
    row, and what was measured. They run together, their patients told apart by a prefix."""
    numbers = [n for n, example in enumerate(EXAMPLES) if repr(example.cleaning) == alike]
    tables: dict[str, list[dict[str, str]]] = {unit: [] for unit in TABLE}
    places: dict[int, list[int]] = {}
    for number in numbers:
        example = EXAMPLES[number]
        given = {
            PATIENTS: example.patients,
            REGISTRATIONS: example.registrations,
            RECORDS: ({},),
        }
        for unit, rows_ in {**given, example.unit: example.before}.items():
            first = len(tables[unit]) + 2
            tables[unit] += [prefixed(row, number) for row in rows_]
            if unit == example.unit:
                places[number] = list(range(first, first + len(rows_)))
    chosen = settings(**EXAMPLES[numbers[0]].cleaning)
    backend, result = cleaned(
        tables[PATIENTS], tables[REGISTRATIONS], tables[RECORDS], chosen=chosen
    )
    ledgers.check(result.ledger)
    aside = {
        (row["source_file"], row["source_row"]): row["rule"]
        for row in rows(backend, result.set_aside)
    }
    measured = rows(backend, result.measurements)
    made: dict[int, Fate] = {}
    for number in numbers:
        file = f"{TABLE[EXAMPLES[number].unit]}.csv"
        made[number] = (
            tuple(aside.get((file, place), "") for place in places[number]),
            [
                (row["date"].isoformat(), row["value"])
                for row in measured
                if row["patient_id"].startswith(f"E{number}-")
            ],
        )
    return made


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=[e.rule for e in EXAMPLES])
def test_example(number: int) -> None:
    example = EXAMPLES[number]
    after, measured = fates(repr(example.cleaning))[number]
    assert after == example.after
    if example.measured is not None:
        assert [day for day, _ in measured] == [day for day, _ in example.measured]
        assert [v for _, v in measured] == pytest.approx([v for _, v in example.measured], abs=1e-9)


def test_every_rule_has_an_example() -> None:
    assert {rule.name for rule in RULES} == {example.rule for example in EXAMPLES}
    for example in EXAMPLES:
        assert example.rule in example.after or example.cleaning or example.measured
        assert "becomes" in as_markdown(example)


def test_a_row_is_set_aside_by_the_first_rule_it_fails() -> None:
    wrong = {"patient_id": "P9", "date": "2016-02-31", "value": "<20", "unit": "mg/dL"}
    backend, result = cleaned(
        records=({}, wrong, {**wrong, "patient_id": "P1"}, {**wrong, "code": "1"})
    )
    found = {row["source_row"]: row["rule"] for row in rows(backend, result.set_aside)}
    assert found == {3: "patient_unknown", 4: "date_unreadable", 5: "code_not_listed"}


def test_long_identifiers_beside_a_blank_are_unharmed() -> None:
    name = "12622041000006111"
    backend, result = cleaned(
        patients=({"patient_id": name}, {"patient_id": ""}),
        registrations=({"patient_id": name},),
        records=({"patient_id": name}, {"patient_id": ""}),
    )
    assert [row["patient_id"] for row in rows(backend, result.measurements)] == [name]


def test_the_ledger_counts_by_arm_and_period() -> None:
    _, result = cleaned(
        patients=({}, {"patient_id": "P2"}),
        registrations=({}, {"patient_id": "P2", "practice_id": "B"}),
        records=(
            {},
            {"patient_id": "P2", "date": "2012-03-31"},
            {"patient_id": "P2", "value": "x"},
        ),
    )
    records = result.ledger[result.ledger["unit"] == "records"].set_index(
        ["entry", "arm", "period"]
    )["n"]
    assert records["kept", "programme", "2016/17"] == 1
    assert records["kept", "comparison", "2011/12"] == 1
    assert records["set_aside", "comparison", "2016/17"] == 1


def test_tables_keep_their_contracts() -> None:
    backend, result = cleaned(
        records=(
            {},
            {"code": "44054006", "date": "2005-01-01"},
            {"code": "871711000000103", "value": ""},
        )
    )
    MEASUREMENTS.conform(backend.to_pyarrow(result.measurements).to_pandas())
    CONDITIONS.conform(backend.to_pyarrow(result.conditions).to_pandas())
    PATIENTS_TABLE.conform(backend.to_pyarrow(result.patients).to_pandas())
    found = {(row["codelist"], row["date"].isoformat()) for row in rows(backend, result.conditions)}
    assert found == {
        ("type_2_diabetes", "2005-01-01"),
        ("social_prescribing_referral[declined]", "2016-05-01"),
    }


UNITS: list[tuple[dict[str, str], str, float]] = [
    ({"unit": "%", "value": "6.5"}, "text", (6.5 - 2.152) / 0.09148),
    ({"unit": " MMOL/MOL Hb "}, "text", 48.0),
    ({"unit": "", "code": "1019431000000105", "value": "6.5"}, "code", (6.5 - 2.152) / 0.09148),
    ({"unit": "unknown"}, "code", 48.0),
    ({"unit": "", "code": "1003671000000109", "value": "19.9"}, "range", (19.9 - 2.152) / 0.09148),
    ({"unit": "", "code": "1003671000000109", "value": "20"}, "range", 20.0),
    ({"unit": "mmol/mol", "code": "1019431000000105"}, "text", 48.0),
]


@pytest.fixture(scope="module")
def units() -> list[dict[str, Any]]:
    """Return what became of the records of UNITS, cleaned together, each on a day of its own."""
    days = [f"2016-05-{place + 1:02d}" for place in range(len(UNITS))]
    backend, result = cleaned(
        records=[{**record, "date": day} for (record, _, _), day in zip(UNITS, days, strict=True)]
    )
    found = sorted(rows(backend, result.measurements), key=lambda row: row["date"])
    assert [row["date"].isoformat() for row in found] == days
    return found


@pytest.mark.parametrize("place", range(len(UNITS)), ids=str)
def test_what_decides_the_unit(units: list[dict[str, Any]], place: int) -> None:
    _, by, value = UNITS[place]
    assert (units[place]["unit_decided_by"], units[place]["value"]) == (by, value)


def test_outcomes_of_a_single_unit_are_declared_and_converted() -> None:
    chosen = settings().model_copy(
        update={
            "outcomes": {
                **settings().outcomes,
                "systolic_bp": type(settings().outcomes["hba1c"])(unit="mmHg", plausible=(60, 260)),
            }
        }
    )
    pressure = {"code": "72313002", "unit": "", "value": "140"}
    backend, result = cleaned(
        records=(
            {},
            pressure,
            {**pressure, "unit": "mm Hg", "date": "2016-06-01"},
            {**pressure, "unit": "kPa", "value": "20", "date": "2016-07-01"},
        ),
        chosen=chosen,
    )
    found = [row for row in rows(backend, result.measurements) if row["outcome"] == "systolic_bp"]
    assert [row["unit_decided_by"] for row in found] == ["code", "text", "text"]
    assert [row["value"] for row in found] == pytest.approx([140, 140, 20 / 0.133322387415])


def test_same_day_counts_every_record_it_stands_for() -> None:
    percent = {"unit": "%", "value": "6.5"}
    backend, result = cleaned(records=({}, {}, percent, {"value": "60"}))
    (found,) = rows(backend, result.measurements)
    assert (found["value"], found["n_same_day"]) == (54.0, 4)


def test_registrations_are_merged_and_do_not_overlap() -> None:
    spells = (
        {"practice_id": "A", "start": "2010-01-01", "end": "2011-12-31"},
        {"practice_id": "A", "start": "2012-01-01", "end": "2018-01-01"},
        {"practice_id": "B", "start": "2013-01-01", "end": "2014-01-01"},
    )
    backend, result = cleaned(registrations=spells)
    found = [
        (row["practice_id"], row["start"].isoformat(), row["end"].isoformat())
        for row in rows(backend, result.registrations)
    ]
    assert found == [
        ("A", "2010-01-01", "2012-12-31"),
        ("B", "2013-01-01", "2014-01-01"),
        ("A", "2014-01-02", "2018-01-01"),
    ]


@pytest.mark.parametrize(("gap", "n"), [(0, 2), (9, 2), (10, 1)])
def test_gaps_are_bridged_as_the_study_says(gap: int, n: int) -> None:
    spells = ({"end": "2012-01-01"}, {"start": "2012-01-12"})  # ten days between
    backend, result = cleaned(registrations=spells, chosen=settings(gap_days=gap))
    assert len(rows(backend, result.registrations)) == n


def test_a_merged_practice_is_followed() -> None:
    practices = BACKEND_PRACTICES.assign(merged_into=pd.Series([None, None, "B"], dtype="string"))
    spells = (
        {"practice_id": "C", "start": "2010-01-01", "end": "2013-12-31"},
        {"practice_id": "B", "start": "2014-01-01", "end": ""},
    )
    backend, result = cleaned(registrations=spells, practices=practices)
    (spell,) = rows(backend, result.registrations)
    assert (spell["practice_id"], spell["start"], spell["end"]) == ("B", dt.date(2010, 1, 1), None)


def test_last_collection_ends_registrations() -> None:
    backend, result = cleaned(registrations=({"practice_id": "C"},))
    (spell,) = rows(backend, result.registrations)
    assert spell["end"] == dt.date(2016, 12, 31)


def test_days_from_2999_on_mean_no_day() -> None:
    days = ["2998-12-31", "2999-01-01", "2999-12-31", "2016-01-02"]
    backend, result = cleaned(records=[{"date": day} for day in days])
    aside = {row["source_row"]: row["rule"] for row in rows(backend, result.set_aside)}
    filler = [row for row, rule in aside.items() if rule == "date_filler"]
    assert filler == [3, 4]


def test_the_old_have_a_year_of_birth() -> None:
    backend, result = cleaned(patients=[{"birth_year": "1949"}])
    assert [row["rule"] for row in rows(backend, result.set_aside)] == []


def test_nobody_left_is_said_with_the_reasons() -> None:
    with pytest.raises(
        DataError, match=r"nobody left after cleaning.*no registration with a practice"
    ):
        cleaned(registrations=({"practice_id": "Z"},))


def test_an_outcome_never_measured_is_said() -> None:
    with pytest.raises(
        DataError, match=r'no usable measurement of the outcome "hba1c".*value is no number'
    ):
        cleaned(records=({"value": "high"},))


def test_a_yes_no_outcome_takes_its_value_from_the_code(tmp_path: Path) -> None:
    (tmp_path / "smoking.csv").write_text(
        "code,code_system,value\n77176002,snomed,1\n8392000,snomed,0\n"
    )
    found, faults = read_all({"smoking": str(tmp_path / "smoking.csv")}, "snomed")
    assert not faults
    outcome = type(settings().outcomes["hba1c"])(unit="1", plausible=(0, 1), kind="binary")
    chosen = settings().model_copy(update={"outcomes": {"smoking": outcome}})
    backend, result = cleaned(
        records=(
            {"code": "77176002", "value": ""},
            {"code": "8392000", "value": "", "date": "2017-01-01"},
        ),
        chosen=chosen,
        codelists=found,
    )
    assert [row["value"] for row in rows(backend, result.measurements)] == [1.0, 0.0]


SMOKER, DAILY, NEVER = "77176002", "449868002", "266919005"


def smoking(
    *records: tuple[str, str], **changes: Any
) -> tuple[list[tuple[str, float]], dict[int, str]]:
    """Return the days measured and the rule of each row set aside, of records (code, day) of a
    yes/no outcome."""
    said = {"unit": "proportion", "plausible": [0, 1], "kind": "binary", **changes}
    outcome = type(settings().outcomes["hba1c"]).model_validate(said)
    chosen = settings().model_copy(update={"outcomes": {"smoking": outcome}})
    found, faults = read_all({"smoking": str(LISTS / "smoking.csv")}, "snomed")
    assert not faults
    rows_ = [{"code": code, "value": "", "unit": "", "date": day} for code, day in records]
    backend, result = cleaned(records=rows_, chosen=chosen, codelists=found)
    aside = {row["source_row"]: row["rule"] for row in rows(backend, result.set_aside)}
    ledgers.check(result.ledger)
    return [(str(row["date"]), row["value"]) for row in rows(backend, result.measurements)], aside


def test_yes_and_no_on_one_day_are_never_averaged() -> None:
    measured, aside = smoking(
        (SMOKER, "2016-05-01"),
        (NEVER, "2016-05-01"),  # contradict each other: the day is set aside
        (SMOKER, "2016-06-01"),
        (DAILY, "2016-06-01"),  # say the same
        (NEVER, "2016-07-01"),
    )
    assert measured == [("2016-06-01", 1.0), ("2016-07-01", 0.0)]
    assert aside == {2: "same_day_spread", 3: "same_day_spread", 5: "same_day_repeat"}


def test_a_number_beside_a_status_is_not_its_value() -> None:
    outcome = {"code": SMOKER, "value": "20", "unit": "cigarettes/day"}
    said = {"unit": "proportion", "plausible": [0, 1], "kind": "binary"}
    chosen = settings().model_copy(
        update={"outcomes": {"smoking": type(settings().outcomes["hba1c"]).model_validate(said)}}
    )
    found, _ = read_all({"smoking": str(LISTS / "smoking.csv")}, "snomed")
    backend, result = cleaned(records=[outcome], chosen=chosen, codelists=found)
    assert [row["value"] for row in rows(backend, result.measurements)] == [1.0]


def test_each_outcome_may_have_limits_of_a_day_of_its_own() -> None:
    pressure = type(settings().outcomes["hba1c"]).model_validate
    sound = {"code": "72313002", "unit": "mmHg", "value": "140", "date": "2017-01-01"}
    for spread, left in ((22, []), (None, [("2016-05-01", 150.0)])):  # the quantity's is 60
        said = {"unit": "mmHg", "plausible": [60, 260], "same_day_spread": spread}
        chosen = settings().model_copy(
            update={"outcomes": {**settings().outcomes, "systolic_bp": pressure(said)}}
        )
        twice = [{"code": "72313002", "unit": "mmHg", "value": value} for value in ("135", "165")]
        backend, result = cleaned(records=[{}, *twice, sound], chosen=chosen)
        found = [
            (str(r["date"]), r["value"])
            for r in rows(backend, result.measurements)
            if r["outcome"] != "hba1c"
        ]
        assert found == [*left, ("2017-01-01", 140.0)]


def of_one_day(limits: dict[str, float], *records: dict[str, str]) -> tuple[float, list[str]]:
    """Return what one day's records became and the rules of those set aside."""
    outcome = type(settings().outcomes["hba1c"]).model_validate(
        {"unit": "mmol/mol", "plausible": [20, 195], **limits}
    )
    backend, result = cleaned(
        records=[*records, {"date": "2017-01-01", "value": "99"}],
        chosen=settings().model_copy(update={"outcomes": {"hba1c": outcome}}),
    )
    value = rows(backend, result.measurements)[0]["value"]
    return value, [row["rule"] for row in rows(backend, result.set_aside)]


def test_a_twin_at_exactly_its_limit() -> None:
    """6.5 % and 48 mmol/mol lie 0.47 mmol/mol apart: that far is one result, a hair less is not."""
    converted = (6.5 - 2.152) / 0.09148
    percent = {"value": "6.5", "unit": "%"}
    at = 48 - converted
    assert of_one_day({"same_day_twin": at}, percent, {}) == (48.0, ["same_day_twin"])
    value, aside = of_one_day({"same_day_twin": math.nextafter(at, 0)}, percent, {})
    assert value == pytest.approx((48 + converted) / 2) and aside == ["same_day_averaged"]


def test_a_day_spread_over_exactly_its_limit() -> None:
    apart = ({"value": "48"}, {"value": "70"})
    assert of_one_day({"same_day_spread": 22}, *apart) == (59.0, ["same_day_averaged"])
    assert of_one_day({"same_day_spread": 21.9}, *apart) == (99.0, ["same_day_spread"] * 2)


def test_an_unknown_sex_contradicts_nothing() -> None:
    backend, result = cleaned(patients=({"sex": "F"}, {"sex": "U"}))
    assert [row["rule"] for row in rows(backend, result.set_aside)] == ["patient_repeated"]
    assert [row["sex"] for row in rows(backend, result.patients)] == ["female"]


def test_the_arm_of_a_patient_set_aside_is_that_of_the_latest_registration() -> None:
    lost = {"patient_id": "P2", "sex": ""}
    spells = (
        {},
        {"patient_id": "P2", "practice_id": "B", "start": "2010-01-01", "end": "2013-12-31"},
        {"patient_id": "P2", "practice_id": "A", "start": "2014-01-01"},
    )
    _, result = cleaned(patients=({}, lost), registrations=spells)
    lines = result.ledger[result.ledger["rule"] == "patient_sex_missing"]
    assert lines[["arm", "n"]].to_numpy().tolist() == [["programme", 1]]


def test_a_merged_practice_has_the_arm_of_its_successor() -> None:
    merged = BACKEND_PRACTICES.assign(merged_into=pd.Series([None, "A", "B"], dtype="string"))
    assert arm_of(merged) == dict.fromkeys("ABC", "programme")
    assert arm_of(BACKEND_PRACTICES) == {"A": "programme", "B": "comparison", "C": "comparison"}
