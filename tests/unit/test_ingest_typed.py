"""Parquet and Arrow as people write them: every cell as it was stored, or the file refused in a
sentence."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.extracts import put, refused, rows

KINDS = ("parquet", "arrow")
DAY = pa.array(["2015-05-01"] * 3)
CODE = pa.array(["1", "2", None])
PEOPLE = pa.array(["P1", "P2", None])


def save(folder: Path, kind: str, table: pa.Table) -> Path:
    path = folder / f"events.{kind}"
    if kind == "parquet":
        pq.write_table(table, path)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    return path


def events(**columns: Any) -> pa.Table:
    return pa.table({"patient_id": PEOPLE, "date": DAY, "code": CODE, **columns})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("column", "texts"),
    [
        pytest.param(
            pa.array([float("nan"), float("inf"), 1e20]),
            [None, "inf", "1e+20"],
            id="floats out of range",
        ),
        pytest.param(
            pa.array([48.1, 6.5, None], pa.float32()), ["48.1", "6.5", None], id="short floats"
        ),
        pytest.param(
            pa.array([Decimal("48.00"), Decimal("6.50"), None]), ["48", "6.50", None], id="decimals"
        ),
        pytest.param(pa.array([True, False, None]), ["true", "false", None], id="booleans"),
        pytest.param(
            pa.array(["<20", " x ", ""]).dictionary_encode(), ["<20", "x", None], id="dictionary"
        ),
        pytest.param(
            pa.array(["a\nb", 'q"', None], pa.large_string()), ["a\nb", 'q"', None], id="large text"
        ),
        pytest.param(pa.nulls(3), [None] * 3, id="nothing"),
        pytest.param(
            pa.array([2**63, 1, None], pa.uint64()), [str(2**63), "1", None], id="unsigned"
        ),
    ],
)
def test_values_of_every_type(
    tmp_path: Path, kind: str, column: pa.Array, texts: list[str | None]
) -> None:
    save(tmp_path, kind, events(value=column))
    assert [found(row) for row in rows(tmp_path)] == [said(text) for text in texts]


def found(row: dict[str, Any]) -> float | str | None:
    """The value; its text where it is none."""
    assert row["value"] is None or row["value_text"] is None
    return row["value_text"] if row["value"] is None else row["value"]


def said(text: str | None) -> float | str | None:
    try:
        return text if text is None or math.isinf(float(text)) else float(text)
    except ValueError:
        return text


@pytest.mark.parametrize("kind", KINDS)
def test_identifiers_stored_as_decimals_have_no_fraction(tmp_path: Path, kind: str) -> None:
    wide = pa.array([Decimal("12622041000006111"), Decimal(10), None], pa.decimal128(38, 10))
    save(tmp_path, kind, events().set_column(0, "patient_id", wide))
    assert [row["patient_id"] for row in rows(tmp_path)] == ["12622041000006111", "10", None]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["iso", "dmy", "mdy"])
def test_typed_dates_are_dates_whatever_the_order_of_texts(
    tmp_path: Path, kind: str, order: str
) -> None:
    days = pa.array([dt.date(2016, 2, 29), dt.date(2016, 4, 1), None])
    save(tmp_path, kind, events().set_column(1, "date", days))
    assert [row["date"] for row in rows(tmp_path, date_format=order)] == days.to_pylist()


@pytest.mark.parametrize("kind", KINDS)
def test_a_moment_with_a_zone_is_the_day_that_it_was_at_home(tmp_path: Path, kind: str) -> None:
    """As for text: 23:00 in UTC is midnight in a British summer, and 23:00 in its winter."""

    def read(zone: str | None, *said: str, **settings: str) -> list[str]:
        moments = [dt.datetime.fromisoformat(each) for each in said]
        column = pa.array(moments, pa.timestamp("us", tz=zone))
        save(tmp_path, kind, events().set_column(1, "date", column))
        return [str(row["date"]) for row in rows(tmp_path, **settings)]

    # the moments are said in UTC, whatever zone the file shows them in
    for zone in ("UTC", "Europe/London", "America/New_York", "+00:00"):
        assert read(zone, "2016-06-30T23:00", "2016-07-01T00:00", "2016-07-01T22:59") == [
            *("2016-07-01",) * 3
        ]
        assert read(zone, "2016-01-31T23:00", "2016-02-01T00:00", "2016-02-01T23:59") == [
            *("2016-01-31", "2016-02-01", "2016-02-01")
        ]
    # a moment without a zone is the day that it says
    assert read(None, "2016-06-30T23:00", "2016-07-01T00:00", "2016-07-01T12:00") == [
        *("2016-06-30", "2016-07-01", "2016-07-01")
    ]
    midnights = ("2016-06-30T00:00", "2016-07-01T00:00", "2016-12-31T00:00")
    as_said = [each[:10] for each in midnights]
    assert read("UTC", *midnights) == as_said
    assert read("UTC", *midnights, time_zone="Etc/UTC") == as_said
    said = refused(tmp_path, time_zone="America/New_York")
    assert "moments that all are midnights in UTC, and the evening before" in said


@pytest.mark.parametrize("kind", KINDS)
def test_two_columns_of_one_name(tmp_path: Path, kind: str) -> None:
    names = ["patient_id", "date", "code"]
    two = pa.array(["48", "49", "50"])
    save(
        tmp_path,
        kind,
        pa.Table.from_arrays([PEOPLE, DAY, CODE, two, two], names=[*names, "value", "value"]),
    )
    assert 'the column "value" more than once' in refused(tmp_path)
    both = pa.Table.from_arrays([PEOPLE, DAY, CODE, two, two], names=[*names, "Value", "VALUE"])
    save(tmp_path, kind, both)
    assert "upper and lower case only" in refused(tmp_path)
    assert [row["value"] for row in rows(tmp_path, columns={"events": {"value": "VALUE"}})] == [
        48,
        49,
        50,
    ]


def test_two_columns_that_differ_in_case_in_a_csv(tmp_path: Path) -> None:
    put(tmp_path, "patient_id,date,code,Value,VALUE\nP1,2015-01-01,1,48,49\n")
    assert "upper and lower case only" in refused(tmp_path)
    assert rows(tmp_path, columns={"events": {"value": "Value"}})[0]["value"] == 48


@pytest.mark.parametrize("kind", KINDS)
def test_floats_behind_a_dictionary_are_floats(tmp_path: Path, kind: str) -> None:
    people = pa.array([1.0, 2.0, None]).dictionary_encode()
    save(tmp_path, kind, events().set_column(0, "patient_id", people))
    assert "floating-point" in refused(tmp_path)


def test_a_damaged_file_and_a_type_that_no_engine_knows(tmp_path: Path) -> None:
    many = pa.table(
        {
            "patient_id": [f"P{n}" for n in range(5000)],
            "date": ["2015-01-01"] * 5000,
            "code": ["1"] * 5000,
        }
    )
    path = save(tmp_path, "parquet", many)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 3 : len(whole) // 3 + 50] = b"\xff" * 50
    path.write_bytes(whole)
    assert "events.parquet: found Parquet that cannot be read" in refused(tmp_path)
    path.write_bytes(whole[: len(whole) // 2])
    assert "events.parquet: found Parquet that cannot be read" in refused(tmp_path)
    path.unlink()
    wide = pa.array([Decimal("48.00"), None, None], pa.decimal256(50, 2))
    save(tmp_path, "arrow", events(value=wide))
    assert "events.arrow: found Arrow that cannot be read" in refused(tmp_path)


def test_a_dictionary_with_floating_point_codes_is_refused_and_small_ones_are_not(
    tmp_path: Path,
) -> None:
    observations = (
        "patid\tobsdate\tmedcodeid\tvalue\tnumunitid\r\n"
        "12320001\t05/05/2016\t1700711000006113\t48\t77\r\n"
    )
    put(tmp_path, observations, "x_extract_observation_001.txt")
    units = pa.table({"numunitid": [77.0, None], "Description": ["mmol/mol", None]})
    pq.write_table(units, tmp_path / "NumUnit.parquet")
    aurum = {"format": "cprd_aurum", "date_format": "dmy", "code_system": "snomed"}
    assert rows(tmp_path, **aurum)[0]["unit_text"] == "mmol/mol"
    terms = pa.table(
        {"MedCodeId": [1700711000006113.0, 2e16], "SnomedCTConceptId": ["999791000000106"] * 2}
    )
    pq.write_table(terms, tmp_path / "MedicalDictionary.parquet")
    assert (
        "MedicalDictionary.parquet, column MedCodeId: found identifiers stored as floating-point"
        in refused(tmp_path, **aurum)
    )
