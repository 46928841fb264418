"""Coverage of every interval in the designs where few practices hurt, by simulation.

    python tests/benchmarks/coverage.py --panels 1000            # every design
    python tests/benchmarks/coverage.py --only "24/4" --panels 200

Simulated data throughout; the seeds are fixed by design and panel. Eight periods, start in the
fifth, effect −1 on an outcome with patient SD 12 and noise SD 6; 70 % of patient-periods are
observed; practice sizes are exp(N(0, 1)), scaled to a mean of 120 and at least 8; practice shocks
are AR(1) with correlation 0.6 and stationary SD 1. A design departs from that by what its name
says. More panels sharpen the figures; no parameter is ever changed because of them.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from evalweave.diagnostics.pretrend import pretrend
from evalweave.errors import DataError
from evalweave.estimators.panel_data import panel_data
from evalweave.estimators.registry import estimator
from evalweave.inference.registry import infer
from evalweave.study.analyses import AnalysisOptions, Columns

PERIODS, START, OBSERVED = 8, 4, 0.7
PATIENT_SD, NOISE_SD, SHOCK_SD, CORRELATION = 12.0, 6.0, 1.0, 0.6
AREA_SD = 0.5  # area × period shocks, of the same correlation
PROBABILITY, IN_PROBABILITY = 0.5, 0.01  # binary: the mean, and what one unit of the index adds
STARTS = (3, 4, 5, 6)  # staggered: two thirds of the practices, in turn

LEAST_SQUARES = (
    "cr1",
    "cr2",
    "cr3",
    "jackknife",
    "wild_bootstrap",
    "wild_bootstrap_s",
    "randomisation",
)
TWFE = {("twfe", "att"): LEAST_SQUARES}
STAGGERED = {
    ("callaway_santanna", "simple"): ("cr1", "multiplier_bootstrap", "jackknife"),
    ("imputation", "att"): ("cr1", "jackknife"),
    ("sun_abraham", "att"): ("cr2", "cr3"),
    ("etwfe", "att"): ("cr2", "cr3"),
}


@dataclass(frozen=True)
class Design:
    """What a simulated panel looks like; `grows` makes the shocks' SD grow with the square root of
    a practice's size, `treated_shocks` multiplies it for treated practices."""

    practices: int
    treated: int
    grows: bool = False
    treated_shocks: float = 1.0
    areas: int = 0
    binary: bool = False
    staggered: bool = False


DESIGNS = {
    "24 practices, 13 treated": Design(24, 13),
    "shock SD grows with √size": Design(24, 13, grows=True),
    "24/5, treated shocks × 2.5": Design(24, 5, treated_shocks=2.5),
    "24/4": Design(24, 4),
    "8/2, treated shocks × 2.5": Design(8, 2, treated_shocks=2.5),
    "area × year shocks, one treated area, two others": Design(24, 8, areas=3),
    "binary outcome, 24/13": Design(24, 13, binary=True),
    "staggered, 24 practices": Design(24, 16, staggered=True),
    "staggered, 12 practices": Design(12, 8, staggered=True),
}


