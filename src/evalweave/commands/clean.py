"""evalweave clean: parsed records to measurements and conditions, every set-aside row with its
reason."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    settings: Annotated[str, typer.Option(help="A study file, or its settings as JSON text.")],
    ingested: Annotated[Path, typer.Option(help="Folder that `evalweave ingest` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for the clean tables and the ledger.")],
) -> None:
    """The rules are applied in a fixed order; a row is set aside by the first one that it fails.

    Writes patients, registrations, measurements, conditions and set_aside (source file, row and
    rule) as Parquet, and ledger.csv, in which received = kept + set aside for every arm and period.
    practices.csv are the practices as later stages know them. Where identifiers of patients or
    practices may equal a number, a word or a colour, they flow on as pseudonyms of ten characters;
    pseudonyms.parquet tells which.
    The header is row 1. Rows of set_aside leave out the blank lines of a text file, and a cell with
    line breaks in quotes is in one row; messages count lines as a text editor does.

    What does not fit into memory is spilled to disk; the environment variable
    EVALWEAVE_MEMORY_LIMIT (1GB where it is not set) says when. With `engine: pyspark` it runs on
    Spark: config/README.md says on which.

    Example: evalweave clean --settings study.yaml --ingested results/my-study/ingest --out
    results/my-study/clean
    """
    from evalweave import engine
    from evalweave.errors import raise_faults
    from evalweave.extract.parts import ingested_table, key
    from evalweave.files import write_csv, write_table, written_aside
    from evalweave.records import cleaning, codelists, pseudonyms
    from evalweave.records.practices import PRACTICES_FILE, read_practices
    from evalweave.study.file import load_settings
    from evalweave.study.stages import CleanSettings

    chosen = load_settings(settings, CleanSettings)
    practices = read_practices(chosen.practices)
    systems = chosen.vocabulary.coding_systems
    lists, faults = codelists.read_all(chosen.codelists, chosen.extract.code_system, systems)
    raise_faults(faults or codelists.conflicts(lists, chosen.outcomes))
    out.mkdir(parents=True, exist_ok=True)
    with engine.working(chosen.engine, out) as backend:
        tables = {
            name: ingested_table(backend, ingested, name)
            for name in ("patients", "registrations", "events")
        }
        cleaned = cleaning.clean(
            backend,
            **tables,
            practices=practices,
            lists=lists,
            settings=chosen,
            key=key(ingested),
        )
        for name in ("patients", "registrations", "measurements", "conditions", "set_aside"):
            with written_aside(out / f"{name}.parquet") as aside:
                backend.to_parquet(getattr(cleaned, name), aside, compression="zstd")
    write_table(cleaned.names.pairs(), out / pseudonyms.FILE)
    write_csv(cleaned.names.of_practices(practices), out / PRACTICES_FILE)
    write_csv(codelists.summary(lists), out / "codelists.csv")
    write_csv(cleaned.ledger, out / "ledger.csv")
    for codelist in lists.values():
        for note in codelist.notes:
            print(note)
    totals = cleaned.ledger.groupby(["unit", "entry"])["n"].sum()
    for unit in ("patients", "registrations", "records"):
        received, clean = totals[unit, "received"], totals.get((unit, "kept"), 0)
        print(
            f"{unit}: {received} received, {clean} kept, {received - clean} set aside with a "
            "reason."
        )
