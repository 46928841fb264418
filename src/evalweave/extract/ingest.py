"""Reading the files of one table into typed Parquet parts, one per file, nothing lost and every
failure counted.

A part is named after its file and after everything that decides its content (the file's checksum,
the settings, the version of this code), so that a file that has not changed is not read again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave import engine
from evalweave.errors import DataError, Fault, StudyError, raise_faults
from evalweave.extract import headers, sanity, typed
from evalweave.extract.lookups import FaultyLookup
from evalweave.extract.parsing import PARSERS, trimmed
from evalweave.extract.readers import TEXT_COLUMNS, Source, in_quotes, looks_like, reader
from evalweave.files import sha256, write_json, written_aside
from evalweave.reading.textfiles import TextFile, look

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study.records import Extract

VERSION = 3  # raise it when the content of a part would change
# What a format may lack; the ledger names those that no file has.
FORMS = (".csv", ".tsv", ".txt", ".gz", ".parquet", ".arrow", ".feather")
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


def ingest(extract: Extract, engine_name: str, table: str, out: Path) -> list[Part]:
    """Read all files of `table` into parts under `out`/`table`; raise `DataError` with every fault
    of every file."""
    sources = sources_of(extract, table)
    scratch = out / f".{table}.scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    (out / table).mkdir(parents=True, exist_ok=True)
    parts: list[Part] = []
    faults: list[Fault] = []
    try:
        backend = None
        for source in sources:
            seen = look(source.path, source.name, scratch, source.delimiter or extract.delimiter)
            if seen.faults:
                faults += seen.faults
                continue
            target = (
                out
                / table
                / f"{source.path.name.split('.')[0]}.{_fingerprint(seen, source, extract)}.parquet"
            )
            part = _ready(target, source)
            if part is None:
                backend = backend or engine.connect("duckdb", spill=scratch)
                with engine.plainly():
                    part, wrong = _read(backend, seen, source, extract, table, target, scratch)
                faults += wrong
            if part is not None:
                parts.append(part)
    finally:
        for left in scratch.iterdir():
            if left.is_file():
                left.unlink()
    faults += repeated([(part.name, part.sha256) for part in parts])
    raise_faults(faults)
    _remove_others(out / table, parts)
    return parts


def repeated(files: list[tuple[str, str]]) -> list[Fault]:
    """Return a fault for each file (name, checksum) that would count records twice: another's copy
    or other form."""
    by_content: dict[str, str] = {}
    by_stem: dict[str, str] = {}
    faults = []
    for name, content in files:
        stem = name.lower()
        while stem.endswith(FORMS):
            stem = stem.rpartition(".")[0]
        if content in by_content:
            what = f"the same content as in {by_content[content]}"
        elif stem in by_stem:
            what = f"a file of the same name as {by_stem[stem]} in another form"
        else:
            by_content[content] = by_stem[stem] = name
            continue
        faults.append(
            Fault(
                name,
                what,
                "each record in one file",
                "Remove one of them, or rename it if it is not one.",
            )
        )
    return faults


def sources_of(extract: Extract, table: str) -> list[Source]:
    folder = Path(extract.path)
    if not folder.is_dir():
        raise StudyError(
            f"{folder}: there is no such folder. extract, path should name the extract's folder."
        )
    form = reader(extract.format)
    sources = form.find(extract, table)
    if not sources:
        other = None if extract.files else looks_like(folder, extract.format)
        if other:
            raise DataError(
                f"{folder}: found files of the format {other}, expected {extract.format}, as the "
                "study file says. "
                f"Set extract, format: {other}."
            )
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
        pattern = extract.files.get(table)
        wanted = (
            f'a file that matches "{pattern}"'
            if pattern
            else f"a file of the table {form.NAMES[table]}"
        )
        raise DataError(
            f"{folder}: found no {table} (there is {there}), expected {wanted}. "
            "Name the file under extract, files."
        )
    return sources


def _fingerprint(seen: TextFile, source: Source, extract: Extract) -> str:
    """Return what decides the content of a part, as 16 hexadecimal digits."""
    lookups = {name: sha256(path) for name, path in source.lookups.items()}
    settings = extract.model_dump(mode="json", exclude={"path", "files"})
    said = [VERSION, source.name, seen.sha256, lookups, settings]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def _ready(target: Path, source: Source, reused: bool = True) -> Part | None:
    """Return a part that an earlier run has left whole."""
    described = target.with_suffix(".json")
    if not (target.is_file() and described.is_file()):
        return None
    said = json.loads(described.read_text(encoding="utf-8"))
    said |= {"notes": (*source.notes, *said["notes"]), "blank": tuple(said["blank"])}
    return Part(name=source.name, path=target, reused=reused, **said)


def _read(
    backend: Any,
    seen: TextFile,
    source: Source,
    extract: Extract,
    table: str,
    target: Path,
    scratch: Path,
) -> tuple[Part | None, list[Fault]]:
    parsed, faults = parsed_table(backend, seen, source, extract, table, scratch)
    if parsed is None:
        return None, faults
    try:
        with written_aside(target) as aside:
            backend.to_parquet(parsed, aside, compression="zstd")
        part = engine.parquet_tables(backend, [target])
        found = sanity.counts(backend, part, table, extract.date_format, MAY_BE_BLANK[table])
    except Exception as error:
        target.unlink(missing_ok=True)
        if not is_about_rows(error, seen):
            return None, [unread(source.name, seen, error)]
        return None, sanity.of_rows(
            source.name, seen.path, seen.delimiter, width(seen), source.quoted, error
        )
    faults = sanity.of_cells(source.name, table, extract.date_format, found)
    n_rows = seen.n_rows if source.quoted else seen.n_lines
    rows_in_file = found["rows"] if n_rows is None else n_rows
    if n_rows is None and seen.n_lines not in (
        None,
        found["rows"],
    ):  # quotes hold line ends, or rows
        faults += sanity.swallowed(source.name, seen.path, seen.delimiter, width(seen))
    if rows_in_file != found["rows"]:
        faults += sanity.of_rows(source.name, seen.path, seen.delimiter, width(seen), source.quoted)
    if found["rows"] == 0:
        faults.append(Fault(source.name, "a header and no rows", "at least one row"))
    if faults:
        target.unlink(missing_ok=True)
        return None, faults
    unreadable = {
        k.partition(":")[2]: n for k, n in found.items() if k.startswith("unreadable:") and n
    }
    said: dict[str, Any] = {
        "sha256": seen.sha256,
        "rows_in_file": rows_in_file,
        "rows": found["rows"],
        "unreadable": unreadable,
        "blank": [name for name in MAY_BE_BLANK[table] if not found[f"any:{name}"]],
        "notes": list(seen.notes),
    }
    write_json(said, target.with_suffix(".json"))
    return _ready(target, source, reused=False), []


def parsed_table(
    backend: Any, seen: TextFile, source: Source, extract: Extract, table: str, scratch: Path
) -> tuple[ir.Table | None, list[Fault]]:
    """Return a source as our table, parsed but not computed yet, or the faults of its header."""
    raw, faults = raw_table(backend, seen, source, extract.date_format)
    if raw is None:
        return None, faults

    def lookup(name: str) -> ir.Table:
        path = source.lookups[name]
        file = look(path, path.name, scratch, source.delimiter)
        if file.kind == "unusable" and file.header:  # a header and no rows: nothing to look up
            file = dataclasses.replace(file, kind="text", faults=())
        found, wrong = raw_table(
            backend, file, Source(path, path.name, quoted=in_quotes(path)), extract.date_format
        )
        if found is None:
            raise FaultyLookup(wrong)
        return found

    try:
        text = reader(extract.format).as_text(raw, source, extract, lookup)
    except FaultyLookup as error:
        return None, error.faults
    return PARSERS[table](completed(text, table, extract, source.name), extract.date_format), []


def unread(name: str, seen: TextFile, error: Exception) -> Fault:
    """Return the fault of a typed file whose cells the engine cannot read; raise any other error
    again."""
    if seen.kind == "text" or not type(error).__module__.startswith(("duckdb", "_duckdb")):
        raise error
    return damaged(name, seen.kind, error)


def is_about_rows(error: Exception, seen: TextFile) -> bool:
    """Return whether the engine's error says that rows of a text file cannot be told apart."""
    return seen.kind == "text" and "CSV" in str(error)


