"""How often placebo dates reject where nothing happens: each date's own interval, and the joint
test.

    python tests/benchmarks/placebo_size.py [--panels 400]

Simulated: 24 practices of very unequal size, 13 treated, practice shocks AR(1) with rho 0.6, no
effect; a start that leaves three or fifteen placebo dates.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from evalweave.diagnostics.placebo_dates import placebo_dates
from evalweave.estimators.panel_data import panel_data
from evalweave.study.analyses import AnalysisOptions, Columns


def simulated(seed: int, periods: int, practices: int = 24, treated: int = 13) -> pd.DataFrame:
    """Return a panel of about 15 people a practice, whose last period is the start's."""
    random = np.random.default_rng(seed)
    size = np.exp(random.normal(size=practices))
    size = np.maximum(4, (15 * size / size.mean()).astype(int))
    practice = np.repeat(np.arange(practices), size)
    shock = np.empty((practices, periods))
    shock[:, 0] = random.normal(size=practices)
    for t in range(1, periods):
        shock[:, t] = 0.6 * shock[:, t - 1] + 0.8 * random.normal(size=practices)
    n = len(practice)
    y = random.normal(0, 3, (n, 1)) + shock[practice] + random.normal(0, 2, (n, periods))
    return pd.DataFrame(
        {
            "patient_id": np.repeat(np.arange(n), periods),
            "practice_id": np.repeat(practice, periods),
            "period": np.tile(np.arange(periods), n),
            "first_treated": np.repeat(
                np.where(practice < treated, periods - 1.0, np.nan), periods
            ),
            "y": y.ravel(),
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", type=int, default=400)
    panels = parser.parse_args().panels
    analysis = AnalysisOptions(name="a", estimator="twfe", draws=399)
    for dates in (3, 15):
        own, joint = np.zeros(panels), np.zeros(panels)
        for seed in range(panels):
            panel = panel_data(simulated(seed, dates + 2), Columns(outcome="y"), analysis)
            found = placebo_dates(panel, analysis)
            run = [d for d in found["dates"] if "p_value" in d]
            assert len(run) == dates
            own[seed] = any(d["p_value"] < 0.05 for d in run)
            joint[seed] = found["joint"]["p_value"] < 0.05
        error = 100 * np.sqrt(0.05 * 0.95 / panels)
        print(
            f"{dates} dates: any own interval excludes zero {100 * own.mean():.1f} %, joint test "
            f"{100 * joint.mean():.1f} % (nominal 5 %, Monte-Carlo error {error:.1f}, "
            f"{panels} panels)",
            flush=True,
        )


if __name__ == "__main__":
    main()
