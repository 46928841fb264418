"""The estimate by time since the start: pointwise intervals, a pale simultaneous band where there
is one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from evalweave.catalogue.calls import named
from evalweave.release.numbers import estimate, missing, number
from evalweave.report.blocks import Figure, Text
from evalweave.report.data import ReportData, Row
from evalweave.report.figures.style import (
    BAND,
    INK,
    PROGRAMME,
    QUIET,
    better_way,
    describe,
    drawing,
    drawn,
    narrow,
    sign,
    slug,
    to_svg,
)
from evalweave.study.analyses import Analysis

PERIODS = {
    "financial_year": "years",
    "calendar_year": "years",
    "half_year": "half-years",
    "quarter": "quarters",
    "month": "months",
}


def event_times(data: ReportData, analysis: Analysis, unit: str) -> list[tuple[int, Row]]:
    """Return event time and estimate under the primary inference, in order of time."""
    from evalweave.report.data import primary_inference

    rows = data.rows(analysis.name, unit=unit, inference=primary_inference(data, analysis))
    timed = [(int(m[1]), row) for row in rows if (m := re.fullmatch(r"event\[(-?\d+)\]", row.term))]
    return sorted(timed, key=lambda item: item[0])


def event_study(data: ReportData, analysis: Analysis, caption: Text) -> Figure | None:
    """Return the event study of an analysis in every unit; None when it has no estimate by time."""
    units = [
        unit
        for unit in data.units(analysis.name)
        if any(not missing(row.estimate) for _, row in event_times(data, analysis, unit))
    ]
    if not units:
        return None
    label = data.outcome_label(analysis.outcome)
    title = f"Difference in {label} by time since the start"
    first = event_times(data, analysis, units[0])
    spoken = "; ".join(
        f"{number(time, 0)}: {estimate(row.estimate, row.low, row.high, row.level, row.places)}"
        for time, row in first
    )
    description = describe(
        f"By {_periods(data)} since the start, in {units[0]}. {spoken}.", data.study.study.synthetic
    )
    drawings = tuple(
        drawn(
            partial(_draw, data, analysis, unit, title, description if unit == units[0] else title),
            unit,
        )
        for unit in units
    )
    return Figure(
        f"{analysis.name}", title, description, caption, drawings, _table(data, analysis, units)
    )


def _periods(data: ReportData) -> str:
    return PERIODS.get(data.study.window.period, "periods")


def _table(data: ReportData, analysis: Analysis, units: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "event_time": e,
                "estimate": r.estimate,
                "ci_low": r.low,
                "ci_high": r.high,
                "unit": r.unit,
                "inference": r.inference,
                "band_low": low,
                "band_high": high,
            }
            for unit in units
            for e, r in event_times(data, analysis, unit)
            for low, high in [bands(data, analysis, unit).get(e, (math.nan, math.nan))]
        ]
    )


def bands(data: ReportData, analysis: Analysis, unit: str) -> Mapping[int, tuple[float, float]]:
    """Return the simultaneous band by event time, from an inference method that gives one; empty
    without."""
    if analysis.bands != "simultaneous":
        return {}
    for name in [method.name for method in named(analysis) if method.band == "own"]:
        rows = data.rows(analysis.name, unit=unit, inference=name)
        band_at = {
            int(m[1]): (r.low, r.high)
            for r in rows
            if (m := re.fullmatch(r"event\[(-?\d+)\]", r.term))
        }
        if band_at:
            return band_at
    return {}


def _draw(data: ReportData, analysis: Analysis, unit: str, title: str, description: str) -> str:
    name = f"{slug(analysis.name)}-{slug(unit)}"
    points = event_times(data, analysis, unit)
    band = bands(data, analysis, unit)
    reference = analysis.reference if all(e != analysis.reference for e, _ in points) else None
    times = sorted({e for e, _ in points} | ({reference} if reference is not None else set()))
    with drawing(name, 240) as (figure, axes):
        _band(axes, band)
        axes.axhline(0, color=QUIET, lw=0.8)
        axes.axvline(-0.5, color=QUIET, lw=0.8, dashes=(2, 2))
        for e, row in points:
            if not (math.isnan(row.low) or math.isnan(row.high)):
                ends = [x for x in (row.low, row.high) if math.isfinite(x)]
                axes.plot(
                    [e, e],
                    ends if len(ends) == 2 else [row.estimate, *ends],
                    color=PROGRAMME,
                    lw=1.6,
                )
            axes.plot([e], [row.estimate], marker="o", ms=5.5, color=PROGRAMME, mec="none")
        if reference is not None:
            axes.plot([reference], [0], marker="o", ms=5, mfc="none", mec=QUIET, ls="none")
            right = reference == -1  # beside the line of the start
            axes.annotate(
                "reference",
                (-0.5 if right else reference, 0),
                xytext=(-3 if right else 0, 7),
                textcoords="offset points",
                ha="right" if right else "center",
                fontsize=8.5,
                color=QUIET,
            )
        axes.set_xlim(times[0] - 0.5, times[-1] + 0.5)
        ticked = times[:: max(1, len(times) // (6 if narrow() else 12))]
        axes.set_xticks(ticked, [str(t).replace("-", "−") for t in ticked])
        axes.margins(y=0.12)
        axes.yaxis.set_major_formatter(lambda y, _: number(y, 6).rstrip("0").rstrip("."))
        axes.annotate(
            "programme starts",
            (-0.5, 1),
            xytext=(-3, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=8.5,
            color=QUIET,
        )
        way = better_way(data.study.outcomes[analysis.outcome].better)
        axes.set_title(f"Difference ({unit}){way}", loc="left", fontsize=9, color=INK, pad=8)
        axes.set_xlabel(
            f"{_periods(data).capitalize()} since the start (0 = first one with the programme)"
        )
        sign(figure, data.study.study.synthetic)
        return to_svg(figure, name, title, description)


def _band(axes: Any, band: Mapping[int, tuple[float, float]]) -> None:
    before = sorted(e for e in band if e < 0)
    after = sorted(e for e in band if e >= 0)
    for part in (before, after):
        if part:
            axes.fill_between(
                part, [band[e][0] for e in part], [band[e][1] for e in part], color=BAND, lw=0
            )
