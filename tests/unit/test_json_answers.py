"""`--json`: one object on standard output, whatever happens; and `run --dry-run` leaves nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evalweave import files, stopping, workflow
from evalweave.catalogue.words import number_of
from evalweave.cli import app, main
from evalweave.commands._answers import problem
from helpers.report_results import Made
from helpers.reports import report

SHELL = "/bin/sh"
SMALL = Path(__file__).parents[1] / "workflow" / "small"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(SMALL, tmp_path / "study")


def answer(*call: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, [*call, "--json"])
    said = json.loads(done.stdout)  # nothing else is there
    code = getattr(done.exception, "exit_code", done.exit_code)
    assert said["exit_code"] == code and said["format"] == 1 and said["command"] == call[0]
    assert said["status"] == {0: "done", 1: "failed", 2: "refused"}[code]
    return dict(said)


def test_check_says_what_it_recognised(small: Path) -> None:
    said = answer("check", str(small / "study.yaml"))
    assert said["status"] == "done" and said["problems"] == []
    assert "Small made-up extract: 1 analysis of 1 outcome" in said["recognised"]
    assert "events: 240 rows" in said["recognised"]


def test_check_names_file_row_and_column_of_what_is_wrong(small: Path) -> None:
    practices = small / "practices.csv"
    lines = practices.read_text().splitlines()
    cells = lines[2].split(",")
    cells[lines[0].split(",").index("programme_start")] = "soon"
    practices.write_text("\n".join([*lines[:2], ",".join(cells), *lines[3:]]) + "\n")
    said = answer("check", str(small / "study.yaml"))
    (fault,) = [p for p in said["problems"] if p["column"] == "programme_start"]
    assert (Path(fault["file"]).name, fault["row"]) == ("practices.csv", 3)


def test_a_study_file_that_is_wrong_is_refused(small: Path) -> None:
    file = small / "study.yaml"
    file.write_text(file.read_text().replace("engine", "engin").replace("window:", "windo:"))
    said = answer("check", str(file))
    assert (said["status"], said["exit_code"]) == ("refused", 2)
    assert any("window" in p["text"] for p in said["problems"])
    assert answer("run", str(file))["status"] == "refused"
    assert answer("check", str(small / "none.yaml"))["status"] == "refused"


@pytest.mark.parametrize(
    ("line", "file", "row", "column"),
    [
        ("events.csv, row 3, column date: found x.", "events.csv", 3, "date"),
        ("a b/events.csv, column date: found x.", "a b/events.csv", None, "date"),
        ("eligibility, age: found x.", None, None, None),
        ("Not reproduced. These differ: events.csv: differs.", None, None, None),
    ],
)
def test_a_place_is_read_from_a_sentence(
    line: str, file: str | None, row: int | None, column: str | None
) -> None:
    said = problem(line)
    assert (said["file"], said["row"], said["column"]) == (file, row, column)
    assert said["text"] == line


def ended(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Let the workflow end at once; what it left is in `folder`."""

    def run(*given: object, **options: object) -> int:
        print("what Snakemake and the stages print")
        os.write(1, b"and what their processes print\n")
        return code

    monkeypatch.setattr(workflow, "run", run)


