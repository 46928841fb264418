"""Numeric attributes of people by theme: median and range of those who raised it and those asked.

Counts follow `counts.theme_counts`: people of one role who were asked. The lowest and highest value
are somebody's own, so beside them stand the range's inner ends, the `least`-th lowest and highest
value: at least so many people lie at or beyond each. How many raised a theme is blank where nobody
is known to have and somebody may. No test compares the two groups.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from evalweave.qualitative.attribution import attribution
from evalweave.qualitative.project import Project
from evalweave.qualitative.themes import codings_by_theme
from evalweave.tables.qualitative import THEME_NUMBERS

RAISED, ASKED = "raised", "asked"


def theme_numbers(project: Project, attributes: Sequence[str], least: int) -> pd.DataFrame:
    """Return `theme_numbers`; empty where nothing numeric was asked for, and for a matrix of
    counts.

    `least`: people who must lie at or beyond each inner end; with fewer than twice as many values
    the inner ends are blank.
    """
    if project.matrix is not None or not attributes:
        return THEME_NUMBERS.empty()
    asked = project.eligibility[project.eligibility["eligible"].fillna(False).astype(bool)]
    asked = asked[["participant_id", "theme_id"]].merge(project.participants, on="participant_id")
    words, themed = attribution(project), codings_by_theme(project)
    pair = ["participant_id", "theme_id"]
    raised = themed.merge(words.spoken, on="segment_id")[pair].drop_duplicates()
    maybe = themed.merge(words.candidates, on="segment_id")[pair].drop_duplicates()
    maybe = asked.merge(maybe, on=pair)[["theme_id", "role"]].drop_duplicates()
    open_ = set(maybe.itertuples(index=False, name=None))
    groups = {RAISED: asked.merge(raised, on=["participant_id", "theme_id"]), ASKED: asked}
    rows = []
    for attribute in attributes:
        for (theme, role), _ in asked.groupby(["theme_id", "role"], sort=True):
            for of, frame in groups.items():
                mine = frame[(frame["theme_id"] == theme) & (frame["role"] == role)]
                values = pd.to_numeric(mine[attribute]).astype("float64").dropna()
                told = described(values, least)
                if of == RAISED and not told[0] and (theme, role) in open_:
                    told = (None, *told[1:])  # nobody is known to have raised it
                rows.append((theme, role, attribute, of, *told))
    return THEME_NUMBERS.conform(pd.DataFrame(rows, columns=THEME_NUMBERS.names))


def described(values: pd.Series, least: int) -> tuple[int | float | None, ...]:
    """Return how many values there are, their median, the inner ends and the extremes."""
    ordered, n = values.sort_values().to_list(), len(values)
    if not n:
        return 0, None, None, None, None, None
    inner = (ordered[least - 1], ordered[-least]) if n >= 2 * least else (None, None)
    return n, float(values.median()), *inner, ordered[0], ordered[-1]
