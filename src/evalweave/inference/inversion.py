"""Tests inverted into intervals, for statistics that are rational in the hypothesis.

Under H0: theta = r, with delta = theta-hat - r, the observed statistic is t = delta / s, and that
of draw b is t*_b = (n0 + delta n1) / sqrt(q0 + 2 delta q1 + delta^2 q2). The interval is the hull
of the hypotheses whose p-value exceeds 1 - level; p is a step function of delta, searched outwards
from delta = 0 and bisected at its last step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evalweave.fits.result import Floats

TIE = 1e-10
NOTHING = 1e-20  # share below which a squared residual is rounding


@dataclass(frozen=True)
class Draws:
    """Statistics of B draws as functions of delta.

    Attributes:
        n0, n1, q0, q1, q2: B each.   scale: s, the observed standard error without its small-sample
        factor.
        probability: weight of each draw (B), summing to one with `observed`.
        observed: probability mass of the observed pattern where the draws do not include it.
    """

    n0: Floats
    n1: Floats
    q0: Floats
    q1: Floats
    q2: Floats
    scale: float
    probability: Floats
    observed: float = 0.0

    def p_value(self, delta: float) -> float:
        """Return the symmetric p-value |t*| >= |t|, ties counted."""
        numerator = (self.n0 + delta * self.n1) ** 2
        denominator = self.q0 + delta * (2 * self.q1 + delta * self.q2)
        reached = numerator * self.scale**2 >= delta**2 * (1 - 2 * TIE) * np.maximum(
            denominator, 0.0
        )
        return float(self.probability[reached].sum() + self.observed)

    def p_smallest(self, delta: float) -> float:
        """Return the share of draws that can never lie below the observed: those that tie with it,
        itself and its mirror image among them."""
        numerator = (self.n0 + delta * self.n1) ** 2 * self.scale**2
        denominator = self.q0 + 2 * delta * self.q1 + delta**2 * self.q2
        tied = np.isclose(numerator, delta**2 * np.maximum(denominator, 0.0), rtol=1e-8, atol=0.0)
        return float(self.probability[tied].sum() + self.observed)

    def p_at_infinity(self) -> float:
        """Return the limit of the p-value for hypotheses infinitely far away."""
        reached = (self.q2 == 0) & (self.n1**2 * self.scale**2 >= (1 - 2 * TIE) * self.q0)
        return float(self.probability[reached].sum() + self.observed)


def draws(
    n0: Floats,
    n1: Floats,
    r0: Floats,
    r1: Floats,
    scale: float,
    probability: Floats,
    observed: float = 0.0,
) -> Draws:
    """Return `Draws` from residual scores r0 + delta r1 (B x G each); parts that are rounding
    become zero."""
    size = (r0**2).sum(axis=1), (r0 * r1).sum(axis=1), (r1**2).sum(axis=1)
    flat = size[2] <= NOTHING * max(float(size[2].max(initial=0.0)), 1e-300)
    q1, q2 = np.where(flat, 0.0, size[1]), np.where(flat, 0.0, size[2])
    return Draws(n0, n1, size[0], q1, q2, scale, probability, observed)


def interval(statistics: Draws, theta: float, level: float) -> tuple[float, float, bool]:
    """Return the hull of the accepted hypotheses, and whether the accepted set is disconnected."""
    alpha = 1 - level + 1e-12  # a p-value of exactly 1 - level rejects, also after rounding
    steps = np.concatenate(
        (np.arange(1, 41) * 0.15, 6 * 1.3 ** np.arange(1, 29), 10.0 ** np.arange(5, 10))
    )
    unbounded = statistics.p_at_infinity() > alpha
    ends = []
    disconnected = False
    for sign in (1.0, -1.0):
        deltas = sign * steps * statistics.scale
        accepted = np.array([statistics.p_value(float(delta)) > alpha for delta in deltas])
        last = int(np.flatnonzero(accepted)[-1]) if accepted.any() else -1
        if unbounded:
            ends.append(sign * np.inf)
            disconnected |= not accepted.all()
            continue
        disconnected |= not accepted[: last + 1].all()
        inside = float(deltas[last]) if last >= 0 else 0.0
        outside = float(deltas[min(last + 1, len(deltas) - 1)])
        ends.append(_bisect(lambda delta: statistics.p_value(delta) > alpha, inside, outside))
    return theta - ends[0], theta - ends[1], disconnected


def _bisect(accepts: Callable[[float], bool], inside: float, outside: float) -> float:
    for _ in range(200):
        middle = (inside + outside) / 2
        if abs(outside - inside) <= 1e-13 * max(abs(inside), abs(outside)) or middle in (
            inside,
            outside,
        ):
            break
        if accepts(middle):
            inside = middle
        else:
            outside = middle
    return inside
