"""The checklists of the guidelines that apply, item by item: a sentence, or "not stated"."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from evalweave.report.blocks import Column, Details, Line, Prose, Section, Table, text
from evalweave.report.data import ReportData
from evalweave.report.sections.guidelines import answer, guidelines, unknown
from evalweave.report.sections.guidelines.guideline import NOT_STATED


def section(data: ReportData) -> Section:
    """Return the checklists, with how many items nobody answered in full."""
    blocks: list[Any] = [
        Prose(
            Markup(
                "Each item is answered by a sentence that this run wrote from what it computed or "
                "was told, or by what the authors state in the study file: under <code>study: "
                "reporting:</code>, <code>target_trial:</code>, <code>project:</code> and "
                "<code>governance:</code>, under <code>qualitative: reporting:</code>, or by item "
                "under <code>report: checklist:</code>, such as <code>RECORD 16b</code>. "
                "checklists.csv has the same."
            )
        )
    ]
    for one in guidelines(data):
        answers = [(item, answer(data, one, item)) for item in one.items]
        blank = sum(NOT_STATED in reply for _, reply in answers)
        done = f"{len(answers) - blank} of {len(answers)}"
        table = Table(
            f"{one.name}, reporting of {one.about}. {done} items are answered. {one.reference}.",
            (Column("Item"), Column("What it asks"), Column("Answer")),
            tuple(Line((item.number, item.asks, reply)) for item, reply in answers),
            id=one.name.lower(),
        )
        title = f"{one.name}: {done} items answered, {blank} not stated"
        blocks.append(Details(title, (table,)))
    unused = unknown(data)
    if unused:
        names = ", ".join(unused)
        blocks.append(
            Prose(text("Answers to items that no checklist here has: {}.", names), "note")
        )
    return Section("checklists", "Checklists", tuple(blocks))
