"""Other outcomes: what else was asked of the same people, in one table as journals print it."""

from __future__ import annotations

from typing import Any

from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.release.notes import released_note
from evalweave.release.numbers import in_unit, interval, joined, number, p_value, plain, sentence
from evalweave.report.blocks import Column, Heading, Line, Prose, Section, Table, appended, in_units
from evalweave.report.data import ReportData
from evalweave.report.estimate_table import as_ratio
from evalweave.report.figures.event import event_study
from evalweave.report.terms import ci, variable
from evalweave.study.analyses import Analysis

COUNTS = (("n_obs", "records"), ("n_patients", "patients"), ("n_practices", "practices"))


def section(data: ReportData) -> Section | None:
    """Return the outcomes beside the main one; None where there are none."""
    others = data.analyses("secondary")
    if not others:
        return None
    rows = [line for a in (data.primary, *others) for line in _lines(data, a)]
    adjusted = any(_holm(data, a, data.main_term(a)) for a in others)
    blocks: list[Any] = [
        Prose(
            "The main outcome stands first, for comparison. None of the others was the question "
            "of this study: they are to be read together, and one interval of several that "
            "excludes zero is no finding by itself."
        ),
        Table(
            "Every outcome: how many, and the difference in change between programme and "
            "comparison practices.",
            (
                Column("Outcome"),
                Column("Person-periods", number=True),
                Column("People", number=True),
                Column("Practices", number=True),
                Column("Estimate", number=True),
                Column("Interval", ci([data.primary, *others]), True),
                Column("Compared with zero", number=True),
                *([Column("Adjusted", "Holm, whole family", True)] if adjusted else []),
                Column("Adjusted for"),
            ),
            tuple(
                Line(line.cells if adjusted else line.cells[:7] + line.cells[8:]) for line in rows
            ),
            () if adjusted else (_unadjusted(others),),
            id="outcomes-table",
            wide=True,
        ),
    ]
    by_time = [block for analysis in others for block in _by_time(data, analysis)]
    blocks += appended("Other outcomes by time since the start", by_time)
    return Section("outcomes", "Other outcomes", tuple(blocks))


def _unadjusted(others: list[Analysis]) -> str:
    n = len(others)
    many = "One outcome was" if n == 1 else f"{n} outcomes were"
    return (
        f"{many} asked about beside the main one; p-values are not adjusted for that, as the "
        "study's family of tests does not name them."
    )


def _lines(data: ReportData, analysis: Analysis) -> list[Line]:
    """Return the line of an analysis; why it has none, where it has no estimate."""
    term = data.main_term(analysis)
    rows = [row for u in data.units(analysis.name)[:2] if (row := data.row(analysis, term, u))]
    label = sentence(data.outcome_label(analysis.outcome))
    alike = [
        a for a in (data.primary, *data.analyses("secondary")) if a.outcome == analysis.outcome
    ]
    named = analysis.label or (plain(analysis.name) if len(alike) > 1 else "")
    if named and named.lower() != label.lower():
        label = f"{label}: {named}"
    if not rows:
        why = data.diagnostic(analysis.name, "absent")
        reason = "; ".join(dict.fromkeys(map(str, why.values()))) if why else "no estimate"
        told = released_note(data.profile, reason)
        return [Line((label, "–", "–", "–", "–", "no interval", "–", "–", told))]
    first = rows[0]
    cells = [data.counted(first, name, of) for name, of in COUNTS]
    estimates = [in_unit(number(row.estimate, row.places), row.unit) for row in rows]
    intervals = [interval(row.low, row.high, row.places) for row in rows]
    return [
        Line(
            (
                label,
                *cells,
                in_units(estimates[0], estimates[1] if len(rows) > 1 else None),
                in_units(intervals[0], intervals[1] if len(rows) > 1 else None),
                p_value(first.p_value) or "–",
                _holm(data, analysis, term) or "–",
                _adjusted_for(data, analysis),
            )
        ),
        *_ratio(data, analysis),
    ]


def _ratio(data: ReportData, analysis: Analysis) -> list[Line]:
    row = as_ratio(data, analysis)
    if row is None:
        return []
    ends = interval(row.low, row.high, row.places)
    written = (number(row.estimate, row.places), ends, p_value(row.p_value) or "–")
    return [Line(("as a ratio", "", "", "", *written, "", ""), depth=1)]


def _adjusted_for(data: ReportData, analysis: Analysis) -> str:
    entered = [variable(str(name)) for name in data.diagnostic(analysis.name, "adjusted for") or ()]
    means = ESTIMATORS[analysis.estimator].blank_outcomes
    by_design = [f"who was measured, by {means}"] if means else []
    return joined([*by_design, *entered]) or "nothing"


def _holm(data: ReportData, analysis: Analysis, term: str) -> str:
    """Return the p-value adjusted over the declared family; blank where it is no part of it."""
    if data.holm is None or not len(data.holm):
        return ""
    mine = data.holm[(data.holm["analysis"] == analysis.name) & (data.holm["term"] == term)]
    return p_value(mine["p_holm"].iloc[0]) if len(mine) else ""


def _by_time(data: ReportData, analysis: Analysis) -> list[Any]:
    figure = event_study(
        data,
        analysis,
        f"{sentence(data.outcome_label(analysis.outcome))} by time since the start: points left "
        "of the dashed line should lie around zero if the arms moved alike before.",
    )
    if figure is None:
        return []
    return [Heading(analysis.label or sentence(data.outcome_label(analysis.outcome))), figure]
