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

from dataclasses import dataclass

import numpy as np

from evalweave.errors import DataError, StudyError
from evalweave.estimators.least_squares import fit_of, solve
from evalweave.estimators.lost_cells import verdict
from evalweave.estimators.treatment import check_treated, convention, reference_before
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
    reference, moved = reference_before(analysis)
    if reference not in events:
        raise StudyError(
            f"{analysis.name}: no treated patient was observed at the reference {reference}; "
            f"observed event times are {', '.join(str(event) for event in events)}. Choose one "
            "before 0."
        )
    tested = [event for event in events if event != reference]
    if not tested:
        raise DataError(f"{analysis.name}: treated patients were observed at the reference only.")

    def cells(cohort: float, level: int, periods: Ints) -> Floats:
        if not np.isfinite(cohort):
            return np.zeros((len(periods), len(tested)))
        return np.asarray(
            _binned(periods - int(cohort), analysis)[:, None] == np.array(tested), dtype=np.float64
        )

    solved = solve(panel, tuple(f"event[{event}]" for event in tested), cells)
    estimated = [event for event in tested if f"event[{event}]" in solved.names]
    terms = {f"event[{event}]": np.eye(len(estimated))[j] for j, event in enumerate(estimated)}
    after = [event for event in tested if event >= 0]
    summaries = over_events(estimated, after, analysis.partial)
    notes = (*moved, *_notes(panel, estimated))
    return fit_of(
        panel,
        solved,
        {**terms, **summaries.terms},
        analysis,
        f"{convention(panel)}; reference event {reference}"
        + (
            f"; event times binned at {analysis.bins[0]} and {analysis.bins[1]}"
            if analysis.bins
            else ""
        ),
        summaries.absent,
        notes,
        of_term=summaries.of_term,
        details={
            "events": estimated,
            "reference": reference,
            "anticipation": analysis.anticipation,
        },
        leads=MIXED_COHORTS if _staggered(panel) else ONE_REFERENCE,
    )


def observed_events(panel: PanelData, analysis: AnalysisOptions) -> list[int]:
    """Return the (binned) event times at which treated patients were observed."""
    treated = np.isfinite(panel.first_treated)
    events = panel.period[treated] - panel.first_treated[treated].astype(np.int64)
    return [int(event) for event in np.unique(_binned(np.unique(events), analysis))]


@dataclass(frozen=True)
class Summaries:
    """Contrasts over the estimated events, why one is absent, and what one lost."""

    terms: dict[str, Floats]
    absent: dict[str, str]
    of_term: dict[str, str]


def over_events(estimated: list[int], wanted: list[int], partial: bool) -> Summaries:
    """Return the contrasts `event[overall]` and `trend` over the events `wanted` (from 0 on)."""
    if not wanted:
        reason = "nobody was observed after the start"
        return Summaries({}, {"event[overall]": reason, "trend": reason}, {})
    lost = [f"event[{event}]" for event in wanted if event not in estimated]
    share = len(lost) / len(wanted)
    judged = verdict([f"event[{event}]" for event in wanted], lost, share, partial)
    if not judged.stands:
        return Summaries({}, {"event[overall]": judged.words, "trend": judged.words}, {})
    after = np.array([event >= 0 for event in estimated], dtype=np.float64)
    terms = {"event[overall]": after / after.sum()}
    absent = {}
    if after.sum() < 2:
        absent["trend"] = "needs two event times from 0 on; there is one"
    else:
        times = np.array(estimated, dtype=np.float64)
        centred = np.where(after > 0, times - times[after > 0].mean(), 0.0)
        terms["trend"] = centred / (centred**2).sum()
    return Summaries(terms, absent, dict.fromkeys(terms, judged.words) if judged.words else {})


def _binned(events: Ints, analysis: AnalysisOptions) -> Ints:
    return events if analysis.bins is None else np.clip(events, analysis.bins[0], analysis.bins[1])


def _staggered(panel: PanelData) -> bool:
    return len(np.unique(panel.first_treated[np.isfinite(panel.first_treated)])) > 1


def _notes(panel: PanelData, estimated: list[int]) -> tuple[str, ...]:
    notes = []
    if _staggered(panel):
        notes.append(
            "Starts are staggered: these leads and lags mix effects of different cohorts "
            "(Sun & Abraham 2021); compare with sun_abraham or callaway_santanna."
        )
    if not estimated:
        notes.append(
            "Without never-treated practices, event times are identified up to a straight line "
            "only: "
            "bin the far ones (bins), or use callaway_santanna with control: not_yet_treated."
        )
    return tuple(notes)
