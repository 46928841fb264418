"""What the words of an extract mean, as expressions: fast for the spellings of the vocabulary, and
exact for any other spelling of them.

An engine compares lower-case text with the vocabulary's spellings. Texts that are left over are few
and different: `unread_words` gathers them from a part that has been read, `Glossary.learn` reads
each by the one normalisation there is (`vocabulary.words`), and a part that had such words is read
once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import ibis

from evalweave.study.vocabulary import Vocabulary
from evalweave.vocabulary.words import Words, spelt, words

if TYPE_CHECKING:
    import ibis.expr.types as ir

# Columns of each table that hold words: column → kind of word, and where unread text stays.
COLUMNS = {
    "patients": {"sex": ("sexes", "sex_text"), "acceptable": ("yes_no", "acceptable_text")},
    "registrations": {},
    "events": {"code_system": ("coding_systems", "code_system")},
}
KINDS = ("sexes", "yes_no", "coding_systems", "missing")


@dataclass(frozen=True)
class Glossary:
    """The words of a study, and by kind the spellings (lower-case text → meaning) that its extract
    taught."""

    tables: Mapping[str, Words]
    learnt: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))

    def meaning(self, kind: str, text: Any, otherwise: Any) -> Any:
        """Return what text means; `otherwise` where the spelling is not known."""
        spellings: dict[str, list[str]] = {}
        for word, meaning in self._spellings(kind).items():
            spellings.setdefault(meaning, []).append(word)
        lower = text.lower()
        cases = [(lower.isin(known), meaning) for meaning, known in spellings.items()]
        return ibis.cases(*cases, else_=otherwise)

    def yes_no(self, text: Any) -> Any:
        """Return whether text says yes; null where it says neither yes nor no."""
        return self.meaning("yes_no", text, ibis.null("string")) == "yes"

    def is_missing(self, text: Any) -> Any:
        """Return whether text is a word for a blank."""
        return text.lower().isin(list(self._spellings("missing")))

    def learn(self, unread: Mapping[str, list[str]]) -> Glossary:
        """Return the glossary with those of `unread` (by kind, in lower case) that are another
        spelling of a word."""
        learnt = {kind: dict(known) for kind, known in self.learnt.items()}
        for kind, texts in unread.items():
            for text in texts:
                meaning = self.tables[kind].read(text)
                if meaning is not None:
                    learnt.setdefault(kind, {})[text] = meaning
        return replace(self, learnt=learnt)

    def _spellings(self, kind: str) -> dict[str, str]:
        return {**spelt(kind), **self.tables[kind].known, **self.learnt.get(kind, {})}


def glossary(vocabulary: Vocabulary) -> Glossary:
    """Return the glossary of a study that adds the words of `vocabulary`."""
    own: dict[str, Mapping[str, str]] = {
        "sexes": vocabulary.sexes,
        "yes_no": vocabulary.yes_no,
        "coding_systems": vocabulary.coding_systems,
        "missing": dict.fromkeys(vocabulary.missing, "missing"),
    }
    return Glossary({kind: words(kind, own[kind]) for kind in KINDS})


def unread_words(backend: Any, part: ir.Table, table: str) -> dict[str, list[str]]:
    """Return by kind the different texts (in lower case) of a parsed part that were not read."""
    unread: dict[str, list[str]] = {}
    for column, (kind, text) in COLUMNS[table].items():
        cells = part[text]
        left = cells.notnull()
        if column == text:
            left &= ~cells.isin(list(words(kind).meanings))
        different = part.filter(left).select(word=cells.lower()).distinct()
        unread[kind] = sorted(backend.to_pyarrow(different)["word"].to_pylist())
    return unread
