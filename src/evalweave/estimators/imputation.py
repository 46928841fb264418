"""Borusyak–Jaravel–Spiess imputation: the untreated outcome of treated rows, predicted from
untreated rows.

Patient and period effects (and covariates) are fitted on untreated rows only; a treated row's
effect is its outcome less the prediction, tau_it; an average effect is theta = Σ w_it tau_it. It is
linear in the outcomes, theta = Σ v_it y_it, with v = w on treated rows and v = −Ω Z_0 (Z_0'Ω Z_0)⁻
Z_1'w on untreated ones, and a patient's influence is Σ_t v_it e_it. On untreated rows e is the
residual; on treated rows e_it = tau_it − tau̅, centred by cohort × period with weights v²
(conservative: heterogeneity within a cell counts as error). Patient effects are absorbed, so that
only a periods × periods system is solved.

Source: Borusyak, Jaravel & Spiess (2024), REStud 91(6), theorem 3 and section 4.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from evalweave.catalogue.calls import needs
from evalweave.catalogue.methods import UNIT_ERRORS
from evalweave.errors import DataError
from evalweave.estimators.adjustment import adjusted_details
from evalweave.estimators.cohort_effects import last_cohort_as_comparison
from evalweave.estimators.imputation_refit import Averages, Equations, averages, equations
from evalweave.estimators.imputation_rows import (
    NULL,
    Absorbed,
    Rows,
    absorb,
    split_rows,
    subset,
)
from evalweave.estimators.lost_cells import verdict
from evalweave.estimators.runs import factorized
from evalweave.fits.result import Fit, Floats, Ints, PanelData
from evalweave.study.analyses import AnalysisOptions

CONVENTION = (
    "patient and period effects from untreated rows; errors centred by cohort × period "
    "(conservative); leads by "
    "least squares on untreated rows"
)


def imputation(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Estimate `att`, `group[g]` and `event[e]`: e ≥ 0 by imputation, e below the reference as
    leads among untreated rows.

    With `anticipation` a, rows from a periods before the start count as treated; `att` averages
    rows from the start on. Treated rows of patients never seen untreated, or in periods without
    untreated rows, cannot be
    imputed: they are left out and counted.

    Raises:
        DataError: no untreated row, or no treated row that can be imputed.
    """
    panel, cut = last_cohort_as_comparison(panel, analysis.anticipation)
    rows = split_rows(panel, analysis)
    if not (~rows.treated).any():
        raise DataError(
            "panel: no row is untreated, so nothing tells what would have happened without "
            "treatment."
        )
    base = _fit_untreated(rows)
    x1, unit1 = rows.design(rows.treated), panel.unit[rows.treated]
    known = base.determined(x1, unit1)
    if not known.any():
        raise DataError(
            "panel: no treated row can be imputed. Imputation needs patients seen both before and "
            "after their "
            "start, and untreated patients in the same periods."
        )
    targets = _targets(rows, known, analysis.partial)
    terms, weights = targets.terms, targets.weights
    if not terms:
        raise DataError("; ".join(f"{term} {why}" for term, why in targets.absent.items()) + ".")
    by_person = needs(analysis, UNIT_ERRORS) and not panel.sections
    theta, influence, by_unit = _effects(rows, base, known, weights, by_person)
    lead_terms, lead_theta, lead_influence, lead_unit, absent = _leads(
        rows, analysis, units=by_person
    )
    unit_sums = np.hstack((by_unit, lead_unit)) if by_person else None
    convention = CONVENTION.replace("patient", "practice", 1) if panel.sections else CONVENTION
    adjusted = rows.adjusts.entered(rows.names)
    treated_clusters = np.unique(panel.cluster[rows.treated])
    return Fit(
        estimator="imputation",
        terms=(*terms, *lead_terms),
        theta=np.concatenate((theta, lead_theta)),
        influence=np.hstack((influence, lead_influence)),
        cluster_names=panel.cluster_names,
        n_obs=len(panel.y),
        n_patients=len(panel.unit_names),
        n_practices=panel.n_clusters,
        n_practices_treated=len(treated_clusters),
        unit_covariance=unit_sums.T @ unit_sums if unit_sums is not None else None,
        refit=_Refit(rows, analysis, base, known, weights, (*terms, *lead_terms), len(terms)),
        absent={**targets.absent, **absent},
        of_term=targets.of_term,
        convention=f"{convention}; adjusted for {', '.join(adjusted)}" if adjusted else convention,
        details=adjusted_details(rows.adjusts, adjusted),
        notes=(*panel.notes, *cut, *_not_imputed(known)),
    )


