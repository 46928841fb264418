"""Finding the one interval that a claim speaks to: analysis, term, unit, and the declared primary
inference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

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
        analysis: {str(term): str(reason) for term, reason in found["absent"].items()}
        for analysis, found in diagnostics.items()
        if isinstance(found, dict) and isinstance(found.get("absent"), dict)
    }


def known_terms(estimates: pd.DataFrame, absent: Absent) -> dict[str, list[str]]:
    """Return the terms of each analysis that has estimates, in the order of the table, then those
    said absent."""
    terms = {
        str(analysis): list(dict.fromkeys(group["term"].astype(str)))
        for analysis, group in estimates.groupby("analysis", sort=False)
    }
    return {
        name: [*found, *(t for t in absent.get(name, {}) if t not in found)]
        for name, found in terms.items()
    }


def known_units(estimates: pd.DataFrame) -> dict[str, list[str]]:
    """Return the units in which each analysis is reported."""
    return {
        str(analysis): list(dict.fromkeys(group["outcome_unit"].dropna().astype(str)))
        for analysis, group in estimates.groupby("analysis", sort=False)
    }


def interval_of(
    claim: Claim, analyses: Sequence[Analysis], estimates: pd.DataFrame, absent: Absent
) -> Interval:
    """Return the claim's estimate under the first inference method of its analysis, in the margin's
    unit."""
    analysis = next(each for each in analyses if each.name == claim.analysis)
    primary = analysis.inference[0]
    rows = estimates[
        (estimates["analysis"] == claim.analysis)
        & (estimates["term"] == claim.term)
        & (estimates["outcome_unit"] == claim.outcome_unit)
        & (estimates["inference"] == primary)
    ]
    if rows.empty:
        reason = absent.get(claim.analysis, {}).get(claim.term, "")
        return Interval(
            inference=primary, absent=f"no estimate: {reason}" if reason else "no estimate"
        )
    values = {
        name: float(rows.iloc[0][name]) if rows.iloc[0][name] == rows.iloc[0][name] else math.nan
        for name in ("estimate", "ci_low", "ci_high", "std_error", "dof")
    }
    absent_why = "" if not math.isnan(values["ci_low"]) else f"no interval by {primary}"
    return Interval(
        values["estimate"],
        values["ci_low"],
        values["ci_high"],
        values["std_error"],
        values["dof"],
        primary,
        absent_why,
    )
