"""A small study in a folder with every awkward character: it runs, says the truth about itself, and
nothing in its name is executed."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest

SMALL = Path(__file__).parent / "small"
ROOT = Path(__file__).parents[2]
CHECKOUT = "a b {2015} 'c'"
NAME = "a b {2015} 'c' \"d\" $(touch owned) `touch owned` é\nz; touch owned #"
EXTRACT = "$(touch owned) {x}"


class Study:
    """The small study in a folder, with its extract in another, run from a checkout in a third."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / NAME
        shutil.copytree(SMALL, self.folder)
        (self.folder / "extract").rename(self.folder / EXTRACT)
        self.checkout = root / CHECKOUT
        for part in ("workflow", "profiles", "src"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, self.checkout / part, ignore=ignored)
        shutil.copy(ROOT / "Snakefile", self.checkout)
        self.environment = os.environ | {"PYTHONPATH": str(self.checkout / "src")}
        self.results = self.folder / "results" / "small"
        self.report = self.folder / "reports" / "small" / "report.html"
        self.command = [
            *(sys.executable, "-m", "evalweave", "run", str(self.folder / "study.yaml")),
            *("--directory", str(self.folder), "--extract", str(self.folder / EXTRACT)),
            *("--cores", "2"),
        ]

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command,
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
        )

    def state(self) -> str:
        return json.loads((self.results / "state.json").read_text())["state"]

    def att(self) -> float:
        estimates = pd.read_csv(self.results / "estimates" / "estimates.csv")
        shown = estimates.query("analysis == 'main' and outcome_unit == 'mmol/mol'")
        return float(shown["estimate"].iloc[0])


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    small = Study(tmp_path_factory.mktemp("awkward"))
    done = small.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"The report is at {small.report}" in done.stderr
    assert f"Snakefile: {small.checkout / 'Snakefile'}" in done.stderr
    yield small
    assert not list(small.root.rglob("owned"))


def test_it_runs_and_says_so(study: Study) -> None:
    assert study.state() == "complete"
    assert study.att() == pytest.approx(-2.889583, abs=1e-4)


def test_what_is_about_people_is_private(study: Study) -> None:
    for path in [study.results, *study.results.rglob("*")]:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


def test_a_second_run_does_nothing_and_names_the_report(study: Study) -> None:
    done = study.run()
    assert "Nothing to be done" in done.stderr
    assert f"The report is at {study.report}" in done.stderr


def test_a_lost_figure_is_made_again_with_its_report_alone(study: Study) -> None:
    figure = next((study.report.parent / "figures").glob("*.svg"))
    text = figure.read_text()
    figure.unlink()
    done = study.run()
    assert done.returncode == 0, done.stderr
    assert figure.read_text() == text
    assert "rule report" in done.stderr
    assert "rule estimates" not in done.stderr


def typed(study: Study) -> list[str]:
    """The command as a person types it."""
    return ["evalweave", *study.command[3:]]


def kill_a_worker(study: Study, stage: str, running: subprocess.Popen[bytes]) -> bool:
    """Kill the first process of a stage of this study that shows, and return whether there was
    one."""
    deadline = time.monotonic() + 300
    while running.poll() is None and time.monotonic() < deadline:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
                here = (process / "cwd").resolve() == study.folder
            except OSError:
                continue
            if here and words[1:4] == [b"-m", b"evalweave", stage.encode()]:
                os.kill(int(process.name), signal.SIGKILL)
                return True
        time.sleep(0.02)
    return False


def test_after_a_worker_was_killed_on_a_changed_extract_the_next_run_is_of_that_extract(
    study: Study,
) -> None:
    """It once said "up to date" and kept the old estimates."""
    events = study.folder / EXTRACT / "events.csv"
    before, text = study.att(), events.read_text()
    times = events.stat()
    changed = re.sub(r"(,A00,201[56].*,)(\d+\.\d)(,mmol/mol)", r"\g<1>70.5\3", text)
    assert changed != text
    events.write_text(changed)
    os.utime(events, ns=(times.st_atime_ns, times.st_mtime_ns))  # as rsync and cp -p leave it
    with (study.root / "said").open("wb") as said:
        running = subprocess.Popen(
            study.command, cwd=study.root, stdout=said, stderr=said, env=study.environment
        )
        assert kill_a_worker(study, "fit", running)
        assert running.wait() == 1
    last = (study.root / "said").read_text().split("The run did not end: ")[-1]
    assert last.endswith(f"this goes on where it stopped: {shlex.join(typed(study))}\n")
    assert study.state() == "failed"
    assert not study.report.exists()
    assert (study.results / "previous" / "report.html").is_file()
    done = study.run()
    assert done.returncode == 0, done.stderr
    assert study.state() == "complete"
    assert study.att() != before
    assert "Nothing to be done" in study.run().stderr


def test_a_plain_call_of_snakemake_recovers_after_everything_was_killed(study: Study) -> None:
    """With what `evalweave run` would pass: no option is needed for it."""
    declared = study.folder / "study.yaml"
    declared.write_text(declared.read_text().replace("inference: [cr2]", "inference: [cr3]"))
    running = subprocess.Popen(
        study.command,
        cwd=study.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=study.environment,
    )
    started = study.results / "fit" / "main"
    deadline = time.monotonic() + 300
    while started.exists() and (started / "estimates.csv").exists() and running.poll() is None:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    assert running.poll() is None, running.communicate()[0]
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert study.state() == "running"
    assert not study.report.exists()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(study.checkout / "Snakefile")),
            *("--cores", "2", "--config", "study_file=study.yaml", f"extract={EXTRACT}"),
        ],
        cwd=study.folder,
        capture_output=True,
        text=True,
        check=False,
        env=study.environment,
    )
    assert done.returncode == 0, done.stderr
    assert study.state() == "complete"
    assert f"The report is at {study.report}" in done.stderr


def test_the_same_tables_in_a_database_give_the_same_estimate(study: Study) -> None:
    """The whole workflow, its extract in a DuckDB file of an awkward name."""
    tables, before = study.folder / f"{EXTRACT}.duckdb", study.att()
    with duckdb.connect(str(tables)) as con:
        for name in ("patients", "registrations", "events"):
            file = str(study.folder / EXTRACT / f"{name}.csv")
            con.execute(f"CREATE TABLE {name} AS FROM read_csv(?, all_varchar = true)", [file])
    declared = study.folder / "study.yaml"
    of_files = "extract: {format: flat, path: extract}"
    assert of_files in declared.read_text()
    connection = f"extract: {{format: flat, connection: 'duckdb://{tables.name}'}}"
    declared.write_text(declared.read_text().replace(of_files, connection))
    at = study.command.index("--extract")
    study.command = [*study.command[:at], *study.command[at + 2 :]]
    done = study.run()
    assert done.returncode == 0, done.stderr
    assert study.state() == "complete" and study.att() == before
    manifest = json.loads((study.report.parent / "manifest.json").read_text())
    assert manifest["database"]["kind"] == "DuckDB"
    assert {each["name"] for each in manifest["database"]["tables"]} == {
        *("patients", "registrations", "events")
    }
