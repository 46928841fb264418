"""The baseline table: who the arms were at the index date, with standardised mean differences.

Means: (m1 − m0) / √((s1² + s0²) / 2). Levels: (p1 − p0) / √((p1(1 − p1) + p0(1 − p0)) / 2).
(Austin, Statistics in Medicine 2009;28:3083–3107, equations 1 and 2.)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd

from evalweave.engine.expressions import exact_mean
from evalweave.study.outcomes import BASELINE_OF
from evalweave.tables.people import BASELINE

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.stages import CohortSettings

LEVELS = ("sex", "ethnicity", "white", "imd_quintile", "fewer_conditions")
MEANS = ("age", "n_conditions")


def outcomes_before(measurements: ir.Table, people: ir.Table, settings: CohortSettings) -> ir.Table:
    """Return patient_id and a column baseline_<outcome> for each outcome, for adjusting and
    balancing: its value in the `baseline_days` before the index date.

    The mean of the values there, or the last of them where the outcome is not averaged within a
    period either.
    """
    joined = measurements.inner_join(people.select("patient_id", "index_date"), "patient_id")
    days = ibis.interval(days=settings.eligibility.baseline_days)
    before = joined.filter(
        (joined.date < joined.index_date) & (joined.date >= joined.index_date - days)
    )
    values = {
        f"{BASELINE_OF}{name}": exact_mean(before.value, before.outcome == name)
        if outcome.per_period == "mean"
        else before.value.argmax(before.date, where=before.outcome == name)
        for name, outcome in settings.outcomes.items()
    }
    return before.group_by("patient_id").aggregate(**values)


def lines(comparison: str, people: pd.DataFrame, outcomes: list[str]) -> list[dict[str, Any]]:
    """Return the lines of one comparison: counts of patients and practices, levels, means; blanks
    as `missing`.

    `people` has a row a patient: arm, practice_id and what is known of them.
    """
    arms = [people[people["arm"] == arm] for arm in ("programme", "comparison")]
    rows = [_counts(comparison, "patients", [len(arm) for arm in arms])]
    rows.append(_counts(comparison, "practices", [arm["practice_id"].nunique() for arm in arms]))
    for variable in MEANS:
        rows += _mean(comparison, variable, [arm[variable] for arm in arms])
    for variable in LEVELS:
        rows += _levels(comparison, variable, arms)
    for outcome in outcomes:
        rows += _mean(comparison, outcome, [arm[f"{BASELINE_OF}{outcome}"] for arm in arms])
    return rows


def table(lines: list[list[dict[str, Any]]]) -> pd.DataFrame:
    """Return BASELINE: the lines of every comparison."""
    return BASELINE.conform(pd.DataFrame([line for each in lines for line in each]))


def _counts(comparison: str, variable: str, n: list[int]) -> dict[str, Any]:
    return {
        "comparison": comparison,
        "variable": variable,
        "category": "",
        "statistic": "n",
        "programme": n[0],
        "comparison_value": n[1],
    }


def _mean(comparison: str, variable: str, arms: list[pd.Series]) -> list[dict[str, Any]]:
    values = [arm.astype("float64") for arm in arms]
    known = [value.dropna() for value in values]
    row = {
        "comparison": comparison,
        "variable": variable,
        "category": "",
        "statistic": "mean_sd",
        "programme": known[0].mean(),
        "programme_sd": known[0].std(),
        "programme_n": len(known[0]),
        "comparison_value": known[1].mean(),
        "comparison_sd": known[1].std(),
        "comparison_n": len(known[1]),
    }
    row["smd"] = _ratio(
        row["programme"] - row["comparison_value"],
        (row["programme_sd"] ** 2 + row["comparison_sd"] ** 2) / 2,
    )
    missing = [int(value.isna().sum()) for value in values]
    return (
        [row, _level(comparison, variable, "missing", missing, [len(arm) for arm in arms])]
        if any(missing)
        else [row]
    )


def _levels(comparison: str, variable: str, arms: list[pd.DataFrame]) -> list[dict[str, Any]]:
    counts = []
    for arm in arms:
        n = arm[variable].value_counts(dropna=False)
        n = n[n > 0]  # words of the other arm
        n.index = pd.Index(["missing" if pd.isna(level) else _word(level) for level in n.index])
        counts.append(n.groupby(level=0).sum())
    levels = sorted(
        {*counts[0].index, *counts[1].index},
        key=lambda level: (level in ("missing", "unknown"), level),
    )
    total = [len(arm) for arm in arms]
    return [
        _level(comparison, variable, level, [int(n.get(level, 0)) for n in counts], total)
        for level in levels
    ]


def _word(level: Any) -> str:
    """Return a level as text; whole numbers that stand beside blanks have become fractions."""
    return str(int(level)) if isinstance(level, float) else str(level)


def _level(
    comparison: str, variable: str, level: str, n: list[int], total: list[int]
) -> dict[str, Any]:
    share = [count / of if of else math.nan for count, of in zip(n, total, strict=True)]
    return {
        "comparison": comparison,
        "variable": variable,
        "category": level,
        "statistic": "n",
        "programme": n[0],
        "programme_n": total[0],
        "comparison_value": n[1],
        "comparison_n": total[1],
        "smd": _ratio(share[0] - share[1], sum(p * (1 - p) for p in share) / 2),
    }


def _ratio(difference: float, variance: float) -> float:
    return difference / math.sqrt(variance) if variance > 0 else math.nan
