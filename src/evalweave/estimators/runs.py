"""Codes of a column whose rows come in runs, as those of a panel sorted by unit do.

Rows of one unit stand together, so that whatever is fixed within units repeats: hashing the first
row of each run gives the same codes as hashing every row, in a fraction of the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evalweave.fits.result import Ints

WORTH_IT = 0.5  # runs a row below which runs are hashed instead of rows


def factorized(values: NDArray[Any]) -> tuple[Ints, NDArray[Any]]:
    """Return codes (N; −1 = nan) and the distinct values in the order of their first row, as
    `pandas.factorize`."""
    if len(values):
        first = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
        if len(first) < WORTH_IT * len(values):
            codes, uniques = pd.factorize(values[first])
            counts = np.diff(np.append(first, len(values)))
            return np.repeat(codes.astype(np.int64, copy=False), counts), uniques
    codes, uniques = pd.factorize(values)
    return codes, uniques


def occurring(codes: Ints) -> list[int]:
    """Return the codes that occur, in order, without −1."""
    return [int(code) for code in np.flatnonzero(np.bincount(codes + 1)[1:])]
