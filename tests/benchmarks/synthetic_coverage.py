"""Coverage of synthetic difference-in-differences by the jackknife and by placebos.

    python tests/benchmarks/synthetic_coverage.py [--panels 300]

Simulated: practice means over eight periods, start after four, effect −1, practice shocks AR(1)
with rho 0.6 and stationary SD 1.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

import evalweave

DESIGNS = (
    (24, 13, "jackknife"),
    (24, 5, "jackknife"),
    (24, 5, "placebo"),
    (24, 1, "placebo"),
    (12, 2, "jackknife"),
    (12, 2, "placebo"),
)
PERIODS, BEFORE = 8, 4


def simulated(seed: int, practices: int, treated: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    shock = np.empty((practices, PERIODS))
    shock[:, 0] = random.normal(size=practices)
    for t in range(1, PERIODS):
        shock[:, t] = 0.6 * shock[:, t - 1] + 0.8 * random.normal(size=practices)
    y = random.normal(50, 3, (practices, 1)) + shock + 0.3 * random.normal(size=shock.shape)
    y[:treated, BEFORE:] -= 1
    name = np.repeat([f"g{g:02d}" for g in range(practices)], PERIODS)
    start = np.where(np.arange(practices) < treated, 2010.0 + BEFORE, np.nan)
    return pd.DataFrame(
        {
            "practice_id": name,
            "patient_id": name,
            "period": np.tile(np.arange(PERIODS), practices) + 2010,
            "first_treated": np.repeat(start, PERIODS),
            "y": y.ravel(),
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", type=int, default=300)
    panels = parser.parse_args().panels
    for practices, treated, inference in DESIGNS:
        held = 0
        for seed in range(panels):
            table = evalweave.synthetic_did(
                simulated(seed, practices, treated),
                outcome="y",
                inference=[inference],
                solver="exact",
                draws=99,
                diagnostics=False,
            ).tidy()
            att = table.set_index("term").loc["att"]
            held += bool(att["ci_low"] <= -1 <= att["ci_high"])
        print(
            f"{practices} practices, {treated} treated, {inference}: {100 * held / panels:.1f} %",
            flush=True,
        )


if __name__ == "__main__":
    main()
