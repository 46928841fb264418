"""The shortest fixed-length interval under a bound on how fast the slope of the trend may change.

An affine estimator l'theta_post + v'theta_pre that a linear trend does not move has worst-case bias
M × B and standard deviation s; its interval has half-length s × q(M B / s), q(b) the 1 − alpha
quantile of
|N(b, 1)|. Written in cumulative sums c of the weights on the changes of slope, B is a constant plus
Σ|c_j| and s² a quadratic form in c, so that the frontier between bias and variance is the path of a
lasso; the shortest interval on it is found by a search in one dimension. Quantiles are exact, not
simulated.

Source: Rambachan & Roth (2023), REStud 90(5), section 4.1; Armstrong & Kolesár (2018).
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaln, ndtr, ndtri, stdtr, stdtrit

from evalweave.fits.result import Floats

STEPS = 60  # of Newton's; a handful suffices
SQRT_TWO_PI = math.sqrt(2 * math.pi)
LONGEST = 1000  # corners of a path; there are about as many as leads


def fixed_length_interval(
    theta: Floats,
    sigma: Floats,
    n_pre: int,
    weights: Floats,
    m: float,
    alpha: float,
    dof: float = np.inf,
) -> tuple[float, float]:
    """Return the interval of weights'tau_post for smoothness bound `m`; with finite `dof` the
    normal is t."""
    n_post = len(weights)
    steps = np.arange(1, n_post + 1)
    total = float(steps @ weights)
    tails = [abs(float(np.arange(1, s + 1) @ weights[n_post - s :])) for s in steps]
    constant = sum(tails) - total + abs(total)
    # v = fixed + basis c: changes of slope back to weights on leads
    back = np.eye(n_pre) - np.eye(n_pre, k=-1)
    to_leads = back @ back
    fixed = np.concatenate((to_leads[:, -1] * total, weights))
    basis = np.vstack((to_leads[:, :-1], np.zeros((n_post, n_pre - 1))))
    q = basis.T @ sigma @ basis
    linear = basis.T @ sigma @ fixed

    def length(c: Floats) -> tuple[float, Floats]:
        v = fixed + basis @ c
        s = float(np.sqrt(v @ sigma @ v))
        return s * folded_quantile(m * (constant + float(np.abs(c).sum())) / s, alpha, dof), v

    knots = lasso_path(q, linear)
    candidates = [length(c) for c in knots]
    for near, far in pairwise(knots):
        best = minimize_scalar(
            lambda t, near=near, far=far: length(near + t * (far - near))[0],
            bounds=(0, 1),
            method="bounded",
            options={"xatol": 1e-9},
        )
        candidates.append(length(near + best.x * (far - near)))
    half, v = min(candidates, key=lambda pair: pair[0])
    centre = float(v @ theta)
    return centre - half, centre + half


def folded_quantile(bias: float, alpha: float, dof: float = np.inf) -> float:
    """1 − alpha quantile of |N(bias, 1)|, or of |bias + t(dof)|.

    By Newton's steps from below, where the probability is a concave function of the quantile, so
    that no step goes beyond it.
    """
    bias = abs(bias)
    finite = bool(np.isfinite(dof))
    c = bias + float(stdtrit(dof, 1 - alpha) if finite else ndtri(1 - alpha))
    constant = _log_constant(dof) if finite else 0.0
    for _ in range(STEPS):
        near, far = bias - c, -c - bias
        if finite:
            outside = float(stdtr(dof, near) + stdtr(dof, far))
            ends = -(dof + 1) / 2 * np.log1p(np.array([near, far]) ** 2 / dof)
            density = float(np.exp(constant + ends).sum())
        else:
            outside = float(ndtr(near) + ndtr(far))
            density = (math.exp(-(near**2) / 2) + math.exp(-(far**2) / 2)) / SQRT_TWO_PI
        step = (outside - alpha) / density
        c += step
        if abs(step) <= 1e-13 * c:
            break
    return c


def _log_constant(dof: float) -> float:
    """Return the logarithm of what scales the density of t."""
    return float(gammaln((dof + 1) / 2) - gammaln(dof / 2) - np.log(dof * np.pi) / 2)


def lasso_path(q: Floats, linear: Floats) -> list[Floats]:
    """Corners of the path of argmin c'q c / 2 + linear'c + penalty Σ|c_j|, from c = 0 to penalty 0.

    Between two of them the path is a straight line (Osborne, Presnell & Turlach 2000).
    """
    n = len(linear)
    knots = [np.zeros(n)]
    if n == 0:
        return knots
    penalty = float(np.abs(linear).max())
    active = [int(np.abs(linear).argmax())]
    signs = {active[0]: -float(np.sign(linear[active[0]]))}
    for _ in range(LONGEST):
        if penalty <= 0 or not active:
            break
        inside = q[np.ix_(active, active)]
        fixed = -np.linalg.solve(inside, linear[active])
        slope = np.linalg.solve(inside, np.array([signs[j] for j in active]))
        events: list[tuple[float, int, float]] = [
            (float(fixed[k] / slope[k]), j, 0.0) for k, j in enumerate(active) if slope[k] != 0
        ]
        for j in (j for j in range(n) if j not in signs):
            level = float(linear[j] + q[j, active] @ fixed)
            change = float(q[j, active] @ slope)
            for sign in (
                1.0,
                -1.0,
            ):  # enters with c_j of this sign when the gradient is −sign × penalty
                if change - sign != 0:
                    events.append((level / (change - sign), j, sign))
        ahead = [event for event in events if 0 < event[0] < penalty * (1 - 1e-12)]
        penalty, j, sign = max(ahead) if ahead else (0.0, -1, 0.0)
        c = np.zeros(n)
        c[active] = fixed - penalty * slope
        if j >= 0 and sign == 0.0:
            c[j] = 0.0
            active.remove(j)
            del signs[j]
        elif j >= 0:
            active.append(j)
            signs[j] = sign
        knots.append(c)
    return knots
