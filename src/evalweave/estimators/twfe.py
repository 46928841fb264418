"""Two-way fixed effects: patient and period effects, one dummy for treated and started.

    y_it = theta D_it + x_it'b + period_t + patient_i + e_it,        D_it = 1[t >= start of i's
    practice]

theta (`att`, in the outcome's unit) is a variance-weighted average of effects; with staggered
starts some weights may be negative (Goodman-Bacon 2021; see diagnostics). With `subgroup`, all of
this is interacted with the subgroup's levels in one joint model, so that differences between levels
have their own standard error although practices hold patients of several levels.
"""

from __future__ import annotations

import numpy as np

from evalweave.errors import StudyError
from evalweave.estimators.anticipation import fixed_starts, set_aside
from evalweave.estimators.least_squares import fit_of, solve
from evalweave.estimators.treatment import check_treated, convention, started
from evalweave.fits.result import Fit, PanelData
from evalweave.study.analyses import AnalysisOptions


def twfe(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att`, or with `subgroup` one `att[...]` a level and `difference[...]` against the
    lowest.

    Raises:
        DataError: if nobody is ever treated in the panel, everybody always is, or the outcome does
        not vary.
    """
    panel = set_aside(panel, analysis)
    check_treated(panel)
    if analysis.engine == "linearmodels":
        if panel.sections:
            raise StudyError(
                f"{analysis.name}: engine: linearmodels needs a unit; leave `engine` out."
            )
        from evalweave.estimators.panel_ols import twfe_panel_ols

        return twfe_panel_ols(panel, analysis)
    if panel.subgroup is not None:
        from evalweave.estimators.subgroups import twfe_by_subgroup

        return fixed_starts(twfe_by_subgroup(panel, analysis), panel, analysis)
    solved = solve(panel, ("att",), started)
    terms = {name: np.ones(1) for name in solved.names}
    fit = fit_of(panel, solved, terms, analysis, convention(panel))
    return fixed_starts(fit, panel, analysis)
