"""The qualitative checklists are answered by what is stated, and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evalweave.report.checklist_items import COREQ, GRAMMS, SRQR
from evalweave.report.data import ReportData
from evalweave.report.sections.checklists import NOT_STATED, answer
from evalweave.study.reporting import Reporting
from helpers import reports


def stating(data: ReportData, **words: str) -> ReportData:
    assert data.study.qualitative is not None
    strand = data.study.qualitative.model_copy(update={"reporting": Reporting(**words)})
    report = data.study.report.model_copy(update={"checklist": {"SRQR S1": "As in the title."}})
    return replace(
        data, study=data.study.model_copy(update={"qualitative": strand, "report": report})
    )


def test_nothing_is_answered_that_nobody_stated(tmp_path: Path) -> None:
    data = stating(reports.data(tmp_path))
    replies = {
        (name, item.number): str(answer(data, name, item))
        for name, items in (("GRAMMS", GRAMMS), ("SRQR", SRQR), ("COREQ", COREQ))
        for item in items
    }
    assert len(replies) == 6 + 21 + 32
    assert {key for key, reply in replies.items() if reply != NOT_STATED} == {("SRQR", "S1")}


def test_each_item_says_what_was_stated_and_what_was_left_out(tmp_path: Path) -> None:
    data = stating(
        reports.data(tmp_path), sampling="By <age>; 2 clients declined.", analysis="By 3."
    )
    third = str(answer(data, "GRAMMS", GRAMMS[2]))
    assert "&lt;age&gt;" in third and "data collection: not stated" in third and "By 3." in third
    assert ">2<" not in third  # a small count in the authors' words is released like any other
    assert str(answer(data, "COREQ", COREQ[9])).startswith("By &lt;age&gt;")
    assert answer(data, "COREQ", COREQ[8]) == NOT_STATED


def test_every_key_is_asked_for_by_some_item() -> None:
    asked = {key for item in (*GRAMMS, *SRQR, *COREQ) for key in item.keys}
    assert asked == set(Reporting.model_fields)
