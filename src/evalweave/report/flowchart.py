"""From the ledgers to the boxes of the flow diagrams, and the same as the released table
`tables.FLOW`.

One flow an outcome: they share what happens to people and records until the arms part; below, each
outcome has its own measured people, person-periods and records, and those seen before and after the
start, who carry its estimate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from evalweave.ledger import KEPT, RECEIVED, SET_ASIDE
from evalweave.release.numbers import missing, plain, sentence
from evalweave.report.data import ReportData
from evalweave.report.figures.flow import Box, Counted, Step

PATIENTS, RECORDS, PERIODS, PRACTICES = "patients", "records", "person-periods", "practices"
HEADINGS = {"ingest": "Received", "clean": "After cleaning", "cohort": "Eligible"}
WORDS = {PATIENTS: "people", RECORDS: "records", "registrations": "registrations"}
ARMS = ("programme", "comparison")
SHOWN = 5  # reasons in a side box; the rest are summed
PERSON_PERIODS = {
    "financial_year": "person-years",
    "calendar_year": "person-years",
    "half_year": "person-half-years",
    "quarter": "person-quarters",
    "month": "person-months",
}


@dataclass
class Stage:
    """What one stage received, set aside and kept, by unit; exact numbers, never printed as they
    are."""

    name: str
    received: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    aside: list[tuple[str, str, int]] = field(default_factory=list)  # unit, reason, n


def stages(data: ReportData) -> list[Stage]:
    """Return the stages of the ledger in order; the reading of three tables is one stage."""
    if data.ledger is None:
        return []
    by_name: dict[str, Stage] = {}
    for record in data.ledger.to_dict("records"):
        name = str(record["stage"]).split()[0]
        stage = by_name.setdefault(name, Stage(name))
        unit, n = str(record["unit"]), int(record["n"])
        if record["entry"] == RECEIVED:
            stage.received[unit] = stage.received.get(unit, 0) + n
        elif record["entry"] == KEPT:
            stage.kept[unit] = stage.kept.get(unit, 0) + n
    for name, stage in by_name.items():
        mine = data.ledger[data.ledger["stage"].str.split().str[0] == name]
        lost = mine[mine["entry"] == SET_ASIDE]
        summed = lost.groupby(["unit", "order", "reason"], sort=True)["n"].sum()
        stage.aside = [
            (str(unit), str(reason), int(n)) for (unit, _, reason), n in summed.items() if n
        ]
    return list(by_name.values())


@dataclass
class Measured:
    """What one arm holds of one outcome; exact numbers, never printed as they are, None where no
    ledger says."""

    practices: int | None = None
    people: int | None = None
    never: int = 0  # people of the arm without any measurement
    periods: int | None = None
    records: int | None = None
    both: int | None = None  # people seen before and after the start
    periods_lost: list[tuple[str, int]] = field(default_factory=list)  # reason, n
    records_lost: list[tuple[str, int]] = field(default_factory=list)


def outcomes(data: ReportData) -> list[str]:
    """Return the outcomes that have a flow, the primary one first."""
    names = [
        data.primary.outcome,
        *(name for name in data.study.outcomes if name != data.primary.outcome),
    ]
    known = {outcome for outcome, *_ in data.panel_sums}
    return [name for name in names if name == data.primary.outcome or name in known]


def arms(data: ReportData) -> dict[str, dict[str, Any]]:
    """Return by arm: practices and people of the primary comparison, of the ledgers or else of the
    fit."""
    row = data.main(data.outcome.difference_unit)
    practices: dict[str, int] = {}
    if row and not missing(row.n_practices) and not missing(row.n_practices_treated):
        practices = {
            "programme": int(row.n_practices_treated),
            "comparison": int(row.n_practices) - int(row.n_practices_treated),
        }
    by_arm: dict[str, dict[str, Any]] = {}
    for arm in ARMS:
        people = _of_panel(data, data.primary.outcome, PATIENTS, RECEIVED, arm)
        counts = {
            "practices": _of_panel(data, data.primary.outcome, PRACTICES, RECEIVED, arm)
            or practices.get(arm),
            "people": people if people is not None else _of_cohort(data, arm),
        }
        if any(
            value is not None
            for value in (*counts.values(), _of_trends(data, data.primary.outcome, arm))
        ):
            by_arm[arm] = counts
    return by_arm


def measured(data: ReportData, outcome: str, arm: str) -> Measured:
    """Return what an arm holds of an outcome, from the panel's ledger, the trends and the
    diagnostics."""
    periods = _of_panel(data, outcome, PERIODS, KEPT, arm)
    return Measured(
        practices=_of_panel(data, outcome, PRACTICES, KEPT, arm),
        people=_of_panel(data, outcome, PATIENTS, KEPT, arm),
        never=_of_panel(data, outcome, PATIENTS, SET_ASIDE, arm) or 0,
        periods=periods if periods is not None else _of_trends(data, outcome, arm),
        records=_of_panel(data, outcome, RECORDS, KEPT, arm),
        both=seen_before_and_after(data, outcome, arm),
        periods_lost=_lost(data, outcome, PERIODS, arm),
        records_lost=_lost(data, outcome, RECORDS, arm),
    )


def _of_panel(data: ReportData, outcome: str, unit: str, entry: str, arm: str) -> int | None:
    """Return a sum of the panel's ledger; 0 where an arm received some and this entry has none,
    None without ledger."""
    sums = data.panel_sums
    return (
        sums.get((outcome, unit, entry, arm), 0) if (outcome, unit, RECEIVED, arm) in sums else None
    )


def _of_cohort(data: ReportData, arm: str) -> int | None:
    if data.ledger is None:
        return None
    lines = data.ledger
    mine = lines[(lines["stage"] == "cohort") & (lines["entry"] == KEPT) & (lines["arm"] == arm)]
    return int(mine["n"].sum()) if len(mine) else None


def _of_trends(data: ReportData, outcome: str, arm: str) -> int | None:
    """Return person-periods with the outcome, from the raw trends."""
    trends = data.trends.get(data.primary.comparison or data.study.primary_comparison)
    if trends is None:
        return None
    mine = trends[(trends["outcome"] == outcome) & (trends["arm"] == arm)]
    return int(mine["n_patients"].sum()) if len(mine) else None


def seen_before_and_after(data: ReportData, outcome: str, arm: str) -> int | None:
    """Return people seen before and after the start, from the diagnostics of the outcome's first
    analysis here."""
    here = data.primary.comparison or data.study.primary_comparison
    candidates = [data.primary, *data.study.analyses]
    for analysis in candidates:
        if (
            analysis.outcome != outcome
            or (analysis.comparison or data.study.primary_comparison) != here
        ):
            continue
        counts = data.diagnostic(analysis.name, "contributing")
        if isinstance(counts, Mapping) and isinstance(counts.get(arm), Mapping):
            n = counts[arm].get("seen_before_and_after")
            return None if missing(n) else int(n)
    return None


def _lost(data: ReportData, outcome: str, unit: str, arm: str) -> list[tuple[str, int]]:
    """Return why person-periods or records of an arm are not in the panel."""
    if data.ledger is None or not data.panel_sums.get((outcome, unit, SET_ASIDE, arm)):
        return []
    lines = data.ledger[
        (data.ledger["stage"] == "panel")
        & (data.ledger["unit"] == unit)
        & (data.ledger["arm"] == arm)
    ]
    lines = lines[lines["outcome"].fillna(data.primary.outcome) == outcome]
    summed = lines[lines["entry"] == SET_ASIDE].groupby(["order", "reason"], sort=True)["n"].sum()
    return [(str(reason), int(n)) for (_, reason), n in summed.items() if n]


def _counted(data: ReportData, n: int | None, of: str, after: str) -> Counted:
    released = data.profile.count(n, of)
    about = bool(released.value) and data.profile.base > 1 and of in (PATIENTS, RECORDS)
    return Counted(released.shown, released.text, of, after, about)


def _of(unit: str) -> str:
    return PATIENTS if unit == PATIENTS else "practices" if unit == "practices" else RECORDS


def _word(unit: str) -> str:
    return WORDS.get(unit, unit)


def diagram(data: ReportData, outcome: str | None = None) -> tuple[list[Step], list[list[Step]]]:
    """Return the boxes of an outcome (the primary one) from top to bottom and, below the split, of
    each arm."""
    listed = [
        stage for stage in stages(data) if stage.name != "panel"
    ]  # the panel is counted below, by arm
    units = (PATIENTS, "registrations", RECORDS)
    main: list[tuple[Box, Box | None]] = []
    for index, stage in enumerate(listed):
        if index == 0:
            main.append((_numbers(data, "Received", stage.received, units), _aside(data, stage)))
        elif main and _aside(data, stage):
            main[-1] = (main[-1][0], _aside(data, stage))
        if index > 0:
            heading = HEADINGS.get(stage.name, sentence(plain(stage.name)))
            main.append((_numbers(data, heading, stage.kept, units), None))
    if listed and listed[-1].name == "cohort":
        inside = [counts["people"] for counts in arms(data).values()]
        outside = listed[-1].kept.get(PATIENTS, 0) - sum(n or 0 for n in inside)
        if None not in inside and inside and outside > 0:
            aside = Box(
                "Set aside", (_counted(data, outside, PATIENTS, "people not in this comparison"),)
            )
            main[-1] = (main[-1][0], aside)
    steps = [Step(box, aside) for box, aside in main]
    return steps, _arm_steps(data, outcome or data.primary.outcome)


def _numbers(data: ReportData, heading: str, counts: dict[str, int], units: tuple[str, ...]) -> Box:
    lines = tuple(
        _counted(data, counts[unit], _of(unit), _word(unit)) for unit in units if unit in counts
    )
    return Box(heading, lines)


def _aside(data: ReportData, stage: Stage) -> Box | None:
    """Return the side box: how many people, then records, were set aside, and the largest
    reasons."""
    lines: list[Counted] = []
    for unit in (PATIENTS, RECORDS):
        lines += _reasons(
            data,
            [(reason, n) for counted_in, reason, n in stage.aside if counted_in == unit],
            _of(unit),
            _word(unit),
        )
    return Box("Set aside", tuple(lines)) if lines else None


def _reasons(data: ReportData, lost: list[tuple[str, int]], of: str, word: str) -> list[Counted]:
    """Return a line with the total and below it the reasons, largest first; few ones are summed."""
    if not lost:
        return []
    lost = sorted(lost, key=lambda entry: -entry[1])
    lines = [_counted(data, sum(n for _, n in lost), of, word)]
    named = lost if len(lost) <= SHOWN + 1 else lost[:SHOWN]
    rest = lost[len(named) :]
    parts = [(n, plain(reason)) for reason, n in named]
    if rest:
        parts.append((sum(n for _, n in rest), f"{len(rest)} other reasons"))
    return [
        *lines,
        *(replace(_counted(data, n, of, reason), inside=True, about=False) for n, reason in parts),
    ]


def _arm_steps(data: ReportData, outcome: str) -> list[list[Step]]:
    """Return the boxes below the split: people of an arm, those measured, what the panel holds, who
    carries the estimate."""
    columns = []
    unit, label = PERSON_PERIODS[data.study.window.period], data.outcome_label(outcome)
    for arm, counts in arms(data).items():
        of_arm = measured(data, outcome, arm)
        never = (
            [_counted(data, of_arm.never, PATIENTS, f"people without any {label}")]
            if of_arm.never
            else []
        )
        lost = [
            *_reasons(data, of_arm.periods_lost, RECORDS, unit),
            *_reasons(data, of_arm.records_lost, RECORDS, "records"),
        ]
        drawn = [
            (
                f"{sentence(arm)} practices",
                [
                    (counts["practices"], PRACTICES, PRACTICES),
                    (counts["people"], PATIENTS, "people"),
                ],
                never,
            ),
            (
                f"Measured: {label}",
                [(of_arm.practices, PRACTICES, PRACTICES), (of_arm.people, PATIENTS, "people")],
                lost,
            ),
            (
                "In the panel",
                [
                    (of_arm.periods, RECORDS, f"{unit} with {label}"),
                    (of_arm.records, RECORDS, "records"),
                ],
                [],
            ),
            (
                "Seen before and after the start",
                [(of_arm.both, PATIENTS, "people, who carry the estimate")],
                [],
            ),
        ]
        steps: list[Step] = []
        for heading, numbers, aside in drawn:
            lines = tuple(_counted(data, n, of, word) for n, of, word in numbers if n is not None)
            if lines or heading.endswith("practices"):
                steps.append(
                    Step(Box(heading, lines), Box("Set aside", tuple(aside)) if aside else None)
                )
            elif (
                aside and steps and steps[-1].aside is None
            ):  # nothing to draw it beside but the box above
                steps[-1] = replace(steps[-1], aside=Box("Set aside", tuple(aside)))
        columns.append(steps)
    return columns
