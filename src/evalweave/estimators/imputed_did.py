"""Difference in differences with multiple imputation of those who were not measured.

Rows with a blank outcome are person-periods in follow-up without a measurement. Their values are
drawn m times by chained equations within each start (`chained`: all other periods, covariates and
practice effects), which hold everything that the analysis holds: start, period, practice. Each
completed panel is estimated by means by start and period (`start_means`), with and without each
practice; `inference: rubin` joins the two kinds of error. It is right where being measured does not
depend on the present value once the other values are known.

Delta adjustment (Carpenter & Kenward 2013, section 10): imputed values of an arm and period are
moved by delta, which moves the estimate by delta times the share that they hold in it. Nothing is
drawn again for that.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalweave.errors import DataError
from evalweave.estimators.chained import People, imputed
from evalweave.estimators.delta import delta_table
from evalweave.estimators.moments import unit_starts
from evalweave.estimators.start_means import Cells, Sums, cells_of, divided
from evalweave.estimators.treatment import check_treated
from evalweave.fits.result import Fit, Floats, Imputations, PanelData
from evalweave.study.analyses import AnalysisOptions


def imputed_did(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att` from completed panels, and `att_unweighted` from those measured as they are.

    Raises:
        DataError: where nobody was missed, or an arm was not measured before and after the start.
    """
    check_treated(panel)
    measured = ~np.isnan(panel.y)
    if measured.all():
        raise DataError(
            "Every row has an outcome: there is nothing to impute. imputed_did needs a row, with "
            "a blank outcome, for each person-period in follow-up without a measurement."
        )
    cells = cells_of(panel)
    values = _completed(panel, cells, measured, analysis)
    sums = Sums.of(panel, cells, measured)
    every = sums.loadings(np.zeros(panel.n_clusters, dtype=bool))
    if every is None:
        raise DataError("No practice with the programme was measured both before and after it.")
    alone = [sums.loadings(np.arange(panel.n_clusters) == g) for g in range(panel.n_clusters)]
    theta, without = _estimates(sums, values, every, alone)
    plain, plain_without = _estimates(
        replace(sums, weight=sums.measured), np.where(measured, panel.y, 0.0)[None], every, alone
    )
    draws = Imputations(
        np.column_stack((theta, np.repeat(plain, len(theta)))),
        np.stack((without, np.repeat(plain_without, len(theta), axis=0)), axis=2),
        panel.n_clusters - 1,
    )
    ever = np.bincount(panel.cluster, panel.first_treated <= panel.period.max())
    mean = draws.theta.mean(axis=0)
    lost = int((np.isnan(values[0])).sum())
    return Fit(
        estimator=analysis.estimator,
        terms=("att", "att_unweighted"),
        theta=mean,
        influence=np.nan_to_num(mean - draws.without.mean(axis=0)),
        cluster_names=panel.cluster_names,
        n_obs=int(measured.sum()),
        n_patients=len(panel.unit_names),
        n_practices=panel.n_clusters,
        n_practices_treated=int((ever > 0).sum()),
        refit=lambda keep: _refit(sums, values, plain, draws, keep, panel, measured),
        imputations=draws,
        convention=f"means by start and period of completed panels, {analysis.imputations} "
        f"imputations by chained equations within start with practice effects, "
        f"{analysis.rounds} rounds, seed {analysis.seed}; weighted by people followed",
        notes=(*panel.notes, *_lost_notes(lost)),
        details={
            "imputed_share": float((~measured).mean()),
            "delta": delta_table(sums, draws, every, alone, panel, measured, analysis.level),
        },
    )


def _completed(
    panel: PanelData, cells: Cells, measured: NDArray[np.bool_], analysis: AnalysisOptions
) -> Floats:
    """Return m columns of completed outcomes (m x N); nan where nobody of a start was measured in a
    period."""
    first = unit_starts(panel)
    of_unit = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(panel.y))))
    place = cells.period[cells.of_row]
    table = np.full((len(first), int(place.max()) + 1), np.nan)
    table[of_unit[measured], place[measured]] = panel.y[measured]
    fixed = [panel.covariates[name][first] for own in panel.stands_for.values() for name in own]
    standard = [(x - x.mean()) / (x.std() or 1.0) for x in fixed]
    x = np.column_stack(standard) if standard else np.empty((len(first), 0))
    start = cells.start[cells.of_row[first]]
    values = np.empty((analysis.imputations, len(panel.y)))
    streams = np.random.SeedSequence(analysis.seed).spawn(int(start.max()) + 1)
    for number, stream in enumerate(streams):
        units = np.flatnonzero(start == number)
        names, practice = np.unique(panel.cluster[first[units]], return_inverse=True)
        people = People(table[units], x[units], practice.ravel(), len(names))
        random = np.random.default_rng(stream)
        if np.isnan(people.values).all():
            raise DataError("Nobody of the practices with one of the starts was ever measured.")
        whole = imputed(people, analysis.imputations, analysis.rounds, random)
        rows = np.flatnonzero(start[of_unit] == number)
        values[:, rows] = whole[:, np.searchsorted(units, of_unit[rows]), place[rows]]
    return values


def _estimates(
    sums: Sums, values: Floats, every: Floats, alone: list[Floats | None]
) -> tuple[Floats, Floats]:
    """Return tau of each column of outcomes (m), and without each practice (m x G)."""
    g = len(sums.weight)
    theta, without = np.empty(len(values)), np.full((len(values), g), np.nan)
    total = sums.weight.sum(axis=0)
    for draw, value in enumerate(values):
        y = sums.by_practice(np.nan_to_num(value))
        whole = y.sum(axis=0)
        theta[draw] = every @ np.nan_to_num(divided(whole, total))
        for practice, weights in enumerate(alone):
            if weights is not None:
                mean = divided(whole - y[practice], total - sums.weight[practice])
                without[draw, practice] = weights @ np.nan_to_num(mean)
    return theta, without


def _refit(
    sums: Sums,
    values: Floats,
    plain: Floats,
    draws: Imputations,
    keep: NDArray[np.bool_],
    panel: PanelData,
    measured: NDArray[np.bool_],
) -> Floats:
    """Return the estimates from some practices, given what was imputed."""
    left_out = np.flatnonzero(~keep)
    if len(left_out) == 1:
        return np.asarray(draws.without[:, left_out[0]].mean(axis=0))
    weights = sums.loadings(~keep)
    if weights is None:
        return np.full(2, np.nan)
    found = []
    for base, columns in (
        (sums.weight, values),
        (sums.measured, np.where(measured, panel.y, 0.0)[None]),
    ):
        total = base[keep].sum(axis=0)
        means = [
            divided(sums.by_practice(np.nan_to_num(v))[keep].sum(axis=0), total) for v in columns
        ]
        found.append(float(np.mean([weights @ np.nan_to_num(mean) for mean in means])))
    return np.array(found)


def _lost_notes(lost: int) -> list[str]:
    if not lost:
        return []
    return [
        f"{lost} person-periods were left out: nobody of the practices with their start was "
        "measured in the period, so that there is nothing to impute from."
    ]
