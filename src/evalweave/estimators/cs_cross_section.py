"""One 2×2 comparison of two cross-sections: regression, IPW (Hájek) and locally efficient doubly
robust.

For patients who are not all seen twice. Four groups of rows: treated and comparison, later (1) and
base (0) period. With b the regressions of y on x within each group, x̄ the mean covariates of the
treated rows of both periods, p the propensity score on all rows and ω = w p/(1 − p):

    reg   (ȳ_D1 − ȳ_D0) − x̄'(b_C1 − b_C0)
    ipw   (ȳ_D1 − ȳ_D0) − (E_ω1[y] − E_ω0[y])
    dr    x̄'(b_D1 − b_C1 − b_D0 + b_C0) − (E_ω1[y − x'b_C1] − E_ω0[y − x'b_C0])

Source: Sant'Anna & Zhao (2020), J Econometrics 219(1), eq. 3.4 and appendix; the forms that R `did`
uses with `allow_unbalanced_panel = TRUE`. Influence as in `cs_panel`, one value a row, to be summed
by patient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalweave.estimators.cs_propensity import (
    TRIM,
    NoEstimate,
    dot,
    inverse_gram,
    logit,
    moment,
    predict,
)
from evalweave.fits.result import Floats


@dataclass(frozen=True)
class Rows:
    """The rows of one group in one period: outcome (n), covariates (k × n), weights (n)."""

    y: Floats
    x: Floats
    w: Floats


@dataclass(frozen=True)
class Regression:
    b: Floats
    inverse: Floats
    residual: Floats


def effect(
    method: str,
    treated: tuple[Rows, Rows],
    control: tuple[Rows, Rows],
    influence: bool = True,
    start: Floats | None = None,
) -> tuple[float, tuple[Floats, Floats], tuple[Floats, Floats], Floats | None]:
    """Return ATT(g,t), the influence of treated and comparison rows, and the logit's coefficients.

    Pairs are (base period, later period).

    Raises:
        NoEstimate: with the reason: a group without rows, collinear covariates, separation.
    """
    for group, who in ((treated, "patient of the cohort"), (control, "comparison patient")):
        if not (group[0].w.sum() > 0 and group[1].w.sum() > 0):
            raise NoEstimate(f"no {who} is seen in one of the two periods")
    if not len(treated[0].x):
        return _means(treated, control)

    sum_d = float(treated[0].w.sum() + treated[1].w.sum())
    mean_x = (moment(treated[0].x, treated[0].w) + moment(treated[1].x, treated[1].w)) / sum_d
    outcome_of_control = (
        [_regress(rows, "comparison patients") for rows in control] if method != "ipw" else None
    )
    if method == "reg":
        assert outcome_of_control is not None
        return (*_regression(treated, control, outcome_of_control, mean_x, sum_d), None)

    score, p_treated, p_control = logit(
        np.concatenate([rows.x for rows in treated], axis=1),
        np.concatenate([rows.x for rows in control], axis=1),
        np.concatenate([rows.w for rows in treated]),
        np.concatenate([rows.w for rows in control]),
        start,
    )
    p_t = np.split(p_treated, [len(treated[0].y)])
    p_c = np.split(p_control, [len(control[0].y)])
    att, tilt, mean_odds, ofs_control = _tilted(control, p_c, outcome_of_control)
    if outcome_of_control is None:
        more, ofs_treated = _change_of_means(treated)
    else:
        more, ofs_treated = _augmented(
            treated, control, outcome_of_control, mean_x, sum_d, mean_odds, ofs_control
        )
    for part in more:
        att += part
    if influence:
        u = score.inverse_information @ tilt
        for at in (0, 1):
            ofs_treated[at] -= treated[at].w * (1 - p_t[at]) * predict(u, treated[at].x)
            ofs_control[at] += control[at].w * p_c[at] * predict(u, control[at].x)
    return (
        att,
        (ofs_treated[0], ofs_treated[1]),
        (ofs_control[0], ofs_control[1]),
        score.coefficients,
    )


SIGNS = (-1.0, 1.0)  # of the base and of the later period in a change


def _tilted(
    control: tuple[Rows, Rows], propensity: list[Floats], outcome: list[Regression] | None
) -> tuple[float, Floats, list[Floats], list[Floats]]:
    """Return minus the change of the comparison rows' odds-weighted mean, how it moves with the
    logit (k), the odds-weighted mean covariates and the rows' influence, both by period.

    Raises:
        NoEstimate: if no comparison row has a propensity score below the trim.
    """
    att, tilt = 0.0, np.zeros(len(control[0].x) + 1)  # the constant stands first
    mean_odds: list[Floats] = []
    ofs_control: list[Floats] = []
    for at, sign in enumerate(SIGNS):
        rows = control[at]
        odds = np.where(propensity[at] < TRIM, rows.w * propensity[at] / (1 - propensity[at]), 0.0)
        total = float(odds.sum())
        if not total > 0:
            raise NoEstimate("no comparison patient has a propensity score below 0.995")
        value = rows.y if outcome is None else outcome[at].residual
        mean = dot(odds, value) / total
        weighted = odds * (value - mean) / total
        att -= sign * mean
        tilt += sign * moment(rows.x, weighted)
        ofs_control.append(-sign * weighted)
        mean_odds.append(moment(rows.x, odds) / total)
    return att, tilt, mean_odds, ofs_control


def _change_of_means(treated: tuple[Rows, Rows]) -> tuple[list[float], list[Floats]]:
    """Return the treated rows' signed means and their influence, by period."""
    means: list[float] = []
    ofs_treated: list[Floats] = []
    for at, sign in enumerate(SIGNS):
        rows = treated[at]
        mean = dot(rows.w, rows.y) / rows.w.sum()
        means.append(sign * mean)
        ofs_treated.append(sign * rows.w * (rows.y - mean) / rows.w.sum())
    return means, ofs_treated


