"""A nonlinear estimator within each level of a subgroup, and the levels' differences.

All parameters differ by level, so that each level's estimate is that of its people alone; since
practices hold several levels, influence is added within practices before anything is squared, and
re-estimation leaves a practice out of every level at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalweave.errors import DataError
from evalweave.estimators.cohort_effects import restricted
from evalweave.estimators.subgroups import few_practices, level_details, practices_by_level
from evalweave.fits.result import Fit, Floats, PanelData
from evalweave.study.analyses import AnalysisOptions


def by_level(
    panel: PanelData, analysis: AnalysisOptions, estimate: Callable[[PanelData], Fit]
) -> Fit:
    """Return `att[s=l]` and `ratio[s=l]` a level, `difference[s=l-lowest]` of the former and
    `ratio_of_ratios[s=l-lowest]` of the latter. Unknown is a level outside the contrasts.

    Raises:
        DataError: if no level has an estimate.
    """
    name, subgroup = panel.subgroup_name or "subgroup", np.asarray(panel.subgroup)
    codes = sorted({int(code) for code in np.unique(subgroup)}, key=lambda c: (c < 0, c))
    label = {code: "unknown" if code < 0 else panel.subgroup_levels[code] for code in codes}
    arms = practices_by_level(panel, codes)
    fits: dict[int, Fit] = {}
    absent: dict[str, str] = {}
    for code in codes:
        why = few_practices(label[code], name, arms[code], panel)
        if not why:
            part = replace(restricted(panel, subgroup == code), subgroup=None, notes=())
            try:
                fits[code] = estimate(part)
            except DataError as error:
                why = str(error)
        if why:
            absent[f"att[{name}={label[code]}]"] = why
    if not fits:
        raise DataError("; ".join(dict.fromkeys(absent.values())))
    first = next(iter(fits.values()))
    stack = [(code, term) for code, fit in fits.items() for term in fit.terms]
    terms = [f"{term}[{name}={label[code]}]" for code, term in stack]
    rows = np.eye(len(stack))
    contrasts = dict(zip(terms, rows, strict=True))
    known = [code for code in codes if code >= 0]
    for code in known[1:]:
        for term, word in (("att", "difference"), ("ratio", "ratio_of_ratios")):
            title = f"{word}[{name}={label[code]}-{label[known[0]]}]"
            high, low = ((c, term) for c in (code, known[0]))
            if high in stack and low in stack:
                contrasts[title] = rows[stack.index(high)] - rows[stack.index(low)]
            else:
                absent[title] = f"one of the levels of {name} has no estimate of its own"
    matrix = np.array(list(contrasts.values()))

    def refit(keep: NDArray[np.bool_]) -> Floats:
        kept = {n for n, k in zip(panel.cluster_names, keep, strict=True) if k}
        values = [
            _refitted(fit, np.array([n in kept for n in fit.cluster_names]))
            for fit in fits.values()
        ]
        stacked = np.concatenate(values)
        return np.array([row[row != 0] @ stacked[row != 0] for row in matrix])

    influence = np.hstack([_spread(fit, panel) for fit in fits.values()]) @ matrix.T
    words = f"{first.convention}; all parameters by {name}, in one joint influence"
    notes = dict.fromkeys(
        f"{name}={label[code]}: {note}" for code, fit in fits.items() for note in fit.notes
    )
    return replace(
        first,
        terms=tuple(contrasts),
        theta=matrix @ np.concatenate([fit.theta for fit in fits.values()]),
        influence=influence,
        cluster_names=panel.cluster_names,
        n_obs=len(panel.y),
        n_patients=len(panel.unit_names),
        n_practices=panel.n_clusters,
        n_practices_treated=len(
            np.unique(panel.cluster[panel.first_treated <= panel.period.max()])
        ),
        refit=refit,
        absent=absent,
        convention=words,
        notes=(*panel.notes, *notes),
        details={**first.details, **level_details(panel, name)},
        exponentiated=frozenset(term for term in contrasts if term.startswith("ratio")),
    )


def _refitted(fit: Fit, keep: NDArray[np.bool_]) -> Floats:
    assert fit.refit is not None
    return fit.theta if keep.all() else fit.refit(keep)


def _spread(fit: Fit, panel: PanelData) -> Floats:
    """Return a level's influence on the rows of all practices (G x K), 0 where it has nobody."""
    place = {name: row for row, name in enumerate(panel.cluster_names)}
    out = np.zeros((panel.n_clusters, len(fit.terms)))
    out[[place[name] for name in fit.cluster_names]] = fit.influence
    return out
