"""Reading words: one normalisation, and tables of what each word means."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType

NOTHING: Mapping[str, str] = MappingProxyType({})
_SCHEME = re.compile(r"^(?:https?|ftp)://(?:www\.)?|^urn:oid:", re.IGNORECASE)
_UNIT_SYSTEM = re.compile(r"^unitsofmeasure\.org[^|#]*[|#]")
_WHOLE = re.compile(r"^(\d+)\.0+$")  # a code that a blank beside it has made a fraction
_IGNORED = re.compile(r"[^\w%/]|_")


def normal(text: str) -> str:
    """Return a word as it is compared: Unicode NFKC, no case, only letters, digits, % and /; a word
    of nothing else (`?`, `-`) without blanks only. The scheme of a URI goes, and UCUM's URI before
    a unit."""
    plain = unicodedata.normalize("NFKC", text)
    plain = "".join(mark for mark in plain if unicodedata.category(mark) not in ("Cf", "Cc"))
    plain = unicodedata.normalize("NFKC", plain.casefold()).replace("⁄", "/").replace("∕", "/")
    plain = _UNIT_SYSTEM.sub("", _SCHEME.sub("", plain.strip()))
    plain = _WHOLE.sub(r"\1", plain.replace("μ", "u"))
    return _IGNORED.sub("", plain).strip("/") or re.sub(r"\s+", "", plain)


@dataclass(frozen=True)
class Words:
    """What the words of one kind mean: normalised word → meaning."""

    kind: str
    meanings: tuple[str, ...]
    known: Mapping[str, str] = field(repr=False)

    def read(self, text: str) -> str | None:
        """Return what a word means; None where it is not known."""
        word = normal(text)
        if "/" in word and word not in self.known and _SCHEME.match(text.strip()):
            return self._by_path(word)
        return self.known.get(word)

    def _by_path(self, word: str) -> str | None:
        """Return what a URI means without its edition and version
        (`http://snomed.info/sct/83821000000107`)."""
        while "/" in word:
            word = word.rpartition("/")[0]
            if word in self.known:
                return self.known[word]
        return None

    def spellings(self, meaning: str) -> list[str]:
        """Return the normalised words of a meaning, in the order of the table."""
        return [word for word, means in self.known.items() if means == meaning]


def words(kind: str, own: Mapping[str, str] = NOTHING) -> Words:
    """Return the words of a kind (the name of a table beside this file), with a study's `own` (word
    → meaning) before them."""
    plain = _plain(kind)
    if not own:
        return plain
    more = {normal(word): meaning for word, meaning in own.items()}
    return Words(kind, plain.meanings, {**plain.known, **more})


@cache
def spelt(kind: str) -> Mapping[str, str]:
    """Return the words of the package's own table as they are spelt there, in lower case → their
    meaning."""
    return MappingProxyType({word.lower(): meaning for meaning, word in _table(kind)})


@cache
def _plain(kind: str) -> Words:
    """Return the words of the package's own table."""
    table = _table(kind)
    meanings = tuple(dict.fromkeys(meaning for meaning, _ in table))
    known = {normal(word): meaning for meaning, word in table}
    return Words(kind, meanings, MappingProxyType({**known, **{normal(m): m for m in meanings}}))


@cache
def _table(kind: str) -> tuple[tuple[str, str], ...]:
    """Return (meaning, word) of each row of a table."""
    text = (files(__package__) / f"{kind}.csv").read_text(encoding="utf-8")
    return tuple((row["meaning"], row["word"]) for row in csv.DictReader(io.StringIO(text)))
