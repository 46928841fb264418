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
from dataclasses import dataclass, replace

from evalweave.qualitative.hierarchy import JOIN
from evalweave.qualitative.identity import normal

DECLARED, PARTICIPANT, CAPITAL = "declared name", "participant", "capital"
_ALLOWED = (
    "i i'm i've i'd i'll monday tuesday wednesday thursday friday saturday sunday january february "
    "march april may june july august september october november december gp gps nhs hba1c bmi "
    "christmas easter english british tv ok "
    "name place town laughs laughter pause inaudible unclear"  # as transcripts have in brackets
)
ALLOWED = frozenset(_ALLOWED.split())
_WORD = re.compile(r"[^\W\d_][\w]*(?:['’\-][\w]+)*")
_OPENS = '.!?…:\n"“”‘«({–—-/'  # after one of these a sentence, or a quotation in it, begins
_REDACTED = re.compile(r"\[([^\]]*)\]")
_BRACKETED = re.compile(r"(\[[^\[\]]*\][ \t]*)+$")  # a sentence may begin behind it
_UNSEEN = re.compile("[\\[\\]\u200c\u200d]")  # brackets and joiners inside a name
_SAYS = re.compile(r"\w|…|\.\.\.")  # what a replacement must have to be one
_TOKEN = re.compile(r"\w+(?:['’\-]\w+)*|\S")


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
            tuple(sorted({normal(name.replace("’", "'")) for name in declared if normal(name)})),
            tuple(sorted({normal(person) for person in participants})),
            ALLOWED | more,
            capitals,
        )


def signs(words: str, names: Names) -> list[tuple[str, str]]:
    """Return (what, why) of everything in a quotation that may name somebody or some place, in the
    order of the three signs. Words in square brackets are words like all others."""
    plain = words.replace("’", "'")
    said = {normal(plain), normal(_UNSEEN.sub("", plain))}
    listed = [(name, DECLARED) for name in names.declared if _any(name, said)]
    listed += [(person, PARTICIPANT) for person in names.participants if _any(person, said)]
    if names.capitals:
        listed += [(word, CAPITAL) for word in _capitals(words, names.allowed)]
    return listed


def without_names(path: str, names: Names) -> str:
    """Return a code's path as it may stand beside a quotation: … for each of its codes with a
    declared name or an identifier in it. Codes have capitals of their own."""
    known = replace(names, capitals=False)
    return JOIN.join("…" if signs(code, known) else code for code in path.split(JOIN))


def wrong_redaction(original: str, redacted: str) -> bool:
    """Does a redacted quotation say anything that the original does not? Only stretches of whole
    words that something in square brackets stands for, at either end too, may differ."""
    if not all(_SAYS.search(inside) for inside in _REDACTED.findall(redacted)):
        return True
    whole = _within(_TOKEN.findall(original))
    pieces = [_TOKEN.findall(piece) for piece in _REDACTED.sub("\0", redacted).split("\0")]
    if len(pieces) == 1:
        return _within(pieces[0]) != whole
    first, *middle, last = pieces
    first, last = _within(first, right=False), _within(last, left=False)
    end = len(whole) - len(last)
    if whole[: len(first)] != first or whole[end:] != last:
        return True
    at = len(first)
    for piece in middle:
        places = range(at, end - len(piece) + 1)
        found = next((n for n in places if whole[n : n + len(piece)] == piece), None)
        if found is None:
            return True
        at = found + len(piece)
    return at > end


def _within(tokens: list[str], left: bool = True, right: bool = True) -> list[str]:
    """Return tokens without the punctuation at their ends."""
    spoken = [n for n, token in enumerate(tokens) if token[0].isalnum()]
    if not spoken:
        return []
    return tokens[spoken[0] if left else 0 : spoken[-1] + 1 if right else None]


def _any(name: str, said: Collection[str]) -> bool:
    return any(_whole(name, words) for words in said)


def _whole(name: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words) is not None


def _capitals(words: str, allowed: Collection[str]) -> list[str]:
    listed = []
    for match in _WORD.finditer(words):
        word = match.group()
        before = _BRACKETED.sub("", words[: match.start()]).rstrip(" \t")
        starts = not before.strip() or before[-1] in _OPENS
        if word[0].isupper() and not starts and _bare(word) not in allowed:
            listed.append(word)
    return list(dict.fromkeys(listed))


def _bare(word: str) -> str:
    """Return a word in lower case, a possessive 's taken off."""
    plain = normal(word.replace("’", "'"))
    return plain.removesuffix("'s") if plain.removesuffix("'s") else plain
