"""Forest plots: estimates with intervals on one scale, and the same as aligned text at the
right."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from evalweave.release.numbers import estimate, interval, number
from evalweave.report.blocks import Figure, Text
from evalweave.report.data import Row
from evalweave.report.figures.interval import draw_interval
from evalweave.report.figures.style import (
    INK,
    PROGRAMME,
    QUIET,
    SHADE,
    WIDTH,
    describe,
    drawing,
    drawn,
    narrow,
    sign,
    slug,
    to_svg,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW, WRAP = 21, 24  # height of a row in SVG units, letters in a line of a label
LABEL, NOTE, ESTIMATE, INTERVAL = (
    -0.86,
    1.04,
    1.22,
    1.26,
)  # where text stands, in widths of the axes
# Colour, marker, width of the line and size of the marker.
STRONG, OPEN = (PROGRAMME, "o", 1.8, 6.0), (QUIET, "D", 1.3, 4.5)


@dataclass(frozen=True)
class Item:
    """A row of a forest plot: a heading, or an estimate (`strong` is filled, the others are
    open)."""

    label: str
    row: Row | None = None
    heading: bool = False
    strong: bool = True
    note: str = ""


@dataclass(frozen=True)
class Forest:
    """What a forest plot shows in one unit."""

    unit: str
    items: tuple[Item, ...]
    margin: float | None = None


def forest(
    name: str,
    title: str,
    axis: str,
    forests: Sequence[Forest],
    caption: Text,
    synthetic: bool,
    better: str = "neither",
) -> Figure | None:
    """Return a forest plot, one drawing a unit; None when nothing was estimated."""
    shown = [plot for plot in forests if any(item.row for item in plot.items)]
    if not shown:
        return None
    descriptions = [describe(_spoken(plot), synthetic) for plot in shown]
    if any(_shaded(plot) for plot in shown):
        caption = f"{caption} The shaded stretch holds differences too small to matter."
    drawings = tuple(
        drawn(
            partial(
                _draw,
                f"{slug(name)}-{slug(plot.unit)}",
                title,
                words,
                axis,
                plot,
                synthetic,
                better,
            ),
            plot.unit,
        )
        for plot, words in zip(shown, descriptions, strict=True)
    )
    lines = [
        {
            "label": item.label,
            "analysis": item.row.analysis,
            "term": item.row.term,
            "inference": item.row.inference,
            "estimate": item.row.estimate,
            "ci_low": item.row.low,
            "ci_high": item.row.high,
            "unit": item.row.unit,
        }
        for plot in shown
        for item in plot.items
        if item.row
    ]
    return Figure(name, title, descriptions[0], caption, drawings, pd.DataFrame(lines))


def _spoken(plot: Forest) -> str:
    estimates = [
        f"{item.label}: {estimate(r.estimate, r.low, r.high, r.level, r.places)}"
        for item in plot.items
        if (r := item.row)
    ]
    return f"In {plot.unit}. " + "; ".join(estimates) + "."


def _draw(
    name: str, title: str, description: str, axis: str, plot: Forest, synthetic: bool, better: str
) -> str:
    labels = [textwrap.wrap(item.label, WRAP) or [""] for item in plot.items]
    row = 1.9 if narrow() else 0.95  # on a phone a label stands above its interval
    heights = [
        (0.95 if item.heading else row) + 0.6 * (len(lines) - 1)
        for item, lines in zip(plot.items, labels, strict=True)
    ]
    total = sum(heights)
    with drawing(name, total * ROW + 62, WIDTH, layout="none") as (figure, axes):
        height = figure.get_size_inches()[1] * 72
        left, across = (0.03, 0.94) if narrow() else (0.31, 0.36)
        axes.set_position((left, 44 / height, across, (total * ROW) / height))
        low, high = _limits(plot)
        axes.set_xlim(low, high)
        axes.set_ylim(total, 0)
        if _shaded(plot):
            assert plot.margin
            axes.axvspan(max(-plot.margin, low), min(plot.margin, high), color=SHADE, lw=0)
        axes.axvline(0, color=QUIET, lw=0.8)
        top = 0.0
        for item, lines, tall in zip(plot.items, labels, heights, strict=True):
            _draw_item(axes, item, lines, top, tall, (low, high))
            top += tall
        _draw_headings(axes, better)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"{axis} ({plot.unit})")
        axes.locator_params(axis="x", nbins=5)
        axes.xaxis.set_major_formatter(lambda x, _: number(x, 6).rstrip("0").rstrip("."))
        sign(figure, synthetic)
        return to_svg(figure, name, title, description)


def _draw_item(
    axes: Axes, item: Item, lines: list[str], top: float, tall: float, limits: tuple[float, float]
) -> None:
    """Draw one row: its label at the left, its interval, and the same as text at the right; for a
    phone both texts above the interval."""
    y = place = top + tall / 2
    label, estimates, intervals = LABEL, ESTIMATE, INTERVAL
    if narrow():
        place = top + (0.3 * (len(lines) - 1) + 0.55)
        y, label, estimates, intervals = top + tall - 0.4, 0.0, 0.6, 0.63
    _write(
        axes,
        label,
        place,
        "\n".join(lines),
        ha="left",
        fontweight="bold" if item.heading else "normal",
        linespacing=1.1,
    )
    if item.row:
        row = item.row
        colour, marker, line, size = STRONG if item.strong else OPEN
        draw_interval(axes, row.estimate, row.low, row.high, y, limits, colour, marker, line, size)
        _write(axes, estimates, place, number(row.estimate, row.places), ha="right")
        words = f"({interval(row.low, row.high, row.places)})"
        _write(axes, intervals, place, words, ha="left")
    elif item.note:
        _write(
            axes, 0.63 if narrow() else NOTE, place, item.note, ha="left", fontsize=8.5, color=QUIET
        )


def _draw_headings(axes: Axes, better: str) -> None:
    """Write above the rows what the columns of text hold, and which way is better."""
    quiet = {"va": "bottom", "fontsize": 8, "color": QUIET}
    estimates, intervals = (0.6, 0.63) if narrow() else (ESTIMATE, INTERVAL)
    _write(axes, estimates, -0.1, "estimate", ha="right", **quiet)
    _write(axes, intervals, -0.1, "(interval)", ha="left", **quiet)
    if better != "neither":
        words = "← lower is better" if better == "lower" else "higher is better →"
        at = (0.0, "left") if narrow() else (0.5, "center")
        _write(axes, at[0], -0.1, words, ha=at[1], **quiet)


def _write(axes: Axes, x: float, y: float, words: str, **how: Any) -> None:
    """Write at `x` of the axes' width and at `y` of the rows."""
    style = {"va": "center", "fontsize": 8.8, "color": INK, **how}
    axes.text(x, y, words, transform=axes.get_yaxis_transform(), **style)


def _shaded(plot: Forest) -> bool:
    """Is an edge of the margin on the scale? A plot that lies wholly inside it is not painted
    over."""
    low, high = _limits(plot)
    return bool(plot.margin) and (low < -(plot.margin or 0) or (plot.margin or 0) < high)


def _limits(plot: Forest) -> tuple[float, float]:
    """Return the ends of the scale: every finite end and zero, with some room."""
    ends = [0.0] + [
        x
        for item in plot.items
        if item.row
        for x in (item.row.low, item.row.high, item.row.estimate)
        if math.isfinite(x)
    ]
    low, high = min(ends), max(ends)
    room = (high - low) * 0.08 or 1.0
    return low - room, high + room
