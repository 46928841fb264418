"""The level at which the programme was given out: clusters of the panel, and strata of them.

Errors belong at the level of treatment assignment (Abadie, Athey, Imbens & Wooldridge 2023, QJE
138(1)). Where one area alone has the programme there is no variation at that level to learn from:
the clusters stay practices, which assumes that areas have no shocks of their own over time
(Donald & Lang 2007, REStat 89(2)).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from evalweave.estimators.panel_columns import Problems, check_present
from evalweave.estimators.panel_identity import identifiers, levels
from evalweave.fits.result import Allocated, Fit, Ints, PanelData
from evalweave.study.allocation import Allocation
from evalweave.study.analyses import Columns


def allocated(
    panel: PanelData,
    frame: pd.DataFrame,
    columns: Columns,
    allocation: Allocation | None,
    area: str | None,
    file: str,
) -> PanelData:
    """Return the panel with what is known of the allocation; its clusters are areas where whole
    areas were allocated and each arm has several of them.

    `area` is a column to look at although nothing is declared.

    Raises:
        DataError: where a column is missing, blank for a practice, or changes within one.
    """
    if allocation is None:
        return panel if area is None else _looked_at(panel, frame, columns, area, file)
    problems = Problems(file)
    check_present(frame, allocation.columns(), problems)
    problems.raise_all()
    by_cluster = {
        name: _of_clusters(frame, columns, name, panel, problems) for name in allocation.columns()
    }
    problems.raise_all()
    strata = _combined([by_cluster[name] for name in allocation.restrict])
    if allocation.level == "practice":
        return replace(panel, allocated=_counted(panel, None, "practice", strata, True))
    areas = _combined([by_cluster[allocation.area]])
    assert areas is not None
    known = _counted(panel, areas, "area", strata, True)
    if known.alone:
        return replace(panel, allocated=known)
    if strata is not None:
        strata = _of_areas(areas, strata, allocation, problems)
        problems.raise_all()
    names = tuple(f"{allocation.area} {code}" for code in range(int(areas.max()) + 1))
    return replace(
        panel,
        cluster=areas[panel.cluster],
        cluster_names=names,
        allocated=replace(known, clusters="area", strata=strata),
    )


def _looked_at(
    panel: PanelData, frame: pd.DataFrame, columns: Columns, area: str, file: str
) -> PanelData:
    """Return the panel with the areas counted, where every practice has one."""
    problems = Problems(file)
    areas = _of_clusters(frame, columns, area, panel, problems)
    if problems.faults:
        return panel
    return replace(panel, allocated=_counted(panel, areas, "practice", None, False))


def _of_clusters(
    frame: pd.DataFrame, columns: Columns, name: str, panel: PanelData, problems: Problems
) -> Ints:
    """Return the code of a column's value for each cluster of the panel (G)."""
    key = columns.cluster or columns.owner
    pairs = frame.loc[frame[key].notna(), list(dict.fromkeys((key, name)))].drop_duplicates()
    cluster, cluster_names = identifiers(pairs[key], key, problems)
    value, _ = levels(pairs[name])
    place = {cluster_name: g for g, cluster_name in enumerate(panel.cluster_names)}
    at = np.array([place.get(cluster_name, -1) for cluster_name in cluster_names])[cluster]
    value, at = value[(at >= 0) & (value >= 0)], at[(at >= 0) & (value >= 0)]
    several = len(np.unique(np.column_stack((at, value)), axis=0)) - len(np.unique(at))
    if several:
        problems.add(f"{key} with more than one {name} ({several})", f"one {name} each", name)
    codes = np.full(panel.n_clusters, -1, dtype=np.int64)
    codes[at] = value
    if (codes < 0).any():
        without = int((codes < 0).sum())
        problems.add(f"{without} {key} without {name}", f"{name} for every {key}", name)
    return codes


def _combined(columns: list[Ints]) -> Ints | None:
    """Return one code for each combination of values (G), None without columns."""
    if not columns:
        return None
    _, codes = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    return codes.ravel().astype(np.int64)


def _of_areas(areas: Ints, strata: Ints, allocation: Allocation, problems: Problems) -> Ints:
    """Return each area's stratum."""
    codes = np.zeros(int(areas.max()) + 1, dtype=np.int64)
    codes[areas] = strata
    wrong = len(np.unique(areas[codes[areas] != strata]))
    if wrong:
        problems.add(
            f"{wrong} areas with practices in several strata",
            "whole areas within one stratum, since they were allocated",
            ", ".join(allocation.restrict),
        )
    return codes


def _counted(
    panel: PanelData, areas: Ints | None, level: str, strata: Ints | None, declared: bool
) -> Allocated:
    """Return the counts of practices and areas by arm."""
    treated = np.isfinite(panel.first_treated)
    has = np.bincount(panel.cluster, treated, panel.n_clusters) > 0
    lacks = np.bincount(panel.cluster, ~treated, panel.n_clusters) > 0
    known = Allocated(level, panel.n_clusters, int(has.sum()), strata=strata, declared=declared)
    if areas is None:
        return known
    area_has, area_lacks = np.bincount(areas, has) > 0, np.bincount(areas, lacks) > 0
    return replace(
        known,
        areas_with=int((area_has & ~area_lacks).sum()),
        areas_without=int((area_lacks & ~area_has).sum()),
        areas_mixed=int((area_has & area_lacks).sum()),
    )


def by_level(panel: PanelData, fit: Fit) -> Fit:
    """Return `fit` with the numbers of practices and words for it where its clusters are areas,
    and with one person a row where nobody is followed."""
    if panel.sections and fit.own is None:
        fit = replace(fit, n_patients=fit.n_obs)
    known = panel.allocated
    if known is None or known.clusters == "practice":
        return fit
    return replace(
        fit,
        n_practices=known.practices,
        n_practices_treated=known.practices_treated,
        convention=f"{fit.convention}; clusters are areas, to which the programme was given",
        beside=tuple(by_level(panel, one) if one.own is None else one for one in fit.beside),
    )
