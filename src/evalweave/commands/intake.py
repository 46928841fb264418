"""`evalweave intake`: is this extract as whole as the one of the run before?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from evalweave.study.stages import CleanSettings


def command(
    settings: Annotated[str, typer.Option(help="A study file, or its settings as JSON text.")],
    ingested: Annotated[Path, typer.Option(help="Folder that `evalweave ingest` wrote.")],
    cleaned: Annotated[Path, typer.Option(help="Folder that `evalweave clean` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for intake.json.")],
    before: Annotated[
        Path | None, typer.Option(help="What the run before was given; kept up to date.")
    ] = None,
    accept: Annotated[
        str, typer.Option(help="Why an extract that is less than the one before is right.")
    ] = "",
) -> None:
    """Counts what came: rows, people, practices and their records by month, what was set aside for
    which reason, the records of each code list, and how each file ends. Where it is less than
    before (a file cut short, a tenth of people, records or one list's records missing, a list's
    records that end earlier, a practice gone or silent, a reason that grew) it stops with the
    figures, until a reason is given; the supplement prints the
    reason.

    Example: evalweave intake --settings study.yaml --ingested results/s/ingest --cleaned
    results/s/clean --before results/s/intake.before.json --out results/s/intake
    """
    from evalweave.errors import DataError
    from evalweave.extract.intake import compared, differences, most
    from evalweave.files import read_json, write_json
    from evalweave.study.file import load_settings
    from evalweave.study.stages import CleanSettings

    now = _came(load_settings(settings, CleanSettings), ingested, cleaned)
    known: dict[str, Any] = read_json(before) if before and before.is_file() else {}
    less = differences(known, now) if known else []
    now["accepted"] = known.get("accepted", []) if known.get("files") == now["files"] else []
    if less and not accept:
        listed = "\n".join(f"{each.words}." for each in less)
        raise DataError(
            f"{listed}\nThis extract is less than the one of the run before. Ask for it again, or "
            'say why it is right: evalweave run STUDY.yaml --accept "REASON" (check takes it, too).'
        )
    if less:
        kinds = list(dict.fromkeys(each.kind for each in less))
        now["accepted"] = [{"reason": accept, "kinds": kinds}]
    now["most"] = most({} if less else known, now)
    write_json(now, out / "intake.json")
    if before is not None:
        write_json(now, before)
    rows = now["rows"]
    print(f"{rows['people']:,} people, {rows['events']:,} records came", end="")
    print("; accepted: " + accept if less else f", {compared(known, now)}." if known else ".")


def _came(chosen: CleanSettings, ingested: Path, cleaned: Path) -> dict[str, Any]:
    """Return the figures of what came."""
    from evalweave import engine
    from evalweave.extract.intake import came, ends_whole, fingerprint
    from evalweave.extract.parts import ingested_table
    from evalweave.extract.readers import TEXT_COLUMNS
    from evalweave.extract.sources import sources_of
    from evalweave.files import read_json, read_table
    from evalweave.records.codelists import read_all
    from evalweave.records.pseudonyms import PRACTICE, originals
    from evalweave.tables.records import CODELISTS, LEDGER

    paths = {s.name: s.path for table in TEXT_COLUMNS for s in sources_of(chosen.extract, table)}
    files = []
    for table in TEXT_COLUMNS:
        for part in read_json(ingested / f"{table}.json")["parts"]:
            name = part["source_file"]
            whole = ends_whole(paths[name]) if name in paths else True
            kept = {key: part[key] for key in ("rows", "sha256")}
            files.append({"name": name, "table": table, "ends_whole": whole, **kept})
    summed = read_table(cleaned / "codelists.csv", CODELISTS)
    systems = chosen.vocabulary.coding_systems
    lists, _ = read_all(chosen.codelists, chosen.extract.code_system, systems)
    backend = engine.connect("duckdb")
    try:
        noted = came(
            backend,
            {name: ingested_table(backend, ingested, name) for name in TEXT_COLUMNS},
            engine.stage_table(backend, cleaned / "measurements.parquet", "clean"),
            read_table(cleaned / "ledger.csv", LEDGER),
            lists,
            files,
            fingerprint(chosen, dict(zip(summed["codelist"], summed["sha256"], strict=True))),
        )
    finally:
        backend.disconnect()
    names = originals(cleaned, PRACTICE)  # the next extract gives practices other pseudonyms
    months = noted["records_by_month"]
    return {
        **noted,
        "records_by_month": {names.get(name, name): n for name, n in months.items()},
    }
