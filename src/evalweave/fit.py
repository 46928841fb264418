"""The estimators on anybody's panel: a table and a SPEC in, estimates and diagnostics out.

from evalweave import fit, twfe
result = twfe(frame, outcome="hba1c", period="year", inference=["cr2", "wild_bootstrap"])
result.tidy()           # one row a term and inference method, the columns of `tables.ESTIMATES`
result.diagnostics      # what was done to the data, what has no estimate and why, checks of the design
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from evalweave.errors import DataError
from evalweave.estimators.panel_data import FILE, panel_data
from evalweave.estimators.registry import estimator
from evalweave.estimators.result import Fit, PanelData
from evalweave.inference.registry import check_methods, infer
from evalweave.inference.result import Intervals, from_t
from evalweave.study import AnalysisOptions, Columns, FitSpec
from evalweave.tables import ESTIMATES

Progress = Callable[[str], None]
SHOWN = 40  # rows in a repr


@dataclass(frozen=True)
class FitResult:
    """Estimates of all analyses of a SPEC.

    Attributes:
        rows: one dictionary a term and inference method.
        diagnostics: analysis -> what was done, what is absent and why, and the checks that apply.
        failures: analysis -> the sentence that says why it has no estimate at all.
        fits: analysis -> its `Fit`, for further inference.
    """

    rows: list[dict[str, Any]]
    diagnostics: dict[str, dict[str, Any]]
    failures: dict[str, str] = field(default_factory=dict)
    fits: dict[str, Fit] = field(default_factory=dict)

    def tidy(self) -> pd.DataFrame:
        """Return the estimates as a table with the columns of `tables.ESTIMATES`."""
        if not self.rows:
            return ESTIMATES.empty()
        return ESTIMATES.conform(pd.DataFrame(self.rows))

    def __repr__(self) -> str:
        lines = []
        for row in self.rows[:SHOWN]:
            ends = f"{row['ci_low']:.4g} to {row['ci_high']:.4g}" if row["ci_low"] == row["ci_low"] else "—"
            p = f"p = {row['p_value']:.3g}" if row["p_value"] == row["p_value"] else ""
            lines.append(
                f"{row['analysis']:<14} {row['term']:<26} {row['estimate']:>10.4g}   "
                f"{100 * row['level']:g} % CI {ends:<22} {p:<12} {row['inference']}"
            )
        if len(self.rows) > SHOWN:
            lines.append(f"… and {len(self.rows) - SHOWN} more rows in tidy()")
        for name, entry in self.diagnostics.items():
            if "n_obs" in entry:
                lines.append(
                    f"{name}: {entry['n_obs']} rows, {entry['n_patients']} patients, {entry['n_practices']} practices "
                    f"({entry['n_practices_treated']} treated); {len(entry['absent'])} terms without an estimate"
                )
        lines += [f"{name}: no estimate. {sentence}" for name, sentence in self.failures.items()]
        return "\n".join(lines).replace("-", "−") if lines else "no estimates"


def fit(
    frame: pd.DataFrame, spec: FitSpec | dict[str, Any], file: str = FILE, progress: Progress | None = None
) -> FitResult:
    """Run every analysis of `spec` on `frame` (one row a unit and period). No units are converted.

    Raises:
        StudyError: for inference that does not apply to an estimator, before anything is computed.
        DataError: where the panel itself is at fault, or no analysis has an estimate.
    """
    if not isinstance(spec, FitSpec):
        from evalweave.studyfile import validate

        spec = validate(spec, FitSpec, "spec", {})
    _check_all(spec.analyses)
    result = FitResult([], {})
    panels: dict[tuple[Any, ...], PanelData] = {}
    for number, analysis in enumerate(spec.analyses, start=1):
        if progress:
            progress(f"analysis {number} of {len(spec.analyses)}: {analysis.name} ({analysis.estimator})")
        extra = (analysis.uptake,) if analysis.estimator == "dose" and analysis.uptake else ()
        key = (analysis.subgroup, tuple(analysis.covariates), extra)
        if key not in panels:
            panels[key] = panel_data(frame, spec.columns, analysis, extra, file)
        try:
            _run(panels[key], spec.columns, analysis, result)
        except DataError as error:
            result.failures[analysis.name] = str(error)
            result.diagnostics[analysis.name] = {"estimator": analysis.estimator, "error": str(error)}
    if result.failures and not result.rows:
        raise DataError("\n".join(f"{name}: {sentence}" for name, sentence in result.failures.items()))
    return result


def _check_all(analyses: Sequence[AnalysisOptions]) -> None:
    from evalweave.errors import StudyError

    wrong = []
    for analysis in analyses:
        try:
            check_methods(analysis)
        except StudyError as error:
            wrong.append(str(error))
    if wrong:
        raise StudyError("\n".join(wrong))


def _run(panel: PanelData, columns: Columns, analysis: AnalysisOptions, result: FitResult) -> None:
    if panel.y.min() == panel.y.max():
        raise DataError("The outcome is the same in every row: there is no change to compare.")
    found = estimator(analysis.estimator)(panel, analysis)
    diagnostics: dict[str, Any] = {
        "estimator": analysis.estimator,
        "n_obs": found.n_obs,
        "n_patients": found.n_patients,
        "n_practices": found.n_practices,
        "n_practices_treated": found.n_practices_treated,
        "absent": found.absent,
        "notes": list(found.notes),
        "convention": found.convention,
        **found.details,
        "inference": {},
    }
    rows: list[dict[str, Any]] = []
    for one in (found, *found.beside):
        for method, intervals in _all_intervals(one, analysis, diagnostics["inference"]):
            rows += _rows(one, method, intervals, columns, analysis)
    if not rows:
        reasons = {**found.absent, **{k: str(v) for k, v in diagnostics["inference"].items()}}
        raise DataError(
            "No term has an estimate: " + "; ".join(f"{k}: {v}" for k, v in reasons.items()) + "."
        )
    if analysis.diagnostics:
        from evalweave.diagnostics.attach import diagnostics_of

        diagnostics.update(diagnostics_of(panel, found, analysis))
    result.rows.extend(rows)
    result.diagnostics[analysis.name] = diagnostics
    result.fits[analysis.name] = found


def _all_intervals(
    found: Fit, analysis: AnalysisOptions, said: dict[str, Any]
) -> list[tuple[str, Intervals]]:
    """Return the intervals of each method; what a method has to say is put into `said`."""
    if not found.terms:
        return []
    if found.own is not None:
        own = found.own
        return [(own.name, from_t(found, own.std_error, own.dof, analysis.level, own.convention))]
    intervals: list[tuple[str, Intervals]] = []
    for method in analysis.inference:
        try:
            one = infer(found, method, analysis)
        except DataError as error:
            said.setdefault(method, {})["error"] = str(error)
            continue
        if one.absent:
            said.setdefault(method, {}).setdefault("absent", {}).update(one.absent)
        if one.details:
            said.setdefault(method, {}).update(one.details)
        intervals.append((method, one))
    return intervals


def _rows(
    found: Fit, method: str, intervals: Intervals, columns: Columns, analysis: AnalysisOptions
) -> list[dict[str, Any]]:
    rows = []
    for k, term in enumerate(found.terms):
        if term in intervals.absent or not np.isfinite(found.theta[k]):
            continue
        rows.append(
            {
                "analysis": analysis.name,
                "estimator": analysis.estimator,
                "outcome": columns.outcome,
                "term": term,
                "estimate": float(found.theta[k]),
                "std_error": float(intervals.std_error[k]),
                "ci_low": float(intervals.ci_low[k]),
                "ci_high": float(intervals.ci_high[k]),
                "p_value": float(intervals.p_value[k]),
                "dof": float(intervals.dof[k]),
                "level": analysis.level,
                "n_obs": found.n_obs,
                "n_patients": found.n_patients,
                "n_practices": found.n_practices,
                "n_practices_treated": found.n_practices_treated,
                "inference": method,
                "convention": "; ".join(part for part in (found.convention, intervals.convention) if part),
                "subgroup": analysis.subgroup,
            }
        )
    return rows


def one_analysis(
    name: str, frame: pd.DataFrame, *, outcome: str, unit: str = "patient_id", period: str = "period",
    cluster: str | None = "practice_id", first_treated: str = "first_treated", weight: str | None = None,
    **options: Any,
) -> FitResult:  # fmt: skip
    """Run the estimator `name` on `frame`; `options` are the keys of an analysis in a SPEC.

    Raises:
        StudyError, DataError: as `fit`.
    """
    columns = {"unit": unit, "period": period, "cluster": cluster, "outcome": outcome,
               "first_treated": first_treated, "weight": weight}  # fmt: skip
    return fit(frame, {"columns": columns, "analyses": [{"name": name, "estimator": name, **options}]})


class _Callable(ModuleType):
    """`evalweave.fit` is this module as soon as anything has imported it: calling it calls `fit`."""

    def __call__(self, *args: Any, **named: Any) -> FitResult:
        return fit(*args, **named)


sys.modules[__name__].__class__ = _Callable
