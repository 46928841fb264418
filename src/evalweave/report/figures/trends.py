"""What happened before any model: raw means by arm over time."""

from __future__ import annotations

import pandas as pd

from evalweave import tables
from evalweave.report.blocks import Drawing, Figure, Text
from evalweave.report.data import PERCENTAGE_POINTS, ReportData
from evalweave.report.figures.style import (
    COLOURS,
    DASHES,
    INK,
    MARKERS,
    QUIET,
    better_way,
    describe,
    drawing,
    sign,
    to_svg,
)
from evalweave.report.numbers import number
from evalweave.study import period_label, period_number

ARMS = ("programme", "comparison")
NGSP_SLOPE, NGSP_CONSTANT = (
    0.09148,
    2.152,
)  # HbA1c: % = 0.09148 × mmol/mol + 2.152 (IFCC–NGSP master equation)


def raw_means(data: ReportData, caption: Text) -> Figure | None:
    """Return the raw means of the primary outcome in the primary comparison; None without them."""
    found = data.trends.get(data.primary.comparison or data.study.primary_comparison)
    if found is None:
        return None
    found = found[(found["outcome"] == data.primary.outcome) & found["arm"].isin(ARMS)]
    released = data.profile.count_frame(found, tables.TRENDS)
    shown = released.dropna(subset=["mean"])
    if shown.empty:
        return None
    label = data.outcome_label()
    title = f"Mean {label} by period and arm, before any model"
    said = describe(_spoken(data, shown), data.study.study.synthetic)
    return Figure("raw-means", title, said, caption, (Drawing(_draw(data, shown, title, said)),), released)


def _spoken(data: ReportData, shown: pd.DataFrame) -> str:
    parts = []
    for arm in ARMS:
        line = shown[shown["arm"] == arm].sort_values("period")
        if len(line):
            first, last = line.iloc[0], line.iloc[-1]
            parts.append(
                f"{arm} practices {number(first['mean'], 1)} in {first['period_label']} and "
                f"{number(last['mean'], 1)} in {last['period_label']}"
            )
    return f"Mean {data.outcome_label()} in {data.outcome.unit}: " + "; ".join(parts) + "."


def _draw(data: ReportData, shown: pd.DataFrame, title: str, said: str) -> str:
    import seaborn as sns

    frame = pd.DataFrame(
        {
            "period": shown["period"].astype(int),
            "mean": shown["mean"].astype(float),
            "arm": shown["arm"].astype(str),
        }
    ).sort_values(["arm", "period"])
    with drawing("raw-means", 250) as (figure, axes):
        sns.lineplot(
            frame, x="period", y="mean", hue="arm", style="arm", palette=COLOURS, markers=MARKERS, dashes=DASHES,
            markersize=5.5, markeredgewidth=0, linewidth=1.8, errorbar=None, legend=False, ax=axes,
        )  # fmt: skip
        low, high = frame["mean"].min(), frame["mean"].max()
        room = max((high - low) * 0.25, 0.5)
        axes.set_ylim(low - room, high + room)
        periods = sorted(frame["period"].unique())
        axes.set_xlim(periods[0] - 0.3, periods[-1] + 0.3)
        period_axis(data, axes, periods)
        programme_start(data, axes)
        direct_labels(axes, frame, "mean")
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
        if data.outcome.unit == "mmol/mol" and PERCENTAGE_POINTS in data.units(data.primary.name):
            other = axes.secondary_yaxis(
                "right",
                functions=(
                    lambda x: NGSP_SLOPE * x + NGSP_CONSTANT,
                    lambda x: (x - NGSP_CONSTANT) / NGSP_SLOPE,
                ),
            )
            axes.set_title("(%)", loc="right", fontsize=9, color=INK, pad=8)
            other.spines["right"].set_visible(True)
        sign(figure, data.study.study.synthetic)
        return to_svg(figure, "raw-means", title, said)


def direct_labels(axes: object, frame: pd.DataFrame, values: str) -> None:
    """Write each arm's name beside its line, where the two lines are farthest apart."""
    wide = frame.pivot(index="period", columns="arm", values=values).sort_index()
    gap = (wide.max(axis=1) - wide.min(axis=1)).fillna(-1.0)
    period = int(gap.idxmax())
    first_half = period <= (wide.index.min() + wide.index.max()) / 2
    for arm in wide.columns:
        value = wide.at[period, arm]
        if pd.isna(value):
            continue
        up = value >= wide.loc[period].max()
        axes.annotate(  # type: ignore[attr-defined]
            f"{arm} practices", (period, value), xytext=(0, 8 if up else -8), textcoords="offset points",
            ha="left" if first_half else "right", va="bottom" if up else "top", color=INK, fontsize=9.5,
        )  # fmt: skip


def period_axis(data: ReportData, axes: object, periods: list[int]) -> None:
    """Name at most eight periods below the axis."""
    step = max(1, -(-len(periods) // 8))
    kept = periods[::step]
    axes.set_xticks(kept, [period_label(int(p), data.study.window.period) for p in kept])  # type: ignore[attr-defined]
    if len(kept) > 5:
        axes.tick_params(axis="x", labelsize=8)  # type: ignore[attr-defined]


def programme_start(data: ReportData, axes: object) -> None:
    """Draw the (first) programme start as a labelled vertical line between two periods."""
    at = period_number(data.study.eligibility.index_date, data.study.window.period) - 0.5
    low, high = axes.get_xlim()  # type: ignore[attr-defined]
    if low < at < high:
        axes.axvline(at, color=QUIET, lw=0.8, dashes=(2, 2))  # type: ignore[attr-defined]
        axes.annotate(  # type: ignore[attr-defined]
            "first practices start " if len(data.starts) > 1 else "programme starts ", (at, 1), xycoords=("data", "axes fraction"), ha="right", va="top", fontsize=8.5,
            color=QUIET,
        )  # fmt: skip
