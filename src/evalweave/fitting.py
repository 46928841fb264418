"""The estimators on anybody's panel: a table and a SPEC in, estimates and diagnostics out.

from evalweave import fit, twfe
result = twfe(frame, outcome="hba1c", period="year", inference=["cr2", "wild_bootstrap"])
result.tidy()           # one row a term and inference method, the columns of `tables.ESTIMATES`
result.diagnostics      # what was done to the data, what has no estimate and why, checks of the
design
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from evalweave.catalogue import calls
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.inferences import AUTO
from evalweave.catalogue.methods import Estimator
from evalweave.catalogue.nonlinear import unit_of_term
from evalweave.errors import DataError, EvalweaveError, StudyError
from evalweave.estimators import contrasting
from evalweave.estimators.allocation import by_level
from evalweave.estimators.cohort_effects import restricted
from evalweave.estimators.exposure import with_exposure
from evalweave.estimators.follow_up import amounts, with_others
from evalweave.estimators.panel_data import FILE
from evalweave.estimators.panels import Panels
from evalweave.estimators.treatment import check_starts, check_varies
from evalweave.fits.fit_result import FitResult, grouped
from evalweave.fits.result import UNIVERSAL_BASE, Fit, PanelData
from evalweave.inference.registry import default_intervals, infer
from evalweave.inference.result import EXACT, Intervals, from_t
from evalweave.study.analyses import AnalysisOptions, Columns, FitSpec
from evalweave.study.refusals import check_spec

Progress = Callable[[str], None]
LOGARITHM = "a ratio; interval from its logarithm"
ROUNDING = 1e-10  # an error below this share of the outcome's standard deviation is rounding


def fit(
    frame: pd.DataFrame,
    spec: FitSpec | dict[str, Any],
    file: str = FILE,
    progress: Progress | None = None,
    may_be_empty: bool = False,
    notes: Sequence[str] = (),
    area: str | None = None,
) -> FitResult:
    """Run every analysis of `spec` on `frame` (one row a unit and period). No units are converted.

    `notes` say how the frame was read; they stand first among those of each analysis. With
    `may_be_empty`, a result without any estimate is returned as such: `failures` and
    `diagnostics` say why. `area` is a column of `frame` with each practice's area, looked at where
    the SPEC declares no allocation.

    Raises:
        StudyError: for inference that does not apply to an estimator, before anything is computed.
        DataError: where the panel itself is at fault, or no analysis has an estimate (unless
        `may_be_empty`).
    """
    if not isinstance(spec, FitSpec):
        from evalweave.study.file import validate

        spec = validate(spec, FitSpec, "spec", {})
    check_spec(spec)
    result = FitResult([], {})
    panels = Panels(frame, spec, file, tuple(notes), area)
    every = spec.columns.each_outcome()
    for number, analysis in enumerate(spec.analyses, start=1):
        if progress:
            progress(
                f"analysis {number} of {len(spec.analyses)}: {analysis.name} ({analysis.estimator})"
            )
        for columns in every:
            name = analysis.name if len(every) == 1 else f"{analysis.name}, {columns.outcome}"
            panel, other = panels.of(analysis, columns), None
            if analysis.unaffected_outcome:
                unaffected = {"outcome": analysis.unaffected_outcome}
                other = panels.of(analysis, columns.model_copy(update=unaffected))
            try:
                _run(panel, other, columns, analysis, result, name)
            except EvalweaveError as error:
                result.failures[name] = str(error)
                entry = result.diagnostics.setdefault(name, {"estimator": analysis.estimator})
                entry["error"] = str(error)
                if isinstance(error, StudyError):
                    result.miscalled.append(name)
    if not result.rows and (result.miscalled or not may_be_empty):
        result.check()
    return result


def _run(
    panel: PanelData,
    unaffected: PanelData | None,
    columns: Columns,
    analysis: AnalysisOptions,
    result: FitResult,
    name: str,
) -> None:
    check_varies(panel)
    check_starts(panel)
    panel = with_exposure(panel, ESTIMATORS[analysis.estimator])
    if unaffected is not None:
        unaffected = with_exposure(unaffected, ESTIMATORS[analysis.estimator])
    estimated = by_level(panel, contrasting.estimated(panel, analysis, unaffected))
    diagnostics: dict[str, Any] = {
        "estimator": analysis.estimator,
        "n_obs": estimated.n_obs,
        "n_patients": estimated.n_patients,
        "n_practices": estimated.n_practices,
        "n_practices_treated": estimated.n_practices_treated,
        "absent": estimated.absent,
        "notes": list(estimated.notes),
        "convention": estimated.convention,
        "assumes": calls.assumed(analysis),
        **estimated.details,
        "inference": {},
    }
    rows: list[dict[str, Any]] = []
    printed = []
    for one in (estimated, *estimated.beside):
        for method, intervals, terms in _all_intervals(
            one, analysis, diagnostics["inference"], _rounding(panel)
        ):
            rows += _rows(one, method, intervals, columns, analysis, terms)
            if one is estimated:
                printed.append((method, intervals, terms))
                _keep_covariance(result, name, one, method, intervals)
    result.diagnostics[name] = diagnostics
    if not rows:
        raise DataError(" ".join(["No term has an estimate.", *_sentences(diagnostics)]))
    if analysis.diagnostics:
        from evalweave.diagnostics.attach import diagnostics_of

        if ESTIMATORS[analysis.estimator].blank_outcomes:
            panel = restricted(panel, ~np.isnan(panel.y))
        diagnostics.update(diagnostics_of(panel, estimated, analysis, printed))
    result.rows.extend(rows)
    result.fits[name] = estimated


def _keep_covariance(
    result: FitResult, name: str, fit: Fit, method: str, intervals: Intervals
) -> None:
    """Put a method's covariance of the terms that it answers into the result."""
    if intervals.covariance is None:
        return
    known = np.isfinite(np.diag(np.asarray(intervals.covariance)))
    answered = [k for k, term in enumerate(fit.terms) if term not in intervals.absent and known[k]]
    if answered:
        terms = tuple(fit.terms[k] for k in answered)
        values = np.asarray(intervals.covariance)[np.ix_(answered, answered)]
        result.covariances[name, method] = terms, values


