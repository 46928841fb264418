"""Moment inequalities with nuisance parameters: the conditional test and its least-favourable
hybrid.

The hypothesis l'tau_post = theta with A delta ≤ d says that E[Y − a theta − X gamma] ≤ 0 for some
gamma, with Y = A theta_hat − d. The statistic is eta = min_gamma max_j (Y − a theta − X gamma)_j /
sd_j. By duality it is the largest of λ'z over the corners λ of {λ ≥ 0, Σλ = 1, λ'X = 0} (all scaled
by sd), which do not depend on
theta: they are listed once, and then statistics, critical values and truncation points are products
with them. Given the corner that attains eta, eta is a truncated normal; the hybrid first rejects
where eta exceeds its least-favourable critical value at size kappa = alpha / 10.

Source: Andrews, Roth & Pakes (2023), REStud 90(6), sections 4–6; Rambachan & Roth (2023), section
3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from scipy.linalg import null_space
from scipy.special import log_ndtr, ndtri_exp

from evalweave.errors import DataError
from evalweave.fits.result import Floats

CORNERS = 200_000  # bases that are looked at; 10 lags
DRAWS = 25_000  # simulated least-favourable critical value
PRODUCTS = 50_000_000
TOLERANCE = 1e-9
WIDEST = 64  # times the grid


@dataclass(frozen=True)
class Grid:
    """Points origin + j × step: the R package's for 0 ≤ j < points, and beyond where a bound needs
    it."""

    origin: float
    step: float
    points: int

    def point(self, j: int) -> float:
        return self.origin + j * self.step


@dataclass(frozen=True)
class Moments:
    """z(theta) = y − a theta with correlation R, and the corners λ (V × m) of the dual."""

    y: Floats
    a: Floats
    correlation: Floats
    corners: Floats

    def interval(self, limit: float) -> tuple[float, float]:
        """All theta with eta ≤ limit (eta is convex in theta): (low, high), low > high if none."""
        level, slope = self.corners @ self.y, self.corners @ self.a
        flat = np.abs(slope) < TOLERANCE
        if (level[flat] > limit + TOLERANCE).any():
            return np.inf, -np.inf
        up, down = slope > TOLERANCE, slope < -TOLERANCE
        low = ((level[up] - limit) / slope[up]).max(initial=-np.inf)
        high = ((level[down] - limit) / slope[down]).min(initial=np.inf)
        return float(low), float(high)


def hybrid_interval(
    theta: Floats,
    sigma: Floats,
    a: Floats,
    d: Floats,
    n_pre: int,
    weights: Floats,
    alpha: float,
    grid: Grid,
    hybrid: bool = True,
) -> tuple[float, float] | None:
    """Outermost accepted grid points for {delta: A delta ≤ d}; None if every point is rejected.

    Raises:
        DataError: more than 10 lags (too many corners).
    """
    moments = _moments(theta, sigma, a, d, n_pre, weights)
    kappa = alpha / 10 if hybrid else 0.0
    critical = least_favourable(moments, kappa) if hybrid else np.inf
    size = (alpha - kappa) / (1 - kappa)
    outer, inner = moments.interval(critical), moments.interval(0.0)
    if outer[0] > outer[1]:
        return None

    def accepts(j: int) -> bool:
        point = grid.point(j)
        return inner[0] <= point <= inner[1] or not rejects(moments, point, size, critical)

    first = _far_end(outer[0], grid, -1, accepts)
    last = _far_end(outer[1], grid, 1, accepts)
    low = next((j for j in range(first, last + 1) if accepts(j)), None)
    if low is None:
        return None
    high = next(j for j in range(last, first - 1, -1) if accepts(j))
    return grid.point(low), grid.point(high)


def rejects(moments: Moments, theta: float, size: float, critical: float) -> bool:
    """The conditional test at `theta`, of size `size`, with eta truncated above at `critical`."""
    z = moments.y - moments.a * theta
    values = moments.corners @ z
    best = int(values.argmax())
    eta = float(values[best])
    if eta > critical:
        return True
    corner = moments.corners[best]
    along = moments.correlation @ corner
    variance = float(corner @ along)
    if variance < 1e-20:
        return eta > 0
    spread = np.sqrt(variance)
    rest = values - (moments.corners @ along) * (eta / variance)
    room = 1 - (moments.corners @ along) / variance
    below, above = room > TOLERANCE, room < -TOLERANCE
    low = float((rest[below] / room[below]).max(initial=-np.inf))
    high = min(float((rest[above] / room[above]).min(initial=np.inf)), critical)
    if not low - 1e-10 <= eta <= high + 1e-10:
        return False
    return eta / spread > max(0.0, truncated_quantile(1 - size, low / spread, high / spread))


def least_favourable(moments: Moments, kappa: float) -> float:
    """1 − kappa quantile of eta when every moment binds, by simulation with a fixed seed."""
    values, vectors = np.linalg.eigh(moments.correlation)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    projected = moments.corners @ root
    draws = int(min(DRAWS, max(1000, PRODUCTS // len(projected))))
    random = np.random.default_rng(0)
    largest = np.empty(draws)
    chunk = max(1, 4_000_000 // len(projected))
    for start in range(0, draws, chunk):
        stop = min(start + chunk, draws)
        normal = random.standard_normal((projected.shape[1], stop - start))
        largest[start:stop] = (projected @ normal).max(axis=0)
    return float(np.quantile(largest, 1 - kappa))


def truncated_quantile(p: float, low: float, high: float) -> float:
    """p quantile of a standard normal truncated to [low, high], in logarithms so that tails keep
    digits."""
    if low > 0:
        return -truncated_quantile(1 - p, -high, -low)
    lower, upper = log_ndtr(low), log_ndtr(high)
    mixed = np.logaddexp(np.log1p(-p) + lower, np.log(p) + upper)
    return float(min(max(ndtri_exp(min(mixed, 0.0)), low), high))


def _moments(
    theta: Floats, sigma: Floats, a: Floats, d: Floats, n_pre: int, weights: Floats
) -> Moments:
    n_post = len(weights)
    if n_post > 1:  # moments on leads alone do not restrict the effect
        binding = (np.abs(a[:, n_pre:]) > 0).any(axis=1)
        a, d = a[binding], d[binding]
    covariance = a @ sigma @ a.T
    sd = np.sqrt(np.diag(covariance))
    post = a[:, n_pre:] / sd[:, None]
    free = null_space(weights[None, :]) if n_post > 1 else np.empty((1, 0))
    return Moments(
        y=(a @ theta - d) / sd,
        a=post @ (weights / (weights @ weights)),
        correlation=covariance / np.outer(sd, sd),
        corners=_corners(post @ free),
    )


def _corners(x: Floats) -> Floats:
    """Corners of {λ ≥ 0, Σλ = 1, λ'x = 0}, x (m × k): every non-singular choice of k + 1
    moments."""
    m, k = x.shape
    if k == 0:
        return np.eye(m)
    if comb(m, k + 1) > CORNERS:
        raise DataError(
            f"HonestDiD relative bounds with {k + 1} lags are too many to compute exactly; "
            "bin the lags or use coarser periods (at most 10)."
        )
    full = np.column_stack((np.ones(m), x))
    choices = np.array(list(combinations(range(m), k + 1)))
    vertices = []
    for start in range(0, len(choices), 20_000):
        rows = choices[start : start + 20_000]
        square = full[rows].transpose(0, 2, 1)
        scale = np.abs(np.linalg.det(square))
        regular = scale > 1e-12 * np.prod(np.linalg.norm(square, axis=2), axis=1)
        rows, square = rows[regular], square[regular]
        target = np.zeros((len(rows), k + 1, 1))
        target[:, 0] = 1.0
        solved = np.linalg.solve(square, target)[:, :, 0]
        inside = (solved >= -TOLERANCE).all(axis=1)
        corner = np.zeros((int(inside.sum()), m))
        np.put_along_axis(corner, rows[inside], np.clip(solved[inside], 0, None), axis=1)
        vertices.append(corner)
    corners = np.vstack(vertices)
    return np.asarray(corners[np.unique(np.round(corners, 9), axis=0, return_index=True)[1]])


def _far_end(limit: float, grid: Grid, direction: int, accepts: Callable[[int], bool]) -> int:
    """Index from which to look inwards: where eta passes its critical value, or outside the
    accepted points.

    Without such a limit the search starts at the grid's end and widens while that is accepted.
    """
    if np.isfinite(limit):
        place = (limit - grid.origin) / grid.step
        return int(np.ceil(place) if direction < 0 else np.floor(place))
    end = 0 if direction < 0 else grid.points - 1
    reach = grid.points
    while accepts(end) and reach < WIDEST * grid.points:
        end += direction * reach
        reach *= 2
    return end
