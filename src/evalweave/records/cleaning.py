"""The cleaning stage: parsed tables in, clean tables out, every row kept or set aside for one
reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from evalweave import engine
from evalweave.errors import Fault, raise_faults
from evalweave.records import entries, people, same_day
from evalweave.records.rules import PATIENTS, RECORDS, REGISTRATIONS, RULES, named

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.records.codelists import Codelist
    from evalweave.study.outcomes import Outcome
    from evalweave.study.stages import CleanSettings

STAGE = "clean"
ROW_BITS, RULE_BITS = 40, 7  # of the number of a row set aside; 16 bits stay for files


@dataclass(frozen=True)
class Cleaned:
    """What cleaning leaves. `set_aside` has source_file, source_row and rule of every row that is
    not kept."""

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
    """Apply every rule in its order to the parsed tables; raise `DataError` when nothing can come
    of it."""
    collected = people.collections(backend, registrations)
    where = engine.keep(
        backend,
        "practices",
        people.practice_table(practices, settings.extract.last_collection, collected),
    )
    persons = people.judge(backend, patients, registrations, where, settings.cleaning)
    outcomes = dict(sorted(settings.outcomes.items()))
    judged = entries.judge(
        backend,
        events,
        persons.observed,
        where,
        lists,
        outcomes,
        settings.cleaning,
        settings.window,
    )
    good = judged.filter(judged.rule.isnull())
    of_outcomes = entries.is_outcome(entries.kind_of(good), outcomes)
    alone, several = same_day.judge(backend, good.filter(of_outcomes), outcomes, settings.cleaning)
    as_good = several.drop("rule")  # as `judged` counts them
    counted = {
        PATIENTS: [_counts(persons.judged_patients)],
        REGISTRATIONS: [_counts(persons.judged_registrations)],
        RECORDS: [_counts(judged), _counts(several), _counts(as_good).mutate(n=lambda t: -t.n)],
    }
    received = {
        PATIENTS: patients.count(),
        REGISTRATIONS: registrations.count(),
        RECORDS: events.count(),
    }
    ledger = _ledger(backend, counted, received, settings.window.period)
    _nothing_left(backend, ledger, alone, several, outcomes)
    return Cleaned(
        patients=persons.patients.order_by("patient_id"),
        registrations=persons.registrations.order_by("patient_id", "start"),
        measurements=_measurements(backend, alone, several, persons.observed, outcomes),
        conditions=_conditions(
            good.filter(~of_outcomes), persons.observed, entries.condition_table(lists, outcomes)
        ),
        set_aside=_set_aside(backend, persons, judged, several),
        ledger=ledger,
    )


def _measurements(
    backend: Any,
    alone: ir.Table,
    several: ir.Table,
    observed: ir.Table,
    outcomes: dict[str, Outcome],
) -> ir.Table:
    """Return MEASUREMENTS, sorted: what stands alone on its day, and what several became."""
    one = alone.select("day", "reading", value="amount", n=ibis.literal(1, "int32"))
    stays = several.filter(several.rule.isnull())
    whole = one.union(stays.select("day", "reading", value="mean", n=stays.n.cast("int32")))
    whole = whole.mutate(tile=entries.tile_of(whole))
    named = whole.inner_join(observed.select("tile", "patient_id", practice_id="now_at"), "tile")
    narrow = named.select("day", "patient_id", "practice_id", "reading", "value", "n")
    t = entries.unpacked(engine.in_order(backend, "measurements", narrow, "day"))
    return t.select(
        "patient_id",
        "practice_id",
        "date",
        outcome=engine.word_at(outcomes, t.kind),
        value="value",
        unit_decided_by=engine.word_at(entries.DECIDED_BY, t.decided),
        n_same_day=t.n.cast("int64"),
    )


def _conditions(entered: ir.Table, observed: ir.Table, lists_of: ir.Table) -> ir.Table:
    """Return CONDITIONS: each patient, list and day once."""
    days = entries.unpacked(entered).inner_join(lists_of, "kind")
    days = days.select("codelist", "date", "tile").distinct()
    named = days.inner_join(observed.select("tile", "patient_id"), "tile")
    return named.order_by("tile", "codelist", "date").select("patient_id", "codelist", "date")


def _counts(judged: ir.Table) -> ir.Table:
    rule = judged.rule if "rule" in judged.columns else ibis.null("int16")
    period = judged.period if "period" in judged.columns else ibis.null("int64")
    t = judged.select("arm", rule=rule, period=period)
    return t.group_by("arm", "period", "rule").aggregate(n=t.count())


def _ledger(
    backend: Any, counted: dict[str, list[ir.Table]], received: dict[str, Any], period: str
) -> pd.DataFrame:
    """Return LEDGER. What was received by arm and period is the sum of the judgements, and must be
    all rows."""
    import pandas as pd

    from evalweave.ledger import KEPT, RECEIVED, SET_ASIDE, check
    from evalweave.study.periods import period_label
    from evalweave.tables.records import LEDGER

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
            {
                "stage": STAGE,
                "unit": unit,
                "arm": arm,
                "period": label,
                "entry": RECEIVED,
                "order": 0,
                "rule": "",
                "reason": "received from ingest",
                "n": n,
            }
            for (arm, label), n in totals.items()
        ]
    frame = pd.DataFrame(lines)
    keys = ["stage", "unit", "entry", "order", "rule", "reason", "arm", "period"]
    frame = frame.groupby(keys, dropna=False)["n"].sum().reset_index()
    frame["_entry"] = frame["entry"].map({RECEIVED: 0, KEPT: 1, SET_ASIDE: 2})
    frame["_unit"] = frame["unit"].map({unit: place for place, unit in enumerate(counted)})
    frame = frame.sort_values(["_unit", "_entry", "order", "arm", "period"], na_position="last")
    frame = LEDGER.conform(frame.drop(columns=["_entry", "_unit"]))
    check(frame)
    return frame


def _set_aside(
    backend: Any, persons: people.People, judged: ir.Table, several: ir.Table
) -> ir.Table:
    """Return source_file, source_row and rule of every row set aside, in that order.

    Sorted by one number and named afterwards: there are many rows, and names of files begin alike.
    """
    pieces = (
        (persons.judged_patients, PATIENTS),
        (persons.judged_registrations, REGISTRATIONS),
        (judged, RECORDS),
        (several, RECORDS),
    )
    names = [rule.name for rule in RULES]
    aside = []
    for table, unit in pieces:
        before = names.index(named(unit)[1].name) - 1
        rule = (table.rule + before).cast("int16")
        aside.append(
            table.filter(table.rule.notnull()).select("source_file", "source_row", rule=rule)
        )
    rows = ibis.union(*aside)
    found = backend.to_pyarrow(rows.select("source_file").distinct())["source_file"].to_pylist()
    files = sorted(found) or [""]
    numbers = ibis.memtable(
        {"source_file": files, "file": range(len(files))},
        schema={"source_file": "string", "file": "int64"},
    )
    rows = rows.inner_join(numbers, "source_file")
    place = ((rows.file << ROW_BITS) + rows.source_row << RULE_BITS) + rows.rule
    ordered = engine.in_order(backend, "set_aside", rows.select(place=place), "place")
    row = (ordered.place >> RULE_BITS) & ((1 << ROW_BITS) - 1)
    return ordered.select(
        source_file=engine.word_at(files, ordered.place >> (ROW_BITS + RULE_BITS)),
        source_row=row,
        rule=engine.word_at(names, ordered.place & ((1 << RULE_BITS) - 1)),
    )


def _nothing_left(
    backend: Any,
    ledger: pd.DataFrame,
    alone: ir.Table,
    several: ir.Table,
    outcomes: dict[str, Outcome],
) -> None:
    """Raise when no patient, or no measurement of an outcome, is left: later stages could only fail
    obscurely."""
    from evalweave.ledger import KEPT, SET_ASIDE

    faults = []

    def why(unit: str) -> str:
        lines = ledger[(ledger["unit"] == unit) & (ledger["entry"] == SET_ASIDE)]
        top = lines.groupby("reason")["n"].sum().sort_values(ascending=False, kind="stable").head(3)
        return "; ".join(f"{n} {unit}: {reason}" for reason, n in top.items())

    kept = ledger[ledger["entry"] == KEPT].groupby("unit")["n"].sum()
    if not kept.get(PATIENTS, 0):
        faults.append(
            Fault(
                PATIENTS,
                f"nobody left after cleaning ({why(PATIENTS)})",
                "patients",
                "Compare identifiers of patients, registrations and practices.",
            )
        )
    else:
        stays = several.filter(several.rule.isnull())
        kinds = ibis.union(
            *(table.select(kind=entries.kind_of(table)) for table in (alone, stays)), distinct=True
        )
        found = set(backend.to_pyarrow(kinds)["kind"].to_pylist())
        faults += [
            Fault(
                "events",
                f'no usable measurement of the outcome "{name}" (most were set aside so: '
                f"{why(RECORDS)})",
                "at least one",
                "Check its code list, unit and plausible range, and the columns of events.",
            )
            for place, name in enumerate(outcomes)
            if place not in found
        ]
    raise_faults(faults)
