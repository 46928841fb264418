"""Moment inequalities with nuisance parameters: the conditional test and its least-favourable
hybrid.

The hypothesis l'tau_post = theta with A delta ≤ d says that E[Y − a theta − X gamma] ≤ 0 for some
gamma, with Y = A theta_hat − d. The statistic is eta = min_gamma max_j (Y − a theta − X gamma)_j /
sd_j. By duality it is the largest of λ'z over the corners λ of {λ ≥ 0, Σλ = 1, λ'X = 0} (all scaled
by sd), which do not depend on
theta: they are listed once, and then statistics, critical values and truncation points are products
with them. Given the corner that attains eta, eta is a truncated normal; the hybrid first rejects
where eta exceeds its least-favourable critical value at size kappa = alpha / 10.

With few practices the normal gives way to t with `dof` degrees of freedom, in the simulated
critical value (multivariate t: one scale for all moments) and in the truncated law.

Source: Andrews, Roth & Pakes (2023), REStud 90(6), sections 4–6; Rambachan & Roth (2023), section
3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from math import comb

import numpy as np
from scipy.linalg import null_space
from scipy.special import log_ndtr, ndtri_exp, stdtr, stdtrit

from evalweave.errors import DataError
from evalweave.fits.result import Floats

CORNERS = 200_000  # bases that are looked at; 10 lags
DRAWS = 10_000  # simulated least-favourable critical value
PRODUCTS = 50_000_000
SCANNED = 64  # grid points tested at once
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

    @cached_property
    def level(self) -> Floats:
        return np.asarray(self.corners @ self.y)

    @cached_property
    def slope(self) -> Floats:
        return np.asarray(self.corners @ self.a)

    @cached_property
    def cross(self) -> Floats:
        """Covariances of the corners' statistics (V × V)."""
        return np.asarray(self.corners @ self.correlation @ self.corners.T)

    def interval(self, limit: float) -> tuple[float, float]:
        """All theta with eta ≤ limit (eta is convex in theta): (low, high), low > high if none."""
        level, slope = self.level, self.slope
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
    dof: float = np.inf,
) -> tuple[float, float] | None:
    """Outermost accepted grid points for {delta: A delta ≤ d}; None if every point is rejected.

    Raises:
        DataError: more than 10 lags (too many corners).
    """
    moments = _moments(theta, sigma, a, d, n_pre, weights)
    kappa = alpha / 10 if hybrid else 0.0
    critical = least_favourable(moments, kappa, dof) if hybrid else np.inf
    size = (alpha - kappa) / (1 - kappa)
    outer, inner = moments.interval(critical), moments.interval(0.0)
    if outer[0] > outer[1]:
        return None

    def accepts(j: np.ndarray) -> np.ndarray:
        points = grid.origin + j * grid.step
        inside = (inner[0] <= points) & (points <= inner[1])
        return np.asarray(inside | ~rejected(moments, points, size, critical, dof))

    def accepts_one(j: int) -> bool:
        return bool(accepts(np.array([j]))[0])

    first = _far_end(outer[0], grid, -1, accepts_one)
    last = _far_end(outer[1], grid, 1, accepts_one)
    low = _nearest(range(first, last + 1), accepts)
    if low is None:
        return None
    high = _nearest(range(last, first - 1, -1), accepts)
    assert high is not None
    return grid.point(low), grid.point(high)


def _nearest(places: range, accepts: Callable[[np.ndarray], np.ndarray]) -> int | None:
    """Return the first of the places that is accepted."""
    for start in range(0, len(places), SCANNED):
        some = np.array(places[start : start + SCANNED])
        accepted = accepts(some)
        if accepted.any():
            return int(some[accepted.argmax()])
    return None


def rejects(
    moments: Moments, theta: float, size: float, critical: float, dof: float = np.inf
) -> bool:
    """The conditional test at `theta`, of size `size`, with eta truncated above at `critical`."""
    return bool(rejected(moments, np.array([theta]), size, critical, dof)[0])


