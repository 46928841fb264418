"""Matching the header of a file with the columns that a table needs: missing, misspelt, repeated,
swapped."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from evalweave.errors import Fault
from evalweave.reading.delimited import DELIMITERS

NO_NAME = r"[-+]?\d[\d/.:T -]*Z?"  # a number or a date


def match(
    name: str,
    header: Sequence[str],
    required: Sequence[str],
    optional: Sequence[str],
    names: Mapping[str, str],
    also: Mapping[str, Sequence[str]],
    guess: bool = True,
    table: str = "",
) -> tuple[dict[str, str], list[Fault]]:
    """Return our column → the name in `header`, and a fault for each column that cannot be found.

    `names` are the study file's renames, `also` other names that need no rename. Case does not
    matter where no two columns differ by case alone. Where an optional column is absent and another
    one is called nearly so, that is a fault too, unless the format fixes its names (`guess` false).
    `table` is the one under which `extract, columns` names the columns; none where it does not.
    """
    faults: list[Fault] = []
    repeated = sorted({column for column in header if column and list(header).count(column) > 1})
    faults += [
        Fault(name, f'the column "{column}" more than once', "it once", row=1, column=column)
        for column in repeated
    ]
    folded = {column.casefold(): column for column in header}
    alike = [column.casefold() for column in header]
    found: dict[str, str] = {}
    for ours in (*required, *optional):
        if ours in names:
            candidates: Sequence[str] = (names[ours],)
        else:
            candidates = (ours, *also.get(ours, ()))
        for candidate in candidates:
            if candidate in header or candidate.casefold() in folded:
                found[ours] = candidate if candidate in header else folded[candidate.casefold()]
                if (
                    candidate not in header
                    and alike.count(candidate.casefold()) > 1
                    and not repeated
                ):
                    faults.append(
                        Fault(
                            name,
                            "columns that differ in upper and lower case only",
                            f'one column "{candidate}"',
                            "Say under extract, columns, which one it is.",
                            1,
                            found[ours],
                        )
                    )
                break
        else:
            if ours in required or ours in names:
                wanted = candidates[0]
                faults.append(_absent(name, wanted, header, ours in names, table))
    if faults and any(
        re.fullmatch(NO_NAME, column) for column in header
    ):  # a record: nothing of it is shown
        return found, [
            Fault(
                name,
                "a first row with numbers or dates",
                f"the names of the columns: {', '.join(required)}",
                "Perhaps the file came without its header: put one above the rows.",
                row=1,
            )
        ]
    spare = {h.casefold(): h for h in header if h and h not in found.values()}
    for ours in optional:
        if guess and ours not in found and ours not in names:
            for close in difflib.get_close_matches(ours, spare, n=1, cutoff=0.8):
                faults.append(
                    Fault(
                        name,
                        f'the column "{spare[close]}"',
                        f'"{ours}", if that is what it holds',
                        "Rename it there or under extract, columns; or name it less alike.",
                        1,
                        spare[close],
                    )
                )
    return found, faults


def _absent(name: str, wanted: str, header: Sequence[str], renamed: bool, table: str = "") -> Fault:
    if len(header) == 1 and not any(mark in header[0] for mark in DELIMITERS):
        found = "a header with a single column"
    else:
        found = "no such column"
    close = difflib.get_close_matches(
        wanted.casefold(), [h.casefold() for h in header], n=1, cutoff=0.6
    )
    if close:
        nearest = next(h for h in header if h.casefold() == close[0])
        action = f'The nearest is "{nearest}".'
    else:
        shown = ", ".join(h for h in header if h)[:120]
        action = f"The header says: {shown}."
    if not renamed and table:
        action += (
            " Rename it there, or say what it is called under extract: "
            f"columns: {{{table}: {{{wanted}: ITS_NAME}}}}."
        )
    return Fault(name, found, f'a column "{wanted}"', action, row=1, column=wanted)
