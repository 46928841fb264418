"""From the ledgers to the boxes of the flow diagram, and the same as the released table `tables.FLOW`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from evalweave.ledger import KEPT, RECEIVED, SET_ASIDE
from evalweave.report.data import ReportData
from evalweave.report.figures.flow import Box, Counted, Step
from evalweave.report.numbers import missing, plain, sentence

PATIENTS, RECORDS, PERIODS = "patients", "records", "person-periods"
HEADINGS = {"ingest": "Received", "clean": "After cleaning", "cohort": "Eligible", "panel": "In the panel"}
WORDS = {PATIENTS: "people", RECORDS: "records", "registrations": "registrations"}
ARMS = ("programme", "comparison")
SHOWN = 5  # reasons in a side box; the rest are summed
PERSON_PERIODS = {
    "financial_year": "person-years", "calendar_year": "person-years", "half_year": "person-half-years",
    "quarter": "person-quarters", "month": "person-months",
}  # fmt: skip


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
    """Return by arm: practices (of the fit), people eligible and person-periods (of the ledgers)."""
    row = data.main(data.outcome.unit)
    practices: dict[str, int] = {}
    if row and not missing(row.n_practices) and not missing(row.n_practices_treated):
        practices = {
            "programme": int(row.n_practices_treated),
            "comparison": int(row.n_practices) - int(row.n_practices_treated),
        }
    found: dict[str, dict[str, Any]] = {}
    for arm in ARMS:
        counts = {
            "practices": practices.get(arm),
            "people": _by_arm(data, "cohort", PATIENTS, KEPT, arm),
            "periods": _by_arm(data, "panel", PERIODS, KEPT, arm),
            "measured": _measured(data, arm),
        }
        if any(value is not None for value in counts.values()):
            found[arm] = counts
    return found


def _by_arm(data: ReportData, stage: str, unit: str, entry: str, arm: str) -> int | None:
    if data.ledger is None:
        return None
    ledger = data.ledger
    mine = ledger[
        (ledger["stage"] == stage)
        & (ledger["unit"] == unit)
        & (ledger["entry"] == entry)
        & (ledger["arm"] == arm)
    ]
    return int(mine["n"].sum()) if len(mine) else None


def _measured(data: ReportData, arm: str) -> int | None:
    """Return person-periods with the primary outcome, from the raw trends."""
    trends = data.trends.get(data.primary.comparison or data.study.primary_comparison)
    if trends is None:
        return None
    mine = trends[(trends["outcome"] == data.primary.outcome) & (trends["arm"] == arm)]
    return int(mine["n_patients"].sum()) if len(mine) else None


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
    found = [stage for stage in stages(data) if stage.name != "panel"]  # the panel is counted below, by arm
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
    return steps, _arm_steps(data)


def _numbers(data: ReportData, heading: str, counts: dict[str, int], units: tuple[str, ...]) -> Box:
    lines = tuple(_counted(data, counts[unit], _of(unit), _word(unit)) for unit in units if unit in counts)
    return Box(heading, lines)


def _aside(data: ReportData, stage: Stage) -> Box | None:
    """Return the side box: how many people, then records, were set aside, and the largest reasons."""
    lines: list[Counted] = []
    for unit in (PATIENTS, RECORDS):
        lines += _reasons(
            data, [(reason, n) for each, reason, n in stage.aside if each == unit], _of(unit), _word(unit)
        )
    return Box("Set aside", tuple(lines)) if lines else None


def _reasons(data: ReportData, lost: list[tuple[str, int]], of: str, word: str) -> list[Counted]:
    """Return a line with the total and below it the reasons, largest first; few ones are summed."""
    if not lost:
        return []
    lost = sorted(lost, key=lambda each: -each[1])
    lines = [_counted(data, sum(n for _, n in lost), of, word)]
    named = lost if len(lost) <= SHOWN + 1 else lost[:SHOWN]
    rest = lost[len(named) :]
    parts = [(n, plain(reason)) for reason, n in named]
    if rest:
        parts.append((sum(n for _, n in rest), f"for {len(rest)} other reasons"))
    return [
        *lines,
        *(replace(_counted(data, n, of, reason), inside=True, about=False) for n, reason in parts),
    ]


def _arm_steps(data: ReportData) -> list[list[Step]]:
    """Return the boxes below the split: people of each arm, person-periods set aside, person-periods measured."""
    columns = []
    unit = PERSON_PERIODS[data.study.window.period]
    for arm, counts in arms(data).items():
        lines = []
        if counts["practices"] is not None:
            lines.append(_counted(data, counts["practices"], "practices", "practices"))
        if counts["people"] is not None:
            lines.append(_counted(data, counts["people"], PATIENTS, "people"))
        aside = Box("Set aside", tuple(_reasons(data, _lost(data, arm), RECORDS, unit)))
        steps = [Step(Box(f"{sentence(arm)} practices", tuple(lines)), aside if aside.lines else None)]
        if counts["measured"]:
            measured = _counted(data, counts["measured"], RECORDS, f"{unit} with {data.outcome_label()}")
            steps.append(Step(Box("Measured", (measured,))))
        columns.append(steps)
    return columns


def _lost(data: ReportData, arm: str) -> list[tuple[str, int]]:
    """Return why person-periods of an arm are not in the panel."""
    if data.ledger is None:
        return []
    lines = data.ledger
    lines = lines[
        (lines["stage"] == "panel")
        & (lines["unit"] == PERIODS)
        & (lines["entry"] == SET_ASIDE)
        & (lines["arm"] == arm)
    ]
    summed = lines.groupby(["order", "reason"], sort=True)["n"].sum()
    return [(str(reason), int(n)) for (_, reason), n in summed.items() if n]


def table(data: ReportData) -> pd.DataFrame:
    """Return the boxes as `tables.FLOW`, counts as released."""
    from evalweave import tables

    rows: list[dict[str, Any]] = []

    def add(box: str, stage: str, rule: str, label: str, arm: str | None, **counts: int | None) -> None:
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
            add(str(r["entry"]), str(r["stage"]), str(r["rule"]), label, None, **{column: int(r["n"])})
    for arm, counts in arms(data).items():
        add("kept", "arm", "", f"{arm} practices", arm, n_practices=counts.get("practices"),
            n_patients=counts.get("people"), n_records=counts.get("measured"))  # fmt: skip
    frame = tables.FLOW.conform(pd.DataFrame(rows)) if rows else tables.FLOW.empty()
    groups = [["stage"]]
    return data.profile.count_frame(frame, tables.FLOW, {"n_patients": groups, "n_records": groups})
