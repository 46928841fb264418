"""Estimates of all fits of a study in one table: units, comparison groups, percentage points and
Holm's adjustment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from evalweave.catalogue.calls import primary_methods
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.nonlinear import unit_of_term
from evalweave.errors import DataError
from evalweave.quantities import Quantity, convert_difference, unit_of_differences
from evalweave.study.analyses import Analysis
from evalweave.study.stages import EstimatesSettings
from evalweave.tables.analyses import ESTIMATES

SELECTED = (
    "compares people who were selected (referred or not), within practices: descriptive "
    "only, no effect"
)
SCALED = ("estimate", "std_error", "ci_low", "ci_high")


def gather(fits: dict[str, pd.DataFrame], settings: EstimatesSettings) -> pd.DataFrame:
    """Return the rows of all fits (analysis -> its estimates) with outcome_unit and comparison
    filled in.

    HbA1c appears a second time, in percentage points (× 0.09148) or, where the study counts in per
    cent, in mmol/mol.

    Raises:
        DataError: if an analysis of the study has no fit.
    """
    lost = [analysis.name for analysis in settings.analyses if analysis.name not in fits]
    if lost:
        raise DataError(
            f"There is no fit of the analyses {', '.join(lost)}. Run `evalweave fit` for them "
            "first."
        )
    primary = _primary(settings)
    parts = []
    for analysis in settings.analyses:
        frame = fits[analysis.name].copy()
        if not len(frame):
            continue
        outcome = settings.outcomes[analysis.outcome]
        frame["analysis"], frame["outcome"] = analysis.name, analysis.outcome
        frame["outcome_unit"] = outcome.difference_unit
        frame["comparison"] = analysis.comparison or primary
        if settings.comparisons[analysis.comparison or primary].kind == "not_referred":
            frame["convention"] = frame["convention"].fillna("") + f"; {SELECTED}"
        own = frame["term"].map(unit_of_term)
        frame["outcome_unit"] = own.where(own != "", frame["outcome_unit"])
        parts.append(frame)
        in_outcome_unit = frame[own == ""]
        quantity = outcome.measures(analysis.outcome)
        parts += [
            in_unit(in_outcome_unit, quantity, outcome.unit, unit)
            for unit in quantity.reported_in
            if quantity.unit(unit) != quantity.unit(outcome.unit)
        ]
    if not parts:
        raise DataError("None of the fits has an estimate; their diagnostics.json say why.")
    return ESTIMATES.conform(pd.concat(parts, ignore_index=True))


def in_unit(frame: pd.DataFrame, quantity: Quantity, unit: str, wanted: str) -> pd.DataFrame:
    """Return estimates (differences of a quantity in `unit`) in the unit `wanted`."""
    converted = frame.copy()
    for column in SCALED:
        values = converted[column].astype(float)
        converted[column] = convert_difference(values, quantity, unit, wanted)
    converted["outcome_unit"] = unit_of_differences(wanted)
    return converted


def holm(values: Sequence[float]) -> list[float]:
    """Return Holm's (1979) step-down adjusted p-values, in the order given; NaN is not part of the
    family."""
    order = sorted((p, i) for i, p in enumerate(values) if not math.isnan(p))
    adjusted, floor = [math.nan] * len(values), 0.0
    for rank, (p, i) in enumerate(order):
        floor = max(floor, min(1.0, p * (len(order) - rank)))
        adjusted[i] = floor
    return adjusted


def holm_family(estimates: pd.DataFrame, settings: EstimatesSettings) -> pd.DataFrame:
    """Return analysis, term, p_value and p_holm of the declared family: of an analysis by subgroup
    its differences between levels, of any other its summary.

    Each analysis enters with the first of its inference methods; what has no p-value is left out.
    """
    first = {
        analysis.name: primary_methods(analysis.estimator, analysis.inference)
        for analysis in settings.analyses
    }
    wanted = {analysis.name: _in_family(analysis, estimates) for analysis in settings.analyses}
    rows: list[dict[str, Any]] = []
    entered: set[tuple[str, str]] = set()
    for row in estimates.to_dict("records"):
        name = str(row["analysis"])
        if name not in settings.family or str(row["term"]) not in wanted[name]:
            continue
        if row["inference"] in first[name] and pd.notna(row["p_value"]):
            term = str(row["term"])
            # The primary row of a term stands before its others; its p-value is that of every unit.
            if (name, term) not in entered:
                rows.append({"analysis": name, "term": term, "p_value": float(row["p_value"])})
            entered.add((name, term))
    frame = pd.DataFrame(rows, columns=["analysis", "term", "p_value"])
    return frame.assign(p_holm=holm(frame["p_value"].tolist()))


def _in_family(analysis: Analysis, estimates: pd.DataFrame) -> set[str]:
    """Return the terms of an analysis that are tests of its question."""
    have = set(estimates.loc[estimates["analysis"] == analysis.name, "term"].astype(str))
    if analysis.subgroup:  # of the summary, not of single periods
        return {term for term in have if term.startswith(f"difference[{analysis.subgroup}=")}
    declared = ESTIMATORS[analysis.estimator].summary
    summary = [term.format(**analysis.model_dump()) for term in declared]
    return set([term for term in summary if term in have][:1])


def _primary(settings: EstimatesSettings) -> str:
    marked = [name for name, group in settings.comparisons.items() if group.primary]
    return marked[0] if marked else next(iter(settings.comparisons))
