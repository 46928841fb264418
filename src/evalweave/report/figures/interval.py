"""The answer as a picture: one interval against zero and against the smallest difference that
matters."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pandas as pd

from evalweave.release.numbers import estimate_in, number, size
from evalweave.report.blocks import Figure, Text
from evalweave.report.data import ReportData, Row
from evalweave.report.figures.style import (
    INK,
    PROGRAMME,
    QUIET,
    SHADE,
    describe,
    drawing,
    drawn,
    sign,
    slug,
    to_svg,
)


def answer_interval(data: ReportData, caption: Text) -> Figure | None:
    """Return the main interval in every unit; None without an estimate."""
    units = data.units(data.primary.name)
    rows = [row for unit in units if (row := data.main(unit)) is not None]
    if not rows:
        return None
    title = f"Estimate for {data.outcome_label()} with its interval"
    shown = []
    lines = []
    for row in rows:
        margin = data.margin(row.unit)
        description = describe(_spoken(row, margin), data.study.study.synthetic)
        draw = partial(_draw, data, row, margin, title, description)
        shown.append(drawn(draw, row.unit))
        lines.append(
            {
                "unit": row.unit,
                "estimate": row.estimate,
                "ci_low": row.low,
                "ci_high": row.high,
                "margin": margin,
            }
        )
    description = describe(_spoken(rows[0], data.margin(rows[0].unit)), data.study.study.synthetic)
    return Figure("interval", title, description, caption, tuple(shown), pd.DataFrame(lines))


def _spoken(row: Row, margin: float | None) -> str:
    words = (
        f"{estimate_in(row.unit, row.estimate, row.low, row.high, row.level, row.places)}, "
        "against zero"
    )
    return words + (f" and against a margin of ±{size(margin, row.places)}." if margin else ".")


def _draw(data: ReportData, row: Row, margin: float | None, title: str, description: str) -> str:
    name = f"interval-{slug(row.unit)}"
    with drawing(name, 112) as (figure, axes):
        ends = [x for x in (row.low, row.high, row.estimate) if math.isfinite(x)]
        reach = max([abs(x) for x in ends] + [margin or 0.0]) * 1.25 or 1.0
        axes.set_xlim(-reach, reach)
        axes.set_ylim(0, 1)
        if margin:
            axes.axvspan(-margin, margin, ymin=0, ymax=0.74, color=SHADE, lw=0)
            axes.text(
                margin,
                0.05,
                "too small to matter ",
                ha="right",
                va="bottom",
                fontsize=8.5,
                color=QUIET,
            )
        axes.axvline(0, ymax=0.74, color=QUIET, lw=0.8)
        axes.text(0, 0.78, "no difference", ha="center", va="bottom", fontsize=8.5, color=QUIET)
        draw_interval(
            axes, row.estimate, row.low, row.high, 0.42, (-reach, reach), width=3.2, size=9
        )
        words = number(row.estimate, row.places)
        axes.annotate(
            words,
            (row.estimate, 0.42),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            color=INK,
            fontweight="bold",
        )
        better = data.outcome.better
        if better != "neither":
            left, right = ("better ", "worse") if better == "lower" else ("worse", "better")
            axes.text(-reach, 0.98, f"← {left}", ha="left", va="top", fontsize=8.5, color=QUIET)
            axes.text(reach, 0.98, f"{right} →", ha="right", va="top", fontsize=8.5, color=QUIET)
        axes.xaxis.set_major_formatter(lambda x, _: number(x, 6).rstrip("0").rstrip("."))
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"Difference in change of {data.outcome_label()} ({row.unit})")
        sign(figure, data.study.study.synthetic)
        return to_svg(figure, name, title, description)


def draw_interval(
    axes: Any,
    estimate: float,
    low: float,
    high: float,
    y: float,
    limits: tuple[float, float],
    colour: str = PROGRAMME,
    marker: str = "o",
    width: float = 1.6,
    size: float = 5.5,
) -> None:
    """Draw one horizontal interval; an end without limit, or beyond the scale, gets an arrow."""
    if not (math.isnan(low) or math.isnan(high)):
        left, right = max(low, limits[0]), min(high, limits[1])
        axes.plot(
            [left, right], [y, y], color=colour, lw=width, solid_capstyle="butt", clip_on=True
        )
        for end, beyond, head in ((left, low < limits[0], "<"), (right, high > limits[1], ">")):
            if beyond:
                axes.plot([end], [y], marker=head, color=colour, ms=size, clip_on=False)
    if math.isfinite(estimate):
        axes.plot([estimate], [y], marker=marker, color=colour, ms=size, mec="none", ls="none")