def width(seen: TextFile) -> int:
    return len(seen.header) + seen.extra_column


def raw_table(
    backend: Any, seen: TextFile, source: Source, order: str = "iso"
) -> tuple[ir.Table | None, list[Fault]]:
    """Return a looked-at file as text under our column names (others are left out), or its header's
    faults.

    `order` is how typed dates are written.
    """
    if seen.faults:
        return None, list(seen.faults)
    header = seen.header
    if seen.kind != "text":
        try:
            table = engine.typed_table(backend, source.path, seen.kind)
            stored = engine.stored_as(source.path, seen.kind)
        except Exception as error:
            return None, [damaged(source.name, seen.kind, error)]
        header = tuple(name for name, _ in stored)
    found, faults = headers.match(
        source.name,
        header,
        source.required,
        source.optional,
        source.names,
        source.also,
        not source.fixed,
    )
    if faults:
        return None, faults
    if not source.required:  # a lookup: all columns under their own names
        found = {name: name for name in header if name}

    def cell(our: str, column: Any) -> Any:
        if column.type().is_string():
            return trimmed(column)
        return engine.kept_typed(column) if our in source.typed else engine.as_text(column, order)

    ours = {theirs: our for our, theirs in found.items()}
    if seen.kind != "text":
        faults = typed.faults_of_types(source, seen.kind, stored, found)
        if faults:
            return None, faults
        places = {our: table[f"_{header.index(theirs)}"] for our, theirs in found.items()}
        return table.select(
            "source_row", **{our: cell(our, column) for our, column in places.items()}
        ), []
    columns = [ours.get(name, f"_column_{place}") for place, name in enumerate(header)]
    columns += ["_nothing"] * seen.extra_column
    table = engine.text_table(backend, seen.path, columns, seen.delimiter, source.quoted)
    return table.select("source_row", **{our: cell(our, table[our]) for our in found}), faults


