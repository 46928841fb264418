"""The rows of a panel split into treated and untreated, and weighted least squares on them with the
patient effects absorbed: what imputation is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from evalweave.estimators.adjustment import TIMES, Adjustment, adjustment, standardised
from evalweave.fits.result import Floats, Ints, PanelData
from evalweave.study.analyses import AnalysisOptions

# relative size below which an eigenvalue, or what a row has of a null direction, counts as zero
NULL = 1e-9


@dataclass(frozen=True)
class Absorbed:
    """Weighted least squares of y on X (rows × P, sparse) and patient effects, by absorbing the
    patients.

    S = X'ΩX − A'N⁻¹A with A the patients' weighted sums of X and N their summed weights; `null`
    spans the directions of the P coefficients that the rows do not determine (periods have at least
    one).
    """

    x: Any
    unit: Ints
    weight: Floats
    total: Floats
    sums: Any
    inverse: Floats
    null: Floats

    def solve(self, y: Floats) -> tuple[Floats, Floats]:
        """Return the P coefficients and the patient effects (nan without an untreated row)."""
        own = np.bincount(self.unit, self.weight * y, len(self.total))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = own / self.total
        b = self.inverse @ (self.x.T @ (self.weight * (y - mean[self.unit])))
        with np.errstate(invalid="ignore", divide="ignore"):
            return b, (own - self.sums @ b) / self.total

    def determined(self, x: Any, unit: Ints) -> NDArray[np.bool_]:
        """Which further rows have a prediction: a patient with untreated rows and estimable
        effects."""
        known = self.total[unit] > 0
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (self.sums @ self.null) / self.total[:, None]
        stray = np.abs(x @ self.null - mean[unit]).max(axis=1, initial=0.0)
        return known & (np.nan_to_num(stray, nan=np.inf) < np.sqrt(NULL))


def absorb(x: Any, unit: Ints, weight: Floats, n_units: int) -> Absorbed:
    total = np.bincount(unit, weight, n_units).astype(np.float64)
    by_unit = sparse.csr_matrix((weight, (unit, np.arange(len(unit)))), shape=(n_units, len(unit)))
    sums = (by_unit @ x).tocsr()
    inverse_total = np.divide(1.0, total, out=np.zeros(n_units), where=total > 0)
    square = (
        x.T @ sparse.diags(weight) @ x - sums.T @ sparse.diags(inverse_total) @ sums
    ).toarray()
    values, vectors = np.linalg.eigh(square)
    full = values > NULL * max(float(values[-1]), 1e-300)
    inverse = (vectors[:, full] / values[full]) @ vectors[:, full].T
    return Absorbed(x, unit, weight, total, sums, inverse, vectors[:, ~full])


@dataclass(frozen=True)
class Rows:
    """The panel's rows, split by treatment; `treated_from` is the start less the anticipation."""

    panel: PanelData
    covariates: Floats
    steady: Floats
    names: tuple[str, ...]
    periods: Ints
    event: Floats
    treated: NDArray[np.bool_]
    adjusts: Adjustment
    anticipation: int

    def design(self, rows: NDArray[np.bool_], leads: Ints | None = None) -> Any:
        """Period dummies, covariates and, if asked, dummies of the leads (sparse, rows × P)."""
        at = np.searchsorted(self.periods, self.panel.period[rows])
        parts = [_dummies(at, len(self.periods))]
        if self.covariates.shape[1]:
            parts.append(sparse.csr_matrix(self.covariates[rows]))
        later = np.flatnonzero(at > 0)
        for values in self.steady.T:  # a fixed covariate in each period but the first
            cells = (values[rows][later], (later, at[later] - 1))
            parts.append(sparse.csr_matrix(cells, shape=(len(at), len(self.periods) - 1)))
        if leads is not None:
            event = self.event[rows]
            code = np.clip(np.searchsorted(leads, event), 0, max(len(leads) - 1, 0))
            parts.append(_dummies(np.where(leads[code] == event, code, -1), len(leads)))
        return sparse.hstack(parts, format="csr")


def split_rows(panel: PanelData, analysis: AnalysisOptions) -> Rows:
    event = panel.period - panel.first_treated
    adjusts = adjustment(panel)
    columns = [standardised(values) for values in adjusts.columns.values()]
    steady = list(adjusts.steady.values())
    names = [name for name, values in adjusts.columns.items() if values.std() > 0]
    for own in adjusts.of.values():
        column = own[0].rsplit(TIMES, 1)[0] if own else ""
        names += own if column in adjusts.steady and adjusts.steady[column].any() else ()
    return Rows(
        panel=panel,
        covariates=np.column_stack(columns) if columns else np.empty((len(panel.y), 0)),
        steady=np.column_stack(steady) if steady else np.empty((len(panel.y), 0)),
        names=tuple(names),
        adjusts=adjusts,
        anticipation=analysis.anticipation,
        periods=np.unique(panel.period),
        event=event,
        treated=event >= -analysis.anticipation,
    )


def subset(rows: Rows, inside: NDArray[np.bool_]) -> Rows:
    panel = rows.panel
    part = PanelData(
        unit=panel.unit[inside],
        period=panel.period[inside],
        cluster=panel.cluster[inside],
        y=panel.y[inside],
        first_treated=panel.first_treated[inside],
        weight=panel.weight[inside],
        unit_names=panel.unit_names,
        cluster_names=panel.cluster_names,
    )
    return Rows(
        part,
        rows.covariates[inside],
        rows.steady[inside],
        rows.names,
        rows.periods,
        rows.event[inside],
        rows.treated[inside],
        rows.adjusts,
        rows.anticipation,
    )


def _dummies(code: Ints, size: int) -> Any:
    """Sparse indicator columns; code −1 is a row of zeros."""
    rows = np.flatnonzero(code >= 0)
    return sparse.csr_matrix((np.ones(len(rows)), (rows, code[rows])), shape=(len(code), size))
