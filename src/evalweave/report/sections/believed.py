"""Can it be believed? A short table of checks, each with its verdict in words and a link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalweave.release.notes import released_note
from evalweave.release.numbers import confidence
from evalweave.report.blocks import Checks, Prose, Section
from evalweave.report.checks import checks
from evalweave.report.checks.evidence import CONFIDENCE
from evalweave.report.data import ReportData

CAPTION = (
    "What would have to be true for the answer to be more than coincidence. A check supports only "
    "where its whole {level} interval is harmless, speaks against where a difference is shown "
    "(judged for all checks together), and cannot tell otherwise: that an interval includes zero "
    "supports nothing."
)


def section(data: ReportData) -> Section:
    """Return the table of checks; a check that was not part of the study says so."""
    caption = CAPTION.format(level=confidence(CONFIDENCE))
    blocks: list[Any] = [Checks(caption, tuple(one.check for one in checks(data)))]
    design = data.diagnostic(data.primary.name, "design")
    trust = _beside(data)
    for said in (design.get("sentence") if isinstance(design, Mapping) else None, trust):
        if said:
            blocks.append(Prose(released_note(data.profile, str(said))))
    return Section("believed", "Can it be believed?", tuple(blocks))


def _beside(data: ReportData) -> str:
    """Return the warnings about the design that no check of the table says already."""
    trust = str(data.diagnostic(data.primary.name, "trust") or "")
    if not data.diagnostic(data.primary.name, "allocation_alone"):
        return trust
    told = str(data.diagnostic(data.primary.name, "allocation") or "")
    return " ".join(trust.replace(told, "").split())
