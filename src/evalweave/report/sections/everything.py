"""Every row of estimates.csv and checks.csv, as the page's other places quote it."""

from __future__ import annotations

from typing import Any

from evalweave.release.numbers import (
    confidence,
    decimals,
    interval,
    missing,
    number,
    p_value,
    sentence,
)
from evalweave.report import checks
from evalweave.report.blocks import Column, Details, Heading, Line, Prose, Section, Table
from evalweave.report.checks.evidence import CONFIDENCE
from evalweave.report.data import ReportData
from evalweave.report.sentences import method
from evalweave.report.terms import ci, in_words
from evalweave.study.analyses import Analysis

COUNTS = (
    ("n_obs", "records"),
    ("n_patients", "patients"),
    ("n_practices", "practices"),
    ("n_practices_treated", "practices"),
)


def section(data: ReportData) -> Section:
    """Return the numbers that the report quotes from, complete."""
    blocks: list[Any] = [
        Prose(
            "Every row of estimates.csv and of checks.csv. What the report says elsewhere is "
            "quoted from here; numbers in the files have more digits where the profile lets them."
        ),
        Heading("Every estimate", "every-estimate"),
    ]
    for analysis in data.study.analyses:
        table = _estimates(data, analysis)
        if table:
            label = analysis.label or sentence(analysis.name.replace("_", " "))
            blocks.append(Details(f"{label} ({analysis.name})", (table,)))
    blocks += [Heading("Every check, in numbers", "every-check"), _checks(data)]
    return Section("everything", "Every number", tuple(blocks))


def _estimates(data: ReportData, analysis: Analysis) -> Table | None:
    rows = data.rows(analysis.name)
    lines = [
        Line(
            (
                in_words(data, analysis, row.term),
                row.unit,
                sentence(method(row.inference)),
                number(row.estimate, row.places),
                number(row.std_error, row.places),
                interval(row.low, row.high, row.places),
                p_value(row.p_value) or "–",
                number(row.dof, 1),
                *(data.counted(row, name, of) for name, of in COUNTS),
            )
        )
        for row in rows
    ]
    if not lines:
        return None
    return Table(
        f"{data.outcome_label(analysis.outcome)}, compared with "
        f"{data.comparison_label(analysis.comparison)}.",
        (
            Column("Term"),
            Column("Unit"),
            Column("Inference"),
            Column("Estimate", number=True),
            Column("Standard error", number=True),
            Column("Interval", ci([analysis]), True),
            Column("Compared with zero", number=True),
            Column("Degrees of freedom", number=True),
            Column("Person-periods", number=True),
            Column("People", number=True),
            Column("Practices", number=True),
            Column("with the programme", number=True),
        ),
        tuple(lines),
        id=f"estimates-{analysis.name}",
        wide=True,
    )


def _checks(data: ReportData) -> Table:
    released = checks.released(data)
    lines = []
    for row in released.to_dict("records"):
        places = decimals((row["ci_high"] - row["ci_low"]) / 4 if _whole(row) else float("nan"))
        harmless = number(row["harmless"], 2)
        reason = "" if missing(row["harmless_reason"]) else f" ({row['harmless_reason']})"
        lines.append(
            Line(
                (
                    row["question"],
                    row["state"],
                    "–" if missing(row["measure"]) else str(row["measure"]),
                    number(row["n_measures"], 0),
                    number(row["estimate"], places),
                    interval(row["ci_low"], row["ci_high"], places),
                    "" if missing(row["unit"]) else str(row["unit"]),
                    f"{harmless}{reason}",
                    p_value(row["p_value"]) or "–",
                    p_value(row["p_adjusted"]) or "–",
                )
            )
        )
    return Table(
        "Each check with its most telling measure: what it leaves possible, what would be "
        "harmless, and its p-value alone and over all checks.",
        (
            Column("Check"),
            Column("State"),
            Column("Measure"),
            Column("of how many", number=True),
            Column("Estimate", number=True),
            Column("Interval", f"{confidence(CONFIDENCE)} CI", True),
            Column("Unit"),
            Column("Harmless below"),
            Column("Compared with zero", number=True),
            Column("Adjusted", "Holm, all checks", True),
        ),
        tuple(lines),
        id="checks-in-numbers",
        wide=True,
    )


def _whole(row: dict[Any, Any]) -> bool:
    return not (missing(row["ci_low"]) or missing(row["ci_high"]))
