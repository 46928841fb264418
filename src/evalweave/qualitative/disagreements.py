"""Disagreements side by side: what one coder gave a stretch and another did not.

Not a figure but the words themselves, for coders to talk about; quotations of everybody, so it
stays inside the secure area. A stretch is one that any coder marked; a coder gave it a code when
their stretches with that code hold at least half of it, as for agreement by segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from evalweave.qualitative.decisions import SEGMENT, Part, decisions
from evalweave.qualitative.project import Project
from evalweave.tables.qualitative import DISAGREEMENTS


def disagreements(project: Project) -> pd.DataFrame:
    """Return `disagreements`: a row for each stretch and code that some coders of the source gave
    it and others did not."""
    judged = decisions(project)
    words = _words(project)
    rows = [
        row
        for part in judged.parts[SEGMENT]
        for row in _of_source(part, judged.coders, judged.codes, words)
    ]
    return DISAGREEMENTS.conform(pd.DataFrame(rows, columns=DISAGREEMENTS.names))


def by_code(listed: pd.DataFrame) -> list[tuple[str, int]]:
    """Return codes with how many stretches are in dispute, most first."""
    counted = listed.groupby("code_id").size()
    return sorted(((str(c), int(n)) for c, n in counted.items()), key=lambda row: (-row[1], row[0]))


def _of_source(
    part: Part, coders: Sequence[str], codes: Sequence[str], words: dict[object, str]
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for unit, place in enumerate(part.places):
        gave, not_gave = part.values[unit] == 1, part.values[unit] == 0
        for code in np.flatnonzero(gave.any(axis=0) & not_gave.any(axis=0)).tolist():
            without = np.flatnonzero(not_gave[:, code]).tolist()
            others = gave[without].any(axis=0)
            start, end = place if isinstance(place, tuple) else (None, None)
            key = place if isinstance(place, str) else (part.source, start, end)
            rows.append(
                {
                    "source_id": part.source,
                    "start": start,
                    "end": end,
                    "quote": words.get(key) or None,
                    "code_id": codes[code],
                    "given_by": _listed(coders[j] for j in np.flatnonzero(gave[:, code]).tolist()),
                    "not_given_by": _listed(coders[j] for j in without),
                    "instead": _listed(codes[c] for c in np.flatnonzero(others).tolist()) or None,
                }
            )
    return rows


def _words(project: Project) -> dict[object, str]:
    """Return the words of every segment, by its id and by source and position."""
    words: dict[object, str] = {}
    for row in project.segments.itertuples(index=False):
        quote = "" if pd.isna(row.quote) else str(row.quote)
        words[row.segment_id] = quote
        if not pd.isna(row.start):
            words[row.source_id, int(row.start), int(row.end)] = quote
    return words


def _listed(names: Iterable[str]) -> str:
    return "; ".join(names)
