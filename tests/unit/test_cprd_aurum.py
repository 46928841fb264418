"""CPRD Aurum: names of files, blanks, lookups, family history, last collection, and faults in plain
sentences."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evalweave import engine
from evalweave.errors import DataError
from evalweave.extract.ingest import ingest
from evalweave.extract.readers import reader
from evalweave.records.cleaning import clean
from evalweave.records.codelists import read_all
from evalweave.study.records import Extract
from evalweave.study.stages import CleanSettings
from evalweave.tables.records import PRACTICES

LISTS = Path(__file__).parents[2] / "config" / "codelists"
HBA1C, TYPE_2 = "1700711000006113", "197761014"
PATID = "123456789020001"
PATIENT = (
    "patid\tpracid\tusualgpstaffid\tgender\tyob\tmob\temis_ddate\tregstartdate\tpatienttypeid"
    "\tregenddate\tacceptable\tcprd_ddate"
)
OBSERVATION = (
    "patid\tconsid\tpracid\tobsid\tobsdate\tenterdate\tstaffid\tparentobsid\tmedcodeid\tvalue\tnumunitid\tobstypeid"
    "\tnumrangelow\tnumrangehigh\tprobobsid"
)


def observation(day: str, code: str, value: str = "", unit: str = "", kind: str = "10") -> str:
    return f"{PATID}\t\t20001\t1\t{day}\t{day}\t\t\t{code}\t{value}\t{unit}\t{kind}\t\t\t"


FILES = {
    "x_extract_patient_001.txt": [
        PATIENT,
        f"{PATID}\t20001\t\t2\t1957\tNA\tNA\t01/02/2003\t3\t\t1\t",
    ],
    "x_extract_practice_001.txt": ["pracid\tlcd\tuts\tregion", "20001\t30/06/2018\t\t1"],
    "x_extract_observation_001.txt": [
        OBSERVATION,
        observation("05/05/2016", HBA1C, "48.000", "77"),
        observation("31/02/2016", HBA1C, "48.000", "77"),
        observation("03/04/2017", HBA1C, "50", "NA"),
        observation("01/07/2018", HBA1C, "50", "77"),
        observation("01/03/2017", HBA1C, "51", "4242"),
    ],
    "x_set1_extract_observation_002.txt": [
        OBSERVATION,
        observation("05/05/2010", TYPE_2, kind="4"),
        observation("05/05/2011", TYPE_2),
    ],
    "NumUnit.txt": ["numunitid\tDescription", "77\tmmol/mol", '78\t"inches'],
    "x_extract_drugissue_001.txt": ["patid\tissueid", f"{PATID}\t1"],
}


def write(folder: Path, files: dict[str, list[str]]) -> Extract:
    for name, lines in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return Extract.model_validate({"format": "cprd_aurum", "path": str(folder)})


def read(extract: Extract, out: Path, table: str) -> list[dict[str, Any]]:
    backend = engine.connect("duckdb")
    parts = engine.parquet_tables(
        backend, [part.path for part in ingest(extract, "duckdb", table, out)]
    )
    return backend.to_pyarrow(parts.order_by("source_file", "source_row")).to_pylist()


def refused(extract: Extract, out: Path, table: str) -> str:
    with pytest.raises(DataError) as caught:
        ingest(extract, "duckdb", table, out)
    assert PATID not in str(caught.value)
    return str(caught.value)


def test_the_format_settles_dates_and_codes() -> None:
    extract = Extract.model_validate({"format": "cprd_aurum", "path": "."})
    assert (extract.date_format, extract.code_system) == ("dmy", "medcodeid")
    chosen = Extract.model_validate({"format": "cprd_aurum", "path": ".", "date_format": "iso"})
    assert chosen.date_format == "iso"


def test_patients_and_registrations_come_from_patient(tmp_path: Path) -> None:
    extract = write(tmp_path / "extract", FILES)
    (person,) = read(extract, tmp_path, "patients")
    assert (person["patient_id"], person["sex"], person["birth_year"]) == (PATID, "female", 1957)
    assert (
        person["birth_month"] is None
        and person["death_date_text"] is None
        and person["acceptable"] is True
    )
    (spell,) = read(extract, tmp_path, "registrations")
    assert (spell["start"], spell["end"]) == (dt.date(2003, 2, 1), None)
    assert spell["collected_to"] == dt.date(2018, 6, 30)


def test_practices_are_up_to_standard_from_their_uts(tmp_path: Path) -> None:
    practice = {"x_extract_practice_001.txt": ["pracid\tlcd\tuts", "20001\t30/06/2018\t01/02/2005"]}
    (spell,) = read(write(tmp_path / "e", {**FILES, **practice}), tmp_path, "registrations")
    assert spell["usable_from"] == dt.date(2005, 2, 1)
    assert spell["collected_to"] == dt.date(2018, 6, 30)


def test_death_is_cprds_own_before_the_practices(tmp_path: Path) -> None:
    rows = [
        PATIENT,
        "120001\t20001\t\t1\t1950\t\t01/01/2016\t01/01/2000\t3\t\t1\t03/01/2016",
        "220001\t20001\t\t1\t1950\t\t01/01/2017\t01/01/2000\t3\t\t0\tNA",
    ]
    first, second = read(write(tmp_path / "e", {"a_patient_001.txt": rows}), tmp_path, "patients")
    assert first["death_date"] == dt.date(2016, 1, 3) and second["death_date"] == dt.date(
        2017, 1, 1
    )
    assert second["acceptable"] is False


def test_observations_keep_every_digit_and_take_units_from_the_lookup(tmp_path: Path) -> None:
    events = read(write(tmp_path / "extract", FILES), tmp_path, "events")
    assert len(events) == 7
    assert {event["code"] for event in events} == {HBA1C, TYPE_2}
    assert {event["code_system"] for event in events} == {"medcodeid"}
    assert [event["unit_text"] for event in events[:5]] == [
        "mmol/mol",
        "mmol/mol",
        None,
        "mmol/mol",
        "numunitid 4242",
    ]
    assert events[1]["date"] is None and events[1]["date_text"] == "31/02/2016"
    assert [event["family_history"] for event in events[5:]] == [True, None]


def test_family_history_and_records_after_the_last_collection_are_set_aside(tmp_path: Path) -> None:
    extract = write(tmp_path / "extract", FILES)
    backend = engine.connect("duckdb")
    tables = {
        name: engine.parquet_tables(
            backend, [p.path for p in ingest(extract, "duckdb", name, tmp_path)]
        )
        for name in ("patients", "registrations", "events")
    }
    lists, _ = read_all(
        {n: str(LISTS / f"{n}.csv") for n in ("hba1c", "type_2_diabetes")}, "medcodeid"
    )
    settings = CleanSettings.model_validate(
        {
            "engine": "duckdb",
            "extract": extract.model_dump(),
            "practices": "",
            "codelists": {},
            "cleaning": {},
            "window": {"first": "2011-04-01", "last": "2019-03-31"},
            "outcomes": {"hba1c": {"unit": "mmol/mol", "plausible": [20, 195]}},
        }
    )

    def rules(**practice: Any) -> tuple[list[str], Any]:
        where = PRACTICES.conform(
            pd.DataFrame({"practice_id": ["20001"], "programme_start": [None], **practice})
        )
        result = clean(backend, **tables, practices=where, lists=lists, settings=settings)
        found = backend.to_pyarrow(result.set_aside).to_pylist()
        return [row["rule"] for row in found], backend.to_pyarrow(result.conditions).to_pylist()

    aside, conditions = rules()
    assert sorted(aside) == [
        "date_after_collection",
        "date_unreadable",
        "family_history",
    ]
    assert [row["date"] for row in conditions] == [dt.date(2011, 5, 5)]
    aside, _ = rules(contributes_to=[dt.date(2019, 1, 1)])  # what the practices say goes before
    assert "date_after_collection" not in aside


def test_a_dictionary_translates_to_snomed(tmp_path: Path) -> None:
    dictionary = ["MedCodeId\tTerm\tSnomedCTConceptId", f'{TYPE_2}\tType 2 "diabetes\t44054006']
    extract = write(
        tmp_path / "e", {**FILES, "lookups/202303_EMISMedicalDictionary.txt": dictionary}
    )
    events = read(extract.model_copy(update={"code_system": "snomed"}), tmp_path, "events")
    found = {(event["code"], event["code_system"]) for event in events}
    assert found == {("44054006", "snomed"), (HBA1C, "medcodeid")}
    assert {event["code_system"] for event in read(extract, tmp_path, "events")} == {"medcodeid"}


def test_without_lookups_it_is_read_and_said(tmp_path: Path) -> None:
    few = {
        name: lines for name, lines in FILES.items() if "extract_p" not in name or "patient" in name
    }
    del few["NumUnit.txt"]
    extract = write(tmp_path / "extract", few).model_copy(update={"code_system": "snomed"})
    assert all(event["unit_text"] is None for event in read(extract, tmp_path, "events"))
    notes = " ".join(
        note
        for table in ("registrations", "events")
        for source in reader("cprd_aurum").find(extract, table)
        for note in source.notes
    )
    for words in (
        "No NumUnit.txt",
        "No MedicalDictionary",
        "No Practice file",
        "unseen",
        "drugissue (1)",
    ):
        assert words in notes


def test_a_change_of_the_lookup_is_read_again(tmp_path: Path) -> None:
    extract = write(tmp_path / "extract", FILES)
    assert not any(part.reused for part in ingest(extract, "duckdb", "events", tmp_path))
    assert all(part.reused for part in ingest(extract, "duckdb", "events", tmp_path))
    write(tmp_path / "extract", {"NumUnit.txt": ["numunitid\tDescription", "77\t%"]})
    assert read(extract, tmp_path, "events")[0]["unit_text"] == "%"


def test_faults_of_files_and_lookups_are_told_together(tmp_path: Path) -> None:
    files = {
        **FILES,
        "NumUnit.txt": ["numunit\tText", "77\tmmol/mol"],
        "x_extract_observation_003.txt": ["patid\tobsdate\tvalue", f"{PATID}\t05/05/2016\t48"],
    }
    said = refused(write(tmp_path / "extract", files), tmp_path, "events")
    assert "NumUnit.txt, row 1, column numunitid" in said
    assert "x_extract_observation_003.txt, row 1, column medcodeid: found no such column" in said


def test_other_names_of_files_and_added_columns(tmp_path: Path) -> None:
    rows = [
        PATIENT + "\tethnicity\timd2019_5",
        f"{PATID}\t20001\t\t2\t1957\t\t\t01/02/2003\t3\t\t1\t\tWhite\t2",
    ]
    write(tmp_path / "extract", {"people.tsv": rows})
    said = {"patients": {"imd_quintile": "imd2019_5"}}
    extract = Extract.model_validate(
        {
            "format": "cprd_aurum",
            "path": str(tmp_path / "extract"),
            "files": {"patients": "people*"},
            "columns": said,
        }
    )
    (person,) = read(extract, tmp_path, "patients")
    assert (person["ethnicity"], person["imd_quintile"]) == ("White", 2)


def test_a_folder_of_another_format_is_recognised(tmp_path: Path) -> None:
    write(tmp_path / "extract", FILES)
    flat = Extract.model_validate({"format": "flat", "path": str(tmp_path / "extract")})
    assert "found files of the format cprd_aurum" in refused(flat, tmp_path, "patients")
    missing = write(
        tmp_path / "other", {"x_extract_patient_001.txt": FILES["x_extract_patient_001.txt"]}
    )
    assert "a file of the table Observation" in refused(missing, tmp_path, "events")
