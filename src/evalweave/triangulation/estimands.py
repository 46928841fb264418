"""Finding the one interval that a claim speaks to: analysis, term, unit, and the declared primary
inference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scipy.special import ndtri, stdtrit  # scipy.stats takes seconds to import

from evalweave.catalogue.calls import primary_methods
from evalweave.study.analyses import Analysis
from evalweave.triangulation.convergence import Interval

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.triangulation.claims import Claim

Absent = Mapping[str, Mapping[str, str]]  # analysis -> term -> why it has no estimate


def absent_terms(diagnostics: Any) -> Absent:
    """Return why terms have no estimate, from diagnostics.json ({analysis: {"absent": {term:
    reason}}})."""
    if not isinstance(diagnostics, dict):
        return {}
    return {
        analysis: {str(term): str(reason) for term, reason in of_analysis["absent"].items()}
        for analysis, of_analysis in diagnostics.items()
        if isinstance(of_analysis, dict) and isinstance(of_analysis.get("absent"), dict)
    }


def known_terms(estimates: pd.DataFrame, absent: Absent) -> dict[str, list[str]]:
    """Return the terms of each analysis that has estimates, in the order of the table, then those
    said absent."""
    terms = {
        str(analysis): list(dict.fromkeys(group["term"].astype(str)))
        for analysis, group in estimates.groupby("analysis", sort=False)
    }
    return {
        name: [*estimated, *(t for t in absent.get(name, {}) if t not in estimated)]
        for name, estimated in terms.items()
    }


def known_units(estimates: pd.DataFrame) -> dict[str, list[str]]:
    """Return the units in which each analysis is reported."""
    return {
        str(analysis): list(dict.fromkeys(group["outcome_unit"].dropna().astype(str)))
        for analysis, group in estimates.groupby("analysis", sort=False)
    }


def interval_of(
    claim: Claim,
    analyses: Sequence[Analysis],
    estimates: pd.DataFrame,
    absent: Absent,
    family: Sequence[str] = (),
) -> Interval:
    """Return the claim's estimate under the first inference method of its analysis, in the margin's
    unit; with the family-adjusted interval where it belongs to the declared family."""
    analysis = next(analysis for analysis in analyses if analysis.name == claim.analysis)
    methods = primary_methods(analysis.estimator, analysis.inference)
    rows = estimates[
        (estimates["analysis"] == claim.analysis)
        & (estimates["term"] == claim.term)
        & (estimates["outcome_unit"] == claim.outcome_unit)
        & estimates["inference"].isin(methods)
    ]
    primary = methods[0] if rows.empty else str(rows.iloc[0]["inference"])
    if rows.empty:
        reason = absent.get(claim.analysis, {}).get(claim.term, "")
        return Interval(
            inference=primary, absent=f"no estimate: {reason}" if reason else "no estimate"
        )
    row = rows.iloc[0]
    values = {
        name: float(row[name]) if row[name] == row[name] else math.nan
        for name in ("estimate", "ci_low", "ci_high", "std_error", "dof")
    }
    interval = Interval(
        values["estimate"],
        values["ci_low"],
        values["ci_high"],
        values["std_error"],
        values["dof"],
        primary,
        "" if not math.isnan(values["ci_low"]) else f"no interval by {primary}",
    )
    terms = family_terms(estimates, family)
    return adjusted(interval, len(terms)) if (claim.analysis, claim.term) in terms else interval


def family_terms(estimates: pd.DataFrame, family: Sequence[str]) -> set[tuple[str, str]]:
    """Return the comparisons of the declared family: the subgroup differences of its analyses."""
    rows = estimates[
        estimates["analysis"].isin(list(family))
        & estimates["term"].astype(str).str.startswith("difference[")
        & estimates["estimate"].notna()
    ]
    return set(rows[["analysis", "term"]].astype(str).itertuples(index=False, name=None))


def adjusted(interval: Interval, comparisons: int) -> Interval:
    """Return an interval with its ends for `comparisons` simultaneous statements at 95 %.

    Bonferroni: each end moves away from the estimate by t(1 − 0.025/m) / t(1 − 0.025), with the
    interval's degrees of freedom (normal without them). Holm's test, by which p-values of the
    family are adjusted, has no interval of its own; this one never claims more than the test.
    """
    if comparisons < 2 or math.isnan(interval.low):
        return interval
    alpha, dof = 0.05, interval.dof
    levels = (1 - alpha / (2 * comparisons), 1 - alpha / 2)
    wide, plain = (
        float(ndtri(level)) if math.isnan(dof) or math.isinf(dof) else float(stdtrit(dof, level))
        for level in levels
    )
    ratio, point = wide / plain, interval.estimate
    return replace(
        interval,
        family_low=point - (point - interval.low) * ratio,
        family_high=point + (interval.high - point) * ratio,
        family_size=comparisons,
    )
