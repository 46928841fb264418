"""Event study: leads and lags of two-way fixed effects around the start, relative to `reference`.

    y_it = sum over e != reference of theta_e 1[t - start_i = e] + x_it'b + period_t + patient_i +
    e_it

Never-treated patients have no event time. With `bins: [a, b]`, event times before a count as a and
after b as b. Beside the terms `event[e]`: `event[overall]`, the unweighted mean of the estimated
theta_e with e
>= 0, and `trend`, the slope of the least-squares line through the points (e, theta_e), e >= 0
(outcome units per period); a binned end counts at its own e.
"""

from __future__ import annotations

import numpy as np

from evalweave.errors import DataError, StudyError
from evalweave.estimators.least_squares import fit_of, solve
from evalweave.estimators.treatment import check_treated, convention
from evalweave.fits.result import (
    MIXED_COHORTS,
    ONE_REFERENCE,
    Fit,
    Floats,
    Ints,
    PanelData,
)
from evalweave.study.analyses import AnalysisOptions


def event_study(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `event[e]` for every observed event time but the reference, `event[overall]` and
    `trend`.

    Raises:
        StudyError: for a reference that no treated patient was observed at.
        DataError: where there is nothing to compare.
    """
    check_treated(panel)
    events = observed_events(panel, analysis)
    if not any(event < 0 for event in events):
        raise DataError(
            "No treated patient was observed before the start: there is nothing to compare with."
        )
    if analysis.reference not in events:
        raise StudyError(
            f"{analysis.name}: no treated patient was observed at the reference "
            f"{analysis.reference}; "
            f"observed event times are {', '.join(str(event) for event in events)}. Choose one "
            "before 0."
        )
    tested = [event for event in events if event != analysis.reference]
    if not tested:
        raise DataError(f"{analysis.name}: treated patients were observed at the reference only.")

    def cells(cohort: float, level: int, periods: Ints) -> Floats:
        if not np.isfinite(cohort):
            return np.zeros((len(periods), len(tested)))
        return np.asarray(
            _binned(periods - int(cohort), analysis)[:, None] == np.array(tested), dtype=np.float64
        )

    solved = solve(panel, tuple(f"event[{event}]" for event in tested), cells)
    found = [event for event in tested if f"event[{event}]" in solved.names]
    terms = {f"event[{event}]": np.eye(len(found))[j] for j, event in enumerate(found)}
    summaries, absent = over_events(found, [event for event in tested if event >= 0])
    notes = _notes(panel, found, analysis)
    return fit_of(
        panel,
        solved,
        {**terms, **summaries},
        analysis,
        f"{convention(panel)}; reference event {analysis.reference}"
        + (
            f"; event times binned at {analysis.bins[0]} and {analysis.bins[1]}"
            if analysis.bins
            else ""
        ),
        absent,
        notes,
        details={"events": found, "reference": analysis.reference},
        leads=MIXED_COHORTS if _staggered(panel) else ONE_REFERENCE,
    )


def observed_events(panel: PanelData, analysis: AnalysisOptions) -> list[int]:
    """Return the (binned) event times at which treated patients were observed."""
    treated = np.isfinite(panel.first_treated)
    events = panel.period[treated] - panel.first_treated[treated].astype(np.int64)
    return [int(event) for event in np.unique(_binned(np.unique(events), analysis))]


def over_events(found: list[int], wanted: list[int]) -> tuple[dict[str, Floats], dict[str, str]]:
    """Return the contrasts `event[overall]` and `trend` over the estimated events, or why they are
    absent."""
    after = np.array([event >= 0 for event in found], dtype=np.float64)
    lost = [event for event in wanted if event not in found]
    if lost or not after.any():
        reason = (
            f"event times {', '.join(str(event) for event in lost)} have no estimate"
            if lost
            else "nobody was observed after the start"
        )
        return {}, {"event[overall]": reason, "trend": reason}
    terms = {"event[overall]": after / after.sum()}
    if after.sum() < 2:
        return terms, {"trend": "needs two event times from 0 on; there is one"}
    times = np.array(found, dtype=np.float64)
    centred = np.where(after > 0, times - times[after > 0].mean(), 0.0)
    return {**terms, "trend": centred / (centred**2).sum()}, {}


def _binned(events: Ints, analysis: AnalysisOptions) -> Ints:
    return events if analysis.bins is None else np.clip(events, analysis.bins[0], analysis.bins[1])


def _staggered(panel: PanelData) -> bool:
    return len(np.unique(panel.first_treated[np.isfinite(panel.first_treated)])) > 1


def _notes(panel: PanelData, found: list[int], analysis: AnalysisOptions) -> tuple[str, ...]:
    notes = []
    if _staggered(panel):
        notes.append(
            "Starts are staggered: these leads and lags mix effects of different cohorts "
            "(Sun & Abraham 2021); compare with sun_abraham or callaway_santanna."
        )
    if not found:
        notes.append(
            "Without never-treated practices, event times are identified up to a straight line "
            "only: "
            "bin the far ones (bins), or use callaway_santanna with control: not_yet_treated."
        )
    return tuple(notes)
