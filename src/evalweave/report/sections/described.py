"""What stands around the theme counts: what could make them too small, numbers about the people,
and saturation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from evalweave.qualitative.gaps import NO_SOURCE, NO_THEME, UNCODED_PARTICIPANT, UNCODED_SOURCE
from evalweave.qualitative.theme_numbers import ASKED, RAISED
from evalweave.release.disclosure import PARTICIPANTS
from evalweave.release.numbers import missing, plain, sentence
from evalweave.release.voices import released_saturation, released_theme_numbers
from evalweave.report.blocks import Column, Details, Line, Listing, Prose, Table, Text, text
from evalweave.report.data import ReportData
from evalweave.report.figures.saturation import saturation
from evalweave.report.people import many


def gaps(data: ReportData) -> list[Any]:
    """Return what could make a count too small without a word, before any count is read."""
    listed = data.gaps
    if listed is None:
        return []
    items: list[Text] = []
    for gap, effect in (
        (UNCODED_SOURCE, "nothing in them can count"),
        (NO_THEME, "they count in no theme"),
    ):
        if n := int((listed["theme_id"].isna() & (listed["gap"] == gap)).sum()):
            items.append(text("{}: {} ({}).", sentence(_plural(gap)), n, effect))
    for gap in (NO_SOURCE, UNCODED_PARTICIPANT):
        people = listed[listed["theme_id"].notna() & (listed["gap"] == gap)]
        if n := people["item"].nunique():
            count = data.profile.about(n, PARTICIPANTS)
            items.append(
                text("{}: {} (they can only count as silent).", sentence(_plural(gap)), count)
            )
    unasked = listed[listed["theme_id"].isna() & (listed["gap"] == NO_SOURCE)]
    if n := len(unasked):
        count = data.profile.about(n, PARTICIPANTS)
        said = "{}: {} (asked about no theme, they count nowhere)."
        items.append(text(said, sentence(_plural(NO_SOURCE)), count))
    if not items:
        return [
            Prose(
                "Every source holds a coding, everybody who was asked speaks in a coded source, "
                "and every code that was used belongs to a theme."
            )
        ]
    return [Prose("Before the counts are read:"), Listing(tuple(items))]


def _plural(gap: str) -> str:
    first, rest = gap.split(" ", 1)
    return f"{first}s {rest}"


def numbers(data: ReportData, labels: Mapping[str, str]) -> list[Any]:
    """Return numeric attributes by theme: median and range of those who raised it, and of all who
    were asked."""
    frame = data.theme_numbers
    if frame is None or frame.empty or data.theme_counts is None:
        return []
    released = released_theme_numbers(data.profile, frame, data.theme_counts)
    inside = []
    for (attribute, role), part in released.groupby(["attribute", "role"], sort=False):
        cells = {(row["theme_id"], row["of"]): row for row in part.to_dict("records")}
        lines = tuple(
            Line((labels.get(str(theme), plain(str(theme))), *(_said(cells, theme, of))))
            for theme in dict.fromkeys(part["theme_id"])
            for of in [(RAISED, ASKED)]
        )
        inside.append(
            Table(
                f"{sentence(plain(str(attribute)))} of {many(str(role))}: median (range).",
                (Column("Theme"), Column("Raised it"), Column("Were asked")),
                lines,
                (
                    "Rounded to whole numbers. At least "
                    f"{data.profile.min_cell} people lie at or beyond each end of a range; a dash "
                    "stands where too few have a value. Descriptions of these people, not tested.",
                ),
            )
        )
    return [Details("Themes and numbers about people", tuple(inside))]


def _said(
    cells: Mapping[tuple[Any, str], Mapping[str, Any]], theme: Any, groups: tuple[str, ...]
) -> list[str]:
    words = []
    for of in groups:
        row = cells.get((theme, of))
        if row is None or missing(row["median"]):
            words.append("–")
            continue
        ends = "" if missing(row["low"]) else f" ({row['low']:.0f} to {row['high']:.0f})"
        words.append(f"{row['median']:.0f}{ends}")
    return words


def saturated(data: ReportData) -> list[Any]:
    """Return the saturation curves that the study asked for."""
    frame = data.saturation
    if frame is None or frame.empty:
        return []
    released: pd.DataFrame = released_saturation(data.profile, frame)
    caption = (
        "How many codes the first people bring, over 1,000 orders of the same people (line: mean, "
        "band: 95 % of the orders), in whole codes. It describes these people; a flat end is no "
        "proof that nothing was left to hear."
    )
    if "n_left_out" in frame and frame["n_left_out"].fillna(0).gt(0).any():
        caption += (
            " People without a source, and people whose coded words are a group’s or can be given "
            "to nobody, are left out."
        )
    drawn = saturation(data, released, caption)
    return [] if drawn is None else [Details("Saturation", (drawn,))]
