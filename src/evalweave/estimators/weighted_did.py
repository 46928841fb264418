"""Difference in differences where who is measured depends on the past: inverse probability weights.

Rows with a blank outcome are person-periods in follow-up without a measurement. In each start and
period a logit of being measured on the past (the last value before, the first one, and whether
there is any) gives p; the mean in a period of all people of the practices with one start is that
of the measured ones weighted by 1/p, and

    mean_ct = start_c + period_t + tau D_ct + e_ct,

weighted by the people followed. The weights act on means over many people: inside the means of a
patient, or of a practice of a few dozen, they would not be unbiased. It is right where measurement
does not depend on the present value once the past is known (Robins, Rotnitzky & Zhao 1995, JASA
90(429)); `tipping_point` says how far the unmeasured treated would have to be from that.
Everything, the logits too, is estimated again without each practice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from evalweave.errors import DataError
from evalweave.estimators.moments import unit_starts
from evalweave.estimators.start_means import Cells, cells_of, coefficient, unmeasured
from evalweave.estimators.treatment import check_treated
from evalweave.fits.distributions import t_p_value, t_quantile
from evalweave.fits.result import Fit, Floats, PanelData
from evalweave.study.analyses import AnalysisOptions

LEAST = 0.05  # a probability below this is named as poor overlap
FLOOR = 1e-3
STEPS = 50
UNKNOWN = "nobody can stand for them, and the estimate is of the other periods."
TERMS = ("att", "att_unweighted", "composition")


def weighted_did(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att`, the same without the weights, and `composition`: what the programme did to the
    past values of those measured, less those of everybody followed (0 = no other people measured).

    Raises:
        DataError: where nobody was measured before or after the start, or nobody was missed.
    """
    check_treated(panel)
    measured = ~np.isnan(panel.y)
    if measured.all():
        raise DataError(
            "Every row has an outcome: there is nothing to weight. weighted_did needs a row, with "
            "a blank outcome, for each person-period in follow-up without a measurement."
        )
    facts = _facts(panel, measured)
    everyone = np.ones(panel.n_clusters, dtype=bool)
    theta, probability = _estimates(facts, everyone)
    if np.isnan(theta[0]):
        raise DataError("No practice with the programme was measured both before and after it.")
    without = np.array([_estimates(facts, _but(everyone, g))[0] for g in range(len(everyone))])
    ever = np.bincount(panel.cluster, panel.first_treated <= panel.period.max(), len(everyone))
    known = ~np.isnan(theta)
    terms = tuple(term for term, there in zip(TERMS, known, strict=True) if there)
    return Fit(
        estimator=analysis.estimator,
        terms=terms,
        theta=theta[known],
        influence=np.nan_to_num(theta - without)[:, known],
        cluster_names=panel.cluster_names,
        n_obs=int(measured.sum()),
        n_patients=len(np.unique(panel.unit[measured])),
        n_practices=panel.n_clusters,
        n_practices_treated=int((ever > 0).sum()),
        refit=lambda keep: _again(facts, keep, without)[known],
        convention="means by start and period, weighted by the inverse probability of being "
        "measured (a logit on the past in each start and period), start and period effects, "
        "weighted by people followed",
        notes=(
            *panel.notes,
            *unmeasured(panel, facts.cells, measured, UNKNOWN),
            *_overlap_notes(probability, measured),
        ),
        details=_details(facts, theta, without, probability, analysis.level),
    )


def _but(everyone: NDArray[np.bool_], practice: int) -> NDArray[np.bool_]:
    keep = everyone.copy()
    keep[practice] = False
    return keep


def _again(facts: _Facts, keep: NDArray[np.bool_], without: Floats) -> Floats:
    """Return the estimates from some practices; those without one of them are known."""
    left_out = np.flatnonzero(~keep)
    return without[left_out[0]] if len(left_out) == 1 else _estimates(facts, keep)[0]


