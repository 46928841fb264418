"""RECORD, GRAMMS, SRQR and COREQ, item by item; what nobody answered prints as "not stated", never
hidden."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from evalweave.release.notes import released_note
from evalweave.release.numbers import plain
from evalweave.report.blocks import Column, Details, Line, Prose, Section, Table, Text, text
from evalweave.report.checklist_items import COREQ, GRAMMS, RECORD, SRQR, Item
from evalweave.report.data import ReportData

NOT_STATED = "not stated"
TITLES = {
    "answer": "The answer",
    "believed": "Can it be believed?",
    "studied": "Who was studied",
    "happened": "What happened",
    "said": "What people said",
    "together": "The two together",
    "quality": "Data quality",
    "methods": "Methods",
    "provenance": "Where it comes from",
}


def section(data: ReportData) -> Section:
    """Return the checklists, with how many items nobody answered in full."""
    blocks: list[Any] = [
        Prose(
            Markup(
                "Items that this report answers by itself point to their section; the others are "
                "answered in the study file "
                "under <code>report: checklist:</code>, by item, such as <code>RECORD 22</code>. "
                "Items of GRAMMS, SRQR and COREQ are answered only by what the authors state under "
                "<code>qualitative: reporting:</code>, or by item."
            )
        )
    ]
    lists: list[tuple[str, str, tuple[Item, ...]]] = [
        ("RECORD", "routinely collected health data", RECORD)
    ]
    if data.study.qualitative:
        lists += [
            ("GRAMMS", "mixed-methods studies", GRAMMS),
            ("SRQR", "qualitative research", SRQR),
            ("COREQ", "interviews and focus groups", COREQ),
        ]
    for name, what, items in lists:
        answered = [(item, answer(data, name, item)) for item in items]
        blank = sum(NOT_STATED in reply for _, reply in answered)
        table = Table(
            f"{name}, reporting of {what}. {len(items) - blank} of {len(items)} items are "
            "answered.",
            (Column("Item"), Column("What it asks"), Column("Where, or what the authors say")),
            tuple(Line((item.number, item.asks, reply)) for item, reply in answered),
            id=name.lower(),
        )
        blocks.append(
            Details(
                f"{name}: {len(items) - blank} of {len(items)} items answered, {blank} not stated",
                (table,),
            )
        )
    return Section("checklists", "Checklists", tuple(blocks))


def answer(data: ReportData, name: str, item: Item) -> Text:
    """Return the authors' answer, the section that answers it, or "not stated"."""
    given = {
        key.casefold().replace(" ", ""): value for key, value in data.study.report.checklist.items()
    }
    declared = given.get(f"{name}{item.number}".casefold()) or (
        given.get(item.number) if name == "RECORD" else None
    )
    parts: list[Markup] = []
    if item.section and not (item.section == "together" and data.joint is None):
        parts.append(text('<a href="#{}">{}</a>', item.section, TITLES[item.section]))
    if item.number == "3" and name == "RECORD" and not data.study.report.question:
        parts = []
    if declared and declared.strip():
        parts.append(text("{}", declared.strip()))
    elif item.keys:
        parts += _stated(data, item)
    return Markup(" ").join(parts) if parts else NOT_STATED


def _stated(data: ReportData, item: Item) -> list[Markup]:
    """Return what the authors state under the keys of an item, and which of them they left out;
    nothing where all are blank."""
    strand = data.study.qualitative
    words = {key: getattr(strand.reporting, key).strip() for key in item.keys} if strand else {}
    if not any(words.values()):
        return []
    return [
        released_note(data.profile, said) if said else text("{}: {}.", plain(key), NOT_STATED)
        for key, said in words.items()
    ]
