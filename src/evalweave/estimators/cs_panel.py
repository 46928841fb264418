"""One 2×2 comparison of changes within patients: regression, IPW (Hájek) and doubly robust.

With D the treated, C the comparison patients, w weights, x covariates (with constant) at the
earlier period, dy the change of the outcome, b the regression of dy on x among C, p the propensity
score and ω = w p/(1 − p) on C:

    reg   E_D[dy − x'b]                   ipw   E_D[dy] − E_ω[dy]
    dr    E_D[dy − x'b] − E_ω[dy − x'b]   (E weighted means)

The influence of a patient includes what the estimated b and p contribute; it is scaled so that the
sum of squares over patients is the variance. Source: Sant'Anna & Zhao (2020), J Econometrics
219(1), eq. 2.2–3.1 ("traditional" nuisance estimators: least squares and maximum likelihood),
trimming as R DRDID 1.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalweave.estimators.cs_propensity import (
    TRIM,
    Logit,
    NoEstimate,
    dot,
    inverse_gram,
    logit,
    moment,
    predict,
)
from evalweave.fits.result import Floats


@dataclass(frozen=True)
class Comparison:
    """All of a 2×2 that does not depend on the outcome, so that periods can share it."""

    method: str
    x_treated: Floats
    x_control: Floats
    w_treated: Floats
    w_control: Floats
    sum_treated: float
    mean_treated: Floats
    inverse: Floats | None = None
    score: Logit | None = None
    treated_residual: Floats | None = None
    odds: Floats | None = None
    fitted_control: Floats | None = None
    mean_odds: Floats | None = None

    @property
    def has_covariates(self) -> bool:
        return len(self.x_treated) > 0


def compare(
    method: str,
    x_treated: Floats,
    x_control: Floats,
    w_treated: Floats,
    w_control: Floats,
    start: Floats | None = None,
) -> Comparison:
    """Fit what can be fitted without the outcome.

    Raises:
        NoEstimate: with the reason: nobody to compare, collinear covariates, separation.
    """
    if not w_treated.sum() > 0:
        raise NoEstimate("no patient of the cohort is seen in both periods")
    if not w_control.sum() > 0:
        raise NoEstimate("no comparison patient is seen in both periods")
    sum_treated = float(w_treated.sum())
    mean_treated = moment(x_treated, w_treated) / sum_treated
    base = Comparison(method, x_treated, x_control, w_treated, w_control, sum_treated, mean_treated)
    if not base.has_covariates:
        return base
    inverse = score = residual = odds = fitted = mean_odds = None
    if method != "ipw":
        inverse = inverse_gram(x_control, w_control, "comparison patients")
    if method != "reg":
        score, p_treated, p_control = logit(x_treated, x_control, w_treated, w_control, start)
        fitted = w_control * p_control
        odds = fitted / (1 - p_control)
        if p_control.max() >= TRIM:
            odds[p_control >= TRIM] = 0.0
        if not odds.sum() > 0:
            raise NoEstimate("no comparison patient has a propensity score below 0.995")
        residual = w_treated * (1 - p_treated)
        mean_odds = moment(x_control, odds) / odds.sum()
    return Comparison(
        method,
        x_treated,
        x_control,
        w_treated,
        w_control,
        sum_treated,
        mean_treated,
        inverse,
        score,
        residual,
        odds,
        fitted,
        mean_odds,
    )


def effect(
    c: Comparison, dy_treated: Floats, dy_control: Floats, influence: bool = True
) -> tuple[float, Floats, Floats]:
    """Return ATT(g,t) and the influence of the treated and of the comparison patients (empty if not
    asked)."""
    none = np.empty(0)
    if not c.has_covariates:
        sum_control = float(c.w_control.sum())
        mean_t = dot(c.w_treated, dy_treated) / c.sum_treated
        mean_c = dot(c.w_control, dy_control) / sum_control
        if not influence:
            return mean_t - mean_c, none, none
        own = c.w_treated * (dy_treated - mean_t) / c.sum_treated
        return mean_t - mean_c, own, c.w_control * (mean_c - dy_control) / sum_control

    if c.inverse is not None:
        b = c.inverse @ moment(c.x_control, c.w_control * dy_control)
        r_treated = dy_treated - predict(b, c.x_treated)
        r_control = dy_control - predict(b, c.x_control)
    else:
        r_treated, r_control = dy_treated, dy_control
    mean_t = dot(c.w_treated, r_treated) / c.sum_treated

    if c.score is None or c.odds is None:
        if not influence:
            return mean_t, none, none
        assert c.inverse is not None
        own = c.w_treated * (r_treated - mean_t) / c.sum_treated
        return (
            mean_t,
            own,
            -c.w_control * r_control * predict(c.inverse @ c.mean_treated, c.x_control),
        )

    sum_odds = float(c.odds.sum())
    mean_c = dot(c.odds, r_control) / sum_odds
    att = mean_t - mean_c
    if not influence:
        return att, none, none
    assert (
        c.treated_residual is not None and c.fitted_control is not None and c.mean_odds is not None
    )
    weighted = c.odds * (r_control - mean_c) / sum_odds
    tilt = c.score.inverse_information @ moment(c.x_control, weighted)
    own = c.w_treated * (r_treated - mean_t) / c.sum_treated
    own -= c.treated_residual * predict(tilt, c.x_treated)
    other = c.fitted_control * predict(tilt, c.x_control) - weighted
    if c.inverse is not None:
        slope = c.inverse @ (c.mean_treated - c.mean_odds)
        other -= c.w_control * r_control * predict(slope, c.x_control)
    return att, own, other
