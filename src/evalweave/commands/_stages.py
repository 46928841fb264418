"""The stages of a run as they go by, read from the lines that Snakemake prints; on a terminal as a
table that is drawn anew, else the lines as they are."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evalweave.commands import COMMANDS
from evalweave.workflow import STAGES

if TYPE_CHECKING:
    from rich.console import JustifyMethod
    from rich.table import Table

PLANNED = re.compile(r"(\w+)\s+(\d+)$")
BEGUN = re.compile(r"(?:local)?rule (\w+):$")
JOB = re.compile(r"\s+jobid: (\d+)$")
FINISHED = re.compile(r"Finished jobid: (\d+) \(Rule: (\w+)\)")
FAILED = re.compile(r"Error in rule (\w+):$")
NOTHING = "Nothing to be done"
# What the workflow itself has to say to people.
TOLD = re.compile(
    r"it is made again\.$|not as it was last read\.$|^The run did not end:"
    r"|^The report is not released:"
)
KEPT = 20  # last lines, for a failure that no stage explains
SIGNS = {"waiting": "·", "running": "●", "done": "✓", "failed": "✗"}


@dataclass
class Stage:
    """One stage: how many jobs it has, how many of them ended, and since when it runs."""

    jobs: int
    done: int = 0
    running: set[str] = field(default_factory=set)
    failed: bool = False
    since: float | None = None  # seconds of a monotonic clock
    took: float = 0.0  # seconds from its first job's start to its last one's end

    @property
    def state(self) -> str:
        """Return waiting, running, done or failed."""
        if self.failed:
            return "failed"
        if self.done >= self.jobs:
            return "done"
        return "running" if self.running else "waiting"


class Stages:
    """What the lines so far say of each stage that is to be done."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.stages: dict[str, Stage] = {}
        self.nothing = False
        self.last: deque[str] = deque(maxlen=KEPT)
        self._listing = False
        self._begun = ""

    def read(self, line: str) -> str:
        """Take a line in, and return it if it is for people."""
        line = line.rstrip("\n")
        self.last.append(line)
        if line == "Job stats:":
            self._listing = True
        elif self._listing and line.startswith("total "):
            self._listing = False
        elif self._listing and (planned := PLANNED.match(line)):
            if planned[1] in STAGES:
                self.stages[planned[1]] = Stage(int(planned[2]))
        elif begun := BEGUN.match(line):
            self._begun = begun[1]
        elif self._begun and (job := JOB.match(line)):
            self._begin(self._begun, job[1])
            self._begun = ""
        elif ended := FINISHED.match(line):
            self._end(ended[2], ended[1])
        elif (failed := FAILED.match(line)) and failed[1] in self.stages:
            self.stages[failed[1]].failed = True
        self.nothing = self.nothing or line.startswith(NOTHING)
        return line if TOLD.search(line) else ""

    def _begin(self, name: str, job: str) -> None:
        if stage := self.stages.get(name):
            stage.running.add(job)
            stage.since = self.clock() if stage.since is None else stage.since

    def _end(self, name: str, job: str) -> None:
        if stage := self.stages.get(name):
            stage.running.discard(job)
            stage.done += 1
            stage.took = self.clock() - (self.clock() if stage.since is None else stage.since)

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Return state, name, what it does, jobs and seconds of each stage, in their order."""
        listed = []
        for name in STAGES:
            if stage := self.stages.get(name):
                words = COMMANDS[name].removeprefix("Stage: ").rstrip(".")
                jobs = f"{stage.done} of {stage.jobs}" if stage.jobs > 1 else ""
                ran = stage.took
                if stage.state == "running" and stage.since is not None:
                    ran = self.clock() - stage.since
                seconds = f"{ran:.0f} s" if stage.since is not None else ""
                listed.append((stage.state, name, words[0].lower() + words[1:], jobs, seconds))
        return listed

    def table(self) -> Table:
        """Return the stages as they stand, for a terminal."""
        from rich.table import Table

        styles = {"waiting": "dim", "running": "bold", "done": "", "failed": "bold red"}
        drawn = Table.grid(padding=(0, 2), expand=False)
        aligned: tuple[JustifyMethod, ...] = ("left", "left", "left", "right", "right")
        for align in aligned:
            drawn.add_column(justify=align, no_wrap=True)
        for state, *cells in self.rows():
            drawn.add_row(SIGNS[state], *cells, style=styles[state])
        return drawn


@contextlib.contextmanager
def watched(live: bool) -> Iterator[tuple[Callable[[str], None] | None, Stages]]:
    """Yield what is to be told each line of Snakemake's, and what it learnt; None where the lines
    go where they would."""
    stages = Stages()
    if not live:
        yield None, stages
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    with Live(get_renderable=stages.table, console=console, refresh_per_second=4) as drawn:

        def told(line: str) -> None:
            if words := stages.read(line):
                drawn.console.print(words, markup=False, soft_wrap=True)

        yield told, stages


def on_a_terminal() -> bool:
    """Say whether somebody is looking at standard error who can see a table being redrawn."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
