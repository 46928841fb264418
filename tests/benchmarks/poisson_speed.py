"""Poisson with patient effects: ours with the jackknife beside pyfixest's fepois with CRV1.

    python tests/benchmarks/poisson_speed.py --patients 100000 --periods 16

Simulated counts, 40 practices; both get the same table in one run. Prints seconds and their ratio.
Needs `uv sync --group peers`.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

import evalweave


def panel(patients: int, periods: int, seen: float) -> pd.DataFrame:
    """Return simulated counts: half of 40 practices start in the middle, ratio 0.9."""
    random = np.random.default_rng(1)
    unit = np.repeat(np.arange(patients), periods)
    period = np.tile(np.arange(periods), patients)
    practice = unit % 40
    start = np.where(practice < 20, periods // 2, np.inf)
    level = np.exp(random.normal(size=patients))[unit]
    treated = (period >= start).astype(float)
    frame = pd.DataFrame(
        {
            "patient_id": unit,
            "practice_id": practice,
            "period": period,
            "first_treated": start,
            "treated": treated,
            "y": random.poisson(0.5 * level * np.exp(0.02 * period) * np.where(treated, 0.9, 1.0)),
        }
    )
    return frame[random.random(len(frame)) < seen].reset_index(drop=True)


def main() -> None:
    """Run both and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--periods", type=int, default=16)
    parser.add_argument("--seen", type=float, default=1.0)
    chosen = parser.parse_args()
    frame = panel(chosen.patients, chosen.periods, chosen.seen)
    import pyfixest

    warm = frame.head(20_000)
    times = {}
    for name in ("fepois, CRV1", "evalweave, jackknife"):
        for table in (warm, frame):  # compiled before it is timed
            began = time.perf_counter()
            if name.startswith("fepois"):
                fit = pyfixest.fepois(
                    "y ~ treated | patient_id + period", table, vcov={"CRV1": "practice_id"}
                )
                log_ratio = float(fit.coef().iloc[0])
            else:
                result = evalweave.poisson(
                    table, outcome="y", inference=["jackknife"], diagnostics=False
                )
                ratio = result.tidy().set_index("term").loc["ratio", "estimate"]
                log_ratio = float(np.log(ratio))
            times[name] = time.perf_counter() - began
        print(f"{name}: {times[name]:.2f} s, log ratio {log_ratio:.8f}", flush=True)
    ours, theirs = times["evalweave, jackknife"], times["fepois, CRV1"]
    print(f"{len(frame):,} rows: {ours / theirs:.2f} times fepois")


if __name__ == "__main__":
    main()
