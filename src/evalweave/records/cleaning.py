"""The cleaning stage: parsed tables in, clean tables out, no row set aside without its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from evalweave import engine
from evalweave.errors import Fault, raise_faults
from evalweave.ledger import KEPT, RECEIVED, SET_ASIDE, check
from evalweave.records import coded, entries, people, pseudonyms, same_day, values
from evalweave.records.layout import OCCASION
from evalweave.records.layout import SET_ASIDE as SET_ASIDE_LAYOUT
from evalweave.records.rules import PATIENTS, RECORDS, REGISTRATIONS, RULES, Rule, named

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.records.codelists import Codelist
    from evalweave.records.pseudonyms import Pseudonyms
    from evalweave.study.outcomes import Outcome
    from evalweave.study.stages import CleanSettings

STAGE = "clean"
RECEIVED_FROM_INGEST = {
    "entry": RECEIVED,
    "order": 0,
    "rule": "",
    "reason": "received from ingest",
}
KEPT_LINE = {"entry": KEPT, "order": 0, "rule": "", "reason": "kept"}


@dataclass(frozen=True)
class Cleaned:
    """What cleaning leaves. `set_aside` has source_file, source_row and rule of every row that is
    not kept. Patients and practices bear the names of `names`, where these have any."""

    patients: ir.Table
    registrations: ir.Table
    measurements: ir.Table
    conditions: ir.Table
    set_aside: ir.Table
    ledger: pd.DataFrame
    names: Pseudonyms


def clean(
    backend: Any,
    patients: ir.Table,
    registrations: ir.Table,
    events: ir.Table,
    practices: pd.DataFrame,
    lists: dict[str, Codelist],
    settings: CleanSettings,
    key: str | None = None,
) -> Cleaned:
    """Apply every rule in its order to the parsed tables. With a `key`, identifiers that are too
    common flow on as pseudonyms (`pseudonyms`).

    Raises:
        DataError: no patient, or no measurement of an outcome, is left.
    """
    collected = people.collections(backend, registrations)
    usable = people.up_to_standard(backend, registrations)
    known_practices = people.practice_table(
        practices, settings.extract.last_collection, collected, usable
    )
    known_practices = engine.keep(backend, "practices", known_practices)
    persons = people.judge(backend, patients, registrations, known_practices, settings.cleaning)
    outcomes = dict(sorted(settings.outcomes.items()))
    judged = entries.judge(
        backend,
        events,
        persons.observed,
        known_practices,
        lists,
        outcomes,
        settings.cleaning,
        settings.window,
        settings.vocabulary,
    )
    good = judged.filter(judged.rule.isnull())
    of_outcome = coded.is_outcome(entries.kind_of(good), outcomes)
    alone, several = same_day.judge(backend, good.filter(of_outcome), outcomes, settings.cleaning)
    # `judged` has them as good, so they are taken off there and counted as the day judged them
    as_good = _counts(several.drop("rule")).mutate(n=lambda t: -t.n)
    counted = {
        PATIENTS: [_counts(persons.judged_patients)],
        REGISTRATIONS: [_counts(persons.judged_registrations)],
        RECORDS: [_counts(judged), _counts(several), as_good],
    }
    received = {
        PATIENTS: patients.count(),
        REGISTRATIONS: registrations.count(),
        RECORDS: events.count(),
    }
    ledger = _ledger(backend, counted, received, settings.window.cut)
    _nothing_left(backend, ledger, alone, several, outcomes)
    names = pseudonyms.needed(backend, persons.patients, practices, key)
    persons = names.of_people(backend, persons)
    entered, codelists = good.filter(~of_outcome), coded.condition_table(lists, outcomes)
    return Cleaned(
        patients=persons.patients.order_by("patient_id"),
        registrations=persons.registrations.order_by("patient_id", "start"),
        measurements=_measurements(backend, alone, several, persons.observed, outcomes),
        conditions=_conditions(entered, persons.observed, codelists),
        set_aside=_set_aside(backend, persons, judged, several),
        ledger=ledger,
        names=names,
    )


def _measurements(
    backend: Any,
    alone: ir.Table,
    several: ir.Table,
    observed: ir.Table,
    outcomes: dict[str, Outcome],
) -> ir.Table:
    """Return MEASUREMENTS, sorted: what stands alone on its day, and what several became."""
    one = alone.select("occasion", "reading", value="amount", n=ibis.literal(1, "int32"))
    means = several.filter(several.rule.isnull())
    means = means.select("occasion", "reading", value="mean", n=means.n.cast("int32"))
    whole = one.union(means)
    whole = whole.mutate(tile=OCCASION.part(whole.occasion, "tile"))
    named = whole.inner_join(observed.select("tile", "patient_id", practice_id="now_at"), "tile")
    narrow = named.select("occasion", "patient_id", "practice_id", "reading", "value", "n")
    t = entries.unpacked(engine.in_order(backend, "measurements", narrow, "occasion"))
    return t.select(
        "patient_id",
        "practice_id",
        "date",
        outcome=engine.word_at(outcomes, t.kind),
        value="value",
        unit_decided_by=engine.word_at(values.DECIDED_BY, t.decided),
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
    """Return LEDGER.

    What was received by arm and period is the sum of the judgements, and must be all rows.
    """
    import pandas as pd

    from evalweave.study.periods import period_label
    from evalweave.tables.records import LEDGER

    lines: list[dict[str, Any]] = []
    for unit, pieces in counted.items():
        rows = [row for piece in pieces for row in backend.to_pyarrow(piece).to_pylist()]
        n_received = int(backend.to_pyarrow(received[unit].as_table())[0][0].as_py())
        n_judged = sum(row["n"] for row in rows)
        if n_judged != n_received:
            raise AssertionError(f"{unit}: {n_received} received, {n_judged} judged")
        rules = named(unit)
        for row in rows:
            label = None if row["period"] is None else period_label(row["period"], period)
            place = {"unit": unit, "arm": row["arm"], "period": label, "n": row["n"]}
            rule = rules.get(row["rule"])
            lines.append({**place, **RECEIVED_FROM_INGEST})
            lines.append({**place, **(_line_of(rule) if rule else KEPT_LINE)})
    keys = ["stage", "unit", "entry", "order", "rule", "reason", "arm", "period"]
    frame = pd.DataFrame(lines).assign(stage=STAGE)
    frame = frame.groupby(keys, dropna=False)["n"].sum().reset_index()
    frame["_entry"] = frame["entry"].map({RECEIVED: 0, KEPT: 1, SET_ASIDE: 2})
    frame["_unit"] = frame["unit"].map({unit: place for place, unit in enumerate(counted)})
    frame = frame.sort_values(["_unit", "_entry", "order", "arm", "period"], na_position="last")
    frame = LEDGER.conform(frame.drop(columns=["_entry", "_unit"]))
    check(frame)
    return frame


def _line_of(rule: Rule) -> dict[str, Any]:
    return {"entry": SET_ASIDE, "order": rule.order, "rule": rule.name, "reason": rule.reason}


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
    with_rows = backend.to_pyarrow(rows.select("source_file").distinct())["source_file"]
    files = sorted(with_rows.to_pylist()) or [""]
    numbers = ibis.memtable(
        {"source_file": files, "file": range(len(files))},
        schema={"source_file": "string", "file": "int64"},
    )
    rows = rows.inner_join(numbers, "source_file")
    place = SET_ASIDE_LAYOUT.pack(file=rows.file, row=rows.source_row, rule=rows.rule)
    ordered = engine.in_order(backend, "set_aside", rows.select(place=place), "place")
    return ordered.select(
        source_file=engine.word_at(files, SET_ASIDE_LAYOUT.part(ordered.place, "file")),
        source_row=SET_ASIDE_LAYOUT.part(ordered.place, "row"),
        rule=engine.word_at(names, SET_ASIDE_LAYOUT.part(ordered.place, "rule")),
    )


def _nothing_left(
    backend: Any,
    ledger: pd.DataFrame,
    alone: ir.Table,
    several: ir.Table,
    outcomes: dict[str, Outcome],
) -> None:
    """Raise when no patient, or no measurement of an outcome, is left.

    Later stages could only fail obscurely.
    """
    faults = []

    def why(unit: str) -> str:
        lines = ledger[(ledger["unit"] == unit) & (ledger["entry"] == SET_ASIDE)]
        top = lines.groupby("reason")["n"].sum().sort_values(ascending=False, kind="stable").head(3)
        return "; ".join(f"{n} {unit}: {reason}" for reason, n in top.items())

    n_kept = ledger[ledger["entry"] == KEPT].groupby("unit")["n"].sum()
    if not n_kept.get(PATIENTS, 0):
        faults.append(
            Fault(
                PATIENTS,
                f"nobody left after cleaning ({why(PATIENTS)})",
                "patients",
                "Compare identifiers of patients, registrations and practices.",
            )
        )
    else:
        means = several.filter(several.rule.isnull())
        kinds = ibis.union(
            *(table.select(kind=entries.kind_of(table)) for table in (alone, means)), distinct=True
        )
        measured = set(backend.to_pyarrow(kinds)["kind"].to_pylist())
        faults += [
            Fault(
                "events",
                f'no usable measurement of the outcome "{name}" (most were set aside so: '
                f"{why(RECORDS)})",
                "at least one",
                "Check its code list, unit and plausible range, and the columns of events.",
            )
            for kind, name in enumerate(outcomes)
            if kind not in measured
        ]
    raise_faults(faults)
