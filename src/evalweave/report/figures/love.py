"""The love plot: how far the arms lie apart on each baseline variable, before and after weighting.

Sizes without their sign, since either direction is a difference. Beyond 0.1 arms are commonly
called different (Austin, Statistics in Medicine 2009;28:3083–3107).
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from evalweave.release.numbers import missing, number
from evalweave.report.blocks import Figure, Text
from evalweave.report.figures.style import (
    AFTER,
    BEFORE,
    INK,
    QUIET,
    RULE,
    describe,
    drawing,
    drawn,
    narrow,
    sign,
    slug,
    to_svg,
)

IMBALANCE = 0.1
ROW, WRAP = 17, 34  # height of a line in SVG units, letters in a line of a label
LEFT, ACROSS = 0.435, 0.535  # where the scale begins and how wide it is, of the figure's width
WORDS = 0.42  # how much of the scale's width the words "before weighting" take


@dataclass(frozen=True)
class Pair:
    """A variable: its differences before and, where there are weights, after; a heading has
    neither."""

    label: str
    before: float = float("nan")
    after: float = float("nan")
    heading: bool = False


def love_plot(
    name: str, title: str, caption: Text, pairs: Sequence[Pair], data: pd.DataFrame, synthetic: bool
) -> Figure | None:
    """Return the plot with its released data; None when no difference may be shown."""
    shown = [p for p in pairs if p.heading or not (missing(p.before) and missing(p.after))]
    dots = [p for p in shown if not p.heading]
    if not dots:
        return None
    description = describe(_spoken(dots), synthetic)
    drawing_of = drawn(partial(_draw, slug(name), title, description, shown, synthetic))
    return Figure(name, title, description, caption, (drawing_of,), data)


def weighted(pairs: Sequence[Pair]) -> bool:
    """Is there a difference after weighting?"""
    return any(not missing(p.after) for p in pairs)


def _spoken(dots: Sequence[Pair]) -> str:
    def one(p: Pair) -> str:
        size = number(abs(p.before))
        return (
            f"{p.label} {size}, then {number(abs(p.after))}"
            if weighted(dots)
            else f"{p.label} {size}"
        )

    what = "before and after weighting" if weighted(dots) else "at baseline"
    return (
        f"Sizes of standardised mean differences {what}. " + "; ".join(one(p) for p in dots) + "."
    )


def _draw(name: str, title: str, description: str, pairs: Sequence[Pair], synthetic: bool) -> str:
    dots = [p for p in pairs if not p.heading]
    letters, below = (22, 58) if narrow() else (WRAP, 44)
    labels = [textwrap.wrap(p.label, letters) or [""] for p in pairs]
    heights = [
        (1.25 if p.heading else 1.0) + 0.62 * (len(lines) - 1)
        for p, lines in zip(pairs, labels, strict=True)
    ]
    total = sum(heights) + 1.6  # the last lines hold the words on the reference line
    with drawing(name, total * ROW + 22 + below, layout="none") as (figure, axes):
        height = figure.get_size_inches()[1] * 72
        axes.set_position((LEFT, below / height, ACROSS, total * ROW / height))
        sizes = [abs(x) for p in dots for x in (p.before, p.after) if not missing(x)]
        end = max(1.5 * IMBALANCE, *sizes) * 1.06
        axes.set_xlim(0, end)
        axes.set_ylim(total, 0)
        across = axes.get_yaxis_transform()
        axes.axvline(IMBALANCE, color=QUIET, lw=0.9, dashes=(4, 2.5))
        axes.annotate(
            "beyond 0.1 arms are\ncommonly called different",
            (IMBALANCE, total - 0.75),
            xytext=(4, 0),
            textcoords="offset points",
            ha="left",
            va="center",
            fontsize=7.8,
            color=QUIET,
            linespacing=1.15,
        )
        at = 0.0
        for pair, lines, tall in zip(pairs, labels, heights, strict=True):
            y = at + tall / 2 + (0.12 if pair.heading else 0)
            axes.text(
                -0.8,
                y,
                "\n".join(lines),
                transform=across,
                ha="left",
                va="center",
                fontsize=8.6,
                color=INK,
                fontweight="bold" if pair.heading else "normal",
                linespacing=1.1,
                clip_on=False,
            )
            if not pair.heading:
                _pair(axes, pair, y, end)
            at += tall
        if weighted(dots):
            _direct_labels(axes, dots[0], end)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        between = "\n" if narrow() else " "
        axes.set_xlabel(f"Standardised mean difference,{between}without its sign")
        axes.locator_params(axis="x", nbins=5)
        axes.xaxis.set_major_formatter(lambda x, _: number(x, 6).rstrip("0").rstrip("."))
        sign(figure, synthetic)
        return to_svg(figure, name, title, description)


def _pair(axes: Any, pair: Pair, y: float, end: float) -> None:
    """Draw one line of the plot: an open diamond before, a dot after, and a thin line between
    them."""
    before, after = abs(pair.before), abs(pair.after)
    axes.plot([0, end], [y, y], color=RULE, lw=0.5, zorder=0)
    if not missing(before) and not missing(after):
        axes.plot([before, after], [y, y], color=QUIET, lw=1.1, zorder=1)
    if not missing(before):
        axes.plot(
            [before],
            [y],
            marker="D",
            ms=5,
            mfc="none",
            mec=BEFORE,
            mew=1.6,
            ls="none",
            clip_on=False,
            zorder=2,
        )
    if not missing(after):
        axes.plot(
            [after],
            [y],
            marker="o",
            ms=5.6,
            color=AFTER,
            mec="none",
            ls="none",
            clip_on=False,
            zorder=3,
        )


def _direct_labels(axes: Any, first: Pair, end: float) -> None:
    """Write what the marks are above those of the first variable, moved apart where they stand too
    close."""
    after = min(abs(first.after) / end, 1 - 2 * WORDS)
    before = max(0.0 if missing(first.before) else abs(first.before) / end, after + 2 * WORDS)
    across, top = axes.get_yaxis_transform(), -0.55
    for x, words, align, colour, mark, face in (
        (after, "after weighting", "left", AFTER, "o", AFTER),
        (min(before, 1.0), "before weighting", "right", BEFORE, "D", "none"),
    ):
        axes.plot(
            [x],
            [top],
            marker=mark,
            ms=5,
            mfc=face,
            mec=colour,
            mew=1.4,
            ls="none",
            transform=across,
            clip_on=False,
        )
        axes.text(
            x + (0.03 if align == "left" else -0.03),
            top,
            words,
            transform=across,
            ha=align,
            va="center_baseline",
            fontsize=8.4,
            color=INK,
            clip_on=False,
        )
