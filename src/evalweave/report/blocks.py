"""What a section is made of. HTML and Word are written from the same blocks.

Text is `Markup`: safe HTML of a few inline tags, into which values are put with `Markup.format`,
which escapes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from html import unescape
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

Text = Markup | str


@dataclass(frozen=True)
class Drawing:
    """A figure as inline SVG; the unit it is drawn in, blank when there is only one; the same
    drawn for a phone, blank where the first fits."""

    svg: str
    unit: str = ""
    narrow: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure with its text alternative and its released data; one drawing per unit of measure."""

    name: str
    title: str
    description: str
    caption: Text
    drawings: tuple[Drawing, ...]
    data: pd.DataFrame
    wide: bool = False
    template = "figure"


@dataclass(frozen=True)
class Prose:
    """A paragraph. `kind`: blank, lead, note, banner, warning or meter."""

    text: Text
    kind: str = ""
    template = "prose"


@dataclass(frozen=True)
class Heading:
    text: str
    id: str = ""
    template = "heading"


@dataclass(frozen=True)
class Facts:
    """A few facts side by side: value and what it is."""

    items: tuple[tuple[Text, Text], ...]
    template = "facts"


@dataclass(frozen=True)
class Listing:
    items: tuple[Text, ...]
    template = "listing"


@dataclass(frozen=True)
class Column:
    """A column of a table: header, unit, and `number` (aligned at the decimal point) or text."""

    header: Text
    unit: Text = ""
    number: bool = False


@dataclass(frozen=True)
class Line:
    """A row of a table; `group` rows are headings over the following rows, `depth` indents the
    first cell."""

    cells: tuple[Text, ...]
    group: bool = False
    depth: int = 0


@dataclass(frozen=True)
class Table:
    """A table whose caption says what to see."""

    caption: Text
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    notes: tuple[Text, ...] = ()
    id: str = ""
    wide: bool = False
    template = "table"


@dataclass(frozen=True)
class Check:
    """One check of whether the answer can be believed."""

    question: Text
    verdict: str  # supports, speaks against, cannot tell
    why: Text
    link: str = ""
    link_text: str = ""


@dataclass(frozen=True)
class Checks:
    caption: Text
    items: tuple[Check, ...]
    template = "checks"


@dataclass(frozen=True)
class Details:
    """More of it on a click; no script needed."""

    summary: Text
    blocks: tuple[Any, ...]
    template = "details"


@dataclass(frozen=True)
class Appendix:
    """A part of a section that stands in the supplement, under `summary` as its heading."""

    summary: str
    blocks: tuple[Any, ...]
    id: str = ""


@dataclass(frozen=True)
class Formula:
    """A formula as MathML, with the same in plain text."""

    mathml: Markup
    text: str
    template = "formula"


@dataclass(frozen=True)
class Code:
    text: str
    template = "code"


@dataclass(frozen=True)
class Quote:
    words: str
    speaker: str
    path: str
    stance: str = ""


@dataclass(frozen=True)
class Quotes:
    """Quotations, one below the other."""

    items: tuple[Quote, ...]
    template = "quotes"


@dataclass(frozen=True)
class JointRow:
    """One claim: what was expected, the numbers, the voices, and what the declared rule says of
    them."""

    claim: str
    theme: str
    proposition: str
    expectation: Text
    strip: str  # SVG; blank where there is no interval
    numbers: Text
    quantitative: Text
    voices: tuple[Text, ...]
    quotes: tuple[Quote, ...]
    label: str
    label_note: Text
    analyst: Text = ""
    analyst_by: str = ""
    meta: Text = ""  # the meta-inference, in the analysts' words
    meta_by: str = ""


@dataclass(frozen=True)
class Joint:
    caption: Text
    rows: tuple[JointRow, ...]
    notes: tuple[Text, ...] = ()
    template = "joint"


@dataclass(frozen=True)
class Sheet:
    """A claim at its full length, on a page of its own in print; what follows it belongs to it."""

    row: JointRow
    template = "sheet"


@dataclass(frozen=True)
class Section:
    """A section of the report: `key` is its anchor."""

    key: str
    title: str
    blocks: tuple[Any, ...]
    short: str = ""  # as in the contents
    number: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


# What XML 1.0 cannot hold (its section 2.2): a Word file with it does not open. Also the marks that
# turn the direction of what follows (Unicode Annex 9), numbers of ours included.
UNPRINTABLE = re.compile(
    r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    r"|[\u202a-\u202e\u2066-\u2069]"
)
BOX = "□"


def printable(words: str) -> str:
    """Return text with a box in place of each character that XML, and so HTML and Word, cannot
    hold (text pasted from a table in Word brings U+0007, the end of a cell), or that would turn
    the rest of a sentence round."""
    return UNPRINTABLE.sub(BOX, words)


def boxed(value: Any) -> Any:
    """Return a block, or anything in one, with all its texts `printable`."""
    if isinstance(value, Markup):
        return Markup(printable(value))
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, tuple | list):
        return type(value)(boxed(part) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: boxed(getattr(value, f.name)) for f in fields(value)})
    return value


def text(template: str, *values: Any, **named: Any) -> Markup:
    """Return HTML from a trusted template, every value escaped unless it is Markup itself."""
    return Markup(template).format(*values, **named)


def plain(text: Text) -> str:
    """Return HTML text as plain text, in the first of two units."""
    first = re.sub(r'<span class="u2">.*?</span>', "", str(text), flags=re.DOTALL)
    if not hasattr(text, "__html__"):
        return str(text)
    return unescape(re.sub(r"<[^>]+>", "", first))


def in_units(first: Text, second: Text | None) -> Markup:
    """Return a text in two units, of which the reader's switch shows one."""
    if second is None or str(first) == str(second):
        return escape(first)
    return text('<span class="u1">{}</span><span class="u2">{}</span>', first, second)


def joined_html(parts: list[Markup], by: str = " ") -> Markup:
    return Markup(by).join(parts)


def appended(summary: str, blocks: Sequence[Any], id: str = "") -> list[Appendix]:
    """Return blocks as a part of the supplement; nothing where there are none."""
    return [Appendix(summary, tuple(blocks), id)] if blocks else []


def begin_pages(blocks: Sequence[Any]) -> list[bool]:
    """Return for each block whether a printed page begins with it: a sheet, with the heading that
    is over it, and the heading after the last one."""
    begins, above, apart = list[bool](), None, False
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        heading = isinstance(block, Heading)
        begins.append(
            apart or isinstance(after, Sheet)
            if heading
            else isinstance(block, Sheet) and not isinstance(above, Heading)
        )
        apart = isinstance(block, Sheet) or (apart and not heading)
        above = block
    return begins


def figures_in(blocks: tuple[Any, ...]) -> list[Figure]:
    """Return all figures among blocks, also those under details and in the supplement."""
    figures: list[Figure] = []
    for block in blocks:
        if isinstance(block, Figure):
            figures.append(block)
        elif isinstance(block, Details | Appendix):
            figures += figures_in(block.blocks)
    return figures
