"""OMOP: names in either case, units and practices where a site puts them, empty tables, and faults
in sentences."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalweave import engine
from evalweave.errors import DataError, StudyError
from evalweave.extract.ingest import ingest
from evalweave.extract.readers import reader
from evalweave.records.cleaning import Cleaned, clean
from evalweave.records.codelists import read_all
from evalweave.study.records import Extract
from evalweave.study.stages import CleanSettings
from evalweave.tables.records import PRACTICES

HERE = Path(__file__).parents[2]
SAMPLE = HERE / "tests" / "reference" / "data" / "omop_synthea27nj"
FILES = {
    "person.csv": "person_id,gender_concept_id,year_of_birth,race_source_value,care_site_id\n"
    "1,8532,1950,White,7\n2,0,1960,,\n",
    "observation_period.csv": "person_id,observation_period_start_date,"
    "observation_period_end_date\n1,2005-01-01,2010-12-31\n1,2011-06-01,2019-12-31\n2,2005-01-01,2019-12-31\n",
    "measurement.csv": "person_id,measurement_concept_id,measurement_source_concept_id,"
    "measurement_date,operator_concept_id,value_as_number,unit_concept_id,unit_source_value,value_source_value\n"
    "1,3004410,0,2016-05-01,0,48,9579,,48\n"
    "1,3004410,0,2016-06-01,0,6.5,0,%,6.5\n"
    "1,3004410,0,2016-07-01,4171756,20,,,\n"
    "1,3004410,0,2016-08-01,,,,mmol/mol,see letter\n"
    "1,0,2000000009,2016-09-01,,50.0,,,\n",
    "condition_occurrence.csv": "person_id,condition_concept_id,condition_start_date\n"
    "1,201826,2012-01-01\n",
    "observation.csv": "person_id,observation_concept_id,observation_date\n",
    "death.csv": "person_id,death_date\n2,2018-01-01\n2,2017-01-01\n",
    "note.csv": "note_id\n1\n",
}


def write(folder: Path, files: dict[str, str], **more: str) -> Extract:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return Extract.model_validate({"format": "omop", "path": str(folder), **more})


def read(extract: Extract, out: Path, table: str) -> list[dict[str, Any]]:
    backend = engine.connect("duckdb")
    parts = engine.parquet_tables(
        backend, [part.path for part in ingest(extract, "duckdb", table, out)]
    )
    return backend.to_pyarrow(parts.order_by("source_file", "source_row")).to_pylist()


def refused(extract: Extract, out: Path, table: str) -> str:
    with pytest.raises(DataError) as caught:
        ingest(extract, "duckdb", table, out)
    return str(caught.value)


def test_tab_separated_tables_of_cdm_5_3_are_the_same_rows(tmp_path: Path) -> None:
    """Version 5.3 has the columns that are read under the same names; DEATH of both has no key."""
    older = {name: text.replace(",", "\t") for name, text in FILES.items()}
    older["person.csv"] = older["person.csv"].replace(
        "year_of_birth", "year_of_birth\tmonth_of_birth\tday_of_birth\tbirth_datetime"
    )
    for year in ("1950", "1960"):
        older["person.csv"] = older["person.csv"].replace(year, f"{year}\t\t\t")
    for table in ("patients", "registrations", "events"):
        now = read(write(tmp_path / "now", FILES), tmp_path / "a", table)
        then = read(write(tmp_path / "then", older), tmp_path / "b", table)
        assert now and now == then


def test_people_with_several_periods_and_with_two_deaths(tmp_path: Path) -> None:
    extract = write(tmp_path / "e", FILES)
    first, second = read(extract, tmp_path, "patients")
    assert (first["sex"], first["birth_year"], first["ethnicity"]) == ("female", 1950, "White")
    assert second["sex"] == "unknown" and second["death_date"] == dt.date(2017, 1, 1)
    spells = read(extract, tmp_path, "registrations")
    assert [(s["patient_id"], s["practice_id"]) for s in spells] == [
        ("1", "7"),
        ("1", "7"),
        ("2", "unknown"),
    ]


def test_value_and_unit_from_wherever_they_are(tmp_path: Path) -> None:
    events = read(write(tmp_path / "e", FILES), tmp_path, "events")
    condition, *measured = events
    assert (condition["code"], condition["code_system"], condition["date"]) == (
        "201826",
        "omop",
        dt.date(2012, 1, 1),
    )
    assert [event["unit_text"] for event in measured] == ["mmol/mol", "%", None, "mmol/mol", None]
    assert [event["value_text"] for event in measured] == [None, None, "<20", "see letter", None]
    assert [event["value"] for event in measured] == [48, 6.5, None, None, 50]
    assert measured[-1]["code"] == "2000000009"  # no standard concept: the source's


def test_upper_case_semicolons_and_parts_in_folders(tmp_path: Path) -> None:
    lower = read(write(tmp_path / "lower", FILES), tmp_path / "a", "events")
    upper = tmp_path / "upper"
    files = {name.upper(): text.split("\n", 1) for name, text in FILES.items()}
    write(
        upper,
        {
            name: (head.upper() + "\n" + rows).replace(",", ";")
            for name, (head, rows) in files.items()
        },
    )
    (upper / "MEASUREMENT").mkdir()
    (upper / "MEASUREMENT.CSV").rename(upper / "MEASUREMENT" / "part-0001.csv")
    found = read(
        Extract.model_validate({"format": "omop", "path": str(upper)}), tmp_path / "b", "events"
    )
    wanted = ("patient_id", "date", "code", "value", "value_text", "unit_text")
    assert [[row[name] for name in wanted] for row in found] == [
        [row[name] for name in wanted] for row in lower
    ]


def test_concepts_translate_to_snomed_and_name_units(tmp_path: Path) -> None:
    concept = (
        "concept_id\tconcept_code\tvocabulary_id\tconcept_name\n"
        '201826\t44054006\tSNOMED\tType 2 "d\n9999\tmmol/mol\tUCUM\tx\n'
    )
    files = {
        **FILES,
        "CONCEPT.csv": concept,
        "measurement.csv": FILES["measurement.csv"].replace("9579", "9999"),
    }
    events = read(write(tmp_path / "e", files, code_system="snomed"), tmp_path, "events")
    assert (events[0]["code"], events[0]["code_system"]) == ("44054006", "snomed")
    assert (events[1]["code"], events[1]["code_system"], events[1]["unit_text"]) == (
        "3004410",
        "omop",
        "mmol/mol",
    )


def test_typed_parquet_keeps_identifiers_or_is_refused(tmp_path: Path) -> None:
    large = 12622041000006111  # beyond 2^53
    folder = tmp_path / "e"
    extract = write(folder, {name: text for name, text in FILES.items() if name != "person.csv"})
    columns = {"gender_concept_id": [8532.0], "year_of_birth": [1950], "care_site_id": [7.0]}
    pq.write_table(pa.table({"PERSON_ID": [large], **columns}), folder / "Person.parquet")
    assert read(extract, tmp_path, "patients")[0]["patient_id"] == str(large)
    pq.write_table(pa.table({"PERSON_ID": [float(large)], **columns}), folder / "Person.parquet")
    assert "floating-point" in refused(extract, tmp_path, "patients")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    extract = write(tmp_path / "e", FILES)
    notes = " ".join(
        note
        for table in ("patients", "registrations", "events")
        for source in reader("omop").find(extract, table)
        for note in source.notes
    )
    for words in (
        "no deprivation",
        "moves between practices are unseen",
        "PROCEDURE_OCCURRENCE, OBSERVATION (no rows)",
        "note.csv",
    ):
        assert words in notes


def test_missing_tables_and_columns_are_plain_sentences(tmp_path: Path) -> None:
    few = write(tmp_path / "few", {"observation_period.csv": FILES["observation_period.csv"]})
    assert "a file of the table PERSON" in refused(few, tmp_path, "patients")
    bad = write(
        tmp_path / "bad",
        {**FILES, "person.csv": "person_id,gender\n1,8532\n", "death.csv": "id\n1\n"},
    )
    said = refused(bad, tmp_path, "patients")
    assert "person.csv, row 1, column gender_concept_id" in said and "year_of_birth" in said
    said = refused(
        write(tmp_path / "death", {**FILES, "death.csv": "id\n1\n"}), tmp_path, "patients"
    )
    assert "death.csv, row 1, column person_id" in said
    aurum = Extract.model_validate({"format": "cprd_aurum", "path": str(tmp_path / "few")})
    (tmp_path / "few" / "person.csv").write_text(FILES["person.csv"])
    assert "found files of the format omop" in refused(aurum, tmp_path, "patients")


def sample(tmp_path: Path, practice: str) -> tuple[Any, Cleaned]:
    extract = Extract.model_validate({"format": "omop", "path": str(SAMPLE)})
    backend = engine.connect("duckdb")
    tables = {
        name: engine.parquet_tables(
            backend, [p.path for p in ingest(extract, "duckdb", name, tmp_path)]
        )
        for name in ("patients", "registrations", "events")
    }
    lists, faults = read_all(
        {n: str(HERE / "config" / "codelists" / f"{n}.csv") for n in ("hba1c", "type_2_diabetes")},
        "omop",
    )
    assert not faults
    settings = CleanSettings.model_validate(
        {
            "engine": "duckdb",
            "extract": extract.model_dump(),
            "practices": "",
            "codelists": {},
            "cleaning": {},
            "window": {"first": "1980-01-01", "last": "2022-12-31"},
            "outcomes": {"hba1c": {"unit": "mmol/mol", "plausible": [20, 195]}},
        }
    )
    where = PRACTICES.conform(pd.DataFrame({"practice_id": [practice], "programme_start": [None]}))
    return backend, clean(backend, **tables, practices=where, lists=lists, settings=settings)


def test_the_ledger_explains_every_record_of_the_sample(tmp_path: Path) -> None:
    backend, result = sample(tmp_path, "unknown")
    n = result.ledger.groupby(["unit", "entry", "rule"])["n"].sum().to_dict()
    assert n["patients", "kept", ""] == 28
    assert n["records", "received", ""] == 523 + 470
    # one diagnosis of type 2 diabetes, and 195 results in %: 14 of them (3.9 %) are below 20
    # mmol/mol
    assert n["records", "kept", ""] == 1 + 181
    assert n["records", "set_aside", "value_out_of_range"] == 14
    assert n["records", "set_aside", "code_not_listed"] == 523 + 470 - 196
    measured = backend.to_pyarrow(result.measurements).to_pandas()
    assert set(measured["unit_decided_by"]) == {"text"}
    assert measured["value"].between(39.8, 57.4).all()


def test_without_the_practice_of_those_who_have_none_the_reason_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="28 patients: no registration with a practice of the study"
    ):
        sample(tmp_path, "7")


def test_a_misspelt_rename_is_refused(tmp_path: Path) -> None:
    extract = write(tmp_path / "e", FILES)
    wrong = extract.model_copy(update={"columns": {"patients": {"year_of_brith": "yob"}}})
    with pytest.raises(StudyError, match='Did you mean "year_of_birth"'):
        reader("omop").find(wrong, "patients")
    right = extract.model_copy(update={"columns": {"events": {"unit_source_value": "units"}}})
    assert "measurement.csv, row 1, column units" in refused(right, tmp_path, "events")
