"""Every identifier that must never leave results/: of patients, practices, participants and
segments, and the names of sources, which may be people's.

An identifier is searched for as a whole, however it is written. One that a number, a word or a
colour may equal is searched for in words that people read, if it can be told from the report's own
there; what a year or a count may equal is not searched for. (Patients and practices that are
called so have pseudonyms from cleaning on: `records.pseudonyms`.) Columns that are named like
identifiers are refused whatever they hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from pathlib import Path

from evalweave import seals
from evalweave.errors import DataError
from evalweave.extract.parts import check_part
from evalweave.records.practices import PRACTICES_FILE
from evalweave.release.own_words import is_own
from evalweave.vocabulary.identifiers import (
    LEAST,
    LEAST_DIGITS,
    PIECE,
    folded,
    is_common,
    pieces,
)

COLUMNS = frozenset(
    (
        "patient_id",
        "practice_id",
        "participant_id",
        "segment_id",
        "person_id",
        "patid",
        "pracid",
        "nhs_number",
        "care_site_id",
        "source_row",
        "source_file",
        "coder_id",
    )
)
# Words of our own where there is no identifier: they name nobody. (OMOP's people without a care
# site are at the practice "unknown".)
PLACEHOLDERS = frozenset(("unknown", "missing", "notstated"))
LEAST_IN_WORDS = 3  # characters of an identifier of letters and digits, such as C05
LEAST_NAME = 10  # letters of a name of several words
MOST_PIECES = 24
_FLOAT = re.compile(r"(?<![\w.])\d+\.\d+(?:e[-+]?\d+)?(?![\w.])")
_POINT_ZERO = re.compile(r"(?<![\w.,])(\d{6,})\.0+(?![\w.])")
_DATE = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])")
_BETWEEN = re.compile(r"[ \u00a0\t./:@|+_#,–-]{1,3}")  # that an identifier may be broken by
_OF_DIGITS = (" ", "\u00a0", "-", "_", "/")


@dataclass(frozen=True)
class Identifiers:
    """One kind of identifier, as compared: those that are searched for everywhere, those that are
    searched for in words only, and how many cannot be searched for."""

    kind: str
    telling: frozenset[str]
    in_words: frozenset[str]
    too_short: int
    most_pieces: int = 1
    broken: frozenset[tuple[str, ...]] = frozenset()  # those of several pieces, as they are written

    @classmethod
    def of(cls, kind: str, values: Iterable[str], behind: Iterable[str] = ()) -> Identifiers:
        """Sort identifiers into what can be searched for and what cannot. Those that stay `behind`
        in ingest, where others have pseudonyms, are no lack."""
        telling, in_words, unsearched = set[str](), set[str](), set[str]()
        broken, most = set[tuple[str, ...]](), 3
        flows = {value for value in values if value}
        for value in flows.union(value for value in behind if value):
            if len(value) >= LEAST_DIGITS and value.isascii() and value.isdigit():
                telling.add(value)  # as most are, of millions
                continue
            parts = pieces(value)
            name = "".join(parts)
            if not name or name in PLACEHOLDERS:
                continue
            if not is_common(name):
                telling.add(name)
            elif _is_told_in_words(name, len(parts)):
                in_words.add(name)
            else:
                unsearched.update([name] if value in flows else [])
                continue
            if len(parts) > 1:
                broken.add(tuple(parts))
                most = max(most, min(len(parts), MOST_PIECES))
        known = frozenset(telling), frozenset(in_words)
        return cls(kind, *known, len(unsearched), most, frozenset(broken))

    def found_in(self, text: str, words: bool = False) -> set[str]:
        """Return the identifiers that stand in a text as whole words, however they are broken; in
        `words` that people read, those too that elsewhere might be a colour or a measure.

        The time goes with the length of the text, whatever the number of identifiers.
        """
        wanted, heads = self.in_words if words else self.telling, self._heads[words]
        if not wanted:
            return set()
        read, found = _read(text), set[str]()
        for first, start in enumerate(read.starts):
            if read.joined[start : start + LEAST_IN_WORDS] not in heads:
                continue
            for last in range(first, min(first + self.most_pieces - 1, read.reach[first]) + 1):
                name = read.joined[start : read.ends[last]]
                if name in wanted and name not in found:
                    parts, marks = read.run(first, last)
                    if _is_meant(parts, marks, parts in self.broken):
                        found.add(name)
        return found

    @cached_property
    def _heads(self) -> tuple[frozenset[str], frozenset[str]]:
        """How those begin that are searched for everywhere, and those that are in words."""
        return (
            frozenset(name[:LEAST_IN_WORDS] for name in self.telling),
            frozenset(name[:LEAST_IN_WORDS] for name in self.in_words),
        )


@dataclass(frozen=True)
class _Read:
    """The words of a text, one after the other: where each starts and ends, what stands behind it,
    and the last word up to which what stands between may break an identifier."""

    joined: str
    starts: list[int]
    ends: list[int]
    marks: list[str]
    reach: list[int]

    def run(self, first: int, last: int) -> tuple[tuple[str, ...], str]:
        """Return some words as they follow each other, and what stands between them."""
        places = range(first, last + 1)
        parts = tuple(self.joined[self.starts[at] : self.ends[at]] for at in places)
        return parts, "".join(self.marks[first:last])


@lru_cache(maxsize=16)  # a text is searched for each kind of identifier
def _read(text: str) -> _Read:
    """Return the words of a text. Decimals are none."""
    text = _FLOAT.sub("\n", _POINT_ZERO.sub(r"\1", folded(text)))
    spans = [match.span() for match in PIECE.finditer(text)]
    words = [text[start:end] for start, end in spans]
    marks = [text[a:b] for (_, a), (b, _) in pairwise(spans)]
    breaking = {mark for mark in {*marks} if _BETWEEN.fullmatch(mark)}
    reach = [*range(len(words))]
    for place in reversed(range(len(marks))):
        if marks[place] in breaking:
            reach[place] = reach[place + 1]
    ends = [*accumulate(map(len, words))]
    return _Read("".join(words), [0, *ends[:-1]][: len(words)], ends, marks, reach)


def _is_told_in_words(name: str, n_pieces: int) -> bool:
    """Return whether a common identifier can be told from the words of a report."""
    if name.isdigit():
        return n_pieces == 1 and len(name) >= LEAST and not _DATE.fullmatch(name)
    if name.isalpha():
        return n_pieces > 1 and len(name) >= LEAST_NAME
    return len(name) >= LEAST_IN_WORDS


def _is_meant(parts: tuple[str, ...], marks: str, as_written: bool) -> bool:
    """Return whether words with `marks` between them are an identifier, and no numbers, no day and
    no wording of ours."""
    name = "".join(parts)
    if is_own(parts):
        return False
    if len(parts) == 1:
        return True
    if name.isdigit():
        one_mark = len({*marks}) == 1 and marks[0] in _OF_DIGITS
        return len(name) >= LEAST_DIGITS and (as_written or one_mark)
    plain = all(is_own((part,)) or (part.isdigit() and len(part) < LEAST - 1) for part in parts)
    if plain and (len(parts) == 2 or name.isalpha()):  # "in 2015", "reason 3", "link workers"
        return False
    return as_written or not (plain and any(mark.isspace() for mark in marks))


def of_results(results: Path) -> list[Identifiers]:
    """Return the identifiers of a results folder; raise `DataError` when it holds none of patients.

    Read from every Parquet file of ingest/, clean/ and cohort/ (patients who were set aside count
    too), clean/practices.csv, code/participants.csv, code/segments.csv and code/sources.csv.
    """
    flows, behind = _of_records(results, "clean", "cohort"), _of_records(results, "ingest")
    if not flows["patient_id"] and not behind["patient_id"]:
        raise DataError(
            f"{results}: found no patient identifiers under ingest/ or clean/, so nothing can be "
            "searched for. "
            "Give --results the folder of the run that made the report."
        )
    coded = results / "code"
    return [
        Identifiers.of("patient", flows["patient_id"], behind["patient_id"]),
        Identifiers.of("practice", flows["practice_id"], behind["practice_id"]),
        Identifiers.of("participant", _csv_column(coded / "participants.csv", "participant_id")),
        Identifiers.of("segment", _csv_column(coded / "segments.csv", "segment_id")),
        # A source that is called as anything may be, such as Interview, is no lack.
        Identifiers.of("source", (), _csv_column(coded / "sources.csv", "name")),
    ]


def _of_records(results: Path, *folders: str) -> dict[str, set[str]]:
    """Return the identifiers of patients and of practices in the tables of some stages."""
    import pyarrow.parquet as pq

    names: dict[str, set[str]] = {"patient_id": set(), "practice_id": set()}
    holding: dict[str, list[Path]] = {column: [] for column in names}
    for folder in folders:
        for path in sorted((results / folder).rglob("*.parquet")):
            if path.parent.parent.name == "ingest":
                check_part(path)
            else:
                seals.check(path)
            for column in names.keys() & pq.read_schema(path).names:
                holding[column].append(path)
        names["practice_id"].update(_csv_column(results / folder / PRACTICES_FILE, "practice_id"))
    for column, paths in holding.items():
        names[column].update(_distinct(paths, column))
    return names


def _distinct(paths: Sequence[Path], column: str) -> Iterator[str]:
    """Yield each value of a column of several files once: of a million people's records few are
    others than those before."""
    import duckdb

    tables = " UNION ALL ".join(
        f'SELECT CAST("{column}" AS VARCHAR) AS value FROM read_parquet(?)' for _ in paths
    )
    if not tables:
        return
    with duckdb.connect() as own:
        own.execute("SET enable_progress_bar = false")
        rows = own.execute(
            f"SELECT DISTINCT value FROM ({tables}) WHERE value IS NOT NULL",
            [str(p) for p in paths],
        )
        while batch := rows.fetchmany(100_000):
            for (value,) in batch:
                yield value


def _csv_column(path: Path, name: str) -> list[str]:
    from evalweave.files import read_table
    from evalweave.tables.qualitative import PARTICIPANTS, SEGMENTS, SOURCES
    from evalweave.tables.records import PRACTICES

    if not path.is_file():
        return []
    frame = read_table(path, PARTICIPANTS, SEGMENTS, SOURCES, PRACTICES)
    return [str(value) for value in frame[name].dropna()] if name in frame else []
