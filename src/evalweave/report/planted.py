"""What was planted in simulated data, beside what was estimated. Never shown for real data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.quantities import PERCENTAGE_POINTS
from evalweave.release.numbers import confidence, in_unit, interval, number, plain, sentence
from evalweave.report.blocks import Column, Line, Table, in_units, text
from evalweave.report.data import ReportData, Row
from evalweave.report.terms import in_words
from evalweave.study.analyses import Analysis


def planted_table(data: ReportData) -> Table | None:
    """Return planted and estimated values of every term that the truth knows; None for real
    data."""
    if data.truth is None or not data.study.study.synthetic:
        return None
    lines: list[Line] = []
    for analysis in data.study.analyses:
        if not _of_outcome(data, analysis.outcome):
            continue
        if data.comparison_label(analysis.comparison) != data.comparison_label(
            data.primary.comparison
        ):
            continue
        found = [
            _line(data, analysis, term)
            for term in dict.fromkeys(row.term for row in data.rows(analysis.name))
        ]
        known = [line for line in found if line]
        if known:
            label = analysis.label or sentence(plain(analysis.name))
            own = analysis.outcome == data.primary.outcome
            unit = "" if own else f", in {data.units(analysis.name)[0]}"
            lines += [Line((f"{label}{unit}",), group=True), *known]
    if not lines:
        return None
    return Table(
        "Since these data are simulated, the truth is known: what was planted, and what the "
        "analysis found.",
        (
            Column("Estimate of"),
            Column("Planted", number=True),
            Column("Estimated", number=True),
            Column("Interval", number=True),
            Column("Inside?"),
        ),
        tuple(lines),
        (
            text(
                "In {}. Planted: {}. The seed was fixed beforehand, not chosen for its answer; "
                "about {} of such intervals miss what was planted.",
                in_units(*_unit_words(data)),
                _weights(data),
                confidence(1 - data.primary.level),
            ),
        ),
        id="planted",
    )


def _unit_words(data: ReportData) -> tuple[str, str | None]:
    units = data.units(data.primary.name)[:2]
    return units[0], units[1] if len(units) > 1 else None


def _weights(data: ReportData) -> str:
    assert data.truth is not None
    words = str(data.truth.get("weights", "mean over treated patient-periods"))
    return words + "; for the main estimate, weighted as the estimator weights it"


def _line(data: ReportData, analysis: Analysis, term: str) -> Line | None:
    units = data.units(analysis.name)[:2]
    cells = [
        (planted(data, analysis, term, unit), data.row(analysis, term, unit)) for unit in units
    ]
    if not cells:
        return None
    truth, row = cells[0]
    if truth is None or row is None:
        return None

    def both(write: Any) -> Any:
        shown = [
            write(truth, row) if row is not None and truth is not None else "–"
            for truth, row in cells
        ]
        return in_units(shown[0], shown[1] if len(shown) > 1 else None)

    inside = "yes" if row.low <= truth <= row.high else "no"
    return Line(
        (
            sentence(
                in_words(data, analysis, term).removeprefix(
                    f"{analysis.label or sentence(plain(analysis.name))}: "
                )
            ),
            both(lambda t, r: number(t, r.places)),
            both(lambda t, r: number(r.estimate, r.places)),
            both(lambda t, r: interval(r.low, r.high, r.places)),
            inside,
        )
    )


def _of_outcome(data: ReportData, outcome: str) -> Mapping[str, Any]:
    """Return what is known to have been planted in an outcome."""
    truth = data.truth or {}
    if outcome == truth.get("outcome", data.primary.outcome):
        return truth
    others = truth.get("others") or {}
    return others.get(outcome) or {}


def planted(data: ReportData, analysis: Analysis, term: str, unit: str) -> float | None:
    """Return the planted value of a term in a unit; as the estimator weights it, where that is
    known."""
    truth = _of_outcome(data, analysis.outcome)
    points = unit == PERCENTAGE_POINTS
    weighted = ESTIMATORS[analysis.estimator].planted
    if weighted and term == "att":
        value = truth.get(f"{weighted}_percentage_points" if points else weighted)
        if value is not None:
            return float(value)
    if not points and unit != truth.get("outcome_unit"):
        return None
    terms = truth.get("terms_percentage_points" if points else "terms") or {}
    value = terms.get(term)
    return None if value is None else float(value)


def truth_sentence(data: ReportData, row: Row) -> str:
    """Return planted and estimated in one clause; blank for real data."""
    value = planted(data, data.primary, row.term, row.unit) if data.truth else None
    if value is None:
        return ""
    return (
        f"In these simulated data the truth is known: planted {number(value, row.places)}, "
        "estimated "
        f"{in_unit(number(row.estimate, row.places), row.unit)}."
    )
