"""Least squares without patient effects, from explicit columns: for designs whose rows are few or
pooled."""

from __future__ import annotations

import numpy as np

from evalweave.errors import DataError
from evalweave.fits.result import Fit, Floats, Ints, LeastSquares


def plain_fit(
    columns: dict[str, Floats], y: Floats, weight: Floats, cluster: Ints, tested: str, like: Fit
) -> Fit:
    """Return the fit of y on `columns` (name -> N values) as a fit of the one term `tested`.

    `like` gives estimator, clusters, counts, convention and notes. `cluster` codes run over its
    clusters.

    Raises:
        DataError: if the tested column is a combination of the others.
    """
    names = [tested, *(name for name in columns if name != tested)]
    x = np.column_stack([columns[name] for name in names])
    names, x = _independent(names, x, weight)
    if not names or names[0] != tested:
        raise DataError(
            f"{tested} cannot be told apart from the other columns: an arm or a side of the start "
            "is empty."
        )
    scaled = x * weight[:, None]
    xx, xy = x.T @ scaled, scaled.T @ y
    beta = np.linalg.solve(xx, xy)
    g, p = len(like.cluster_names), len(names)
    order = np.argsort(cluster, kind="stable")
    bounds = np.searchsorted(cluster[order], np.arange(g + 1))
    by_xx, by_xy, by_yy = np.zeros((g, p, p)), np.zeros((g, p)), np.zeros(g)
    for item in range(g):
        rows = order[bounds[item] : bounds[item + 1]]
        by_xx[item] = x[rows].T @ scaled[rows]
        by_xy[item] = scaled[rows].T @ y[rows]
        by_yy[item] = (y[rows] ** 2 * weight[rows]).sum()
    bread = np.linalg.inv(xx)
    residual = (y - x @ beta) * weight
    ls = LeastSquares(by_xx, by_xy, by_yy, tuple(names), len(y), p)
    influence = (by_xy - by_xx @ beta) @ bread[:, :1]
    return Fit(
        estimator=like.estimator,
        terms=(tested,),
        theta=np.asarray(beta[:1], dtype=np.float64),
        influence=influence,
        cluster_names=like.cluster_names,
        n_obs=like.n_obs,
        n_patients=like.n_patients,
        n_practices=like.n_practices,
        n_practices_treated=like.n_practices_treated,
        unit_covariance=None,
        least_squares=ls,
        contrast=np.eye(1, p),
        convention=like.convention,
        notes=like.notes,
        details={"residual_sd": float(residual.std())},
    )


def _independent(names: list[str], x: Floats, weight: Floats) -> tuple[list[str], Floats]:
    """Return the columns that others (nuisance columns first) do not determine."""
    root = np.sqrt(weight)[:, None]
    order = [*range(1, len(names)), 0]
    independent: list[int] = []
    basis = np.zeros((len(x), 0))
    for j in order:
        column = x[:, j : j + 1] * root
        size = float(np.linalg.norm(column))
        left = column - basis @ (basis.T @ column)
        left = left - basis @ (basis.T @ left)
        rest = float(np.linalg.norm(left))
        if size > 0 and rest > 1e-7 * size:
            basis = np.hstack((basis, left / rest))
            independent.append(j)
    independent.sort()
    return [names[j] for j in independent], x[:, independent]
