"""The manifest: everything to reproduce a release, nothing of the machine, the same bytes each
time."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from evalweave.errors import DataError
from evalweave.files import sha256
from evalweave.release import manifest
from evalweave.release import software as software_of

STUDY = """
study: {name: tiny, title: Tiny}
extract: {format: flat, path: PLACE}
practices: practices.csv
codelists: {hba1c: PLACE/hba1c.csv}
window: {first: 2011-04-01, last: 2019-03-31}
eligibility: {index_date: 2015-04-01}
comparisons: {others: {primary: true}}
outcomes: {hba1c: {unit: mmol/mol, plausible: [20, 195]}}
analyses: [{name: main, estimator: twfe, outcome: hba1c, seed: 42}]
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    extract = tmp_path / "alice" / "extract"
    extract.mkdir(parents=True)
    for name in ("patients", "registrations", "events"):
        (extract / f"{name}.csv").write_text(name)
    (extract / "hba1c.csv").write_text("code\n1\n")
    (tmp_path / "practices.csv").write_text("practice_id\nA\n")
    (tmp_path / "study.yaml").write_text(STUDY.replace("PLACE", str(extract)))
    return tmp_path / "study.yaml"


def written(study: Path, frame: pd.DataFrame | None = None) -> Path:
    folder = study.parent / "report"
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    (folder / "figures" / "a.svg").write_text("<svg/>")
    table = pd.DataFrame({"analysis": ["main"], "estimate": [-0.1]}) if frame is None else frame
    manifest.write(study, {"estimates": table}, folder, study.parent / "results")
    return folder / "manifest.json"


def test_inputs_are_named_by_role_with_checksum_and_size(study: Path) -> None:
    said = json.loads(written(study).read_text())["inputs"]
    assert [(each["role"], each["name"]) for each in said] == [
        ("extract", "events.csv"),
        ("extract", "patients.csv"),
        ("extract", "registrations.csv"),
        ("practices", "practices.csv"),
        ("codelist hba1c", "hba1c.csv"),
    ]
    assert said[3]["sha256"] == sha256(study.parent / "practices.csv")
    assert said[0]["bytes"] == len("events")


def test_the_checksum_is_of_the_bytes_that_ingest_read(study: Path) -> None:
    ingest = study.parent / "results" / "ingest"
    ingest.mkdir(parents=True)
    part = {"source_file": "events.csv", "sha256": "read earlier"}
    (ingest / "events.json").write_text(json.dumps({"table": "events", "parts": [part]}))
    said = {
        each["name"]: each["sha256"] for each in json.loads(written(study).read_text())["inputs"]
    }
    assert said["events.csv"] == "read earlier"
    assert "patients.csv" not in said  # lies there, but was not read


def test_it_names_no_machine_and_no_time_and_is_the_same_twice(study: Path) -> None:
    first = written(study).read_bytes()
    assert written(study).read_bytes() == first
    text = first.decode()
    assert (
        "alice" not in text and str(study.parent) not in text and str(Path.home()) + "/" not in text
    )
    said = json.loads(text)
    assert said["study"]["extract"]["path"] == "extract"
    assert said["study"]["eligibility"]["index_date"] == "2015-04-01"
    assert said["seeds"] == {"analysis main": 42}
    assert said["study_file"] == {"name": "study.yaml", "sha256": sha256(study)}
    assert said["simulated"] is False and said["engine"] == "duckdb"


def test_it_vouches_for_every_other_file_of_the_folder(study: Path) -> None:
    said = json.loads(written(study).read_text())["files"]
    assert said == {"figures/a.svg": sha256(study.parent / "report" / "figures" / "a.svg")}


def test_versions_of_all_declared_dependencies_are_there(study: Path) -> None:
    software = json.loads(written(study).read_text())["software"]
    assert {"pandas", "numpy", "linearmodels", "snakemake"} <= set(software["dependencies"])
    assert "pytest" not in software["dependencies"]
    assert all(version[0].isdigit() for version in software["dependencies"].values())


def test_released_numbers_are_exact_and_infinite_ends_survive(study: Path) -> None:
    frame = pd.DataFrame(
        {
            "analysis": ["a"],
            "estimate": [0.1 + 0.2],
            "ci_low": [float("-inf")],
            "ci_high": [float("inf")],
            "p_value": [float("nan")],
            "n_obs": pd.array([pd.NA], dtype="Int64"),
            "n_patients": pd.array(["*"], dtype="string"),
            "negative_case": pd.array([True], dtype="boolean"),
        }
    )
    row = json.loads(written(study, frame).read_text())["released"]["estimates"][0]
    assert row == {
        "analysis": "a",
        "estimate": 0.1 + 0.2,
        "ci_low": "-inf",
        "ci_high": "inf",
        "p_value": None,
        "n_obs": None,
        "n_patients": "*",
        "negative_case": True,
    }


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("lists/a.csv", "lists/a.csv"),
        ("../x/a.csv", "../x/a.csv"),
        ("/home/alice/a.csv", "a.csv"),
        ("C:\\Users\\alice\\a.csv", "a.csv"),
        ("~/a.csv", "a.csv"),
        ("\\\\server\\share\\a.csv", "a.csv"),
    ],
)
def test_paths_stay_as_written_unless_they_name_a_machine(path: str, kept: str) -> None:
    assert manifest.as_written(path) == kept


def test_the_commit_and_whether_tracked_files_differ(tmp_path: Path) -> None:
    assert software_of.revision(tmp_path) == (None, None)

    def git(*words: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True)

    git("init")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-m", "a")
    commit, dirty = software_of.revision(tmp_path)
    assert commit is not None and len(commit) == 40 and dirty is False
    (tmp_path / "a").write_text("2")
    assert software_of.revision(tmp_path) == (commit, True)


def test_a_folder_that_is_not_there_is_a_plain_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        manifest.read(tmp_path / "nowhere")


def test_a_manifest_of_another_format_names_the_version_to_install(study: Path) -> None:
    path = written(study)
    path.write_text(path.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(DataError, match=r"Install evalweave 0\.1\.0"):
        manifest.read(path.parent)
