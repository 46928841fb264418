"""Reader of a declared matrix of counts, such as NVivo and MAXQDA export: codes by roles.

The file does not say what a cell counts, so that the study file must (`counts_are`). Counts that
were added up elsewhere cannot be rolled up by set union, and hold no quotes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from evalweave.errors import Fault, StudyError, raise_faults
from evalweave.qualitative.hierarchy import code_id, path_of
from evalweave.qualitative.matrix import Matrix, role_name
from evalweave.qualitative.raw import Log, Raw, RawCode, position
from evalweave.reading import tables

COUNTABLE = ("participants", "references", "sources", "words")


def recognises(path: Path, start: bytes) -> bool:
    """Never: it looks like a table of segments, and what a cell counts must be declared."""
    return False


def read(
    path: Path, columns: Mapping[str, str] | None = None, counts_are: str | None = None
) -> Raw:
    """Read `code` and one column a role; raise `StudyError` when `counts_are` is not declared."""
    if counts_are not in COUNTABLE:
        raise StudyError(
            f"{path.name}: the file does not say what a cell counts. Set counts_are to one of "
            f"{', '.join(COUNTABLE)}."
        )
    columns = dict(columns or {})
    roles = [name for name in columns if name != "code"]
    table = tables.read(path, ["code", *roles], rename=columns)
    roles = roles or [name for name in table.header if name != "code"]
    faults, rows = [], []
    for row, line in zip(table.rows, table.lines, strict=True):
        for role in roles:
            cell = row[role] or "0"
            if position(cell) is None:
                faults.append(
                    Fault(table.file, "no whole number", "a count from 0", row=line, column=role)
                )
                continue
            rows.append((code_id(path_of([row["code"]])), role_name(role), int(cell)))
    raise_faults(faults)
    log = Log()
    log.warn(
        "codings",
        f"a matrix of {counts_are}: themes of several codes cannot be rolled up, and there are no "
        "quotes, "
        "overlaps or agreement",
    )
    return Raw(
        tool="counts matrix",
        codes=tuple(RawCode(row["code"], (row["code"],)) for row in table.rows if row["code"]),
        codebook_complete=False,
        log=log,
        matrix=Matrix(pd.DataFrame(rows, columns=["code_id", "role", "n"]), counts_are),
    )
