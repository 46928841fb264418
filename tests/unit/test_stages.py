"""The stages of a run as they go by: read from Snakemake's lines, drawn on a terminal only."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evalweave import stopping
from evalweave.commands._outcome import cause
from evalweave.commands._stages import KEPT, Stages, watched

# As Snakemake 9.27 printed them for a small study, shortened.
LINES = """\
Using workflow specific profile profiles/default for setting default command line arguments.
events.csv is not as the last run left it; it is made again.
Building DAG of jobs...
Job stats:
job          count
---------  -------
clean            1
fit              2
report           1
all              1
total            5

Execute 1 jobs...
localrule clean:
    log: results/s/logs/clean.log
    jobid: 1
    resources: tmpdir=/tmp
records: 240 received, 240 kept, 0 set aside with a reason.
total            7
Finished jobid: 1 (Rule: clean)
1 of 5 steps (20%) done
localrule fit:
    jobid: 3
    wildcards: analysis=main
rule fit:
    jobid: 4
Finished jobid: 4 (Rule: fit)
"""


WATCHING = """
import os, sys
from evalweave import stopping
from evalweave.commands._stages import on_a_terminal, watched
script = "print(open('lines.txt', encoding='utf-8').read())"
with watched(on_a_terminal()) as (told, _):
    assert told is not None
    stopping.waited_for([sys.executable, "-c", script], dict(os.environ), told)
"""


def read(text: str) -> tuple[Stages, list[str]]:
    ticks = iter(range(1000))
    stages = Stages(clock=lambda: float(next(ticks)))
    return stages, [words for line in text.splitlines() if (words := stages.read(line))]


def test_stages_are_read_from_what_snakemake_prints() -> None:
    stages, told = read(LINES)
    assert told == ["events.csv is not as the last run left it; it is made again."]
    assert [(state, name, jobs) for state, name, _, jobs, _ in stages.rows()] == [
        ("done", "clean", ""),
        ("running", "fit", "1 of 2"),
        ("waiting", "report", ""),
    ]
    assert stages.rows()[0][2] == "clean events into measurements, with a ledger"
    assert stages.rows()[2][4] == ""  # nothing of a stage that has not begun
    for line in ("Error in rule fit:", "    jobid: 3", "The run did not end: see above"):
        told.append(stages.read(line))
    assert stages.rows()[1][0] == "failed"
    assert told[-1] == "The run did not end: see above"
    assert len(stages.last) == KEPT and stages.last[-1] == told[-1]


def test_a_run_with_nothing_to_do_has_no_stages() -> None:
    stages, _ = read("Building DAG of jobs...\nNothing to be done (all requested files …).\n")
    assert stages.nothing and stages.rows() == []


def printing(*lines: str) -> list[str]:
    script = "import sys; print(sys.argv[1]); print(sys.argv[2], file=sys.stderr); sys.exit(3)"
    return [sys.executable, "-c", script, *lines]


def test_without_a_terminal_lines_go_where_they_would(capfd: pytest.CaptureFixture[str]) -> None:
    with watched(live=False) as (told, stages):
        assert told is None
        assert stopping.waited_for(printing("one", "two"), dict(os.environ), told) == 3
    assert capfd.readouterr() == ("one\n", "two\n")
    assert stages.rows() == []


def test_lines_reach_whoever_asked_for_them(capfd: pytest.CaptureFixture[str]) -> None:
    heard: list[str] = []
    assert stopping.waited_for(printing("é", "two"), dict(os.environ), heard.append) == 3
    assert sorted(heard) == ["two\n", "é\n"]
    assert capfd.readouterr() == ("", "")


def test_on_a_terminal_a_table_is_drawn(tmp_path: Path) -> None:
    """A pseudo-terminal of 100 columns: the table at the end, and what was for people above it."""
    (tmp_path / "lines.txt").write_text(LINES, encoding="utf-8")
    ours, theirs = pty.openpty()
    size = {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40", "PYTHONIOENCODING": "utf-8"}
    child = subprocess.Popen(
        [sys.executable, "-c", WATCHING],
        cwd=tmp_path,
        stderr=theirs,
        env={k: v for k, v in os.environ.items() if k != "NO_COLOR"} | size,
    )
    os.close(theirs)
    drawn = b""
    with contextlib.suppress(OSError):  # the terminal is closed with its last user
        while more := os.read(ours, 4096):
            drawn += more
    assert child.wait() == 0
    os.close(ours)
    text = drawn.decode("utf-8")
    assert "events.csv is not as the last run left it" in text
    assert text.rindex("✓") < text.rindex("●") < text.rindex("·")
    assert "1 of 2" in text and "estimators on anybody" in text
    assert "Building DAG" not in text and "jobid" not in text


def test_what_an_earlier_run_said_is_no_cause_of_this_failure(tmp_path: Path) -> None:
    log = tmp_path / "results/s/logs/fit.main.log"
    log.parent.mkdir(parents=True)
    log.write_text("evalweave: No rows.")
    now = time.time()
    assert cause(tmp_path, "s", now) == "No rows."
    os.utime(log, (now - 60, now - 60))
    assert cause(tmp_path, "s", now) == ""
    assert cause(tmp_path, "s") == "No rows."
