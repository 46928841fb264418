"""Interaction-weighted event study of Sun & Abraham (2021).

    y_it = sum over g, e != reference of delta_ge 1[start_i = g] 1[t - g = e] + x_it'b + period_t +
    patient_i + e_it

with the never-treated as reference cohort, or without any the last cohort before it starts.
Event-time effects are averages of delta_ge over cohorts, weighted by their patient-periods; `att`
is the average over all treated patient-periods.
"""

from __future__ import annotations

from evalweave.estimators.cohort_effects import (
    averages,
    cell_columns,
    last_cohort_as_comparison,
    observed_cells,
    place_of_term,
    without_always_treated,
)
from evalweave.estimators.least_squares import fit_of, solve
from evalweave.estimators.treatment import check_treated, convention, reference_before
from evalweave.fits.result import ONE_REFERENCE, Fit, PanelData
from evalweave.study.analyses import AnalysisOptions


def sun_abraham(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att`, `event[e]`, `event[overall]`, `trend`, `group[g]` and `att_gt[g,t]`.

    Raises:
        DataError: where there is nothing to compare.
    """
    panel, notes = without_always_treated(panel, analysis.anticipation)
    panel, more = last_cohort_as_comparison(panel, analysis.anticipation)
    before, at = reference_before(analysis)
    notes = (*notes, *more, *at)
    check_treated(panel)
    size = observed_cells(panel)
    reference, moved = reference_periods(list(size), before)
    tested = [(g, t) for g, t in size if reference.get(g) != t]
    names = tuple(f"att_gt[{g},{t}]" for g, t in tested)
    solved = solve(panel, names, cell_columns(tested))
    estimated = [cell for cell, name in zip(tested, names, strict=True) if name in solved.names]
    made = averages(tested, estimated, size, calendar=False, partial=analysis.partial)
    order = sorted(made.terms, key=place_of_term)
    against = "last" if more else "never-treated"
    words = (
        f"{convention(panel)}; {against} as reference cohort; reference event "
        f"{before}; shares fixed"
    )
    events = [
        int(name[6:-1]) for name in order if name.startswith("event[") and name != "event[overall]"
    ]
    return fit_of(
        panel,
        solved,
        {name: made.terms[name] for name in order},
        analysis,
        words,
        made.absent,
        (*notes, *moved),
        of_term=made.of_term,
        details={
            "events": events,
            "reference": before,
            "anticipation": analysis.anticipation,
        },
        leads=ONE_REFERENCE,
    )


def reference_periods(
    cells: list[tuple[int, int]], reference: int
) -> tuple[dict[int, int], list[str]]:
    """Return each cohort's reference period, and a note where it had to move.

    A cohort of which nobody was observed at the reference (the period is missing for everybody, or
    for this cohort) refers to its last period observed before that, as Callaway and Sant'Anna do.
    """
    periods: dict[int, int] = {}
    notes = []
    for cohort in sorted({g for g, _ in cells}):
        own = [t for g, t in cells if g == cohort and t <= cohort + reference]
        if not own:
            continue
        periods[cohort] = max(own)
        if max(own) != cohort + reference:
            notes.append(
                f"Nobody of the cohort that starts in {cohort} was observed in "
                f"{cohort + reference}: it refers to {max(own)}, its last observed period before."
            )
    return periods, notes
