"""Records through cleaning, as the tests of cleaning, cohort and engines write them down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from evalweave import engine
from evalweave.extract import parsing
from evalweave.extract.dates import Dates
from evalweave.extract.readers import TEXT_COLUMNS
from evalweave.records.cleaning import Cleaned, clean
from evalweave.records.codelists import Codelist, read_all
from evalweave.records.example import DEFAULTS
from evalweave.records.rules import PATIENTS, RECORDS, REGISTRATIONS
from evalweave.study.stages import CleanSettings
from evalweave.tables.records import PRACTICES

LISTS = Path(__file__).parents[2] / "config" / "codelists"
TABLE = {PATIENTS: "patients", REGISTRATIONS: "registrations", RECORDS: "events"}
BACKEND_PRACTICES = PRACTICES.conform(
    pd.DataFrame(
        {
            "practice_id": ["A", "B", "C"],
            "programme_start": [dt.date(2015, 4, 1), None, None],
            "contributes_from": [None, None, dt.date(2012, 1, 1)],
            "contributes_to": [None, None, dt.date(2016, 12, 31)],
        }
    )
)


def lists() -> dict[str, Codelist]:
    names = ("hba1c", "systolic_bp", "type_2_diabetes", "social_prescribing_referral")
    found, faults = read_all({name: str(LISTS / f"{name}.csv") for name in names}, "snomed")
    assert not faults
    return {name: found[name] for name in names}


def settings(**cleaning: object) -> CleanSettings:
    return CleanSettings.model_validate(
        {
            "engine": "duckdb",
            "extract": {"path": "."},
            "practices": "",
            "window": {"first": "2011-04-01", "last": "2019-03-31"},
            "outcomes": {"hba1c": {"unit": "mmol/mol", "plausible": [20, 195]}},
            "codelists": {},
            "cleaning": cleaning,
        }
    )


def parsed(unit: str, rows: Iterable[Mapping[str, str]], order: str = "iso") -> Any:
    table = TABLE[unit]
    whole = [{**DEFAULTS[unit], **row} for row in rows]
    text: dict[str, list[Any]] = {
        name: [row.get(name) or None for row in whole] for name in TEXT_COLUMNS[table]
    }
    text["source_file"] = [f"{table}.csv"] * len(whole)
    text["source_row"] = list(range(2, len(whole) + 2))
    schema = {name: "int64" if name == "source_row" else "string" for name in text}
    return parsing.PARSERS[table](ibis.memtable(pd.DataFrame(text), schema=schema), Dates(order))


def cleaned(
    patients: Iterable[Mapping[str, str]] = ({},),
    registrations: Iterable[Mapping[str, str]] = ({},),
    records: Iterable[Mapping[str, str]] = ({},),
    practices: pd.DataFrame = BACKEND_PRACTICES,
    chosen: CleanSettings | None = None,
    codelists: dict[str, Codelist] | None = None,
) -> tuple[Any, Cleaned]:
    backend = engine.connect("duckdb")
    given = {PATIENTS: patients, REGISTRATIONS: registrations, RECORDS: records}
    result = clean(
        backend,
        *(engine.keep(backend, TABLE[unit], parsed(unit, some)) for unit, some in given.items()),
        practices,
        codelists or lists(),
        chosen or settings(),
    )
    return backend, result


def rows(backend: Any, table: Any) -> list[dict[str, Any]]:
    return backend.to_pyarrow(table).to_pylist()


def prefixed(row: dict[str, str], number: int) -> dict[str, str]:
    patient = row.get("patient_id", "P1")
    return {**row, "patient_id": f"E{number}-{patient}" if patient else ""}
