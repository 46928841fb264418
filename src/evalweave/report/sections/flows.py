"""The flow diagrams: the primary outcome's in full, the numbers of every outcome side by side, the
others on a click."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evalweave.release.numbers import sentence
from evalweave.report import flow_table, flowchart, journal
from evalweave.report.blocks import Column, Details, Drawing, Figure, Line, Table, Text, appended
from evalweave.report.data import ReportData
from evalweave.report.figures.flow import flow, narrow
from evalweave.report.figures.style import describe, slug


def blocks(data: ReportData) -> list[Any]:
    """Return the flow of each outcome; nothing where there is no ledger."""
    primary, *others = flowchart.outcomes(data)
    released = flow_table.table(data)
    first = _figure(data, primary, "flow", released)
    if first is None:
        return []
    shown: list[Any] = [first]
    table = journal.flow(data)
    shown += appended("The flow as a table", [table] if table else [])
    if others:
        more: list[Any] = [_table(data, [primary, *others])]
        for outcome in others:
            figure = _figure(data, outcome, f"flow-{slug(outcome)}", released)
            if figure:
                more.append(Details(f"The flow of {data.outcome_label(outcome)}", (figure,)))
        shown += appended("How many stand behind each outcome", more)
    return shown


def _figure(data: ReportData, outcome: str, name: str, released: pd.DataFrame) -> Figure | None:
    steps, arms = flowchart.diagram(data, outcome)
    if not steps and not arms:
        return None
    label = data.outcome_label(outcome)
    title = f"From the extract to the two arms: {label}"
    description = describe(_spoken(steps, arms), data.study.study.synthetic)
    caption = (
        f"Practices, people and records from the extract to what is known of {label} in each arm; "
        "dashed boxes are what was "
        f"set aside, with the reason. {data.profile.note}"
    )
    svg, small = (
        flow(steps, arms, title, description, name),
        narrow(steps, arms, title, description, name),
    )
    drawings = (Drawing(svg, narrow=small),)
    return Figure(
        name,
        title,
        description,
        caption,
        drawings,
        flow_table.of_outcome(released, outcome),
        wide=True,
    )


def _spoken(steps: list[Any], arms: list[Any]) -> str:
    """Say the boxes without their numbers: those stand in the text of the drawing, marked for the
    audit."""
    boxes = [step.box.heading for step in steps]
    columns = [column[0].box.heading for column in arms if column]
    below = [step.box.heading for step in arms[0][1:]] if arms else []
    return (
        f"Boxes from top to bottom: {'; '.join(boxes)}; then {' and '.join(columns)}"
        f"{', each with ' + '; '.join(below) if below else ''}. The table flow.csv holds the "
        "numbers."
    )


def _table(data: ReportData, outcomes: list[str]) -> Table:
    """Return who and what stands behind each outcome, an arm a line."""
    unit = flowchart.PERSON_PERIODS[data.study.window.period]
    lines: list[Line] = []
    for outcome in outcomes:
        lines.append(Line((sentence(data.outcome_label(outcome)),), group=True))
        for arm in flowchart.arms(data):
            of_arm = flowchart.measured(data, outcome, arm)
            cells: list[Text] = [
                "–" if n is None else data.profile.mark(n, of)
                for n, of in (
                    (of_arm.practices, "practices"),
                    (of_arm.people, "patients"),
                    (of_arm.periods, "records"),
                    (of_arm.records, "records"),
                    (of_arm.both, "patients"),
                )
            ]
            lines.append(Line((sentence(arm), *cells), depth=1))
    return Table(
        "How many stand behind each outcome. Not everyone eligible was measured, and those seen "
        "both before and after the "
        "start carry its estimate.",
        (
            Column("Outcome and arm"),
            Column("Practices", number=True),
            Column("People", "measured", True),
            Column(sentence(unit), number=True),
            Column("Records", number=True),
            Column("People", "before and after", True),
        ),
        tuple(lines),
        (data.profile.note,),
        id="outcome-sizes",
    )
