"""New cases per 1,000 people at risk, by arm over time."""

from __future__ import annotations

from functools import partial

import pandas as pd

from evalweave.release.numbers import number
from evalweave.report.blocks import Figure, Text
from evalweave.report.data import ReportData
from evalweave.report.figures.style import (
    INK,
    arm_lines,
    describe,
    drawing,
    drawn,
    narrow,
    sign,
    to_svg,
)
from evalweave.report.figures.trends import ARMS, key, period_axis, programme_start

NAME = "incidence"


def incidence(data: ReportData, released: pd.DataFrame, caption: Text) -> Figure | None:
    """Return the rates of INCIDENCE_RATES as released; None where there are fewer than two points
    in either arm."""
    shown = released.dropna(subset=["rate_per_1000"])
    if (shown["arm"].value_counts().reindex(ARMS).fillna(0) < 2).any():
        return None
    title = "New cases per 1,000 people at risk, by arm"
    description = describe(_spoken(shown), data.study.study.synthetic)
    return Figure(
        NAME,
        title,
        description,
        caption,
        (drawn(partial(_draw, data, shown, title, description)),),
        released,
    )


def _spoken(shown: pd.DataFrame) -> str:
    parts = []
    for arm in ARMS:
        line = shown[shown["arm"] == arm].sort_values("period")
        first, last = line.iloc[0], line.iloc[-1]
        parts.append(
            f"{arm} practices {number(first['rate_per_1000'], 1)} in {first['period_label']} and "
            f"{number(last['rate_per_1000'], 1)} in {last['period_label']}"
        )
    return f"New cases per 1,000 people at risk: {'; '.join(parts)}."


def _draw(data: ReportData, shown: pd.DataFrame, title: str, description: str) -> str:
    frame = pd.DataFrame(
        {
            "period": shown["period"].astype(int),
            "rate": shown["rate_per_1000"].astype(float),
            "arm": shown["arm"].astype(str),
        }
    ).sort_values(["arm", "period"])
    with drawing(NAME, 230) as (figure, axes):
        arm_lines(axes, frame, "rate")
        axes.set_ylim(0, max(1.0, frame["rate"].max() * 1.25))
        periods = sorted(frame["period"].unique())
        axes.set_xlim(periods[0] - 0.3, periods[-1] + 0.3)
        period_axis(data, axes, periods)
        programme_start(data, axes)
        key(axes)
        between = "\n" if narrow() else " "  # the names of the arms stand beside it
        axes.set_title(
            f"New cases per 1,000{between}people at risk", loc="left", fontsize=9, color=INK, pad=8
        )
        axes.set_xlabel("")
        axes.set_ylabel("")
        sign(figure, data.study.study.synthetic)
        return to_svg(figure, NAME, title, description)
