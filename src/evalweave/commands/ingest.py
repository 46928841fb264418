"""evalweave ingest: the files of the extract as typed Parquet parts, table by table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evalweave.study.stages import IngestSettings


def command(
    settings: Annotated[str, typer.Option(help="A study file, or its settings as JSON text.")],
    out: Annotated[Path, typer.Option(help="Folder for the indexes, the parts and the ledgers.")],
    table: Annotated[
        str | None, typer.Option(help="Only patients, registrations or events.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="How many tables are read at a time.")] = 1,
) -> None:
    """Everything is read as text, then parsed; a cell that cannot be read is counted and kept as
    text.

    A file that has not changed since the last run is not read again. Faults of all files of all
    tables are told at once.

    Example: evalweave ingest --settings study.yaml --out results/my-study/ingest
    """
    from evalweave.engine import at_a_time
    from evalweave.errors import StudyError, nearest
    from evalweave.extract.readers import TEXT_COLUMNS
    from evalweave.side_by_side import side_by_side
    from evalweave.study.file import load_settings
    from evalweave.study.stages import IngestSettings

    if table is not None and table not in TEXT_COLUMNS:
        raise StudyError(f'--table: "{table}" is not a table. {nearest(table, TEXT_COLUMNS)}')
    chosen = load_settings(settings, IngestSettings)
    tables = [table] if table else sorted(TEXT_COLUMNS)  # events, the longest, before the others
    loaded = ("evalweave.engine.duckdb_engine", "evalweave.extract.ingest:ingest")
    side_by_side(lambda name: _read(name, chosen, out), tables, at_a_time(processes), loaded)


def _read(table: str, chosen: IngestSettings, out: Path) -> str:
    """Read one table and return what is to be said of it."""
    from evalweave.catalogue.words import number_of
    from evalweave.extract import parts as read
    from evalweave.extract.ingest import ingest
    from evalweave.files import write_csv, write_json

    parts = ingest(chosen.extract, chosen.engine, table, out, chosen.vocabulary)
    write_csv(read.ledger(table, parts), out / f"{table}.ledger.csv")
    write_json(read.index(table, parts, out), out / f"{table}.json")
    reused = sum(part.reused for part in parts)
    rows = sum(part.rows for part in parts)
    lines = [
        f"{table}: {number_of(rows, 'row')} from {number_of(len(parts), 'file')} ({reused} "
        "unchanged since the last run)."
    ]
    for part in parts:
        lines += part.notes
        lines += [
            f"{part.name}, column {column}: {n} cells could not be read; they are kept as text."
            for column, n in sorted(part.unreadable.items())
        ]
    return "\n".join(lines)
