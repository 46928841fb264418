"""Reading the files of one table into typed Parquet parts, one per file, every failure counted.

A part is named after its file and after everything that decides its content (the file's checksum,
the settings, the version of this code), so that a file that has not changed is not read again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave import engine, seals
from evalweave.errors import Fault, raise_faults
from evalweave.extract import date_faults, sanity
from evalweave.extract.dates import Dates
from evalweave.extract.glossary import Glossary, glossary, unread_words
from evalweave.extract.parts import MAY_BE_BLANK, Part
from evalweave.extract.readers import Source
from evalweave.extract.source_tables import is_about_rows, parsed_table, unread, width
from evalweave.extract.sources import repeated, sources_of
from evalweave.files import read_json, sha256, write_json, written_aside
from evalweave.reading.textfiles import TextFile, look
from evalweave.study.vocabulary import Vocabulary

if TYPE_CHECKING:
    from evalweave.study.records import Extract

NO_WORDS = Vocabulary()
VERSION = 7  # raise it when the content of a part would change


def ingest(
    extract: Extract,
    engine_name: str,
    table: str,
    out: Path,
    vocabulary: Vocabulary = NO_WORDS,
) -> list[Part]:
    """Read all files of `table` into parts under `out`/`table`; raise `DataError` with every fault
    of every file. `vocabulary` are the study's own words."""
    words = glossary(vocabulary)
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
            stem = source.path.name.split(".")[0]
            fingerprint = _fingerprint(seen, source, extract, vocabulary)
            target = out / table / f"{stem}.{fingerprint}.parquet"
            part = _ready(target, source)
            if part is None:
                backend = backend or engine.connect("duckdb", spill=scratch)
                with engine.plainly():
                    part, wrong = _read(
                        backend, seen, source, extract, table, target, scratch, words
                    )
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


def _fingerprint(seen: TextFile, source: Source, extract: Extract, vocabulary: Vocabulary) -> str:
    """Return what decides the content of a part, as 16 hexadecimal digits."""
    lookups = {name: sha256(path) for name, path in source.lookups.items()}
    settings = extract.model_dump(mode="json", exclude={"path", "files"})
    own = vocabulary.model_dump(mode="json", exclude={"units", "ethnic_groups"})
    decisive = [VERSION, source.name, seen.sha256, lookups, settings, own]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


def _ready(target: Path, source: Source, reused: bool = True) -> Part | None:
    """Return a part that an earlier run has left whole."""
    description = target.with_suffix(".json")
    for file in (target, description):
        if not (file.is_file() and seals.intact(file)):
            return None
    facts = read_json(description)
    facts |= {"notes": (*source.notes, *facts["notes"]), "blank": tuple(facts["blank"])}
    return Part(name=source.name, path=target, reused=reused, **facts)


def _read(
    backend: Any,
    seen: TextFile,
    source: Source,
    extract: Extract,
    table: str,
    target: Path,
    scratch: Path,
    words: Glossary,
    recognised: Mapping[str, str] | None = None,
) -> tuple[Part | None, list[Fault]]:
    """Write one file as the part `target`; return it, or what is wrong with the file.

    A file whose dates turn out to be written in another, unmistakable form is read again, as is
    one with other spellings of known words, when it has taught them.
    """
    forms = dict(recognised or {})
    parsed, faults = parsed_table(backend, seen, source, extract, table, scratch, forms, words)
    if parsed is None:
        return None, faults
    dates = Dates(extract.date_format, extract.time_zone, forms)
    try:
        with written_aside(target) as aside:
            backend.to_parquet(parsed, aside, compression="zstd")
        part = engine.parquet_tables(backend, [target])
        taught = words.learn(unread_words(backend, part, table))
        if taught != words:
            return _read(backend, seen, source, extract, table, target, scratch, taught, recognised)
        counts = sanity.counts(backend, part, table, MAY_BE_BLANK[table])
        seen_dates = sanity.dates_of(backend, part, table, counts, dates)
    except Exception as error:
        target.unlink(missing_ok=True)
        if not is_about_rows(error, seen):
            return None, [unread(source.name, seen, error)]
        return None, sanity.of_rows(
            source.name, seen.path, seen.delimiter, width(seen), source.quoted, error
        )
    others = date_faults.recognised(seen_dates)
    if others and recognised is None:
        return _read(backend, seen, source, extract, table, target, scratch, words, others)
    n_rows = seen.n_rows if source.quoted else seen.n_lines
    rows_in_file = counts["rows"] if n_rows is None or source.reshaped else n_rows
    faults = sanity.of_cells(source.name, table, counts, seen_dates, dates)
    faults += _faults_of_rows(seen, source, counts["rows"], rows_in_file)
    if faults:
        target.unlink(missing_ok=True)
        return None, faults
    facts: dict[str, Any] = {
        "sha256": seen.sha256,
        "rows_in_file": rows_in_file,
        "rows": counts["rows"],
        "unreadable": {
            k.partition(":")[2]: n for k, n in counts.items() if k.startswith("unreadable:") and n
        },
        "blank": [name for name in MAY_BE_BLANK[table] if not counts[f"any:{name}"]],
        "notes": [*seen.notes, *date_faults.notes(source.name, forms, extract.date_format)],
    }
    write_json(facts, target.with_suffix(".json"))
    return _ready(target, source, reused=False), []


def _faults_of_rows(
    seen: TextFile, source: Source, rows_read: int, rows_in_file: int
) -> list[Fault]:
    """Return the faults of a file of which the engine read other rows than there are lines."""
    faults: list[Fault] = []
    if source.reshaped:
        return faults
    n_rows = seen.n_rows if source.quoted else seen.n_lines
    if n_rows is None and seen.n_lines not in (None, rows_read):
        # quotes hold line ends, or whole rows
        faults += sanity.swallowed(source.name, seen.path, seen.delimiter, width(seen))
    if rows_in_file != rows_read:
        faults += sanity.of_rows(source.name, seen.path, seen.delimiter, width(seen), source.quoted)
    if rows_read == 0:
        faults.append(Fault(source.name, "a header and no rows", "at least one row"))
    return faults


def _remove_others(folder: Path, parts: list[Part]) -> None:
    """Remove parts of files that are gone or have changed."""
    stays = {part.path.name for part in parts} | {
        part.path.with_suffix(".json").name for part in parts
    }
    for path in folder.iterdir():
        if path.is_file() and path.name not in stays:
            seals.remove(path)
