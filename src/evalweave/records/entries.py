"""Rules for single records: is the code wanted, does the date hold, what is the value and in which
unit?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import ibis

from evalweave import engine
from evalweave.engine.expressions import period_expression
from evalweave.errors import StudyError
from evalweave.records import units
from evalweave.records.codelists import Codelist, labelled
from evalweave.records.rules import first_failed
from evalweave.records.spells import EVER

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.outcomes import Outcome
    from evalweave.study.periods import Window
    from evalweave.study.records import Cleaning

# \s and $ differ by engine
COMPARATOR = r"^[\t\n\f\r ]*(?:<=|>=|=<|=>|<|>|≤|≥|~)[\t\n\f\r ]*([+-]?\d+(?:\.\d+)?)[\t\n\f\r ]*\z"

DECIDED_BY = ("text", "code", "range", "declared")  # what decided a record's unit
UNKNOWN_FROM = dt.date(2999, 1, 1)  # dates from here on stand for unknown
UNTOLD = -1  # the unit's text says nothing
DECIDED_BITS = 2
DATE_BITS, KIND_BITS = 20, 10  # of the number of a day; 33 bits stay for registrations


def code_table(lists: dict[str, Codelist], outcomes: dict[str, Outcome]) -> ir.Table:
    """Return code_system, code → its `kind`, the outcome (null for conditions), the place of the
    implied unit among the quantity's, and 1/0 of a yes/no outcome.

    The kind is the place of the outcome, or that of the condition lists which hold the code,
    counted on from there.
    """
    measured = {outcome.codelist or name: name for name, outcome in outcomes.items()}
    kinds = {name: place for place, name in enumerate(outcomes)}
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for name, outcome in measured.items():
        for entry in lists[name].entries if name in lists else ():
            rows[entry.code.system, entry.code.text] = {
                "kind": kinds[outcome],
                "outcome": outcome,
                "implied": _implied(entry.implied_unit, outcome, outcomes),
                "yes_no": float(entry.value) if outcomes[outcome].binary else None,
            }
    for place, codes in enumerate(conditions_of(lists, outcomes).values(), start=len(outcomes)):
        rows |= {code: {"kind": place} for code in codes if code not in rows}
    return _table(
        [{"code_system": system, "code": text, **row} for (system, text), row in rows.items()],
        {
            "code_system": "string",
            "code": "string",
            "kind": "int16",
            "outcome": "string",
            "implied": "int8",
            "yes_no": "float64",
        },
    )


def conditions_of(
    lists: dict[str, Codelist], outcomes: dict[str, Outcome]
) -> dict[tuple[str, ...], list[tuple[str, str]]]:
    """Return which codes (system, text) the same condition lists hold: the lists' names → the
    codes, in order."""
    measured = {outcome.codelist or name for name, outcome in outcomes.items()}
    holders: dict[tuple[str, str], set[str]] = {}
    for name, codelist in lists.items():
        for entry in codelist.entries if name not in measured else ():
            code = (entry.code.system, entry.code.text)
            holders.setdefault(code, set()).add(labelled(name, entry.category))
    found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for code, names in holders.items():
        found.setdefault(tuple(sorted(names)), []).append(code)
    if len(outcomes) + len(found) > 1 << KIND_BITS:
        raise StudyError(
            f"codelists: found codes in {len(found)} different combinations of lists, expected at "
            "most "
            f"{(1 << KIND_BITS) - len(outcomes)}. Leave out lists that the study does not use."
        )
    return dict(sorted(found.items()))


def _implied(text: str, outcome: str | None, outcomes: dict[str, Outcome]) -> int | None:
    if not text or outcome is None:
        return None
    quantity = _quantity(outcome, outcomes[outcome])
    return quantity.units.index(quantity.unit(text))


def _quantity(name: str, outcome: Outcome) -> units.Quantity:
    return units.quantity_of(outcome.quantity or name, outcome.unit)


def condition_table(lists: dict[str, Codelist], outcomes: dict[str, Outcome]) -> ir.Table:
    """Return kind → codelist, one row for each list that holds the kind's codes."""
    rows = [
        {"kind": place, "codelist": name}
        for place, names in enumerate(conditions_of(lists, outcomes), start=len(outcomes))
        for name in names
    ]
    return _table(rows, {"kind": "int16", "codelist": "string"})


