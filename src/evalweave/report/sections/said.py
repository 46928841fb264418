"""What people said: the fieldwork ledger, themes with k of N, agreement between coders."""

from __future__ import annotations

from typing import Any

from evalweave.qualitative.counts import NOT_STATED
from evalweave.release.numbers import missing, plain, sentence
from evalweave.release.voices import released_fieldwork
from evalweave.report.blocks import (
    Column,
    Details,
    Heading,
    Line,
    Listing,
    Prose,
    Section,
    Table,
    Text,
    appended,
    text,
)
from evalweave.report.data import ReportData
from evalweave.report.figures.timeline import timeline
from evalweave.report.people import k_of_n, many, released_count
from evalweave.report.sections import coders, described
from evalweave.tables.qualitative import THEME_COUNTS

PARTICIPANTS = "participants"


def section(data: ReportData) -> Section | None:
    """Return the qualitative strand; None where there is none."""
    title = "What people said"
    if data.study.qualitative is None or data.theme_counts is None:
        return None
    blocks: list[Any] = []
    if data.study.study.synthetic:
        blocks.append(
            Prose(
                "The coded project is simulated: people, words and counts are invented, and so is "
                "every count below.",
                "note",
            )
        )
    fieldwork = _fieldwork(data)
    if fieldwork and data.fieldwork is not None:
        blocks += [Heading("Fieldwork", "fieldwork"), fieldwork]
        drawn = timeline(data, released_fieldwork(data.profile, data.fieldwork))
        blocks += [] if drawn is None else appended("When the fieldwork was done", [drawn])
    blocks += [
        Heading("Themes", "themes"),
        *described.gaps(data),
        *_themes(data),
        *_attributes(data),
        *described.numbers(data, _labels(data)),
        *described.saturated(data),
        *appended("Agreement between coders", coders.agreement(data), "agreement"),
    ]
    return Section("said", title, tuple(blocks))


def _fieldwork(data: ReportData) -> Table | None:
    frame = data.fieldwork
    if frame is None or frame.empty:
        return None
    lines = []
    for record in frame.to_dict("records"):
        role = "" if missing(record.get("role")) else sentence(many(str(record["role"])))
        what = plain(str(record.get("kind", ""))) if not missing(record.get("kind")) else ""
        phase = "" if missing(record.get("phase")) else str(record["phase"])
        lines.append(
            Line(
                (
                    sentence(what) or "Sources",
                    role,
                    plain(phase),
                    data.profile.mark(record.get("n_sources"), "sources"),
                    data.profile.mark(record.get("n_participants"), PARTICIPANTS),
                )
            )
        )
    return Table(
        "What was done: kinds of source, whose voice, and how many.",
        (
            Column("Source"),
            Column("Voice"),
            Column("Phase"),
            Column("Sources", number=True),
            Column("People", number=True),
        ),
        tuple(lines),
        (
            f"* fewer than {data.profile.min_cell}. A person may stand in several rows; field "
            "notes belong to nobody.",
        ),
        id="fieldwork-table",
    )


def _labels(data: ReportData) -> dict[str, str]:
    if data.themes is None:
        return {}
    return {str(t["theme_id"]): str(t["label"]) for t in data.themes.to_dict("records")}


def _themes(data: ReportData) -> list[Any]:
    counts = data.theme_counts
    assert counts is not None
    whole = counts[counts["code_id"].isna() & counts["attribute"].isna()]
    labels = _labels(data)
    roles = list(dict.fromkeys(whole["role"]))
    released = data.profile.count_frame(whole, THEME_COUNTS)
    shown = {(r["theme_id"], r["role"]): r for r in released.to_dict("records")}
    lines = [
        Line(
            (
                labels.get(str(theme), plain(str(theme))),
                *(k_of_n(data.profile, shown.get((theme, role))) for role in roles),
            )
        )
        for theme in dict.fromkeys(whole["theme_id"])
    ]
    table = Table(
        "How many of those asked raised each theme. Each voice has its own denominator; they are "
        "never pooled.",
        (Column("Theme"), *(Column(sentence(many(str(role)))) for role in roles)),
        tuple(lines),
        (
            f"* {data.profile.voices_note}. Observations belong to nobody "
            "and count as references. Counts describe who said something, not how common it is "
            "elsewhere.",
        ),
        id="theme-table",
    )
    blocks: list[Any] = [table]
    definitions = _definitions(data)
    if definitions:
        blocks.append(Details("What belongs to each theme", (Listing(definitions),)))
    codes = _codes(data)
    if codes:
        blocks.append(Details("Every code under its theme", (codes,)))
    return blocks


def _definitions(data: ReportData) -> tuple[Text, ...]:
    if data.themes is None or "definition" not in data.themes:
        return ()
    return tuple(
        text("<strong>{}</strong>: {}", t["label"], t["definition"])
        for t in data.themes.to_dict("records")
        if not missing(t["definition"])
    )


def _codes(data: ReportData) -> Table | None:
    counts = data.theme_counts
    assert counts is not None
    by_code = counts[counts["code_id"].notna() & counts["attribute"].isna()]
    if by_code.empty:
        return None
    labels = _labels(data)
    released = data.profile.count_frame(by_code, THEME_COUNTS)
    lines: list[Line] = []
    for theme, part in released.groupby("theme_id", sort=False):
        lines.append(Line((labels.get(str(theme), plain(str(theme))),), group=True))
        for record in part.to_dict("records"):
            lines.append(
                Line(
                    (
                        str(record["code_id"]),
                        sentence(many(str(record["role"]))),
                        k_of_n(data.profile, record),
                        released_count(data.profile, record["n_references"], "references"),
                        released_count(data.profile, record["n_sources"], "sources"),
                    ),
                    depth=1,
                )
            )
    return Table(
        "Codes with everything below them; a person counts once however often the code was given.",
        (
            Column("Code, full path"),
            Column("Voice"),
            Column("People"),
            Column("References", number=True),
            Column("Sources", number=True),
        ),
        tuple(lines),
        wide=True,
    )


def _attributes(data: ReportData) -> list[Any]:
    """Return themes by one attribute at a time, with secondary suppression."""
    counts = data.theme_counts
    assert counts is not None
    crossed = counts[counts["code_id"].isna() & counts["attribute"].notna()]
    if crossed.empty:
        return []
    released = data.profile.count_frame(crossed, THEME_COUNTS)
    labels = _labels(data)
    inside = []
    for attribute, part in released.groupby("attribute", sort=False):
        for role, voice in part.groupby("role", sort=False):
            levels = list(dict.fromkeys(voice["attribute_level"].dropna()))
            if levels == [NOT_STATED]:
                continue  # of nobody is it known, so the table of themes says the same
            cells = {(r["theme_id"], r["attribute_level"]): r for r in voice.to_dict("records")}
            lines = tuple(
                Line(
                    (
                        labels.get(str(t), plain(str(t))),
                        *(k_of_n(data.profile, cells.get((t, lv))) for lv in levels),
                    )
                )
                for t in dict.fromkeys(voice["theme_id"])
            )
            inside.append(
                Table(
                    f"{sentence(many(str(role)))} by {plain(str(attribute))}: how many of those "
                    "asked raised the theme.",
                    (Column("Theme"), *(Column(str(lv)) for lv in levels)),
                    lines,
                )
            )
    return [Details("Themes by who people are", tuple(inside))]
