"""The tables that journals ask for, each a file of its own in LaTeX: estimates, baseline, flow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from evalweave.release.disclosure import HIDDEN, Released
from evalweave.release.numbers import missing, plain, sentence
from evalweave.report import flow_table, latex, regression
from evalweave.report.blocks import Appendix, Column, Details, Line, Section, Table, Text
from evalweave.report.data import ReportData

BASELINE, FLOW = "baseline-table", "flow-table"
COUNTS = (("n_practices", "practices"), ("n_patients", "patients"), ("n_records", "records"))


def files(data: ReportData, made: list[Section]) -> dict[str, str]:
    """Return name → LaTeX of each table that the study has."""
    shown = {table.id: table for section in made for table in _tables(section.blocks)}
    wanted = {
        regression.NAME: regression.table(data, regression.EVERY),
        "baseline": shown.get(BASELINE),
        "flow": shown.get(FLOW),
    }
    return {
        f"tables/{name}.tex": latex.table(table, name, data.study.study.synthetic)
        for name, table in wanted.items()
        if table is not None
    }


def flow(data: ReportData) -> Table | None:
    """Return the flow of the main outcome as a table; None where there is no ledger."""
    frame = flow_table.of_outcome(flow_table.table(data), data.primary.outcome)
    if frame.empty:
        return None
    lines: list[Line] = []
    stage = ""
    for row in frame.astype(object).where(frame.notna(), None).to_dict("records"):
        if row["stage"] != stage:
            stage = row["stage"]
            lines.append(Line((sentence(plain(str(stage))),), group=True))
        cells = [_count(data, row[name], of) for name, of in COUNTS]
        arm = "" if missing(row["arm"]) else str(row["arm"])
        unit, _, reason = str(row["label"]).rpartition(": ")
        label = sentence(f"{reason} ({unit})" if unit else reason)  # no count before its noun
        lines.append(Line((label, arm, *cells), depth=1))
    return Table(
        f"From the extract to {data.outcome_label()} in each arm: what came, what was set aside "
        "and why, and what was kept.",
        (
            Column("Stage, and what it counts"),
            Column("Arm"),
            Column("Practices", number=True),
            Column("People", number=True),
            Column("Records", "or person-periods", True),
        ),
        tuple(lines),
        (data.profile.note,),
        id=FLOW,
        wide=True,
    )


def _count(data: ReportData, value: Any, of: str) -> Text:
    if missing(value):
        return ""
    words = str(value)
    number = int(words) if words.isdigit() else None
    return data.profile.mark_released(Released(words, number, words == HIDDEN), of)


def _tables(blocks: Iterable[Any]) -> Iterable[Table]:
    for block in blocks:
        if isinstance(block, Table):
            yield block
        elif isinstance(block, Details | Appendix):
            yield from _tables(block.blocks)
