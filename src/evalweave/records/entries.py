"""Rules for single records: is the code wanted, does the date hold, what is the value and in which unit?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from evalweave.records import engine, units
from evalweave.records.codelists import Codelist, labelled
from evalweave.records.rules import first_failed
from evalweave.records.spells import EVER

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study import Cleaning, Outcome, Window

COMPARATOR = r"^[\t\n\f\r ]*(?:<=|>=|=<|=>|<|>|≤|≥|~)[\t\n\f\r ]*([+-]?\d+(?:\.\d+)?)[\t\n\f\r ]*\z"  # \s and $ differ by engine

DECIDED_BY = ("text", "code", "range", "declared")  # what decided a record's unit
UNTOLD = -1  # the unit's text says nothing
MAX_OUTCOMES, MAX_DAYS = 1 << 10, 1 << 20  # with 2^33 registrations these make a number of 63 bits


def code_numbers(lists: dict[str, Codelist]) -> dict[tuple[str, str], int]:
    """Return a number for each code (coding system, text) of the lists."""
    numbers: dict[tuple[str, str], int] = {}
    for codelist in lists.values():
        for entry in codelist.entries:
            numbers.setdefault((entry.code.system, entry.code.text), len(numbers))
    return numbers


def code_table(lists: dict[str, Codelist], outcomes: dict[str, Outcome]) -> ir.Table:
    """Return code_system, code → its number, outcome and outcome_no (null for conditions), the place of the implied
    unit among the quantity's, and 1/0 of a yes/no outcome."""
    measured = {outcome.codelist or name: name for name, outcome in outcomes.items()}
    places = {name: place for place, name in enumerate(outcomes)}
    numbers = code_numbers(lists)
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for name, codelist in lists.items():
        outcome = measured.get(name)
        for entry in codelist.entries:
            key = (entry.code.system, entry.code.text)
            if key in rows and outcome is None:
                continue
            yes_no = float(entry.value) if outcome and outcomes[outcome].binary else None
            rows[key] = {
                "code_system": key[0],
                "code": key[1],
                "code_no": numbers[key],
                "outcome": outcome,
                "outcome_no": None if outcome is None else places[outcome],
                "implied": _implied(entry.implied_unit, outcome, outcomes),
                "yes_no": yes_no,
            }
    return _table(
        list(rows.values()),
        {"code_system": "string", "code": "string", "code_no": "int64", "outcome": "string", "outcome_no": "int64",
         "implied": "int64", "yes_no": "float64"},
    )  # fmt: skip


def _implied(text: str, outcome: str | None, outcomes: dict[str, Outcome]) -> int | None:
    if not text or outcome is None:
        return None
    quantity = _quantity(outcome, outcomes[outcome])
    return quantity.units.index(quantity.unit(text))


def _quantity(name: str, outcome: Outcome) -> units.Quantity:
    return units.quantity_of(outcome.quantity or name, outcome.unit)


def condition_table(lists: dict[str, Codelist], outcomes: dict[str, Outcome]) -> ir.Table:
    """Return code_system, code, code_no → condition name, one row for each list that holds the code."""
    measured = {outcome.codelist or name for name, outcome in outcomes.items()}
    numbers = code_numbers(lists)
    rows = [
        {
            "code_system": entry.code.system,
            "code": entry.code.text,
            "code_no": numbers[entry.code.system, entry.code.text],
            "codelist": labelled(name, entry.category),
        }
        for name, codelist in lists.items()
        if name not in measured
        for entry in codelist.entries
    ]
    return _table(rows, {"code_system": "string", "code": "string", "code_no": "int64", "codelist": "string"})


def _table(rows: list[dict[str, Any]], schema: dict[str, str]) -> ir.Table:
    import pyarrow as pa

    kinds = {"string": pa.string(), "float64": pa.float64(), "int64": pa.int64()}
    return ibis.memtable(pa.Table.from_pylist(rows, pa.schema([(n, kinds[k]) for n, k in schema.items()])))


