"""One identity for each person, coder, code and source, however its name is spelt.

Programs and people write one name in several ways: in capitals, with an accent composed (é) or
decomposed (e and U+0301), with a blank too many, in full-width letters. Names match by a normal
form: Unicode NFC, case folded, blanks collapsed, full and half width made plain, invisible
characters dropped (not NFKC, in which P² and P2 are one). Where two spellings met, the log shows
both, with the code points of everything that a reader could not tell apart on a screen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

NEAR = 0.75  # likeness of two spellings
PEOPLE_APART = re.compile(r"[;,/&+|\r\n]+|\s(?:and|und|et|y|e|en)\s")  # several people in a cell
INVISIBLE = dict.fromkeys(  # Default_Ignorable_Code_Point of the Unicode Standard
    point
    for first, last in (
        *((0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160)),
        *((0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E)),
        *((0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF)),
        *((0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A)),
        (0xE0000, 0xE0FFF),
    )
    for point in range(first, last + 1)
)

PERSON_VARIABLES = {  # variables of a case or a source that say who speaks, in normal form
    "participant",
    "participant_id",
    "participant id",
    "participant-id",
    "participantid",
    "participant no",
    "participant number",
    "case",
    "respondent",
    "respondent_id",
    "respondent id",
    "interviewee",
    "speaker",
    "person",
    "pseudonym",
    *("teilnehmer", "teilnehmerin", "teilnehmende", "teilnehmer-id", "befragte", "person-id"),
    *("participante", "id participante", "participant·e", "enquêté", "entrevistado", "deelnemer"),
    *("partecipante", "intervistato", "pseudonyme", "seudónimo", "pseudónimo", "person_id"),
}


def plain_width(text: str) -> str:
    """Return text with full-width and half-width forms, the ideographic blank too, as the plain
    characters that they are (Unicode Standard Annex 11)."""
    if text.isascii():
        return text
    return "".join(
        unicodedata.normalize("NFKC", c) if unicodedata.east_asian_width(c) in "FH" else c
        for c in text
    )


def normal(name: str) -> str:
    """Return the form by which two spellings of one name are equal."""
    composed = unicodedata.normalize("NFC", plain_width(name)).translate(INVISIBLE)
    return " ".join(unicodedata.normalize("NFC", composed.casefold()).split())


def same_words(quote: str) -> str:
    """Return the form in which the same words are equal: one form of accents, single blanks."""
    return " ".join(unicodedata.normalize("NFC", quote).translate(INVISIBLE).split())


def stem(word: str) -> str:
    """Return the form by which a word of ours is the same in the plural and written in one."""
    return normal(word).replace("_", "").replace("-", "").replace(" ", "").removesuffix("s")


def spelling(name: str) -> str:
    """Return a name in quotes, with the code points of all that is not plain ASCII or a single
    blank."""
    doubtful = sorted({c for c in name if not (c.isascii() and c.isprintable())})
    blanks = name != " ".join(name.split(" ")).strip() or "  " in name
    shown = "".join(c if c.isprintable() else "□" for c in name)
    points = [f"U+{ord(c):04X}" for c in doubtful] + (["blanks more than one"] if blanks else [])
    return f'"{shown}"' + (f" ({', '.join(points)})" if points else "")


def spellings(names: Iterable[str]) -> str:
    """Return several spellings of one name, each made visible."""
    return " and ".join(spelling(name) for name in sorted(set(names)))


def namesakes(names: Iterable[str]) -> list[list[str]]:
    """Return the groups of different spellings that are one name, in order."""
    by_form: dict[str, set[str]] = {}
    for name in names:
        by_form.setdefault(normal(name), set()).add(name)
    return [sorted(group) for _, group in sorted(by_form.items()) if len(group) > 1]


def by_normal(names: Iterable[str]) -> dict[str, str]:
    """Return normal form → the name as it is spelt in the table that rules."""
    return {normal(name): name for name in names}


def difference(given: str, known: str) -> str:
    """Return in what two spellings differ, character by character with code points.

    Says nothing of what they share, so that a name of somebody need not be printed to be found.
    """
    parts = []
    for tag, a, b, c, d in SequenceMatcher(None, given, known, autojunk=False).get_opcodes():
        if tag != "equal":
            parts.append(f"{_points(given[a:b])} in place of {_points(known[c:d])}")
    return "; ".join(parts)


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return the name that `name` nearly is ('' when none is near): the same but for letters of
    another alphabet that look alike, else one spelt much the same."""
    form, forms = normal(name), {normal(other): other for other in known}
    for other, spelt in forms.items():
        pairs = [(a, b) for a, b in zip(form, other, strict=False) if a != b]
        if len(form) == len(other) and pairs and all(a.isascii() != b.isascii() for a, b in pairs):
            return spelt
    close = get_close_matches(form, forms, n=1, cutoff=NEAR)
    return forms[close[0]] if close else ""


def kinds_of_difference(names: Iterable[str]) -> str:
    """Return in what spellings of one name differ: capitals, blanks, width or the form of
    accents."""
    written = list(names)
    names = [plain_width(name) for name in written]
    kinds = ["full width"] if names != written else []
    if len({unicodedata.normalize("NFC", name) for name in names}) < len(set(names)):
        kinds.append("composed and decomposed accents")
    plain = [" ".join(unicodedata.normalize("NFC", n).translate(INVISIBLE).split()) for n in names]
    if len(set(plain)) > 1:
        kinds.append("capitals")
    if any(name != " ".join(name.translate(INVISIBLE).split()) for name in names):
        kinds.append("blanks or invisible characters")
    return " and ".join(kinds)


def _points(text: str) -> str:
    if not text:
        return "nothing"
    shown = "".join(c if c.isprintable() else "□" for c in text)
    return f'"{shown}" ({", ".join(f"U+{ord(c):04X}" for c in text)})'
