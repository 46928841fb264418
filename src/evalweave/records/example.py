"""What a cleaning rule does to a few rows: a small table that is at once its test and its
documentation.

A row shows only the cells that matter; `DEFAULTS` fills the others with an unremarkable patient
(P1, a woman born in 1950, registered with practice A since 2010) and an HbA1c of 48 mmol/mol on 1
May 2016.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from evalweave.records.rules import PATIENTS, RECORDS, REGISTRATIONS

IFCC, DCCT, EITHER = "999791000000106", "1019431000000105", "1003671000000109"
DIABETES = "44054006"

DEFAULTS: dict[str, dict[str, str]] = {
    PATIENTS: {
        "patient_id": "P1",
        "sex": "female",
        "birth_year": "1950",
        "birth_month": "",
        "ethnicity": "White",
        "imd_quintile": "3",
        "death_date": "",
        "acceptable": "true",
    },
    REGISTRATIONS: {"patient_id": "P1", "practice_id": "A", "start": "2010-01-01", "end": ""},
    RECORDS: {
        "patient_id": "P1",
        "practice_id": "A",
        "date": "2016-05-01",
        "code": IFCC,
        "code_system": "snomed",
        "value": "48",
        "unit": "mmol/mol",
        "family_history": "",
    },
}


@dataclass(frozen=True)
class Example:
    """What one rule does to a few rows: the rule that sets each row aside ("" = kept), and what is
    measured then."""

    rule: str
    unit: str
    explanation: str
    before: tuple[dict[str, str], ...]
    after: tuple[str, ...]
    # (day, value in mmol/mol); None = not shown
    measured: tuple[tuple[str, float], ...] | None = None
    cleaning: dict[str, object] = field(default_factory=dict)
    patients: tuple[dict[str, str], ...] = ({},)
    registrations: tuple[dict[str, str], ...] = ({},)


def of_patients(
    rule: str, explanation: str, *rows: tuple[dict[str, str], str], **more: object
) -> Example:
    return _example(PATIENTS, rule, explanation, rows, more)


def of_registrations(
    rule: str, explanation: str, *rows: tuple[dict[str, str], str], **more: object
) -> Example:
    return _example(REGISTRATIONS, rule, explanation, rows, more)


def of_records(
    rule: str, explanation: str, *rows: tuple[dict[str, str], str], **more: object
) -> Example:
    return _example(RECORDS, rule, explanation, rows, more)


def _example(
    unit: str,
    rule: str,
    explanation: str,
    rows: tuple[tuple[dict[str, str], str], ...],
    more: dict[str, object],
) -> Example:
    before, after = tuple(row for row, _ in rows), tuple(fate for _, fate in rows)
    return Example(rule, unit, explanation, before, after, **more)  # type: ignore[arg-type]


P2 = {"patient_id": "P2"}
OF_P2: tuple[dict[str, str], ...] = ({}, P2)


def as_markdown(example: Example) -> str:
    """Return an example as a table: the cells that matter, what becomes of the row, and what is
    measured."""
    columns = list(dict.fromkeys(column for row in example.before for column in row)) or [
        "patient_id"
    ]
    lines = [
        example.explanation,
        "",
        "| " + " | ".join((*columns, "becomes")) + " |",
        "|" + " --- |" * (len(columns) + 1),
    ]
    for row, fate in zip(example.before, example.after, strict=True):
        cells = [row.get(column, DEFAULTS[example.unit][column]) for column in columns]
        lines.append("| " + " | ".join((*cells, f"set aside: {fate}" if fate else "kept")) + " |")
    if example.measured is not None:
        shown = "; ".join(f"{day} {value:g} mmol/mol" for day, value in example.measured)
        lines += ["", f"Measured: {shown}."]
    return "\n".join(lines)
