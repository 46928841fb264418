"""People through cleaning and cohort building; who is cleaned alike is cleaned once."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from evalweave import engine
from evalweave.cohort.building import Built, build
from evalweave.records.codelists import read_all
from evalweave.study.stages import CohortSettings
from evalweave.tables.people import COHORT, MEMBERSHIP
from evalweave.tables.records import PRACTICES
from helpers.cleaning import cleaned
from helpers.cleaning import settings as clean_settings

LISTS = Path(__file__).parents[2] / "config" / "codelists"
TYPE_2, TYPE_1, ASTHMA, REFERRED = "44054006", "46635009", "195967001", "871731000000106"


def practices(**columns: list[Any]) -> pd.DataFrame:
    base: dict[str, list[Any]] = {
        "practice_id": ["A", "B", "C", "D"],
        "programme_start": [dt.date(2015, 4, 1), dt.date(2015, 4, 1), None, None],
        "area": ["west", "west", "north", "east"],
    }
    return PRACTICES.conform(pd.DataFrame({**base, **columns}))


def settings(**changes: Any) -> CohortSettings:
    base: dict[str, Any] = {
        "engine": "duckdb",
        "window": {"first": "2011-04-01", "last": "2019-03-31"},
        "eligibility": {
            "index_date": "2015-04-01",
            "conditions": ["type_2_diabetes"],
            "without": ["type_1_diabetes"],
            "additional_conditions": ["asthma"],
        },
        "exposure": {},
        "comparisons": {"all": {"primary": True}},
        "outcomes": {"hba1c": {"unit": "mmol/mol", "plausible": [20, 195]}},
        "cleaning": {},
    }
    for key, value in changes.items():
        base[key] = (
            {**base[key], **value}
            if isinstance(base[key], dict) and key != "comparisons"
            else value
        )
    return CohortSettings.model_validate(base)


def person(
    name: str, practice: str = "A", diagnosed: str = "2012-01-01", **facts: str
) -> dict[str, Any]:
    return {"patient_id": name, "practice_id": practice, "diagnosed": diagnosed, **facts}


CLEANED: dict[
    str, tuple[Any, dict[str, Any]]
] = {}  # what tests that differ in the cohort's settings alone share
EVERY_PRACTICE = [person(f"{practice}{n}", practice) for practice in "ABCD" for n in (1, 2)]


def built(
    people: list[dict[str, Any]],
    chosen: CohortSettings | None = None,
    records: list[dict[str, str]] | None = None,
    spells: list[dict[str, str]] | None = None,
    where: pd.DataFrame | None = None,
    more_lists: dict[str, str] | None = None,
    cleaning: dict[str, Any] | None = None,
) -> Built:
    where = practices() if where is None else where
    key = repr((people, records, spells, where.to_csv(), more_lists, cleaning))
    if key not in CLEANED:
        CLEANED[key] = tidy(
            [*EVERY_PRACTICE, *people], records, spells, where, more_lists, cleaning
        )
    backend, clean = CLEANED[key]
    return fetched(backend, build(backend, clean, where, chosen or settings()))


def tidy(
    people: list[dict[str, Any]],
    records: list[dict[str, str]] | None,
    spells: list[dict[str, str]] | None,
    where: pd.DataFrame,
    more_lists: dict[str, str] | None,
    cleaning: dict[str, Any] | None,
) -> tuple[Any, dict[str, Any]]:
    """Return an engine and what cleaning leaves of these people, as tables that it keeps."""
    facts = ("sex", "birth_year", "ethnicity", "imd_quintile", "death_date")
    names = ("hba1c", "type_2_diabetes", "type_1_diabetes", "asthma", "social_prescribing_referral")
    paths = {name: str(LISTS / f"{name}.csv") for name in names}
    lists, _ = read_all({**paths, **(more_lists or {})}, "snomed")
    diagnoses = [
        {
            "patient_id": p["patient_id"],
            "date": p["diagnosed"],
            "code": TYPE_2,
            "value": "",
            "unit": "",
        }
        for p in people
        if p["diagnosed"]
    ]
    backend, result = cleaned(
        patients=[{k: v for k, v in p.items() if k in ("patient_id", *facts)} for p in people],
        registrations=[
            {
                "patient_id": p["patient_id"],
                "practice_id": p["practice_id"],
                "start": p.get("start", "2010-01-01"),
                "end": p.get("end", ""),
            }
            for p in people
            if p["practice_id"]
        ]
        + (spells or []),
        records=[
            *diagnoses,
            *({"patient_id": p["patient_id"]} for p in EVERY_PRACTICE),
            *(records or []),
        ],
        practices=where,
        chosen=clean_settings(**(cleaning or {})),
        codelists=lists,
    )
    names = ("patients", "registrations", "measurements", "conditions")
    return backend, {name: engine.keep(backend, name, getattr(result, name)) for name in names}


def fetched(backend: Any, result: Built) -> Built:
    """Return what was built with its tables as frames, as their contracts say."""
    cohort, members = (
        backend.to_pyarrow(getattr(result, name)).to_pandas() for name in ("cohort", "membership")
    )
    more = [name for name in cohort.columns if name.startswith("baseline_")]
    cohort = COHORT.conform(cohort).assign(**{name: cohort[name] for name in more})
    return replace(result, cohort=cohort, membership=MEMBERSHIP.conform(members))  # type: ignore[arg-type]


def reason(result: Built) -> dict[str, int]:
    lines = result.ledger[result.ledger["entry"] == "set_aside"]
    return lines.groupby("rule")["n"].sum().to_dict()


def n_moved(result: Built) -> dict[str, int]:
    return result.sizes.set_index("arm")["n_moved"].to_dict()


def one(result: Built, name: str) -> dict[str, Any]:
    return result.cohort[result.cohort["patient_id"] == name].iloc[0].to_dict()