@dataclass(frozen=True, eq=False)
class _Refit:
    """The terms from the practices of a keep-mask (G), nan where lost; the first K are averages."""

    rows: Rows
    analysis: AnalysisOptions
    base: Absorbed
    known: NDArray[np.bool_]
    weights: list[Floats]
    terms: tuple[str, ...]
    k: int

    def __call__(self, keep: NDArray[np.bool_]) -> Floats:
        equations, averages, leads, places = self.sums
        b = equations.without(keep)
        later = leads.without(keep) if leads is not None else np.empty(0)
        if b is None or later is None:
            return _without_practices(self.rows, self.analysis, keep, self.terms)
        return np.concatenate((averages.without(keep, b), later[places]))

    @cached_property
    def sums(self) -> tuple[Equations, Averages, Equations | None, Ints]:
        """What is summed by practice: equations, averages, equations of the leads and where their
        terms stand."""
        rows, panel, free = self.rows, self.rows.panel, ~self.rows.treated
        g, of_unit, cluster = panel.n_clusters, _of_unit(panel), panel.cluster[free]
        y = panel.y[free]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.bincount(self.base.unit, self.base.weight * y, len(of_unit)) / self.base.total
        unit, x = panel.unit[rows.treated], rows.design(rows.treated)
        own = averages(self.base, x, unit, panel.y[rows.treated], mean, self.weights, of_unit, g)
        equation = equations(self.base, y, cluster, of_unit, g)
        if self.k == len(self.terms):
            return equation, own, None, np.empty(0, dtype=np.int64)
        events, fit = _lead_fit(rows, self.analysis)
        first = fit.x.shape[1] - len(events)
        named = [int(term[6:-1]) for term in self.terms[self.k :]]
        places = first + np.searchsorted(events, named)
        return equation, own, equations(fit, y, cluster, of_unit, g), places


def _without_practices(
    rows: Rows, analysis: AnalysisOptions, keep: NDArray[np.bool_], terms: tuple[str, ...]
) -> Floats:
    """Return `terms` re-estimated from the practices of the keep-mask (G), nan where lost."""
    part = subset(rows, keep[rows.panel.cluster])
    if not (~part.treated).any() or not part.treated.any():
        return np.full(len(terms), np.nan)
    values = dict.fromkeys(terms, np.nan)
    again = _fit_untreated(part)
    known = again.determined(part.design(part.treated), part.panel.unit[part.treated])
    if known.any():
        some = _targets(part, known, partial=True)
        points = _point(part, again, known, some.weights)
        values |= {t: v for t, v in zip(some.terms, points, strict=True) if t in values}
    names, estimates, *_ = _leads(part, analysis, influence=False)
    values |= dict(zip(names, estimates, strict=True))
    return np.array([values[term] for term in terms])


def _not_imputed(known: NDArray[np.bool_]) -> list[str]:
    """Return the note that counts the treated rows without a prediction, if there are any."""
    lost = int((~known).sum())
    if not lost:
        return []
    return [
        f"{lost} of {len(known)} treated rows cannot be imputed (the patient was never seen "
        "untreated, or "
        "nobody is untreated in that period) and are left out."
    ]


def _fit_untreated(rows: Rows) -> Absorbed:
    free = ~rows.treated
    panel = rows.panel
    return absorb(rows.design(free), panel.unit[free], panel.weight[free], len(panel.unit_names))


@dataclass(frozen=True)
class Targets:
    """The averages: terms, their weights on the treated rows (summing to one), and what is lost."""

    terms: tuple[str, ...]
    weights: list[Floats]
    absent: dict[str, str]
    of_term: dict[str, str]


