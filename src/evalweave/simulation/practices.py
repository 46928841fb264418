"""The demonstration's 24 practices, and how many eligible patients each has."""

from __future__ import annotations

import datetime as dt
from statistics import NormalDist

import numpy as np
import pandas as pd

from evalweave.errors import Fault, raise_faults
from evalweave.tables.records import PRACTICES

# SD of log practice size, our choice: the largest has about ten times the patients of the smallest
SPREAD = 0.6


def demonstration_practices() -> pd.DataFrame:
    """Return `tables.PRACTICES`: 13 practices in the west with a start in April 2015, 6 north and 5
    east without.

    Numbers, area and start are the published study's (Wildman & Wildman, JAMA Network Open
    2021;4(9):e2126236); the identifiers are invented.
    """
    areas = ["west"] * 13 + ["north"] * 6 + ["east"] * 5
    numbers = [1000 + 37 * place for place in range(1, len(areas) + 1)]
    frame = pd.DataFrame({"practice_id": [f"SP{n}" for n in numbers], "area": areas})
    frame["programme_start"] = [dt.date(2015, 4, 1) if area == "west" else None for area in areas]
    return PRACTICES.conform(frame)


def check_arms(practices: pd.DataFrame, file: str) -> None:
    """Raise `DataError` unless there is a practice with and one without the programme."""
    started = practices["programme_start"].notna()
    faults = []
    for there, kind in ((started.any(), "with"), ((~started).any(), "without")):
        if not there:
            faults.append(
                Fault(
                    file,
                    f"no practice {kind} a programme_start",
                    "at least one with and one without",
                    "A simulation needs both arms.",
                )
            )
    raise_faults(faults)


def sizes(total: int, n_practices: int, rng: np.random.Generator) -> np.ndarray:
    """Return whole numbers that sum to `total`, spread like log-normal quantiles, in random order.

    Quantiles instead of draws: every seed has the same unequal sizes, only who has which differs.
    """
    middles = (np.arange(n_practices) + 0.5) / n_practices
    share = np.exp(SPREAD * np.array([NormalDist().inv_cdf(float(p)) for p in middles]))
    exact = share / share.sum() * total
    whole = np.floor(exact).astype(int)
    largest_remainders = np.argsort(whole - exact, kind="stable")[: total - whole.sum()]
    whole[largest_remainders] += 1
    return rng.permutation(whole)
