"""The flow diagram: boxes for practices, people and records, set-aside boxes at the side, a split
at the arm.

Drawn by this module, not by a plotting library: boxes stand on one axis, arrows are straight, text
is text. Counts arrive as released text with what they count, so that the audit reads them like any
other count of the report.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDE, GAP, PAD, LINE = 720, 22, 10, 17
MAIN = SIDE = 337  # widths of the boxes in the column and at the side: two columns and a gap
MAIN_X, SIDE_X = 12, 12 + MAIN + GAP
LETTERS, INSET = (
    44,
    34,
)  # letters in a line; how far a set-aside box of an arm is moved to the right


NARROW = 366
# so that the file stands alone; in the page its variables follow the reader's light or dark mode
STYLE = (
    ".flow text{font-size:13.5px;fill:var(--ink,#1b1d1f)}.flow .heading{font-weight:700}"
    ".flow .box{fill:var(--paper,#fefefe);stroke:var(--quiet,#6b6f73)}"
    ".flow .aside{stroke:var(--rule,#b9bdc0);stroke-dasharray:4 3}"
    ".flow .link{fill:none;stroke:var(--quiet,#6b6f73)}.flow .head{fill:var(--quiet,#6b6f73)}"
)


@dataclass(frozen=True)
class Counted:
    """A released count in a sentence of a box: `before` [count] `after`."""

    shown: str
    value: str  # what the mark carries
    of: str
    after: str
    about: bool = False
    inside: bool = False  # a part of the line above: a reason, after a colon


@dataclass(frozen=True)
class Box:
    """A box: a heading and counted lines."""

    heading: str
    lines: tuple[Counted, ...] = ()


@dataclass(frozen=True)
class Step:
    """A box of the main column, with what is set aside on the way to the next one."""

    box: Box
    aside: Box | None = None


def flow(
    steps: Sequence[Step],
    arms: Sequence[Sequence[Step]],
    title: str,
    description: str,
    name: str = "flow",
) -> str:
    """Return the diagram: `steps` from top to bottom with what was set aside at the right, then a
    column for each arm."""
    parts: list[str] = []
    y, centre = 4.0, MAIN_X + MAIN / 2
    for index, step in enumerate(steps):
        tall = _height(step.box, LETTERS)
        parts.append(_box(step.box, MAIN_X, y, MAIN, tall, LETTERS))
        bottom, gap = y + tall, float(GAP)
        if step.aside:
            side = _height(step.aside, LETTERS)
            gap = max(GAP, side + 16)
            middle = bottom + gap / 2
            parts.append(_box(step.aside, SIDE_X, middle - side / 2, SIDE, side, LETTERS, "aside"))
            parts.append(_arrow(centre, middle, SIDE_X, middle))
        last = index == len(steps) - 1
        if not last:
            parts.append(_arrow(centre, bottom, centre, bottom + gap))
        elif arms:
            parts.append(f'<path class="link" d="M{_n(centre)} {_n(bottom)}V{_n(bottom + gap)}"/>')
        y = bottom + (gap if arms or not last or step.aside else 0)
    if arms:
        y = _arms(parts, arms, centre, y)
    return _svg(name, parts, WIDE, y, title, description)


def narrow(
    steps: Sequence[Step],
    arms: Sequence[Sequence[Step]],
    title: str,
    description: str,
    name: str = "flow",
) -> str:
    """Return the same boxes in one column for a phone: set-aside boxes between, one arm below the
    other."""
    parts: list[str] = []
    y = 4.0
    wide, letters = NARROW - 8.0, 43
    columns = [list(steps), *(list(column) for column in arms)]
    for place, column in enumerate(columns):
        for index, step in enumerate(column):
            tall = _height(step.box, letters)
            parts.append(_box(step.box, 4, y, wide, tall, letters))
            bottom = y + tall
            aside = _height(step.aside, letters - 5) if step.aside else 0.0
            y = bottom + (aside + 16 if step.aside else GAP)
            line = 4 + INSET / 2
            if index + 1 < len(column) or (place == 0 and arms):
                parts.append(_arrow(line, bottom, line, y))
            if step.aside:
                parts.append(
                    _arrow(line, bottom + 8 + aside / 2, 4 + INSET, bottom + 8 + aside / 2)
                )
                parts.append(
                    _box(
                        step.aside, 4 + INSET, bottom + 8, wide - INSET, aside, letters - 5, "aside"
                    )
                )
    return _svg(f"{name}-narrow", parts, NARROW, y - GAP, title, description)


def _svg(
    name: str, parts: list[str], wide: float, height: float, title: str, description: str
) -> str:
    tall = round(height + 6)
    head = (
        f'<svg class="drawing flow" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(wide)} '
        f'{tall}" '
        f'width="{_n(wide)}" height="{tall}" role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title><desc '
        f'id="{name}-desc">{escape(description)}</desc>'
        f"<style>{STYLE}</style>"
        f'<defs><marker id="{name}-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" '
        'orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>'
    )
    body = "".join(parts).replace("url(#flow-arrow)", f"url(#{name}-arrow)")
    return f"{head}{body}</svg>\n"


def _arms(parts: list[str], arms: Sequence[Sequence[Step]], centre: float, y: float) -> float:
    """Draw the columns below the split; what an arm sets aside stands beside its line, moved to the
    right."""
    wide = (WIDE - 2 * MAIN_X - GAP * (len(arms) - 1)) / len(arms)
    letters = int(wide / 7.6)
    lefts = [MAIN_X + index * (wide + GAP) for index in range(len(arms))]
    middles = [left + wide / 2 for left in lefts]
    parts.append(
        f'<path class="link" d="M{_n(min(*middles, centre))} {_n(y)}H{_n(max(*middles, centre))}"/>'
    )
    parts += [_arrow(middle, y, middle, y + GAP) for middle in middles]
    top = bottom = y + GAP
    for level in range(max(len(column) for column in arms)):
        boxes = [column[level] if level < len(column) else None for column in arms]
        tall = max(_height(step.box, letters) for step in boxes if step)
        asides = max(
            (_height(step.aside, letters - 5) for step in boxes if step and step.aside), default=0.0
        )
        bottom = top + tall
        following = bottom + (asides + 16 if asides else GAP)
        for column, left, step in zip(arms, lefts, boxes, strict=True):
            if not step:
                continue
            parts.append(_box(step.box, left, top, wide, tall, letters))
            line = left + INSET / 2
            if level + 1 < len(column):
                parts.append(_arrow(line, bottom, line, following))
            if step.aside:
                parts.append(
                    _arrow(line, bottom + 8 + asides / 2, left + INSET, bottom + 8 + asides / 2)
                )
                parts.append(
                    _box(
                        step.aside,
                        left + INSET,
                        bottom + 8,
                        wide - INSET,
                        asides,
                        letters - 5,
                        "aside",
                    )
                )
        top = following
    return bottom


def _lines(box: Box, letters: int) -> list[tuple[list[str], Counted | None]]:
    """Return a box's lines: wrapped text, the count belonging to the first line of each."""
    heading = [(line, None) for line in textwrap.wrap(box.heading, letters)]
    rows: list[tuple[list[str], Counted | None]] = [([line], None) for line, _ in heading]
    for counted in box.lines:
        before = len(counted.shown) + (6 if counted.about else 0) + (3 if counted.inside else 0)
        wrapped = textwrap.wrap("x" * before + " " + counted.after, letters, break_long_words=False)
        rows.append((wrapped or [""], counted))
    return rows


