"""`evalweave trace`: a person's way from the rows of the extract to measurements, and who may see
it."""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evalweave import engine
from evalweave.cli import app
from evalweave.commands import clean, ingest
from evalweave.errors import DataError, StudyError
from evalweave.extract.parts import ingested_table
from evalweave.records.codelists import read_all
from evalweave.records.lineage import kind_table, records_of, rows_of
from evalweave.records.pseudonyms import PATIENT, pseudonym_of
from evalweave.study.file import load_study
from evalweave.study.stages import CleanSettings, IngestSettings, settings_for

SMALL = Path(__file__).parents[1] / "workflow" / "small"
HBA1C = "999791000000106,snomed"
DAY = f"X000,A00,2013-10-08,{HBA1C}"
MORE = (
    f"{DAY},61.8,mmol/mol\n"  # averaged with the 59.8 that is there
    f"{DAY},59.8,mmol/mol\n"  # a repeat
    f"{DAY},7.622,%\n"  # the same result in per cent: 59.8
    f"X000,A00,2014-02-01,{HBA1C},,mmol/mol\n"  # no value
    f"X000,A00,2014-03-01,{HBA1C},40,mmol/mol\n"
    f"X000,A00,2014-03-01,{HBA1C},90,mmol/mol\n"  # a day that spreads too far
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study with more records of one person, taken as far as cleaning."""
    folder = tmp_path_factory.mktemp("trace")
    shutil.copytree(SMALL, folder / "study")
    events = folder / "study" / "extract" / "events.csv"
    events.write_text(events.read_text() + MORE)
    study = load_study(folder / "study" / "study.yaml")
    results = folder / "results" / "small"
    ingest.command(
        json.dumps(settings_for(study, IngestSettings)), results / "ingest", None, processes=1
    )
    clean.command(
        json.dumps(settings_for(study, CleanSettings)), results / "ingest", results / "clean"
    )
    return folder


def trace(place: Path, patient: str, *more: str) -> object:
    words = ["trace", str(place / "study" / "study.yaml"), "--patient", patient]
    return CliRunner().invoke(app, [*words, "--directory", str(place), *more])


def test_a_persons_way(place: Path) -> None:
    said = trace(place, "X000").output  # type: ignore[attr-defined]
    for words in (
        "patients.csv, row 2: sex=female birth_year=1950: kept",
        "hba1c 60.8 mmol/mol, the mean of 2 records, unit decided by text",
        "    events.csv, row 3: the record itself",
        "    events.csv, row 242: averaged into it",
        "    events.csv, row 243: a repeat of it",
        "    events.csv, row 244: its twin in another unit",
        "set aside by value_missing (no value)",
        "set aside by same_day_spread",
        "not eligible",  # the cohort was not built here
    ):
        assert words in said, said
    assert "X001" not in said


def test_every_measurement_is_the_mean_of_the_rows_that_are_named(place: Path) -> None:
    study, results = load_study(place / "study" / "study.yaml"), place / "results" / "small"
    lists, _ = read_all(study.codelists, "snomed", {})
    backend = engine.connect("duckdb")
    events = ingested_table(backend, results / "ingest", "events")
    aside = backend.read_parquet(str(results / "clean" / "set_aside.parquet"))
    measured = backend.read_parquet(str(results / "clean" / "measurements.parquet"))
    by_patient = defaultdict(list)
    for row in backend.to_pyarrow(measured).to_pylist():
        by_patient[row["patient_id"]].append(row)
    for patient in ("X000", "X001", "X017"):
        rows = rows_of(backend, events, aside, patient, kind_table(lists, study.outcomes))
        used = 0
        for measurement in by_patient[pseudonym_of(results / "clean", PATIENT, patient)]:
            made = records_of(measurement, rows)
            counted = [row for row, _ in made if row.rule in ("", "same_day_averaged")]
            mean = sum(row.cells["value"] for row in counted) / len(counted)
            assert measurement["value"] == pytest.approx(mean)
            used += len(made)
        outcome = [row for row in rows if row.means == "hba1c"]
        lost = [r for r in outcome if r.rule in ("value_missing", "same_day_spread")]
        assert used + len(lost) == len(outcome) > 0


def test_it_goes_to_the_terminal_or_into_results(place: Path, tmp_path: Path) -> None:
    away = trace(place, "X000", "--out", str(tmp_path / "trace.txt"))
    assert isinstance(away.exception, StudyError)  # type: ignore[attr-defined]
    inside = place / "results" / "small" / "trace.txt"
    assert "Written" in trace(place, "X000", "--out", str(inside)).output  # type: ignore[attr-defined]
    assert re.search(r"hba1c 60\.8", inside.read_text())
    assert inside.stat().st_mode & 0o077 == 0
    stranger = trace(place, "NOBODY")
    assert isinstance(stranger.exception, DataError)  # type: ignore[attr-defined]
    assert "NOBODY" not in str(stranger.exception)  # type: ignore[attr-defined]
