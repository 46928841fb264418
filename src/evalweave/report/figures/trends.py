"""What happened before any model: raw means by arm over time, with intervals over practices."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from evalweave.quantities import convert, unit_of_differences
from evalweave.release.numbers import number
from evalweave.report.blocks import Figure, Text, text
from evalweave.report.data import ARMS, ReportData
from evalweave.report.figures.style import (
    COLOURS,
    DASHES,
    INK,
    MARKERS,
    QUIET,
    arm_lines,
    better_way,
    describe,
    drawing,
    drawn,
    narrow,
    sign,
    to_svg,
)
from evalweave.study.periods import period_label

LIFT = 8  # points between a line and its name
APART = {"programme": -0.05, "comparison": 0.05}  # periods, so that intervals do not cover another
SURE = (
    "Vertical lines are 95\u202f% intervals of each mean, clustered by practice (CR1, t with the "
    "practices less one as degrees of freedom)."
)


def raw_means(data: ReportData, caption: Text) -> Figure | None:
    """Return the raw means of the primary outcome in the primary comparison; None without them."""
    released = data.released_trends
    if released is None:
        return None
    shown = released.dropna(subset=["mean"])
    if shown.empty:
        return None
    label = data.outcome_label()
    title = f"Mean {label} by period and arm, before any model"
    description = describe(_spoken(data, shown), data.study.study.synthetic)
    sure = shown["ci_low"].notna().any()
    return Figure(
        "raw-means",
        title,
        description,
        text("{} {}", caption, SURE) if sure else caption,
        (drawn(partial(_draw, data, shown, title, description)),),
        released,
    )


def _spoken(data: ReportData, shown: pd.DataFrame) -> str:
    parts = []
    for arm in ARMS:
        line = shown[shown["arm"] == arm].sort_values("period")
        if len(line):
            first, last = line.iloc[0], line.iloc[-1]
            said = [f"{_with_interval(end)} in {end['period_label']}" for end in (first, last)]
            parts.append(f"{arm} practices {' and '.join(said)}")
    return f"Mean {data.outcome_label()} in {data.outcome.unit}: " + "; ".join(parts) + "."


def _with_interval(row: pd.Series) -> str:
    """Return a mean in words, with its interval where it has one."""
    mean = number(row["mean"], 1)
    if pd.isna(row["ci_low"]):
        return mean
    return f"{mean} ({number(row['ci_low'], 1)} to {number(row['ci_high'], 1)})"


def _draw(data: ReportData, shown: pd.DataFrame, title: str, description: str) -> str:
    columns = {"period": int, "arm": str, **dict.fromkeys(("mean", "ci_low", "ci_high"), float)}
    frame = shown[list(columns)].astype(columns).sort_values(["arm", "period"])
    with drawing("raw-means", 250) as (figure, axes):
        moved = frame.assign(period=frame["period"] + frame["arm"].map(APART))
        for row in moved.dropna(subset=["ci_low"]).to_dict("records"):
            ends = [row["ci_low"], row["ci_high"]]
            axes.plot([row["period"]] * 2, ends, color=COLOURS[row["arm"]], lw=1, alpha=0.8)
        arm_lines(axes, moved, "mean")
        low, high = (
            frame[["mean", "ci_low"]].min(axis=None),
            frame[["mean", "ci_high"]].max(axis=None),
        )
        room = max((high - low) * 0.25, 0.5)
        axes.set_ylim(low - room, high + room)
        periods = sorted(frame["period"].unique())
        axes.set_xlim(periods[0] - 0.3, periods[-1] + 0.3)
        period_axis(data, axes, periods)
        programme_start(data, axes)
        _direct_labels(data, axes, frame)
        way = better_way(data.outcome.better)
        axes.set_title(
            f"Mean {data.outcome_label()} ({data.outcome.unit}){way}",
            loc="left",
            fontsize=9,
            color=INK,
            pad=8,
        )
        axes.set_xlabel("")
        axes.set_ylabel("")
        if second := _second_unit(data):
            quantity, unit = data.quantity(data.primary.outcome), data.outcome.unit
            other = axes.secondary_yaxis(
                "right",
                functions=(
                    lambda x: convert(x, quantity, unit, second),
                    lambda x: convert(x, quantity, second, unit),
                ),
            )
            axes.set_title(f"({second})", loc="right", fontsize=9, color=INK, pad=8)
            other.spines["right"].set_visible(True)
        sign(figure, data.study.study.synthetic)
        return to_svg(figure, "raw-means", title, description)


def _second_unit(data: ReportData) -> str | None:
    """Return the unit, beside the outcome's, in which its main estimate is reported."""
    quantity, have = data.quantity(data.primary.outcome), data.units(data.primary.name)
    own = quantity.unit(data.outcome.unit).name
    others = [unit for unit in quantity.reported_in if unit != own]
    return next((unit for unit in others if unit_of_differences(unit) in have), None)


