"""Were the arms on parallel paths before the start? Tests of an event study's leads that hold with
few practices.

The joint F(q, G - 1) on practice-clustered errors rejects far too often with two dozen practices
and is given for comparison with other software only. The verdict uses the restricted wild bootstrap
Wald test, refused for more than (G - 1)/3 leads, and a one-degree-of-freedom slope: the
least-squares line through the leads and the reference (0).
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from evalweave.diagnostics.equivalence import SIZE, smallest_margins
from evalweave.fits.distributions import f_p_value, t_p_value, t_quantile
from evalweave.fits.result import Fit, Floats
from evalweave.inference.cluster_robust import (
    contrasts,
    cr1_covariance,
    small_sample_errors,
)
from evalweave.inference.wild_bootstrap import wild_bootstrap, wild_wald
from evalweave.study.analyses import AnalysisOptions

SIMULATIONS = 20_000


def leads_of(fit: Fit) -> list[tuple[int, int]]:
    """Return (event time, place among the terms) of the estimated leads."""
    reference = int(fit.details.get("reference", -1))
    latest = -int(fit.details.get("anticipation", 0))
    leads = []
    for place, term in enumerate(fit.terms):
        if term.startswith("event[") and term != "event[overall]":
            event = int(term[6:-1])
            if event < latest and event != reference:
                leads.append((event, place))
    return leads


def pretrend(fit: Fit, analysis: AnalysisOptions) -> dict[str, Any]:
    """Return the tests of the leads of an event study, their power and what could be ruled out.

    Keys: leads, joint_f (statistic, q, dof, p_value; for comparison only), wild_wald (p_value or
    refused), slope (estimate in outcome units a period, cr2 and wild p-values, and the slopes that
    this test finds with 50 and 80 % power), equivalence (smallest margins), detectable_slope (of
    another test, that of Roth 2022: any lead alone), verdict.
    """
    leads = leads_of(fit)
    if not leads:
        return {
            "verdict": "No lead was estimated: parallel paths before the start cannot be examined."
        }
    g, q = len(fit.influence), len(leads)
    places = [place for _, place in leads]
    out: dict[str, Any] = {"leads": [event for event, _ in leads]}
    theta, variance = fit.theta[places], cr1_covariance(fit)[np.ix_(places, places)]
    out["joint_f"] = _joint_f(theta, variance, q, g)
    slope = slope_weights([event for event, _ in leads], int(fit.details.get("reference", -1)))
    tested = {**out, "slope": _slope(fit, places, slope, analysis)}
    if fit.least_squares is not None:
        if 3 * q > g - 1:
            tested["wild_wald"] = {
                "refused": f"{q} leads are more than a third of {g - 1} (practices less one): a "
                "joint test would reject "
                "too often. Bin the leads (bins), or read the slope."
            }
        else:
            tested["wild_wald"] = wild_wald(fit, contrasts(fit)[places], analysis)
    tested["equivalence"] = _equivalence(fit, leads, tested["slope"])
    tested["detectable_slope"] = detectable_slopes(
        [event for event, _ in leads],
        int(fit.details.get("reference", -1)),
        variance,
        analysis.seed,
    )
    tested["verdict"] = _verdict(tested, analysis.level)
    return tested


def slope_weights(events: list[int], reference: int) -> Floats:
    """Return the weights of the leads in the least-squares slope through them and the reference,
    which is 0."""
    times = np.array([*events, reference], dtype=float)
    centred = times - times.mean()
    return np.asarray((centred / (centred**2).sum())[:-1])


def _joint_f(theta: Floats, variance: Floats, q: int, g: int) -> dict[str, Any]:
    rank = int(np.linalg.matrix_rank(variance, hermitian=True))
    if rank < q or g < 3:
        return {
            "refused": f"{g} practices cannot tell {q} leads apart: their covariance has rank "
            f"{rank}."
        }
    statistic = float(theta @ np.linalg.solve(variance, theta)) / q
    return {
        "statistic": statistic,
        "q": q,
        "dof": g - 1,
        "p_value": f_p_value(statistic, q, g - 1),
        "note": "for comparison with other software only: it rejects far too often with few "
        "practices",
    }


def _slope(
    fit: Fit, places: list[int], weights: Floats, analysis: AnalysisOptions
) -> dict[str, Any]:
    """Return the slope through the leads with cr2 (influence: cr1) and, for least squares, the wild
    bootstrap."""
    row = np.zeros(len(fit.terms))
    row[places] = weights
    one = combined(fit, "slope", row)
    errors, dof, method = small_sample_errors(one)
    error, degrees = float(errors[0]), float(dof[0])
    estimate = float(one.theta[0])
    out: dict[str, Any] = {
        "estimate": estimate,
        "std_error": error,
        "dof": degrees,
        "method": method,
    }
    if error > 0:
        out["p_value"] = float(t_p_value(np.array(estimate / error), np.array(degrees)))
        half = float(t_quantile(analysis.level, np.array(degrees))) * error
        out |= {"ci_low": estimate - half, "ci_high": estimate + half}
        # Power of this test under a linear violation, from the same t distribution.
        critical = float(t_quantile(analysis.level, np.array(degrees)))
        out["detectable_50"] = critical * error
        out["detectable_80"] = (critical + float(t_quantile(0.6, np.array(degrees)))) * error
    if one.least_squares is not None:
        out["p_value_wild"] = float(wild_bootstrap(one, analysis).p_value[0])
    return out


def _equivalence(fit: Fit, leads: list[tuple[int, int]], slope: dict[str, Any]) -> dict[str, Any]:
    """Return the smallest margins that could be declared: `slope` (a period), `leads` (all of them
    together), and `effect`, by how much a drift of that slope would move the average after the
    start (Bilinski & Hatfield 2018)."""
    errors, dof, _ = small_sample_errors(fit)
    places = [place for _, place in leads]
    margins = smallest_margins(fit.theta[places], errors[places], dof[places])
    out: dict[str, Any] = {"size": SIZE, "leads": float(margins.max())}
    if "dof" not in slope or not slope["std_error"] > 0:
        return out
    one = (np.array([slope[name]]) for name in ("estimate", "std_error", "dof"))
    out["slope"] = float(smallest_margins(*one)[0])
    reference = int(fit.details.get("reference", -1))
    after = [int(term[6:-1]) for term in fit.terms if re.fullmatch(r"event\[\d+\]", term)]
    if after:
        out["effect"] = out["slope"] * (float(np.mean(after)) - reference)
    return out


def combined(fit: Fit, term: str, row: Floats) -> Fit:
    """Return a fit of the one combination `row` (K weights) of the terms of `fit`."""
    from dataclasses import replace

    return replace(
        fit,
        terms=(term,),
        theta=np.array([float(row @ fit.theta)]),
        influence=fit.influence @ row[:, None],
        contrast=row[None] @ contrasts(fit) if fit.least_squares is not None else None,
        unit_covariance=None,
        beside=(),
        refit=None,
    )


def detectable_slopes(
    events: list[int], reference: int, variance: Floats, seed: int
) -> dict[str, Any]:
    """Return the slopes of a linear violation that the leads would reveal with 50 and 80 %
    probability (Roth 2022).

    Revealed = any lead individually significant at 5 % (|estimate| > 1.96 standard errors), leads
    normal with the cr1 covariance. Probabilities by simulation (fixed draws), bisected over the
    slope; outcome units a period.
    """
    error = np.sqrt(np.diag(variance))
    if not (error > 0).all():
        return {"refused": "a lead has no standard error"}
    distance = np.abs(np.array(events, dtype=float) - reference)
    values, vectors = np.linalg.eigh(variance)
    noise = np.random.default_rng(seed).normal(size=(SIMULATIONS, len(events)))
    noise = (noise * np.sqrt(np.clip(values, 0, None))) @ vectors.T

    def seen(slope: float) -> float:
        return float(
            (
                np.abs(noise - slope * distance * np.sign(reference - np.array(events)))
                > 1.959963984540054 * error
            )
            .any(axis=1)
            .mean()
        )

    out: dict[str, Any] = {
        "test": "any lead alone beyond 1.96 cr1 errors (Roth 2022); not the test of the verdict",
        "false_alarm": seen(0.0),
        "draws": SIMULATIONS,
    }
    for power in (0.5, 0.8):
        low, high = 0.0, float((6 * error / distance).max())
        if seen(0.0) >= power:
            out[f"power_{round(100 * power)}"] = 0.0
            continue
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if seen(middle) >= power else (middle, high)
        out[f"power_{round(100 * power)}"] = high
    return out


def _verdict(tested: dict[str, Any], level: float) -> str:
    slope = tested["slope"]
    p_slope = slope.get("p_value_wild", slope.get("p_value"))
    p_joint = tested.get("wild_wald", {}).get("p_value")
    parts = []
    if p_joint is not None:
        parts.append(f"jointly p = {p_joint:.3f} (wild bootstrap)")
    if p_slope is not None:
        parts.append(f"slope p = {p_slope:.3f}")
    if not parts:
        return "The leads cannot be tested."
    against = any(p is not None and p < 1 - level for p in (p_joint, p_slope))
    finding = (
        "The leads differ from zero"
        if against
        else "The leads show no departure from parallel paths"
    )
    limit = ""
    if "detectable_80" in slope:
        limit = (
            f" The test of the slope notices a steady drift of {slope['detectable_80']:.3g} a "
            "period with 80 % probability; the smallest that could be ruled out here is "
            f"{tested['equivalence']['slope']:.3g} a period (equivalence test, 5 %)."
        )
    return f"{finding}: {', '.join(parts)}.{limit} Not rejecting is no proof of parallel paths."