def _targets(rows: Rows, known: NDArray[np.bool_], partial: bool) -> Targets:
    """Return `att`, `event[e]` and `group[g]` over the treated rows that can be imputed.

    A cell is a cohort in a period. Single rows that cannot be imputed (patients never seen
    untreated) are left out and counted; a cell that is lost as a whole is judged by `lost_cells`.
    Cohorts treated from the first period on were never seen untreated and belong to no average.
    """
    panel = rows.panel
    weight, size = panel.weight[rows.treated], len(rows.periods)
    starts, cell = _cells(rows)
    places = np.flatnonzero(np.bincount(cell))  # the cells that occur
    start, period = starts[places // size], rows.periods[places % size]
    event = period - start
    reach = rows.periods[0] + rows.anticipation
    masks = {"att": (event >= 0) & (start > reach)}
    masks |= {f"event[{int(e)}]": (event == e) & (start > reach) for e in np.unique(event)}
    inside = np.unique(start[masks["att"]])
    masks |= {f"group[{int(g)}]": masks["att"] & (start == g) for g in inside}
    names = [f"att_gt[{g:.0f},{t:.0f}]" for g, t in zip(start, period, strict=True)]
    whole = np.bincount(cell, weight)[places]
    left = np.bincount(cell, np.where(known, weight, 0.0))[places]
    made = Targets((), [], {}, {})
    terms: list[str] = []
    for term, members in masks.items():
        of = np.flatnonzero(members)
        if not len(of):
            continue
        gone = [k for k in of if not left[k] > 0]
        share = float(whole[gone].sum() / whole[of].sum())
        judged = verdict([names[k] for k in of], [names[k] for k in gone], share, partial)
        if not judged.stands:
            made.absent[term] = judged.words
            continue
        if judged.words:
            made.of_term[term] = judged.words
        table = np.zeros(int(places[-1]) + 1, dtype=bool)
        table[places[of]] = True
        own = np.where(table[cell] & known, weight, 0.0)
        terms.append(term)
        made.weights.append(own / own.sum())
    return Targets(tuple(terms), made.weights, made.absent, made.of_term)


def _cells(rows: Rows) -> tuple[Floats, Ints]:
    """Return the starts, in order, and each treated row's cell: start x periods + period."""
    codes, values = factorized(rows.panel.first_treated[rows.treated])
    order = np.argsort(values)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    period = np.searchsorted(rows.periods, rows.panel.period[rows.treated])
    return values[order], place[codes] * len(rows.periods) + period


def _point(rows: Rows, base: Absorbed, known: NDArray[np.bool_], weights: list[Floats]) -> Floats:
    tau = _individual(rows, base, known)[0]
    return np.array([float(w @ tau) for w in weights])


def _individual(rows: Rows, base: Absorbed, known: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """tau of the treated rows (0 where unknown) and residuals of the untreated ones."""
    panel = rows.panel
    free = ~rows.treated
    b, effect = base.solve(panel.y[free])
    tau = panel.y[rows.treated] - rows.design(rows.treated) @ b - effect[panel.unit[rows.treated]]
    return np.where(known, tau, 0.0), panel.y[free] - base.x @ b - effect[base.unit]


def _effects(
    rows: Rows, base: Absorbed, known: NDArray[np.bool_], weights: list[Floats], units: bool
) -> tuple[Floats, Floats, Floats]:
    """Estimates, influence by practice (G × K) and, if asked, by patient (n × K)."""
    panel = rows.panel
    tau, residual = _individual(rows, base, known)
    x1, unit1 = rows.design(rows.treated), panel.unit[rows.treated]
    cluster1, g = panel.cluster[rows.treated], panel.n_clusters
    starts, cell = _cells(rows)
    n_cells, n_units = len(starts) * len(rows.periods), len(panel.unit_names)
    inverse_total = np.divide(1.0, base.total, out=np.zeros(n_units), where=base.total > 0)
    theta = np.array([float(w @ tau) for w in weights])
    influence = np.empty((g, len(weights)))
    by_unit = np.empty((n_units if units else 0, len(weights)))
    error = base.weight * residual
    sums = _Sums.of(base, error, _of_unit(panel), g, units)
    for k, w in enumerate(weights):
        some = np.flatnonzero(w)
        few, own_cell = w[some], cell[some]
        own = np.bincount(unit1[some], few, n_units)
        slope = base.inverse @ (x1.T @ w - base.sums.T @ (own * inverse_total))
        level = (own - base.sums @ slope) * inverse_total
        square = np.bincount(own_cell, few * few, n_cells)
        mean = np.bincount(own_cell, few * few * tau[some], n_cells) / np.where(
            square > 0, square, 1.0
        )
        treated = few * (tau[some] - mean[own_cell])
        influence[:, k] = np.bincount(cluster1[some], treated, g) - sums.by_practice(level, slope)
        if units:
            by_unit[:, k] = np.bincount(unit1[some], treated, n_units) - sums.by_unit(level, slope)
    return theta, influence, by_unit


@dataclass(frozen=True)
class _Sums:
    """Weighted errors of rows with a design x, summed to practices and units: what influence of
    the form (level of the unit + x slope) x error adds up to."""

    of_unit: Ints
    g: int
    errors: Floats  # n
    crossed: Floats  # x'error by practice, G x P
    crossed_units: Any  # and by unit, n x P; None unless asked for

    @classmethod
    def of(cls, base: Absorbed, error: Floats, of_unit: Ints, g: int, units: bool) -> _Sums:
        n, rows = len(of_unit), np.arange(len(error))
        practice = sparse.csr_matrix((error, (of_unit[base.unit], rows)), shape=(g, len(error)))
        unit = sparse.csr_matrix((error, (base.unit, rows)), shape=(n, len(error)))
        return cls(
            of_unit,
            g,
            np.bincount(base.unit, error, n).astype(np.float64),
            (practice @ base.x).toarray(),
            unit @ base.x if units else None,
        )

    def by_practice(self, level: Floats, slope: Floats) -> Floats:
        own = np.bincount(self.of_unit, level * self.errors, self.g)
        return np.asarray(own + self.crossed @ slope)

    def by_unit(self, level: Floats, slope: Floats) -> Floats:
        return np.asarray(level * self.errors + self.crossed_units @ slope)


def _of_unit(panel: PanelData) -> Ints:
    """Return the practice of each unit (n)."""
    practice = np.zeros(len(panel.unit_names), dtype=np.int64)
    practice[panel.unit] = panel.cluster
    return practice


def _lead_fit(rows: Rows, analysis: AnalysisOptions) -> tuple[Floats, Any]:
    """Return the leads and the least squares of the untreated rows with their dummies; no leads
    where there is no reference."""
    panel, free = rows.panel, ~rows.treated
    events = np.unique(rows.event[free & np.isfinite(rows.event)])
    reference = min(analysis.reference, -1 - analysis.anticipation)
    leads = events[events != reference]
    if not len(leads) or reference not in events:
        return np.empty(0), None
    x = rows.design(free, leads)
    return leads, absorb(x, panel.unit[free], panel.weight[free], len(panel.unit_names))


def _leads(
    rows: Rows, analysis: AnalysisOptions, influence: bool = True, units: bool = False
) -> tuple[tuple[str, ...], Floats, Floats, Floats, dict[str, str]]:
    """Leads against the reference period, by least squares on the untreated rows (a test of the
    model)."""
    panel, free = rows.panel, ~rows.treated
    n_units = len(panel.unit_names)
    empty = (
        np.empty(0),
        np.empty((panel.n_clusters, 0)),
        np.empty((n_units if units else 0, 0)),
    )
    leads, fit = _lead_fit(rows, analysis)
    if not len(leads) or fit is None:
        return (), *empty, {}
    first = fit.x.shape[1] - len(leads)
    b, effect = fit.solve(panel.y[free])
    fixed = (np.abs(fit.null[first:]) < np.sqrt(NULL)).all(axis=1)
    absent = {
        f"event[{int(e)}]": "leads are not determined without never-treated patients or with these "
        "covariates"
        for e, ok in zip(leads, fixed, strict=True)
        if not ok
    }
    keep = np.flatnonzero(fixed)
    terms = tuple(f"event[{int(leads[k])}]" for k in keep)
    if not influence:
        return terms, b[first + keep], empty[1], empty[2], absent
    score = fit.weight * (panel.y[free] - fit.x @ b - effect[fit.unit])
    by_practice = np.zeros((panel.n_clusters, len(keep)))
    by_unit = np.zeros((n_units if units else 0, len(keep)))
    sums = _Sums.of(fit, score, _of_unit(panel), panel.n_clusters, units)
    inverse_total = np.divide(1.0, fit.total, out=np.zeros(n_units), where=fit.total > 0)
    for k, column in enumerate(first + keep):
        slope = fit.inverse[:, column]
        level = -(fit.sums @ slope) * inverse_total
        by_practice[:, k] = sums.by_practice(level, slope)
        if units:
            by_unit[:, k] = sums.by_unit(level, slope)
    return terms, b[first + keep], by_practice, by_unit, absent
