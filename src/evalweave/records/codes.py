"""A type per coding system, so that codes of two systems cannot be compared by accident.

Codes are text from the first byte: 12622041000006111 as a floating-point number is …112.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from evalweave.vocabulary.words import NOTHING, words

# Verhoeff's check digit (SNOMED CT Release File Specifications, 5.5): multiplication in the
# dihedral group D5 and its permutation table.
_D5 = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_PERMUTED = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


@dataclass(frozen=True, order=True)
class Code:
    """A code of one coding system. Codes of different systems are never equal."""

    text: str
    system: ClassVar[str] = ""
    shape: ClassVar[str] = r"\S.*"

    def oddity(self) -> str:
        """Return what is odd about the code's form, or nothing."""
        if re.fullmatch(self.shape, self.text):
            return ""
        return f"is not written as a {self.system} code"


class SnomedCode(Code):
    """SNOMED CT: 6 to 18 digits, the last one a check digit."""

    system = "snomed"
    shape = r"[1-9][0-9]{5,17}"

    def oddity(self) -> str:
        """Return what is odd: spreadsheets change the last digits of long codes, and the check
        digit shows it."""
        return super().oddity() or (
            "" if check_digit_fits(self.text) else "has a wrong check digit"
        )


class Read2Code(Code):
    """Read version 2: five characters with trailing dots (C10F.), or seven with a term code."""

    system = "read2"
    shape = r"[A-Za-z0-9.]{5}([A-Za-z0-9]{2})?"


class Ctv3Code(Code):
    """Clinical Terms Version 3: five characters (XaPbt, 42W5.)."""

    system = "ctv3"
    shape = r"[A-Za-z0-9.]{5}"


class MedCodeId(Code):
    """CPRD Aurum's own identifier of a term."""

    system = "medcodeid"
    shape = r"[0-9]{1,19}"


class OmopConcept(Code):
    """An OMOP concept identifier."""

    system = "omop"
    shape = r"[0-9]{1,10}"


class GoldMedcode(Code):
    """CPRD GOLD's own identifier of a Read term (not Aurum's medcodeid)."""

    system = "gold_medcode"
    shape = r"[0-9]{1,10}"


class GoldEntity(Code):
    """CPRD GOLD's entity type, which says what the data fields of a record hold."""

    system = "gold_entity"
    shape = r"[0-9]{1,4}"


class LocalCode(Code):
    """A supplier's own code."""

    system = "local"


SYSTEMS: dict[str, type[Code]] = {
    kind.system: kind
    for kind in (
        SnomedCode,
        Read2Code,
        Ctv3Code,
        MedCodeId,
        OmopConcept,
        GoldMedcode,
        GoldEntity,
        LocalCode,
    )
}


def system_named(name: str, own: Mapping[str, str] = NOTHING) -> str | None:
    """Return our name of a coding system as people write it; None when it is none we know. `own`
    are a study's names."""
    known = words("coding_systems", own).read(name)
    return known if known in SYSTEMS else None


def check_digit_fits(digits: str) -> bool:
    """Return whether the last digit is Verhoeff's check digit of the others."""
    state = 0
    for place, digit in enumerate(reversed(digits)):
        state = int(_D5[state][int(_PERMUTED[place % 8][int(digit)])])
    return state == 0
