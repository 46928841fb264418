"""Meshing and linking: the voices' readings of each theme side by side, linked people's accounts
side by side, and quotations by theme and group.

After Mason (Qualitative Research 2006;6:9). What is written below is the analysts' own, with author
and date; where nothing was written the report says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from evalweave.release.notes import released_note
from evalweave.release.numbers import missing, plain, sentence
from evalweave.report.blocks import Column, Heading, Line, Prose, Table, Text, text
from evalweave.report.data import ReportData
from evalweave.report.people import k_of_n, many
from evalweave.tables.qualitative import THEME_COUNTS

NOTHING_WRITTEN = "Nothing was written."


def blocks(data: ReportData) -> list[Any]:
    """Return the three views, each where its parts are there."""
    return [*_readings(data), *_pairs(data), *_matrix(data)]


def written(
    data: ReportData, kind: str, about: str, voice: str = ""
) -> tuple[Text, str] | tuple[None, None]:
    """Return what was written about something, counts in it released, and who wrote it when."""
    frame = data.integration
    if frame is None:
        return None, None
    mine = frame[
        (frame["kind"] == kind) & (frame["id"] == about) & (frame["voice"].fillna("") == voice)
    ]
    if mine.empty:
        return None, None
    row = mine.iloc[0]
    signed = f"{row['author']}, {str(row['written_on'])[:10]}"
    return released_note(data.profile, str(row["text"])), signed


def _signed(data: ReportData, kind: str, about: str, voice: str = "") -> Text | None:
    words, by = written(data, kind, about, voice)
    if words is None:
        return None
    return text('<span class="analyst">{} <span class="by">{}</span></span>', words, by)


def _themes(data: ReportData) -> dict[str, str]:
    if data.themes is None:
        return {}
    return {str(t["theme_id"]): str(t["label"]) for t in data.themes.to_dict("records")}


def _readings(data: ReportData) -> list[Any]:
    """Return a table a row of which is a theme: each voice's count and reading, and a synthesis."""
    frame, counts = data.integration, data.theme_counts
    if frame is None or counts is None or not (frame["kind"] == "theme").any():
        return []
    whole = counts[counts["code_id"].isna() & counts["attribute"].isna()]
    whole = whole[whole["n_eligible"].notna()]
    released = data.profile.count_frame(whole, THEME_COUNTS)
    shown = {(row["theme_id"], row["role"]): row for row in released.to_dict("records")}
    roles = list(dict.fromkeys(whole["role"]))
    lines = []
    for theme, label in _themes(data).items():
        cells: list[Text] = [label]
        for role in roles:
            count = k_of_n(data.profile, shown.get((theme, role)))
            reading = _signed(data, "theme", theme, str(role))
            cells.append(text("{}. {}", count, reading) if reading else count)
        cells.append(_signed(data, "theme", theme) or NOTHING_WRITTEN)
        lines.append(Line(tuple(cells)))
    return [
        Heading("Themes, voice beside voice", "meshing"),
        Table(
            "Each theme as each voice tells it, and what the analysts make of the two together.",
            (
                Column("Theme"),
                *(Column(sentence(many(str(role)))) for role in roles),
                Column("Synthesis"),
            ),
            tuple(lines),
            (f"* {data.profile.voices_note}. Voices are never pooled.",),
            id="meshing-table",
            wide=True,
        ),
    ]


def _pairs(data: ReportData) -> list[Any]:
    """Return the accounts of linked people side by side, with the synthesis of each relation."""
    entries = [e for e in data.joint_detail.get("pairs") or [] if isinstance(e, Mapping)]
    if not entries:
        return []
    labels, made = _themes(data), list[Any]()
    for relation in dict.fromkeys(str(entry["relation"]) for entry in entries):
        mine = [entry for entry in entries if entry["relation"] == relation]
        lines = [
            Line((labels.get(str(entry["theme_id"]), str(entry["theme_id"])), *_sides(pair)))
            for entry in mine
            for pair in entry["pairs"]
        ]
        synthesis = _signed(data, "relation", relation) or NOTHING_WRITTEN
        if lines:
            made.append(
                Table(
                    f"People linked as {plain(relation)}: both accounts of one theme.",
                    (Column("Theme"), Column("One account"), Column("The other")),
                    tuple(lines),
                    (
                        "Words of pairs of whom both agreed to be quoted; only the role stands "
                        "beside them, and the rows do not tell which pairs are the same.",
                    ),
                )
            )
        else:
            why = (
                "no pair has words on one theme that may be shown"
                if all(entry["enough"] for entry in mine)
                else "too few pairs for their words to be shown"
            )
            made.append(Prose(f"People linked as {plain(relation)}: {why}."))
        made.append(Prose(text("<strong>Synthesis.</strong> {}", synthesis)))
    return [Heading("Linked accounts", "linked"), *made]


def _sides(pair: Sequence[Mapping[str, Any]]) -> list[Text]:
    return [
        text('“{}” <span class="unit">{}</span>', quote["quote"], plain(str(quote["role"])))
        for quote in pair
    ]


def _matrix(data: ReportData) -> list[Any]:
    """Return themes by who speaks, the words in the cells, open on a click; no script needed."""
    frame = data.quote_matrix
    if frame is None or frame.empty:
        return []
    labels = _themes(data)
    made = []
    speakers = frame["speaker"].astype(str)
    for role in dict.fromkeys(sorted(speakers.str.split(",").str[0])):
        mine = frame[speakers.str.split(",").str[0] == role]
        groups = sorted(set(mine["speaker"].astype(str)))
        lines = tuple(
            Line(
                (
                    label,
                    *(
                        _cell(mine[(mine["theme_id"] == theme) & (mine["speaker"] == group)])
                        for group in groups
                    ),
                )
            )
            for theme, label in labels.items()
        )
        made.append(
            Table(
                f"{sentence(many(role))}: what they said on each theme.",
                (Column("Theme"), *(Column(_group(group, role)) for group in groups)),
                lines,
                wide=True,
            )
        )
    note = (
        "Quotations that may be shown, by theme and by what is printed about the speaker; an empty "
        "cell says that none may be shown, not that nobody said it."
    )
    return [Heading("Quotations by theme and group", "quote-matrix"), Prose(note, "note"), *made]


def _group(speaker: str, role: str) -> str:
    return sentence(speaker.removeprefix(role).removeprefix(", ") or f"all {many(role)}")


def _cell(quotes: pd.DataFrame) -> Text:
    if quotes.empty:
        return "–"
    inside = Markup("").join(
        text(
            '<blockquote><p>“{}”</p><footer class="path">{}</footer></blockquote>',
            str(row["quote"]),
            "" if missing(row["code_path"]) else str(row["code_path"]),
        )
        for row in quotes.to_dict("records")
    )
    n = len(quotes)
    return text(
        '<details class="more cell"><summary>{} {}</summary>{}</details>',
        n,
        "quotation" if n == 1 else "quotations",
        inside,
    )
