"""Check of how the programme was given out: whether other places with it could have been seen."""

from __future__ import annotations

from dataclasses import replace

from evalweave.release.notes import released_note
from evalweave.report.checks.evidence import CANNOT_TELL, Finding
from evalweave.report.data import ReportData

ALLOCATION = Finding(
    "allocation",
    "Could it be something else about the place (allocation by area)?",
    shown="was a difference between places",
    doubt="all practices of an arm lie in one area, so whatever else changed there is part of the "
    "difference, and no interval covers it",
    words="",
    state=CANNOT_TELL,
)


def one_area(data: ReportData) -> Finding | None:
    """Say that nothing tells the programme from its place where one area is an arm alone; None
    elsewhere."""
    if not data.diagnostic(data.primary.name, "allocation_alone"):
        return None
    words = str(data.diagnostic(data.primary.name, "allocation") or "")
    return replace(ALLOCATION, words=released_note(data.profile, words))
