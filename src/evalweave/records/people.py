"""Rules for patients and registrations, and the table of who could be observed where and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from evalweave import engine
from evalweave.records import spells
from evalweave.records.practices import arm_of, effective
from evalweave.records.rules import first_failed
from evalweave.timeline import FIRST_DAY, LAST_DAY, UNKNOWN_FROM

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study.records import Cleaning

FACTS = (
    "sex",
    "birth_year",
    "birth_month",
    "ethnicity",
    "imd_quintile",
    "death_date",
    "acceptable",
)


@dataclass(frozen=True)
class People:
    """What the rules for patients and registrations leave, and how they judged each row.

    `observed` has one row a patient and stretch of time (`spells.tiles`), numbered by patient and
    time (`tile`), with what the rules for records need to know of both; a set-aside patient has one
    row.
    """

    patients: ir.Table
    registrations: ir.Table
    observed: ir.Table
    judged_patients: ir.Table  # source_file, source_row, rule (order, null = kept), arm
    judged_registrations: ir.Table


def practice_table(
    practices: pd.DataFrame,
    last_collection: dt.date | None,
    collected: Mapping[str, dt.date] | None = None,
    usable: Mapping[str, dt.date] | None = None,
) -> ir.Table:
    """Return the practices with the one that serves their patients now, its arm, its start and the
    bounds of its data.

    `collected` and `usable` have the last collections and the up-to-standard dates as the extract
    says; `contributes_to` in the practices goes before the former.
    """
    import pyarrow as pa

    now, arm = effective(practices), arm_of(practices)
    by_id = practices.set_index("practice_id")

    def dates(column: str, otherwise: Mapping[str, dt.date] | None = None) -> Any:
        declared = by_id[column].where(by_id[column].notna(), by_id.index.map(otherwise or {}))
        return pa.array([declared[now[p]] for p in now], pa.date32(), from_pandas=True)

    table = pa.table(
        {
            "practice_id": pa.array(list(now), pa.string()),
            "practice_now": pa.array(list(now.values()), pa.string()),
            "practice_arm": pa.array([arm[p] for p in now], pa.string()),
            "practice_start": dates("programme_start"),
            "contributes_from": dates("contributes_from"),
            "collected_to": dates("contributes_to", collected),
            "usable_from": pa.array([(usable or {}).get(now[p]) for p in now], pa.date32()),
        }
    )
    known = ibis.memtable(table)
    if last_collection is None:
        return known
    last = ibis.literal(last_collection)
    return known.mutate(collected_to=ibis.least(known.collected_to.fill_null(last), last))


def collections(backend: Any, registrations: ir.Table) -> dict[str, dt.date]:
    """Return the last collection of each practice, as its registrations say."""
    r = registrations.filter(
        registrations.collected_to.notnull() & registrations.practice_id.notnull()
    )
    last = r.group_by("practice_id").aggregate(day=r.collected_to.max())
    return {row["practice_id"]: row["day"] for row in backend.to_pyarrow(last).to_pylist()}


def up_to_standard(backend: Any, registrations: ir.Table) -> dict[str, dt.date]:
    """Return the day from which the data of each practice are of research quality (CPRD's uts), as
    its registrations say."""
    r = registrations.filter(
        registrations.usable_from.notnull() & registrations.practice_id.notnull()
    )
    first = r.group_by("practice_id").aggregate(day=r.usable_from.max())
    return {row["practice_id"]: row["day"] for row in backend.to_pyarrow(first).to_pylist()}


def judge(
    backend: Any,
    patients: ir.Table,
    registrations: ir.Table,
    practices: ir.Table,
    cleaning: Cleaning,
) -> People:
    """Apply the rules to the parsed tables `patients` and `registrations` (see `rules` for what is
    set aside)."""
    marked = _registrations_alone(registrations, practices)
    marked = engine.keep(backend, "marked_registrations", marked, large=True)
    valid = marked.filter(marked.rule.isnull()).select(
        "patient_id",
        practice_id="practice_now",
        start="start",
        stop=marked.end.fill_null(LAST_DAY),
    )
    disjoint = spells.disjoint(valid, cleaning.gap_days)
    disjoint = engine.keep(backend, "disjoint_spells", disjoint, large=True)
    judged = _patients(backend, patients, marked, cleaning)
    judged = engine.keep(backend, "judged_patients", judged, large=True)
    clean = engine.keep(backend, "clean_patients", _clean(judged), large=True)
    judged_registrations = _registrations_of(marked, judged)
    judged_registrations = engine.keep(
        backend, "judged_registrations", judged_registrations, large=True
    )
    observed = _observed(disjoint.semi_join(clean, "patient_id"), practices, clean)
    observed = observed.union(_set_aside(judged, clean).select(*observed.columns))
    in_order = ibis.window(order_by=["patient_id", "since"])
    observed = observed.mutate(tile=ibis.row_number().over(in_order))
    observed = engine.keep(backend, "observed", observed, large=True)
    return People(
        patients=clean,
        registrations=_collected(observed),
        observed=observed,
        judged_patients=judged.select("source_file", "source_row", "arm", "rule"),
        judged_registrations=judged_registrations,
    )


def _registrations_of(marked: ir.Table, judged_patients: ir.Table) -> ir.Table:
    """Return the registrations with their final rule: their own, else that of their patient."""
    state = judged_patients.group_by("patient_id").aggregate(
        kept=judged_patients.rule.isnull().any()
    )
    joined = marked.left_join(state, "patient_id")
    of_patient = first_failed(
        {
            "registration_patient_unknown": joined.kept.isnull(),
            "registration_patient_set_aside": ~joined.kept,
        }
    )
    rule = ibis.coalesce(marked.rule, of_patient)
    return joined.select("source_file", "source_row", "arm", rule=rule)


def _observed(registered: ir.Table, practices: ir.Table, clean: ir.Table) -> ir.Table:
    """Return a row a clean patient and stretch of time: the practice, the bounds of its data and
    what is known of the patient."""
    bounds = practices.filter(practices.practice_id == practices.practice_now)
    bounds = bounds.drop("practice_now", "practice_start")
    facts = clean.select("patient_id", "death_date", born=_earliest_birth(clean))
    tiled = spells.tiles(registered).inner_join(bounds, "practice_id")
    observed = tiled.inner_join(facts, "patient_id").mutate(kept=True)
    return observed.rename(arm="practice_arm", now_at="practice_id")


def _set_aside(judged: ir.Table, clean: ir.Table) -> ir.Table:
    """Return a row a patient who is set aside, over all time, with the arm only."""
    aside = judged.filter(judged.rule.notnull()).anti_join(clean, "patient_id")
    aside = aside.filter(aside.patient_id.notnull())
    return (
        aside.group_by("patient_id")
        .aggregate(arm=aside.arm.max())
        .mutate(
            now_at=ibis.null("string"),
            **{name: ibis.literal(FIRST_DAY, "date") for name in ("start", "since")},
            **{name: ibis.literal(LAST_DAY, "date") for name in ("stop", "until")},
            **{
                name: ibis.null("date")
                for name in (
                    "contributes_from",
                    "collected_to",
                    "usable_from",
                    "death_date",
                    "born",
                )
            },
            kept=ibis.literal(False),
        )
    )


def _collected(observed: ir.Table) -> ir.Table:
    """Return REGISTRATIONS: spells end with the practice's last collection; open ones are blank."""
    open_end = ibis.literal(LAST_DAY, "date")
    last = ibis.least(observed.stop, observed.collected_to.fill_null(open_end))
    spell = observed.mutate(_last=last).filter(observed.kept & (observed.start <= last))
    return spell.select(
        "patient_id", practice_id="now_at", start="start", end=spell["_last"].nullif(open_end)
    )


def _registrations_alone(registrations: ir.Table, practices: ir.Table) -> ir.Table:
    """Return the registrations with the rule that a row fails by itself, and its practice's arm."""
    same = ibis.window(
        group_by=["patient_id", "practice_id", "start", "end", "start_text", "end_text"],
        order_by=["source_file", "source_row"],
    )
    r = registrations.mutate(_place=ibis.row_number().over(same))
    r = r.mutate(
        start=(r.start >= UNKNOWN_FROM).ifelse(ibis.null("date"), r.start),
        end=(r.end >= UNKNOWN_FROM).ifelse(ibis.null("date"), r.end),
        _ended=r.end,
    )
    r = r.left_join(practices, "practice_id").drop("practice_id_right")
    rule = first_failed(
        {
            "registration_repeated": r._place > 0,
            "registration_patient_unknown": r.patient_id.isnull(),
            "registration_practice_unknown": r.practice_now.isnull(),
            "registration_start_unreadable": r.start.isnull(),
            "registration_end_unreadable": r.end_text.notnull() & r._ended.isnull(),
            "registration_end_before_start": r._ended < r.start,
        }
    )
    return r.select(
        "patient_id",
        "practice_now",
        "start",
        "end",
        "source_file",
        "source_row",
        rule=rule,
        arm=r.practice_arm,
    )


def _patients(backend: Any, patients: ir.Table, marked: ir.Table, cleaning: Cleaning) -> ir.Table:
    """Return the patients with the rule that a row fails and the arm of the latest known
    registration."""
    # of two that start on one day, a known practice before an unknown one, the programme's first
    rank = ibis.cases((marked.arm == "programme", 2), (marked.arm == "comparison", 1), else_=0)
    start = marked.start.fill_null(FIRST_DAY).delta(ibis.literal(FIRST_DAY), unit="day")
    latest = start * 3 + rank
    registered = marked.group_by("patient_id").aggregate(
        n_known=marked.practice_now.count(),
        n_valid=(marked.rule.isnull()).sum(),
        arm=marked.arm.argmax(latest),
    )
    p = _compared(backend, patients)
    p = p.left_join(registered, "patient_id").drop("patient_id_right")
    conditions = {
        "patient_without_id": p.patient_id.isnull(),
        "patient_conflicting": p._contradicts,
        "patient_repeated": (p._place > 0) & ~p._contradicts,
        "patient_not_acceptable": ~p.acceptable,
        "patient_sex_missing": p.sex.isnull(),
        "patient_birth_year_missing": p.birth_year.isnull(),
        "patient_death_unreadable": p._death_unreadable,
        "patient_practice_unknown": p.n_known.fill_null(0) == 0,
        "patient_without_registration": p.n_valid.fill_null(0) == 0,
    }
    if not cleaning.acceptable_patient:
        del conditions["patient_not_acceptable"]
    if not cleaning.sex_and_birth_year:
        del conditions["patient_sex_missing"], conditions["patient_birth_year_missing"]
    return p.select(
        "patient_id", *FACTS, "source_file", "source_row", "arm", rule=first_failed(conditions)
    )


def _compared(backend: Any, patients: ir.Table) -> ir.Table:
    """Return the rows with the facts of all rows of their patient, their `_place` among these,
    whether these contradict one another and whether one has a date of death that is none.

    Only patients of several rows are compared.
    """
    n = patients.group_by("patient_id").aggregate(n=patients.count())
    repeated = engine.keep(backend, "repeated_patients", n.filter(n.n > 1))
    facts = {
        fact: patients[fact].nullif("unknown") if fact == "sex" else patients[fact]
        for fact in FACTS
    }
    all_ = patients.select(
        "patient_id",
        "source_file",
        "source_row",
        **facts,
        _death_unreadable=patients.death_date_text.notnull() & patients.death_date.isnull(),
    )
    alone = all_.anti_join(repeated, "patient_id").mutate(
        _place=ibis.literal(0, "int64"), _contradicts=ibis.literal(False)
    )
    several = all_.semi_join(repeated, "patient_id")
    person = ibis.window(group_by="patient_id")
    in_order = ibis.window(group_by="patient_id", order_by=["source_file", "source_row"])
    contradicts: Any = ibis.literal(False)
    for fact in FACTS:
        contradicts |= several[fact].min().over(person) != several[fact].max().over(person)
    several = several.mutate(
        _place=ibis.row_number().over(in_order),
        _contradicts=contradicts.fill_null(False),
        _death_unreadable=several["_death_unreadable"].any().over(person),
        **{fact: several[fact].max().over(person) for fact in FACTS},
    )
    return alone.union(several.select(alone.columns))


def _clean(judged: ir.Table) -> ir.Table:
    """Return PATIENTS of those who are not set aside."""
    clean = judged.filter(judged.rule.isnull())
    return clean.select("patient_id", *FACTS).mutate(sex=clean.sex.fill_null("unknown"))


def _earliest_birth(patients: ir.Table) -> Any:
    """Return the first day on which a patient may have been born."""
    year, month = patients.birth_year, patients.birth_month
    usable = year.between(1000, 2999).ifelse(year, ibis.null("int64"))
    month = month.between(1, 12).ifelse(month, ibis.literal(1)).fill_null(1)
    return ibis.date(usable.cast("int32"), month.cast("int32"), ibis.literal(1))
