"""Reader of a declared matrix of counts, such as NVivo and MAXQDA export: codes by roles.

The file does not say what a cell counts, so that the study file must (`counts_are`). Counts that
were added up elsewhere cannot be rolled up by set union, and hold no quotes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from evalweave.errors import Fault, StudyError, raise_faults
from evalweave.qualitative.hierarchy import code_id, path_of
from evalweave.qualitative.matrix import Matrix, role_name
from evalweave.qualitative.raw import Log, Raw, RawCode, position
from evalweave.reading import tables

TOTALS = {
    *("total", "totals", "sum", "summe", "gesamt", "insgesamt", "somme", "suma", "n (documents)"),
    *("totale", "totaal", "somma", "soma"),
}
COUNTABLE = ("participants", "references", "sources", "words")


def recognises(path: Path, start: bytes) -> bool:
    """Never: it looks like a table of segments, and what a cell counts must be declared."""
    return False


def read(
    path: Path,
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
    header_row: int | None = None,
    counts_are: str | None = None,
) -> Raw:
    """Read `code` and one column a role; raise `StudyError` when `counts_are` is not declared.

    Without `columns` a first column without a name holds the codes, and NVivo's numbering of rows
    and columns ("1 : support", "A : client") is dropped, as are total rows and columns.
    """
    if counts_are not in COUNTABLE:
        raise StudyError(
            f"{path.name}: the file does not say what a cell counts. Set counts_are to one of "
            f"{', '.join(COUNTABLE)}."
        )
    codes, roles, cells, file = _matrix(path, dict(columns or {}), sheet, header_row)
    faults, rows = [], []
    for (line, values), code in zip(cells, codes, strict=True):
        for role, value in zip(roles, values, strict=True):
            n = position(value or "0")
            if n is None:
                faults.append(
                    Fault(file, "no whole number", "a count from 0", row=line, column=role)
                )
                continue
            rows.append((code_id(path_of([code])), role_name(role), n))
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
        codes=tuple(RawCode(code, (code,)) for code in codes if code),
        codebook_complete=False,
        log=log,
        matrix=Matrix(pd.DataFrame(rows, columns=["code_id", "role", "n"]), counts_are),
    )


def _matrix(
    path: Path, columns: dict[str, str], sheet: str | None, header_row: int | None
) -> tuple[list[str], list[str], list[tuple[int, list[str]]], str]:
    """Return the codes, the roles, (row number, cells) of each code, and the file's name."""
    grid = tables.read_grid(path, sheet=sheet)
    wide = [row for row in grid.rows if sum(bool(cell) for cell in row[1]) > 1]
    place = next((row for row in wide if header_row in (None, row[0])), None)
    if not columns and place and not place[1][0]:
        named = [i for i, cell in enumerate(place[1]) if cell and not is_total(cell)]
        roles = [unnumbered(place[1][i]).rpartition(" = ")[2] for i in named]  # Person:Role = x
        body = [
            (line, row)
            for line, row in grid.rows
            if line > place[0] and row[0] and not is_total(row[0])
        ]
        cells = [(line, [row[i] if i < len(row) else "" for i in named]) for line, row in body]
        return [unnumbered(row[0]) for _, row in body], roles, cells, grid.file
    roles = [name for name in columns if name != "code"]
    table = tables.read(path, ["code", *roles], rename=columns, sheet=sheet, header_row=header_row)
    roles = roles or [name for name in table.header if name != "code"]
    cells = [(line, [row[role] for role in roles]) for line, row in table.numbered]
    return [row["code"] for row in table.rows], roles, cells, table.file


def unnumbered(name: str) -> str:
    """Return a name without NVivo's numbering of rows (1 : …) and columns (A : …)."""
    return re.sub(r"^(\d+|[A-Z]{1,2})\s+:\s+", "", name.strip())


def is_total(name: str) -> bool:
    """Whether a row or column is the sum of the others, which no role and no code is."""
    return name.strip().casefold() in TOTALS
