"""Every number that a report's page shows, with where it stands: by section, table, row and column,
or by the words around it, never by its place in the file.

The page is the one thing that shows all numbers (slopes, placebo dates, leave-one-out ranges,
bounds stand in sentences only), so that two pages are compared, beside the released tables. Figures
are compared by the tables beside them. Of where the report comes from (checksums, versions), only
the limits that fired are compared; inputs and versions are looked at on their own.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

NUMBER = re.compile(r"[−-]?(?<![\w])\d+(?:,\d{3})*(?:\.\d+)?(?![\w])|\*|∞")
PAGES = ("report.html", "supplement.html")
PROVENANCE, LIMITS = "provenance", "limits"
_LEAVES = frozenset(
    ("p", "li", "dd", "dt", "caption", "figcaption", "h1", "h3", "td", "th", "summary")
)
_QUIET = frozenset(("svg", "style", "script", "math", "nav", "form", "code"))
_VOID = frozenset(("br", "hr", "img", "input", "meta", "link", "col"))


@dataclass(frozen=True)
class Shown:
    """One cell or sentence of the page, and the numbers in it, as printed."""

    place: str
    text: str
    numbers: tuple[str, ...]


@dataclass
class _Open:
    tag: str
    text: list[str] = field(default_factory=list)


class _Page(HTMLParser):
    """Collects (place, text) of every leaf; a table's cells by row and column header."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.leaves: list[tuple[str, str]] = []
        self._section = self._part = self._table = self._row = self._term = ""
        self._header: list[str] = []
        self._group = ""
        self._in_head = self._of_group = False
        self._column = 0
        self._quiet = 0
        self._open: list[_Open] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        given = {key: value or "" for key, value in attrs}
        if tag in _QUIET:
            self._quiet += 1
        elif tag == "section":
            self._section, self._part, self._table = given.get("id", ""), "", ""
        elif tag == "article" or (tag in ("h2", "h3") and given.get("id")):
            self._part = given.get("id", "").removesuffix(f"{self._section}-heading")
        elif tag == "table":
            self._table, self._group, self._header = "table", "", []
        elif tag == "thead":
            self._in_head = True
        elif tag == "tr":
            self._column, self._row = 0, ""
            self._of_group = given.get("class") == "group"
        elif tag == "span" and given.get("class") in ("u1", "u2"):
            self.handle_data(" | " if given["class"] == "u2" else "")  # the same in another unit
        if tag in _LEAVES and not self._quiet:
            self._open.append(_Open(tag))

    def handle_endtag(self, tag: str) -> None:
        if tag in _QUIET:
            self._quiet = max(0, self._quiet - 1)
        elif tag == "thead":
            self._in_head = False
        elif tag == "table":
            self._table = ""
        if self._open and self._open[-1].tag == tag and not self._quiet:
            self._leaf(tag, " ".join("".join(self._open.pop().text).split()))

    def handle_data(self, data: str) -> None:
        if self._open and not self._quiet:
            self._open[-1].text.append(data)

    def _leaf(self, tag: str, text: str) -> None:
        if tag == "caption":
            self._table = skeleton(text)[:80]
            self._keep("caption", text)
        elif tag in ("td", "th") and self._table:
            self._cell(text)
        elif tag == "dt":
            self._term = text
        elif tag == "dd":
            self._keep(self._term, text)
        else:
            self._keep(skeleton(text)[:120], text)

    def _cell(self, text: str) -> None:
        if self._in_head:
            self._header.append(text)
            return
        if self._of_group:
            self._group = text
            return
        if self._column == 0:
            self._row = f"{self._group} / {text}" if self._group else text
        column = self._header[self._column] if self._column < len(self._header) else ""
        if self._column:
            self._keep(f"{self._table} / {self._row} / {column}", text)
        self._column += 1

    def _keep(self, where: str, text: str) -> None:
        if self._section == PROVENANCE and self._part != LIMITS:
            return
        place = " / ".join(part for part in (self._section, self._part, where) if part)
        if self._section and text:
            self.leaves.append((place, text))


def skeleton(text: str) -> str:
    """Return a text with its numbers taken out: what stays the same when only they change."""
    return NUMBER.sub("#", text)


def shown(html: str) -> dict[str, Shown]:
    """Return what a page shows by its place; what stands twice in one place is told apart by its
    turn."""
    page = _Page()
    page.feed(html)
    page.close()
    turns: Counter[str] = Counter()
    listed = {}
    for place, text in page.leaves:
        turns[place] += 1
        key = place if turns[place] == 1 else f"{place} ({turns[place]})"
        listed[key] = Shown(key, text, tuple(NUMBER.findall(text)))
    return listed


def on_page(folder: Path) -> list[dict[str, Any]]:
    """Return what the pages of a report folder show, a row each; none where there is no page."""
    pages = [path for name in PAGES if (path := folder / name).is_file()]
    found: dict[str, Shown] = {}
    for path in pages:
        found |= shown(path.read_text(encoding="utf-8"))
    return [
        {"place": item.place, "shown": item.text, "numbers": list(item.numbers)}
        for item in found.values()
        if item.numbers or " / Verdict" in item.place
    ]


def in_figures(folder: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield name and rows of the table beside each figure; cells that are numbers as numbers."""
    for path in sorted((folder / "figures").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as handle:
            rows = [
                {str(key): _number(cell) for key, cell in row.items()}
                for row in csv.DictReader(handle)
            ]
        yield f"figures/{path.stem}", rows


def _number(cell: str | None) -> Any:
    if cell is None or cell == "":
        return None
    if re.fullmatch(r"-?\d+\.\d+(?:e-?\d+)?", cell):
        return float(cell)
    return cell


def alike(published: str, recomputed: str) -> bool:
    """Do two printed numbers differ by no more than one in the last place? Whole numbers and what
    is hidden must be the same."""
    pair = [text.replace("−", "-").replace(",", "") for text in (published, recomputed)]
    places = [len(text.partition(".")[2]) for text in pair]
    if places[0] != places[1] or not places[0]:
        return False
    return abs(float(pair[0]) - float(pair[1])) <= 1.001 * 10.0 ** -places[0]
