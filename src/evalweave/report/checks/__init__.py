"""Checks of whether the answer can be believed. To add one: write its function, add its line here.

Each is `def check(data: ReportData) -> Check | None`; None where it does not apply at all.
"""

from __future__ import annotations

from collections.abc import Callable

from evalweave.report.blocks import Check
from evalweave.report.checks.agreement import (
    comparison_groups,
    few_practices,
    leave_one_out,
    placebo_outcome,
)
from evalweave.report.checks.measurement import measurement
from evalweave.report.checks.paths import placebo_starts, pre_trends, sensitivity_bound
from evalweave.report.data import ReportData

CHECKS: tuple[Callable[[ReportData], Check | None], ...] = (
    pre_trends,
    few_practices,
    comparison_groups,
    placebo_outcome,
    placebo_starts,
    measurement,
    leave_one_out,
    sensitivity_bound,
)
