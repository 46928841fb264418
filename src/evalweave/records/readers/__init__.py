"""Readers of extract formats. A new format is one module here and one line in `READERS`.

A reader module has two functions:

- `find(extract, table)` returns the `Source` files of one of our tables (patients, registrations, events), each
  with the columns it must and may have;
- `as_text(raw, source, extract, lookup)` turns a source, read as a table of text with `source_row`, into our
  columns, still all text: `TEXT_COLUMNS[table]`. `lookup(name)` gives one of `source.lookups` as a table of text.

Everything else (encodings, separators, parsing, counting, checksums) is the same for all formats.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study import Extract

READERS = {
    "flat": "evalweave.records.readers.flat",
}

# What a reader delivers for each table, as text and nothing else.
TEXT_COLUMNS = {
    "patients": (
        "patient_id", "sex", "birth_year", "birth_month", "ethnicity", "imd_quintile", "death_date", "acceptable",
    ),
    "registrations": ("patient_id", "practice_id", "start", "end"),
    "events": ("patient_id", "practice_id", "date", "code", "code_system", "value", "unit"),
}  # fmt: skip


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
    names: dict[str, str] = field(default_factory=dict)  # the study file's renames: our column → in the file
    also: Mapping[str, Sequence[str]] = field(default_factory=dict)  # other names that need no rename


class Reader(Protocol):
    """What the modules in this folder provide."""

    def find(self, extract: Extract, table: str) -> list[Source]: ...

    def as_text(
        self, raw: ir.Table, source: Source, extract: Extract, lookup: Callable[[str], ir.Table]
    ) -> ir.Table: ...


def reader(format_: str) -> Reader:
    """Return the reader of a format; raise `StudyError` when this version has none."""
    from evalweave.errors import StudyError

    if format_ not in READERS:
        raise StudyError(
            f'extract, format: there is no reader for "{format_}" in this version. '
            f"Valid here: {', '.join(sorted(READERS))}."
        )
    return cast(Reader, importlib.import_module(READERS[format_]))
