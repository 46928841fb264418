"""Names of people and places in words that are about to leave.

Three signs, from the surest to the weakest:

    declared name   a name of the table `names`, in any capitals, as whole words
    participant     a participant's identifier, as a whole word
    capital         a word that begins with a capital, not at a sentence's start, and that is
                    neither in `ALLOWED` nor among the study's `allowed_words`

A quotation with any of them is held back. A capital is let through where a person chose the
quotation by its key, for somebody has read it then; a declared name or an identifier is not: it has
to be redacted. A name at a sentence's start that nobody declared is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from evalweave.qualitative.identity import normal

DECLARED, PARTICIPANT, CAPITAL = "declared name", "participant", "capital"
_ALLOWED = (
    "i i'm i've i'd i'll monday tuesday wednesday thursday friday saturday sunday january february "
    "march april may june july august september october november december gp gps nhs hba1c bmi "
    "christmas easter english british tv ok"
)
ALLOWED = frozenset(_ALLOWED.split())
_WORD = re.compile(r"[^\W\d_][\w]*(?:['’\-][\w]+)*")
_OPENS = '.!?…:\n"“”‘«([{–—-/'  # after one of these a sentence, or a quotation in it, begins
_REDACTED = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True)
class Names:
    """What must not leave, and which capitals may."""

    declared: tuple[str, ...] = ()
    participants: tuple[str, ...] = ()
    allowed: frozenset[str] = ALLOWED
    capitals: bool = True  # False: only declared names and identifiers are looked for

    @classmethod
    def of(
        cls,
        declared: Iterable[str],
        participants: Iterable[str],
        allowed: Iterable[str],
        capitals: bool,
    ) -> Names:
        """Return names in their normal form."""
        more = {_bare(word) for phrase in allowed for word in _WORD.findall(phrase)}
        return cls(
            tuple(sorted({normal(name) for name in declared if normal(name)})),
            tuple(sorted({normal(person) for person in participants})),
            ALLOWED | more,
            capitals,
        )


def signs(words: str, names: Names) -> list[tuple[str, str]]:
    """Return (what, why) of everything in a quotation that may name somebody or some place, in the
    order of the three signs. Words in square brackets are the analyst's own."""
    open_ = _REDACTED.sub(" [] ", words)
    said = normal(open_)
    listed = [(name, DECLARED) for name in names.declared if _whole(name, said)]
    listed += [(person, PARTICIPANT) for person in names.participants if _whole(person, said)]
    if names.capitals:
        listed += [(word, CAPITAL) for word in _capitals(open_, names.allowed)]
    return listed


def wrong_redaction(original: str, redacted: str) -> bool:
    """Does a redacted quotation say anything that the original does not? Only stretches replaced
    by words in square brackets, and stretches left out for [...], may differ."""
    at, whole = 0, " ".join(original.split())
    for piece in _REDACTED.split(redacted):
        words = " ".join(piece.split())
        place = whole.find(words, at)
        if place < 0:
            return True
        at = place + len(words)
    return False


def _whole(name: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words) is not None


def _capitals(words: str, allowed: Collection[str]) -> list[str]:
    listed = []
    for match in _WORD.finditer(words):
        word, before = match.group(), words[: match.start()].rstrip(" \t")
        starts = not before.strip() or before[-1] in _OPENS
        if word[0].isupper() and not starts and _bare(word) not in allowed:
            listed.append(word)
    return list(dict.fromkeys(listed))


def _bare(word: str) -> str:
    """Return a word in lower case, a possessive 's taken off."""
    plain = normal(word.replace("’", "'"))
    return plain.removesuffix("'s") if plain.removesuffix("'s") else plain
