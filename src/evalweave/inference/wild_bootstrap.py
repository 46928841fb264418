"""Restricted wild cluster bootstrap (Cameron, Gelbach & Miller 2008) from per-practice sufficient
statistics.

Under H0: c'beta = r, only the tested combination is restricted and everything else re-estimated.
With restricted scores s_g = X_g'(y_g - X_g beta_r), M = (X'X)^-1, a = Mc and bootstrap weights v,

    c'(beta* - beta_r) = sum_g v_g a's_g,      scores of the bootstrap residuals: v_g a's_g -
    a'X_g'X_g M sum_h v_h s_h,

so a draw costs G^2 operations however many patients there are (MacKinnon, Nielsen & Webb 2023). CR1
inside t* and t; its factor cancels. Both parts are linear in r, so the test is inverted without
another draw.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from evalweave.fits.result import Fit, Floats, LeastSquares
from evalweave.inference.cluster_robust import contrasts, sufficient
from evalweave.inference.inversion import TIE, draws, interval
from evalweave.inference.result import Intervals
from evalweave.study.analyses import AnalysisOptions

CHUNK = 2048  # draws held at once
FEW = 12  # practices below which `auto` takes Webb's weights
WEBB = (-np.sqrt(1.5), -1.0, -np.sqrt(0.5), np.sqrt(0.5), 1.0, np.sqrt(1.5))
GOLDEN = np.sqrt(5.0)
POINTS = {
    "rademacher": ((-1.0, 1.0), (0.5, 0.5)),
    "webb": (WEBB, (1 / 6,) * 6),
    "mammen": (
        ((1 - GOLDEN) / 2, (1 + GOLDEN) / 2),
        ((GOLDEN + 1) / (2 * GOLDEN), (GOLDEN - 1) / (2 * GOLDEN)),
    ),
}


def wild_weights(g: int, analysis: AnalysisOptions) -> tuple[Floats, Floats, str]:
    """Return weights (B x G), each draw's probability (B) and their name; all patterns when no more
    than draws. What sampled draws lack of one is the observed statistic's: p = (1 + count)/(1 + B).
    """
    name = analysis.bootstrap_weights
    if name == "auto":
        name = "webb" if g < FEW else "rademacher"
    points, chances = (np.array(part) for part in POINTS[name])
    if g * np.log(len(points)) <= np.log(analysis.draws) + 1e-9:
        patterns = np.array(list(itertools.product(range(len(points)), repeat=g)), dtype=np.int8)
        return (
            points[patterns],
            chances[patterns].prod(axis=1),
            f"all {len(patterns)} {_spoken(name)} patterns",
        )
    rng = np.random.default_rng(analysis.seed)
    if name == "rademacher":
        chosen = rng.integers(0, 2, size=(analysis.draws, g), dtype=np.int8)
    else:
        chosen = rng.choice(len(points), size=(analysis.draws, g), p=chances).astype(np.int8)
    probability = np.full(analysis.draws, 1 / (analysis.draws + 1))
    return (
        points[chosen],
        probability,
        f"{analysis.draws} {_spoken(name)} draws, seed {analysis.seed}",
    )


def wild_bootstrap(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    """Return p-values and intervals of every term. An unbounded interval has infinite ends."""
    ls = sufficient(fit)
    bread = np.linalg.inv(ls.xx.sum(axis=0))
    scores = ls.xy - ls.xx @ (bread @ ls.xy.sum(axis=0))

    def restricted(contrast: Floats) -> tuple[Floats, Floats]:
        towards = bread @ contrast
        return scores, ls.xx @ towards / float(contrast @ towards)

    return _intervals(fit, analysis, restricted, "restricted wild cluster bootstrap-t with cr1")


def wild_bootstrap_s(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    """Return p-values and intervals from the scores that each practice has under the restricted
    estimate of the others (WCR-S; MacKinnon, Nielsen & Webb 2023, section 5)."""
    ls = sufficient(fit)
    return _intervals(
        fit,
        analysis,
        lambda contrast: _left_out_scores(ls, contrast),
        "restricted wild cluster bootstrap-t with cr1, jackknife-based scores (WCR-S)",
    )


def _left_out_scores(ls: LeastSquares, contrast: Floats) -> tuple[Floats, Floats]:
    """Return X_g'(y_g - X_g beta_r(-g)) at r = theta-hat and its change with delta (G x P each).

    beta_r(-g) minimises the squares of the other practices under c'beta = r; with Z a basis of
    c'Z = 0 it is rc/(c'c) + Z gamma, linear in r. A generalised inverse serves where the others
    do not determine gamma.
    """
    total_xx, total_xy = ls.xx.sum(axis=0), ls.xy.sum(axis=0)
    theta = float(contrast @ np.linalg.solve(total_xx, total_xy))
    along = contrast / float(contrast @ contrast)
    free = np.linalg.svd(contrast[None])[2][1:].T  # Z, P x P-1
    scale = 1 / np.sqrt(np.einsum("pq,pr,rq->q", free, total_xx, free))
    free = free * scale
    at, slope = np.empty_like(ls.xy), np.empty_like(ls.xy)
    for g, (xx, xy) in enumerate(zip(ls.xx, ls.xy, strict=True)):
        others = total_xx - xx
        inverse = np.linalg.pinv(free.T @ others @ free, rcond=1e-12, hermitian=True)
        beta = along * theta
        beta = beta + free @ (inverse @ (free.T @ (total_xy - xy - others @ beta)))
        moved = along - free @ (inverse @ (free.T @ (others @ along)))  # with r
        at[g] = xy - xx @ beta
        slope[g] = xx @ moved  # delta = theta-hat - r
    return at, slope


def _intervals(
    fit: Fit,
    analysis: AnalysisOptions,
    restricted: Callable[[Floats], tuple[Floats, Floats]],
    name: str,
) -> Intervals:
    """Return the bootstrap whose restricted scores of a contrast are `restricted` (at delta = 0,
    and their change with delta; G x P each)."""
    ls = sufficient(fit)
    weights, probability, words = wild_weights(len(ls.xx), analysis)
    observed = _observed_share(probability)
    bread = np.linalg.inv(ls.xx.sum(axis=0))
    residual_scores = ls.xy - ls.xx @ (bread @ ls.xy.sum(axis=0))
    k = len(fit.terms)
    low, high, p = np.full(k, np.nan), np.full(k, np.nan), np.full(k, np.nan)
    absent: dict[str, str] = {}
    notes: list[str] = []
    for j, (term, contrast) in enumerate(zip(fit.terms, contrasts(fit), strict=True)):
        towards = bread @ contrast
        error = float(np.sqrt(((residual_scores @ towards) ** 2).sum()))
        if not error > 0:
            absent[term] = "its practice scores are all zero: the fit is exact"
            continue
        scores, shift = restricted(contrast)
        base, slope = scores @ towards, shift @ towards
        cross = ls.xx @ towards @ bread
        r0 = weights * base - (weights @ scores) @ cross.T
        r1 = weights * slope - (weights @ shift) @ cross.T
        n0, n1 = weights @ base, weights @ slope
        starred = draws(n0, n1, r0, r1, error, probability, observed)
        p[j] = starred.p_value(float(fit.theta[j]))
        low[j], high[j], parts = interval(starred, float(fit.theta[j]), analysis.level)
        if parts:
            notes.append(f"{term}: the accepted values are not one interval; its hull is given.")
        if np.isinf(low[j]) or np.isinf(high[j]):
            notes.append(
                f"{term}: the interval is unbounded: with {len(ls.xx)} practices so arranged, no "
                "value is rejected."
            )
    blank = np.full(k, np.nan)
    convention = f"{name}, {words}; symmetric p; interval by inversion"
    return Intervals(
        blank, low, high, p, blank, convention, absent, {"notes": notes} if notes else {}
    )


def wild_wald(
    fit: Fit, contrast: Floats, analysis: AnalysisOptions
) -> dict[str, float | str | int]:
    """Return the restricted wild bootstrap p-value of the joint hypothesis `contrast` @ beta = 0 (Q
    x P)."""
    ls = sufficient(fit)
    weights, probability, words = wild_weights(len(ls.xx), analysis)
    bread = np.linalg.inv(ls.xx.sum(axis=0))
    beta = bread @ ls.xy.sum(axis=0)
    towards = bread @ contrast.T  # P x Q
    restricted = beta - towards @ np.linalg.solve(contrast @ towards, contrast @ beta)
    free = (ls.xy - ls.xx @ beta) @ towards
    observed = _wald((contrast @ beta)[None], free[None])[0]
    scores = ls.xy - ls.xx @ restricted
    own, cross = scores @ towards, towards.T @ ls.xx @ bread  # G x Q, G x Q x P
    reached = _observed_share(probability)
    size = max(1, 4_000_000 // max(own.size, 1))
    for first in range(0, len(weights), size):
        some = weights[first : first + size]
        total = some @ scores
        residual = some[:, :, None] * own - np.einsum("gqp,bp->bgq", cross, total, optimize=True)
        statistic = _wald(total @ towards, residual)
        reached += float(
            probability[first : first + size][statistic >= observed * (1 - 1e-10)].sum()
        )
    return {"statistic": float(observed), "q": len(contrast), "p_value": reached, "method": words}


def wild_maximum(fits: Sequence[Fit], analysis: AnalysisOptions) -> dict[str, float | str | int]:
    """Return the restricted wild bootstrap p-value of the largest |t| (cr1) over the first terms of
    several fits of the same outcome to the same rows.

    Each fit without its tested column must be the same model, so that one bootstrap outcome serves
    all and their dependence is kept (max-T; Romano & Wolf 2005, Econometrica 73).
    """
    weights, probability, words = wild_weights(len(sufficient(fits[0]).xx), analysis)
    observed, largest = 0.0, np.zeros(len(weights))
    for fit in fits:
        ls, contrast = sufficient(fit), contrasts(fit)[0]
        bread = np.linalg.inv(ls.xx.sum(axis=0))
        beta = bread @ ls.xy.sum(axis=0)
        towards = bread @ contrast
        theta = float(contrast @ beta)
        error = float(np.sqrt((((ls.xy - ls.xx @ beta) @ towards) ** 2).sum()))
        if not error > 0:
            continue
        scores = ls.xy - ls.xx @ (beta - towards * theta / float(contrast @ towards))
        own, cross = scores @ towards, ls.xx @ towards @ bread
        for first in range(0, len(weights), CHUNK):
            some = weights[first : first + CHUNK]
            residual = some * own - (some @ scores) @ cross.T
            spread = np.sqrt((residual**2).sum(axis=1))
            size = np.abs(some @ own) / np.where(spread > 0, spread, np.inf)
            largest[first : first + CHUNK] = np.maximum(largest[first : first + CHUNK], size)
        observed = max(observed, abs(theta) / error)
    reached = float(probability[largest >= observed * (1 - TIE)].sum())
    return {
        "statistic": observed,
        "tests": len(fits),
        "p_value": reached + _observed_share(probability),
        "method": f"largest |t| (cr1), restricted wild bootstrap, {words}",
    }


def _wald(estimate: Floats, influence: Floats) -> Floats:
    """Return d'V^-1 d with V the sum of outer products of practices' influence (B x Q, B x G x
    Q)."""
    variance = np.swapaxes(influence, 1, 2) @ influence
    inverse = np.linalg.pinv(variance, rcond=1e-12, hermitian=True)
    return np.asarray(np.einsum("bq,bqr,br->b", estimate, inverse, estimate))


def _observed_share(probability: Floats) -> float:
    """Return the share of the observed statistic: 1/(1 + B) beside B sampled draws, 0 where the
    patterns are enumerated and the identity is one of them."""
    share = 1.0 - float(probability.sum())
    return share if share > TIE else 0.0


def _spoken(name: str) -> str:
    return {"webb": "Webb", "rademacher": "Rademacher", "mammen": "Mammen"}[name]
