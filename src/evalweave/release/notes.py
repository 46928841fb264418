"""Sentences of earlier stages (notes, refusals, reasons), which count exactly, as they may be
released."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from evalweave.release.disclosure import PARTICIPANTS, PATIENTS, RECORDS, Profile

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
    profile."""
    parts: list[Markup] = []
    end = 0
    for match in _COUNT.finditer(sentence):
        of = PATIENTS if match[2] else PARTICIPANTS if match[3] else RECORDS
        parts += [
            escape(sentence[end : match.start()]),
            profile.about(int(match[1].replace(",", "")), of),
        ]
        end = match.end()
    return Markup("").join([*parts, escape(sentence[end:])])