def _height(box: Box, letters: int) -> float:
    return 2 * PAD + LINE * sum(len(lines) for lines, _ in _lines(box, letters)) - 4


def _box(
    box: Box, x: float, y: float, wide: float, tall: float, letters: int, kind: str = "main"
) -> str:
    drawn = [
        f'<rect class="box {kind}" x="{_n(x)}" y="{_n(y)}" width="{_n(wide)}" height="{_n(tall)}" '
        'rx="3"/>'
    ]
    at = y + PAD + 10
    for lines, counted in _lines(box, letters):
        for index, line in enumerate(lines):
            if counted is None:
                drawn.append(
                    f'<text class="heading" x="{_n(x + PAD)}" y="{_n(at)}">{escape(line)}</text>'
                )
            elif index == 0:
                rest = line.split(" ", 1)[1] if " " in line else ""
                about = "about " if counted.about else ""
                mark = (
                    f'<tspan class="count" data-counts="{counted.of}" '
                    f'data-value="{escape(counted.value)}">'
                    f"{escape(counted.shown)}</tspan>"
                )
                colon = ":" if counted.inside else ""
                start = x + PAD + (14 if counted.inside else 0)
                drawn.append(
                    f'<text x="{_n(start)}" y="{_n(at)}">{about}{mark}{colon} {escape(rest)}</text>'
                )
            else:
                drawn.append(
                    f'<text x="{_n(x + PAD + (26 if counted.inside else 12))}" '
                    f'y="{_n(at)}">{escape(line)}</text>'
                )
            at += LINE
    return "".join(drawn)


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f'<path class="link" marker-end="url(#flow-arrow)" d="M{_n(x1)} {_n(y1)}L{_n(x2)} '
        f'{_n(y2)}"/>'
    )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
