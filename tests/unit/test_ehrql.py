"""What OpenSAFELY's ehrQL writes is read as it comes: the tables of its example data, and datasets
of one row a patient whose measurements stand in columns."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from pydantic import ValidationError

from evalweave.extract import guessing, ingest
from evalweave.study.records import Extract
from helpers.extracts import refused, rows

# Made up; names, columns and their order as in opensafely-core/ehrql, ehrql/example-data (commit
# 4244661d), which has codes of two systems, spells that overlap and people whom only the death
# register says dead.
TABLES = {
    "patients.csv": "patient_id,date_of_birth,sex,date_of_death\n"
    "0,1951-07-01,female,2016-09-14\n1,1948-03-01,male,\n2,1960-04-01,intersex,\n",
    "practice_registrations.csv": "patient_id,start_date,end_date,practice_pseudo_id,practice_stp,"
    "practice_nuts1_region_name\n"
    "0,2012-09-23,2016-09-14,7055,E54000048,North West\n"
    "1,2007-09-13,2019-03-04,7199,E54000026,East\n1,2019-01-02,,7199,E54000026,East\n",
    "clinical_events.csv": "patient_id,date,snomedct_code,ctv3_code,numeric_value\n"
    "0,2014-01-11,44054006,X40J5,\n0,2014-04-10,999791000000106,XaPbt,58\n"
    "1,2015-08-06,999791000000106,XaPbt,61.5\n",
    "ons_deaths.csv": "patient_id,date,place,underlying_cause_of_death,cause_of_death_01\n"
    "1,2020-05-01,Hospital,C91.1,\n0,2016-09-15,Home,I21.0,I10.0\n9,1964-07-24,Home,I69.4,\n",
}
# One row a patient, as a dataset definition names its columns.
DATASET = {
    "patients.csv": "patient_id,sex,birth_year,practice_pseudo_id,start_date,t2dm_date,"
    "hba1c_2014,hba1c_date_2014,hba1c_2015,hba1c_date_2015\n"
    "1,F,1950,7055,2001-02-03,2009-01-01,58,2014-05-01,,\n"
    "2,M,1960,7055,2001-02-03,,,,49.5,2015-06-02\n"
    "3,M,1961,7199,2001-02-03,2010-03-04,61,,70,2015-13-02\n",
}
DECLARED = [
    {"date": "hba1c_date_*", "value": "hba1c_*", "code": "999791000000106", "unit": "mmol/mol"},
    {"date": "t2dm_date", "code": "44054006"},
]


def put(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_the_tables_of_the_example_data_are_read_unchanged(tmp_path: Path) -> None:
    put(tmp_path, TABLES)
    people = rows(tmp_path, "patients")
    assert [(p["patient_id"], p["sex"], p["birth_year"], p["birth_month"]) for p in people] == [
        ("0", "female", 1951, 7),
        ("1", "male", 1948, 3),
        ("2", "unknown", 1960, 4),
    ]
    # the patient's own day of death comes first, the register's where there is none
    assert [p["death_date"] for p in people] == [dt.date(2016, 9, 14), dt.date(2020, 5, 1), None]
    spells = rows(tmp_path, "registrations")
    assert [(s["practice_id"], s["start"], s["end"]) for s in spells] == [
        ("7055", dt.date(2012, 9, 23), dt.date(2016, 9, 14)),
        ("7199", dt.date(2007, 9, 13), dt.date(2019, 3, 4)),
        ("7199", dt.date(2019, 1, 2), None),
    ]
    events = rows(tmp_path, "events")
    assert [(e["patient_id"], e["code"], e["code_system"], e["value"]) for e in events] == [
        ("0", "44054006", "snomed", None),
        ("0", "999791000000106", "snomed", 58.0),
        ("1", "999791000000106", "snomed", 61.5),
    ]


def test_columns_of_the_patients_row_become_events(tmp_path: Path) -> None:
    put(tmp_path, DATASET)
    events = rows(tmp_path, "events", events_in_patients=DECLARED)
    read = {
        (e["patient_id"], str(e["date"] or e["date_text"]), e["code"], e["value"], e["unit_text"])
        for e in events
    }
    assert read == {
        ("1", "2009-01-01", "44054006", None, None),
        ("1", "2014-05-01", "999791000000106", 58.0, "mmol/mol"),
        ("2", "2015-06-02", "999791000000106", 49.5, "mmol/mol"),
        ("3", "2010-03-04", "44054006", None, None),
        ("3", "None", "999791000000106", 61.0, "mmol/mol"),  # a value without its day is kept
        ("3", "2015-13-02", "999791000000106", 70.0, "mmol/mol"),  # as is a day that is none
    }
    # each has a place of its own: lineage and rules tell records by it
    assert len({(e["source_file"], e["source_row"]) for e in events}) == len(events) == 6
    assert "patients.csv: hba1c_date_2015 hba1c_2015" in {e["source_file"] for e in events}
    spells = rows(tmp_path, "registrations")
    assert [s["practice_id"] for s in spells] == ["7055", "7055", "7199"]


def test_a_file_of_events_is_read_beside_the_rows(tmp_path: Path) -> None:
    put(tmp_path, DATASET | {"events.csv": "patient_id,date,code\n1,2012-01-01,77\n"})
    extract = Extract.model_validate({"path": str(tmp_path), "events_in_patients": DECLARED})
    parts = ingest.ingest(extract, "duckdb", "events", tmp_path / "out")
    assert [(part.name, part.rows) for part in parts] == [("patients.csv", 6), ("events.csv", 1)]


def test_a_column_that_is_not_there_is_missed_by_name(tmp_path: Path) -> None:
    put(tmp_path, DATASET)
    said = refused(
        tmp_path, events_in_patients=[{"date": "bmi_date_*", "value": "bmi_*", "code": "60621009"}]
    )
    assert 'expected a column "bmi_date_*"' in said


@pytest.mark.parametrize(
    "given",
    [
        {"events_in_patients": [{"date": "a_*", "value": "b", "code": "1"}]},
        {"events_in_patients": [{"date": "a_*_*", "value": "b_*_*", "code": "1"}]},
        {"events_in_patients": [{"date": "a", "code": "1"}], "format": "omop"},
    ],
)
def test_declarations_that_mean_nothing(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Extract.model_validate({"path": "x"} | given)


def test_init_finds_pairs_of_columns_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "came").mkdir()
    extract = Extract(path=str(put(tmp_path / "came", DATASET)))
    found = {
        each.place for each in guessing.proposed(Path(extract.path), "flat").events_in_patients
    }
    assert found == {("hba1c_date_*", "hba1c_*")}
    header = "patient_id,sex,hba1c_first_value,hba1c_first_date,hba1c_last,hba1c_last_date_measured"
    put(tmp_path / "came", {"patients.csv": f"{header}\n"})
    found = {
        each.place for each in guessing.proposed(Path(extract.path), "flat").events_in_patients
    }
    assert found == {
        ("hba1c_first_date", "hba1c_first_value"),
        ("hba1c_last_date_measured", "hba1c_last"),
    }
