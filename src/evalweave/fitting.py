"""The estimators on anybody's panel: a table and a SPEC in, estimates and diagnostics out.

from evalweave import fit, twfe
result = twfe(frame, outcome="hba1c", period="year", inference=["cr2", "wild_bootstrap"])
result.tidy()           # one row a term and inference method, the columns of `tables.ESTIMATES`
result.diagnostics      # what was done to the data, what has no estimate and why, checks of the
design
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from evalweave.errors import DataError, EvalweaveError, StudyError, nearest
from evalweave.estimators.panel_data import FILE, panel_data
from evalweave.estimators.registry import check_options, estimator
from evalweave.fits.result import Fit, PanelData
from evalweave.inference.registry import check_methods, infer
from evalweave.inference.result import EXACT, Intervals, from_t
from evalweave.study.analyses import AnalysisOptions, Columns, FitSpec
from evalweave.study.outcomes import BASELINE_OF
from evalweave.study.stages import spec_of
from evalweave.study.whole import Study
from evalweave.tables.analyses import ESTIMATES

Progress = Callable[[str], None]
SHOWN = 40  # rows in a repr
FEW = 4  # terms named beside the reason they share
ROUNDING = 1e-10  # an error below this share of the outcome's standard deviation is rounding


@dataclass(frozen=True)
class FitResult:
    """Estimates of all analyses of a SPEC.

    Attributes:
        rows: one dictionary a term and inference method.
        diagnostics: analysis -> what was done, what is absent and why, and the checks that apply.
        failures: analysis -> the sentence that says why it has no estimate at all.
        fits: analysis -> its `Fit`, for further inference.
        miscalled: analyses whose failure lies in the call (exit code 2) and not in the data.
    """

    rows: list[dict[str, Any]]
    diagnostics: dict[str, dict[str, Any]]
    failures: dict[str, str] = field(default_factory=dict)
    fits: dict[str, Fit] = field(default_factory=dict)
    miscalled: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Raise `StudyError` or `DataError` with the sentences of all failures, if there are
        any."""
        if self.failures:
            kind = StudyError if self.miscalled else DataError
            raise kind(
                "\n".join(_named(name, sentence) for name, sentence in self.failures.items())
            )

    def tidy(self) -> pd.DataFrame:
        """Return the estimates as a table with the columns of `tables.ESTIMATES`."""
        if not self.rows:
            return ESTIMATES.empty()
        return ESTIMATES.conform(pd.DataFrame(self.rows))

    def __repr__(self) -> str:
        return self.summary()

    def summary(self, shown: int = SHOWN, rest: str = "tidy()") -> str:
        """Return the first `shown` estimates, what was said of each analysis, and where the `rest`
        is."""
        rows = self.rows[:shown]
        lines = table_lines(
            [
                (
                    row["analysis"],
                    row["term"],
                    _number(row["estimate"]),
                    _interval(row),
                    _p(row),
                    row["inference"],
                )
                for row in rows
            ]
        )
        if len(self.rows) > shown:
            lines.append(f"… and {len(self.rows) - shown} more rows in {rest}")
        for name, entry in self.diagnostics.items():
            if "error" not in entry:
                lines += _said(name, entry)
        lines += [
            f"{_named(name, f'no estimate. {sentence}')}"
            for name, sentence in self.failures.items()
        ]
        return "\n".join(lines) if lines else "no estimates"


