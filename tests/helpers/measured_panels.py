"""Simulated panels in which who is measured depends on values."""

from __future__ import annotations

import numpy as np
import pandas as pd

PERIODS, START, SIZE = 6, 3, 40


def followed(
    seed: int,
    practices: int = 16,
    chosen: float = 1.5,
    routine: bool = True,
    present: bool = False,
) -> pd.DataFrame:
    """Return person-periods, those not measured with a blank outcome.

    After the first period the odds of being measured rise by `chosen` an SD of the last value, with
    `present` of the present one; where the programme runs, with `routine`, all have one chance. The
    effect is -1.
    """
    random = np.random.default_rng(seed)
    n = practices * SIZE
    practice = np.arange(n) % practices
    start = np.where(practice < practices // 2, START, np.inf)
    shock = 0.3 * random.normal(size=(practices, PERIODS))
    noise = random.normal(size=n)
    last = np.full(n, np.nan)
    frames = []
    for t in range(PERIODS):
        noise = 0.7 * noise + np.sqrt(1 - 0.49) * random.normal(size=n)
        on = start <= t
        value = 50 + 3 * noise + shock[practice, t] - on
        driver = value if present else last
        index = np.where(np.isnan(last), 3.0, chosen * (driver - 50) / 3)
        chance = np.where(on & routine, 0.5, 1 / (1 + np.exp(-index)))
        measured = random.random(n) < chance
        last = np.where(measured, value, last)
        frames.append(
            pd.DataFrame(
                {
                    "patient_id": [f"p{i:04d}" for i in range(n)],
                    "practice_id": [f"g{g:02d}" for g in practice],
                    "period": t,
                    "first_treated": start,
                    "y": np.where(measured, value, np.nan),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def uneven(seed: int, practices: int = 14, present: bool = False) -> pd.DataFrame:
    """Return person-periods of another design: five treated practices of very different sizes,
    skewed values, practice shocks that last, some people who leave, and a programme that doubles
    the share measured and measures all alike. The effect is -1."""
    random = np.random.default_rng(seed)
    sizes = np.maximum(8, np.exp(random.normal(np.log(45), 0.8, practices))).astype(int)
    practice = np.repeat(np.arange(practices), sizes)
    n = len(practice)
    start = np.where(practice < 5, START, np.inf)
    until = np.where(random.random(n) < 0.15, random.integers(2, PERIODS, n), PERIODS)
    own = 2.5 * (random.gamma(2.0, 1.0, n) - 2) / np.sqrt(2)
    shock = 0.5 * random.normal(size=practices)
    last, frames = np.full(n, np.nan), []
    for t in range(PERIODS):
        shock = 0.6 * shock + 0.8 * 0.5 * random.normal(size=practices)
        on = start <= t
        value = 50 + own + 2 * random.normal(size=n) + shock[practice] - on
        driver = value if present else last
        index = np.where(np.isnan(last), 0.0, -1.0 + (driver - 50) / 3)
        measured = random.random(n) < np.where(on, 0.7, 1 / (1 + np.exp(-index)))
        last = np.where(measured, value, last)
        rows = pd.DataFrame(
            {
                "patient_id": [f"p{i:05d}" for i in range(n)],
                "practice_id": [f"g{g:02d}" for g in practice],
                "period": t,
                "first_treated": start,
                "y": np.where(measured, value, np.nan),
            }
        )
        frames.append(rows[until > t])
    return pd.concat(frames, ignore_index=True)