def simulate(random: np.random.Generator, design: Design) -> tuple[pd.DataFrame, float]:
    """Return one simulated panel and its true effect."""
    g = design.practices
    size = np.exp(random.normal(size=g))
    size = np.maximum(np.rint(size / size.mean() * 120), 8).astype(int)
    start = np.full(g, np.inf)
    places = np.arange(g) if design.areas else random.permutation(g)
    chosen = places[: design.treated]
    start[chosen] = np.resize(STARTS, len(chosen)) if design.staggered else START
    spread = np.sqrt(size / size.mean()) if design.grows else np.ones(g)
    spread = SHOCK_SD * np.where(np.isfinite(start), design.treated_shocks, 1.0) * spread
    shock = _autoregressive(random, g) * spread[:, None]
    area = np.repeat(np.arange(max(design.areas, 1)), g // max(design.areas, 1))
    if design.areas:
        shock += AREA_SD * _autoregressive(random, design.areas)[area]
    practice = np.repeat(np.arange(g), size)
    unit = np.repeat(np.arange(len(practice)), PERIODS)
    period = np.tile(np.arange(PERIODS), len(practice))
    of = practice[unit]
    effect = -1.0 * (5 if design.binary else 1)
    index = PATIENT_SD * random.normal(size=len(practice))[unit] + shock[of, period]
    index += effect * (period >= start[of])
    if design.binary:
        chance = np.clip(PROBABILITY + IN_PROBABILITY * index, 0.0, 1.0)
        y = (random.random(len(unit)) < chance).astype(float)
        effect *= IN_PROBABILITY
    else:
        y = 58 + index + NOISE_SD * random.normal(size=len(unit))
    seen = random.random(len(unit)) < OBSERVED
    frame = pd.DataFrame(
        {
            "patient_id": unit[seen],
            "practice_id": of[seen],
            "area": area[of[seen]],
            "period": period[seen],
            "first_treated": start[of][seen],
            "y": y[seen],
        }
    )
    return frame, effect


def _autoregressive(random: np.random.Generator, g: int) -> np.ndarray:
    """Return g stationary AR(1) series of SD 1 (g × T)."""
    series = np.empty((g, PERIODS))
    series[:, 0] = random.normal(size=g)
    for t in range(1, PERIODS):
        fresh = np.sqrt(1 - CORRELATION**2) * random.normal(size=g)
        series[:, t] = CORRELATION * series[:, t - 1] + fresh
    return series


class Tally:
    """Hits and widths of each method."""

    def __init__(self) -> None:
        self.hits: dict[str, list[float]] = defaultdict(list)
        self.widths: dict[str, list[float]] = defaultdict(list)

    def add(self, method: str, low: float, high: float, effect: float) -> None:
        if np.isnan(low):
            return
        self.hits[method].append(float(low <= effect <= high))
        self.widths[method].append(high - low)

    def reject(self, method: str, p_value: float) -> None:
        self.hits[method].append(float(p_value < 0.05))

    def show(self, title: str) -> None:
        """Print shares with their Monte-Carlo standard errors, in points."""
        print(f"\n{title}\n| method | share | Monte-Carlo error | median width | panels |")
        print("|---|---|---|---|---|")
        for method, hits in self.hits.items():
            share, n = float(np.mean(hits)), len(hits)
            error = 100 * np.sqrt(max(share * (1 - share), 0.25 / n) / n)
            width = f"{np.median(self.widths[method]):.2f}" if self.widths.get(method) else ""
            print(f"| {method} | {100 * share:.1f} | {error:.1f} | {width} | {n} |", flush=True)


def options(name: str, **more: object) -> AnalysisOptions:
    return AnalysisOptions.model_validate({"name": name, "estimator": name, **more})


def intervals(
    frame: pd.DataFrame, design: Design, draws: int, seed: int
) -> Iterator[tuple[str, float, float]]:
    """Yield the label, lower and upper end of every interval of one panel."""
    asked = STAGGERED if design.staggered else TWFE
    panel = panel_data(frame, Columns(outcome="y"), options("twfe"))
    for (name, term), methods in asked.items():
        analysis = options(name, draws=draws, seed=seed)
        if name == "callaway_santanna":
            analysis = options(name, draws=draws, seed=seed, aggregate=["simple"], method="reg")
        fit = estimator(name)(panel, analysis)
        if term not in fit.terms:
            continue
        # one term is asked for, so that nothing is inverted in vain
        place = fit.terms.index(term)
        if fit.contrast is not None:
            fit = replace(
                fit,
                terms=(term,),
                theta=fit.theta[[place]],
                influence=fit.influence[:, [place]],
                contrast=fit.contrast[[place]],
            )
            place = 0
        for method in methods:
            label = method if not design.staggered else f"{name}: {method}"
            try:
                result = infer(fit, method, analysis)
            except DataError:
                continue
            yield label, float(result.ci_low[place]), float(result.ci_high[place])


def add_pretrends(frame: pd.DataFrame, draws: int, seed: int, tally: Tally) -> None:
    """Add whether each pre-trend test of three leads rejects parallel trends, which hold."""
    event = options("event_study", draws=draws, seed=seed)
    panel = panel_data(frame, Columns(outcome="y"), event)
    verdict = pretrend(estimator("event_study")(panel, event), event)
    tally.reject("joint F(q, G − 1), cr1", verdict["joint_f"].get("p_value", 1.0))
    if "p_value" in verdict["wild_wald"]:
        tally.reject("restricted wild Wald", verdict["wild_wald"]["p_value"])
    tally.reject("slope, cr2", verdict["slope"]["p_value"])
    tally.reject("slope, wild", verdict["slope"]["p_value_wild"])


def main() -> None:
    """Run the simulation, panel by panel over all designs, and print a table a design."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=999)
    parser.add_argument("--seed", type=int, default=20150401)
    parser.add_argument("--only", action="append", help="a design; all of them when left out")
    parser.add_argument("--minutes", type=float, default=np.inf, help="stop after a whole panel")
    parser.add_argument("--pretrends", action="store_true", help="also the first design's tests")
    chosen = parser.parse_args()
    designs = {name: DESIGNS[name] for name in chosen.only or DESIGNS}
    tallies = {name: Tally() for name in designs}
    tests = Tally()
    began = time.monotonic()
    for number in range(chosen.panels):
        if time.monotonic() - began > 60 * chosen.minutes:
            break
        for name, design in designs.items():
            random = np.random.default_rng([chosen.seed, list(DESIGNS).index(name), number])
            frame, effect = simulate(random, design)
            for label, low, high in intervals(frame, design, chosen.draws, number):
                tallies[name].add(label, low, high, effect)
            if chosen.pretrends and name == next(iter(DESIGNS)):
                add_pretrends(frame, chosen.draws, number, tests)
        if number % 10 == 9:
            print(f"{number + 1} of {chosen.panels} panels", file=sys.stderr, flush=True)
    for name, tally in tallies.items():
        tally.show(f"{name}: coverage of 95 % intervals, {chosen.draws} draws")
    if tests.hits:
        tests.show("24 practices, 13 treated: size of 5 % pre-trend tests, three leads")


if __name__ == "__main__":
    main()