def _table(rows: list[dict[str, Any]], schema: dict[str, str]) -> ir.Table:
    import pyarrow as pa

    kinds = {name: getattr(pa, name)() for name in ("string", "float64", "int8", "int16")}
    return ibis.memtable(
        pa.Table.from_pylist(rows, pa.schema([(n, kinds[k]) for n, k in schema.items()]))
    )


def located(events: ir.Table, observed: ir.Table, practices: ir.Table, window: Window) -> ir.Table:
    """Return the events with what is known of patient and practice on that day, with `arm`.

    Where patient or date are unknown, the arm is that of the practice which the record itself
    names.
    """
    day = events.date.fill_null(EVER)
    joined = events.left_join(
        observed,
        [events.patient_id == observed.patient_id, observed.since <= day, observed.until >= day],
    )
    named = practices.select(_named="practice_id", _named_arm="practice_arm")
    joined = joined.left_join(named, joined.practice_id == named._named)
    inside = joined.date.between(window.first, window.last)
    return joined.mutate(
        arm=ibis.coalesce(joined.arm, joined._named_arm),
        period=inside.ifelse(period_expression(joined.date, window.period), ibis.null("int64")),
    ).drop("_named", "_named_arm", "patient_id_right")


def dated(record: ir.Table, outcome: Any, cleaning: Cleaning, window: Window) -> dict[str, Any]:
    """Return the conditions of the rules on patient and date. Conditions of history apply to all
    records, those of window, registration start and contribution to outcomes only: a diagnosis
    counts whenever it was made. `outcome` says of which records a value is wanted."""
    day = record.date
    filler = _any([day == each for each in cleaning.filler_dates])  # a list would be joined
    conditions = {
        "family_history": record.family_history,
        "patient_unknown": record.kept.isnull(),
        "patient_set_aside": ~record.kept,
        "date_missing": record.date_text.isnull() & day.isnull(),
        "date_unreadable": day.isnull(),
        "date_filler": filler | (day >= UNKNOWN_FROM),
        "date_before_birth": day < record.born,
        "date_after_death": day > record.death_date,
        "date_after_registration": day > record.stop,
        "date_after_collection": day > record.collected_to,
        "date_outside_window": outcome & ~day.between(window.first, window.last),
        "date_before_registration": outcome & (day < record.start),
        "date_before_contribution": outcome & (day < record.contributes_from),
    }
    if not cleaning.before_registration:
        del conditions["date_before_registration"]
    return conditions


def unit_table(texts: list[tuple[int, str]], outcomes: dict[str, Outcome]) -> ir.Table:
    """Return kind, unit_text → the unit's place among the quantity's: UNTOLD where the text says
    nothing, null where it says something unknown."""
    named = list(outcomes.items())
    rows = []
    for number, text in sorted(texts):
        quantity = _quantity(*named[number])
        told = quantity.read(text)
        place = (
            None if told is None else quantity.units.index(quantity.unit(told)) if told else UNTOLD
        )
        rows.append({"kind": number, "unit_text": text, "told": place})
    return _table(rows, {"kind": "int16", "unit_text": "string", "told": "int8"})


