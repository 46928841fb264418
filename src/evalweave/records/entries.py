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


def code_table(lists: dict[str, Codelist], outcomes: dict[str, Outcome]) -> ir.Table:
    """Return code_system, code → outcome (null for conditions), implied unit, and 1/0 of a yes/no outcome."""
    measured = {outcome.codelist or name: name for name, outcome in outcomes.items()}
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
                "outcome": outcome,
                "implied_unit": _implied(entry.implied_unit, outcome, outcomes),
                "yes_no": yes_no,
            }
    return _table(
        list(rows.values()),
        {"code_system": "string", "code": "string", "outcome": "string", "implied_unit": "string",
         "yes_no": "float64"},
    )  # fmt: skip


def _implied(text: str, outcome: str | None, outcomes: dict[str, Outcome]) -> str | None:
    if not text or outcome is None:
        return None
    quantity = _quantity(outcome, outcomes[outcome])
    return quantity.unit(text).name


def _quantity(name: str, outcome: Outcome) -> units.Quantity:
    return units.quantity_of(outcome.quantity or name, outcome.unit)


def condition_table(lists: dict[str, Codelist], outcomes: dict[str, Outcome]) -> ir.Table:
    """Return code_system, code → condition name, one row for each list that holds the code."""
    measured = {outcome.codelist or name for name, outcome in outcomes.items()}
    rows = [
        {
            "code_system": entry.code.system,
            "code": entry.code.text,
            "codelist": labelled(name, entry.category),
        }
        for name, codelist in lists.items()
        if name not in measured
        for entry in codelist.entries
    ]
    return _table(rows, {"code_system": "string", "code": "string", "codelist": "string"})


def _table(rows: list[dict[str, Any]], schema: dict[str, str]) -> ir.Table:
    import pyarrow as pa

    kinds = {"string": pa.string(), "float64": pa.float64()}
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
    day, outcome = record.date, record.outcome.notnull()
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


def unit_table(texts: list[tuple[str, str]], outcomes: dict[str, Outcome]) -> ir.Table:
    """Return outcome, unit_text → unit ("" where the text says nothing, null where it says something unknown)."""
    rows = [
        {"outcome": name, "unit_text": text, "told": _quantity(name, outcomes[name]).read(text)}
        for name, text in sorted(texts)
    ]
    return _table(rows, {"outcome": "string", "unit_text": "string", "told": "string"})


def measured(
    record: ir.Table, outcomes: dict[str, Outcome], cleaning: Cleaning
) -> tuple[ir.Table, dict[str, Any]]:
    """Return the records with `value` in the outcome's unit, `unit` as recorded and `unit_decided_by`; and the
    conditions of the rules on value, unit and range.

    The unit is decided by the unit text, else by the code, else (by switch) by the value's range; a quantity with a
    single unit needs none.
    """
    bound = record.value_text.re_extract(COMPARATOR, 1).nullif("").try_cast("float64")
    bounded = record.value.isnull() & record.value_text.re_search(COMPARATOR)
    number = record.value
    if cleaning.comparators == "keep_at_bound":
        number = bounded.ifelse(bound, number)
    r = record.mutate(_number=number, _bounded=bounded, _told=record.told.nullif(""))
    by_range, declared, value, low, high, contradicts = ([] for _ in range(6))
    for name, outcome in outcomes.items():
        this = r.outcome == name
        quantity = _quantity(name, outcome)
        low.append((this, ibis.literal(float(outcome.plausible[0]))))
        high.append((this, ibis.literal(float(outcome.plausible[1]))))
        declared.append(
            (this, ibis.literal(quantity.units[0].name if len(quantity.units) == 1 else outcome.unit))
        )
        for unit in quantity.units:
            if unit.low is not None or unit.high is not None:
                fits = this
                if unit.low is not None:
                    fits = fits & (r._number >= unit.low)
                if unit.high is not None:
                    fits = fits & (r._number < unit.high)
                by_range.append((fits, ibis.literal(unit.name)))
    ranged = ibis.cases(*by_range, else_=ibis.null("string")) if by_range else ibis.null("string")
    has_ranges = [n for n, o in outcomes.items() if any(u.low or u.high for u in _quantity(n, o).units)]
    r = r.mutate(
        _ranged=ranged,
        _declared=ibis.cases(*declared, else_=ibis.null("string")),
        _has_ranges=r.outcome.isin(has_ranges),
    )
    guess = r._has_ranges.ifelse(r._ranged if cleaning.unit_by_range else ibis.null("string"), r._declared)
    r = r.mutate(
        unit=ibis.coalesce(r._told, r.implied_unit, guess),
        unit_decided_by=ibis.cases(
            (r._told.notnull(), "text"),
            (r.implied_unit.notnull(), "code"),
            (r._has_ranges & r._ranged.notnull(), "range"),
            else_="declared",
        ),
    )
    for name, outcome in outcomes.items():
        quantity = _quantity(name, outcome)
        for unit in quantity.units:
            this = (r.outcome == name) & (r.unit == unit.name)
            value.append((this, units.convert(r._number, quantity, unit.name, outcome.unit)))
            if unit.low is not None:
                contradicts.append(this & (r._number < unit.low))
            if unit.high is not None:
                contradicts.append(this & (r._number >= unit.high))
    yes_no = r.yes_no.notnull()
    r = r.mutate(
        amount=yes_no.ifelse(r.yes_no, ibis.cases(*value, else_=ibis.null("float64"))),
        _low=ibis.cases(*low, else_=ibis.null("float64")),
        _high=ibis.cases(*high, else_=ibis.null("float64")),
        _contradicts=_any(contradicts),
        unit_decided_by=yes_no.ifelse("code", r.unit_decided_by),
    )
    needs = r.outcome.notnull() & r.yes_no.isnull()
    conditions = {
        "value_missing": needs & r.value_text.isnull() & r.value.isnull(),
        "value_comparator": needs & r._bounded,
        "value_not_a_number": needs & r._number.isnull(),
        "unit_unknown": needs & r.unit_text.notnull() & r.told.isnull(),
        "unit_undecided": needs & r.unit.isnull(),
        "unit_contradicts_value": needs & r._contradicts,
        "value_out_of_range": r.outcome.notnull() & ~r.amount.between(r._low, r._high),
    }
    if cleaning.comparators == "keep_at_bound":
        del conditions["value_comparator"]
    return r, conditions


def _any(conditions: list[Any]) -> Any:
    met: Any = ibis.literal(False)
    for condition in conditions:
        met = met | condition
    return met


def judge(
    backend: Any,
    listed: ir.Table,
    outcomes: dict[str, Outcome],
    cleaning: Cleaning,
    window: Window,
) -> ir.Table:
    """Return the records with a listed code (as `located`), each with the order of the `rule` it fails or null."""
    texts = listed.filter(listed.outcome.notnull() & listed.unit_text.notnull())
    distinct = backend.to_pyarrow(texts.select("outcome", "unit_text").distinct()).to_pylist()
    known = unit_table([(row["outcome"], row["unit_text"]) for row in distinct], outcomes)
    with_units = listed.left_join(known, ["outcome", "unit_text"]).drop("outcome_right", "unit_text_right")
    record, conditions = measured(with_units, outcomes, cleaning)
    rule = first_failed({**dated(record, cleaning, window), **conditions})
    return engine.keep(
        backend,
        "judged_records",
        record.select(
            "source_file", "source_row", "patient_id", "now_at", "date", "code", "code_system", "outcome", "arm",
            "period", "unit", "unit_decided_by", value=record.amount, rule=rule,
        ),
    )  # fmt: skip
