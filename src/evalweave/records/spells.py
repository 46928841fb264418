"""Registrations as spells: repaired, merged, without overlaps, so that a day belongs to one
practice at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from evalweave.timeline import FIRST_DAY, LAST_DAY

if TYPE_CHECKING:
    import ibis.expr.types as ir


def days(n: int) -> Any:
    return ibis.interval(days=n)


def merged(spells: ir.Table, gap_days: int) -> ir.Table:
    """Merge spells of one patient and practice that overlap, touch, or lie at most `gap_days`
    apart.

    `spells` has patient_id, practice_id, start, stop (inclusive).
    """
    earlier = ibis.cumulative_window(
        group_by=["patient_id", "practice_id"], order_by=["start", "stop"]
    )
    reached = spells.mutate(_reached=spells.stop.max().over(earlier))
    in_order = ibis.window(group_by=["patient_id", "practice_id"], order_by=["start", "stop"])
    flagged = reached.mutate(_before=reached._reached.lag().over(in_order))
    new = flagged._before.isnull() | (flagged.start > flagged._before + days(1 + gap_days))
    numbered = flagged.mutate(_new=new.cast("int32"))
    numbered = numbered.mutate(_island=numbered._new.sum().over(earlier))
    return numbered.group_by(["patient_id", "practice_id", "_island"]).aggregate(
        start=numbered.start.min(), stop=numbered.stop.max()
    )[["patient_id", "practice_id", "start", "stop"]]


def without_overlaps(spells: ir.Table) -> ir.Table:
    """Give each day to one spell: of those that cover it, the latest start, then the longest.

    Days between the boundaries of a patient's spells all have the same spells, so each stretch is
    decided once.
    """
    starts = spells.select("patient_id", day=spells.start)
    ends = spells.select("patient_id", day=spells.stop + days(1))
    days_ = starts.union(ends, distinct=True)
    in_order = ibis.window(group_by="patient_id", order_by="day")
    stretches = days_.mutate(_until=days_.day.lead().over(in_order) - days(1))
    stretches = stretches.filter(stretches._until.notnull())
    covering = stretches.join(
        spells,
        [
            stretches.patient_id == spells.patient_id,
            spells.start <= stretches.day,
            spells.stop >= stretches._until,
        ],
    ).select("patient_id", "practice_id", "day", "_until", "start", "stop")
    best = ibis.window(
        group_by=["patient_id", "day"],
        order_by=[ibis.desc("start"), ibis.desc("stop"), "practice_id"],
    )
    chosen = covering.mutate(_place=ibis.row_number().over(best)).filter(lambda t: t._place == 0)
    return chosen.select("patient_id", "practice_id", start=chosen.day, stop=chosen._until)


def disjoint(spells: ir.Table, gap_days: int) -> ir.Table:
    """Return spells (patient_id, practice_id, start, stop) merged and without overlaps."""
    whole = merged(spells, gap_days)
    n = whole.mutate(_n=whole.count().over(group_by="patient_id"))
    single = n.filter(n._n == 1).drop("_n")
    several = n.filter(n._n > 1).drop("_n")
    return single.union(merged(without_overlaps(several), 0))


def tiles(spells: ir.Table) -> ir.Table:
    """Return the spells with `since` and `until`: consecutive stretches that cover all time.

    A day lies in exactly one tile of a patient: its own spell's, or the spell's that comes next (it
    is before the start), or the last spell's (it is after the end).
    """
    in_order = ibis.window(group_by="patient_id", order_by="start")
    with_neighbours = spells.mutate(
        _last=spells.stop.lag().over(in_order), _next=spells.start.lead().over(in_order)
    )
    ever, never = ibis.literal(FIRST_DAY, "date"), ibis.literal(LAST_DAY, "date")
    return with_neighbours.mutate(
        since=(with_neighbours._last + days(1)).cast("date").fill_null(ever),
        until=with_neighbours._next.isnull().ifelse(never, with_neighbours.stop),
    ).drop("_last", "_next")