def _augmented(
    treated: tuple[Rows, Rows],
    control: tuple[Rows, Rows],
    outcome_of_control: list[Regression],
    mean_x: Floats,
    sum_d: float,
    mean_odds: list[Floats],
    ofs_control: list[Floats],
) -> tuple[list[float], list[Floats]]:
    """Return the regression part of the doubly robust form and the treated rows' influence, by
    period; the comparison rows' (`ofs_control`) is completed in place."""
    ofs_treated: list[Floats] = []
    outcome_of_treated = [_regress(rows, "patients of the cohort") for rows in treated]
    gap = outcome_of_treated[1].b - outcome_of_control[1].b
    gap -= outcome_of_treated[0].b - outcome_of_control[0].b
    mean = float(mean_x @ gap)
    for at, sign in enumerate(SIGNS):
        rows, fit = treated[at], outcome_of_treated[at]
        own = rows.w * (predict(gap, rows.x) - mean) / sum_d
        ofs_treated.append(
            own + sign * rows.w * fit.residual * predict(fit.inverse @ mean_x, rows.x)
        )
        rows, fit = control[at], outcome_of_control[at]
        slope = fit.inverse @ (mean_x - mean_odds[at])
        ofs_control[at] = ofs_control[at] - sign * rows.w * fit.residual * predict(slope, rows.x)
    return [mean], ofs_treated


def _regress(rows: Rows, who: str) -> Regression:
    inverse = inverse_gram(rows.x, rows.w, who)
    b = inverse @ moment(rows.x, rows.w * rows.y)
    return Regression(b, inverse, rows.y - predict(b, rows.x))


def _means(
    treated: tuple[Rows, Rows], control: tuple[Rows, Rows]
) -> tuple[float, tuple[Floats, Floats], tuple[Floats, Floats], None]:
    """Without covariates the three forms are one difference of four means."""
    att, parts = 0.0, []
    for rows, sign in ((treated[0], -1), (treated[1], 1), (control[0], 1), (control[1], -1)):
        total = rows.w.sum()
        mean = dot(rows.w, rows.y) / total
        att += sign * mean
        parts.append(sign * rows.w * (rows.y - mean) / total)
    return att, (parts[0], parts[1]), (parts[2], parts[3]), None


def _regression(
    treated: tuple[Rows, Rows],
    control: tuple[Rows, Rows],
    outcome: list[Regression],
    mean_x: Floats,
    sum_d: float,
) -> tuple[float, tuple[Floats, Floats], tuple[Floats, Floats]]:
    trend = outcome[1].b - outcome[0].b
    expected = float(mean_x @ trend)
    att = -expected
    own, other = [], []
    for at, sign in enumerate(SIGNS):
        rows = treated[at]
        total = rows.w.sum()
        mean = dot(rows.w, rows.y) / total
        att += sign * mean
        own.append(
            sign * rows.w * (rows.y - mean) / total
            - rows.w * (predict(trend, rows.x) - expected) / sum_d
        )
        rows, fit = control[at], outcome[at]
        other.append(-sign * rows.w * fit.residual * predict(fit.inverse @ mean_x, rows.x))
    return att, (own[0], own[1]), (other[0], other[1])
