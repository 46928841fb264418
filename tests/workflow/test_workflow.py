"""The whole workflow on the demonstration: it runs, stands still, reruns what it must, and
resumes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from evalweave import workflow
from evalweave.estimators.follow_up import followed_rows
from evalweave.release.software import software
from evalweave.study.analyses import Columns
from evalweave.tables.contract import DATE, NUMBER, TEXT, TRUTH, WHOLE
from evalweave.tables.people import COHORT, MEMBERSHIP, PANEL
from evalweave.tables.records import CONDITIONS, MEASUREMENTS, PATIENTS, REGISTRATIONS

ROOT = Path(__file__).parents[2]
STUDY = "config/config.yaml"
KINDS = ("resources", "results", "reports")


def study_in(folder: Path) -> Path:
    """Copy the demonstration's study to `folder`."""
    shutil.copytree(ROOT / "config", folder / "config")
    return folder


def snakemake(folder: Path, *more: str, **environment: str) -> str:
    """Run Snakemake as the README says and return what it printed."""
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(ROOT / "Snakefile"),
        "--cores",
        "2",
        *more,
    ]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def jobs(printed: str) -> dict[str, int]:
    """Return rule → number of jobs from a dry run's table of jobs."""
    lines = printed.split("Job stats:")[1].split("total")[0].splitlines()[3:]
    return {line.split()[0]: int(line.split()[1]) for line in lines if line.strip()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demonstration: a copy of the checkout's own where this very code made it."""
    folder = study_in(tmp_path_factory.mktemp("first"))
    manifest = ROOT / "reports/ways-to-wellness/manifest.json"
    if manifest.exists() and json.loads(manifest.read_text())["software"] == software():
        for made in (*(f"{kind}/ways-to-wellness" for kind in KINDS), ".snakemake"):
            shutil.copytree(ROOT / made, folder / made, symlinks=True)
    printed = snakemake(folder)
    assert f"The report is at {folder / 'reports/ways-to-wellness/report.html'}" in printed
    yield folder


def test_every_output_is_there_and_audited(finished: Path) -> None:
    released = finished / "reports" / "ways-to-wellness"
    names = {path.name for path in released.iterdir()}
    assert names >= {
        "report.html",
        "estimates.csv",
        "joint_display.csv",
        "theme_counts.csv",
        "flow.csv",
        "baseline.csv",
        "manifest.json",
        "release.zip",
        "figures",
    }
    audit = json.loads((finished / "results/ways-to-wellness/audit.json").read_text())
    assert audit["findings"] == []


def test_parquet_files_are_typed_as_their_contracts_say(finished: Path) -> None:
    """What DuckDB makes of a date and a day more is a time; readers of the files count on dates."""
    kinds = {TEXT: "string", WHOLE: "int64", NUMBER: "double", TRUTH: "bool", DATE: "date32[day]"}
    results = finished / "results/ways-to-wellness"
    files = {
        "clean/patients": PATIENTS,
        "clean/registrations": REGISTRATIONS,
        "clean/conditions": CONDITIONS,
        "clean/measurements": MEASUREMENTS,
        "cohort/cohort": COHORT,
        "cohort/membership": MEMBERSHIP,
        "panel/area_without_programme": PANEL,
    }
    for name, table in files.items():
        schema = pq.read_schema(results / f"{name}.parquet")
        optional = {column.name for column in table.columns} - set(schema.names)
        assert optional <= {"collected_to", "usable_from"}, name
        found = {
            c.name: str(schema.field(c.name).type) for c in table.columns if c.name not in optional
        }
        assert found == {c.name: kinds[c.type] for c in table.columns if c.name not in optional}, (
            name
        )


def test_a_second_run_does_nothing_and_names_the_report(finished: Path) -> None:
    printed = snakemake(finished)
    assert "Nothing to be done" in printed
    assert f"The report is at {finished / 'reports/ways-to-wellness/report.html'}" in printed


def test_a_changed_analysis_reruns_alone_with_what_depends_on_it(finished: Path) -> None:
    file = finished / STUDY
    before = file.read_text()
    times = file.stat()
    try:
        study = yaml.safe_load(before)
        next(a for a in study["analyses"] if a["name"] == "north_only")["inference"] = ["cr3"]
        file.write_text(yaml.safe_dump(study, sort_keys=False, allow_unicode=True))
        rerun = jobs(snakemake(finished, "--dry-run"))
    finally:
        file.write_text(before)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert rerun == {
        "fit": 1,
        "estimates": 1,
        "join": 1,
        "report": 1,
        "audit": 1,
        "crate": 1,
        "all": 1,
    }


@dataclass(frozen=True)
class Killed:
    """A run that was killed after the cohort, and the call that took it up."""

    folder: Path
    measured: int  # when the measurements were written, in ns
    second: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    folder = study_in(tmp_path_factory.mktemp("killed"))
    evalweave = [sys.executable, "-m", "evalweave", "run", STUDY, "--cores", "2"]
    first = subprocess.Popen(
        evalweave,
        cwd=folder,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    cohort = folder / "results/ways-to-wellness/cohort/cohort.parquet"
    deadline = time.monotonic() + 900
    while not cohort.exists() and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    measured = (folder / "results/ways-to-wellness/clean/measurements.parquet").stat().st_mtime_ns
    second = subprocess.run(evalweave, cwd=folder, capture_output=True, text=True, check=False)
    return Killed(folder, measured, second)


def test_a_killed_run_is_taken_up_where_it_stopped(killed: Killed) -> None:
    folder, second = killed.folder, killed.second
    assert second.returncode == 0, second.stdout + second.stderr
    assert (folder / "reports/ways-to-wellness/report.html").exists()
    measurements = folder / "results/ways-to-wellness/clean/measurements.parquet"
    assert measurements.stat().st_mtime_ns == killed.measured
    assert not list(folder.rglob("*.part"))


def test_a_second_computation_gives_the_same_bytes(finished: Path, killed: Killed) -> None:
    """The second one, in a folder of its own, was even interrupted."""
    again = killed.folder
    for kind in KINDS:
        for file in sorted((finished / kind).rglob("*")):
            inside = file.relative_to(finished)
            if file.is_dir() or {"logs", "benchmarks", "previous"} & set(inside.parts):
                continue
            assert file.read_bytes() == (again / inside).read_bytes(), inside


def test_a_wrong_study_file_is_one_plain_sentence(tmp_path: Path) -> None:
    folder = study_in(tmp_path)
    text = (
        (folder / STUDY)
        .read_text()
        .replace("eligibility:\n  index_date", "eligibility:\n  index_dat", 1)
    )
    (folder / STUDY).write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "evalweave", "run", STUDY],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert 'Did you mean "index_date"?' in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("tables/joint.py", '"claims",', '"claim list",', {"join": 1}),
        ("estimators/twfe.py", "return ", "edited = 1; return ", {"fit": 8, "estimates": 1}),
        ("report/sections/answer.py", "return ", "edited = 1; return ", {}),
    ],
    ids=["claims column", "estimator", "report sentence"],
)
def test_a_changed_module_reruns_what_uses_it(
    finished: Path, tmp_path: Path, file: str, old: str, new: str, expected: dict[str, int]
) -> None:
    """The plan with an edited copy of the package; test_used_code.py does this for every kind."""
    copy = tmp_path / "evalweave"
    shutil.copytree(workflow.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    text = (copy / file).read_text()
    assert old in text
    (copy / file).write_text(text.replace(old, new))
    planned = jobs(snakemake(finished, "--dry-run", PYTHONPATH=str(tmp_path)))
    if "fit" in planned:
        analyses = yaml.safe_load((finished / STUDY).read_text())["analyses"]
        expected = {**expected, "fit": len(analyses), "join": 1, "value": 1}
    assert planned == {**expected, "report": 1, "audit": 1, "crate": 1, "all": 1}


def test_the_generated_reference_is_up_to_date() -> None:
    from evalweave import reference

    for page, generated in reference.PAGES.items():
        text = (ROOT / page).read_text()
        assert reference.between(text, generated()) == text, "run python -m evalweave.reference"
    assert (ROOT / "workflow/schemas/study.schema.json").read_text() == reference.schema()


def test_who_was_followed_agrees_with_the_trends_and_is_tested(finished: Path) -> None:
    panel = finished / "results/ways-to-wellness/panel"
    followed = pd.read_parquet(panel / "area_without_programme.followed.parquet")
    trends = pd.read_csv(panel / "area_without_programme.trends.csv").query("outcome == 'hba1c'")
    seen = pd.read_parquet(panel / "area_without_programme.parquet")
    columns = Columns(outcome="hba1c")
    rows = followed_rows(followed, seen, columns, "measured_hba1c")
    arm = rows["first_treated"].notna().map({True: "programme", False: "comparison"})
    counts = rows.groupby([arm.rename("arm"), "period"])["measured_hba1c"].agg(["size", "sum"])
    expected = trends.set_index(["arm", "period"])[["n_eligible", "n_patients"]].sort_index()
    assert counts.sort_index().to_numpy().tolist() == expected.to_numpy().tolist()
    diagnostics = json.loads(
        (finished / "results/ways-to-wellness/estimates/diagnostics.json").read_text()
    )
    assert diagnostics["main"]["measured_did"]["inference"] == "cr3"
    assert "measured_did" not in diagnostics["placebo_blood_pressure"]
