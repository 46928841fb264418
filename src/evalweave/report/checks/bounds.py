"""Check of how large a difference in trends the answer survives (Rambachan and Roth)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalweave.catalogue.inferences import INFERENCES
from evalweave.release.notes import released_note
from evalweave.release.numbers import excludes_zero, missing, number, sentence
from evalweave.report.checks.evidence import CANNOT_TELL, SUPPORTS, Finding
from evalweave.report.checks.paths import asking_the_same
from evalweave.report.data import ReportData

ENOUGH = 1.0  # times the largest difference in trends before the start
BOUND = Finding(
    "sensitivity_bound",
    "Does the answer survive some difference in trends (sensitivity bound)?",
    shown="is no room for a difference in trends",
    doubt="a small difference in trends after the start may suffice to include zero",
    words="A bound on differences in trends is not part of this study.",
)


def sensitivity_bound(data: ReportData) -> Finding | None:
    """Read the bounds of Rambachan and Roth, where they were computed. They show no difference, so
    they never speak against."""
    for analysis in asking_the_same(data):
        for name in ("honest_did", "honest", "sensitivity"):
            bounds = data.diagnostic(analysis.name, name)
            if bounds:
                asked = replace(BOUND, link=analysis.name, link_text="Event study")
                return _bound(data, asked, bounds)
    return BOUND


def _bound(data: ReportData, asked: Finding, bounds: Any) -> Finding:
    chosen = bounds
    if isinstance(bounds, Mapping):  # by the covariance; the one declared last is the most careful
        chosen = next((bounds[name] for name in reversed(INFERENCES) if bounds.get(name)), bounds)
    caveat = f" {bounds['caveat']}" if isinstance(bounds, Mapping) and bounds.get("caveat") else ""
    rows = _rows_of(chosen)
    relative = [
        r for r in rows if r.get("kind") == "relative" and r.get("target", "average") == "average"
    ] or [r for r in rows if r.get("kind") == "relative"]
    original = [r for r in relative if missing(r.get("M"))]
    if len(relative) == len(original):
        reason = bounds.get("refused") if isinstance(bounds, Mapping) else None
        words = f"{sentence(str(reason or 'No bound could be computed')).rstrip('.')}."
        return replace(asked, words=released_note(data.profile, words))
    if original and not excludes_zero(original[0].get("ci_low"), original[0].get("ci_high")):
        why = (
            "Even with equal trends the interval for the average after the start includes zero, "
            "so there is no answer for a difference in trends to upset."
        )
        doubt = "even with equal trends the average after the start cannot be told from none"
        return replace(asked, words=why, doubt=doubt)
    if (known := _breakdown(bounds, chosen)) is not None:
        state, why = known
        return replace(asked, words=f"{why}{caveat}", state=state)
    excluding = [
        float(r["M"])
        for r in relative
        if not missing(r.get("M")) and excludes_zero(r.get("ci_low"), r.get("ci_high"))
    ]
    if not excluding:
        smallest = min(float(r["M"]) for r in relative if not missing(r.get("M")))
        why = (
            f"A difference in trends after the start {number(smallest, 1)} times the largest one "
            f"before it would suffice to include zero.{caveat}"
        )
        return replace(asked, words=why)
    largest = max(excluding)
    why = (
        "The interval still excludes zero when trends differ after the start by "
        f"{number(largest, 1)} times the most seen before.{caveat}"
    )
    return replace(asked, words=why, state=SUPPORTS if largest >= ENOUGH else CANNOT_TELL)


def _breakdown(bounds: Any, chosen: Any) -> tuple[str, str] | None:
    """Return the state from the breakdown value of the average after the start, where it is
    known."""
    every = bounds.get("breakdown") if isinstance(bounds, Mapping) else None
    if not isinstance(every, Mapping):
        return None
    name = next((name for name in every if bounds.get(name) is chosen), None)
    value = (every.get(name) or {}).get("relative", {}).get("average")
    if isinstance(value, str):
        return (
            SUPPORTS,
            f"No difference in trends that was tried upsets the answer (breakdown {value}).",
        )
    if missing(value):
        return None
    return SUPPORTS if value >= ENOUGH else CANNOT_TELL, (
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
