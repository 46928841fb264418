"""The estimates as a journal prints them: a model a row, with N, people, practices, fixed effects
and inference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.inferences import INFERENCES
from evalweave.release.notes import released_note
from evalweave.release.numbers import in_unit, interval, joined, number, p_value, plain, sentence
from evalweave.report.blocks import Column, Line, Table, Text, in_units, text
from evalweave.report.data import ReportData, primary_inference
from evalweave.report.terms import ci
from evalweave.study.analyses import Analysis

NAME = "regression"
MAIN, EVERY = ("sensitivity", "placebo"), ("sensitivity", "secondary", "placebo")
COPIED = ("estimate", "std_error", "ci_low", "ci_high", "p_value", "n_obs", "n_patients")
PRACTICES = ("n_practices", "n_practices_treated")
WHOSE = {"patient": "person", "practice": "practice", "cohort": "start"}  # of the option `effects`


def analyses(data: ReportData, roles: Sequence[str]) -> list[Analysis]:
    """Return the main analysis and those of some roles."""
    others = [a for role in roles for a in data.analyses(role)]
    return [data.primary, *(a for a in others if a is not data.primary)]


def table(data: ReportData, roles: Sequence[str] = MAIN) -> Table | None:
    """Return the table; None where the main analysis has no estimate."""
    if data.main() is None:
        return None
    every = analyses(data, roles)
    lines = [_line(data, analysis) for analysis in every]
    return Table(
        "The main estimate, and the same question asked in other ways: the difference in change "
        "between programme and comparison practices.",
        (
            Column("Analysis"),
            Column("Estimate", number=True),
            Column("Interval", ci(every), True),
            Column("Compared with zero", number=True),
            Column("Person-periods", number=True),
            Column("People", number=True),
            Column("Practices", "of them with the programme", True),
            Column("Fixed effects"),
            Column("Inference"),
        ),
        tuple(line for line in lines if line is not None),
        tuple(_absent(data, a) for a, line in zip(every, lines, strict=True) if line is None),
        id="regression-table",
        wide=True,
    )


def frame(data: ReportData) -> pd.DataFrame:
    """Return the same in every unit as plain values, as released (`regression.csv`)."""
    keys = ["analysis", "term", "outcome_unit", "inference"]
    released = data.released_estimates.astype(dict.fromkeys(keys, str)).set_index(keys)
    rows = []
    for analysis in analyses(data, EVERY):
        term, inference = data.main_term(analysis), primary_inference(data, analysis)
        for unit in data.units(analysis.name):
            place = (analysis.name, term, unit, inference)
            if data.row(analysis, term, unit) is None or place not in released.index:
                continue
            row = released.loc[[place]].iloc[0]
            rows.append(
                {
                    **dict(zip(keys, place, strict=True)),
                    "label": _label(data, analysis),
                    "outcome": analysis.outcome,
                    **{name: row[name] for name in (*COPIED, *PRACTICES)},
                    "fixed_effects": effects(analysis),
                    "adjusted_for": adjusted_for(data, analysis),
                }
            )
    columns = [*keys, "label", "outcome", *COPIED, *PRACTICES, "fixed_effects", "adjusted_for"]
    return pd.DataFrame(rows, columns=columns)


def effects(analysis: Analysis) -> str:
    """Return the fixed effects of an analysis, as a journal's table names them."""
    asked = WHOSE.get(getattr(analysis, "effects", ""))
    return f"{asked}, period" if asked else ESTIMATORS[analysis.estimator].effects


def adjusted_for(data: ReportData, analysis: Analysis) -> str:
    """Return the covariates that entered."""
    entered = data.diagnostic(analysis.name, "adjusted for")
    return joined([plain(str(name)) for name in entered]) if entered else "nothing"


def _label(data: ReportData, analysis: Analysis) -> str:
    label = analysis.label or sentence(analysis.name.replace("_", " "))
    if analysis is data.primary:
        return f"Main: {data.comparison_label(analysis.comparison)}"
    if analysis.outcome != data.primary.outcome:
        outcome = sentence(data.outcome_label(analysis.outcome))
        return label if outcome.lower() in label.lower() else f"{outcome}: {label}"
    return label


def _line(data: ReportData, analysis: Analysis) -> Line | None:
    term = data.main_term(analysis)
    rows = [row for u in data.units(analysis.name)[:2] if (row := data.row(analysis, term, u))]
    if not rows:
        return None
    first = rows[0]

    def both(write: Any) -> Text:
        cells = [write(row) for row in rows]
        return in_units(cells[0], cells[1] if len(cells) > 1 else None)

    practices = data.counted(first, "n_practices", "practices")
    treated = data.counted(first, "n_practices_treated", "practices")
    return Line(
        (
            _label(data, analysis),
            both(lambda row: in_unit(number(row.estimate, row.places), row.unit)),
            both(lambda row: interval(row.low, row.high, row.places)),
            p_value(first.p_value) or "–",
            data.counted(first, "n_obs", "records"),
            data.counted(first, "n_patients", "patients"),
            text("{} ({})", practices, treated) if str(treated.striptags()) else practices,
            effects(analysis),
            short(first.inference),
        )
    )


def short(inference: str) -> str:
    """Return an inference method in a word or two."""
    declared = INFERENCES.get(inference)
    return declared.label if declared else sentence(inference.replace("_", " "))


def _absent(data: ReportData, analysis: Analysis) -> Text:
    """Say why an analysis has no line."""
    why = data.diagnostic(analysis.name, "absent")
    reasons = (
        "; ".join(dict.fromkeys(str(each).rstrip(".") for each in why.values())) if why else ""
    )
    said = text(" {}.", released_note(data.profile, sentence(reasons))) if reasons else ""
    return text("{}: no estimate.{}", _label(data, analysis), said)
