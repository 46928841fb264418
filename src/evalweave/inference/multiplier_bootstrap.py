"""Multiplier bootstrap on practice sums of influence, with simultaneous (sup-t) bands.

A draw gives every practice one random multiplier v_g with mean 0 and variance 1:

    theta*_k − theta_k = Σ_g v_g psi_gk,        psi (G × K),

so a draw costs G × K products at any number of patients. Source: Callaway & Sant'Anna (2021),
section 4.1 and remark 10 (practices as the unit of the draw).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import ndtri

from evalweave.fits.distributions import t_quantile
from evalweave.fits.result import Fit, Floats
from evalweave.inference.result import Intervals
from evalweave.study.analyses import AnalysisOptions

DEGENERATE = 1e-12  # a term whose influence is zero (a base period) has no error
CHUNK = 4096  # draws held at once
Multipliers = Literal["rademacher", "mammen", "webb"]
CONVENTION = (
    "one multiplier a practice, no small-sample factor; standard error = interquartile "
    "range of the draws / 1.349"
)


@dataclass(frozen=True)
class MultiplierBootstrap:
    """Result for the K terms of a fit; nan for a term without error (a base period).

    Attributes:
        std_error: interquartile range of the draws over that of a standard normal (K), as R `did`.
        critical: sup-t critical value of the term's family (K): the event times, the ATT(g,t)s, the
        cohorts
            and the calendar periods are a family each; a single average is its own.
        critical_pointwise: critical value of the term alone (K).
        p_value: share of draws at least as far from 0 as the estimate (K), both sides.
        n_draws: how many; `enumerated` if these are all 2^G patterns (Rademacher only).
    """

    std_error: Floats
    critical: Floats
    critical_pointwise: Floats
    p_value: Floats
    n_draws: int
    enumerated: bool
    convention: str = CONVENTION


def multiplier_bootstrap(
    fit: Fit, draws: int, seed: int, level: float = 0.95, multipliers: Multipliers = "rademacher"
) -> MultiplierBootstrap:
    """Draw from the practice sums of influence of `fit`.

    Rademacher multipliers are the default, as in R `did`; with them all 2^G patterns are used
    instead of a sample when they are no more than the draws.
    """
    n_practices, n_terms = fit.influence.shape
    enumerated = multipliers == "rademacher" and 2**n_practices <= draws
    total = 2**n_practices if enumerated else draws
    sample = np.empty((total, n_terms))
    random = np.random.default_rng(seed)
    for first in range(0, total, CHUNK):
        last = min(first + CHUNK, total)
        if enumerated:
            pattern = np.arange(first, last)[:, None] >> np.arange(n_practices)[None, :]
            v = 1.0 - 2.0 * (pattern & 1)
        else:
            v = draw_multipliers(random, (last - first, n_practices), multipliers)
        sample[first:last] = v @ fit.influence

    size = np.sqrt((fit.influence**2).sum(axis=0))
    usable = size > DEGENERATE * max(1.0, float(np.abs(fit.theta).max(initial=0.0)))
    quartiles = np.quantile(sample, (0.25, 0.75), axis=0, method="inverted_cdf")
    std_error = np.where(
        usable, (quartiles[1] - quartiles[0]) / (ndtri(0.75) - ndtri(0.25)), np.nan
    )
    usable &= std_error > 0
    std_error = np.where(usable, std_error, np.nan)
    beyond = (np.abs(sample) >= np.abs(fit.theta) * (1 - 1e-10)).sum(axis=0)
    p_value = beyond / total if enumerated else (1 + beyond) / (1 + total)
    ratio = np.abs(sample)
    ratio[:, usable] /= std_error[usable]

    pointwise = np.full(n_terms, np.nan)
    critical = np.full(n_terms, np.nan)
    if usable.any():
        pointwise[usable] = np.quantile(ratio[:, usable], level, axis=0, method="inverted_cdf")
    for members in families(fit.terms).values():
        inside = [k for k in members if usable[k]]
        if inside:
            critical[inside] = np.quantile(
                ratio[:, inside].max(axis=1), level, method="inverted_cdf"
            )
    return MultiplierBootstrap(
        std_error=std_error,
        critical=critical,
        critical_pointwise=pointwise,
        p_value=np.where(usable, p_value, np.nan),
        n_draws=total,
        enumerated=enumerated,
        convention=f"{multipliers} multipliers; {CONVENTION}",
    )


def intervals(fit: Fit, analysis: AnalysisOptions) -> Intervals:
    """Return pointwise intervals, or the simultaneous band where `bands` asks for it."""
    drawn = multiplier_bootstrap(fit, analysis.draws, analysis.seed, analysis.level)
    simultaneous = analysis.bands == "simultaneous"
    half = (drawn.critical if simultaneous else drawn.critical_pointwise) * drawn.std_error
    lost = {
        term: "its influence is zero in every practice: it is a base period or the fit is exact"
        for term, error in zip(fit.terms, drawn.std_error, strict=True)
        if np.isnan(error)
    }
    how = (
        f"all {drawn.n_draws} patterns"
        if drawn.enumerated
        else f"{drawn.n_draws} draws, seed {analysis.seed}"
    )
    band = "simultaneous (sup-t) band" if simultaneous else "pointwise interval"
    return Intervals(
        drawn.std_error,
        fit.theta - half,
        fit.theta + half,
        drawn.p_value,
        np.full(len(half), np.nan),
        f"multiplier bootstrap, {how}, {drawn.convention}; {band}",
        lost,
        {"critical_values": dict(zip(fit.terms, drawn.critical.tolist(), strict=True))},
    )


def widened(fit: Fit, pointwise: Intervals, analysis: AnalysisOptions) -> Intervals:
    """Return the intervals of another method widened to a simultaneous band.

    The t quantile is multiplied by the ratio of sup-t to pointwise critical values of the bootstrap
    on practice influence, so that the band keeps the method's degrees of freedom.
    """
    drawn = multiplier_bootstrap(fit, analysis.draws, analysis.seed, analysis.level)
    dof = np.where(np.isnan(pointwise.dof), np.inf, pointwise.dof)
    ratio = np.fmax(drawn.critical / drawn.critical_pointwise, 1.0)
    half = ratio * t_quantile(analysis.level, dof) * pointwise.std_error
    return replace(
        pointwise,
        ci_low=fit.theta - half,
        ci_high=fit.theta + half,
        convention=f"{pointwise.convention}; simultaneous (sup-t) band, {drawn.n_draws} multiplier "
        "draws",
    )


def families(terms: tuple[str, ...]) -> dict[str, list[int]]:
    """Group terms that a simultaneous band covers together: `event[…]`, `att_gt[…]`, each cohort,
    each period.

    Overall averages and terms without brackets stand alone.
    """
    together: dict[str, list[int]] = {}
    for k, term in enumerate(terms):
        match = re.fullmatch(r"(\w+)\[(.*)\]", term)
        name = match[1] if match and match[2] != "overall" else term
        together.setdefault(name, []).append(k)
    return together


def draw_multipliers(
    random: np.random.Generator, shape: tuple[int, int], kind: Multipliers
) -> Floats:
    """Multipliers with mean 0 and variance 1: Mammen (1993), Rademacher, or Webb's six points
    (2023)."""
    if kind == "rademacher":
        return np.asarray(1.0 - 2.0 * random.integers(0, 2, shape), dtype=np.float64)
    if kind == "webb":
        points: Floats = np.sqrt(np.array([0.5, 1.0, 1.5]))
        six: Floats = np.concatenate((-points, points))
        return six[random.integers(0, 6, shape)]
    root = np.sqrt(5.0)
    low, high = (1 - root) / 2, (1 + root) / 2
    chosen: Floats = np.where(random.random(shape) < (root + 1) / (2 * root), low, high)
    return chosen
