"""Reader of coded segments: one row a segment and code, from any program, through a column map.

`columns` maps our names to the file's: source and code are needed; quote, start, end, coder,
participant, description and coded_at are read where they are. A `preset` (maxqda, atlas_ti or
nvivo) names the columns of that program's export; the presets were written from the programs'
manuals and have not been tried on files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from evalweave.errors import DataError, Fault, StudyError, nearest, raise_faults
from evalweave.qualitative.formats import TABLES
from evalweave.qualitative.raw import (
    Log,
    Raw,
    RawCode,
    RawCoding,
    RawLink,
    RawSelection,
    RawSource,
    position,
)
from evalweave.reading import tables

SEVERAL = re.compile(r"[;\r\n]+")  # between codes, or people, of one cell
NEEDED = ("source", "code")
OPTIONAL = ("quote", "start", "end", "coder", "participant", "description", "coded_at")
PRESETS = {  # untested
    "maxqda": {
        "source": "Document name",
        "code": "Code",
        "quote": "Segment",
        "coder": "Created by",
    },
    "atlas_ti": {
        "source": "Document",
        "code": "Codes",
        "quote": "Quotation Content",
        "coder": "Created by",
    },
    "nvivo": {
        "source": "File Name",
        "code": "Code Name",
        "quote": "Coded Text",
        "coder": "Coded By",
    },
}


def recognises(path: Path, start: bytes) -> bool:
    """As any table that no format before it has recognised."""
    return path.suffix.lower() in TABLES


def read(path: Path, columns: Mapping[str, str] | None = None) -> Raw:
    """Read a table of coded segments; raise with every wrong column and position at once."""
    columns = dict(columns or {})
    preset = columns.pop("preset", "")
    log = Log()
    if preset:
        if preset not in PRESETS:
            raise StudyError(
                f'columns: the preset "{preset}" is unknown. {nearest(preset, PRESETS)}'
            )
        columns = PRESETS[preset] | columns
        log.warn(
            "archive",
            f"the preset {preset} has not been tried on a file of that program: check the counts",
        )
    unknown = [name for name in columns if name not in (*NEEDED, *OPTIONAL)]
    raise_faults(
        [
            Fault("columns", f'"{name}"', "one of our columns", nearest(name, (*NEEDED, *OPTIONAL)))
            for name in unknown
        ],
        StudyError,
    )
    optional = [name for name in OPTIONAL if name not in columns or not preset]
    try:
        table = tables.read(path, NEEDED, optional, columns)
    except DataError as error:
        if "no such column" not in str(error):
            raise
        hint = (
            "Say in the study file what the file calls them, as in `columns: {source: Document, "
            "code: Code}`."
        )
        raise DataError(f"{error}\n{hint}") from None
    for note in table.notes:
        log.note("tables", note)
    raise_faults(_faults(table, columns))
    if not any(row.get("start") for row in table.rows):
        log.warn(
            "offsets",
            "the file has no positions: agreement by character and overlaps cannot be computed",
        )
    selections, links = _selections(table)
    descriptions = {
        code: row.get("description", "") for row in table.rows for code in codes_in(row["code"])
    }
    return Raw(
        tool="coded segments",
        sources=tuple(
            RawSource(name, name, None)
            for name in dict.fromkeys(row["source"] for row in table.rows)
        ),
        codes=tuple(RawCode(code, (code,), True, text) for code, text in descriptions.items()),
        selections=tuple(selections),
        links=tuple(links),
        codebook_complete=False,
        log=log,
    )


def codes_in(cell: str) -> list[str]:
    """Return the codes of a cell: programs part several by a semicolon or a line break."""
    return [part.strip() for part in SEVERAL.split(cell) if part.strip()]


def _faults(table: tables.SmallTable, columns: Mapping[str, str]) -> list[Fault]:
    """Return what is wrong with the rows: no source, or positions that are none."""
    faults = []
    for row, line in zip(table.rows, table.lines, strict=True):
        if not row["source"]:
            name = columns.get("source", "source")
            faults.append(Fault(table.file, "a blank", "a name", row=line, column=name))
        for end in ("start", "end"):
            if row.get(end) and position(row[end]) is None:
                faults.append(
                    Fault(table.file, "no whole number", "a position from 0", row=line, column=end)
                )
    return faults


def _selections(table: tables.SmallTable) -> tuple[list[RawSelection], list[RawLink]]:
    """Return one selection a stretch, with all its codes, and who speaks in it."""
    codings: dict[tuple[str, ...], list[RawCoding]] = {}
    speaking: dict[tuple[str, ...], dict[str, None]] = {}
    for row, line in zip(table.rows, table.lines, strict=True):
        start, end, quote = row.get("start", ""), row.get("end", ""), row.get("quote", "")
        where: tuple[str, ...] = (row["source"], start, end, quote if not start else "")
        if not start and not quote:  # nothing says where it is: each row is a segment of its own
            where = (*where, str(line))
        key = (*where, "\0", quote)
        given = codings.setdefault(key, [])
        given += [
            RawCoding(code, row.get("coder", ""), row.get("coded_at", ""))
            for code in codes_in(row["code"])
        ]
        speaking.setdefault(key, {}).update(dict.fromkeys(codes_in(row.get("participant", ""))))
    shared = _named_by_all(speaking)
    selections: list[RawSelection] = []
    links = [RawLink(source, p, "variable") for source, people in shared.items() for p in people]
    for number, (key, given) in enumerate(codings.items()):
        source, start, end = key[0], key[1], key[2]
        name = f"row {number}"
        selections.append(
            RawSelection(source, position(start), position(end), key[-1], tuple(given), key=name)
        )
        if source not in shared:
            links += [RawLink(source, p, "variable", selection=name) for p in speaking[key]]
    return selections, links


def _named_by_all(
    speaking: Mapping[tuple[str, ...], Mapping[str, None]],
) -> dict[str, tuple[str, ...]]:
    """Return the sources of which every row names the same several people: that is a list of who
    was there, not of who said it."""
    named: dict[str, set[tuple[str, ...]]] = {}
    for key, people in speaking.items():
        named.setdefault(key[0], set()).add(tuple(sorted(people)))
    return {
        source: next(iter(lists))
        for source, lists in named.items()
        if len(lists) == 1 and len(next(iter(lists))) > 1
    }
