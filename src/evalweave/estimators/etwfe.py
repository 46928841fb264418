"""Extended two-way fixed effects of Wooldridge (2021).

    y_it = sum over g, t >= g of tau_gt 1[start_i = g] 1[t] + period_t + patient_i + e_it

so that never- and not-yet-treated patient-periods alone inform the period effects. Covariates enter
as he proposes: interacted with every period, and with every treated cell after subtracting their
cohort mean, so that tau_gt stays the effect at the cohort's mean.
"""

from __future__ import annotations

import numpy as np

from evalweave.estimators.adjustment import TIMES, Adjustment, adjustment, by_period
from evalweave.estimators.cohort_effects import (
    averages,
    cell_columns,
    last_cohort_as_comparison,
    observed_cells,
    place_of_term,
    without_always_treated,
)
from evalweave.estimators.least_squares import fit_of, solve
from evalweave.estimators.moments import unit_starts
from evalweave.estimators.treatment import check_treated, convention
from evalweave.fits.result import Fit, Floats, PanelData
from evalweave.study.analyses import AnalysisOptions


def etwfe(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att`, `event[e]` (e >= 0), `event[overall]`, `trend`, `group[g]`, `calendar[t]` and
    `att_gt[g,t]`.

    Raises:
        DataError: where there is nothing to compare.
    """
    panel, notes = without_always_treated(panel, analysis.anticipation)
    panel, more = last_cohort_as_comparison(panel, analysis.anticipation)
    notes = (*notes, *more)
    check_treated(panel)
    size = observed_cells(panel)
    tested = [(g, t) for g, t in size if t >= g - analysis.anticipation]
    names = tuple(f"att_gt[{g},{t}]" for g, t in tested)
    solved = solve(panel, names, cell_columns(tested), _interacted(panel, tested))
    estimated = [cell for cell, name in zip(tested, names, strict=True) if name in solved.names]
    made = averages(tested, estimated, size, calendar=True, partial=analysis.partial)
    words = f"{convention(panel)}; never- and not-yet-treated rows as comparison; shares fixed"
    ordered = {name: made.terms[name] for name in sorted(made.terms, key=place_of_term)}
    return fit_of(panel, solved, ordered, analysis, words, made.absent, notes, of_term=made.of_term)


def _interacted(panel: PanelData, tested: list[tuple[int, int]]) -> Adjustment:
    """Return covariates × periods, and × treated cells less the cohort's mean over patients."""
    adjusts = adjustment(panel)
    columns: dict[str, Floats] = {}
    of: dict[str, tuple[str, ...]] = {}
    for name, own in panel.stands_for.items():
        part: dict[str, Floats] = {}
        for column in own:
            values = panel.covariates[column]
            if name not in adjusts.fixed:
                part |= {column: values, **by_period(column, values, panel)}
            part |= _by_cell(column, values, panel, tested)
        columns |= part
        steady = adjusts.of[name] if name in adjusts.fixed else ()
        of[name] = (*part, *steady)
    return Adjustment(columns, of, adjusts.fixed, adjusts.steady)


def _by_cell(
    name: str, values: Floats, panel: PanelData, tested: list[tuple[int, int]]
) -> dict[str, Floats]:
    starts = unit_starts(panel)
    columns = {}
    for cohort, period in tested:
        of = panel.first_treated == cohort
        first = starts[panel.first_treated[starts] == cohort]
        mean = float(np.average(values[first], weights=panel.weight[first]))
        columns[f"{name}{TIMES}{cohort},{period}"] = np.where(
            of & (panel.period == period), values - mean, 0.0
        )
    return columns
