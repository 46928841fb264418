"""The cleaning stage: parsed tables in, clean tables out, every row kept or set aside for one reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from evalweave.errors import Fault, raise_faults
from evalweave.records import engine, entries, people, same_day
from evalweave.records.rules import BY_NAME, PATIENTS, RECORDS, REGISTRATIONS, named

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.records.codelists import Codelist
    from evalweave.study import CleanSettings

STAGE = "clean"


@dataclass(frozen=True)
class Cleaned:
    """What cleaning leaves. `set_aside` has source_file, source_row and rule of every row that is not kept."""

    patients: ir.Table
    registrations: ir.Table
    measurements: ir.Table
    conditions: ir.Table
    set_aside: ir.Table
    ledger: pd.DataFrame


def clean(
    backend: Any,
    patients: ir.Table,
    registrations: ir.Table,
    events: ir.Table,
    practices: pd.DataFrame,
    lists: dict[str, Codelist],
    settings: CleanSettings,
) -> Cleaned:
    """Apply every rule in its order to the parsed tables; raise `DataError` when nothing can come of it."""
    collected = people.collections(backend, registrations)
    where = engine.keep(
        backend, "practices", people.practice_table(practices, settings.extract.last_collection, collected)
    )
    persons = people.judge(backend, patients, registrations, where, settings.cleaning)
    codes = engine.keep(backend, "codes", entries.code_table(lists, settings.outcomes))
    key = ["code_system", "code"]
    wanted = events.inner_join(codes, key)
    listed = entries.located(wanted, persons.observed, where, settings.window)
    listed = engine.keep(backend, "listed_records", listed)
    judged = entries.judge(backend, listed, settings.outcomes, settings.cleaning, settings.window)
    good = judged.filter(judged.rule.isnull())
    days = same_day.judge(backend, good.filter(good.outcome.notnull()), settings.outcomes, settings.cleaning)
    unlisted = events.anti_join(codes, key)
    elsewhere = entries.located(unlisted, persons.observed, where, settings.window)
    kept_days = days.filter(days.rule.isnull())
    measurements = kept_days.select(
        "patient_id",
        "date",
        "outcome",
        practice_id="now_at",
        value="mean",
        unit_decided_by="unit_decided_by",
        n_same_day="n_same_day",
    )
    conditions = good.filter(good.outcome.isnull())
    found = conditions.inner_join(entries.condition_table(lists, settings.outcomes), key)
    not_listed = BY_NAME["code_not_listed"].order
    counted = {
        PATIENTS: [_counts(persons.judged_patients)],
        REGISTRATIONS: [_counts(persons.judged_registrations)],
        RECORDS: [
            _counts(elsewhere.mutate(rule=ibis.literal(not_listed, "int16"))),
            _counts(judged.filter(judged.rule.notnull() | judged.outcome.isnull())),
            _counts(days),
        ],
    }
    received = {
        PATIENTS: patients.count(), REGISTRATIONS: registrations.count(), RECORDS: events.count(),
    }  # fmt: skip
    ledger = _ledger(backend, counted, received, settings.window.period)
    _nothing_left(backend, ledger, persons, measurements, settings)
    return Cleaned(
        patients=persons.patients.order_by("patient_id"),
        registrations=persons.registrations.order_by("patient_id", "start"),
        measurements=measurements[
            "patient_id", "practice_id", "date", "outcome", "value", "unit_decided_by", "n_same_day"
        ].order_by("patient_id", "outcome", "date"),
        conditions=found.select("patient_id", "codelist", "date")
        .distinct()
        .order_by("patient_id", "codelist", "date"),
        set_aside=_set_aside(persons, unlisted, judged, days),
        ledger=ledger,
    )


def _counts(judged: ir.Table) -> ir.Table:
    period = judged.period if "period" in judged.columns else ibis.null("int64")
    t = judged.select("arm", "rule", period=period)
    return t.group_by("arm", "period", "rule").aggregate(n=t.count())


def _ledger(
    backend: Any, counted: dict[str, list[ir.Table]], received: dict[str, Any], period: str
) -> pd.DataFrame:
    """Return LEDGER. What was received by arm and period is the sum of the judgements, and must be all rows."""
    import pandas as pd

    from evalweave.ledger import KEPT, RECEIVED, SET_ASIDE, check
    from evalweave.study import period_label
    from evalweave.tables import LEDGER

    lines: list[dict[str, Any]] = []
    for unit, pieces in counted.items():
        rules = named(unit)
        rows: list[dict[str, Any]] = []
        for piece in pieces:
            rows += backend.to_pyarrow(piece).to_pylist()
        n_received = int(backend.to_pyarrow(received[unit].as_table())[0][0].as_py())
        n_judged = sum(row["n"] for row in rows)
        if n_judged != n_received:
            raise AssertionError(f"{unit}: {n_received} received, {n_judged} judged")
        totals: dict[tuple[Any, Any], int] = {}
        for row in rows:
            label = None if row["period"] is None else period_label(row["period"], period)
            place = {"stage": STAGE, "unit": unit, "arm": row["arm"], "period": label}
            totals[(row["arm"], label)] = totals.get((row["arm"], label), 0) + row["n"]
            rule = rules.get(row["rule"])
            entry = (
                {"entry": SET_ASIDE, "order": rule.order, "rule": rule.name, "reason": rule.reason}
                if rule
                else {"entry": KEPT, "order": 0, "rule": "", "reason": "kept"}
            )
            lines.append({**place, **entry, "n": row["n"]})
        lines += [
            {"stage": STAGE, "unit": unit, "arm": arm, "period": label, "entry": RECEIVED, "order": 0, "rule": "",
             "reason": "received from ingest", "n": n}
            for (arm, label), n in totals.items()
        ]  # fmt: skip
    frame = pd.DataFrame(lines)
    keys = ["stage", "unit", "entry", "order", "rule", "reason", "arm", "period"]
    frame = frame.groupby(keys, dropna=False)["n"].sum().reset_index()
    frame["_entry"] = frame["entry"].map({RECEIVED: 0, KEPT: 1, SET_ASIDE: 2})
    frame["_unit"] = frame["unit"].map({unit: place for place, unit in enumerate(counted)})
    frame = frame.sort_values(["_unit", "_entry", "order", "arm", "period"], na_position="last")
    frame = LEDGER.conform(frame.drop(columns=["_entry", "_unit"]))
    check(frame)
    return frame


def _set_aside(persons: people.People, unlisted: ir.Table, judged: ir.Table, days: ir.Table) -> ir.Table:
    """Return source_file, source_row and rule of every row set aside, in that order."""

    def of(table: ir.Table, unit: str) -> ir.Table:
        aside = table.filter(table.rule.notnull())
        rules = [(aside.rule == order, rule.name) for order, rule in named(unit).items()]
        return aside.select("source_file", "source_row", rule=ibis.cases(*rules, else_=ibis.null("string")))

    records = of(judged, RECORDS).union(of(days, RECORDS))
    rest = unlisted.select("source_file", "source_row", rule=ibis.literal("code_not_listed"))
    whole = of(persons.judged_patients, PATIENTS).union(of(persons.judged_registrations, REGISTRATIONS))
    return whole.union(records).union(rest).order_by("source_file", "source_row", "rule")


def _nothing_left(
    backend: Any,
    ledger: pd.DataFrame,
    persons: people.People,
    measurements: ir.Table,
    settings: CleanSettings,
) -> None:
    """Raise when no patient, or no measurement of an outcome, is left: later stages could only fail obscurely."""
    from evalweave.ledger import KEPT, SET_ASIDE

    faults = []

    def why(unit: str) -> str:
        lines = ledger[(ledger["unit"] == unit) & (ledger["entry"] == SET_ASIDE)]
        top = lines.groupby("reason")["n"].sum().sort_values(ascending=False, kind="stable").head(3)
        return "; ".join(f"{n} {unit}: {reason}" for reason, n in top.items())

    kept = ledger[ledger["entry"] == KEPT].groupby("unit")["n"].sum()
    if not kept.get(PATIENTS, 0):
        faults.append(
            Fault(PATIENTS, f"nobody left after cleaning ({why(PATIENTS)})", "patients",
                  "Compare identifiers of patients, registrations and practices.")
        )  # fmt: skip
    else:
        n = measurements.group_by("outcome").aggregate(n=measurements.count())
        found = {row["outcome"] for row in backend.to_pyarrow(n).to_pylist()}
        faults += [
            Fault("events", f'no usable measurement of the outcome "{name}" (most were set aside so: {why(RECORDS)})',
                  "at least one", "Check its code list, unit and plausible range, and the columns of events.")
            for name in settings.outcomes
            if name not in found
        ]  # fmt: skip
    raise_faults(faults)
