"""Differences of the main outcome in the units of the reader's switch."""

from __future__ import annotations

from collections.abc import Callable

from evalweave.report.blocks import Text, in_units
from evalweave.report.checks.harmless import units
from evalweave.report.data import ReportData


def in_each(data: ReportData, write: Callable[[float, str], str]) -> Text:
    """Return what `write(ratio, unit)` says in each unit of the report; `ratio` converts from the
    outcome's unit."""
    sentences = [write(ratio, unit) for ratio, unit in units(data)]
    return in_units(sentences[0], sentences[1] if len(sentences) > 1 else None)