def table_lines(rows: list[tuple[str, ...]]) -> list[str]:
    """Return rows of cells as aligned lines, the third cell to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))] if rows else []
    return [
        "  ".join(
            cell.rjust(width) if k == 2 else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _interval(row: dict[str, Any]) -> str:
    if row["ci_low"] != row["ci_low"]:
        return "no interval"
    return f"{100 * row['level']:g} % CI {_number(row['ci_low'])} to {_number(row['ci_high'])}"


def _p(row: dict[str, Any]) -> str:
    value = row["p_value"]
    if value != value:
        return ""
    return "p < 0.0001" if 0 < value < 0.0001 else f"p = {value:.3g}"


def _said(name: str, entry: dict[str, Any]) -> list[str]:
    """Return an analysis's counts, its notes and warnings, and which methods or terms have no
    answer and why."""
    lines = [
        f"{name}: {entry['n_obs']} rows, {entry['n_patients']} patients, {entry['n_practices']} "
        "practices "
        f"({entry['n_practices_treated']} treated)"
    ]
    said = [entry.get("trust", ""), *entry["notes"], *_grouped(entry["absent"])]
    for method, more in entry["inference"].items():
        said += [
            more.get("error", ""),
            *(f"{method}: {text}" for text in _grouped(more.get("absent", {}))),
        ]
    return lines + [f"  {sentence}" for sentence in said if sentence]


def _grouped(absent: dict[str, str]) -> list[str]:
    """Return each reason once, with the terms that have no estimate for it."""
    reasons: dict[str, list[str]] = {}
    for term, reason in absent.items():
        reasons.setdefault(reason, []).append(term)
    return [
        f"no {', '.join(terms[:FEW])}"
        f"{f' and {len(terms) - FEW} more' if len(terms) > FEW else ''}: {reason}"
        for reason, terms in reasons.items()
    ]


def _named(name: str, sentence: str) -> str:
    return sentence if sentence.startswith(f"{name}: ") else f"{name}: {sentence}"


def fit(
    frame: pd.DataFrame,
    spec: FitSpec | dict[str, Any],
    file: str = FILE,
    progress: Progress | None = None,
    may_be_empty: bool = False,
    notes: Sequence[str] = (),
) -> FitResult:
    """Run every analysis of `spec` on `frame` (one row a unit and period). No units are converted.

    `notes` say how the frame was read; they stand first among those of each analysis. With
    `may_be_empty`, a result without any estimate is returned as such: `failures` and
    `diagnostics` say why.

    Raises:
        StudyError: for inference that does not apply to an estimator, before anything is computed.
        DataError: where the panel itself is at fault, or no analysis has an estimate (unless
        `may_be_empty`).
    """
    if not isinstance(spec, FitSpec):
        from evalweave.study.file import validate

        spec = validate(spec, FitSpec, "spec", {})
    _check_all(spec)
    result = FitResult([], {})
    panels: dict[tuple[Any, ...], PanelData] = {}
    for number, analysis in enumerate(spec.analyses, start=1):
        if progress:
            progress(
                f"analysis {number} of {len(spec.analyses)}: {analysis.name} ({analysis.estimator})"
            )
        extra = (analysis.uptake,) if analysis.estimator == "dose" and analysis.uptake else ()
        key = (analysis.subgroup, tuple(analysis.covariates), extra, analysis.anticipation)
        if key not in panels:
            panel = panel_data(frame, spec.columns, analysis, extra, file)
            panels[key] = replace(panel, notes=(*notes, *panel.notes))
        try:
            _run(panels[key], spec.columns, analysis, result)
        except EvalweaveError as error:
            result.failures[analysis.name] = str(error)
            entry = result.diagnostics.setdefault(analysis.name, {"estimator": analysis.estimator})
            entry["error"] = str(error)
            if isinstance(error, StudyError):
                result.miscalled.append(analysis.name)
    if not result.rows and (result.miscalled or not may_be_empty):
        result.check()
    return result


def wrong_analyses(study: Study) -> list[str]:
    """Return a sentence for everything in a study's analyses that `fit` would refuse before it
    computes."""
    from evalweave.panel import COVARIATES

    at_baseline = [f"{BASELINE_OF}{name}" for name in study.outcomes]
    known = [*study.outcomes, *COVARIATES, *at_baseline]
    wrong = []
    for analysis in study.analyses:
        spec = FitSpec.model_validate(spec_of(study, analysis.name))
        try:
            _check_all(spec)
        except StudyError as error:
            wrong += str(error).splitlines()
        named = [
            ("subgroup", analysis.subgroup),
            *(("covariates", name) for name in analysis.covariates),
        ]
        wrong += [
            f'{analysis.name}: {role}: the panel has no column "{name}". {nearest(name, known)}'
            for role, name in named
            if name and name not in known
        ]
        if analysis.subgroup in at_baseline:
            wrong.append(
                f"{analysis.name}: subgroup: {analysis.subgroup} is a measured value, not levels. "
                "Adjust for it as a "
                "covariate, or name a column with levels."
            )
    return wrong


def _check_all(spec: FitSpec) -> None:
    wrong = _columns_twice(spec.columns, spec.analyses)
    for analysis in spec.analyses:
        for check in (check_methods, check_options):
            try:
                check(analysis)
            except StudyError as error:
                wrong.append(str(error))
    if wrong:
        raise StudyError("\n".join(wrong))


def _columns_twice(columns: Columns, analyses: Sequence[AnalysisOptions]) -> list[str]:
    """Return a sentence for every column that is given two roles which exclude each other."""
    roles = {
        role: getattr(columns, role)
        for role in ("unit", "period", "outcome", "first_treated", "weight")
    }
    taken: dict[str, str] = {}
    wrong = []
    for role, name in roles.items():
        if name in taken:
            wrong.append(
                f'columns: "{name}" is both {taken[name]} and {role}; they must be two columns.'
            )
        elif name is not None:
            taken[name] = role
    for analysis in analyses:
        for role, names in (("covariate", analysis.covariates), ("subgroup", [analysis.subgroup])):
            wrong += [
                f'{analysis.name}: "{name}" is the {taken[name]} and cannot be a {role} too.'
                for name in names
                if name in taken and not (role == "covariate" and taken[name] == "weight")
            ]
    return wrong


def _run(panel: PanelData, columns: Columns, analysis: AnalysisOptions, result: FitResult) -> None:
    if panel.y.min() == panel.y.max():
        raise DataError("The outcome is the same in every row: there is no change to compare.")
    if not np.isfinite(panel.first_treated).any():
        raise DataError(
            "Nobody is treated within the panel: every first treated period is blank (or another "
            "word for never) or lies after the last period."
        )
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
        for method, intervals in _all_intervals(
            one, analysis, diagnostics["inference"], _rounding(panel)
        ):
            rows += _rows(one, method, intervals, columns, analysis)
    result.diagnostics[analysis.name] = diagnostics
    if not rows:
        raise DataError(" ".join(["No term has an estimate.", *_sentences(diagnostics)]))
    if analysis.diagnostics:
        from evalweave.diagnostics.attach import diagnostics_of

        diagnostics.update(diagnostics_of(panel, found, analysis))
    result.rows.extend(rows)
    result.fits[analysis.name] = found


def _sentences(diagnostics: dict[str, Any]) -> list[str]:
    """Return why there is nothing, each reason once, and what the estimator noted."""
    lines = _grouped(diagnostics["absent"])
    for method, more in diagnostics["inference"].items():
        lines += [more["error"]] if "error" in more else []
        lines += [f"{method}: {text}" for text in _grouped(more.get("absent", {}))]
    lines += diagnostics["notes"]
    return [
        line.removesuffix(".").replace("no ", "No ", line.startswith("no ")) + "."
        for line in dict.fromkeys(lines)
    ]


def _rounding(panel: PanelData) -> float:
    """Return the size below which a standard error is rounding (outcome units)."""
    return float(ROUNDING * panel.y.std() + 1e-14 * np.abs(panel.y).max())


def _all_intervals(
    found: Fit, analysis: AnalysisOptions, said: dict[str, Any], rounding: float
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
        one = replace(one, absent={**_exact(found, analysis, rounding), **one.absent})
        if one.absent:
            said.setdefault(method, {}).setdefault("absent", {}).update(one.absent)
        if one.details:
            said.setdefault(method, {}).update(one.details)
        intervals.append((method, one))
    return intervals


def _exact(found: Fit, analysis: AnalysisOptions, rounding: float) -> dict[str, str]:
    """Return the terms whose influence is rounding in every practice; a universal base is 0 by
    construction."""
    size = np.sqrt((found.influence**2).sum(axis=0))
    by_construction = (size == 0) & (found.theta == 0) & (analysis.base == "universal")
    return {
        term: EXACT
        for term, gone in zip(found.terms, (size <= rounding) & ~by_construction, strict=True)
        if gone
    }


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
                "convention": "; ".join(
                    part
                    for part in (
                        found.convention,
                        found.of_term.get(term, ""),
                        intervals.convention,
                    )
                    if part
                ),
                "subgroup": analysis.subgroup,
            }
        )
    return rows


def one_analysis(
    name: str,
    frame: pd.DataFrame,
    *,
    outcome: str,
    unit: str = "patient_id",
    period: str = "period",
    cluster: str | None = "practice_id",
    first_treated: str = "first_treated",
    weight: str | None = None,
    **options: Any,
) -> FitResult:
    """Run the estimator `name` on `frame`; `options` are the keys of an analysis in a SPEC.

    Raises:
        StudyError, DataError: as `fit`.
    """
    columns = {
        "unit": unit,
        "period": period,
        "cluster": cluster,
        "outcome": outcome,
        "first_treated": first_treated,
        "weight": weight,
    }
    return fit(
        frame, {"columns": columns, "analyses": [{"name": name, "estimator": name, **options}]}
    )


class _Callable(ModuleType):
    """`evalweave.fit` is this module as soon as anything has imported it: calling it calls
    `fit`."""

    def __call__(self, *args: Any, **named: Any) -> FitResult:
        return fit(*args, **named)


sys.modules[__name__].__class__ = _Callable