def located(events: ir.Table, observed: ir.Table, practices: ir.Table, window: Window) -> ir.Table:
    """Return the events with what is known of patient and practice on that day, with `arm`.

    Where patient or date are unknown, the arm is that of the practice which the record itself names.
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


def period_expression(day: Any, period: str) -> Any:
    """Return the number of the period that contains `day`, as `study.period_number` counts."""
    year, month = day.year().cast("int64"), day.month().cast("int64")
    if period == "financial_year":
        return year - (month < 4).cast("int64")
    if period == "calendar_year":
        return year
    months = {"month": 1, "quarter": 3, "half_year": 6}[period]
    return year * (12 // months) + ((month - 1) / months).floor().cast("int64")


def dated(record: ir.Table, cleaning: Cleaning, window: Window) -> dict[str, Any]:
    """Return the conditions of the rules on patient and date. Conditions of history apply to all records, those of
    window, registration start and contribution to outcomes only: a diagnosis counts whenever it was made."""
    day, outcome = record.date, record.outcome_no.notnull()
    conditions = {
        "family_history": record.family_history,
        "patient_unknown": record.kept.isnull(),
        "patient_set_aside": ~record.kept,
        "date_missing": record.date_text.isnull() & day.isnull(),
        "date_unreadable": day.isnull(),
        "date_filler": day.isin(cleaning.filler_dates) | (day.year() >= 2999),
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
    """Return outcome_no, unit_text → the unit's place among the quantity's: UNTOLD where the text says nothing, null
    where it says something unknown."""
    named = list(outcomes.items())
    rows = []
    for number, text in sorted(texts):
        quantity = _quantity(*named[number])
        told = quantity.read(text)
        place = None if told is None else quantity.units.index(quantity.unit(told)) if told else UNTOLD
        rows.append({"outcome_no": number, "unit_text": text, "told": place})
    return _table(rows, {"outcome_no": "int64", "unit_text": "string", "told": "int64"})


def measured(
    record: ir.Table, outcomes: dict[str, Outcome], cleaning: Cleaning
) -> tuple[ir.Table, dict[str, Any]]:
    """Return the records with `amount` in the outcome's unit, the place of the `unit` as recorded, whether that is the
    outcome's own (`ours`) and what decided it (`decided`, a place in DECIDED_BY); and the conditions of the rules on
    value, unit and range.

    The unit is decided by the unit text, else by the code, else (by switch) by the value's range; a quantity with a
    single unit needs none.
    """
    number, bounded = record.value, record.value.isnull() & record.value_text.re_search(COMPARATOR)
    if cleaning.comparators == "keep_at_bound":
        bound = record.value_text.re_extract(COMPARATOR, 1).nullif("").try_cast("float64")
        number = bounded.ifelse(bound, number)
    r = record.mutate(_number=number, _bounded=bounded, _told=record.told.nullif(UNTOLD))
    quantities = {place: _quantity(*each) for place, each in enumerate(outcomes.items())}
    ranged, otherwise = [], []  # by value where the quantity's units have ranges, as declared where not
    for place, (outcome, quantity) in enumerate(zip(outcomes.values(), quantities.values(), strict=True)):
        this = r.outcome_no == place
        bounds = [(at, unit) for at, unit in enumerate(quantity.units) if unit.low or unit.high]
        if not bounds:
            single = len(quantity.units) == 1
            at = 0 if single else quantity.units.index(quantity.unit(outcome.unit))
            otherwise.append((this, ibis.literal(at, "int64")))
        for at, unit in bounds:
            ranged.append((this & _within(r._number, unit), ibis.literal(at, "int64")))
    no_unit = ibis.null("int64")
    r = r.mutate(
        _ranged=ibis.cases(*ranged, else_=no_unit) if ranged and cleaning.unit_by_range else no_unit,
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
    value, contradicts, implausible, ours = [], [], [], []
    for place, outcome in enumerate(outcomes.values()):
        quantity, this = quantities[place], r.outcome_no == place
        for at, unit in enumerate(quantity.units):
            here = this & (r.unit == at)
            value.append((here, units.convert(r._number, quantity, unit.name, outcome.unit)))
            if unit.low is not None or unit.high is not None:
                contradicts.append(here & ~_within(r._number, unit))
            if unit == quantity.unit(outcome.unit):
                ours.append(here)
    r = r.mutate(
        amount=r.yes_no.notnull().ifelse(r.yes_no, ibis.cases(*value, else_=ibis.null("float64"))),
        ours=_any(ours),
    )
    for place, outcome in enumerate(outcomes.values()):
        low, high = (float(bound) for bound in outcome.plausible)
        implausible.append((r.outcome_no == place) & ~r.amount.between(low, high))
    needs = r.outcome_no.notnull() & r.yes_no.isnull()
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
    """Return every record with `arm`, `period` and the order of the `rule` that it fails (null = kept).

    Kept are measurements, with `amount`, `unit`, `ours`, `decided` and `day` (one number for patient,
    registration, outcome and date, in this order), and records of conditions, without `day`. `tile` and `code_no` say
    whose and of what they are.
    """
    codes = engine.keep(backend, "codes", code_table(lists, outcomes))
    key = ["code_system", "code"]
    wanted = codes.filter(codes.outcome_no.notnull())
    texts = events.filter(events.unit_text.notnull()).inner_join(wanted, key)
    distinct = backend.to_pyarrow(texts.select("outcome_no", "unit_text").distinct()).to_pylist()
    known = unit_table([(row["outcome_no"], row["unit_text"]) for row in distinct], outcomes)
    listed = events.left_join(codes.drop("outcome"), key).drop("code_right", "code_system_right")
    found = located(listed, observed, practices, window)
    with_units = found.left_join(known, ["outcome_no", "unit_text"]).drop(
        "outcome_no_right", "unit_text_right"
    )
    record, conditions = measured(with_units, outcomes, cleaning)
    r = record.mutate(
        rule=first_failed(
            {"code_not_listed": record.code_no.isnull(), **dated(record, cleaning, window), **conditions}
        )
    )
    good = r.rule.isnull() & r.outcome_no.notnull()
    by_name = {name: number for number, name in enumerate(sorted(outcomes))}
    in_order = ibis.cases(
        *[(r.outcome_no == place, by_name[name]) for place, name in enumerate(outcomes)], else_=0
    )
    since_ever = r.date.delta(ibis.literal(EVER), unit="day")
    day = (r.tile * MAX_OUTCOMES + in_order) * MAX_DAYS + since_ever
    kept = {
        name: good.ifelse(r[name], ibis.null(r[name].type()))
        for name in ("amount", "unit", "decided", "ours")
    }
    return engine.keep(
        backend,
        "judged_records",
        r.select(
            "source_file", "source_row", "arm", "period", "rule", **kept, day=good.ifelse(day, ibis.null("int64")),
            **{
                name: r.rule.isnull().ifelse(r[name], ibis.null(r[name].type()))
                for name in ("tile", "code_no", "outcome_no", "date")
            },
        ),
        large=True,
    )  # fmt: skip
