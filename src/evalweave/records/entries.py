"""Rules for single records: is the code wanted, does the date hold, and (in `values`) what was
measured?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from evalweave import engine
from evalweave.engine.expressions import period_expression
from evalweave.records import values
from evalweave.records.coded import code_table, is_outcome
from evalweave.records.codelists import Codelist
from evalweave.records.layout import OCCASION, READING
from evalweave.records.rules import first_failed
from evalweave.timeline import FIRST_DAY, LAST_DAY, UNKNOWN_FROM

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.outcomes import Outcome
    from evalweave.study.periods import Window
    from evalweave.study.records import Cleaning
    from evalweave.study.vocabulary import Vocabulary

CODE = ["code_system", "code"]


def judge(
    backend: Any,
    events: ir.Table,
    observed: ir.Table,
    practices: ir.Table,
    lists: dict[str, Codelist],
    outcomes: dict[str, Outcome],
    cleaning: Cleaning,
    window: Window,
    vocabulary: Vocabulary,
) -> ir.Table:
    """Return every record with `arm`, `period` and the order of the `rule` that it fails (null =
    kept).

    What is kept has its `occasion` (`layout.OCCASION`, kinds in the order of `outcomes`);
    measurements also have their `amount` in the outcome's unit and their `reading`
    (`layout.READING`). Numbers, because writing these columns is half of the work.
    """
    codes = engine.keep(backend, "codes", code_table(lists, outcomes))
    listed = events.left_join(codes.drop("outcome"), CODE).drop("code_right", "code_system_right")
    placed = located(listed, observed, practices, window)
    texts = _unit_texts(backend, events, codes, outcomes)
    known_units = values.unit_table(texts, outcomes, vocabulary)
    with_units = placed.left_join(known_units, ["kind", "unit_text"]).drop(
        "kind_right", "unit_text_right"
    )
    record, of_value = values.measured(with_units, outcomes, cleaning)
    of_outcome = is_outcome(record.kind, outcomes)
    of_date = dated(record, of_outcome, cleaning, window)
    rule = first_failed({"code_not_listed": record.kind.isnull(), **of_date, **of_value})
    r = record.mutate(rule=rule)
    return engine.keep(backend, "judged_records", _packed(r, outcomes), large=True)


def _unit_texts(
    backend: Any, events: ir.Table, codes: ir.Table, outcomes: dict[str, Outcome]
) -> list[tuple[int, str]]:
    """Return the kind and text of every unit that records of outcomes name."""
    wanted = codes.filter(is_outcome(codes.kind, outcomes))
    texts = events.filter(events.unit_text.notnull()).inner_join(wanted, CODE)
    distinct = backend.to_pyarrow(texts.select("kind", "unit_text").distinct()).to_pylist()
    return [(row["kind"], row["unit_text"]) for row in distinct]


def located(events: ir.Table, observed: ir.Table, practices: ir.Table, window: Window) -> ir.Table:
    """Return the events with what is known of patient and practice on that day, with `arm`.

    Where patient or date are unknown, the arm is that of the practice which the record itself
    names.
    """
    # a date beyond all time lies in the last stretch, so that it is its own fault
    day = ibis.least(events.date.fill_null(FIRST_DAY), ibis.literal(LAST_DAY, "date"))
    joined = events.left_join(
        observed,
        [events.patient_id == observed.patient_id, observed.since <= day, observed.until >= day],
    )
    named = practices.select(_named="practice_id", _named_arm="practice_arm")
    joined = joined.left_join(named, joined.practice_id == named._named)
    inside = joined.date.between(window.first, window.last)
    return joined.mutate(
        arm=ibis.coalesce(joined.arm, joined._named_arm),
        period=inside.ifelse(period_expression(joined.date, window.cut), ibis.null("int64")),
    ).drop("_named", "_named_arm", "patient_id_right")


def dated(record: ir.Table, of_outcome: Any, cleaning: Cleaning, window: Window) -> dict[str, Any]:
    """Return the conditions of the rules on patient and date.

    Conditions of history apply to all records, those of window, registration start and contribution
    to outcomes only: a diagnosis counts whenever it was made. `of_outcome` says of which records a
    value is wanted.
    """
    day = record.date
    # one comparison a date: a list would be joined
    filler = values.any_of([day == date for date in cleaning.filler_dates])
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
        "date_outside_window": of_outcome & ~day.between(window.first, window.last),
        "date_before_registration": of_outcome & (day < record.start),
        "date_before_contribution": of_outcome & (day < record.contributes_from),
        "date_before_up_to_standard": of_outcome & (day < record.usable_from),
    }
    if not cleaning.before_registration:
        del conditions["date_before_registration"]
    return conditions


def _packed(r: ir.Table, outcomes: dict[str, Outcome]) -> ir.Table:
    """Return what later steps need of the judged records, as numbers."""
    holds = r.rule.isnull()
    measures = holds & is_outcome(r.kind, outcomes)
    occasion = OCCASION.pack(
        tile=r.tile, kind=r.kind, days=r.date.delta(ibis.literal(FIRST_DAY), unit="day")
    )
    reading = READING.pack(unit=r.unit, decided=r.decided).cast("int16")
    return r.select(
        "source_file",
        "source_row",
        "arm",
        "rule",
        period=r.period.cast("int32"),
        occasion=holds.ifelse(occasion, ibis.null("int64")),
        amount=measures.ifelse(r.amount, ibis.null(r.amount.type())),
        reading=measures.ifelse(reading, ibis.null("int16")),
    )


def unpacked(judged: ir.Table) -> ir.Table:
    """Return what `judge` kept with `tile`, `kind`, `date`, `unit` and `decided`, taken from its
    numbers."""
    days = OCCASION.part(judged.occasion, "days")
    day = ibis.literal(FIRST_DAY, "date") + days.cast("int32").as_interval("D")
    return judged.mutate(
        tile=OCCASION.part(judged.occasion, "tile"),
        kind=kind_of(judged),
        date=day.cast("timestamp").cast("date"),  # the sum is a time to DuckDB, a date to Ibis
        unit=READING.part(judged.reading, "unit"),
        decided=READING.part(judged.reading, "decided"),
    )


def kind_of(judged: ir.Table) -> Any:
    return OCCASION.part(judged.occasion, "kind")
