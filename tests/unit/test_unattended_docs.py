"""The scripts of docs/unattended.md as they stand there, and what the page says of `--json`."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from evalweave.commands._answers import FORMAT
from evalweave.release.software import LOCK

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/unattended.md").read_text(encoding="utf-8")
DONE = {
    "status": "done",
    "exit_code": 0,
    "problems": [],
    "report": "/r/report.html",
    "main": {"estimate": -1.2, "unit": "mmol/mol", "ci_low": -1.9, "ci_high": -0.5},
    "changed": {"inputs": [["extract: events.csv", "changed"]]},
}
FAILED = {"status": "failed", "exit_code": 1, "problems": [{"text": "events.csv, row 3: bad."}]}


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def script() -> str:
    (text,) = (block for block in blocks("sh") if block.startswith("#!/bin/sh"))
    return text


def scheduled(
    folder: Path, answer: dict[str, object], line: str
) -> subprocess.CompletedProcess[str]:
    """Run a line of a scheduler in `folder`, with an evalweave that gives `answer`."""
    (folder / "run-study.sh").write_text(script())
    (folder / "run-study.sh").chmod(0o755)
    (folder / "bin").mkdir(exist_ok=True)
    said = json.dumps(answer) if "status" in answer else ""
    ours = folder / "bin" / "evalweave"
    ours.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "assert sys.argv[1] == 'run' and sys.argv[-1] == '--json', sys.argv\n"
        f"print({said!r}); print('for people', file=sys.stderr)\n"
        f"sys.exit({answer['exit_code']})\n"
    )
    ours.chmod(0o755)
    path = f"{ours.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_script_prints_a_line_keeps_the_outcome_and_ends_as_evalweave(tmp_path: Path) -> None:
    done = scheduled(tmp_path, DONE, "./run-study.sh 'my study/study.yaml' outcomes")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "done: -1.2 mmol/mol (-1.9 to -0.5); changed since the release before: "
        "extract: events.csv; /r/report.html\n"
    )
    failed = scheduled(tmp_path, FAILED, "./run-study.sh study.yaml outcomes")
    assert failed.returncode == 1 and failed.stdout == "failed: events.csv, row 3: bad.\n"
    kept = [json.loads(path.read_text()) for path in (tmp_path / "outcomes").glob("*.json")]
    assert sorted(outcome["status"] for outcome in kept) == ["done", "failed"]
    assert {p.read_text() for p in (tmp_path / "outcomes").glob("*.log")} == {"for people\n"}


def test_the_script_survives_a_run_that_gave_no_answer(tmp_path: Path) -> None:
    killed = scheduled(tmp_path, {"exit_code": 137}, "./run-study.sh study.yaml outcomes")
    assert (killed.returncode, killed.stdout) == (137, "no answer: see the log\n")
    assert killed.stderr == ""


def test_the_answer_of_check_is_no_artefact() -> None:
    (text,) = blocks("yaml")
    assert "check.json" not in yaml.safe_load(text)["evaluation"]["artifacts"]["paths"]


@pytest.mark.parametrize(
    ("answer", "mail"), [(DONE, ""), (FAILED, "failed: events.csv, row 3: bad.\n")]
)
def test_cron_is_silent_unless_something_went_wrong(
    tmp_path: Path, answer: dict[str, object], mail: str
) -> None:
    (table,) = blocks("cron")
    entry = table.splitlines()[-1]
    assert re.match(r"\d+ \d+ \* \* \* ", entry)
    line = entry.split(" ", 5)[5].replace("/srv/studies", str(tmp_path))
    assert scheduled(tmp_path, answer, line).stdout == mail


def test_the_units_of_systemd_fit_the_script_and_each_other() -> None:
    service, timer = (configparser.ConfigParser(interpolation=None) for _ in range(2))
    for unit in (service, timer):
        unit.optionxform = str  # type: ignore[assignment, method-assign]
    first, second = blocks("ini")
    service.read_string(first)
    timer.read_string(second)
    call = service["Service"]["ExecStart"].split()
    assert call[0] == f"{service['Service']['WorkingDirectory']}/run-study.sh" and len(call) == 3
    assert timer["Install"]["WantedBy"] == "timers.target" and "OnCalendar" in timer["Timer"]


def test_the_ci_job_installs_as_the_page_says_and_calls_what_there_is() -> None:
    from evalweave.cli import COMMANDS

    (text,) = blocks("yaml")
    lines = yaml.safe_load(text)["evaluation"]["script"]
    installing = "\n".join(block for block in blocks("sh") if "--no-index" in block)
    for line in lines[:2]:
        assert line in installing
    for line in lines[2:]:
        assert line.split()[0] == "evalweave" and line.split()[1] in COMMANDS and "--json" in line
    assert LOCK in PAGE and (ROOT / LOCK).is_file()


def test_the_page_states_the_format_that_is_printed() -> None:
    assert f"| `format` | {FORMAT};" in PAGE
