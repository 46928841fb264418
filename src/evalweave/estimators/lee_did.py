"""Bounds on an effect where the programme may change who is measured (Lee 2009), on changes.

Of the people measured before the first start and followed after it, d = mean after - mean before
is known of those measured after. Let q1, q0 be the shares that are. If q1 > q0, a share
p = (q1 - q0)/q1 of the programme arm was measured only because of it; the effect on those who are
measured either way lies between the means of d without its highest and without its lowest share p,
less the comparison mean:

    lower = E[d | programme, lowest 1 - p] - E[d | comparison],   upper = with the highest 1 - p.

Where q0 > q1 the comparison arm is trimmed. The programme may make people measured or unmeasured,
not both (monotonicity); nothing is assumed of what was not measured. Parallel trends are those of
the people who are measured either way. At the edge a person is trimmed in part, so that the bounds
move smoothly when practices are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import stdtr

from evalweave.errors import DataError
from evalweave.estimators.start_means import cells_of, unmeasured
from evalweave.estimators.treatment import check_treated
from evalweave.fits.result import Fit, Floats, Ints, PanelData
from evalweave.study.analyses import AnalysisOptions

OTHER_PERIODS = "their changes are over other periods than those of the other arm."
TERMS = ("att_lower", "att_upper", "att_measured")


@dataclass(frozen=True)
class Changes:
    """One entry a person measured before and followed after, in the order of their change (those
    without one last): change (nan = not measured after), programme, weight, practice."""

    change: Floats
    programme: NDArray[np.bool_]
    weight: Floats
    practice: Ints


def lee_did(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att_lower`, `att_upper`, and `att_measured`, the difference of changes of those
    measured on both sides.

    Raises:
        DataError: with several starts, without a blank outcome, or where an arm has nobody who was
            measured on both sides.
    """
    check_treated(panel)
    within = panel.first_treated <= panel.period.max()
    starts = np.unique(panel.first_treated[within])
    if len(starts) > 1:
        raise DataError(
            f"lee_did compares changes over one start, and there are {len(starts)}: look at one "
            "at a time with `where`."
        )
    if not np.isnan(panel.y).any():
        raise DataError(
            "Every row has an outcome: there is nothing to bound. lee_did needs a row, with a "
            "blank outcome, for each person-period in follow-up without a measurement."
        )
    people = changes(panel, panel.period >= starts[0])
    everyone = np.ones(panel.n_clusters, dtype=bool)
    theta, shares = bounds(people, everyone)
    if np.isnan(theta).any():
        raise DataError("Nobody of one of the arms was measured both before and after the start.")

    def refit(keep: NDArray[np.bool_]) -> Floats:
        return bounds(people, keep)[0]

    g = panel.n_clusters
    without = np.array([refit(np.arange(g) != practice) for practice in range(g)])
    return Fit(
        estimator=analysis.estimator,
        terms=TERMS,
        theta=theta,
        influence=np.nan_to_num(theta - without),
        cluster_names=panel.cluster_names,
        n_obs=int((~np.isnan(panel.y)).sum()),
        n_patients=len(people.change),
        n_practices=g,
        n_practices_treated=len(np.unique(panel.cluster[within])),
        refit=refit,
        convention="changes of people measured before the start and followed after it; the arm "
        "with more measured after is trimmed to the share of the other",
        notes=(
            *panel.notes,
            *unmeasured(panel, cells_of(panel), ~np.isnan(panel.y), OTHER_PERIODS),
        ),
        details={"lee": _details(theta, without, shares, analysis.level)},
    )


def changes(panel: PanelData, after: NDArray[np.bool_]) -> Changes:
    """Return the changes of the people measured before and followed after."""
    n, measured = len(panel.unit_names), ~np.isnan(panel.y)

    def mean(rows: NDArray[np.bool_]) -> Floats:
        many = np.bincount(panel.unit[rows], minlength=n)
        sums = np.bincount(panel.unit[rows], panel.y[rows], n)
        return np.divide(sums, many, out=np.full(n, np.nan), where=many > 0)

    change = mean(measured & after) - mean(measured & ~after)
    known = ~np.isnan(mean(measured & ~after))
    followed = np.bincount(panel.unit[after], minlength=n) > 0
    first = np.searchsorted(panel.unit, np.arange(n))
    who = np.flatnonzero(known & followed)
    who = who[np.argsort(change[who], kind="stable")]
    return Changes(
        change[who],
        (panel.first_treated <= panel.period.max())[first][who],
        np.asarray(panel.weight)[first][who] * 1.0,
        panel.cluster[first][who],
    )


def bounds(people: Changes, keep: NDArray[np.bool_]) -> tuple[Floats, dict[str, float]]:
    """Return the terms from some practices (mask of G), and the share measured of each arm and the
    share trimmed."""
    share: dict[bool, float] = {}
    parts: dict[bool, tuple[Floats, Floats]] = {}
    here, seen = keep[people.practice], ~np.isnan(people.change)
    for arm in (True, False):
        mine = here & (people.programme == arm)
        total = float(people.weight[mine].sum())
        parts[arm] = people.change[mine & seen], people.weight[mine & seen]
        share[arm] = float(parts[arm][1].sum()) / total if total else 0.0
    shares = {"programme": share[True], "comparison": share[False]}
    if not min(share.values()):
        return np.full(3, np.nan), shares
    more = bool(share[True] >= share[False])
    trimmed = 1 - share[not more] / share[more]
    lowest, highest = (trimmed_mean(*parts[more], trimmed, top) for top in (True, False))
    other, plain = (trimmed_mean(*parts[arm], 0.0, True) for arm in (not more, more))
    if more:
        theta = [lowest - other, highest - other, plain - other]
    else:
        theta = [other - highest, other - lowest, other - plain]
    return np.array(theta), {**shares, "trimmed": trimmed}


def trimmed_mean(values: Floats, weight: Floats, share: float, top: bool) -> float:
    """Return the weighted mean of sorted values without the `top` (or bottom) share of weight."""
    ends = np.cumsum(weight)
    low, high = (0.0, ends[-1] * (1 - share)) if top else (ends[-1] * share, ends[-1])
    part = np.clip(np.minimum(ends, high) - np.maximum(ends - weight, low), 0.0, None)
    return float(part @ values / part.sum())


def _details(
    theta: Floats, without: Floats, shares: dict[str, float], level: float
) -> dict[str, Any]:
    """Return the shares and Imbens and Manski's interval, which holds the effect (not the bounds)
    with the level's probability."""
    g = len(without)
    moved = np.nan_to_num(without - theta)
    error = np.sqrt((moved**2).sum(axis=0) * (g - 1) / g)
    low, high = imbens_manski(theta[0], theta[1], error[0], error[1], level, g - 1)
    zero = low <= 0 <= high
    return {
        "measured_after": {name: shares[name] for name in ("programme", "comparison")},
        "trimmed_share": shares.get("trimmed", 0.0),
        "ci_low": low,
        "ci_high": high,
        "verdict": "cannot tell" if zero else "an effect whatever was not measured",
    }


def imbens_manski(
    lower: float, upper: float, error_low: float, error_high: float, level: float, dof: float
) -> tuple[float, float]:
    """Return Imbens and Manski's (2004) interval with t: c solves F(c + width/error) - F(-c) =
    level."""
    width = (upper - lower) / max(error_low, error_high, 1e-300)
    c = brentq(lambda x: stdtr(dof, x + width) - stdtr(dof, -x) - level, 0.0, 1e4)
    return float(lower - c * error_low), float(upper + c * error_high)
