"""Reporting guidelines, in order. To add one: write its file, add its entry here,
`module:CONSTANT`."""

from __future__ import annotations

import html
import importlib
import re

import pandas as pd

from evalweave.release.notes import released_note
from evalweave.report.blocks import Text
from evalweave.report.data import ReportData
from evalweave.report.sections.guidelines.guideline import Guideline, Item, answered
from evalweave.tables.report import CHECKLISTS

GUIDELINES = (
    "record:RECORD",
    "target:TARGET",
    "gramms:GRAMMS",
    "srqr:SRQR",
    "coreq:COREQ",
    "cheers:CHEERS",
    # A new guideline: its entry goes above this line, or where the report shall show it.
)
_OTHER_UNIT = re.compile(r'<span class="u2">.*?</span>')
_TAG = re.compile(r"<[^>]+>")


def declared() -> list[Guideline]:
    """Return every guideline that there is."""
    made = []
    for entry in GUIDELINES:
        module, name = entry.split(":")
        made.append(getattr(importlib.import_module(f"{__name__}.{module}"), name))
    return made


def guidelines(data: ReportData) -> list[Guideline]:
    """Return the guidelines that apply to a study."""
    return [one for one in declared() if one.applies(data)]


def answer(data: ReportData, guideline: Guideline, item: Item) -> Text:
    """Return the authors' own answer to an item, else what the run or the study file says, else
    "not stated"."""
    given = {_key(key): words for key, words in data.study.report.checklist.items()}
    own = given.get(_key(guideline.name + item.number), "").strip()
    return released_note(data.profile, own) if own else answered(data, item.answers)


def unknown(data: ReportData) -> list[str]:
    """Return the keys of `report: checklist:` that no guideline of the report has as an item."""
    items = {_key(one.name + item.number) for one in guidelines(data) for item in one.items}
    return [key for key in data.study.report.checklist if _key(key) not in items]


def table(data: ReportData) -> pd.DataFrame:
    """Return every item with its answer, as `checklists.csv` has it."""
    rows = [
        {
            "checklist": one.name,
            "item": item.number,
            "asks": item.asks,
            "answer": words(answer(data, one, item)),
            "reference": one.reference,
        }
        for one in guidelines(data)
        for item in one.items
    ]
    return CHECKLISTS.conform(pd.DataFrame(rows, columns=CHECKLISTS.names))


def words(said: Text) -> str:
    """Return a text without its marks, in the unit that is shown first."""
    return html.unescape(_TAG.sub("", _OTHER_UNIT.sub("", str(said))))


def _key(key: str) -> str:
    return key.casefold().replace(" ", "")
