"""Coverage of intervals for counts, costs, yes or no, and net benefit, by simulation.

    python tests/benchmarks/economics_coverage.py --panels 400

Simulated data throughout, seeds fixed by design and panel. Six periods, start in the fourth; 70 %
of patient-periods are observed; practice sizes as in coverage.py, with a mean of 60. Six in ten
patient-periods cost nothing; the others are log-normal with SD 1.2 within patients and 0.7 between
(heavy tails). Counts are Poisson with a gamma factor, zero-inflated to six in ten. Every log mean
and log odds has practice effects (SD 0.3) and practice × period shocks, AR(1) with correlation 0.6
and stationary SD 0.15; the measured effect is that of coverage.py. Truths are population means by
quadrature; arms have one distribution without the programme, so that every parallel trend holds.
No parameter is ever changed because of the figures.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from evalweave.economics.joint import contrast, joint
from evalweave.economics.net_benefit import net_benefit
from evalweave.errors import DataError
from evalweave.estimators.panel_data import panel_data
from evalweave.estimators.registry import estimator
from evalweave.inference.registry import infer
from evalweave.study.analyses import AnalysisOptions, Columns

PERIODS, START, OBSERVED, SIZE = 6, 3, 0.7, 60
PRACTICE_SD, SHOCK_SD, CORRELATION = 0.3, 0.15, 0.6
ANY = {"level": -0.45, "trend": 0.05, "effect": -0.25, "patient": 0.8}
MUCH = {"level": 6.0, "trend": 0.03, "effect": -0.15, "patient": 0.7, "within": 1.2}
COUNT = {"level": 0.55, "trend": 0.04, "effect": -0.2, "patient": 0.5, "inflated": 0.45}
MEASURED = {"effect": -1.0, "patient": 12.0, "within": 6.0, "shock": 1.0}
WORTH = 200.0
DESIGNS = {"24 practices, 13 treated": (24, 13), "10 practices, 5 treated": (10, 5)}


def normal_mean(function, variance: float) -> float:
    """Return E f(z), z normal with mean 0, by Gauss–Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    return float((function(np.sqrt(variance) * nodes) * weights).sum() / weights.sum())


def truths() -> dict[str, float]:
    """Return the population effects on the treated, over the treated periods."""
    shared = PRACTICE_SD**2 + SHOCK_SD**2
    after = np.arange(START, PERIODS)

    def chance(t: int, on: float) -> float:
        index = ANY["level"] + ANY["trend"] * t + ANY["effect"] * on
        return normal_mean(lambda z: 1 / (1 + np.exp(-index - z)), shared + ANY["patient"] ** 2)

    def much(t: int, on: float) -> float:
        variance = shared + MUCH["patient"] ** 2 + MUCH["within"] ** 2
        return float(np.exp(MUCH["level"] + MUCH["trend"] * t + MUCH["effect"] * on + variance / 2))

    def count(t: int, on: float) -> float:
        variance = shared + COUNT["patient"] ** 2
        index = COUNT["level"] + COUNT["trend"] * t + COUNT["effect"] * on + variance / 2
        return float((1 - COUNT["inflated"]) * np.exp(index))

    cost = float(np.mean([chance(t, 1) * much(t, 1) - chance(t, 0) * much(t, 0) for t in after]))
    return {
        "poisson, ratio of counts": COUNT["effect"],
        "poisson, counts": float(np.mean([count(t, 1) - count(t, 0) for t in after])),
        "poisson, costs": cost,
        "gamma_log, costs": cost,
        "two_part, costs": cost,
        "logit, probability": float(np.mean([chance(t, 1) - chance(t, 0) for t in after])),
        "net benefit": -WORTH * MEASURED["effect"] - cost,
    }


def simulate(random: np.random.Generator, practices: int, treated: int) -> pd.DataFrame:
    """Return one simulated panel with a measured outcome, a count, any cost and a cost."""
    size = np.exp(random.normal(size=practices))
    size = np.maximum(np.rint(size / size.mean() * SIZE), 8).astype(int)
    start = np.full(practices, np.inf)
    start[random.permutation(practices)[:treated]] = START
    of = np.repeat(np.arange(practices), size)
    unit = np.repeat(np.arange(len(of)), PERIODS)
    period = np.tile(np.arange(PERIODS), len(of))
    practice = of[unit]
    on = (period >= start[practice]).astype(float)

    def index(part: dict[str, float], spread: float = SHOCK_SD) -> np.ndarray:
        own = PRACTICE_SD * random.normal(size=practices)[practice]
        shock = spread * _autoregressive(random, practices)[practice, period]
        patient = part["patient"] * random.normal(size=len(of))[unit]
        return own + shock + patient + part["effect"] * on + part.get("trend", 0.0) * period

    chance = 1 / (1 + np.exp(-ANY["level"] - index(ANY)))
    any_cost = random.random(len(unit)) < chance
    noise = MUCH["within"] * random.normal(size=len(unit))
    mean = np.exp(COUNT["level"] + index(COUNT)) * random.gamma(2.0, 0.5, len(unit))
    some = random.random(len(unit)) >= COUNT["inflated"]
    frame = pd.DataFrame(
        {
            "patient_id": unit,
            "practice_id": practice,
            "period": period,
            "first_treated": start[practice],
            "any": any_cost.astype(float),
            "cost": any_cost * np.exp(MUCH["level"] + index(MUCH) + noise),
            "count": random.poisson(mean) * some,
            "y": index(MEASURED, MEASURED["shock"])
            + MEASURED["within"] * random.normal(size=len(unit)),
        }
    )
    return frame[random.random(len(frame)) < OBSERVED].reset_index(drop=True)


