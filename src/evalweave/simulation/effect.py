"""The planted effect: what the programme does to a patient's HbA1c in a year, known exactly.

    planted(i, t) = scale × growth(t − start) × modifier(i)    from the start on, 0 before and
    without one growth(e)     = 1 + GROWTH × (e − 1.5)
    modifier(i)   = max(0, 1 + WHITE (white − 0.82) + FEWER (fewer − 0.57) + DEPRIVED (3 −
    quintile))

Directions are the published ones (grows; greater for White patients, with fewer additional
conditions, in the most deprived areas: JAMA Network Open 2021;4(9):e2126236); sizes are ours, since
none are published.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

GROWTH = 0.35  # share of the mean effect by which it grows a year
WHITE = 0.6
FEWER = 0.6
DEPRIVED = 0.3  # per quintile
TYPICAL_WHITE, TYPICAL_FEWER, TYPICAL_QUINTILE = 0.82, 0.57, 3.0


def growth(event_time: Any) -> np.ndarray:
    """Return the growth factor by years since the start (0 = first treated period)."""
    return np.maximum(1 + GROWTH * (np.asarray(event_time, dtype=float) - 1.5), 0.0)


def modifier(white: Any, fewer_conditions: Any, imd_quintile: Any) -> np.ndarray:
    """Return each patient's factor; an unknown characteristic counts as typical."""

    def known(values: Any, typical: float) -> np.ndarray:
        numbers = pd.Series(values).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        return np.where(np.isnan(numbers), typical, numbers)

    factor = (
        1
        + WHITE * (known(white, TYPICAL_WHITE) - TYPICAL_WHITE)
        + FEWER * (known(fewer_conditions, TYPICAL_FEWER) - TYPICAL_FEWER)
        + DEPRIVED * (TYPICAL_QUINTILE - known(imd_quintile, TYPICAL_QUINTILE))
    )
    return np.maximum(factor, 0.0)


def planted_effect(
    event_time: Any, white: Any, fewer_conditions: Any, imd_quintile: Any, scale: float = 1.0
) -> np.ndarray:
    """Return the planted effect in mmol/mol (for `scale` in mmol/mol); arguments of one length.

    `event_time` is the period minus the first treated period; missing = never treated.
    """
    event = pd.Series(event_time).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    treated = event >= 0  # False for NaN
    raw = growth(np.where(treated, event, 0.0)) * modifier(white, fewer_conditions, imd_quintile)
    return np.where(treated, scale * raw, 0.0)
