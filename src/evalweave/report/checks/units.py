"""Differences of the main outcome in the units of the reader's switch."""

from __future__ import annotations

from collections.abc import Callable

from evalweave.report.blocks import Text, in_units
from evalweave.report.data import ReportData


def in_each(data: ReportData, write: Callable[[float, str], str]) -> Text:
    """Return what `write(ratio, unit)` says in each unit of the report; `ratio` converts from the
    outcome's unit."""
    units = [(data.ratio(unit), unit) for unit in data.units(data.primary.name)[:2]]
    sentences = [write(ratio, unit) for ratio, unit in units if ratio is not None] or [
        write(1.0, data.outcome.difference_unit)
    ]
    return in_units(sentences[0], sentences[1] if len(sentences) > 1 else None)