def _sentences(diagnostics: dict[str, Any]) -> list[str]:
    """Return why there is nothing, each reason once, and what the estimator noted."""
    lines = grouped(diagnostics["absent"])
    for method, more in diagnostics["inference"].items():
        lines += [more["error"]] if "error" in more else []
        lines += [f"{method}: {text}" for text in grouped(more.get("absent", {}))]
    lines += diagnostics["notes"]
    return [
        line.removesuffix(".").replace("no ", "No ", line.startswith("no ")) + "."
        for line in dict.fromkeys(lines)
    ]


def _rounding(panel: PanelData) -> float:
    """Return the size below which a standard error is rounding (outcome units)."""
    return float(ROUNDING * panel.y.std() + 1e-14 * np.abs(panel.y).max())


def _all_intervals(
    estimated: Fit, analysis: AnalysisOptions, remarks: dict[str, Any], rounding: float
) -> list[tuple[str, Intervals, frozenset[str]]]:
    """Return the intervals of each method and the terms they are for; what a method has to say is
    put into `remarks`."""
    if not estimated.terms:
        return []
    if estimated.own is not None:
        own = estimated.own
        one = from_t(estimated, own.std_error, own.dof, analysis.level, own.convention)
        return [(own.name, one, frozenset(estimated.terms))]
    exact = _exact(estimated, rounding)
    given: dict[str, frozenset[str]] = {}
    intervals: list[tuple[str, Intervals, frozenset[str]]] = []
    for asked in analysis.inference:
        try:
            for method, one, terms in _by_method(estimated, asked, analysis):
                one = replace(one, absent={**exact, **one.absent})
                if one.absent:
                    remarks.setdefault(method, {}).setdefault("absent", {}).update(one.absent)
                if one.details:
                    remarks.setdefault(method, {}).update(one.details)
                fresh = terms - given.get(method, frozenset())
                given[method] = given.get(method, frozenset()) | terms
                intervals.append((method, one, fresh))
        except DataError as error:
            remarks.setdefault(asked, {})["error"] = str(error)
    return intervals


def _by_method(
    estimated: Fit, asked: str, analysis: AnalysisOptions
) -> Iterable[tuple[str, Intervals, frozenset[str]]]:
    if asked == AUTO:
        return default_intervals(estimated, analysis)
    return [(asked, infer(estimated, asked, analysis), frozenset(estimated.terms))]


def _exact(estimated: Fit, rounding: float) -> dict[str, str]:
    """Return the terms whose influence is rounding in every practice; a universal base is 0 by
    construction."""
    size = np.sqrt((estimated.influence**2).sum(axis=0))
    pure = [term in estimated.exponentiated or bool(unit_of_term(term)) for term in estimated.terms]
    limit = np.where(pure, ROUNDING, rounding)  # of ratios and shares, whatever the outcome's unit
    by_construction = (size == 0) & (estimated.theta == 0) & (estimated.leads == UNIVERSAL_BASE)
    return {
        term: EXACT
        for term, gone in zip(estimated.terms, (size <= limit) & ~by_construction, strict=True)
        if gone
    }


