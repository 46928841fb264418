"""Checks of whether the answer can be believed, in order. To add one: write its file, add its entry
here, `module:function`.

Each is `def check(data: ReportData) -> Finding | None`; None where it does not apply at all. They
are judged together, by one standard (`evidence`).
"""

from __future__ import annotations

import importlib
from dataclasses import replace

import pandas as pd

from evalweave.release import precision
from evalweave.report.checks.evidence import CANNOT_TELL, Judged, judge
from evalweave.report.data import ReportData
from evalweave.tables.report import CHECKS as TABLE

CHECKS = (
    "allocation:one_area",
    "paths:pre_trends",
    "agreement:few_practices",
    "agreement:comparison_groups",
    "agreement:placebo_outcome",
    "paths:placebo_starts",
    "measurement:measurement",
    "measurement:composition",
    "agreement:leave_one_out",
    "bounds:sensitivity_bound",
    # A new check: its entry goes above this line, or where the report shall show it.
)
HIDDEN = "Nothing can be shown: the estimate is withheld, as it rests on too few people."


def checks(data: ReportData) -> list[Judged]:
    """Return every check that applies to the study, judged together."""
    return list(data.remembered(_judged))


def _judged(data: ReportData) -> list[Judged]:
    made = []
    for entry in CHECKS:
        module, function = entry.split(":")
        check = getattr(importlib.import_module(f"{__name__}.{module}"), function)
        made.append(check(data))
    findings = [finding for finding in made if finding is not None]
    if data.primary.name in data.withheld:
        findings = [
            replace(each, words=HIDDEN, measures=(), state=CANNOT_TELL) for each in findings
        ]
    return judge(findings)


def released(data: ReportData) -> pd.DataFrame:
    """Return the checks as `checks.csv` has them."""
    return precision.checks(data.profile, table(data))


def table(data: ReportData) -> pd.DataFrame:
    """Return the checks as a table: each with its most telling measure and what would be
    harmless."""
    rows = []
    for judged in checks(data):
        found, worst = judged.finding, judged.finding.worst
        row = {
            "check": found.key,
            "question": found.question,
            "state": judged.state,
            "p_value": found.p,
            "p_adjusted": judged.p_adjusted,
        }
        if worst and found.margin:
            row |= {
                "measure": worst.label,
                "n_measures": len(found.measures),
                "estimate": worst.estimate,
                "ci_low": worst.low,
                "ci_high": worst.high,
                "harmless": found.margin.size,
                "harmless_reason": found.margin.reason,
                "unit": found.margin.unit,
            }
        rows.append(row)
    return TABLE.conform(pd.DataFrame(rows))
