"""Reader of coded segments: one row a segment and code, from any program, through a column map.

`columns` maps our names to the file's: source and code are needed; quote, start, end, coder,
participant, description, coded_at and place are read where they are. Exports of MAXQDA, ATLAS.ti
and NVivo are recognised by their header (`layouts`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from evalweave.errors import DataError, Fault, StudyError, nearest, raise_faults
from evalweave.qualitative.formats import TABLES, layouts
from evalweave.qualitative.identity import normal
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
from evalweave.reading.header import TITLE_ROWS

SEVERAL = re.compile(r"[;\r\n]+")  # between codes, or people, of one cell
CONTAINER = re.compile(r"(?:nodes|codes)\\\\", re.IGNORECASE)  # NVivo's, before a code's path
NEEDED = ("source", "code")
OPTIONAL = (
    *("quote", "start", "end", "coder", "participant", "description", "coded_at"),
    *("place", "place_end"),  # what tells two stretches of the same words apart, no positions
)


def recognises(path: Path, start: bytes) -> bool:
    """As any table that no format before it has recognised."""
    return path.suffix.lower() in TABLES


def read(
    path: Path,
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
    header_row: int | None = None,
) -> Raw:
    """Read a table of coded segments; raise with every wrong column and position at once."""
    log = Log()
    table, columns = _table(path, dict(columns or {}), sheet, header_row, log)
    for note in table.notes:
        log.note("tables", note)
    raise_faults(_faults(table, columns))
    if not any(row.get("start") for row in table.rows):
        log.warn(
            "offsets",
            "the file has no positions in characters: agreement by character and overlaps cannot "
            "be computed",
        )
    table = _commas_parted(table, log)
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


def _table(
    path: Path, columns: dict[str, str], sheet: str | None, header_row: int | None, log: Log
) -> tuple[tables.SmallTable, dict[str, str]]:
    """Return the rows and what the file calls our columns: as declared, else by the layout of the
    program that wrote the file."""
    known = (*NEEDED, *OPTIONAL)
    raise_faults(
        [
            Fault("columns", f'"{name}"', "one of our columns", nearest(name, known))
            for name in columns
            if name not in known
        ],
        StudyError,
    )
    grid = tables.read_grid(path, sheet=sheet, is_header=layouts.is_header)
    rows = [row for row in grid.rows if header_row in (None, row[0])]
    recognised = layouts.layout_of(rows[:TITLE_ROWS])
    if not recognised and not columns:
        layouts.refuse_nested(grid.file, rows[: 4 * TITLE_ROWS])
    if recognised and not {"source", "code"} & set(columns):
        layout, header_row = recognised
        header = next(cells for line, cells in rows if line == header_row)
        columns = (layout.columns(header) or {}) | columns
        sheet = grid.sheet or sheet
        log.note("archive", f"the table was read as {layout.program} writes coded segments")
    try:
        table = tables.read(path, NEEDED, OPTIONAL, columns, sheet=sheet, header_row=header_row)
    except DataError as error:
        if "no such column" not in str(error):
            raise
        hint = (
            "Say in the study file what the file calls them, as in `columns: {source: Document, "
            "code: Code}`, and where the header stands (`header_row`, `sheet`). A table of "
            "counts, codes by groups, is read with `format: counts`."
        )
        raise DataError(f"{error}\n{hint}") from None
    return table, columns


def codes_in(cell: str) -> list[str]:
    """Return the codes of a cell: programs part several by a semicolon or a line break."""
    parts = [part.strip() for part in SEVERAL.split(cell)]
    return [
        part[found.end() :] if (found := CONTAINER.match(part)) else part for part in parts if part
    ]


def _commas_parted(table: tables.SmallTable, log: Log) -> tables.SmallTable:
    """Return the rows with lists of codes and people that have commas between them parted.

    A comma may belong to a name ("Smith, J", "help, practical"). It parts only where every part
    stands elsewhere in the column as a name of its own; where only some do, the log says so.
    """
    rows = [dict(row) for row in table.rows]
    for column in ("code", "participant"):
        parts = [part for row in rows for part in codes_in(row.get(column, ""))]
        alone = {normal(part) for part in parts if "," not in part}

        def parted(part: str, alone: set[str] = alone) -> list[str]:
            names = [name.strip() for name in part.split(",")]
            return names if all(normal(name) in alone for name in names) else [part]

        lists = {part for part in parts if len(parted(part)) > 1}
        doubtful = {
            part
            for part in set(parts) - lists
            if "," in part and any(normal(name) in alone for name in part.split(","))
        }
        log.note("tables", f"cells of {column} hold several names with commas between", len(lists))
        log.warn(
            "tables",
            f"cells of {column} have commas, and only some of the parts are names that stand alone "
            "elsewhere: each was read as one name. Part lists by semicolons",
            len(doubtful),
        )
        for row in rows:
            if lists & set(codes_in(row.get(column, ""))):
                names = [name for part in codes_in(row[column]) for name in parted(part)]
                row[column] = ";".join(names)
    return replace(table, rows=rows)


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
        place = row.get("place", "") + "-" + row.get("place_end", "")
        where: tuple[str, ...] = (row["source"], start, end, quote if not start else "", place)
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
