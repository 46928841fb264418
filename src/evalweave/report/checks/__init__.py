"""Checks of whether the answer can be believed, in order. To add one: write its file, add its entry
here, `module:function`.

Each is `def check(data: ReportData) -> Check | None`; None where it does not apply at all.
"""

from __future__ import annotations

import importlib

from evalweave.report.blocks import Check
from evalweave.report.data import ReportData

CHECKS = (
    "paths:pre_trends",
    "agreement:few_practices",
    "agreement:comparison_groups",
    "agreement:placebo_outcome",
    "paths:placebo_starts",
    "measurement:measurement",
    "agreement:leave_one_out",
    "paths:sensitivity_bound",
    # A new check: its entry goes above this line, or where the report shall show it.
)


def checks(data: ReportData) -> list[Check]:
    """Return every check that applies to the study."""
    made: list[Check | None] = []
    for entry in CHECKS:
        module, function = entry.split(":")
        check = getattr(importlib.import_module(f"{__name__}.{module}"), function)
        made.append(check(data))
    return [check for check in made if check is not None]
