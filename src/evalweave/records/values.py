"""The value of a record: its number, the unit it was recorded in and what decided that, and the
amount in the outcome's unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from evalweave import quantities
from evalweave.records.coded import is_outcome, quantity_of, small_table
from evalweave.vocabulary.words import words

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.outcomes import Outcome
    from evalweave.study.records import Cleaning
    from evalweave.study.vocabulary import Vocabulary

# \s and $ differ by engine
COMPARATOR = r"^[\t\n\f\r ]*(?:<=|>=|=<|=>|<|>|≤|≥|~)[\t\n\f\r ]*([+-]?\d+(?:\.\d+)?)[\t\n\f\r ]*\z"

DECIDED_BY = ("text", "code", "range", "declared")  # what decided a record's unit
UNTOLD = -1  # the unit's text says nothing, or nothing known


def unit_table(
    texts: list[tuple[int, str]],
    outcomes: dict[str, Outcome],
    vocabulary: Vocabulary,
) -> ir.Table:
    """Return kind, unit_text → the unit's place among the quantity's: UNTOLD where the text says
    nothing or something that nobody knows (code or value decide then), null where it is a unit of
    something else."""
    of_kind = _quantities(outcomes)
    units = words("units", vocabulary.units)
    missing = words("missing", dict.fromkeys(vocabulary.missing, "missing"))
    rows = []
    for kind, text in sorted(texts):
        quantity = of_kind[kind]
        told = quantity.read_by(text, units, missing)
        place: int | None = UNTOLD
        if told == quantities.FOREIGN:
            place = None
        elif told:
            place = quantity.units.index(quantity.unit(told))
        rows.append({"kind": kind, "unit_text": text, "told": place})
    return small_table(rows, {"kind": "int16", "unit_text": "string", "told": "int8"})


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
    r = record.mutate(_number=number, _bounded=bounded)
    r, contradicts = _converted(_with_unit(r, outcomes, cleaning), outcomes)
    implausible = [
        (r.kind == kind) & ~r.amount.between(*(float(bound) for bound in outcome.plausible))
        for kind, outcome in enumerate(outcomes.values())
    ]
    needs_value = is_outcome(r.kind, outcomes) & r.yes_no.isnull()
    conditions = {
        "value_missing": needs_value & r.value_text.isnull() & r.value.isnull(),
        "value_comparator": needs_value & r._bounded,
        "value_not_a_number": needs_value & r._number.isnull(),
        "unit_unknown": needs_value & r.unit_text.notnull() & r.told.isnull(),
        "unit_undecided": needs_value & r.unit.isnull(),
        "unit_contradicts_value": needs_value & contradicts,
        "value_out_of_range": any_of(implausible),
    }
    if cleaning.comparators == "keep_at_bound":
        del conditions["value_comparator"]
    return r, conditions


def _with_unit(r: ir.Table, outcomes: dict[str, Outcome], cleaning: Cleaning) -> ir.Table:
    """Add `unit` and `decided`."""
    ranged, declared = [], []  # by value where the quantity's units have ranges, else as declared
    for kind, quantity in enumerate(_quantities(outcomes)):
        this = r.kind == kind
        bounds = [(at, unit) for at, unit in enumerate(quantity.units) if unit.low or unit.high]
        if not bounds:
            single = len(quantity.units) == 1
            unit = list(outcomes.values())[kind].unit
            at = 0 if single else quantity.units.index(quantity.unit(unit))
            declared.append((this, ibis.literal(at, "int8")))
        ranged += [
            (this & _within(r._number, unit), ibis.literal(at, "int8")) for at, unit in bounds
        ]
    no_unit = ibis.null("int8")
    r = r.mutate(
        _told=r.told.nullif(UNTOLD),
        _ranged=ibis.cases(*ranged, else_=no_unit)
        if ranged and cleaning.unit_by_range
        else no_unit,
        _declared=ibis.cases(*declared, else_=no_unit) if declared else no_unit,
    )
    text, code, by_range, as_declared = range(len(DECIDED_BY))
    return r.mutate(
        unit=ibis.coalesce(r._told, r.implied, r._ranged, r._declared),
        decided=ibis.cases(
            (r.yes_no.notnull(), code),
            (r._told.notnull(), text),
            (r.implied.notnull(), code),
            (r._ranged.notnull(), by_range),
            else_=as_declared,
        ),
    )


def _converted(r: ir.Table, outcomes: dict[str, Outcome]) -> tuple[ir.Table, Any]:
    """Add `amount`, and return whether the unit contradicts the value."""
    amounts, contradicts = [], []
    for kind, (outcome, quantity) in enumerate(
        zip(outcomes.values(), _quantities(outcomes), strict=True)
    ):
        for at, unit in enumerate(quantity.units):
            recorded_so = (r.kind == kind) & (r.unit == at)
            amount = quantities.convert(r._number, quantity, unit.name, outcome.unit)
            amounts.append((recorded_so, amount))
            if unit.low is not None or unit.high is not None:
                contradicts.append(recorded_so & ~_within(r._number, unit))
    amount = ibis.cases(*amounts, else_=ibis.null("float64"))
    return r.mutate(amount=r.yes_no.notnull().ifelse(r.yes_no, amount)), any_of(contradicts)


def in_own_unit(record: ir.Table, outcomes: dict[str, Outcome]) -> Any:
    """Return whether records came in their outcome's unit."""
    own = []
    for kind, (outcome, quantity) in enumerate(
        zip(outcomes.values(), _quantities(outcomes), strict=True)
    ):
        at = quantity.units.index(quantity.unit(outcome.unit))
        own.append((record.kind == kind) & (record.unit == at))
    return any_of(own)


def _quantities(outcomes: dict[str, Outcome]) -> list[quantities.Quantity]:
    """Return the outcomes' quantities, in their order (which is that of kinds)."""
    return [quantity_of(name, outcome) for name, outcome in outcomes.items()]


def _within(value: Any, unit: quantities.Unit) -> Any:
    """Return whether a value may stand in a unit: low included, high not."""
    fits: Any = ibis.literal(True)
    if unit.low is not None:
        fits = fits & (value >= unit.low)
    if unit.high is not None:
        fits = fits & (value < unit.high)
    return fits


def any_of(conditions: list[Any]) -> Any:
    """Return whether one of the conditions holds; false where there are none."""
    met: Any = ibis.literal(False)
    for condition in conditions:
        met = met | condition
    return met
