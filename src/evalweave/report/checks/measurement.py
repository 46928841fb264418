"""Checks of who was measured at all: the programme may change that, and of whom, at one share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from evalweave.release.numbers import estimate, missing, number
from evalweave.report.blocks import Text, text
from evalweave.report.checks import harmless
from evalweave.report.checks.evidence import CONFIDENCE, Finding, Margin, Measure, measure
from evalweave.report.checks.units import in_each
from evalweave.report.data import ReportData

HARMLESS = 2.0  # percentage points by which the share measured may move
POINTS = "percentage points"
MEASUREMENT = Finding(
    "measurement",
    "Were the same people measured in both arms?",
    shown="was a change in who was measured",
    doubt="the programme may have changed who was measured",
    words="",
)
COMPOSITION = Finding(
    "composition",
    "Were the people measured like those before, by their earlier values?",
    shown="was a change in which people were measured",
    doubt="the programme may have changed which people were measured",
    words="",
    link="unmeasured",
    link_text="Those who were not measured",
)


def composition(data: ReportData) -> Finding | None:
    """Judge what the programme did to the earlier values of those measured; None where no analysis
    of the main outcome weights for being measured."""
    main = data.primary
    for analysis in data.study.analyses:
        found = data.diagnostic(analysis.name, "composition")
        same = analysis.outcome == main.outcome and analysis.comparison == main.comparison
        if same and isinstance(found, Mapping):
            return _composed(data, found, analysis.level)
    return None


def _composed(data: ReportData, found: Mapping[str, Any], level: float) -> Finding:
    numbers = ("estimate", "ci_low", "ci_high", "p_value")
    value, low, high, p = (float(found.get(name, math.nan)) for name in numbers)

    def said(ratio: float, unit: str) -> str:
        size = estimate(ratio * value, ratio * low, ratio * high, level)
        return (
            "What the programme did to the last earlier values of those measured, less those of "
            f"everybody in follow-up: {size} {unit}."
        )

    return replace(
        COMPOSITION,
        words=in_each(data, said),
        measures=(measure("earlier values of those measured", value, low, high, p, level),),
        margin=harmless.bias(data),
        units=harmless.units(data),
    )


def measurement(data: ReportData) -> Finding | None:
    """Compare how the share measured moved in both arms."""
    trends = data.trends.get(data.primary.comparison or data.study.primary_comparison)
    carry = _contributing(data)
    found = _measured_did(data)
    if found is not None:
        measure, words = found
        return replace(
            MEASUREMENT,
            words=text("{} {}", words, carry),
            measures=(measure,),
            margin=Margin(HARMLESS, POINTS, "of the share measured"),
            link="measured",
            link_text="Share measured",
        )
    shift = _measured_shift(data) if trends is not None else None
    if shift is None:
        words = text("No counts of people who were not measured are at hand. {}", carry)
        return replace(MEASUREMENT, words=words)
    why = (
        f"The share measured changed by {_more(shift)} in programme practices than in the others, "
        "from before to after the start; this has no interval."
    )
    return replace(
        MEASUREMENT,
        words=text("{} {}", why, carry),
        link="measured",
        link_text="Share measured",
    )


def _more(shift: float) -> str:
    more = "more" if shift >= 0 else "less"
    return f"{number(abs(100 * shift), 1)} {POINTS} {more}"


def _measured_did(data: ReportData) -> tuple[Measure, str] | None:
    """Return the DiD on being measured and its sentence, where the diagnostics hold one."""
    effect = data.diagnostic(data.primary.name, "measured_did")
    if not isinstance(effect, Mapping) or "estimate" not in effect:
        return None
    value, low, high = (
        100 * float(effect.get(name, math.nan)) for name in ("estimate", "ci_low", "ci_high")
    )
    said = (
        "Difference in the change of the share measured: "
        f"{estimate(value, low, high, CONFIDENCE, places=1)} {POINTS}."  # as `measured_effect`
    )
    p: Any = effect.get("p_value")
    return Measure("share measured", value, low, high, math.nan if missing(p) else float(p)), said


def _contributing(data: ReportData) -> Text:
    counts = data.diagnostic(data.primary.name, "contributing")
    if not isinstance(counts, Mapping) or "programme" not in counts:
        return ""
    mark: Callable[[Any], Text] = lambda n: data.profile.about(n, "patients")  # noqa: E731
    return text(
        "Seen both before and after: {} people in programme and {} in comparison practices.",
        mark(counts["programme"].get("seen_before_and_after")),
        mark(counts["comparison"].get("seen_before_and_after")),
    )


def _measured_shift(data: ReportData) -> float | None:
    """Return the difference in change of the share measured, from released counts."""
    trends = data.trends[data.primary.comparison or data.study.primary_comparison]
    trends = trends[trends["outcome"] == data.primary.outcome]
    start = data.first_period
    change = {}
    for arm, part in trends.groupby("arm"):
        shares = []
        for side in (part[part["period"] < start], part[part["period"] >= start]):
            whole = side["n_eligible"].sum()
            if missing(whole) or not whole:
                return None
            share = data.profile.rate(side["n_patients"].sum(), whole)
            if share is None:
                return None
            shares.append(share)
        change[arm] = shares[1] - shares[0]
    return change["programme"] - change["comparison"] if len(change) == 2 else None
