"""Weights on the simplex for synthetic difference-in-differences.

Both kinds of weights solve the same problem. With A (m x n) and b (m), columns less their means
(the intercept),

    minimise over x >= 0, sum x = 1:      |A x - b|^2 / m + zeta^2 |x|^2.

`frank_wolfe` stops where R's `synthdid` stops (its rule and its two rounds), so that estimates
compare digit by digit; `exact` goes to the optimum by an active set. Source: Arkhangelsky, Athey,
Hirshberg, Imbens & Wager (2021), American Economic Review 111(12), eq. 4-6 and algorithm 1;
Frank & Wolfe (1956), Naval Research Logistics Quarterly 3.
"""

from __future__ import annotations

import numpy as np

from evalweave.fits.result import Floats

FIRST_ROUND, ROUNDS = 100, 10_000  # iterations before the small weights are dropped, and after
SMALL = 0.25  # share of the largest weight up to which one is dropped between the rounds
TOLERANCE = 1e-10


def frank_wolfe(a: Floats, b: Floats, zeta: float, least: float) -> Floats:
    """Return the weights (n) of R's `synthdid`: two rounds of Frank-Wolfe steps with exact line
    search, each until a step lowers the objective by no more than `least`^2."""
    a, b = _centred(a), _centred(b)
    n = a.shape[1]
    x = _round(a, b, zeta, least, np.full(n, 1 / n), FIRST_ROUND)
    x = np.where(x > x.max() * SMALL, x, 0.0)
    return _round(a, b, zeta, least, x / x.sum(), ROUNDS)


def _round(a: Floats, b: Floats, zeta: float, least: float, x: Floats, most: int) -> Floats:
    m = len(b)
    ridge = m * zeta**2
    fitted, previous = a @ x, np.inf
    for step in range(most):
        half_gradient = (fitted - b) @ a + ridge * x
        best = int(half_gradient.argmin())
        direction = -x
        direction[best] += 1.0
        moved = a[:, best] - fitted
        curvature = float(moved @ moved + ridge * (direction @ direction))
        if curvature > 0:
            size = min(1.0, max(0.0, -float(half_gradient @ direction) / curvature))
            x, fitted = x + size * direction, fitted + size * moved
        residual = fitted - b
        value = zeta**2 * float(x @ x) + float(residual @ residual) / m
        if step > 0 and previous - value <= least**2:
            break
        previous = value
    return x


def exact(a: Floats, b: Floats, zeta: float) -> Floats:
    """Return the minimiser (n), from the conditions of Karush, Kuhn and Tucker by an active set."""
    a, b = _centred(a), _centred(b)
    m, n = a.shape
    quadratic = a.T @ a + m * zeta**2 * np.eye(n)
    linear = a.T @ b
    scale = max(float(np.abs(linear).max(initial=0.0)), float(np.abs(quadratic).max()))
    x, free = np.full(n, 1 / n), np.ones(n, dtype=bool)
    for _ in range(50 * n):
        target = _on_face(quadratic, linear, free)
        if (target >= -TOLERANCE).all():
            x = np.zeros(n)
            x[free] = np.maximum(target, 0.0)
            gradient = quadratic @ x - linear
            gain = gradient - gradient[free].mean()
            gain[free] = 0.0
            if gain.min() >= -TOLERANCE * scale:
                break
            free[int(gain.argmin())] = True
            continue
        inside = np.flatnonzero(free)
        here = x[inside]
        falling = target < -TOLERANCE
        reach = here[falling] / (here[falling] - target[falling])
        x[inside] = np.maximum(here + float(reach.min()) * (target - here), 0.0)
        leaves = inside[falling][int(reach.argmin())]
        x[leaves], free[leaves] = 0.0, False
    return np.asarray(x / x.sum(), dtype=np.float64)


def _on_face(quadratic: Floats, linear: Floats, free: np.ndarray) -> Floats:
    """Return the minimiser over the weights that are free, their sum being 1 (of any sign)."""
    k = int(free.sum())
    system = np.ones((k + 1, k + 1))
    system[:k, :k] = quadratic[np.ix_(free, free)]
    system[k, k] = 0.0
    right = np.append(linear[free], 1.0)
    return np.asarray(np.linalg.lstsq(system, right, rcond=None)[0][:k], dtype=np.float64)


def _centred(values: Floats) -> Floats:
    return np.asarray(values - values.mean(axis=0), dtype=np.float64)