def test_run_gives_report_estimate_warnings_and_what_changed(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = report(small / "new", Made())
    before = report(small / "old", Made(estimate=-1.4, low=-2.1, high=-0.7))
    (small / "reports").mkdir()
    shutil.copytree(made, small / "reports/small")
    shutil.copytree(before, small / "results/small/previous")
    files.write_json({"state": "complete"}, small / "results/small/state.json")
    ended(small, monkeypatch, 0)
    said = answer("run", str(small / "study.yaml"), "--directory", str(small))
    assert (said["status"], said["state"]) == ("done", "complete")
    assert said["report"] == str(small / "reports/small/report.html")
    main = said["main"]
    assert (main["estimate"], main["ci_low"], main["ci_high"]) == (-1.2, -1.9, -0.5)
    assert main["unit"] == "mmol/mol" and said["simulated"] is True
    assert said["changed"]["main_before"]["estimate"] == -1.4
    assert said["changed"]["estimates"] > 0
    states = said["checks"]
    assert "Does it hang on a single practice (leave one out)?" in states
    assert {*states.values()} <= {"supports", "speaks against", "cannot tell"}
    for question, state in states.items():
        assert (f"{question} {state}" in said["warnings"]) == (state != "supports")
    altered = small / "results/small/previous/estimates.csv"
    altered.write_text(altered.read_text().replace("-1.4", "-9.9"))
    said = answer("run", str(small / "study.yaml"), "--directory", str(small))
    assert said["changed"] is None and any("was altered" in w for w in said["warnings"])


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C, which a shell tells what it starts with & to ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_stopped_answers_and_its_state_is_failed(
    small: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    number: int,
    code: int,
) -> None:
    state = small / "results/small/state.json"
    files.write_json({"state": "running"}, state)

    def run(*given: object, **options: object) -> int:
        return stopping.waited_for([SHELL, "-c", f"kill -{number} $PPID; sleep 60 & wait"], {})

    monkeypatch.setattr(workflow, "run", run)
    where = ["--directory", str(small)]
    monkeypatch.setattr(
        sys, "argv", ["evalweave", "run", str(small / "study.yaml"), *where, "--json"]
    )
    before = stopping.descendants(os.getpid())
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    said = json.loads(capfd.readouterr().out)
    assert (said["status"], said["exit_code"], said["state"]) == ("stopped", code, "failed")
    (problem,) = said["problems"]
    assert problem["text"].endswith("the same command goes on where it stopped.")
    assert json.loads(state.read_text()) == {"state": "failed"}
    assert not {*stopping.descendants(os.getpid())} - {*before}


def test_a_run_that_failed_says_which_stage_said_what(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = small / "results/small/logs/clean.log"
    files.write_text("one line\nevalweave: events.csv, row 7: found x, expected y.\n", log)
    files.write_text("evalweave fit: main\n", log.with_name("fit.main.log"))
    ended(small, monkeypatch, 1)
    said = answer("run", str(small / "study.yaml"), "--directory", str(small))
    assert (said["status"], said["exit_code"], said["report"]) == ("failed", 1, None)
    assert said["problems"] == [
        {
            "text": "events.csv, row 7: found x, expected y.",
            "file": "events.csv",
            "row": 7,
            "column": None,
            "stage": "clean",
        }
    ]


def test_in_a_process_of_its_own_nothing_else_is_on_standard_output(small: Path) -> None:
    call = [sys.executable, "-m", "evalweave", "run", "study/study.yaml", "--cores", "0", "--json"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith("evalweave: --cores")
    assert json.loads(done.stdout)["problems"][0]["text"].startswith("--cores")


def test_looking_what_would_be_done_leaves_nothing_behind(small: Path) -> None:
    call = [sys.executable, "-m", "evalweave", "run", "study/study.yaml", "--dry-run"]
    before = sorted(small.parent.rglob("*"))
    done = subprocess.run(
        [*call, "--directory", "away"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "This was a dry-run" in done.stdout + done.stderr
    assert sorted(small.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("n", "expected"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (1200, "1,200 files")]
)
def test_numbers_of_things(n: int, expected: str) -> None:
    assert number_of(n, "file") == expected


def test_a_workbook_in_an_extract_is_told_what_to_do_about(small: Path) -> None:
    (small / "extract/events.csv").rename(small / "extract/Events 2015.xlsx")
    said = answer("check", str(small / "study.yaml"))["problems"][0]["text"]
    assert "save the sheet of Events 2015.xlsx as CSV (UTF-8), named events.csv" in said
    assert "extract, files" not in said


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_fit_says_at_once_that_it_cannot_write_where_rights_do_not_tell(small: Path) -> None:
    spec = '{"columns": {"outcome": "y"}, "analyses": [{"name": "a", "estimator": "twfe"}]}'
    call = ["fit", "no.csv", "--spec", spec, "--out", "/proc/self/out"]
    assert "cannot be written to" in str(CliRunner().invoke(app, call).exception)
