"""Selective measuring with a known truth: coverage as measured, weighted, imputed, bounded.

    python tests/benchmarks/missing_coverage.py --panels 400

Simulated panels of tests/helpers/measured_panels.py: the last value drives who is measured, and the
programme makes measuring routine. The truth is −1. `past` = the last value is what drives it, so
that weighting and imputing repair; `present` = the present value does, which no past explains: both
are then off too, and only the tipping points say how little it takes. `--uneven` is a design that
no choice of the estimators was made on.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd

import evalweave
from helpers.measured_panels import followed, uneven

ESTIMATORS = {
    "weighted_did": ("att", "att_unweighted"),
    "imputed_did": ("att",),
    "lee_did": ("att_lower",),
}


def one(name: str, frame: pd.DataFrame) -> dict[str, tuple[float, float, float]]:
    """Return estimate and interval of each term; of Lee's, the interval of the effect."""
    result = evalweave.fit(
        frame,
        {
            "columns": {"outcome": "y"},
            "analyses": [{"name": "a", "estimator": name, "diagnostics": False}],
        },
    )
    rows = result.tidy().set_index("term")
    if name == "lee_did":
        found = result.diagnostics["a"]["lee"]
        return {"att_lower": (np.nan, found["ci_low"], found["ci_high"])}
    return {
        term: tuple(rows.loc[term, ["estimate", "ci_low", "ci_high"]]) for term in ESTIMATORS[name]
    }


def main() -> None:
    """Run the simulation and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", type=int, default=400)
    parser.add_argument("--practices", type=int, action="append")
    parser.add_argument("--driver", choices=("past", "present"), action="append")
    parser.add_argument("--uneven", action="store_true", help="the other design, seeds from 20000")
    parser.add_argument("--estimator", choices=list(ESTIMATORS), action="append")
    chosen = parser.parse_args()
    print("| measuring | practices | what | panels | mean | SD | coverage | Monte-Carlo error |")
    print("|---|---|---|---|---|---|---|---|")
    for driver in chosen.driver or ("past", "present"):
        for practices in chosen.practices or ((14,) if chosen.uneven else (24, 10)):
            found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
            for seed in range(chosen.panels):
                present = driver == "present"
                frame = (
                    uneven(20000 + seed, practices, present)
                    if chosen.uneven
                    else followed(1000 + seed, practices, present=present)
                )
                for name in chosen.estimator or ESTIMATORS:
                    for term, numbers in one(name, frame).items():
                        found.setdefault((name, term), []).append(numbers)
            for (name, term), rows in found.items():
                estimate, low, high = np.array(rows).T
                hit = np.mean((low <= -1) & (high >= -1))
                error = 100 * np.sqrt(max(hit * (1 - hit), 0.25 / len(rows)) / len(rows))
                print(
                    f"| {driver} | {practices} | {name} {term} | {len(rows)} | "
                    f"{estimate.mean():.2f} | {estimate.std():.2f} | {100 * hit:.1f} | "
                    f"{error:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
