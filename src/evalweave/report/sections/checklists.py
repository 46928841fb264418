"""RECORD and GRAMMS, item by item; what nobody answered prints as "not stated", never hidden."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from evalweave.report.blocks import Column, Details, Line, Prose, Section, Table, Text, text
from evalweave.report.checklist_items import GRAMMS, RECORD, Item
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
    """Return both checklists, with how many items nobody answered."""
    blocks: list[Any] = [
        Prose(
            Markup(
                "Items that this report answers by itself point to their section; the others are "
                "answered in the study file "
                "under <code>report: checklist:</code>, by item, such as <code>RECORD 22</code>."
            )
        )
    ]
    lists: list[tuple[str, str, tuple[Item, ...]]] = [
        ("RECORD", "routinely collected health data", RECORD)
    ]
    if data.study.qualitative:
        lists.append(("GRAMMS", "mixed-methods studies", GRAMMS))
    for name, what, items in lists:
        answered = [(item, answer(data, name, item)) for item in items]
        blank = sum(reply == NOT_STATED for _, reply in answered)
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
    return Markup(". ").join(parts) if parts else NOT_STATED
