"""TWFE by linearmodels' PanelOLS: the cross-check of the fast path, selectable as `engine:
linearmodels`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evalweave.errors import DataError
from evalweave.estimators.adjustment import Adjustment, adjusted_details, adjustment
from evalweave.fits.result import Fit, OwnInference, PanelData
from evalweave.study.analyses import AnalysisOptions

CONVENTION = "linearmodels PanelOLS, entity effects, explicit period dummies, singletons kept"


def twfe_panel_ols(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att` with linearmodels' clustered error.

    Entity effects, explicit period dummies and constant, singletons kept, `group_debias=True`,
    `auto_df=False`, `count_effects=False`: the same factor as cr1. Its p-value uses residual
    degrees of freedom, so p and interval are recomputed with t(G - 1).

    Raises:
        DataError: if linearmodels cannot solve it.
    """
    adjusts = adjustment(panel)
    theta, error, columns = _solved(panel, adjusts)
    entered = adjusts.entered(columns)
    ever = panel.first_treated <= panel.period.max()
    treated = np.bincount(panel.cluster, ever, panel.n_clusters) > 0
    g = panel.n_clusters
    return Fit(
        estimator=analysis.estimator,
        terms=("att",),
        theta=np.array([theta]),
        influence=np.zeros((g, 1)),
        cluster_names=panel.cluster_names,
        n_obs=len(panel.y),
        n_patients=len(panel.unit_names),
        n_practices=g,
        n_practices_treated=int(treated.sum()),
        notes=panel.notes,
        convention="; ".join(
            (CONVENTION, *(f"adjusted for {name}" for name in entered)),
        ),
        details=adjusted_details(adjusts, entered),
        own=OwnInference(
            "cr1", np.array([error]), g - 1.0, "clustered, group_debias, recomputed with t(G-1)"
        ),
    )


def _solved(panel: PanelData, adjusts: Adjustment) -> tuple[float, float, pd.Index]:
    """Return linearmodels' `att`, its clustered error and the columns that entered."""
    from linearmodels.panel import PanelOLS

    index = pd.MultiIndex.from_arrays([panel.unit, panel.period])
    columns = {
        "att": (panel.period >= panel.first_treated).astype(float),
        "constant": np.ones(len(panel.y)),
    }
    columns |= adjusts.written_out(panel)
    for period in np.unique(panel.period)[1:]:
        columns[f"period[{period}]"] = (panel.period == period).astype(float)
    exog = pd.DataFrame(columns, index=index)
    weights = pd.Series(np.asarray(panel.weight), index=index) if panel.weighted else None
    model = PanelOLS(
        pd.Series(panel.y, index=index),
        exog,
        weights=weights,
        entity_effects=True,
        singletons=True,
        drop_absorbed=True,
        check_rank=False,
    )
    try:
        result = model.fit(
            cov_type="clustered",
            clusters=pd.Series(panel.cluster, index=index),
            group_debias=True,
            auto_df=False,
            count_effects=False,
        )
        theta, error = float(result.params["att"]), float(result.std_errors["att"])
    except (KeyError, ValueError, np.linalg.LinAlgError):
        raise DataError(
            "linearmodels cannot estimate this design; the default engine says what is not "
            "identified."
        ) from None
    return theta, error, result.params.index
