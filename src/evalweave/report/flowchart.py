"""From the ledgers to the boxes of the flow diagram, and the same as the released table `tables.FLOW`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from evalweave.ledger import KEPT, RECEIVED, SET_ASIDE
from evalweave.report.data import ReportData
from evalweave.report.figures.flow import Box, Counted, Step
from evalweave.report.numbers import missing, plain, sentence

PATIENTS, RECORDS = "patients", "records"
HEADINGS = {"ingest": "Received", "clean": "After cleaning", "cohort": "Eligible", "panel": "In the panel"}
WORDS = {PATIENTS: "people", RECORDS: "records", "registrations": "registrations"}
ARMS = ("programme", "comparison")
SHOWN = 8  # reasons in a side box; the rest are summed


@dataclass
class Stage:
    """What one stage received, set aside and kept, by unit; exact numbers, never printed as they are."""

    name: str
    received: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    aside: list[tuple[str, str, int]] = field(default_factory=list)  # unit, reason, n


def stages(data: ReportData) -> list[Stage]:
    """Return the stages of the ledger in order; the reading of three tables is one stage."""
    if data.ledger is None:
        return []
    found: dict[str, Stage] = {}
    for record in data.ledger.to_dict("records"):
        name = str(record["stage"]).split()[0]
        stage = found.setdefault(name, Stage(name))
        unit, n = str(record["unit"]), int(record["n"])
        if record["entry"] == RECEIVED:
            stage.received[unit] = stage.received.get(unit, 0) + n
        elif record["entry"] == KEPT:
            stage.kept[unit] = stage.kept.get(unit, 0) + n
    for name, stage in found.items():
        mine = data.ledger[data.ledger["stage"].str.split().str[0] == name]
        lost = mine[mine["entry"] == SET_ASIDE]
        summed = lost.groupby(["unit", "order", "reason"], sort=True)["n"].sum()
        stage.aside = [(str(unit), str(reason), int(n)) for (unit, _, reason), n in summed.items() if n]
    return list(found.values())


def arms(data: ReportData) -> dict[str, dict[str, Any]]:
    """Return people eligible in each arm (cohort ledger), and practices (from the fit)."""
    found: dict[str, dict[str, Any]] = {}
    people: dict[str, int] = {}
    if data.ledger is not None:
        kept = data.ledger[(data.ledger["entry"] == KEPT) & (data.ledger["unit"] == PATIENTS)]
        last = kept[kept["arm"].isin(ARMS)]
        if len(last):
            last = last[last["stage"] == last["stage"].iloc[-1]]
            people = {str(arm): int(n) for arm, n in last.groupby("arm")["n"].sum().items()}
    row = data.main(data.outcome.unit)
    practices: dict[str, int] = {}
    if row and not missing(row.n_practices) and not missing(row.n_practices_treated):
        practices = {
            "programme": int(row.n_practices_treated),
            "comparison": int(row.n_practices) - int(row.n_practices_treated),
        }
    panel = panel_counts(data)
    for arm in ARMS:
        if arm in people or arm in practices or arm in panel:
            found[arm] = {"people": people.get(arm), "practices": practices.get(arm), **panel.get(arm, {})}
    return found


def panel_counts(data: ReportData) -> dict[str, dict[str, Any]]:
    """Return patient-periods with the primary outcome by arm, from the raw trends."""
    trends = data.trends.get(data.primary.comparison or data.study.primary_comparison)
    if trends is None:
        return {}
    mine = trends[trends["outcome"] == data.primary.outcome]
    return {str(arm): {"periods": int(part["n_patients"].sum())} for arm, part in mine.groupby("arm")}


def _counted(data: ReportData, n: int | None, of: str, after: str) -> Counted:
    released = data.profile.count(n, of)
    about = bool(released.value) and data.profile.base > 1 and of in (PATIENTS, RECORDS)
    return Counted(released.shown, released.text, of, after, about)


def _of(unit: str) -> str:
    return PATIENTS if unit == PATIENTS else "practices" if unit == "practices" else RECORDS


def _word(unit: str) -> str:
    return WORDS.get(unit, unit)


def diagram(data: ReportData) -> tuple[list[Step], list[list[Step]]]:
    """Return the boxes from top to bottom and, below the split, of each arm."""
    found = stages(data)
    units = (PATIENTS, "registrations", RECORDS)
    main: list[tuple[Box, Box | None]] = []
    for index, stage in enumerate(found):
        if index == 0:
            main.append((_numbers(data, "Received", stage.received, units), _aside(data, stage)))
        elif main and _aside(data, stage):
            main[-1] = (main[-1][0], _aside(data, stage))
        if index > 0:
            heading = HEADINGS.get(stage.name, sentence(plain(stage.name)))
            main.append((_numbers(data, heading, stage.kept, units), None))
    steps = [Step(box, aside) for box, aside in main]
    return steps, [[Step(box) for box in boxes] for boxes in _arm_boxes(data)]


def _numbers(data: ReportData, heading: str, counts: dict[str, int], units: tuple[str, ...]) -> Box:
    lines = tuple(_counted(data, counts[unit], _of(unit), _word(unit)) for unit in units if unit in counts)
    return Box(heading, lines)


def _aside(data: ReportData, stage: Stage) -> Box | None:
    """Return the side box: people first, then records, the largest reasons by name."""
    lines = []
    for unit in (PATIENTS, RECORDS):
        mine = sorted((each for each in stage.aside if each[0] == unit), key=lambda each: -each[2])
        shown, rest = mine[:SHOWN], mine[SHOWN:]
        lines += [_counted(data, n, _of(unit), f"{_word(unit)}: {reason}") for _, reason, n in shown]
        if rest:
            left = sum(n for _, _, n in rest)
            lines.append(_counted(data, left, _of(unit), f"{_word(unit)}: {len(rest)} other reasons"))
    return Box("Set aside", tuple(lines)) if lines else None


def _arm_boxes(data: ReportData) -> list[list[Box]]:
    columns = []
    for arm, counts in arms(data).items():
        lines = []
        if counts.get("practices") is not None:
            lines.append(_counted(data, counts["practices"], "practices", "practices"))
        if counts.get("people") is not None:
            lines.append(_counted(data, counts["people"], PATIENTS, "people, followed where they began"))
        boxes = [Box(f"{sentence(arm)} practices", tuple(lines))]
        if counts.get("periods"):
            unit = data.study.window.period.replace("_", " ")
            measured = _counted(
                data, counts["periods"], RECORDS, f"person-periods ({unit}s) with {data.outcome_label()}"
            )
            boxes.append(Box("Measured", (measured,)))
        columns.append(boxes)
    return columns


def table(data: ReportData) -> pd.DataFrame:
    """Return the boxes as `tables.FLOW`, counts as released."""
    from evalweave import tables

    rows: list[dict[str, Any]] = []

    def add(
        box: str, stage: str, rule: str, label: str, arm: str | None = None, **counts: int | None
    ) -> None:
        rows.append(
            {
                "order": len(rows) + 1,
                "box": box,
                "stage": stage,
                "rule": rule or None,
                "label": label,
                "arm": arm,
                **counts,
            }
        )

    if data.ledger is not None:
        keys = ["stage", "unit", "entry", "order", "rule", "reason"]
        places = {stage: n for n, stage in enumerate(dict.fromkeys(data.ledger["stage"]))}
        lines = data.ledger.assign(
            place=data.ledger["stage"].map(places),
            rule=data.ledger["rule"].astype("string").fillna(""),
            entry=pd.Categorical(data.ledger["entry"], [RECEIVED, SET_ASIDE, KEPT], ordered=True),
        )
        summed = lines.groupby(["place", *keys], sort=True, observed=True)["n"].sum().reset_index()
        summed = summed.sort_values(["place", "unit", "entry", "order"], kind="stable")
        for r in summed.to_dict("records"):
            column = {PATIENTS: "n_patients", "practices": "n_practices"}.get(r["unit"], "n_records")
            label = f"{r['unit']}: {r['reason'] or r['entry']}"
            add(str(r["entry"]), str(r["stage"]), str(r["rule"]), label, **{column: int(r["n"])})
    for arm, counts in arms(data).items():
        add("kept", "arm", "", f"{arm} practices", arm, n_practices=counts.get("practices"),
            n_patients=counts.get("people"), n_records=counts.get("periods"))  # fmt: skip
    frame = tables.FLOW.conform(pd.DataFrame(rows)) if rows else tables.FLOW.empty()
    groups = [["stage"]]
    return data.profile.count_frame(frame, tables.FLOW, {"n_patients": groups, "n_records": groups})
