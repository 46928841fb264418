"""From a measurement back to the rows of the extract that made it.

Nothing is stored for this: cleaning keeps, for every row, whether it stands or which rule set it
aside, and rows of one day that were merged say so. A measurement's records are therefore the rows
of its patient, outcome and day that stand or were merged into it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalweave.records import coded
from evalweave.records.rules import BY_NAME

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.records.codelists import Codelist
    from evalweave.study.outcomes import Outcome

MERGED = {
    "same_day_repeat": "a repeat of it",
    "same_day_twin": "its twin in another unit",
    "same_day_averaged": "averaged into it",
}


@dataclass(frozen=True)
class Row:
    """A row of the extract and what became of it: `rule` is blank where it stands; `means` says
    which outcome or code lists its code is of."""

    file: str
    row: int
    rule: str
    cells: Mapping[str, Any]
    means: str = ""

    @property
    def day(self) -> dt.date | None:
        day = self.cells.get("date")
        return day.date() if isinstance(day, dt.datetime) else day

    @property
    def place(self) -> str:
        return f"{self.file}, row {self.row}"

    @property
    def fate(self) -> str:
        """What the rules made of it, in words."""
        if not self.rule:
            return "stands" if self.means else "kept"
        return f"set aside by {self.rule} ({BY_NAME[self.rule].reason})"


def rows_of(
    backend: Any, table: ir.Table, set_aside: ir.Table, patient: str, kinds: ir.Table | None = None
) -> list[Row]:
    """Return a patient's rows of an ingested table in the order of their days, with their fate;
    `kinds` is `kind_table`, of events."""
    of_patient = table.filter(table.patient_id == patient)
    place = ["source_file", "source_row"]
    judged = of_patient.left_join(set_aside.select(*place, "rule"), place, rname="{name}_aside")
    if kinds is not None:
        judged = judged.left_join(kinds, ["code_system", "code"], rname="{name}_listed")
    rows = []
    for record in backend.to_pyarrow(judged).to_pylist():
        cells = {
            name: value
            for name, value in record.items()
            if name in table.columns and name not in (*place, "patient_id") and value is not None
        }
        rows.append(
            Row(
                record["source_file"],
                record["source_row"],
                record["rule"] or "",
                cells,
                record.get("means") or "",
            )
        )
    return sorted(rows, key=lambda row: (row.day or dt.date.min, row.file, row.row))


def kind_table(lists: dict[str, Codelist], outcomes: dict[str, Outcome]) -> ir.Table:
    """Return code_system, code → what the code means here: the outcome, or the code lists."""
    outcome_of = {outcome.codelist or name: name for name, outcome in outcomes.items()}
    means: dict[tuple[str, str], list[str]] = {}
    for name, codelist in lists.items():
        for entry in codelist.entries:
            known = means.setdefault((entry.code.system, entry.code.text), [])
            known.append(outcome_of.get(name, name))
    rows = [
        {"code_system": system, "code": code, "means": ", ".join(dict.fromkeys(names))}
        for (system, code), names in means.items()
    ]
    return coded.small_table(rows, {"code_system": "string", "code": "string", "means": "string"})


def records_of(measurement: Mapping[str, Any], rows: list[Row]) -> list[tuple[Row, str]]:
    """Return the rows that made a measurement (its outcome and date), each with how."""
    day = measurement["date"]
    day = day.date() if isinstance(day, dt.datetime) else day
    of_day = [
        row for row in rows if row.day == day and measurement["outcome"] in row.means.split(", ")
    ]
    return [
        (row, MERGED.get(row.rule, "the record itself"))
        for row in of_day
        if not row.rule or row.rule in MERGED
    ]
