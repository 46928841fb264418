"""Reader of coded segments: one row a segment and code, from any program, through a column map.

`columns` maps our names to the file's: source and code are needed; quote, start, end, coder,
participant, description, coded_at, group and place are read where they are. Exports of MAXQDA,
ATLAS.ti and NVivo are recognised by their header (`layouts`), and so are Dedoose's (`dedoose`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from evalweave.errors import DataError, Fault, StudyError, nearest, raise_faults
from evalweave.qualitative.formats import TABLES, dedoose, layouts
from evalweave.qualitative.identity import (
    PEOPLE_APART,
    PERSON_VARIABLES,
    normal,
    same_words,
    spellings,
)
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

SEVERAL = re.compile(r"[;\r\n]+")  # between codes, people or coders of one cell
DOUBTFUL = (",", "|")  # may do so, or belong to a name
LISTED = 10  # sources of several spellings that the log names
CONTAINER = re.compile(r"(?:nodes|codes)\\\\", re.IGNORECASE)  # NVivo's, before a code's path
NEEDED = ("source", "code")
OPTIONAL = (
    *("quote", "start", "end", "coder", "participant", "description", "coded_at"),
    *("place", "place_end"),  # what tells two stretches of the same words apart, no positions
    "group",  # what tells two sources of one name apart
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
    table = _sources_told_apart(_lists_parted(table, log), log)
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
    grid = tables.read_grid(path, sheet=sheet, is_header=_is_header)
    rows = [row for row in grid.rows if header_row in (None, row[0])]
    wide = next((row for row in rows[:TITLE_ROWS] if dedoose.is_header(row[1])), None)
    if wide and not {"source", "code"} & set(columns):
        return dedoose.long(grid, wide, log), {"source": dedoose.source_column(wide[1])}
    dedoose.refuse_code_list(grid.file, rows[:TITLE_ROWS])
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
        table = tables.read(
            path,
            NEEDED,
            OPTIONAL,
            columns,
            also={"participant": sorted(PERSON_VARIABLES)},
            sheet=sheet,
            header_row=header_row,
        )
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


def _is_header(cells: list[str]) -> bool:
    return layouts.is_header(cells) or dedoose.is_header(cells)


def codes_in(cell: str) -> list[str]:
    """Return the codes of a cell: programs part several by a semicolon or a line break."""
    parts = [part.strip() for part in SEVERAL.split(cell)]
    return [
        part[found.end() :] if (found := CONTAINER.match(part)) else part for part in parts if part
    ]


def _lists_parted(table: tables.SmallTable, log: Log) -> tables.SmallTable:
    """Return the rows with lists of codes, people and coders parted that have commas or bars
    between them.

    These may belong to a name ("Smith, J", "help, practical"). They part only where every part
    stands elsewhere in the column as a name of its own; where only some do, or parts come again in
    other lists, the log says so.
    """
    rows = [dict(row) for row in table.rows]
    for column in ("code", "participant", "coder"):
        whole = {part for row in rows for part in codes_in(row.get(column, ""))}
        alone = {normal(part) for part in whole if not any(mark in part for mark in DOUBTFUL)}
        marked = {part: _split(part) for part in whole if normal(part) not in alone}
        lists = {part for part, names in marked.items() if {*map(normal, names)} <= alone}
        rest = [{*map(normal, marked[part])} for part in marked if part not in lists]
        often = Counter(name for names in rest for name in names)
        doubtful = [names for names in rest if names & alone or any(often[n] > 1 for n in names)]
        named = "commas or bars between"
        log.note("tables", f"cells of {column} hold several names with {named}", len(lists))
        log.warn(
            "tables",
            f"cells of {column} seem to hold several names with {named}, not all of which stand "
            "alone elsewhere: each was read as one name. Part lists by semicolons",
            len(doubtful),
        )
        for row in rows:
            if lists & set(codes_in(row.get(column, ""))):
                parts = codes_in(row[column])
                names = [n for part in parts for n in (marked[part] if part in lists else [part])]
                row[column] = ";".join(names)
    return replace(table, rows=rows)


def _split(part: str) -> list[str]:
    """Return the names of a list by the first mark that it has."""
    mark = next(mark for mark in reversed(DOUBTFUL) if mark in part)
    return [name.strip() for name in part.split(mark) if name.strip()]


def _sources_told_apart(table: tables.SmallTable, log: Log) -> tables.SmallTable:
    """Return the rows with each source in one spelling, and with its group before the name where
    sources of several groups have it."""
    groups: dict[str, set[str]] = {}
    for row in table.rows:
        groups.setdefault(normal(row["source"]), set()).add(normal(row.get("group", "")))
    rows, spelt = [], dict[str, Counter[str]]()
    for row in table.rows:
        several = len(groups[normal(row["source"])]) > 1 and row.get("group")
        name = f"{row['group']}\\{row['source']}" if several else row["source"]
        rows.append(row | {"source": name})
        spelt.setdefault(normal(name), Counter())[name] += 1
    chosen = {form: min(names, key=lambda n: (-names[n], n)) for form, names in spelt.items()}
    log.note(
        "sources",
        "names that several groups of documents have: each is a source of its own, its group "
        "before its name",
        sum(len(among) > 1 for among in groups.values()),
    )
    several_spellings = [names for names in spelt.values() if len(names) > 1]
    for names in several_spellings[:LISTED]:
        log.warn("sources", f"{spellings(names)} were read as one source", len(names))
    log.warn("sources", "further sources of several spellings", len(several_spellings[LISTED:]))
    return replace(table, rows=[row | {"source": chosen[normal(row["source"])]} for row in rows])


def _faults(table: tables.SmallTable, columns: Mapping[str, str]) -> list[Fault]:
    """Return what is wrong with the rows: no source, or positions that are none."""
    faults = []
    for row, line in zip(table.rows, table.lines, strict=True):
        if not row["source"]:
            name = columns.get("source", "source")
            faults.append(Fault(table.file, "a blank", "a name", row=line, column=name))
        what = "a position from 0"
        for end in ("start", "end"):
            if row.get(end) and position(row[end]) is None:
                faults.append(Fault(table.file, "no whole number", what, "", line, end))
        if row.get("start") and not row.get("end"):
            faults.append(Fault(table.file, "a blank", f"{what}, as start has", "", line, "end"))
    return faults


def _selections(table: tables.SmallTable) -> tuple[list[RawSelection], list[RawLink]]:
    """Return one selection a stretch, with all its codes, and who speaks in it."""
    codings: dict[tuple[str, ...], list[RawCoding]] = {}
    speaking: dict[tuple[str, ...], dict[str, None]] = {}
    written: dict[tuple[str, ...], str] = {}  # the words as the first row has them
    for row, line in zip(table.rows, table.lines, strict=True):
        start, end, quote = row.get("start", ""), row.get("end", ""), row.get("quote", "")
        place = row.get("place", "") + "-" + row.get("place_end", "")
        words = same_words(quote)
        where: tuple[str, ...] = (row["source"], start, end, place)
        if not start and not quote:  # nothing says where it is: each row is a segment of its own
            where = (*where, str(line))
        if not start:  # the same words of two people are two stretches
            where = (*where, normal(row.get("participant", "")))
        key = (*where, "\0", words)
        written.setdefault(key, quote)
        given = codings.setdefault(key, [])
        given += [
            RawCoding(code, coder, row.get("coded_at", ""))
            for code in codes_in(row["code"])
            for coder in codes_in(row.get("coder", "")) or [""]
        ]
        speaking.setdefault(key, {}).update(dict.fromkeys(codes_in(row.get("participant", ""))))
    shared = _named_by_all(speaking)
    selections: list[RawSelection] = []
    links = [RawLink(source, p, "variable") for source, people in shared.items() for p in people]
    for number, (key, given) in enumerate(codings.items()):
        source, start, end = key[0], key[1], key[2]
        name = f"row {number}"
        selections.append(
            RawSelection(
                source, position(start), position(end), written[key], tuple(given), key=name
            )
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
        if len(lists) == 1 and len(PEOPLE_APART.split(";".join(next(iter(lists))))) > 1
    }
