"""Two-way fixed effects: patient and period effects, one dummy for treated and started.

    y_it = theta D_it + x_it'b + period_t + patient_i + e_it,        D_it = 1[t >= start of i's practice]

theta (`att`, in the outcome's unit) is a variance-weighted average of effects; with staggered starts some weights
may be negative (Goodman-Bacon 2021; see diagnostics). With `subgroup`, all of this is interacted with the subgroup's
levels in one joint model, so that differences between levels have their own standard error although practices hold
patients of several levels.
"""

from __future__ import annotations

import numpy as np

from evalweave.errors import DataError
from evalweave.estimators.least_squares import Cells, fit_of, solve
from evalweave.estimators.result import Fit, Floats, Ints, PanelData
from evalweave.study import AnalysisOptions

FEWEST = 4  # practices per arm below which a subgroup level is refused
CONVENTION = "patient effects absorbed, period effects explicit; patients seen once stay in N"


def twfe(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att`, or with `subgroup` one `att[...]` a level and `difference[...]` against the lowest.

    Raises:
        DataError: if nobody is ever treated in the panel, everybody always is, or the outcome does not vary.
    """
    check_treated(panel)
    if analysis.engine == "linearmodels":
        from evalweave.estimators.panel_ols import twfe_panel_ols

        return twfe_panel_ols(panel, analysis)
    if panel.subgroup is not None:
        from evalweave.estimators.subgroups import twfe_by_subgroup

        return twfe_by_subgroup(panel, analysis)
    solved = solve(panel, ("att",), started)
    return fit_of(panel, solved, {name: np.ones(1) for name in solved.names}, analysis, convention(panel))


def started(cohort: float, level: int, periods: Ints) -> Floats:
    """Return D by period (T x 1)."""
    return np.asarray((periods >= cohort)[:, None], dtype=np.float64)


def by_level(levels: list[int]) -> Cells:
    """Return D interacted with each subgroup level (T x S)."""

    def cells(cohort: float, level: int, periods: Ints) -> Floats:
        table = np.zeros((len(periods), len(levels)))
        if level in levels:
            table[:, levels.index(level)] = periods >= cohort
        return table

    return cells


def convention(panel: PanelData) -> str:
    """Return the words for the `convention` column."""
    return CONVENTION + ("; weighted (cr2 takes weights as inverse variances)" if panel.weighted else "")


def check_treated(panel: PanelData) -> None:
    """Raise `DataError` where no difference in differences exists at all, and say why."""
    treated = panel.period >= panel.first_treated
    if not np.isfinite(panel.first_treated).any():
        raise DataError("Nobody is ever treated: the column of first treated periods is blank throughout.")
    if not treated.any():
        raise DataError("Nobody is treated yet within the panel: every start lies after the last period.")
    if treated.all():
        raise DataError(
            "Everybody is treated from the first period on: there is no untreated period to compare with."
        )
