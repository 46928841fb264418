"""How far may trends differ before the conclusion changes: the bounds of Rambachan and Roth.

An event study with leads and lags around the reference −1 has theta = tau + delta, delta the
difference in trends. `relative`: no change of delta between two periods after the start exceeds M
times the largest one before it. `smoothness`: the slope of delta changes by at most M from one
period to the next. For each M a confidence interval of the effect that is valid for every such
delta.

`relative` uses the conditional least-favourable hybrid (C-LF), `smoothness` the shortest
fixed-length interval (FLCI), as the R package HonestDiD does by default; see `honest_moments` and
`honest_flci`.
Source: Rambachan & Roth (2023), REStud 90(5); Andrews, Roth & Pakes (2023), REStud 90(6).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from evalweave.diagnostics.honest_flci import fixed_length_interval
from evalweave.diagnostics.honest_moments import Grid, hybrid_interval
from evalweave.errors import DataError
from evalweave.fits.result import Floats

Target = Literal["first", "average"]
Kind = Literal["relative", "smoothness"]
Method = Literal["c_lf", "conditional", "flci"]
RELATIVE = (0.5, 1.0, 1.5, 2.0)
WIDEST = 64.0  # the largest M that a breakdown value is looked for at
GRID_POINTS = 1000  # the R package's grid: points over ±20 standard errors
GRID_ERRORS = 20.0


def honest_did(
    theta_leads_lags: Floats,
    covariance: Floats,
    n_pre: int,
    n_post: int,
    target: Target = "first",
    kind: Kind = "relative",
    grid: Sequence[float] | None = None,
    level: float = 0.95,
    method: Method | None = None,
    dof: float = np.inf,
) -> pd.DataFrame:
    """Return the interval of the target for each M.

    Args:
        theta_leads_lags: leads (oldest first, without the reference) and then lags (K = n_pre +
        n_post).
        covariance: of these (K × K).
        target: the first lag, or the average of all lags.
        grid: values of M. Default 0.5, 1, 1.5, 2 (relative), or six from 0 to the largest change of
        slope
            before the start (smoothness), in the outcome's unit.
        method: default c_lf (relative) and flci (smoothness); c_lf and conditional go with both.
        dof: degrees of freedom of the covariance; finite, critical values are those of t, which
            with few practices errors need (an approximation: the laws that R takes as normal are
            taken as t).

    Returns:
        columns kind, target, method, M, ci_low, ci_high; the first row (M blank, method original)
        is the interval under parallel trends. c_lf bounds are the outermost accepted points of a
        grid of 0.04 standard errors that goes on until the bound lies inside.

    Raises:
        DataError: shapes that do not match, no lead, or a covariance that is not positive definite.
    """
    theta, sigma = np.asarray(theta_leads_lags, float), np.asarray(covariance, float)
    _check(theta, sigma, n_pre, n_post)
    weights = _target(target, n_post)
    values = default_grid(theta, n_pre, kind) if grid is None else tuple(float(m) for m in grid)
    chosen: Method = method or ("c_lf" if kind == "relative" else "flci")
    rows = [(kind, target, "original", np.nan, *_original(theta, sigma, weights, level, dof))]
    for m in values:
        rows.append(
            (
                kind,
                target,
                chosen,
                m,
                *_interval(theta, sigma, n_pre, weights, kind, m, level, chosen, dof),
            )
        )
    return pd.DataFrame(rows, columns=["kind", "target", "method", "M", "ci_low", "ci_high"])


def breakdown_value(
    theta_leads_lags: Floats,
    covariance: Floats,
    n_pre: int,
    n_post: int,
    target: Target = "first",
    kind: Kind = "relative",
    level: float = 0.95,
    precision: float = 0.01,
    dof: float = np.inf,
    method: Method | None = None,
    known: Sequence[tuple[float, bool]] = (),
) -> float:
    """Return the smallest M whose interval contains 0: nan if the interval under parallel trends
    already does.

    Found by doubling and halving, to `precision` (relative: in M; smoothness: times the largest
    change of slope before the start). inf if 0 stays outside at M = 64 (times the same). `known`
    are values of M and whether their interval contains 0, which spare looking again.
    """
    theta, sigma = np.asarray(theta_leads_lags, float), np.asarray(covariance, float)
    _check(theta, sigma, n_pre, n_post)
    weights = _target(target, n_post)
    chosen: Method = method or ("c_lf" if kind == "relative" else "flci")
    unit = 1.0 if kind == "relative" else float(default_grid(theta, n_pre, kind)[-1])

    def contains(m: float) -> bool:
        low, high = _interval(theta, sigma, n_pre, weights, kind, m * unit, level, chosen, dof)
        return low <= 0 <= high

    low, high = _original(theta, sigma, weights, level, dof)
    if low <= 0 <= high:
        return float("nan")
    below = max((m / unit for m, inside in known if not inside), default=-1.0)
    above = min((m / unit for m, inside in known if inside), default=np.inf)
    if below < 0:
        if above == 0 or contains(0.0):
            return 0.0
        below = 0.0
    if not np.isfinite(above):
        above = max(2 * below, 1.0)
        while not contains(above):
            below, above = above, 2 * above
            if above > WIDEST:
                return float("inf")
    while above - below > precision:
        middle = (below + above) / 2
        below, above = (below, middle) if contains(middle) else (middle, above)
    return above * unit


def default_grid(theta: Floats, n_pre: int, kind: Kind) -> tuple[float, ...]:
    """Return the M values used when none are given."""
    if kind == "relative":
        return RELATIVE
    path = np.append(theta[:n_pre], 0.0)  # the reference is 0
    bend = np.abs(np.diff(path, 2)) if n_pre > 1 else np.abs(np.diff(path))
    top = float(bend.max()) or float(np.abs(theta).max()) or 1.0
    return tuple(float(m) for m in np.linspace(0.0, top, 6))


def _interval(
    theta: Floats,
    sigma: Floats,
    n_pre: int,
    weights: Floats,
    kind: Kind,
    m: float,
    level: float,
    method: Method,
    dof: float,
) -> tuple[float, float]:
    alpha = 1 - level
    if method == "flci":
        if kind == "relative":
            raise DataError(
                "flci goes with smoothness bounds; relative bounds use c_lf or conditional."
            )
        return fixed_length_interval(theta, sigma, n_pre, weights, m, alpha, dof)
    n_post = len(weights)
    error = float(np.sqrt(weights @ sigma[n_pre:, n_pre:] @ weights))
    reach = GRID_ERRORS * error
    if kind == "relative":
        sets = [(a, np.zeros(len(a))) for a in _relative_sets(n_pre, n_post, m)]
    else:
        a = _smooth_set(n_pre, n_post)
        sets = [(a, np.full(len(a), m))]
        steps = np.arange(1, n_post + 1)
        reach += m * float(
            weights @ (steps * (steps + 1) / 2)
        )  # the identified set under parallel trends
    points = Grid(-reach, 2 * reach / (GRID_POINTS - 1), GRID_POINTS)
    bounds = [
        hybrid_interval(theta, sigma, a, d, n_pre, weights, alpha, points, method == "c_lf", dof)
        for a, d in sets
    ]
    bounded = [bound for bound in bounds if bound is not None]
    if not bounded:
        return float("nan"), float("nan")
    return min(low for low, _ in bounded), max(high for _, high in bounded)


def _relative_sets(n_pre: int, n_post: int, m: float) -> list[Floats]:
    """A with A delta ≤ 0 for each change before the start that could be the largest, and each
    sign."""
    n = n_pre + n_post
    change = np.diff(np.eye(n + 1), axis=0)  # n changes of n + 1 periods, the reference among them
    scale = np.where(np.arange(n) < n_pre, 1.0, m)[:, None]
    sets = []
    for largest in range(n_pre):
        for sign in (1.0, -1.0):
            cap = scale * (sign * change[largest])[None, :]
            a = np.vstack((change - cap, -change - cap))
            a = a[(a**2).sum(axis=1) > 1e-10]
            sets.append(np.delete(a, n_pre, axis=1))
    return sets


def _smooth_set(n_pre: int, n_post: int) -> Floats:
    bend = np.delete(np.diff(np.eye(n_pre + n_post + 1), 2, axis=0), n_pre, axis=1)
    return np.vstack((bend, -bend))


def _original(
    theta: Floats, sigma: Floats, weights: Floats, level: float, dof: float
) -> tuple[float, float]:
    n_pre = len(theta) - len(weights)
    centre = float(weights @ theta[n_pre:])
    tail = (1 + level) / 2
    critical = stdtrit(dof, tail) if np.isfinite(dof) else ndtri(tail)
    half = float(critical * np.sqrt(weights @ sigma[n_pre:, n_pre:] @ weights))
    return centre - half, centre + half


def _target(target: Target, n_post: int) -> Floats:
    return np.full(n_post, 1.0 / n_post) if target == "average" else np.eye(n_post)[0]


def _check(theta: Floats, sigma: Floats, n_pre: int, n_post: int) -> None:
    n = n_pre + n_post
    if theta.shape != (n,) or sigma.shape != (n, n):
        raise DataError(
            f"HonestDiD bounds: found {theta.size} estimates and a covariance of shape "
            f"{sigma.shape}, expected "
            f"{n} leads and lags and a covariance of {n} × {n}."
        )
    if n_pre < 1 or n_post < 1:
        raise DataError("HonestDiD bounds need at least one lead beside the reference and one lag.")
    if not np.isfinite(theta).all() or not np.isfinite(sigma).all():
        raise DataError(
            "HonestDiD bounds need an estimate and a covariance for every lead and lag."
        )
    values = np.linalg.eigvalsh((sigma + sigma.T) / 2)
    if values[0] <= 1e-12 * values[-1]:
        raise DataError(
            "HonestDiD bounds: the covariance of leads and lags is singular, as happens with fewer "
            "practices than "
            "leads and lags. Bin periods or use coarser ones."
        )
