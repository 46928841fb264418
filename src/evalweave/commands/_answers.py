"""What `--json` prints: one object on standard output, whatever happens, and nothing else there."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from evalweave.errors import EvalweaveError

STATUS = {0: "done", 1: "failed", 2: "refused", 129: "stopped", 130: "stopped", 143: "stopped"}
GOES_ON = "Stopped before the end; the same command goes on where it stopped."
ANEW = "Stopped before the end; the same command begins anew."
FORMAT = 1
_PLACE = re.compile(
    r"(?P<file>(?:(?!\. )[^:\n])*?\w\.[A-Za-z]\w{0,7})"
    r"(?:, rows? (?P<row>\d+))?(?:, columns? (?P<column>[^:,\n]+))?:\s"
)


@contextlib.contextmanager
def answering(command: str, as_json: bool) -> Iterator[dict[str, Any]]:
    """Collect what a command has to say; with `as_json`, print it as one object at the end.

    Then everything that is printed for people meanwhile, by this process and those that it starts,
    goes to standard error. A refusal or a failure is in the object as well, and goes on as it
    would; so is that somebody stopped it (`stopping.Stopped`).
    """
    from evalweave.stopping import Stopped, heard

    answer: dict[str, Any] = {"warnings": [], "problems": []}
    sentence = GOES_ON if command == "run" else ANEW
    if not as_json:
        with heard(sentence):
            yield answer
        return
    from evalweave.errors import EvalweaveError

    code = 1
    try:
        with printed_on_stderr(), heard(sentence):
            yield answer
        code = 0
    except Stopped as stopped:
        code = stopped.exit_code
        answer["problems"] = [problem(str(stopped))]
        raise
    except EvalweaveError as error:
        code = error.exit_code
        answer["problems"] = problems(error)
        raise
    except (typer.Exit, SystemExit) as end:
        code = int(getattr(end, "exit_code", None) or getattr(end, "code", 0) or 0)
        raise
    except OSError as error:
        answer["problems"] = [problem(f"{error.filename}: {error.strerror}")]
        raise
    finally:
        whole = {"format": FORMAT, "command": command, "status": STATUS.get(code, "failed")}
        print(json.dumps(plain({**whole, "exit_code": code, **answer}), ensure_ascii=False))


@contextlib.contextmanager
def printed_on_stderr() -> Iterator[None]:
    """Send what this process and those that it starts print to standard error."""
    sys.stdout.flush()
    standard_output = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(standard_output, 1)
        os.close(standard_output)


def plain(value: Any) -> Any:
    """Return what JSON knows: an end without limit is "inf" as in the tables, a blank is null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def problems(error: EvalweaveError) -> list[dict[str, Any]]:
    """Return what is wrong, one entry a fault, with file, row and column where they are known."""
    if error.faults:
        return [
            {
                "text": str(fault),
                "file": fault.file,
                "row": fault.row,
                "column": fault.column,
            }
            for fault in error.faults
        ]
    lines = [line for line in str(error).splitlines() if line.strip()]
    return [problem(line) for line in lines if not line.endswith("things need mending:")]


def problem(line: str) -> dict[str, Any]:
    """Return a sentence with the file, row and column that it names."""
    place = _PLACE.match(line)
    row = place["row"] if place else None
    return {
        "text": line.strip(),
        "file": place["file"].strip() if place else None,
        "row": int(row) if row else None,
        "column": place["column"] if place else None,
    }


def main_estimate(folder: Path) -> dict[str, Any] | None:
    """Return the main estimate of a report folder as released, None where there is none."""
    from evalweave.release.comparison import main_row, read_report

    return main_row(read_report(folder))
