"""Being told to stop: what was begun is ended, what lies about is cleared away, then it is said."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
DRAINING = 5.0  # seconds for the last lines of a process that ended
PATIENCE = 30.0  # seconds that Snakemake and its jobs have to end before they are killed
_starting = threading.Event()
_late: list[Stopped] = []  # heard while a process was being started


class Stopped(BaseException):
    """Somebody told this process to stop. `exit_code` is what shells give for the signal: 130 for
    Ctrl-C, 143 for SIGTERM. No Exception, so that nothing takes it for a fault of a stage."""

    def __init__(self, number: int, sentence: str) -> None:
        super().__init__(sentence)
        self.exit_code = 128 + number


@contextlib.contextmanager
def heard(sentence: str) -> Iterator[None]:
    """Raise `Stopped` with `sentence` where this process is told to stop meanwhile; what it is told
    again while it clears away changes nothing. A signal that the caller had ignored (nohup) stays
    ignored; only the main thread can hear."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told: list[int] = []

    def stop(number: int, _: Any) -> None:
        if not told:
            told.append(number)
            stopped = Stopped(number, sentence)
            if _starting.is_set():
                _late.append(stopped)
            else:
                raise stopped

    before = {number: signal.getsignal(number) for number in HEARD}
    listening = [number for number, handler in before.items() if handler != signal.SIG_IGN]
    for number in listening:
        signal.signal(number, stop)
    try:
        yield
    except RuntimeError:  # DuckDB makes one of what interrupts a query
        if told:
            raise Stopped(told[0], sentence) from None
        raise
    finally:
        for number in listening:
            signal.signal(number, before[number])


def waited_for(
    command: list[str],
    environment: dict[str, str],
    told: Callable[[str], None] | None = None,
) -> int:
    """Run a command and return its exit code; where this process is stopped meanwhile, end the
    command and all that it started first. With `told`, each line that it prints goes there."""
    _starting.set()  # raised before its process is known, nobody could end it
    piped: dict[str, Any] = {}
    if told:
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        piped |= {"encoding": "utf-8", "errors": "replace"}
    try:
        process = subprocess.Popen(command, env=environment, **piped)
    except OSError:
        _starting.clear()
        raise
    try:
        _starting.clear()
        if _late:
            raise _late.pop()
        with _read(process, told):
            return process.wait()
    finally:
        if process.poll() is None:
            end(process)


@contextlib.contextmanager
def _read(process: subprocess.Popen[Any], told: Callable[[str], None] | None) -> Iterator[None]:
    """Give what a process prints to `told` while something waits for it."""
    if told is None:
        yield
        return

    def reading() -> None:
        for line in process.stdout:  # type: ignore[union-attr]
            told(line)

    reader = threading.Thread(target=reading, daemon=True)
    reader.start()
    yield
    reader.join(DRAINING)


def end(process: subprocess.Popen[Any], patience: float = PATIENCE) -> None:
    """End a process and its descendants: asked at first, killed when `patience` seconds are
    over. The process itself is asked first, so that it starts nothing more."""
    asked: set[int] = set()
    until = time.monotonic() + patience
    while process.poll() is None:
        family = [process.pid, *descendants(process.pid)]
        late = time.monotonic() > until
        for pid in family:
            if late or pid not in asked:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        asked.update(family)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)


def descendants(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they started."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    listed, waiting = [], [pid]
    while waiting:
        of_one = children.get(waiting.pop(), [])
        listed += of_one
        waiting += of_one
    return listed


def _parents() -> Iterator[tuple[int, int]]:
    """Yield each process with its parent."""
    if Path("/proc/self/stat").is_file():
        for file in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # one that has ended meanwhile
                text = file.read_text(encoding="utf-8", errors="replace")
                yield int(file.parent.name), int(text.rpartition(")")[2].split()[1])
        return
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False
    )
    for line in listing.stdout.splitlines():
        child, parent = line.split()
        yield int(child), int(parent)
