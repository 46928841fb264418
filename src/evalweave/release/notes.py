"""Sentences of earlier stages (notes, refusals, reasons), which count exactly, as they may be
released."""

from __future__ import annotations

import re
from typing import NamedTuple

from markupsafe import Markup, escape

from evalweave.release.disclosure import PARTICIPANTS, PATIENTS, RECORDS, Profile
from evalweave.release.written_counts import SPELT, written

PEOPLE = "patients|people|persons|units|individuals|women|men"
VOICES = "participants|clients|link workers|family members|speakers"
THINGS = (
    "rows|records|measurements|observations|values|cells|person-periods|patient-periods|"
    "periods of patients|registrations|spells"
)
_COUNT = re.compile(
    r"(?<![\w.,−-])(\d[\d,]*)(?=(?: (?!practices?\b)[\w-]+){0,3} "
    rf"(?:({PEOPLE})|({VOICES})|({THINGS}))\b)",
    re.IGNORECASE,
)


def released_note(profile: Profile, sentence: str) -> Markup:
    """Return a sentence with every count of people, participants or records released through the
    profile, in figures where it stood in words ("two clients")."""
    parts: list[Markup] = []
    end = 0
    for count in _counts(sentence):
        if count.start < end:
            continue
        shown = profile.about(count.n, count.of)
        parts += [escape(sentence[end : count.start]), shown]
        end = count.end
        if count.noun and shown.striptags() != "1":
            parts.append(escape(f" {_several(count.noun)}"))
            end += 1 + len(count.noun)
    return Markup("").join([*parts, escape(sentence[end:])])


def released_words(profile: Profile, sentence: str) -> str:
    """Return the same as plain text, for a table."""
    return released_note(profile, sentence).striptags()


class _Count(NamedTuple):
    """Where a count stands in a sentence, what it is, of whom, and its noun if that is of one."""

    start: int
    end: int
    n: int
    of: str
    noun: str = ""


def _counts(sentence: str) -> list[_Count]:
    found = []
    for match in _COUNT.finditer(sentence):
        of = PATIENTS if match[2] else PARTICIPANTS if match[3] else RECORDS
        found.append(_Count(match.start(), match.end(), int(match[1].replace(",", "")), of))
    for match in written(sentence):
        if n := SPELT.get(match["n"].lower()):
            noun = match["noun"]
            of = PARTICIPANTS if re.fullmatch(VOICES, _several(noun), re.IGNORECASE) else PATIENTS
            beside = match.start("noun") == match.end("n") + 1
            one = noun if n == 1 and beside and noun.lower() in _ONE else ""
            found.append(_Count(match.start("n"), match.end("n"), n, of, one))
    return sorted(found)


_ONE = {
    "patient",
    "person",
    "woman",
    "man",
    "participant",
    "client",
    "link worker",
    "family member",
}
_IRREGULAR = {"person": "people", "woman": "women", "man": "men"}


def _several(noun: str) -> str:
    """Return a noun in the plural."""
    known = _IRREGULAR.get(noun.lower())
    return known or (noun if noun.lower() not in _ONE else f"{noun}s")
