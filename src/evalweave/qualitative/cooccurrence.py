"""Where codes meet: stretches of text that carry two codes, whoever gave them.

For codes a and b the union of a's stretches is cut with the union of b's; each maximal stretch that
is left is one meeting. Two coders who marked the same passage a few letters apart thus meet once.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import pandas as pd

from evalweave.qualitative.project import Project
from evalweave.tables.qualitative import COOCCURRENCE

Span = tuple[int, int]


def cooccurrence(project: Project) -> pd.DataFrame:
    """Return `cooccurrence`: code_a < code_b, n_references (stretches), n_sources; pairs that never
    meet left out.

    Segments without positions meet only within themselves.
    """
    given = project.codings.merge(project.segments, on="segment_id")
    spans: dict[str, dict[str, list[Span]]] = defaultdict(lambda: defaultdict(list))
    counted: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    loose = given[given["start"].isna()]
    for row in given[given["start"].notna()].itertuples(index=False):
        spans[row.source_id][row.code_id].append((int(row.start), int(row.end)))
    for source, by_code in spans.items():
        unions = {code: union(stretches) for code, stretches in by_code.items()}
        for a, b in combinations(sorted(unions), 2):
            if meetings := len(intersection(unions[a], unions[b])):
                counted[a, b][source] += meetings
    for (source, _), rows in loose.groupby(["source_id", "segment_id"]):
        for pair in combinations(sorted(rows["code_id"].unique()), 2):
            counted[pair][source] += 1
    rows = [(a, b, sum(by.values()), len(by)) for (a, b), by in sorted(counted.items())]
    return COOCCURRENCE.conform(pd.DataFrame(rows, columns=COOCCURRENCE.names))


def union(stretches: list[Span]) -> list[Span]:
    """Return the same text as stretches that neither overlap nor touch."""
    joined: list[Span] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def intersection(a: list[Span], b: list[Span]) -> list[Span]:
    """Return the stretches that two unions share."""
    shared = [(max(x[0], y[0]), min(x[1], y[1])) for x in a for y in b]
    return union([span for span in shared if span[0] < span[1]])