def measured(
    record: ir.Table, outcomes: dict[str, Outcome], cleaning: Cleaning
) -> tuple[ir.Table, dict[str, Any]]:
    """Return the records with `amount` in the outcome's unit, the place of the `unit` as recorded
    and what decided it (`decided`, a place in DECIDED_BY); and the conditions of the rules on
    value, unit and range.

    The unit is decided by the unit text, else by the code, else (by switch) by the value's range; a
    quantity with a single unit needs none.
    """
    number, bounded = record.value, record.value.isnull() & record.value_text.re_search(COMPARATOR)
    if cleaning.comparators == "keep_at_bound":
        bound = record.value_text.re_extract(COMPARATOR, 1).nullif("").try_cast("float64")
        number = bounded.ifelse(bound, number)
    r = record.mutate(_number=number, _bounded=bounded, _told=record.told.nullif(UNTOLD))
    quantities = {place: _quantity(*each) for place, each in enumerate(outcomes.items())}
    ranged, otherwise = (
        [],
        [],
    )  # by value where the quantity's units have ranges, as declared where not
    for place, (outcome, quantity) in enumerate(
        zip(outcomes.values(), quantities.values(), strict=True)
    ):
        this = r.kind == place
        bounds = [(at, unit) for at, unit in enumerate(quantity.units) if unit.low or unit.high]
        if not bounds:
            single = len(quantity.units) == 1
            at = 0 if single else quantity.units.index(quantity.unit(outcome.unit))
            otherwise.append((this, ibis.literal(at, "int8")))
        for at, unit in bounds:
            ranged.append((this & _within(r._number, unit), ibis.literal(at, "int8")))
    no_unit = ibis.null("int8")
    r = r.mutate(
        _ranged=ibis.cases(*ranged, else_=no_unit)
        if ranged and cleaning.unit_by_range
        else no_unit,
        _declared=ibis.cases(*otherwise, else_=no_unit) if otherwise else no_unit,
    )
    text, code, by_range, as_declared = range(len(DECIDED_BY))
    r = r.mutate(
        unit=ibis.coalesce(r._told, r.implied, r._ranged, r._declared),
        decided=ibis.cases(
            (r.yes_no.notnull(), code),
            (r._told.notnull(), text),
            (r.implied.notnull(), code),
            (r._ranged.notnull(), by_range),
            else_=as_declared,
        ),
    )
    value, contradicts, implausible = [], [], []
    for place, outcome in enumerate(outcomes.values()):
        quantity, this = quantities[place], r.kind == place
        for at, unit in enumerate(quantity.units):
            here = this & (r.unit == at)
            value.append((here, units.convert(r._number, quantity, unit.name, outcome.unit)))
            if unit.low is not None or unit.high is not None:
                contradicts.append(here & ~_within(r._number, unit))
    r = r.mutate(
        amount=r.yes_no.notnull().ifelse(r.yes_no, ibis.cases(*value, else_=ibis.null("float64")))
    )
    for place, outcome in enumerate(outcomes.values()):
        low, high = (float(bound) for bound in outcome.plausible)
        implausible.append((r.kind == place) & ~r.amount.between(low, high))
    needs = is_outcome(r.kind, outcomes) & r.yes_no.isnull()
    conditions = {
        "value_missing": needs & r.value_text.isnull() & r.value.isnull(),
        "value_comparator": needs & r._bounded,
        "value_not_a_number": needs & r._number.isnull(),
        "unit_unknown": needs & r.unit_text.notnull() & r.told.isnull(),
        "unit_undecided": needs & r.unit.isnull(),
        "unit_contradicts_value": needs & _any(contradicts),
        "value_out_of_range": _any(implausible),
    }
    if cleaning.comparators == "keep_at_bound":
        del conditions["value_comparator"]
    return r, conditions


def is_outcome(kind: Any, outcomes: dict[str, Outcome]) -> Any:
    """Return whether records of a kind are measurements of an outcome, not entries of
    conditions."""
    return kind < len(outcomes)


def in_own_unit(record: ir.Table, outcomes: dict[str, Outcome]) -> Any:
    """Return whether records came in their outcome's unit."""
    own = []
    for place, (name, outcome) in enumerate(outcomes.items()):
        quantity = _quantity(name, outcome)
        at = quantity.units.index(quantity.unit(outcome.unit))
        own.append((record.kind == place) & (record.unit == at))
    return _any(own)


