"""Readers of extract formats. A new format is one module here and one entry in
`evalweave.catalogue.extracts`.

A reader module has `NAMES` (our table → what the format calls its files) and three functions:

- `recognises(folder)` says whether a folder looks like an extract of this format, by the names of
  its files;
- `find(extract, table)` returns the `Source` files of one of our tables (patients, registrations,
  events), each with the columns it must and may have;
- `as_text(raw, source, extract, lookup)` turns a source, read as a table of text (without blanks
  around it) with `source_row`, into our columns, still all text: `TEXT_COLUMNS[table]`.
  `lookup(name)` gives one of `source.lookups` as a table of text.

Everything else (encodings, separators, parsing, counting, checksums) is the same for all formats.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from evalweave.catalogue.extracts import EXTRACTS
from evalweave.reading.delimited import DELIMITERS

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.records import Extract

# What a reader delivers for each table, as text and nothing else.
TEXT_COLUMNS = {
    "patients": (
        "patient_id",
        "sex",
        "birth_year",
        "birth_month",
        "ethnicity",
        "imd_quintile",
        "death_date",
        "acceptable",
    ),
    "registrations": ("patient_id", "practice_id", "start", "end", "collected_to", "usable_from"),
    "events": (
        "patient_id",
        "practice_id",
        "date",
        "code",
        "code_system",
        "value",
        "unit",
        "family_history",
    ),
}
SUFFIXES = (
    ".csv",
    ".csv.gz",
    ".tsv",
    ".tsv.gz",
    ".txt",
    ".txt.gz",
    ".parquet",
    ".arrow",
    ".feather",
)


@dataclass(frozen=True)
class Source:
    """One file of an extract. `name` is how messages and `source_file` call it."""

    path: Path
    name: str
    required: tuple[str, ...] = ()  # columns that must be in its header
    optional: tuple[str, ...] = ()  # columns that may be
    part_of: str = ""  # the reader's own mark, such as the OMOP table
    quoted: bool = True  # double quotes enclose cells
    delimiter: str | None = None  # None = as declared, or recognised
    lookups: dict[str, Path] = field(default_factory=dict)
    names: dict[str, str] = field(
        default_factory=dict
    )  # the study file's renames: our column → in the file
    also: Mapping[str, Sequence[str]] = field(
        default_factory=dict
    )  # other names that need no rename
    # the format fixes the names of columns: a name that is nearly right is another column
    fixed: bool = False
    identifiers: tuple[str, ...] = (
        "patient_id",
        "practice_id",
        "code",
    )  # must not be stored as floats
    typed: tuple[str, ...] = ()  # columns whose dates and numbers a typed file may keep
    notes: tuple[str, ...] = ()  # what a user should know of how the format is read
    # rows of the file become none, one or several of the table, so their numbers are not compared
    reshaped: bool = False
    table: str = ""  # of ours, under which extract, columns names its columns
    # the columns of which one must hold a listed code, so that a database sends no other rows;
    # none where codes are translated first
    coded: tuple[str, ...] = ()


class Reader(Protocol):
    """What the modules in this folder provide."""

    NAMES: Mapping[str, str]  # our table → what the format calls its files

    def recognises(self, folder: Path) -> bool: ...

    def find(self, extract: Extract, table: str) -> list[Source]: ...

    def as_text(
        self, raw: ir.Table, source: Source, extract: Extract, lookup: Callable[[str], ir.Table]
    ) -> ir.Table: ...


def reader(format_: str) -> Reader:
    """Return the reader of a format; raise `StudyError` when this version has none."""
    from evalweave.errors import StudyError

    if format_ not in EXTRACTS:
        raise StudyError(
            f'extract, format: there is no reader for "{format_}" in this version. '
            f"Valid here: {', '.join(sorted(EXTRACTS))}."
        )
    return cast(
        Reader, importlib.import_module(f"evalweave.extract.readers.{EXTRACTS[format_].reader}")
    )


def renames(
    extract: Extract, table: str, columns: Sequence[str], also: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return a format's column → the name in the file, as the study file says.

    `columns` are the format's, `also` other names of them. Raise `StudyError` for a table or column
    that is neither.
    """
    from evalweave.errors import StudyError, nearest

    wrong = [
        f'extract, {key}: "{name}" is not a table. {nearest(name, TEXT_COLUMNS)}'
        for key, said in (("columns", extract.columns), ("files", extract.files))
        for name in said
        if name not in TEXT_COLUMNS
    ]
    names = {}
    for name, theirs in extract.columns.get(table, {}).items():
        ours = (also or {}).get(name, name)
        if ours not in columns:
            flat = TEXT_COLUMNS if extract.format == "flat" else {}
            of = next((each for each, its in flat.items() if name in its), None)
            hint = f"It belongs to {of}: columns: {{{of}: {{{name}: {theirs}}}}}."
            hint = hint if of else nearest(name, columns)
            wrong.append(f'extract, columns, {table}: "{name}" is not a column. {hint}')
        names[ours] = theirs
    if wrong:
        raise StudyError("\n".join(wrong))
    return names


def looks_like(folder: Path, but: str) -> str | None:
    """Return the format, other than `but`, that the files of a folder look like; None when there is
    none."""
    return next(
        (name for name in EXTRACTS if name != but and reader(name).recognises(folder)), None
    )


def files_below(folder: Path) -> list[Path]:
    """Return the files of a folder and its subfolders that may hold a table, sorted by name."""
    if not folder.is_dir():
        return []
    found = (path for path in folder.rglob("*") if path.name.lower().endswith(SUFFIXES))
    return sorted(path for path in found if path.is_file() and not path.name.startswith((".", "_")))


def first_line(path: Path) -> str:
    """Return the first line of a text file, packed or not, or the column names of a Parquet file;
    empty where it cannot be read."""
    try:
        with path.open("rb") as handle:
            start = handle.read(1 << 16)
    except OSError:
        return ""
    if start.startswith(b"PAR1"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return ",".join(pq.read_schema(path).names)
        except (OSError, pa.ArrowInvalid):  # a damaged file is told when it is read
            return ""
    if start.startswith(b"\x1f\x8b"):
        import zlib

        try:
            start = zlib.decompressobj(31).decompress(start, 1 << 16)
        except zlib.error:
            return ""
    line = start.replace(b"\0", b"").split(b"\n", 1)[0].lstrip(b"\xef\xbb\xbf\xff\xfe")
    return line.decode("utf-8", errors="replace")


def columns_of(path: Path) -> list[str]:
    """Return the names in a file's first line, whichever mark separates most of them."""
    line = first_line(path).strip()
    mark = max(DELIMITERS, key=line.count)
    return [cell.strip().strip('"') for cell in line.split(mark)]


def in_quotes(path: Path) -> bool:
    """Return whether cells stand in double quotes: not where tabs separate them, unless the header
    is quoted.

    In tab-separated exports a quote is a sign like any other, such as the inches of a term.
    """
    header = first_line(path)
    return "\t" not in header or header.startswith('"')
