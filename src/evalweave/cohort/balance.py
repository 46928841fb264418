"""The balance table: how far the arms lie apart before and after weighting, for every line of the
baseline table.

Standardised mean differences after weighting keep the standard deviations from before it, so that a
smaller difference is a smaller difference and never a larger spread (Stuart, Statistical Science
2010;25:1–21, section 4.1). The effective number of comparison patients is Kish's (Σw)² / Σw².
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from evalweave.cohort.weighting import words
from evalweave.study.outcomes import BASELINE_OF
from evalweave.tables.people import BALANCE

if TYPE_CHECKING:
    from evalweave.study.people import Comparison

COUNTED = ("patients", "practices")  # lines of the baseline table that are no characteristic


def lines(
    comparison: str,
    group: Comparison,
    people: pd.DataFrame,
    weights: np.ndarray,
    baseline: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    """Return the lines of one weighted comparison.

    `people` has a row a patient (arm and what is known of them), in the order of the `weights`;
    `baseline` holds the lines of its baseline table and with them the differences before weighting.
    """
    treated = (people["arm"] == "programme").to_numpy()
    rows = []
    for line in baseline:
        variable = str(line["variable"])
        if variable in COUNTED:
            continue
        category = "" if line["statistic"] == "mean_sd" else str(line["category"])
        column = variable if variable in people else f"{BASELINE_OF}{variable}"
        after = smd(_column(people[column], category), treated, weights, ddof=0 if category else 1)
        rows.append(
            {
                "comparison": comparison,
                "variable": variable,
                "category": category,
                "balanced": variable in group.balance_on,
                "smd_before": line["smd"],
                "smd_after": _rounded(after),
                "effective_comparison_n": round(effective(weights[~treated])),
            }
        )
    return rows


def table(lines: list[list[dict[str, Any]]]) -> pd.DataFrame:
    """Return BALANCE: the lines of every weighted comparison; empty when none asks for weights."""
    rows = [line for each in lines for line in each]
    return BALANCE.conform(pd.DataFrame(rows)) if rows else BALANCE.empty()


def _rounded(x: float) -> float:
    """Return a difference without the solver's noise, so that 0 is 0 on every machine."""
    return round(x, 10) + 0.0


def _column(values: pd.Series, category: str) -> np.ndarray:
    """Return the values, or 1 where they are of the category and 0 elsewhere."""
    if not category:
        return values.to_numpy(dtype=float, na_value=math.nan)
    if category == "missing":
        return values.isna().to_numpy(dtype=float)
    return (words(values) == category).to_numpy(dtype=float)


def effective(weights: np.ndarray) -> float:
    """Return Kish's effective sample size: as many people with equal weights have the same variance
    of a mean."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def smd(x: np.ndarray, treated: np.ndarray, weights: np.ndarray, ddof: int = 1) -> float:
    """Return (m1 − m0) / √((s1² + s0²) / 2) of those known: means weighted, variances as in the
    baseline table.

    `ddof` is 1 for a number and 0 for an indicator, whose variance is p(1 − p). Blank where nothing
    varies.
    """
    known = ~np.isnan(x)
    one, other = known & treated, known & ~treated
    if min(one.sum(), other.sum()) <= ddof:
        return math.nan
    spread = math.sqrt((x[one].var(ddof=ddof) + x[other].var(ddof=ddof)) / 2)
    if spread == 0:
        return math.nan
    return float(
        (np.average(x[one], weights=weights[one]) - np.average(x[other], weights=weights[other]))
        / spread
    )