def _within(value: Any, unit: units.Unit) -> Any:
    """Return whether a value may stand in a unit: low included, high not."""
    fits: Any = ibis.literal(True)
    if unit.low is not None:
        fits = fits & (value >= unit.low)
    if unit.high is not None:
        fits = fits & (value < unit.high)
    return fits


def _any(conditions: list[Any]) -> Any:
    met: Any = ibis.literal(False)
    for condition in conditions:
        met = met | condition
    return met


def judge(
    backend: Any,
    events: ir.Table,
    observed: ir.Table,
    practices: ir.Table,
    lists: dict[str, Codelist],
    outcomes: dict[str, Outcome],
    cleaning: Cleaning,
    window: Window,
) -> ir.Table:
    """Return every record with `arm`, `period` and the order of the `rule` that it fails (null =
    kept).

    What is kept has its `day`, one number for patient, registration, kind (as `code_table` says, in
    the order of `outcomes`) and date, in this order; measurements also have their `amount` in the
    outcome's unit and `reading`, one number for the unit as recorded and what decided it. Numbers,
    because writing these columns is half of the work.
    """
    codes = engine.keep(backend, "codes", code_table(lists, outcomes))
    key = ["code_system", "code"]
    wanted = codes.filter(is_outcome(codes.kind, outcomes))
    texts = events.filter(events.unit_text.notnull()).inner_join(wanted, key)
    distinct = backend.to_pyarrow(texts.select("kind", "unit_text").distinct()).to_pylist()
    known = unit_table([(row["kind"], row["unit_text"]) for row in distinct], outcomes)
    listed = events.left_join(codes.drop("outcome"), key).drop("code_right", "code_system_right")
    found = located(listed, observed, practices, window)
    with_units = found.left_join(known, ["kind", "unit_text"]).drop("kind_right", "unit_text_right")
    record, conditions = measured(with_units, outcomes, cleaning)
    outcome = is_outcome(record.kind, outcomes)
    r = record.mutate(
        rule=first_failed(
            {
                "code_not_listed": record.kind.isnull(),
                **dated(record, outcome, cleaning, window),
                **conditions,
            }
        )
    )
    good, days = r.rule.isnull(), r.date.delta(ibis.literal(EVER), unit="day")
    day = _day(r.tile, r.kind, days)
    reading = r.unit.cast("int16") * (1 << DECIDED_BITS) + r.decided
    of_outcomes = {"amount": r.amount, "reading": reading.cast("int16")}
    wanted = good & is_outcome(r.kind, outcomes)
    return engine.keep(
        backend,
        "judged_records",
        r.select(
            "source_file",
            "source_row",
            "arm",
            "rule",
            period=r.period.cast("int32"),
            day=good.ifelse(day, ibis.null("int64")),
            **{
                name: wanted.ifelse(each, ibis.null(each.type()))
                for name, each in of_outcomes.items()
            },
        ),
        large=True,
    )


def _day(tile: Any, kind: Any, days: Any) -> Any:
    """Return one number for a registration's tile, a kind and a date (in days since EVER), sorted
    in this order."""
    return (tile.cast("int64") * (1 << KIND_BITS) + kind) * (1 << DATE_BITS) + days


def unpacked(judged: ir.Table) -> ir.Table:
    """Return what `judge` kept with `tile`, `kind`, `date`, `unit` and `decided`, taken from its
    numbers."""
    days = judged.day & ((1 << DATE_BITS) - 1)
    after = ibis.literal(EVER, "date") + days.cast("int32").as_interval("D")
    return judged.mutate(
        tile=tile_of(judged),
        kind=kind_of(judged),
        date=after.cast("timestamp").cast(
            "date"
        ),  # the sum is a time to DuckDB, and a date to Ibis
        unit=judged.reading >> DECIDED_BITS,
        decided=judged.reading & ((1 << DECIDED_BITS) - 1),
    )


def tile_of(judged: ir.Table) -> Any:
    return judged.day >> (KIND_BITS + DATE_BITS)


def kind_of(judged: ir.Table) -> Any:
    return (judged.day >> DATE_BITS) & ((1 << KIND_BITS) - 1)
