"""Every identifier that must never leave results/: of patients, practices, participants and
segments.

An identifier is searched for as a whole token. One that cannot be told from an ordinary number or
word (fewer than six digits for patients, five for practices, fewer than three characters otherwise)
is not searched for; columns that are named like identifiers are refused whatever they hold, so that
those cannot slip out either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from evalweave import seals
from evalweave.errors import DataError
from evalweave.extract.parts import check_part

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
PLACEHOLDERS = frozenset(("unknown", "missing", "not stated"))
_DIGITS = {"patient": 6, "practice": 5, "participant": 6, "segment": 6}
_TOKENS = (
    re.compile(r"(?<![^\W_])(?<!#)[^\W_]+"),
    re.compile(r"(?<![#])[\w-]+"),
    re.compile(r"(?<![#])[\w./:@|+-]+"),
)
_FLOAT = re.compile(r"(?<![\w.])\d+\.\d+(?:[eE][-+]?\d+)?(?![\w.])")
_EDGES = "-./:@|+_"


@dataclass(frozen=True)
class Identifiers:
    """One kind of identifier: those that can be searched for, and how many cannot."""

    kind: str
    tokens: frozenset[str]
    phrases: tuple[str, ...]  # with blanks inside, searched for as they are
    too_short: int

    @classmethod
    def of(cls, kind: str, values: Iterable[str]) -> Identifiers:
        """Sort identifiers into what can be searched for and what cannot."""
        tokens, phrases, short = set(), set(), 0
        for value in {value.strip() for value in values if value and value.strip()}:
            if value.casefold() in PLACEHOLDERS:
                continue
            if len(value) < (_DIGITS[kind] if value.isdigit() else 3):
                short += 1
            elif re.search(r"[^\w./:@|+-]", value):
                phrases.add(value)
            else:
                tokens.add(value)
        return cls(kind, frozenset(tokens), tuple(sorted(phrases)), short)

    def found_in(self, text: str, words: frozenset[str] | None = None) -> list[str]:
        """Return the identifiers that stand in `text` (for counting and locating; never for
        printing)."""
        words = tokens(text) if words is None else words
        return sorted(self.tokens & words) + [phrase for phrase in self.phrases if phrase in text]


def tokens(text: str) -> frozenset[str]:
    """Return the whole tokens of a text, cut narrowly (letters and digits) and widely (with - . / :
    inside).

    Numbers with decimals are left out: their digits are no identifiers.
    """
    text = _FLOAT.sub(" ", text)
    words: set[str] = set()
    for pattern in _TOKENS:
        words.update(word.strip(_EDGES) for word in pattern.findall(text))
    return frozenset(words)


def of_results(results: Path) -> list[Identifiers]:
    """Return the identifiers of a results folder; raise `DataError` when it holds none of patients.

    Read from every Parquet file of ingest/, clean/ and cohort/ (patients who were set aside count
    too) and from code/participants.csv and code/segments.csv.
    """
    patients: set[str] = set()
    practices: set[str] = set()
    for folder in ("ingest", "clean", "cohort"):
        for path in sorted((results / folder).rglob("*.parquet")):
            patients.update(_column(path, "patient_id"))
            practices.update(_column(path, "practice_id"))
    if not patients:
        raise DataError(
            f"{results}: found no patient identifiers under ingest/ or clean/, so nothing can be "
            "searched for. "
            "Give --results the folder of the run that made the report."
        )
    coded = results / "code"
    return [
        Identifiers.of("patient", patients),
        Identifiers.of("practice", practices),
        Identifiers.of("participant", _csv_column(coded / "participants.csv", "participant_id")),
        Identifiers.of("segment", _csv_column(coded / "segments.csv", "segment_id")),
    ]


def _column(path: Path, name: str) -> Iterator[str]:
    """Yield the distinct values of a column, a row group at a time, so that memory stays small."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if path.parent.parent.name == "ingest":
        check_part(path)
    else:
        seals.check(path)
    if name not in pq.read_schema(path).names:
        return
    with pq.ParquetFile(path, read_dictionary=[name]) as file:
        for group in range(file.num_row_groups):
            for value in pc.unique(file.read_row_group(group, columns=[name])[name]).to_pylist():
                if value is not None:
                    yield str(value)


def _csv_column(path: Path, name: str) -> list[str]:
    from evalweave.files import read_table
    from evalweave.tables.qualitative import PARTICIPANTS, SEGMENTS

    if not path.is_file():
        return []
    frame = read_table(path, PARTICIPANTS, SEGMENTS)
    return [str(value) for value in frame[name].dropna()] if name in frame else []
