"""The baseline table: who the arms were at the index date, with standardised mean differences.

Means: (m1 − m0) / √((s1² + s0²) / 2). Levels: (p1 − p0) / √((p1(1 − p1) + p0(1 − p0)) / 2).
(Austin, Statistics in Medicine 2009;28:3083–3107, equations 1 and 2.)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from evalweave.study import BASELINE_OF
from evalweave.tables import BASELINE

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study import CohortSettings

LEVELS = ("sex", "ethnicity", "white", "imd_quintile", "fewer_conditions")
MEANS = ("age", "n_conditions")


def outcomes_before(
    backend: Any, measurements: ir.Table, eligible: ir.Table, settings: CohortSettings
) -> pd.DataFrame:
    """Return patient_id and each outcome's baseline value, from the `baseline_days` before the index date.

    The mean of the values there, or the last of them where the outcome is not averaged within a period either.
    """
    import ibis

    from evalweave.records.same_day import exact_mean

    joined = measurements.inner_join(eligible.select("patient_id", "index_date"), "patient_id")
    days = ibis.interval(days=settings.eligibility.baseline_days)
    before = joined.filter((joined.date < joined.index_date) & (joined.date >= joined.index_date - days))
    values = before.group_by("patient_id", "outcome").aggregate(
        mean=exact_mean(before.value), last=before.value.argmax(before.date)
    )
    frame = backend.to_pyarrow(values).to_pandas()
    averaged = [name for name, outcome in settings.outcomes.items() if outcome.per_period == "mean"]
    frame["value"] = frame["mean"].where(frame["outcome"].isin(averaged), frame["last"])
    wide = frame.pivot(index="patient_id", columns="outcome", values="value")
    return wide.reindex(columns=list(settings.outcomes)).reset_index()


def with_baseline(cohort: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Return the cohort with a column baseline_<outcome> for every outcome, for adjusting and balancing."""
    by = before.set_index("patient_id")
    values = {
        f"{BASELINE_OF}{name}": cohort["patient_id"].map(by[name]).astype("float64") for name in by.columns
    }
    return cohort.assign(**values)


def table(
    cohort: pd.DataFrame, membership: pd.DataFrame, before: pd.DataFrame, settings: CohortSettings
) -> pd.DataFrame:
    """Return BASELINE for every comparison: counts of patients and practices, levels, means; blanks as `missing`."""
    import pandas as pd

    people = cohort[["practice_id", *MEANS, *LEVELS]].astype(
        dict.fromkeys(("practice_id", *LEVELS), "category")
    )
    place = pd.Index(cohort["patient_id"])
    values = before.set_index("patient_id").reindex(place)
    people = people.assign(**{str(name): values[name].to_numpy() for name in values.columns})
    rows: list[dict[str, Any]] = []
    for name in settings.comparisons:
        members = membership.loc[membership["comparison"] == name, ["patient_id", "arm"]]
        at = place.get_indexer(members["patient_id"])
        of = members["arm"].to_numpy(dtype=object)
        arms = [people.take(at[of == arm]) for arm in ("programme", "comparison")]
        rows.append(_counts(name, "patients", [len(arm) for arm in arms]))
        rows.append(_counts(name, "practices", [arm["practice_id"].nunique() for arm in arms]))
        for variable in MEANS:
            rows += _mean(name, variable, arms)
        for variable in LEVELS:
            rows += _levels(name, variable, arms)
        for outcome in settings.outcomes:
            rows += _mean(name, outcome, arms)
    return BASELINE.conform(pd.DataFrame(rows))


def _counts(comparison: str, variable: str, n: list[int]) -> dict[str, Any]:
    return {
        "comparison": comparison, "variable": variable, "category": "", "statistic": "n",
        "programme": n[0], "comparison_value": n[1],
    }  # fmt: skip


def _mean(comparison: str, variable: str, arms: list[pd.DataFrame]) -> list[dict[str, Any]]:
    values = [arm[variable].astype("float64") for arm in arms]
    known = [value.dropna() for value in values]
    row = {
        "comparison": comparison, "variable": variable, "category": "", "statistic": "mean_sd",
        "programme": known[0].mean(), "programme_sd": known[0].std(), "programme_n": len(known[0]),
        "comparison_value": known[1].mean(), "comparison_sd": known[1].std(), "comparison_n": len(known[1]),
    }  # fmt: skip
    row["smd"] = _ratio(
        row["programme"] - row["comparison_value"], (row["programme_sd"] ** 2 + row["comparison_sd"] ** 2) / 2
    )
    missing = [int(value.isna().sum()) for value in values]
    return (
        [row, _level(comparison, variable, "missing", missing, [len(arm) for arm in arms])]
        if any(missing)
        else [row]
    )


def _levels(comparison: str, variable: str, arms: list[pd.DataFrame]) -> list[dict[str, Any]]:
    import pandas as pd

    counts = []
    for arm in arms:
        n = arm[variable].value_counts(dropna=False)
        n.index = pd.Index(["missing" if pd.isna(level) else str(level) for level in n.index])
        counts.append(n.groupby(level=0).sum())
    levels = sorted(
        {*counts[0].index, *counts[1].index}, key=lambda level: (level in ("missing", "unknown"), level)
    )
    total = [len(arm) for arm in arms]
    return [
        _level(comparison, variable, level, [int(n.get(level, 0)) for n in counts], total) for level in levels
    ]


def _level(comparison: str, variable: str, level: str, n: list[int], total: list[int]) -> dict[str, Any]:
    share = [count / of if of else math.nan for count, of in zip(n, total, strict=True)]
    return {
        "comparison": comparison, "variable": variable, "category": level, "statistic": "n",
        "programme": n[0], "programme_n": total[0], "comparison_value": n[1], "comparison_n": total[1],
        "smd": _ratio(share[0] - share[1], sum(p * (1 - p) for p in share) / 2),
    }  # fmt: skip


def _ratio(difference: float, variance: float) -> float:
    return difference / math.sqrt(variance) if variance > 0 else math.nan
