"""Coverage of every interval and size of every pre-trend test with few practices, by simulation.

    python tests/benchmarks/coverage.py --panels 1000 --refits 200

Simulated data throughout. Practices of unequal size (about 15 to 250 patients, drawn anew), AR(1)
practice-by-period shocks (sd 1, correlation 0.5), patients of sd 8 seen in 75 % of eight periods
with noise of sd 6, treatment given at random to some practices from the fifth period on, true
effect −1. Dear methods use fewer panels (--refits) and draws; the table says how many. The
Monte-Carlo error of a coverage of 95 % is 0.7 points at 1,000 panels, 1.5 at 200.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from evalweave.diagnostics.pretrend import pretrend
from evalweave.estimators.panel_data import panel_data
from evalweave.estimators.registry import estimator
from evalweave.inference.registry import infer
from evalweave.study.analyses import AnalysisOptions, Columns

EFFECT = -1.0
PERIODS, START = 8, 4
DESIGNS = {"24 practices, 13 treated": (24, 13), "10 practices, 4 treated": (10, 4)}
CHEAP = ("cr1", "cr2", "cr3", "jackknife", "wild_bootstrap", "randomisation")


def simulate(random: np.random.Generator, practices: int, treated: int) -> pd.DataFrame:
    """Return one simulated panel."""
    size = np.clip(np.exp(random.normal(4.2, 0.8, practices)), 15, 250).astype(int)
    practice = np.repeat(np.arange(practices), size)
    shock = np.empty((practices, PERIODS))
    shock[:, 0] = random.normal(size=practices)
    for t in range(1, PERIODS):
        shock[:, t] = 0.5 * shock[:, t - 1] + np.sqrt(0.75) * random.normal(size=practices)
    start = np.full(practices, np.inf)
    start[random.permutation(practices)[:treated]] = START
    unit = np.repeat(np.arange(len(practice)), PERIODS)
    period = np.tile(np.arange(PERIODS), len(practice))
    of = practice[unit]
    y = (
        58
        + 8 * random.normal(size=len(practice))[unit]
        + shock[of, period]
        + 6 * random.normal(size=len(unit))
    )
    y += EFFECT * (period >= start[of])
    frame = pd.DataFrame(
        {
            "patient_id": unit,
            "practice_id": of,
            "period": period,
            "first_treated": start[of],
            "y": y,
        }
    )
    return frame[random.random(len(frame)) < 0.75]


class Tally:
    """Hits and widths of each method."""

    def __init__(self) -> None:
        self.hits: dict[str, list[float]] = defaultdict(list)
        self.widths: dict[str, list[float]] = defaultdict(list)

    def add(self, method: str, low: float, high: float) -> None:
        self.hits[method].append(float(low <= EFFECT <= high))
        self.widths[method].append(high - low)

    def reject(self, method: str, p_value: float) -> None:
        self.hits[method].append(float(p_value < 0.05))

    def show(self, title: str, words: str) -> None:
        print(f"\n{title}\n| method | {words} | mean width | panels |\n|---|---|---|---|")
        for method, hits in self.hits.items():
            widths = np.array(self.widths.get(method, []))
            finite = widths[np.isfinite(widths)]
            width = f"{finite.mean():.2f}" if len(finite) else ""
            if len(finite) < len(widths):
                width += f" ({len(widths) - len(finite)} unbounded)"
            print(f"| {method} | {100 * np.mean(hits):.1f} % | {width} | {len(hits)} |", flush=True)


def options(name: str, **more: object) -> AnalysisOptions:
    return AnalysisOptions.model_validate({"name": name, "estimator": name, **more})


def one_panel(
    frame: pd.DataFrame, draws: int, refit: bool, twfe: Tally, cs: Tally, pre: Tally, seed: int
) -> None:
    """Add the intervals of one panel to the tallies."""
    columns = Columns(outcome="y")
    analysis = options("twfe", draws=draws, seed=seed)
    panel = panel_data(frame, columns, analysis)
    fit = estimator("twfe")(panel, analysis)
    for method in CHEAP:
        found = infer(fit, method, analysis)
        twfe.add(f"{method}, t" if method == "cr1" else method, found.ci_low[0], found.ci_high[0])
        if method == "cr1":
            half = 1.959963984540054 * found.std_error[0]
            twfe.add("cr1, normal", fit.theta[0] - half, fit.theta[0] + half)
    event = options("event_study", draws=draws, seed=seed)
    said = pretrend(estimator("event_study")(panel, event), event)
    pre.reject("joint F(q, G − 1), cr1", said["joint_f"].get("p_value", 1.0))
    if "p_value" in said["wild_wald"]:
        pre.reject("restricted wild Wald", said["wild_wald"]["p_value"])
    pre.reject("slope, cr2", said["slope"]["p_value"])
    pre.reject("slope, wild", said["slope"]["p_value_wild"])
    if not refit:
        return
    callaway = options(
        "callaway_santanna", draws=draws, seed=seed, aggregate=["simple"], method="reg"
    )
    fit = estimator("callaway_santanna")(panel, callaway)
    place = fit.terms.index("simple")
    for method in ("cr1", "jackknife", "multiplier_bootstrap"):
        found = infer(fit, method, callaway)
        cs.add(
            f"{method}, t" if method == "cr1" else method, found.ci_low[place], found.ci_high[place]
        )
        if method == "cr1":
            half = 1.959963984540054 * found.std_error[place]
            cs.add("cr1, normal", fit.theta[place] - half, fit.theta[place] + half)


def main() -> None:
    """Run the simulation and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", type=int, default=1000)
    parser.add_argument("--refits", type=int, default=200, help="panels for Callaway–Sant'Anna")
    parser.add_argument("--draws", type=int, default=999)
    parser.add_argument("--seed", type=int, default=20150401)
    chosen = parser.parse_args()
    for title, (practices, treated) in DESIGNS.items():
        twfe, cs, pre = Tally(), Tally(), Tally()
        for number in range(chosen.panels):
            random = np.random.default_rng([chosen.seed, practices, number])
            frame = simulate(random, practices, treated)
            one_panel(frame, chosen.draws, number < chosen.refits, twfe, cs, pre, number)
            if number % 50 == 49:
                print(f"{title}: {number + 1} of {chosen.panels}", file=sys.stderr, flush=True)
        twfe.show(f"{title}: TWFE, {chosen.draws} draws", "coverage of 95 %")
        cs.show(f"{title}: Callaway–Sant'Anna (simple), {chosen.draws} draws", "coverage of 95 %")
        pre.show(f"{title}: pre-trend tests, three leads", "size of 5 %")


if __name__ == "__main__":
    main()