def _autoregressive(random: np.random.Generator, g: int) -> np.ndarray:
    series = np.empty((g, PERIODS))
    series[:, 0] = random.normal(size=g)
    for t in range(1, PERIODS):
        fresh = np.sqrt(1 - CORRELATION**2) * random.normal(size=g)
        series[:, t] = CORRELATION * series[:, t - 1] + fresh
    return series


def fitted(frame: pd.DataFrame, name: str, outcome: str):
    analysis = AnalysisOptions.model_validate({"name": "a", "estimator": name})
    return estimator(name)(panel_data(frame, Columns(outcome=outcome), analysis), analysis)


def intervals(frame: pd.DataFrame) -> Iterator[tuple[str, str, float, float]]:
    """Yield what is covered, the method, and both ends of its interval (ratios as logarithms)."""
    analysis = AnalysisOptions.model_validate({"name": "a", "estimator": "poisson"})
    asked = {
        ("poisson", "count"): {"ratio": "ratio of counts", "att": "counts"},
        ("poisson", "cost"): {"att": "costs"},
        ("gamma_log", "cost"): {"att": "costs"},
        ("two_part", "cost"): {"att": "costs"},
        ("logit", "any"): {"att": "probability"},
    }
    costs = None
    for (name, outcome), terms in asked.items():
        fit = fitted(frame, name, outcome)
        costs = fit if (name, outcome) == ("poisson", "cost") else costs
        for method in ("jackknife", "cr1"):
            result = infer(fit, method, analysis)
            for term, word in terms.items():
                place = fit.terms.index(term)
                ends = float(result.ci_low[place]), float(result.ci_high[place])
                yield f"{name}, {word}", method, *ends
    effect = contrast(fitted(frame, "twfe", "y"), {"att": -1.0}, "effect")
    both = joint(effect, contrast(costs, {"att": 1.0}, "cost"))
    row = net_benefit(both, [WORTH], 0.95, 99, 1).iloc[0]
    yield "net benefit", "joint jackknife", float(row["ci_low"]), float(row["ci_high"])


def main() -> None:
    """Run the simulation and print a table a design."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", type=int, default=400)
    parser.add_argument("--seed", type=int, default=20190331)
    parser.add_argument("--minutes", type=float, default=np.inf, help="stop after a whole panel")
    chosen = parser.parse_args()
    truth = truths()
    hits: dict[str, dict[tuple[str, str], list[bool]]] = {d: defaultdict(list) for d in DESIGNS}
    lost: dict[str, int] = defaultdict(int)
    began = time.monotonic()
    for number in range(chosen.panels):
        if time.monotonic() - began > 60 * chosen.minutes:
            break
        for place, (design, (practices, treated)) in enumerate(DESIGNS.items()):
            random = np.random.default_rng([chosen.seed, place, number])
            try:
                for what, method, low, high in intervals(simulate(random, practices, treated)):
                    if low == low:
                        hits[design][what, method].append(low <= truth[what] <= high)
            except DataError as error:
                lost[f"{design}: {error}"] += 1
        if number % 10 == 9:
            print(f"{number + 1} panels", file=sys.stderr, flush=True)
    for design, found in hits.items():
        print(f"\n{design}: coverage of 95 % intervals")
        print("| what | method | coverage | Monte-Carlo error | panels |\n|---|---|---|---|---|")
        for (what, method), covered in found.items():
            share, n = float(np.mean(covered)), len(covered)
            error = 100 * np.sqrt(max(share * (1 - share), 0.25 / n) / n)
            print(f"| {what} | {method} | {100 * share:.1f} | {error:.1f} | {n} |")
    for reason, times in lost.items():
        print(f"without an estimate, {times} panels: {reason}")


if __name__ == "__main__":
    main()
