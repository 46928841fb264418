"""A saturation curve a role: how many codes the first n people bring."""

from __future__ import annotations

from functools import partial

import pandas as pd

from evalweave.release.numbers import sentence
from evalweave.report.blocks import Figure, Text
from evalweave.report.data import ReportData
from evalweave.report.figures.style import (
    BAND,
    INK,
    PROGRAMME,
    describe,
    drawing,
    drawn,
    sign,
    to_svg,
)
from evalweave.report.people import many

NAME = "saturation"
HEIGHT = 150  # of one role's panel, in SVG units


def saturation(data: ReportData, released: pd.DataFrame, caption: Text) -> Figure | None:
    """Return the curves of SATURATION as released; None where no role has two points."""
    points = released.groupby("role")["n_first"].transform("size")
    shown = released[points >= 2]
    if shown.empty:
        return None
    title = "How many codes the first people bring"
    description = describe(_spoken(shown), data.study.study.synthetic)
    drawing_of = drawn(partial(_draw, data, shown, title, description))
    return Figure(NAME, title, description, caption, (drawing_of,), shown)


def _spoken(shown: pd.DataFrame) -> str:
    parts = []
    for role, line in shown.groupby("role", sort=False):
        first, last = line.iloc[0], line.iloc[-1]
        parts.append(
            f"{sentence(many(str(role)))}: the first {int(first['n_first'])} bring "
            f"{first['mean']:.0f} codes on average, all {int(last['n_first'])} bring "
            f"{last['mean']:.0f}"
        )
    return f"{'; '.join(parts)}."


def _draw(data: ReportData, shown: pd.DataFrame, title: str, description: str) -> str:
    roles = list(dict.fromkeys(shown["role"]))
    with drawing(NAME, HEIGHT * len(roles) + 20, nrows=len(roles), squeeze=False) as (figure, grid):
        for axes, role in zip(grid[:, 0], roles, strict=True):
            line = shown[shown["role"] == role]
            first = line["n_first"].astype(int).to_numpy()
            axes.fill_between(first, line["low"], line["high"], color=BAND, linewidth=0)
            axes.plot(first, line["mean"], color=PROGRAMME, marker="o", markersize=3)
            axes.set_ylim(0, max(1.0, float(line["high"].max()) * 1.15))
            axes.set_title(sentence(many(str(role))), loc="left", fontsize=9, color=INK, pad=6)
            axes.set_ylabel("codes")
            axes.xaxis.get_major_locator().set_params(integer=True)
        grid[-1, 0].set_xlabel("how many were heard, in any order")
        sign(figure, data.study.study.synthetic)
        return to_svg(figure, NAME, title, description)