@dataclass(frozen=True)
class _Facts:
    """One entry a row: the past (N x 3: any, last, first); in which start and period it lies."""

    panel: PanelData
    measured: NDArray[np.bool_]
    past: Floats
    cells: Cells

    @property
    def treated(self) -> NDArray[np.bool_]:
        return self.cells.treated[self.cells.of_row]


def _facts(panel: PanelData, measured: NDArray[np.bool_]) -> _Facts:
    last, first = _past(panel, measured)
    some = ~np.isnan(last)
    centre, spread = float(np.nanmean(panel.y)), float(np.nanstd(panel.y)) or 1.0
    filled = [np.where(some, (v - centre) / spread, 0.0) for v in (last, first)]
    past = np.column_stack([some.astype(np.float64), *filled])
    return _Facts(panel, measured, past, cells_of(panel))


def _past(panel: PanelData, measured: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the last and the first value that a person had before each row (N), nan for none."""
    n = len(panel.y)
    places = np.arange(n)
    starts = np.repeat(unit_starts(panel), np.diff(np.append(unit_starts(panel), n)))
    latest = np.maximum.accumulate(np.where(measured, places, -1))
    before = np.concatenate(([-1], latest[:-1]))
    last = np.where(before >= starts, panel.y[before], np.nan)
    earliest = np.minimum.accumulate(np.where(measured, places, n)[::-1])[::-1]
    first_place = earliest[starts]
    has_first = first_place < places
    first = np.where(has_first, panel.y[np.minimum(first_place, n - 1)], np.nan)
    return last, first


def _estimates(facts: _Facts, keep: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the three estimates from the practices of the mask (G), and every row's probability
    of being measured (N, nan where left out)."""
    panel = facts.panel
    rows = keep[panel.cluster]
    probability = np.full(len(panel.y), np.nan)
    order = np.argsort(facts.cells.of_row, kind="stable")
    ends = np.flatnonzero(np.diff(facts.cells.of_row[order])) + 1
    for here in np.split(order, ends):
        mine = here[rows[here]]
        if len(mine):
            probability[mine] = probabilities(facts.past[mine], facts.measured[mine])
    y = np.where(facts.measured, panel.y, 0.0)
    past = np.where(facts.past[:, 0] > 0, facts.past[:, 1], 0.0)
    had = facts.past[:, 0] > 0
    seen = rows & facts.measured
    inverse = np.where(seen, panel.weight / np.fmax(probability, FLOOR), 0.0)
    plain = np.where(seen, panel.weight, 0.0)
    follow = np.where(rows, panel.weight, 0.0)
    scale = float(np.nanstd(panel.y)) or 1.0
    of_all = facts.cells.means(past * scale, follow * had)
    composition = facts.cells.means(past * scale, plain * had) - of_all
    cells = [facts.cells.means(y, inverse), facts.cells.means(y, plain), composition]
    people = facts.cells.sums(follow)
    return np.array([coefficient(facts.cells, cell, people) for cell in cells]), probability


def probabilities(x: Floats, yes: NDArray[np.bool_]) -> Floats:
    """Return the fitted probabilities of a logit of `yes` (N) on a constant and `x` (N x P), with a
    ridge of one thousandth of a person so that nothing runs to infinity."""
    share = float(yes.mean())
    if share in (0.0, 1.0):
        return np.full(len(x), share)
    columns = np.column_stack((np.ones(len(x)), x))
    ridge = np.diag([0.0, *np.full(x.shape[1], 1e-3)])
    beta = np.zeros(columns.shape[1])
    beta[0] = np.log(share / (1 - share))
    for _ in range(STEPS):
        p = expit(columns @ beta)
        hessian = columns.T @ (columns * (p * (1 - p))[:, None]) + ridge
        step = np.linalg.lstsq(hessian, columns.T @ (yes - p) - ridge @ beta, rcond=None)[0]
        beta = beta + step * min(1.0, 3.0 / max(float(np.abs(step).max()), 1e-300))
        if float(np.abs(step).max()) < 1e-10:
            break
    return np.asarray(expit(columns @ beta))


def _overlap_notes(probability: Floats, measured: NDArray[np.bool_]) -> list[str]:
    few = int((probability[measured] < LEAST).sum())
    if not few:
        return []
    return [
        f"{few} measured rows had a probability of less than {100 * LEAST:g} % to be measured and "
        "carry great weight: the past of those measured and of the others hardly overlaps."
    ]


def _details(
    facts: _Facts, theta: Floats, without: Floats, probability: Floats, level: float
) -> dict[str, Any]:
    """Return overlap, who was measured by arm and period, the verdict on composition, and how far
    the unmeasured treated would have to be from the weighted mean."""
    g = len(without)
    error = np.sqrt(((without - theta) ** 2).sum(axis=0) * (g - 1) / g)
    half = t_quantile(level, np.array(g - 1.0)) * error
    p = float(t_p_value(theta[2] / error[2], np.array(g - 1.0))) if error[2] > 0 else float("nan")
    low, high = float(theta[2] - half[2]), float(theta[2] + half[2])
    shown = np.isfinite(p) and p < 1 - level  # an interval with zero in it shows no sameness
    verdict = "does not hold" if shown else "cannot tell"
    return {
        "overlap": {
            "lowest_probability": float(np.nanmin(probability[facts.measured])),
            "share_below_5_percent": float((probability[facts.measured] < LEAST).mean()),
        },
        "measured_by_arm_and_period": _who(facts),
        "composition": {
            "estimate": float(theta[2]),
            "ci_low": low,
            "ci_high": high,
            "p_value": p,
            "verdict": verdict,
            "question": "Were the same kind of people measured, by their past values?",
        },
        "present_value": "cannot tell: no data show whether being measured depends on the present "
        "value beyond the past; the tipping point says how far it would have to.",
        "tipping_point": _tipping(facts, float(theta[0]), float(half[0])),
    }


def _who(facts: _Facts) -> list[dict[str, Any]]:
    """Return, by arm and period, the share measured and the past values of those and of all."""
    panel = facts.panel
    programme = panel.first_treated <= panel.period.max()
    had = facts.past[:, 0] > 0
    scale, centre = float(np.nanstd(panel.y)) or 1.0, float(np.nanmean(panel.y))
    last = facts.past[:, 1] * scale + centre
    rows = []
    for arm, mask in (("programme", programme), ("comparison", ~programme)):
        for period in np.unique(panel.period):
            here = mask & (panel.period == period)
            if not here.any():
                continue
            both = [here & had & facts.measured, here & had]
            means = [float(last[m].mean()) if m.any() else None for m in both]
            rows.append(
                {
                    "arm": arm,
                    "period": int(period),
                    "followed": int(here.sum()),
                    "measured_share": float(facts.measured[here].mean()),
                    "past_value_measured": means[0],
                    "past_value_followed": means[1],
                }
            )
    return rows


def _tipping(facts: _Facts, att: float, half: float) -> dict[str, Any]:
    """Return by how much the unmeasured treated would have to differ from what is weighted in for
    them, for the estimate to be nothing, and for its interval to reach nothing."""
    people = facts.cells.sums(np.asarray(facts.panel.weight * 1.0))
    missed = np.where(facts.treated & ~facts.measured, 1.0, 0.0)
    share = facts.cells.means(missed, np.asarray(facts.panel.weight * 1.0))
    moves = coefficient(facts.cells, share, people)
    if not np.isfinite(moves) or moves == 0:
        return {"refused": "all treated person-periods were measured"}
    nearer = np.sign(att) * max(abs(att) - half, 0.0)
    return {
        "share_unmeasured": float(missed.sum() / facts.treated.sum()),
        "estimate_is_zero_at": -att / moves,
        "interval_reaches_zero_at": -float(nearer) / moves,
    }
