"""What a synthetic comparison is made of: the weights of periods before the start and of comparison
practices, which stand in the order of their weight and without names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from evalweave.release.numbers import number
from evalweave.report.blocks import Figure
from evalweave.report.data import ReportData
from evalweave.report.figures.style import (
    COMPARISON,
    INK,
    PROGRAMME,
    QUIET,
    describe,
    drawing,
    drawn,
    narrow,
    sign,
    slug,
    to_svg,
)
from evalweave.study.analyses import Analysis
from evalweave.study.periods import period_label

PLACES = 3


def synthetic_weights(data: ReportData, analysis: Analysis) -> list[Figure]:
    """Return one figure a start with its released data; none where an analysis has no such
    weights."""
    told = data.diagnostic(analysis.name, "weights")
    if not isinstance(told, Sequence) or isinstance(told, str):
        return []
    return [_figure(data, analysis, start, len(told) > 1) for start in told]


def _figure(data: ReportData, analysis: Analysis, told: Mapping[str, Any], several: bool) -> Figure:
    start = period_label(int(told["start"]), data.study.window.cut)
    frame = _table(data, told, start)
    name = slug(f"weights-{analysis.name}" + (f"-{start}" if several else ""))
    title = "Weights of the synthetic comparison" + (f", start {start}" if several else "")
    periods, units = (frame[frame["weight_of"] == kind] for kind in ("period", "practice"))
    heavy = periods[periods["share"] >= 0.01]
    description = describe(
        "Periods: "
        + ", ".join(f"{r.label} {number(r.share, 2)}" for r in heavy.itertuples())
        + f". Comparison practices: {len(units)}, of which "
        f"{int((units['share'] > 0).sum())} have a weight, the largest "
        f"{number(units['share'].max(), 2)}.",
        data.study.study.synthetic,
    )
    caption = (
        "Comparison practices and periods before the start, weighted so that the weighted "
        f"comparison ran parallel to the {told['practices_treated']} programme "
        f"practice{'' if told['practices_treated'] == 1 else 's'}. They count like "
        f"{number(1 / (units['share'] ** 2).sum(), 1)} practices and "
        f"{number(1 / (periods['share'] ** 2).sum(), 1)} periods of equal weight."
    )
    drawing_of = drawn(
        partial(_draw, name, title, description, periods, units, data.study.study.synthetic)
    )
    return Figure(name, title, description, caption, (drawing_of,), frame)


def _table(data: ReportData, told: Mapping[str, Any], start: str) -> pd.DataFrame:
    period = data.study.window.cut
    by_period = [
        ("period", period_label(int(p), period), w)
        for p, w in sorted(told["time"].items(), key=lambda item: int(item[0]))
    ]
    in_order = sorted(told["unit"].values(), reverse=True)
    by_practice = [("practice", f"no. {n}", w) for n, w in enumerate(in_order, start=1)]
    frame = pd.DataFrame([*by_period, *by_practice], columns=["weight_of", "label", "share"])
    frame.insert(0, "start", start)
    return frame.assign(share=frame["share"].round(PLACES))


def _draw(
    name: str,
    title: str,
    description: str,
    periods: pd.DataFrame,
    units: pd.DataFrame,
    synthetic: bool,
) -> str:
    side = {"nrows": 2} if narrow() else {"ncols": 2, "width_ratios": (1, 1.2)}
    with drawing(name, 340 if narrow() else 190, **side) as (figure, (left, right)):
        for axes, frame, colour, words in (
            (left, periods, PROGRAMME, "Periods before the start"),
            (right, units, COMPARISON, "Comparison practices, by weight"),
        ):
            places = range(len(frame))
            axes.bar(places, frame["share"], color=colour, width=0.75)
            axes.axhline(1 / len(frame), color=QUIET, lw=0.8, dashes=(2, 2))
            axes.set_title(words, loc="left", fontsize=9, color=INK, pad=8)
            axes.set_ylim(0, max(float(frame["share"].max()), 1 / len(frame)) * 1.2)
            axes.yaxis.set_major_formatter(lambda x, _: number(x, 2))
            axes.locator_params(axis="y", nbins=4)
        step = max(1, -(-len(periods) // 4))
        left.set_xticks(range(0, len(periods), step), periods["label"].to_list()[::step])
        left.tick_params(axis="x", labelsize=8)
        right.set_xticks([])
        right.annotate(
            "dashed: equal weights",
            (1, 1),
            xycoords="axes fraction",
            ha="right",
            va="top",
            fontsize=8,
            color=QUIET,
        )
        sign(figure, synthetic)
        return to_svg(figure, name, title, description)
