"""The sections of the report, in order. To add one: write its file with `section(data)`, add its
line here."""

from __future__ import annotations

import importlib

from evalweave.report.blocks import Section
from evalweave.report.data import ReportData

SECTIONS = (
    "answer",
    "believed",
    "studied",
    "happened",
    "said",
    "together",
    "quality",
    "methods",
    "checklists",
    "provenance",
)


def sections(data: ReportData) -> list[Section]:
    """Return every section that the study has."""
    written = []
    for name in SECTIONS:
        made: Section | None = importlib.import_module(f"{__name__}.{name}").section(data)
        if made is not None:
            written.append(made)
    return written
