"""evalweave ingest: the files of one table of the extract as typed Parquet parts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    table: Annotated[str, typer.Option(help="patients, registrations or events.")],
    settings: Annotated[str, typer.Option(help="A study file, or its settings as JSON text.")],
    out: Annotated[Path, typer.Option(help="Folder for the index, the parts and the ledger.")],
) -> None:
    """Everything is read as text, then parsed; a cell that cannot be read is counted and kept as
    text.

    A file that has not changed since the last run is not read again. Faults of all files are told
    at once.

    Example: evalweave ingest --table events --settings study.yaml --out results/my-study/ingest
    """
    from evalweave.errors import StudyError, nearest
    from evalweave.extract import parts as read
    from evalweave.extract.ingest import ingest
    from evalweave.extract.readers import TEXT_COLUMNS
    from evalweave.files import write_csv, write_json
    from evalweave.study.file import load_settings
    from evalweave.study.stages import IngestSettings

    if table not in TEXT_COLUMNS:
        raise StudyError(f'--table: "{table}" is not a table. {nearest(table, TEXT_COLUMNS)}')
    chosen = load_settings(settings, IngestSettings)
    parts = ingest(chosen.extract, chosen.engine, table, out, chosen.vocabulary)
    write_csv(read.ledger(table, parts), out / f"{table}.ledger.csv")
    write_json(read.index(table, parts, out), out / f"{table}.json")
    reused = sum(part.reused for part in parts)
    rows = sum(part.rows for part in parts)
    print(f"{table}: {rows} rows from {len(parts)} files ({reused} unchanged since the last run).")
    for part in parts:
        for note in part.notes:
            print(note)
        for column, n in sorted(part.unreadable.items()):
            print(
                f"{part.name}, column {column}: {n} cells could not be read; they are kept as text."
            )
