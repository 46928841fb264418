"""What an extract holds and nothing reads, and which facts are blank for everybody: a column under
another name is lost without a fault where a study can do without it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalweave import engine
from evalweave.catalogue.words import number_of
from evalweave.extract import headers
from evalweave.extract.readers import Source
from evalweave.reading.textfiles import TextFile

# Facts that a study can do without, and what their absence means where it is a mistake.
FOR_NOBODY = {
    ("registrations", "end"): "nobody leaves: everybody stays at risk until the records end, or "
    "until death",
    ("patients", "death_date"): "nobody dies",
}


@dataclass
class Overlooked:
    """The columns of an extract's files, which of them are read, and what was not found there."""

    unread: dict[str, list[str]] = field(default_factory=dict)  # file → its columns, as written
    absent: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # file → table → ours

    def take(self, seen: TextFile, source: Source, table: str) -> None:
        """Take note of what is read of a looked-at file as one of our tables; one file may be
        several tables."""
        header = header_of(seen, source)
        found, faults = headers.match(
            source.name,
            header,
            source.required,
            source.optional,
            source.names,
            source.also,
            not source.fixed,
        )
        unread = self.unread.setdefault(source.name, [name for name in header if name])
        for theirs in found.values():
            if theirs in unread:
                unread.remove(theirs)
        if faults and any(re.fullmatch(headers.NO_NAME, name) for name in header):  # a record
            unread.clear()
        absent = self.absent.setdefault(source.name, {})
        absent[table] = [name for name in source.optional if name not in found]

    def lacks(self, table: str, column: str) -> bool:
        """Return whether files were read as `table`, and none of them has our `column`."""
        said = [absent[table] for absent in self.absent.values() if table in absent]
        return bool(said) and all(column in columns for columns in said)

    def notes(self) -> list[str]:
        """Return a sentence for each set of columns that is not read, with what they may be."""
        files: dict[tuple[str, ...], list[str]] = {}
        for name, columns in self.unread.items():
            if columns:
                files.setdefault(tuple(columns), []).append(name)
        return [
            f"{_listed(names)}: columns that are not read: {', '.join(columns)}."
            f"{_may_be(self.absent[names[0]])}"
            for columns, names in files.items()
        ]


def _listed(names: list[str]) -> str:
    more = len(names) - 1
    return names[0] if not more else f"{names[0]} and {number_of(more, 'more file')}"


def _may_be(absent: Mapping[str, list[str]]) -> str:
    """Return what was not found in a file, as the study file would say where it is."""
    wanted = "; ".join(
        f"{table}: {', '.join(columns)}" for table, columns in absent.items() if columns
    )
    if not wanted:
        return ""
    table, columns = next((table, columns) for table, columns in absent.items() if columns)
    if "end" in absent.get("registrations", ()):
        table, columns = "registrations", ["end"]
    return (
        f" Not found there: {wanted}. If one is one of these, say so under extract, such as "
        f"columns: {{{table}: {{{columns[0]}: ITS_NAME}}}}."
    )


def header_of(seen: TextFile, source: Source) -> tuple[str, ...]:
    """Return the names of a readable file's columns, as they are written."""
    if seen.kind == "text":
        return seen.header
    return tuple(name for name, _ in engine.stored_as(source.path, seen.kind))


def for_nobody(backend: Any, tables: Mapping[str, Any], named: bool) -> list[str]:
    """Return a sentence for each fact of `FOR_NOBODY` of which no row has a cell; `named` says
    whether the study file names columns (the other formats fix what each holds)."""
    notes = []
    for (table, column), meaning in FOR_NOBODY.items():
        if table in tables and is_blank(backend, tables[table], column):
            action = "If that is not so, ask for an extract that says when."
            if named:
                action = (
                    "If a column says when, name it under extract: "
                    f"columns: {{{table}: {{{column}: ITS_NAME}}}}."
                )
            notes.append(f"{table}: {column} is blank throughout, so {meaning}. {action}")
    return notes


def is_blank(backend: Any, rows: Any, column: str) -> bool:
    """Return whether no row has a cell in a column, readable or not."""
    cells = rows.aggregate(read=rows[column].count(), unreadable=rows[f"{column}_text"].count())
    row = backend.to_pyarrow(cells).to_pylist()[0]
    return not (row["read"] or row["unreadable"])
