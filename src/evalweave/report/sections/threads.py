"""Following a thread: each theme from its definition over codes, voices and quotations to estimate
and label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalweave.release.numbers import missing, sentence
from evalweave.report.blocks import Details, Heading, Listing, Prose, Quotes, Text, text
from evalweave.report.claimed import label, link, numbers, quotes
from evalweave.report.data import ReportData
from evalweave.report.people import k_of_n, many
from evalweave.tables.qualitative import THEME_COUNTS


def blocks(data: ReportData) -> list[Any]:
    """Return one thread a theme, closed; nothing where the join stage left none (an older one)."""
    threads = [
        thread for thread in data.joint_detail.get("threads") or [] if isinstance(thread, Mapping)
    ]
    if not threads:
        return []
    return [
        Heading("Follow a thread", "threads"),
        Prose(
            "Each theme from what it is, over the people who raised it and their words, to the "
            "numbers. "
            f"* among people stands for {data.profile.voices_note}.",
            "note",
        ),
        *(Details(_title(thread), tuple(_steps(data, thread))) for thread in threads),
    ]


def _title(thread: Mapping[str, Any]) -> str:
    return str(thread.get("label") or thread.get("theme_id") or "A theme")


def _steps(data: ReportData, thread: Mapping[str, Any]) -> list[Any]:
    theme = str(thread.get("theme_id"))
    definition = thread.get("definition")
    body: list[Any] = [] if missing(definition) else [Prose(str(definition))]
    codes = [str(code) for code in thread.get("codes") or []]
    voices = _voices(data, theme)
    spoken = [] if data.quotes is None else quotes(data.quotes[data.quotes["theme_id"] == theme])
    steps: list[tuple[str, Any, str]] = [
        (
            "Its codes, with the full path",
            Listing(tuple(codes)) if codes else None,
            "No code belongs to it.",
        ),
        (
            "Who raised it, of those asked",
            Listing(voices) if voices else None,
            "Nobody was counted for it.",
        ),
        (
            "What they said",
            Quotes(tuple(spoken)) if spoken else None,
            "No quotation of it may be shown.",
        ),
        ("The claims about it", _claims(data, theme), "No claim was declared about it."),
    ]
    for heading, block, absent in steps:
        body.append(Prose(text("<strong>{}</strong>", heading)))
        body.append(block or Prose(absent))
    return body


def _voices(data: ReportData, theme: str) -> tuple[Text, ...]:
    counts = data.theme_counts
    if counts is None:
        return ()
    whole = counts[
        (counts["theme_id"] == theme) & counts["code_id"].isna() & counts["attribute"].isna()
    ]
    released = data.profile.count_frame(whole, THEME_COUNTS)
    return tuple(
        text("{}: {}.", sentence(many(str(record["role"]))), k_of_n(data.profile, record))
        for record in released.to_dict("records")
    )


def _claims(data: ReportData, theme: str) -> Listing | None:
    joint = data.released_joint
    if joint is None:
        return None
    items = [
        text("{}: {}. <strong>{}</strong>.", link(record), numbers(record), label(record))
        for record in joint[joint["theme_id"] == theme].to_dict("records")
    ]
    return Listing(tuple(items)) if items else None