def _rows(
    estimated: Fit,
    method: str,
    intervals: Intervals,
    columns: Columns,
    analysis: AnalysisOptions,
    terms: frozenset[str],
) -> list[dict[str, Any]]:
    rows = []
    for k, term in enumerate(estimated.terms):
        if term not in terms or term in intervals.absent or not np.isfinite(estimated.theta[k]):
            continue
        scale = np.exp if term in estimated.exponentiated else float
        theta = scale(estimated.theta[k])
        error = intervals.std_error[k] * (theta if term in estimated.exponentiated else 1.0)
        rows.append(
            {
                "analysis": analysis.name,
                "estimator": analysis.estimator,
                "outcome": columns.outcome,
                "term": term,
                "estimate": float(theta),
                "std_error": float(error),
                "ci_low": float(scale(intervals.ci_low[k])),
                "ci_high": float(scale(intervals.ci_high[k])),
                "p_value": float(intervals.p_value[k]),
                "dof": float(intervals.dof[k]),
                "level": analysis.level,
                "n_obs": estimated.n_obs,
                "n_patients": estimated.n_patients,
                "n_practices": estimated.n_practices,
                "n_practices_treated": estimated.n_practices_treated,
                "inference": method,
                "convention": "; ".join(
                    part
                    for part in (
                        estimated.convention,
                        LOGARITHM if term in estimated.exponentiated else "",
                        estimated.of_term.get(term, ""),
                        intervals.convention,
                    )
                    if part
                ),
                "subgroup": analysis.subgroup,
            }
        )
    return rows


def _columns_named(frame: pd.DataFrame, columns: Mapping[str, Any]) -> None:
    """Raise `DataError` for each column that a function looks for under its own name, and the
    table calls otherwise: how to say so."""
    names = [str(name) for name in frame.columns]
    likely = {"period": ("year", "quarter", "month", "date"), "unit": ("id",), "cluster": ("gp",)}
    wrong = []
    for role, others in likely.items():
        name = columns[role]
        if name is None or name in names:
            continue
        known = next((each for each in others if each in names), "your_column")
        wrong.append(
            f'the table has no column "{name}". Pass {role}="{known}" to say which one it is. '
            f"Columns: {', '.join(names)}."
        )
    if wrong:
        raise DataError("\n".join(wrong))


def named(estimator_name: str) -> Callable[..., FitResult]:
    """Return an estimator as a function of a table: its columns and options are arguments."""
    declared = ESTIMATORS[estimator_name]

    def estimate(
        frame: pd.DataFrame,
        *,
        outcome: str | list[str],
        unit: str | None = "patient_id",
        period: str = "period",
        cluster: str | None = "practice_id",
        first_treated: str | None = None,
        treated: str | None = None,
        weight: str | None = None,
        exposure: str | None = None,
        kind: str | None = None,
        missing: str | None = None,
        followed: pd.DataFrame | None = None,
        deaths: pd.DataFrame | None = None,
        dead_value: float | None = None,
        **options: Any,
    ) -> FitResult:
        columns: dict[str, Any] = {
            "unit": unit,
            "period": period,
            "cluster": cluster,
            "outcome": outcome,
            "treated": treated,
            "weight": weight,
            "exposure": exposure,
            "kind": kind,
        }
        if missing is not None:
            columns["missing"] = missing
        if first_treated is not None:
            columns["first_treated"] = first_treated
        analysis = {"name": declared.name, "estimator": declared.name, **options}
        _columns_named(frame, columns)
        spec = {"columns": columns, "analyses": [analysis]}
        if followed is None and deaths is None and dead_value is None:
            return fit(frame, spec)
        from evalweave.study.file import validate

        model = validate(spec, FitSpec, "spec", {})
        whole, notes = with_others(frame, model, followed, deaths, dead_value)
        return fit(whole, model if deaths is None else amounts(model), notes=notes)

    fields = {
        name: field
        for name, field in AnalysisOptions.model_fields.items()
        if name not in ("name", "estimator") and calls.knows(declared, name)
    }
    arguments = [
        *list(inspect.signature(estimate).parameters.values())[:-1],
        *(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.get_default(call_default_factory=True),
                annotation=field.annotation,
            )
            for name, field in fields.items()
        ),
    ]
    estimate.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        arguments, return_annotation=FitResult
    )
    estimate.__name__ = estimate.__qualname__ = declared.name
    estimate.__module__ = "evalweave"
    estimate.__doc__ = _documented(declared, {n: str(f.description) for n, f in fields.items()})
    return estimate


def _documented(declared: Estimator, meanings: dict[str, str]) -> str:
    """Return the docstring of an estimator's function, from its declaration."""
    return "\n".join(
        [
            declared.words,
            "",
            "Terms: " + ", ".join(declared.terms) + ", in the unit of the outcome.",
            "",
            "Args:",
            "    frame: one row a unit and period.",
            "    outcome, unit, period, cluster, first_treated, weight, exposure: its columns;",
            "        first_treated (so called if left out) is the first treated period, blank =",
            "        never; treated, instead of it, is 1 in treated rows; cluster may be None (the",
            "        unit itself), weight, exposure too (1), and unit (every row another person).",
            "    kind, missing: what the outcome is and what a blank means, as in `columns`.",
            "    followed: runs of follow-up, measured or not (unit, cluster, first_treated,",
            "        from_period, to_period), for estimators that use them.",
            "    deaths, dead_value: person-periods of the dead, with dead_share, and their value.",
            *(f"    {name}: {meaning}" for name, meaning in meanings.items()),
            "",
            "Raises:",
            "    StudyError: for a call that the estimator refuses.",
            "    DataError: where the panel is at fault or nothing can be estimated.",
            *(["", "Source: " + " ".join(declared.references)] if declared.references else []),
        ]
    )
