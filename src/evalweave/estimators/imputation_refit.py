"""Imputation without some practices, from sums by practice.

Patient effects are nested in practices, so the normal equations of the untreated rows are sums over
practices, and so are the averages of treated rows once patients' means are taken out:

    S = sum_g S_g,  q = sum_g q_g,  b = S^- q,
    theta_k = sum_g (Y_gk - X_gk b) / sum_g W_gk,

with W, Y and X the weights, outcomes and designs of the treated rows of average k, both less the
patient's weighted untreated mean. Leaving practices out costs one P x P decomposition. Where fewer
rows determine fewer effects than all do, other rows can be imputed and nothing is returned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from evalweave.estimators.imputation_rows import NULL, Absorbed
from evalweave.fits.result import Floats, Ints


@dataclass(frozen=True)
class Equations:
    """Normal equations by practice: S (G x P x P), q (G x P), and the rank of their sum."""

    square: Floats
    product: Floats
    rank: int

    def without(self, keep: NDArray[np.bool_]) -> Floats | None:
        """Return the coefficients (P) of the practices of the keep-mask (G); None where they
        determine fewer of them."""
        values, vectors = np.linalg.eigh(self.square[keep].sum(axis=0))
        full = values > NULL * max(float(values[-1]), 1e-300)
        if int(full.sum()) != self.rank:
            return None
        inverse = (vectors[:, full] / values[full]) @ vectors[:, full].T
        return np.asarray(inverse @ self.product[keep].sum(axis=0))


@dataclass(frozen=True)
class Averages:
    """Treated rows by practice and average: W, Y (G x K) and X (G x K x P)."""

    weight: Floats
    outcome: Floats
    design: Floats

    def without(self, keep: NDArray[np.bool_], b: Floats) -> Floats:
        """Return the averages (K) at coefficients `b`, nan where no row is left."""
        weight = self.weight[keep].sum(axis=0)
        total = self.outcome[keep].sum(axis=0) - self.design[keep].sum(axis=0) @ b
        return np.divide(total, weight, out=np.full(len(weight), np.nan), where=weight > 0)


def equations(base: Absorbed, y: Floats, cluster: Ints, of_unit: Ints, g: int) -> Equations:
    """Return the equations of the untreated rows; `cluster` of the rows, `of_unit` of the units."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(base.unit, base.weight * y, len(base.total)) / base.total
        inverse_total = np.where(base.total > 0, 1 / base.total, 0.0)
    score = base.weight * (y - mean[base.unit])
    order, units = np.argsort(cluster, kind="stable"), np.argsort(of_unit, kind="stable")
    at = np.searchsorted(cluster[order], np.arange(g + 1))
    unit_at = np.searchsorted(of_unit[units], np.arange(g + 1))
    x, sums = base.x[order], base.sums[units]
    weight, score, inverse_total = base.weight[order], score[order], inverse_total[units]
    p = base.x.shape[1]
    square, product = np.empty((g, p, p)), np.empty((g, p))
    for practice in range(g):
        rows = slice(at[practice], at[practice + 1])
        own = slice(unit_at[practice], unit_at[practice + 1])
        part, total = x[rows], sums[own]
        square[practice] = (
            part.T @ sparse.diags(weight[rows]) @ part
            - total.T @ sparse.diags(inverse_total[own]) @ total
        ).toarray()
        product[practice] = part.T @ score[rows]
    return Equations(square, product, p - base.null.shape[1])


def averages(
    base: Absorbed,
    x: sparse.csr_matrix,
    unit: Ints,
    y: Floats,
    mean: Floats,
    weights: list[Floats],
    of_unit: Ints,
    g: int,
) -> Averages:
    """Return the sums of treated rows (design x, unit, outcome y); `mean` of the units' untreated
    outcomes, `weights` of the K averages on the rows."""
    cluster, n, p = of_unit[unit], len(of_unit), x.shape[1]
    inverse_total = np.divide(1.0, base.total, out=np.zeros(n), where=base.total > 0)
    change = np.nan_to_num(y - mean[unit])
    weight, outcome = np.empty((g, len(weights))), np.empty((g, len(weights)))
    design = np.empty((g, len(weights), p))
    for k, w in enumerate(weights):
        some = np.flatnonzero(w)
        own = np.bincount(unit[some], w[some], n)
        weight[:, k] = np.bincount(cluster[some], w[some], g)
        outcome[:, k] = np.bincount(cluster[some], w[some] * change[some], g)
        by_row = sparse.csr_matrix((w[some], (cluster[some], some)), shape=(g, len(w)))
        by_unit = sparse.csr_matrix((own * inverse_total, (of_unit, np.arange(n))), shape=(g, n))
        design[:, k] = (by_row @ x).toarray() - (by_unit @ base.sums).toarray()
    return Averages(weight, outcome, design)
