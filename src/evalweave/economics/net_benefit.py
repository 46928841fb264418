"""Incremental net benefit, its acceptability, and the ratio of cost to effect.

    INB(l) = l E - C,      Var = l^2 V_EE - 2 l V_EC + V_CC       (Stinnett & Mullahy 1998)

for what a unit of effect is worth, l. Acceptability is Pr(INB > 0) and the expected value of
perfect information E max(0, INB) - max(0, E INB), both with INB's t distribution about its
estimate. The ratio C/E has Fieller's set: the l at which the interval of INB holds zero, which may
be an interval, all but one, or everything (Fieller 1954; Willan & O'Brien 1996).
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.special import stdtr

from evalweave.economics.joint import Joint
from evalweave.fits.distributions import t_p_value, t_quantile
from evalweave.fits.ratio_set import RatioSet, ratio_set
from evalweave.fits.result import Floats
from evalweave.inference.multiplier_bootstrap import draw_multipliers

COLUMNS = (
    "threshold",
    "net_benefit",
    "std_error",
    "ci_low",
    "ci_high",
    "p_value",
    "acceptability",
    "acceptability_bootstrap",
    "evpi",
)
LEVELS = (0.5, 0.8, 0.95)  # of the joint regions that are drawn


def net_benefit(
    both: Joint, thresholds: list[float], level: float, draws: int, seed: int
) -> pd.DataFrame:
    """Return a row a threshold: INB with its t(G - 1) interval, acceptability by t and by a
    multiplier bootstrap over practices (Webb weights), and EVPI; a treated person and period."""
    worth = np.array(thresholds, dtype=np.float64)
    value = worth * both.effect - both.cost
    v = both.covariance
    error = np.sqrt(np.maximum(worth**2 * v[0, 0] - 2 * worth * v[0, 1] + v[1, 1], 0.0))
    half = t_quantile(level, np.array(both.dof)) * error
    ratio = np.divide(value, error, out=np.full(len(value), np.nan), where=error > 0)
    random = np.random.default_rng(seed)
    moved = draw_multipliers(random, (draws, len(both.influence)), "webb") @ both.influence
    drawn = value + moved @ np.vstack((worth, -np.ones(len(worth))))
    table = {
        "threshold": worth,
        "net_benefit": value,
        "std_error": error,
        "ci_low": value - half,
        "ci_high": value + half,
        "p_value": t_p_value(ratio, np.array(both.dof)),
        "acceptability": stdtr(both.dof, ratio),
        "acceptability_bootstrap": (drawn > 0).mean(axis=0),
        "evpi": [perfect_information(d, s, both.dof) for d, s in zip(value, error, strict=True)],
    }
    return pd.DataFrame(table, columns=list(COLUMNS))


def perfect_information(value: float, error: float, dof: float) -> float:
    """Return E max(0, value + error T) - max(0, value), T with `dof` degrees of freedom (above 1):
    the unit loss of Student's distribution (Raiffa & Schlaifer 1961)."""
    if error == 0:
        return 0.0
    if dof <= 1:
        return math.inf
    z = abs(value) / error
    log_density = (
        math.lgamma((dof + 1) / 2)
        - math.lgamma(dof / 2)
        - 0.5 * math.log(dof * math.pi)
        - (dof + 1) / 2 * math.log1p(z * z / dof)
    )
    tail = (dof + z * z) / (dof - 1) * math.exp(log_density)
    return float(error * (tail - z * stdtr(dof, -z)))


def fieller(both: Joint, level: float) -> RatioSet:
    """Return the set of ratios of cost to effect that the estimates allow at `level`."""
    v = both.covariance[::-1, ::-1]
    critical = float(t_quantile(level, np.array(both.dof)))
    return ratio_set(both.cost, both.effect, v, critical)


def verdict_on_ratio(both: Joint, known: RatioSet) -> str:
    """Return what can be said of the ratio of cost to effect, in a sentence."""
    if both.effect > 0 >= both.cost:
        point = "More effect at no more cost: the programme dominates at the point estimate."
    elif both.effect <= 0 <= both.cost:
        point = "No more effect at no less cost: the programme is dominated at the point estimate."
    elif both.effect > 0:
        point = f"{both.cost / both.effect:.6g} a unit of effect gained at the point estimate."
    else:
        point = (
            f"{both.cost / both.effect:.6g} saved a unit of effect lost at the point estimate (a "
            "ratio of two savings reads the other way round)."
        )
    if known.form == "interval":
        return f"{point} Fieller interval {known.low:.6g} to {known.high:.6g}."
    if known.form == "outside":
        return (
            f"{point} The ratio has no interval: the effect may be zero, and the data allow all "
            f"ratios but those from {known.low:.6g} to {known.high:.6g}. Read the net benefit."
        )
    return (
        f"{point} The ratio has no interval: neither effect nor cost differs from zero beyond "
        "doubt, and the data allow any ratio. Read the net benefit."
    )


def ellipse(both: Joint, level: float, points: int = 72) -> Floats:
    """Return the border of the joint region of effect and cost at `level` (points x 2): the
    F(2, G - 1) ellipse of Hotelling."""
    from scipy.special import fdtri

    g = len(both.without)
    factor = 2 * (g - 1) / (g - 2) * fdtri(2, g - 2, level) if g > 2 else math.inf
    values, vectors = np.linalg.eigh(both.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    angle = np.linspace(0, 2 * np.pi, points)
    circle = np.column_stack((np.cos(angle), np.sin(angle)))
    return np.asarray(circle @ root.T * math.sqrt(factor) + np.array([both.effect, both.cost]))
