"""Interaction-weighted event study of Sun & Abraham (2021).

    y_it = sum over g, e != reference of delta_ge 1[start_i = g] 1[t - g = e] + x_it'b + period_t +
    patient_i + e_it

with the never-treated as reference cohort. Event-time effects are averages of delta_ge over
cohorts, weighted by their patient-periods; `att` is the average over all treated patient-periods.
"""

from __future__ import annotations

import numpy as np

from evalweave.errors import DataError
from evalweave.estimators.cohort_effects import (
    averages,
    cell_columns,
    observed_cells,
    without_always_treated,
)
from evalweave.estimators.least_squares import fit_of, solve
from evalweave.estimators.treatment import check_treated, convention
from evalweave.fits.result import ONE_REFERENCE, Fit, PanelData
from evalweave.study.analyses import AnalysisOptions


def sun_abraham(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att`, `event[e]`, `event[overall]`, `trend`, `group[g]` and `att_gt[g,t]`.

    Raises:
        DataError: without never-treated patients, or where there is nothing to compare.
    """
    panel, notes = without_always_treated(panel)
    check_treated(panel)
    if not np.isinf(panel.first_treated).any():
        raise DataError(
            "sun_abraham compares with the never-treated, and there are none: use "
            "callaway_santanna with control: "
            "not_yet_treated, imputation, or etwfe."
        )
    size = observed_cells(panel)
    tested = [(g, t) for g, t in size if t - g != analysis.reference]
    names = tuple(f"att_gt[{g},{t}]" for g, t in tested)
    solved = solve(panel, names, cell_columns(tested))
    found = [cell for cell, name in zip(tested, names, strict=True) if name in solved.names]
    terms, absent = averages(tested, found, size, calendar=False)
    order = sorted(terms, key=_place)
    words = (
        f"{convention(panel)}; never-treated as reference cohort; reference event "
        f"{analysis.reference}; shares fixed"
    )
    events = [
        int(name[6:-1]) for name in order if name.startswith("event[") and name != "event[overall]"
    ]
    return fit_of(
        panel,
        solved,
        {name: terms[name] for name in order},
        analysis,
        words,
        absent,
        notes,
        details={"events": events, "reference": analysis.reference},
        leads=ONE_REFERENCE,
    )


def _place(name: str) -> int:
    kinds = ("att", "event[", "trend", "group[", "calendar[", "att_gt[")
    if name == "att":
        return 0
    if name == "event[overall]":
        return 2 * kinds.index("event[") + 1
    return 2 * max(j for j, kind in enumerate(kinds) if name.startswith(kind) and (kind != "att"))
