"""What could make a theme's count too small without a word: read this before k of N.

Sources in which nothing is coded, people who were asked about a theme and have no source, or only
sources in which nothing is coded, and codes that belong to no theme. Such people can only count as
silent, and such codes count nowhere.
"""

from __future__ import annotations

import pandas as pd

from evalweave.qualitative.attribution import heard
from evalweave.qualitative.counts import AT_LEAST, NOT_KNOWN
from evalweave.qualitative.project import Project
from evalweave.qualitative.themes import codes_of_themes
from evalweave.tables.qualitative import GAPS

UNCODED_SOURCE = "source without any coding"
NO_SOURCE = "participant without any source"
UNCODED_PARTICIPANT = "participant whose sources hold no coding"
NO_THEME = "code without any theme"


def gaps(project: Project) -> pd.DataFrame:
    """Return `gaps`: theme_id (blank for the whole project), gap, item; empty for a matrix of
    counts."""
    if project.matrix is not None:
        return GAPS.empty()
    coded = set(
        project.segments.loc[
            project.segments["segment_id"].isin(project.codings["segment_id"]), "source_id"
        ]
    )
    rows: list[tuple[str | None, str, str]] = [
        (None, UNCODED_SOURCE, source)
        for source in project.sources["source_id"]
        if source not in coded
    ]
    of_themes = set(codes_of_themes(project)["code_id"])
    used = sorted(set(project.codings["code_id"]) - of_themes)
    rows += [(None, NO_THEME, code) for code in used]
    sources_of: dict[str, set[str]] = {}
    for link in heard(project).itertuples(index=False):
        sources_of.setdefault(link.participant_id, set()).add(link.source_id)
    asked = project.eligibility[project.eligibility["eligible"].fillna(False)]
    rows += [
        (None, NO_SOURCE, person)
        for person in project.participants["participant_id"]
        if person not in sources_of and person not in set(asked["participant_id"])
    ]
    for pair in asked.itertuples(index=False):
        sources = sources_of.get(pair.participant_id, set())
        if not sources:
            rows.append((pair.theme_id, NO_SOURCE, pair.participant_id))
        elif not sources & coded:
            rows.append((pair.theme_id, UNCODED_PARTICIPANT, pair.participant_id))
    frame = pd.DataFrame(rows, columns=GAPS.names)
    return GAPS.conform(frame.sort_values(GAPS.names, na_position="first", ignore_index=True))


def sentences(listed: pd.DataFrame, counts: pd.DataFrame) -> list[str]:
    """Return what should be known before the counts are read, a sentence each."""
    lines = []
    whole = listed[listed["theme_id"].isna()].groupby("gap").size()
    for gap, effect in (
        (UNCODED_SOURCE, "nothing in them can count"),
        (NO_SOURCE, "asked about no theme, they count nowhere"),
        (NO_THEME, "they count in no theme"),
    ):
        if n := int(whole.get(gap, 0)):
            lines.append(f"{_plural(gap, n)}: {effect}")
    by_theme = listed[listed["theme_id"].notna()].groupby(["theme_id", "gap"]).size()
    for theme in sorted(set(listed["theme_id"].dropna())):
        parts = [
            _plural(gap, int(by_theme[theme, gap]))
            for gap in (NO_SOURCE, UNCODED_PARTICIPANT)
            if (theme, gap) in by_theme
        ]
        lines.append(f'theme "{theme}", of those asked: {", ".join(parts)}: they count as silent')
    open_ = counts[
        counts["attributed"].isin([AT_LEAST, NOT_KNOWN])
        & counts["code_id"].isna()
        & counts["attribute"].isna()
    ]
    for row in open_.itertuples(index=False):
        words = "not known" if row.attributed == NOT_KNOWN else "a lower bound (at least)"
        role = str(row.role).replace("_", " ")
        lines.append(
            f'theme "{row.theme_id}", {role}: how many raised it is {words}, since coded words '
            "cannot be given to a person (not attributed)"
        )
    return lines


def _plural(gap: str, n: int) -> str:
    first, rest = gap.split(" ", 1)
    return f"{n} {first}{'s' if n != 1 else ''} {rest}"