def damaged(name: str, kind: str, error: Exception) -> Fault:
    """Return the fault of a Parquet or Arrow file that the engine cannot read; its own words may
    quote cells."""
    if engine.exhausted(error):
        raise error
    return Fault(
        name,
        f"{kind.capitalize()} that cannot be read ({type(error).__name__})",
        "a whole file with text, numbers and dates",
        "Copy or export it again.",
    )


def completed(text: ir.Table, table: str, extract: Extract, name: str) -> ir.Table:
    """Return exactly the text columns of `table` (absent ones blank), with `source_file` and
    `source_row`."""
    import ibis

    columns: dict[str, Any] = {
        column: text[column] if column in text.columns else ibis.null("string")
        for column in TEXT_COLUMNS[table]
    }
    if table == "events":
        columns["code_system"] = columns["code_system"].fill_null(extract.code_system)
    columns["source_file"] = (
        text["source_file"] if "source_file" in text.columns else ibis.literal(name)
    )
    return text.select(**columns, source_row=text["source_row"])


def _remove_others(folder: Path, parts: list[Part]) -> None:
    """Remove parts of files that are gone or have changed."""
    stays = {part.path.name for part in parts} | {
        part.path.with_suffix(".json").name for part in parts
    }
    for path in folder.iterdir():
        if path.is_file() and path.name not in stays:
            path.unlink()


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

    from evalweave.ledger import KEPT, RECEIVED, check
    from evalweave.tables.records import LEDGER

    unit = {"events": "records"}.get(table, table)
    blank = [name for name in MAY_BE_BLANK[table] if all(name in part.blank for part in parts)]
    read = f"rows read; blank throughout: {', '.join(blank)}" if blank else "rows read"
    lines = [
        {
            "stage": f"ingest {table}",
            "unit": unit,
            "entry": entry,
            "order": 0,
            "rule": "",
            "reason": reason,
            "n": n,
        }
        for entry, reason, n in (
            (RECEIVED, "rows in the files", sum(part.rows_in_file for part in parts)),
            (KEPT, read, sum(part.rows for part in parts)),
        )
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
    said = json.loads(path.read_text(encoding="utf-8"))
    return engine.parquet_tables(backend, [folder / part["path"] for part in said["parts"]])
