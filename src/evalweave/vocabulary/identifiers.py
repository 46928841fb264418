"""What an identifier is, however it is written, and whether it can be told from numbers and words.

Case, blanks, punctuation, zero-width characters, forms of Unicode and a trailing `.0` make no other
identifier: `GP 12-345` is `gp12345`.
"""

from __future__ import annotations

import re
import unicodedata

LEAST = 6  # characters of an identifier that no short number and no short word can be
LEAST_DIGITS = 9  # of one that is all digits: fewer are counts and days too
PIECE = re.compile(r"[^\W_]+")
_POINT_ZERO = re.compile(r"(\d)\.0+$")
_COLOUR = re.compile(r"[0-9a-f]{6}|[0-9a-f]{8}")


def folded(text: str) -> str:
    """Return a text in one case and one form of Unicode, without what has no width."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text)
    for letter in {*text}:
        if unicodedata.category(letter) == "Cf":
            text = text.replace(letter, "")
    return unicodedata.normalize("NFKC", text.casefold())


def pieces(identifier: str) -> list[str]:
    """Return the runs of letters and digits of an identifier."""
    if identifier.isascii() and identifier.isalnum():  # as most are, of millions
        return [identifier.lower()]
    return PIECE.findall(_POINT_ZERO.sub(r"\1", folded(identifier).strip()))


def normal(identifier: str) -> str:
    """Return an identifier as it is compared."""
    return "".join(pieces(identifier))


def is_common(name: str) -> bool:
    """Return whether an identifier (as `normal` writes it) may equal a number, a word or a colour
    that means nobody."""
    if len(name) < LEAST or name.isalpha():
        return True
    if name.isdigit():
        return len(name) < LEAST_DIGITS
    return len(name) in (6, 8) and bool(_COLOUR.fullmatch(name))
