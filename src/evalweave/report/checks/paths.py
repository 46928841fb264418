"""Checks of parallel paths: leads before the start, placebo dates, bounds on differences in
trends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalweave.catalogue.inferences import INFERENCES
from evalweave.release.notes import released_note
from evalweave.release.numbers import estimate, excludes_zero, interval, missing, number
from evalweave.report.blocks import Check, Text
from evalweave.report.checks.units import in_each
from evalweave.report.data import ReportData
from evalweave.report.sentences import CANNOT_TELL, DOES_NOT_HOLD, HOLDS

ENOUGH_TO_TELL = 0.5  # a breakdown value up to it: half of what was seen before upsets the answer


def pre_trends(data: ReportData) -> Check | None:
    question = "Did the arms move alike before the start?"
    for analysis in (*data.analyses("event_study"), *data.study.analyses):
        tested = data.diagnostic(analysis.name, "pretrend")
        if not isinstance(tested, Mapping):
            continue
        slope = tested.get("slope") or {}
        p_slope = slope.get("p_value_wild", slope.get("p_value"))
        p_joint = (tested.get("wild_wald") or {}).get("p_value")
        known: list[Any] = [p for p in (p_slope, p_joint) if not missing(p)]
        if not known:
            return Check(
                question,
                CANNOT_TELL,
                str(tested.get("verdict", "The leads cannot be tested.")),
                analysis.name,
            )
        against = any(p < 1 - analysis.level for p in known)
        return Check(
            question,
            *_pre_trend(data, tested, slope, p_slope, p_joint, against),
            link=analysis.name,
            link_text="Event study",
        )
    return Check(
        question, CANNOT_TELL, "No event study with periods before the start is part of this study."
    )


def _pre_trend(
    data: ReportData,
    tested: Mapping[str, Any],
    slope: Mapping[str, Any],
    p_slope: Any,
    p_joint: Any,
    against: bool,
) -> tuple[str, Text]:
    detect: Any = slope.get("detectable_80") or (tested.get("detectable_slope") or {}).get(
        "power_80"
    )
    verdict, end = DOES_NOT_HOLD if against else HOLDS, ""
    main, periods = data.main(data.outcome.difference_unit), _periods_after(data)
    if not against and not missing(detect):
        end = ", less than it would take to explain the estimate."
        if main and periods and detect * periods > abs(main.estimate):
            verdict = CANNOT_TELL
            end = (
                "; a smaller one could still explain the estimate, so that this check has too "
                "little power to reassure."
            )

    def said(ratio: float, unit: str) -> str:
        places = 2 if ratio == 1 else 3
        parts = (
            []
            if missing(p_joint)
            else [f"all leads together p = {p_joint:.2f} (restricted wild bootstrap)"]
        )
        if not missing(p_slope):
            size = number(ratio * slope["estimate"], places) if "estimate" in slope else "–"
            ends = ""
            if "ci_low" in slope:
                ends = (
                    ", 95 % CI "
                    f"{interval(ratio * slope['ci_low'], ratio * slope['ci_high'], places)}"
                )
            parts.append(f"slope {size} {unit} a period{ends}, p = {p_slope:.2f}")
        why = (
            ("The leads differ from zero: " if against else "No departure was found: ")
            + "; ".join(parts)
            + "."
        )
        if not end:
            return why
        drift = (
            f" A steady drift of {number(ratio * detect, places)} {unit} a period would have "
            "been noticed four times in five"
        )
        return f"{why}{drift}{end}"

    return verdict, in_each(data, said)


def _periods_after(data: ReportData) -> float:
    """Return how far apart the middles of the time before and after the start lie, in periods."""
    trends = data.trends.get(data.study.primary_comparison)
    if trends is None or trends.empty:
        return 0.0
    periods = trends["period"].astype(int)
    return float(periods.max() - periods.min() + 1) / 2


def placebo_starts(data: ReportData) -> Check | None:
    placebos = data.diagnostic(data.primary.name, "placebo_dates")
    if not isinstance(placebos, Mapping):
        return None
    question = "Is there nothing before the real start (placebo dates)?"
    joint = placebos.get("joint") or {}
    run = [date for date in placebos.get("dates", []) if "estimate" in date]
    if not run or missing(joint.get("p_value")):
        reason = str(joint.get("refused") or "no placebo date could be tried").rstrip(".")
        return Check(question, CANNOT_TELL, released_note(data.profile, f"{reason}."))
    p, margin = joint["p_value"], joint["margin"]
    main = data.main(data.outcome.difference_unit)
    verdict = DOES_NOT_HOLD
    if p >= joint["size"]:
        verdict = HOLDS if main and margin < abs(main.estimate) else CANNOT_TELL

    def said(ratio: float, unit: str) -> str:
        tried = "; ".join(
            f"{date['shift']} {'period' if date['shift'] == 1 else 'periods'} too early "
            f"{estimate(*(ratio * date[name] for name in ('estimate', 'ci_low', 'ci_high')))}"
            for date in run
        )
        return (
            f"Starts set {tried} {unit}; all in one test p = {p:.2f} (largest t, restricted wild "
            f"bootstrap). All of them could be declared smaller than {number(ratio * margin, 2)} "
            f"{unit}{_beside(verdict)}."
        )

    return Check(question, verdict, in_each(data, said))


def _beside(verdict: str) -> str:
    """Return how the smallest margin of the placebo dates compares with the main estimate."""
    return {
        HOLDS: ", which is less than the main estimate",
        CANNOT_TELL: ", which is no less than the main estimate, so that they do not reassure",
    }.get(verdict, "")


def sensitivity_bound(data: ReportData) -> Check | None:
    """Read the bounds of Rambachan and Roth, where they were computed."""
    question = "Does the answer survive some difference in trends (sensitivity bound)?"
    for analysis in (*data.analyses("event_study"), *data.study.analyses):
        for name in ("honest_did", "honest", "sensitivity"):
            bounds = data.diagnostic(analysis.name, name)
            if bounds:
                return _bound(data, question, bounds, analysis.name)
    return Check(
        question, CANNOT_TELL, "A bound on differences in trends is not part of this study."
    )


def _bound(data: ReportData, question: str, bounds: Any, link: str) -> Check:
    chosen = bounds
    if isinstance(bounds, Mapping):  # by the covariance; the one declared last is the most careful
        chosen = next((bounds[name] for name in reversed(INFERENCES) if bounds.get(name)), bounds)
    caveat = f" {bounds['caveat']}" if isinstance(bounds, Mapping) and bounds.get("caveat") else ""
    rows = _rows_of(chosen)
    relative = [
        r for r in rows if r.get("kind") == "relative" and r.get("target", "average") == "average"
    ] or [r for r in rows if r.get("kind") == "relative"]
    original = [r for r in relative if missing(r.get("M"))]
    if not relative:
        reason = bounds.get("refused") if isinstance(bounds, Mapping) else None
        return Check(
            question,
            CANNOT_TELL,
            released_note(
                data.profile, f"{str(reason or 'No bound could be computed').rstrip('.')}."
            ),
            link,
        )
    if original and not excludes_zero(original[0].get("ci_low"), original[0].get("ci_high")):
        why = (
            "Even with equal trends the interval for the average after the start includes zero, "
            "so there is no answer for a difference in trends to upset."
        )
        return Check(question, CANNOT_TELL, why, link, "Event study")
    if (known := _breakdown(bounds, chosen)) is not None:
        verdict, why = known
        return Check(question, verdict, f"{why}{caveat}", link, "Event study")
    excluding = [
        float(r["M"])
        for r in relative
        if not missing(r.get("M")) and excludes_zero(r.get("ci_low"), r.get("ci_high"))
    ]
    if not excluding:
        smallest = min(float(r["M"]) for r in relative if not missing(r.get("M")))
        return Check(
            question,
            DOES_NOT_HOLD,
            f"A difference in trends after the start {number(smallest, 1)} times the largest one "
            "before it would suffice to "
            f"include zero.{caveat}",
            link,
            "Event study",
        )
    largest = max(excluding)
    why = (
        "The interval still excludes zero when trends differ after the start by "
        f"{number(largest, 1)} times the most seen before.{caveat}"
    )
    return Check(question, HOLDS if largest >= 1 else CANNOT_TELL, why, link, "Event study")


def _breakdown(bounds: Any, chosen: Any) -> tuple[str, str] | None:
    """Return a verdict from the breakdown value of the average after the start, where it is
    known."""
    every = bounds.get("breakdown") if isinstance(bounds, Mapping) else None
    if not isinstance(every, Mapping):
        return None
    name = next((name for name in every if bounds.get(name) is chosen), None)
    value = (every.get(name) or {}).get("relative", {}).get("average")
    if isinstance(value, str):
        return (
            HOLDS,
            f"No difference in trends that was tried upsets the answer (breakdown {value}).",
        )
    if missing(value):
        return None
    verdict = HOLDS if value > 1 else CANNOT_TELL if value > ENOUGH_TO_TELL else DOES_NOT_HOLD
    return verdict, (
        "The interval excludes zero as long as no difference in trends after the start exceeds "
        f"{number(value, 2)} times the largest one before it (breakdown value)."
    )


def _rows_of(bounds: Any) -> list[Mapping[str, Any]]:
    if isinstance(bounds, Mapping):
        inner = [row for value in bounds.values() for row in _rows_of(value)]
        return [bounds, *inner] if "kind" in bounds and "ci_low" in bounds else inner
    if isinstance(bounds, list):
        return [row for item in bounds for row in _rows_of(item)]
    return []
