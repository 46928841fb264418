"""What a reporting guideline is made of: items, each with what answers it.

An answer is a function of the data that returns a sentence, or None where the key or the number
that it would rest on does not exist. Nothing else answers an item: no link, no tick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from evalweave.release.notes import released_note
from evalweave.release.numbers import plain
from evalweave.report.blocks import Text
from evalweave.report.data import ReportData
from evalweave.study import once

NOT_STATED = "not stated"
Answer = Callable[[ReportData], Text | None]


@dataclass(frozen=True)
class Item:
    """One item: its number, what it asks in our own few words, and what answers it, in order."""

    number: str
    asks: str
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Guideline:
    """A checklist. `about` follows its name ("reporting of …"); `reference` has its DOI; `applies`
    says whether a study's report has it."""

    name: str
    about: str
    reference: str
    items: tuple[Item, ...]
    applies: Callable[[ReportData], bool] = lambda data: True


@dataclass(frozen=True)
class Stated:
    """What the authors state under a key of the study file, dotted from its top."""

    key: str

    def __call__(self, data: ReportData) -> Markup | None:
        said = once.at(data.study, self.key)
        return released_note(data.profile, said) if said else None

    @property
    def words(self) -> str:
        """Return what is missing where it is blank."""
        return plain(self.key.rpartition(".")[2])


@dataclass(frozen=True)
class Either:
    """The first of several keys that is not blank."""

    keys: tuple[Stated, ...]

    def __call__(self, data: ReportData) -> Markup | None:
        return next((said for key in self.keys if (said := key(data)) is not None), None)

    @property
    def words(self) -> str:
        """Return what is missing where all are blank."""
        return self.keys[0].words


@dataclass(frozen=True)
class Once(Either):
    """What is stated in several places: all of it, once."""

    def __call__(self, data: ReportData) -> Markup | None:
        said = once.distinct([once.at(data.study, key.key) for key in self.keys])
        return released_note(data.profile, " ".join(said)) if said else None


def stated(*keys: str) -> tuple[Stated, ...]:
    """Return an answer for each key of the study file."""
    return tuple(Stated(key) for key in keys)


def either(*keys: str) -> Either:
    """Return the answer of the first key that is not blank."""
    return Either(stated(*keys))


def in_either(name: str, first: str = "study") -> Once:
    """Return the answer of `once.PLACES`; that of `first` (study, qualitative) goes first."""
    keys = sorted(once.PLACES[name], key=lambda key: not key.startswith(first))
    return Once(stated(*keys))


def answered(data: ReportData, answers: tuple[Answer, ...]) -> Text:
    """Return what answers an item; of an item that is answered in part, which keys are blank."""
    said = [(answer, answer(data)) for answer in answers]
    if not any(words for _, words in said):
        return NOT_STATED
    parts = [
        Markup.escape(words) if words else Markup.escape(f"{plain(blank)}: {NOT_STATED}.")
        for answer, words in said
        if words or (blank := getattr(answer, "words", ""))
    ]
    whole = parts[0]
    for part in parts[1:]:
        ended = whole.rstrip().endswith((".", "?", "!"))
        whole += Markup(" " if ended else "; ") + part
    return whole
