"""The parts that ingest leaves: their index, their ledger, and the table that they make."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave import engine, files, seals
from evalweave.errors import DataError
from evalweave.ledger import KEPT, RECEIVED, check

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

# What a format may lack; the ledger names those that no file has.
MAY_BE_BLANK = {
    "patients": ("birth_month", "ethnicity", "imd_quintile", "death_date"),
    "registrations": ("end",),
    "events": ("practice_id", "value", "unit_text"),
}


@dataclass(frozen=True)
class Part:
    """One file of the extract as read."""

    name: str
    sha256: str
    path: Path
    rows_in_file: int
    rows: int
    unreadable: dict[str, int]
    blank: tuple[str, ...]  # columns of MAY_BE_BLANK without a single cell
    notes: tuple[str, ...]
    reused: bool = False


def index(table: str, parts: list[Part], out: Path) -> dict[str, Any]:
    """Return the index of a table's parts, paths relative to `out`."""
    return {
        "table": table,
        "parts": [
            {
                "source_file": part.name,
                "sha256": part.sha256,
                "rows": part.rows,
                "path": part.path.relative_to(out).as_posix(),
                "unreadable": part.unreadable,
                "notes": list(part.notes),
            }
            for part in parts
        ],
    }


def ledger(table: str, parts: list[Part]) -> pd.DataFrame:
    """Return the ledger: rows counted in the files, rows in the parts. Nothing is set aside while
    reading."""
    import pandas as pd

    from evalweave.tables.records import LEDGER

    unit = {"events": "records"}.get(table, table)
    blank = [name for name in MAY_BE_BLANK[table] if all(name in part.blank for part in parts)]
    read = f"rows read; blank throughout: {', '.join(blank)}" if blank else "rows read"
    common = {"stage": f"ingest {table}", "unit": unit, "order": 0, "rule": ""}
    n_in_files, n_read = sum(part.rows_in_file for part in parts), sum(part.rows for part in parts)
    lines = [
        {**common, "entry": RECEIVED, "reason": "rows in the files", "n": n_in_files},
        {**common, "entry": KEPT, "reason": read, "n": n_read},
    ]
    frame = LEDGER.conform(pd.DataFrame(lines))
    check(frame)
    return frame


def ingested_table(backend: Any, folder: Path, table: str) -> ir.Table:
    """Return a table that `ingest` left in `folder`, from its index."""
    path = folder / f"{table}.json"
    if not path.is_file():
        raise DataError(
            f"{path}: there is no such file. Run `evalweave ingest --table {table}` first."
        )
    paths = [folder / part["path"] for part in files.read_json(path)["parts"]]
    for part in paths:
        check_part(part)
    return engine.parquet_tables(backend, paths)


def key(folder: Path) -> str:
    """Return a key that is the same for the same parts, and that only they tell: the checksum of
    the checksums of their bytes (a release states those of the extract's files, not these)."""
    parts = [
        folder / part["path"]
        for table in MAY_BE_BLANK
        for part in files.read_json(folder / f"{table}.json")["parts"]
    ]
    checksums = sorted(seals.checksum(part) for part in parts)
    return hashlib.sha256("\n".join(checksums).encode()).hexdigest()


def check_part(path: Path) -> None:
    """Raise `DataError` where a part is gone or not as it was written; `ingest` reads its file
    again then."""
    index = path.parent.with_suffix(".json")
    if not path.is_file():
        index.unlink(missing_ok=True)
        raise DataError(f"{path}: there is no such file. Run the study again, which makes it.")
    seals.check(path, path.with_suffix(".json"), index)