def rejected(
    moments: Moments, points: Floats, size: float, critical: float, dof: float = np.inf
) -> np.ndarray:
    """Return whether the conditional test rejects each of the points (J)."""
    values = moments.level[:, None] - moments.slope[:, None] * points
    best = values.argmax(axis=0)
    eta = values[best, np.arange(len(points))]
    out = np.asarray(eta > critical)
    for corner in np.unique(best[~out]):
        here = np.flatnonzero((best == corner) & ~out)
        out[here] = _beyond(
            values[:, here], eta[here], moments.cross[corner], int(corner), size, critical, dof
        )
    return out


def _beyond(
    values: Floats,
    eta: Floats,
    along: Floats,
    corner: int,
    size: float,
    critical: float,
    dof: float,
) -> np.ndarray:
    """Return whether eta (J), attained at `corner`, exceeds the quantile of its truncated law;
    `along` are the corner's covariances with all (V)."""
    variance = float(along[corner])
    if variance < 1e-20:
        return np.asarray(eta > 0)
    spread = np.sqrt(variance)
    rest = values - along[:, None] * (eta / variance)
    room = (1 - along / variance)[:, None]
    below, above = room[:, 0] > TOLERANCE, room[:, 0] < -TOLERANCE
    low = (rest[below] / room[below]).max(axis=0, initial=-np.inf)
    high = np.minimum((rest[above] / room[above]).min(axis=0, initial=np.inf), critical)
    attained = (low - 1e-10 <= eta) & (eta <= high + 1e-10)
    quantile = truncated_quantiles(1 - size, low / spread, high / spread, dof)
    return np.asarray(attained & (eta / spread > np.maximum(0.0, quantile)))


def least_favourable(moments: Moments, kappa: float, dof: float = np.inf) -> float:
    """1 − kappa quantile of eta when every moment binds, by simulation with a fixed seed."""
    values, vectors = np.linalg.eigh(moments.correlation)
    some = values > 1e-12 * values[-1]
    projected = moments.corners @ (vectors[:, some] * np.sqrt(values[some]))
    draws = int(min(DRAWS, max(1000, PRODUCTS // len(projected))))
    normal = _normal(projected.shape[1], draws)
    largest = np.empty(draws)
    chunk = max(1, 2_000_000 // len(projected))
    for start in range(0, draws, chunk):
        stop = min(start + chunk, draws)
        largest[start:stop] = (projected @ normal[:, start:stop]).max(axis=0)
    if np.isfinite(dof):
        largest = largest * _scales(draws, dof)
    return float(np.quantile(largest, 1 - kappa))


@lru_cache(maxsize=4)
def _normal(rank: int, draws: int) -> Floats:
    return np.random.default_rng(0).standard_normal((rank, draws))


@lru_cache(maxsize=4)
def _scales(draws: int, dof: float) -> Floats:
    """Return what makes normal draws multivariate t: sqrt(dof / chi-squared)."""
    return np.asarray(np.sqrt(dof / np.random.default_rng(1).chisquare(dof, draws)))


def truncated_quantile(p: float, low: float, high: float, dof: float = np.inf) -> float:
    """p quantile of a standard normal (or t) truncated to [low, high]."""
    return float(truncated_quantiles(p, np.array([low]), np.array([high]), dof)[0])


def truncated_quantiles(p: float, low: Floats, high: Floats, dof: float = np.inf) -> Floats:
    """p quantiles of a standard normal truncated to [low, high], in logarithms so that tails keep
    digits; of t (whose tails are wide enough for plain numbers) with finite `dof`."""
    right = low > 0  # by symmetry, so that the tail is the left one
    start, end = np.where(right, -high, low), np.where(right, -low, high)
    share = np.where(right, 1 - p, p)
    if np.isfinite(dof):
        mixed = (1 - share) * stdtr(dof, start) + share * stdtr(dof, end)
        quantile = stdtrit(dof, np.clip(mixed, 1e-300, 1 - 1e-16))
    else:
        lower, upper = log_ndtr(start), log_ndtr(end)
        mixed = np.logaddexp(np.log1p(-share) + lower, np.log(share) + upper)
        quantile = ndtri_exp(np.minimum(mixed, 0.0))
    quantile = np.minimum(np.maximum(quantile, start), end)
    return np.asarray(np.where(right, -quantile, quantile))


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
