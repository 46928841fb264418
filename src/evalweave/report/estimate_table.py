"""Estimates in words and tables, in the units of their analysis."""

from __future__ import annotations

from typing import Any

from evalweave.release.numbers import confidence, in_unit, interval, number, p_value
from evalweave.report.blocks import Column, Line, Table, in_units
from evalweave.report.data import ReportData, Row
from evalweave.report.terms import ci
from evalweave.study.analyses import Analysis


def unit_pair(data: ReportData, analysis: Analysis) -> list[str]:
    """Return the units in which an analysis is shown, at most two."""
    return data.units(analysis.name)[:2]


def full(row: Row) -> str:
    """Return an estimate in a sentence: with unit, interval and p-value."""
    p = p_value(row.p_value)
    ends = f"{confidence(row.level)} CI {interval(row.low, row.high, row.places)}"
    size = in_unit(number(row.estimate, row.places), row.unit)
    return f"{size} ({ends}{f'; {p}' if p else ''})"


def as_ratio(data: ReportData, analysis: Analysis) -> Row | None:
    """Return the ratio that stands beside the amount of an analysis; None where there is none."""
    return data.row(analysis, "ratio", "ratio")


def estimates_table(caption: str, data: ReportData, analysis: Analysis, lines: list[Line]) -> Table:
    """Return a table of estimates of one analysis from its `line`s."""
    units = unit_pair(data, analysis)
    unit = in_units(units[0], units[1] if len(units) > 1 else None) if units else ""
    return Table(
        caption,
        (
            Column("Estimate of"),
            Column("Estimate", unit, True),
            Column("Interval", ci([analysis]), True),
            Column("Compared with zero", number=True),
        ),
        tuple(lines),
    )


def line(
    data: ReportData, analysis: Analysis, term: str, label: str, inference: str | None = None
) -> Line:
    """Return a term of an analysis as a line: label, estimate, interval, p-value."""
    rows = [data.row(analysis, term, unit, inference) for unit in unit_pair(data, analysis)]
    first = rows[0] if rows else None
    if first is None:
        return Line((label, "–", "–", ""))

    def both(write: Any) -> Any:
        cells = [write(row) if row else "–" for row in rows]
        return in_units(cells[0], cells[1] if len(cells) > 1 else None)

    return Line(
        (
            label,
            both(lambda r: number(r.estimate, r.places)),
            both(lambda r: interval(r.low, r.high, r.places)),
            p_value(first.p_value) or "–",
        )
    )
