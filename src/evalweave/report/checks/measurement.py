"""Check of who was measured at all: the programme may change that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evalweave.release.numbers import estimate, excludes_zero, missing, number
from evalweave.report.blocks import Check, Text, text
from evalweave.report.data import ReportData
from evalweave.report.sentences import CANNOT_TELL, DOES_NOT_HOLD, HOLDS


def measurement(data: ReportData) -> Check | None:
    """Compare how the share measured moved in both arms; the programme may change who is measured
    at all."""
    question = "Were the same people measured in both arms?"
    trends = data.trends.get(data.primary.comparison or data.study.primary_comparison)
    carry = _contributing(data)
    shift = _measured_shift(data) if trends is not None else None
    formal = _measured_did(data)
    if formal is not None:
        low, high, words = formal
        told = excludes_zero(low, high)
        verdict = CANNOT_TELL if told is None else DOES_NOT_HOLD if told else HOLDS
        return Check(question, verdict, text("{} {}", words, carry), "measured", "Share measured")
    if shift is None:
        return Check(
            question,
            CANNOT_TELL,
            text("No counts of people who were not measured are at hand. {}", carry),
        )
    why = (
        f"The share measured changed by {number(100 * shift, 1)} percentage points more in "
        "programme practices than in the "
        "others, from before to after the start"
    ).replace(f"{number(100 * shift, 1)} percentage points more", _more(shift))
    if abs(shift) > 0.02:
        verdict, end = DOES_NOT_HOLD, "; selective measurement could move the estimate."
    else:
        verdict, end = HOLDS, "; that is small (less than 2 percentage points)."
    return Check(question, verdict, text("{}{} {}", why, end, carry), "measured", "Share measured")


def _more(shift: float) -> str:
    return f"{number(abs(100 * shift), 1)} percentage points {'more' if shift >= 0 else 'less'}"


def _measured_did(data: ReportData) -> tuple[float, float, str] | None:
    """Return interval and sentence of the DiD on being measured, where the diagnostics hold one."""
    effect = data.diagnostic(data.primary.name, "measured_did")
    if not isinstance(effect, Mapping) or "estimate" not in effect:
        return None
    low, high = float(effect.get("ci_low", "nan")), float(effect.get("ci_high", "nan"))
    value = estimate(100 * effect["estimate"], 100 * low, 100 * high, places=1)
    return low, high, f"Difference in the change of the share measured: {value} percentage points."


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
    from evalweave.study.periods import period_number

    trends = data.trends[data.primary.comparison or data.study.primary_comparison]
    trends = trends[trends["outcome"] == data.primary.outcome]
    start = period_number(data.study.eligibility.index_date, data.study.window.period)
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
