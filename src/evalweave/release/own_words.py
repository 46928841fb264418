"""The report's own words: an identifier that equals one of them is none where it stands.

They are read from the code that writes reports, so that a new sentence is known at once.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from evalweave.vocabulary.identifiers import PIECE, folded

ROOMS = ("catalogue", "diagnostics", "inference", "release", "report", "study", "tables")
MORE = ("triangulation", "vocabulary", "quantities.py")
REASONS = ("records/rules.py", "cohort/eligibility.py")  # why a row or a person is left out
_ASIDE = re.compile(r'""".*?"""|#[^\'"\n]*$', re.DOTALL | re.MULTILINE)  # said to programmers


@cache
def _text() -> str:
    """Return all words of the code that writes reports, each between blanks."""
    package = Path(__file__).parents[1]
    read = []
    for room in (*ROOMS, *MORE, *REASONS):
        place = package / room
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.suffix in (".py", ".j2", ".html", ".css", ".js") and path.is_file():
                text = path.read_text(encoding="utf-8")
                read += PIECE.findall(folded(_ASIDE.sub(" ", text)))
    return f" {' '.join(read)} "


@cache
def _single() -> frozenset[str]:
    return frozenset(_text().split())


def is_own(pieces: tuple[str, ...]) -> bool:
    """Return whether words, as they follow each other, are the report's own."""
    if len(pieces) == 1:
        return pieces[0] in _single()
    return f" {' '.join(pieces)} " in _text()
