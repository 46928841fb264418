"""Selective measuring with a known truth: bias and coverage with and without weights.

    python tests/benchmarks/missing_coverage.py --panels 400

Simulated panels of tests/helpers/measured_panels.py: the last value drives who is measured, and the
programme makes measuring routine. The truth is −1. `past` = the last value is what drives it, so
that weighting repairs; `present` = the present value does, which no past explains: the weighted
estimate is then off too, and only the tipping point says how little it takes.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

import evalweave
from helpers.measured_panels import followed


def main() -> None:
    """Run the simulation and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", type=int, default=400)
    parser.add_argument("--practices", type=int, action="append")
    chosen = parser.parse_args()
    print(
        "| measuring | practices | what | mean | coverage | Monte-Carlo error | composition seen |"
    )
    print("|---|---|---|---|---|---|---|")
    for present in (False, True):
        for practices in chosen.practices or (24, 10):
            rows = [
                evalweave.weighted_did(
                    followed(1000 + seed, practices, present=present),
                    outcome="y",
                    inference=["jackknife"],
                    diagnostics=False,
                )
                .tidy()
                .set_index("term")
                for seed in range(chosen.panels)
            ]
            seen = np.mean([r.loc["composition", "p_value"] < 0.05 for r in rows])
            for term in ("att", "att_unweighted"):
                mean = np.mean([r.loc[term, "estimate"] for r in rows])
                hit = np.mean([r.loc[term, "ci_low"] <= -1 <= r.loc[term, "ci_high"] for r in rows])
                error = 100 * np.sqrt(max(hit * (1 - hit), 0.25 / len(rows)) / len(rows))
                word = "present" if present else "past"
                print(
                    f"| {word} | {practices} | {term} | {mean:.2f} | {100 * hit:.1f} | {error:.1f} "
                    f"| {100 * seen:.0f} % |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
