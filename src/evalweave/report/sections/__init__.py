"""The sections of the report, in order. To add one: write its file with `section(data)`, add its
entry here."""

from __future__ import annotations

import importlib

from evalweave.report.blocks import Section
from evalweave.report.data import ReportData

SECTIONS = (
    "answer",
    "believed",
    "studied",
    "happened",
    "outcomes",
    "costs",
    "said",
    "together",
    "limits",
    "quality",
    "unmeasured",
    "everything",
    "methods",
    "checklists",
    "provenance",
    # A new section: its entry goes above this line, or where the report shall show it.
)


def sections(data: ReportData) -> list[Section]:
    """Return every section that the study has."""
    made: list[Section | None] = [
        importlib.import_module(f"{__name__}.{name}").section(data) for name in SECTIONS
    ]
    return [section for section in made if section is not None]
