"""The one family of errors that a user may meet, each a plain sentence with a way forward.

A `Fault` says where (file, row, column), what was found, what was expected and what to do. Faults
are collected and raised together, so that somebody who mends an extract learns everything at once.
`found` describes a cell, it never quotes an identifier or a clinical value: messages end up in
logs.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 50  # faults printed in full; the rest are counted


class EvalweaveError(Exception):
    """Base of all errors caused by input. `exit_code` is what the command ends with.

    `faults` are what the message lists, where it was made of them.
    """

    exit_code = 1
    faults: tuple[Fault, ...] = ()


class DataError(EvalweaveError):
    """The data, or a result computed from them, failed a check (exit code 1)."""


class StudyError(EvalweaveError):
    """The call or the study file is wrong (exit code 2)."""

    exit_code = 2


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and what to do about it.

    `row` counts as a text editor does: the header is row 1.
    """

    file: str
    found: str
    expected: str = ""
    action: str = ""
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        place = [self.file]
        if self.row is not None:
            place.append(f"row {self.row}")
        if self.column is not None:
            place.append(f"column {self.column}")
        parts = [f"found {self.found}"]
        if self.expected:
            parts.append(f"expected {self.expected}")
        sentence = f"{', '.join(place)}: {', '.join(parts)}."
        return f"{sentence} {self.action}" if self.action else sentence


def raise_faults(faults: Iterable[Fault], kind: type[EvalweaveError] = DataError) -> None:
    """Raise one error that lists all `faults`; do nothing when there are none."""
    listed = list(faults)
    if not listed:
        return
    lines = [str(fault) for fault in listed[:SHOWN]]
    if len(listed) > SHOWN:
        lines.append(f"… and {len(listed) - SHOWN} more of the same kind.")
    if len(lines) > 1:
        lines.insert(0, f"{len(listed)} things need mending:")
    error = kind("\n".join(lines))
    error.faults = tuple(listed)
    raise error from None


def nearest(word: str, valid: Iterable[str]) -> str:
    """Return 'Did you mean "x"?' for the closest valid word, or the list of valid words."""
    words = sorted(valid)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f'Did you mean "{close[0]}"?'
    return f"Valid here: {', '.join(words)}."
