"""What a position counts: decided by evidence for a whole project, never guessed silently.

Programs disagree on whether a line end is one character or two, whether a character outside the
Basic Multilingual Plane counts once (code points), twice (UTF-16) or four times (UTF-8 bytes),
whether the byte-order mark counts, and whether an end position is included. A position p under a
convention maps to the code point i with w_0 + … + w_{i-1} = p, where w_j is the width of code point
j under that convention.

Evidence, in this order: how many selections show exactly their own quote; failing that, how many of
their ends lie at word edges. Conventions that put every selection in the same place need no
decision.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalweave.qualitative.raw import RawSelection

OK, SHIFTED, AMBIGUOUS, UNCHECKED = "ok", "shifted", "ambiguous", "unchecked"
BEYOND = "beyond"  # reaches past the end of the text
BOM = "\ufeff"
CLEAR_WIN = 3  # word edges by which a convention must beat the next when there are no quotes
SHORTEST_PREFIX = 20  # programs cut long names off, often at 60 characters
Places = tuple[tuple[int, int] | None, ...]


@dataclass(frozen=True)
class Convention:
    """How positions count: newline `lf` (1), `crlf` (2) or `as_stored`; unit; byte-order mark; end
    included."""

    newline: str
    unit: str
    bom: bool = False
    inclusive: bool = False

    def __str__(self) -> str:
        extra = ", byte-order mark counted" if self.bom else ""
        return f"{self.newline}, {self.unit}{extra}{', end included' if self.inclusive else ''}"


@dataclass(frozen=True)
class Placed:
    """A selection in code points of the normalised text (LF, no byte-order mark), and how sure that
    is."""

    start: int | None
    end: int | None
    quote: str
    check: str


class Document:
    """A source's text in normal form, with what is needed to translate positions into it."""

    def __init__(self, stored: str) -> None:
        self.has_bom = stored.startswith(BOM)
        stored = stored.removeprefix(BOM)
        self.text = stored.replace("\r\n", "\n").replace("\r", "\n")
        self.points = np.frombuffer(self.text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        self.line_ends = self.points == 10
        self.pairs = np.zeros(len(self.points), dtype=bool)  # line ends stored as CR LF
        self.pairs[self.line_ends] = [len(end) == 2 for end in re.findall(r"\r\n|\r|\n", stored)]
        alnum = np.array([character.isalnum() for character in self.text], dtype=bool)
        inside = np.zeros(len(self.points) + 1, dtype=bool)
        inside[1:-1] = alnum[1:] & alnum[:-1]
        self.edges = ~inside  # positions that do not cut a word in two
        self._before: dict[tuple[str, str, bool], np.ndarray] = {}

    def before(self, how: Convention) -> np.ndarray:
        """Units that stand before each code point, and after the last: w_0 + … + w_{i-1}, length n
        + 1."""
        key = (how.newline, how.unit, how.bom)
        if key not in self._before:
            widths = np.ones(len(self.points), dtype=np.int64)
            if how.unit == "utf16":
                widths += self.points > 0xFFFF
            elif how.unit == "utf8":
                widths += self.points[:, None].__gt__(np.array([0x7F, 0x7FF, 0xFFFF])).sum(axis=1)
            if how.newline == "crlf":
                widths += self.line_ends
            elif how.newline == "as_stored":
                widths += self.pairs
            mark = int(how.bom and self.has_bom) * (3 if how.unit == "utf8" else 1)
            self._before[key] = np.concatenate([[0], np.cumsum(widths)]) + mark
        return self._before[key]

    def place(self, start: int, end: int, how: Convention) -> tuple[int, int] | None:
        """Return the span in code points, or None when a position falls outside or inside a
        character."""
        before = self.before(how)
        first, last = np.searchsorted(before, [start, end + how.inclusive])
        if last >= len(before) or before[first] != start or before[last] != end + how.inclusive:
            return None
        return int(first), int(last)


def same_words(quote: str, text: str) -> bool:
    """Whether a stretch shows its quote, white space aside; a long quote may be cut off at its
    end."""
    quote, text = _squeezed(quote), _squeezed(text)
    if quote == text:
        return True
    cut = re.sub(r"\s*(…|\.\.\.)$", "", quote)
    return len(cut) >= SHORTEST_PREFIX and text.startswith(cut)


def decide(
    documents: dict[str, Document],
    selections: Sequence[RawSelection],
    units: Sequence[str],
    spans: Sequence[tuple[str, int, int]] = (),
) -> tuple[Convention, list[Convention]]:
    """Return the convention with the best evidence, and the rivals that the evidence cannot tell
    from it.

    `spans` (source, start, end) are stretches without a quote, such as a case's turns. The rivals
    put some selection elsewhere; when there are none, the choice is safe.
    """
    positions = [
        (s.source, s.start, s.end, s.quote)
        for s in selections
        if s.source in documents and s.start is not None and s.end is not None
    ]
    positions += [(source, start, end, "") for source, start, end in spans if source in documents]
    classes = _classes(documents, positions, units)
    quoted = [
        i for i, (source, _, _, quote) in enumerate(positions) if _appears(quote, documents[source])
    ]

    def shown(places: Places) -> int:
        return sum(
            same_words(positions[i][3], documents[positions[i][0]].text[slice(*place)])
            for i in quoted
            if (place := places[i]) is not None
        )

    def at_edges(places: Places) -> int:
        return sum(
            int(documents[positions[i][0]].edges[list(place)].sum())
            for i, place in enumerate(places)
            if place is not None
        )

    ranked = sorted(
        (
            (shown(places), at_edges(places), -order, how)
            for order, (places, how) in enumerate(classes.items())
        ),
        key=lambda item: item[:3],
        reverse=True,
    )
    return _chosen(ranked)


def _classes(
    documents: dict[str, Document],
    positions: Sequence[tuple[str, int, int, str]],
    units: Sequence[str],
) -> dict[Places, Convention]:
    """Return the different ways of placing all positions, each with its plainest convention."""
    marks = (False, True) if any(document.has_bom for document in documents.values()) else (False,)
    classes: dict[Places, Convention] = {}
    for inclusive, bom, unit, newline in itertools.product(
        (False, True), marks, units, ("lf", "crlf", "as_stored")
    ):
        how = Convention(newline, unit, bom, inclusive)
        places = tuple(
            documents[source].place(start, end, how) for source, start, end, _ in positions
        )
        classes.setdefault(places, how)  # the first name of equal ones, plainest first
    return classes


def _chosen(
    ranked: Sequence[tuple[int, int, int, Convention]],
) -> tuple[Convention, list[Convention]]:
    """Return the best of (quotes shown, word edges, −order, convention) and its rivals."""
    exclusive = [item for item in ranked if not item[3].inclusive]
    best = ranked[0]
    if best[3].inclusive and best[0] == exclusive[0][0] and best[1] < exclusive[0][1] + CLEAR_WIN:
        best = exclusive[0]  # an included end needs evidence, since no sample seen has it
    rivals = [
        how
        for quotes, edges, _, how in exclusive
        if how != best[3] and quotes == best[0] and edges > best[1] - CLEAR_WIN
    ]
    return best[3], rivals


def locate(
    document: Document | None,
    selection: RawSelection,
    how: Convention,
    rivals: Sequence[Convention],
) -> Placed:
    """Place a selection; move it to its own quote when the position shows something else.

    `ok`: the quote stands there, or without one every rival agrees and both ends lie at word edges;
    `shifted`: moved to the nearest place where its quote stands; `ambiguous`: two places are as
    good, or none fits; `beyond`: it reaches past the end of the text, so that no words are shown;
    `unchecked`: nothing to check against. A name that an analyst gave a quotation moves nothing
    unless it is as long as the stretch itself.
    """
    start, end = selection.start, selection.end
    quote = selection.quote if _is_quote(selection) else ""
    if document is None:
        both = start is not None and end is not None
        return Placed(start if both else None, end if both else None, quote, UNCHECKED)
    if start is None or end is None:
        span = _nearest(document, quote, None)
        if span is None:
            return Placed(None, None, quote, AMBIGUOUS)
        return Placed(*span, document.text[slice(*span)], OK if start is None else SHIFTED)
    if end + how.inclusive > document.before(how)[-1]:
        return Placed(None, None, "", BEYOND)
    place = document.place(start, end, how)
    shown = document.text[slice(*place)] if place else ""
    if place and _squeezed(selection.quote) and same_words(selection.quote, shown):
        return Placed(*place, shown, OK)
    if _appears(quote, document):
        return _beside_quote(document, quote, place, start)
    if place is None:
        return Placed(None, None, quote, AMBIGUOUS)
    others = {document.place(start, end, rival) for rival in rivals}
    if others - {place}:
        return Placed(*place, shown, AMBIGUOUS)
    return Placed(*place, shown, OK if document.edges[list(place)].all() else UNCHECKED)


def _is_quote(selection: RawSelection) -> bool:
    """Whether a selection's quote is its text: always where the program stores text, else only a
    name as long as the stretch, since people name quotations as they like."""
    if selection.quote_is_text:
        return True
    if selection.start is None or selection.end is None:
        return False
    units = {len(selection.quote), len(selection.quote.encode("utf-16-le", "surrogatepass")) // 2}
    return selection.end - selection.start in {n + inside for n in units for inside in (0, -1)}


def _beside_quote(
    document: Document, quote: str, place: tuple[int, int] | None, start: int
) -> Placed:
    """Return the nearest occurrence of a quote that does not stand where its position says."""
    shown = document.text[slice(*place)] if place else ""
    span = _nearest(document, quote, place[0] if place else start)
    if span is not None:
        return Placed(*span, document.text[slice(*span)], SHIFTED)
    return Placed(*place, shown, AMBIGUOUS) if place else Placed(None, None, quote, AMBIGUOUS)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _appears(quote: str, document: Document) -> bool:
    """Whether a selection's name is a quote at all: some programs put a label or an identifier
    there."""
    return bool(_squeezed(quote)) and _pattern(quote).search(document.text) is not None


def _pattern(quote: str) -> re.Pattern[str]:
    words = (
        re.sub(r"\s*(…|\.\.\.)$", "", _squeezed(quote))
        if len(quote) > SHORTEST_PREFIX
        else _squeezed(quote)
    )
    return re.compile(r"\s+".join(re.escape(word) for word in words.split(" ")))


def _nearest(document: Document, quote: str, start: int | None) -> tuple[int, int] | None:
    """Return the one occurrence of a quote nearest to `start`; None when there is none or two are
    as near."""
    if not _squeezed(quote):
        return None
    spans = [match.span() for match in _pattern(quote).finditer(document.text)]
    if len(spans) < 2 or start is None:
        return spans[0] if len(spans) == 1 else None
    first, second = sorted(spans, key=lambda span: abs(span[0] - start))[:2]
    return first if abs(first[0] - start) < abs(second[0] - start) else None
