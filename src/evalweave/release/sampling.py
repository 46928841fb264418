"""A change between two releases beside what sampling alone would give, in words.

    ratio = |new − old| / standard error of the old estimate (else of the new one)

Two extracts of the same people differ by less than two samples would, so a small ratio says that
the change is small beside the uncertainty that was published, not that nothing caused it.
"""

from __future__ import annotations

from collections.abc import Mapping

# Period of a study → what one patient's row of the panel is called, and what one is.
OBSERVATIONS = {
    "month": "patient-months",
    "quarter": "patient-quarters",
    "half_year": "patient-half-years",
    "financial_year": "patient-years",
    "calendar_year": "patient-years",
}
COUNTED = {
    "n_obs": "patient-periods",
    "n_patients": "patients",
    "n_practices": "practices",
    "n_practices_treated": "practices with the programme",
    "n_records": "records",
    "n_participants": "participants who raised it",
    "n_eligible": "participants asked",
    "n_references": "coded passages",
    "n_sources": "interviews and other sources",
}
# Ratio from which on the words hold.
WORDS = (
    (2.0, "more than sampling alone would give"),
    (1.0, "as sampling might give"),
    (0.25, "well within what sampling would give"),
    (0.0, "very small beside the standard error"),
)
_NORMAL_95 = 3.92


def noun(column: str, period: str = "") -> str:
    """Return what a counting column counts, in words; panel rows by the study's period."""
    if column == "n_obs":
        return OBSERVATIONS.get(period, COUNTED["n_obs"])
    return COUNTED.get(column, column.removeprefix("n_").replace("_", " "))


def spread(row: Mapping[str, str]) -> float | None:
    """Return an estimate's standard error, or that of its 95 % interval; None without either."""
    error = _real(row.get("std_error"))
    if error is None:
        low, high = _real(row.get("ci_low")), _real(row.get("ci_high"))
        if low is None or high is None or _real(row.get("level")) not in (None, 0.95):
            return None
        error = (high - low) / _NORMAL_95
    return error if 0 < error < float("inf") else None


def ratio(change: float | None, old: Mapping[str, str], new: Mapping[str, str]) -> float | None:
    """Return how many standard errors a change is; None where there is no error to measure by."""
    error = spread(old) or spread(new)
    return None if change is None or error is None else abs(change) / error


def judged(errors: float | None) -> str:
    """Return in words whether sampling would give a change of so many standard errors."""
    if errors is None:
        return "no standard error to measure it by"
    if errors == 0:
        return "no change"
    words = next(words for least, words in WORDS if errors >= least)
    size = "under 0.1" if errors < 0.1 else f"{errors:.1f}"
    return f"{size} standard errors: {words}"


def bound_to_periods(term: str) -> bool:
    """Does a term depend on how long a period is (event times, calendar periods, slopes)?"""
    return term.startswith(("event[", "att_gt[", "calendar[", "group[", "trend")) and term not in (
        "event[overall]",
        "calendar[overall]",
        "group[overall]",
    )


def _real(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if value == value else None
