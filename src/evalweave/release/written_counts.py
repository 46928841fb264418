"""Counts of people and records as sentences write them: in words ("three patients") and as a part
of a whole ("3 of 40 patients").
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalweave.release.own_words import is_own
from evalweave.vocabulary.identifiers import PIECE, folded

PEOPLE = (
    "patients|people|persons|women|men|participants|clients|link workers|family "
    "members|interviewees"
)
THINGS = (
    "rows|records|measurements|values|observations|person-periods|patient-periods|registrations"
)
THRESHOLD = re.compile(r"(?:than|least|most|to|below|under|from|threshold of|–|[-])\s*$")
_RATIO = re.compile(r"\b(?:in|per|every|each)\s*$", re.IGNORECASE)  # one in five patients
_UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_BELOW_TWENTY = (*_UNITS, *_TEENS, "seventeen", "eighteen", "nineteen")
SPELT = {word: n for n, word in enumerate(_BELOW_TWENTY, start=1)}
SPELT |= {word: 10 * n for n, word in enumerate(_TENS, start=2)}
SPELT |= {
    f"{ten}{mark}{unit}": SPELT[ten] + SPELT[unit]
    for ten in _TENS
    for unit in _UNITS
    for mark in ("-", " ")
}
_WORD = "|".join(sorted(SPELT, key=len, reverse=True))
_ONE = "patient|person|woman|man|participant|client|link worker|family member|interviewee|record"
_WHO = rf"(?P<noun>{PEOPLE}|{THINGS}|{_ONE})(?![-\w])"
_BEFORE = r"(?<![\w.,])(?<![\w.,]-)"
_IN_WORDS = re.compile(rf"{_BEFORE}(?P<n>{_WORD}) (?:[a-z]+ )??{_WHO}", re.IGNORECASE)
_OF = re.compile(
    rf"{_BEFORE}(?P<n>\d[\d,]*|{_WORD}) (?:out )?of (?:(?:the|these|those|all|its|our) )?"
    rf"(?:\d[\d,]*|{_WORD}|\N{{OBJECT REPLACEMENT CHARACTER}}) (?:[a-z]+ )??{_WHO}",
    re.IGNORECASE,
)


def written(own: str) -> Iterator[re.Match[str]]:
    """Yield counts in words ("three patients") and parts of a whole ("3 of 40 patients") of what a
    page says itself, but for thresholds, ratios and the fixed wording of the report."""
    for pattern in (_IN_WORDS, _OF):
        for match in pattern.finditer(own):
            before = own[max(0, match.start() - 14) : match.start()]
            fixed = _is_fixed(own, match)
            if not (fixed or THRESHOLD.search(before) or _RATIO.search(before)):
                yield match


def _is_fixed(own: str, match: re.Match[str]) -> bool:
    """Return whether a count, with the word before and the word after it in its block, is wording
    of the report; alone in its block it is none."""
    before = own[: match.start()].rpartition("\n")[2]
    after = own[match.end() :].partition("\n")[0]
    sides = (PIECE.findall(folded(before))[-1:], PIECE.findall(folded(after))[:1])
    words = (*sides[0], *PIECE.findall(folded(match[0])), *sides[1])
    return any(sides) and is_own(words)