def _direct_labels(data: ReportData, axes: Any, frame: pd.DataFrame) -> None:
    """Write each arm's name beside its line, where it crosses no line or interval and the two lines
    are farthest apart."""
    filled = frame.assign(
        **{end: frame[end].fillna(frame["mean"]) for end in ("ci_low", "ci_high")}
    )
    by = filled.pivot(index="period", columns="arm")
    bottoms, tops, wide = by["ci_low"], by["ci_high"], by["mean"]
    bars = [
        axes.transData.transform([(at, bottoms.at[at, arm]), (at, tops.at[at, arm])])
        for arm in tops.columns
        for at in tops.index
    ]
    lines = [
        axes.transData.transform(wide[arm].dropna().reset_index().to_numpy())
        for arm in wide.columns
    ]
    start = axes.transData.transform((_start(data), 0))[0]
    by_gap = (
        (wide.max(axis=1) - wide.min(axis=1))
        .dropna()
        .sort_values(ascending=False, kind="stable")
        .index
    )
    for arm in wide.columns:
        words = f"{arm} practices"
        places = [
            (period, (tops if up else bottoms).at[period, arm], up, across)
            for period in by_gap
            if pd.notna(wide.at[period, arm])
            for up in [wide.at[period, arm] >= wide.loc[period].max()]
            for across in ("left", "right", "center")
        ]
        if not places:
            continue
        free = [place for place in places if _is_free(axes, lines, bars, start, words, *place)]
        period, value, up, across = (free or places)[0]
        axes.annotate(
            words,
            (period, value),
            xytext=(0, LIFT if up else -LIFT),
            textcoords="offset points",
            ha=across,
            va="bottom" if up else "top",
            color=INK,
            fontsize=9.5,
        )


def _is_free(
    axes: Any,
    lines: list[Any],
    bars: list[Any],
    start: float,
    words: str,
    period: int,
    value: float,
    up: bool,
    across: str,
) -> bool:
    """Does a label lie inside the axes and off every line and bar? Measured in points, a letter
    being taken as 5.6 wide."""
    import numpy as np

    scale = axes.figure.dpi / 72
    x, y = axes.transData.transform((period, value))
    wide, tall = 5.6 * len(words) * scale, 12 * scale
    left = x - {"left": 0.0, "center": wide / 2, "right": wide}[across]
    bottom = y + LIFT * scale if up else y - LIFT * scale - tall
    box = axes.bbox
    top = box.y1 - 14 * scale  # above it stands the name of the start
    if (
        left < box.x0
        or left + wide > box.x1
        or bottom < box.y0
        or bottom + tall > top
        or left < start < left + wide
    ):
        return False
    at = np.linspace(left, left + wide, 40)
    for line in lines:
        heights = np.interp(at, line[:, 0], line[:, 1], left=np.nan, right=np.nan)
        if ((heights > bottom - 2 * scale) & (heights < bottom + tall + 2 * scale)).any():
            return False
    return not any(
        left - 2 * scale < x < left + wide + 2 * scale and low < bottom + tall and high > bottom
        for (x, low), (_, high) in bars
    )


def key(axes: Any) -> None:
    """Write above the axes, at the right, which line is which: for lines too close to carry their
    names."""
    for arm, x in (("programme", 0.58), ("comparison", 0.82)):
        ends, height = [x - 0.075, x - 0.045, x - 0.015], 1.055
        axes.plot(
            ends,
            [height] * 3,
            transform=axes.transAxes,
            clip_on=False,
            color=COLOURS[arm],
            lw=1.8,
            ls="-" if arm == "programme" else (0, DASHES[arm]),
            marker=MARKERS[arm],
            ms=4.5,
            mew=0,
            markevery=[1],
        )
        axes.annotate(
            arm,
            (x, height),
            xycoords="axes fraction",
            ha="left",
            va="center",
            color=INK,
            fontsize=9,
        )


def period_axis(data: ReportData, axes: object, periods: list[int]) -> None:
    """Name at most eight periods below the axis."""
    step = max(1, -(-len(periods) // (4 if narrow() else 8)))
    ticked = periods[::step]
    axes.set_xticks(ticked, [period_label(int(p), data.study.window.cut) for p in ticked])  # type: ignore[attr-defined]
    if len(ticked) > 5:
        axes.tick_params(axis="x", labelsize=8)  # type: ignore[attr-defined]


def _start(data: ReportData) -> float:
    """Return where the (first) start lies on the axis of periods: between two of them."""
    return data.first_period - 0.5


def programme_start(data: ReportData, axes: Any) -> None:
    """Draw the (first) programme start as a labelled vertical line between two periods."""
    at = _start(data)
    low, high = axes.get_xlim()
    if low < at < high:
        axes.axvline(at, color=QUIET, lw=0.8, dashes=(2, 2))
        early = (at - low) / (high - low) < 0.3  # no room for the words at its left
        axes.annotate(
            "first practices start" if len(data.starts) > 1 else "programme starts",
            (at, 1),
            xytext=(3 if early else -3, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="left" if early else "right",
            va="top",
            fontsize=8.5,
            color=QUIET,
        )
