"""Checks of parallel paths: leads before the start and placebo dates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalweave.release.notes import released_note
from evalweave.release.numbers import confidence, estimate, interval, missing, number, p_value
from evalweave.report.checks import harmless
from evalweave.report.checks.evidence import Finding, Measure, measure
from evalweave.report.checks.units import in_each
from evalweave.report.data import ReportData
from evalweave.study.analyses import Analysis

PRE_TRENDS = Finding(
    "pre_trends",
    "Did the arms move alike before the start?",
    shown="was a difference in the paths of the arms before the start",
    doubt="the arms may already have been drifting apart before the start",
    words="No analysis whose periods before the start are compared with one reference is part of "
    "this study.",
)
PLACEBO_DATES = Finding(
    "placebo_dates",
    "Is there nothing before the real start (placebo dates)?",
    shown="was a difference before the real start",
    doubt="a difference may have been there before the real start",
    words="",
)


def pre_trends(data: ReportData) -> Finding | None:
    """Carry the slope through the leads forward, to the middle of the time after the start: the
    bias that a steady drift would be. A path that bends is seen by the test of all leads together:
    where that rejects and not every lead is shown to be harmless, a flat slope supports nothing."""
    for analysis in asking_the_same(data):
        tested = data.diagnostic(analysis.name, "pretrend")
        if isinstance(tested, Mapping):
            asked = replace(PRE_TRENDS, link=analysis.name, link_text="Event study")
            return _drift(data, asked, tested, analysis.level)
    return PRE_TRENDS


def asking_the_same(data: ReportData) -> list[Analysis]:
    """Return the analyses of the main outcome in the main comparison and the same rows, event
    studies first: what one of another outcome, group or part shows is no evidence on the main
    result."""

    def asked(analysis: Analysis) -> tuple[Any, ...]:
        comparison = analysis.comparison or data.study.primary_comparison
        return analysis.outcome, comparison, analysis.where

    every = (*data.analyses("event_study"), *data.study.analyses)
    return [analysis for analysis in every if asked(analysis) == asked(data.primary)]


def _drift(data: ReportData, asked: Finding, tested: Mapping[str, Any], level: float) -> Finding:
    slope = tested.get("slope") or {}
    p_slope = _real(slope.get("p_value_wild", slope.get("p_value")))
    p_joint = _real((tested.get("wild_wald") or {}).get("p_value"))
    known = [p for p in (p_slope, p_joint) if not math.isnan(p)]
    if not known:
        return replace(asked, words=str(tested.get("verdict", "The leads cannot be tested.")))
    periods = _periods_after(data)
    value, low, high = (
        periods * _real(slope.get(name)) for name in ("estimate", "ci_low", "ci_high")
    )
    margin = harmless.bias(data)
    leads = _real((tested.get("equivalence") or {}).get("leads"))
    small = margin.size is not None and leads < margin.size  # each lead alone
    label, dof = "drift before the start, carried forward", _real(slope.get("dof"))
    drift = measure(label, value, low, high, p_slope, level, dof)
    return replace(
        asked,
        words=in_each(data, lambda *unit: _leads(slope, (p_slope, p_joint), level, *unit)),
        measures=(drift,),
        margin=margin,
        beyond=math.nan if small else p_joint,
        p_value=min(1.0, len(known) * min(known)),
        units=harmless.units(data),
    )


def _leads(
    slope: Mapping[str, Any], p_values: tuple[float, float], level: float, ratio: float, unit: str
) -> str:
    p_slope, p_joint = p_values
    places = 2 if ratio == 1 else 3
    parts = (
        []
        if math.isnan(p_joint)
        else [f"all leads together {p_value(p_joint)} (restricted wild bootstrap)"]
    )
    if not math.isnan(p_slope):
        size = number(ratio * slope["estimate"], places) if "estimate" in slope else "–"
        ends = ""
        if not missing(slope.get("ci_low")):
            low, high = ratio * slope["ci_low"], ratio * slope["ci_high"]
            ends = f", {confidence(level)} CI {interval(low, high, places)}"
        parts.append(f"slope {size} {unit} a period{ends}, {p_value(p_slope)}")
    return f"Before the start: {'; '.join(parts)}. A drift would go on after it."


def _real(value: Any) -> float:
    return math.nan if missing(value) else float(value)


def _periods_after(data: ReportData) -> float:
    """Return how far apart the middles of the time before and after the start lie, in periods; nan
    where that is not known."""
    trends = data.trends.get(data.described)
    if trends is None or trends.empty:
        return math.nan
    periods = trends["period"].astype(int)
    return float(periods.max() - periods.min() + 1) / 2


def placebo_starts(data: ReportData) -> Finding | None:
    """Ask for an effect at dates before the real start, all dates together."""
    placebos = data.diagnostic(data.primary.name, "placebo_dates")
    if not isinstance(placebos, Mapping):
        return None
    joint = placebos.get("joint") or {}
    run = [date for date in placebos.get("dates", []) if "estimate" in date]
    p = _real(joint.get("p_value"))
    if not run or math.isnan(p):
        reason = str(joint.get("refused") or "no placebo date could be tried").rstrip(".")
        return replace(PLACEBO_DATES, words=released_note(data.profile, f"{reason}."))
    together = f" All in one test: {p_value(p)} (largest t, restricted wild bootstrap)."
    measures = tuple(_at(date, data.primary.level) for date in run)

    def tried_at(ratio: float, unit: str) -> str:
        tried = "; ".join(
            f"{date['shift']} {'period' if date['shift'] == 1 else 'periods'} too early "
            f"{_estimate(date, ratio, data.primary.level)}"
            for date in run
        )
        return f"Starts set {tried} {unit}.{together}"

    return replace(
        PLACEBO_DATES,
        words=in_each(data, tried_at),
        measures=measures,
        margin=harmless.bias(data),
        p_value=p,
        units=harmless.units(data),
    )


def _estimate(date: Mapping[str, Any], ratio: float, level: float) -> str:
    value, low, high = (ratio * date[name] for name in ("estimate", "ci_low", "ci_high"))
    return estimate(value, low, high, level)


def _at(date: Mapping[str, Any], level: float) -> Measure:
    value, low, high, p, dof = (
        _real(date.get(name)) for name in ("estimate", "ci_low", "ci_high", "p_value", "dof")
    )
    return measure(f"start set {date['shift']} too early", value, low, high, p, level, dof)
