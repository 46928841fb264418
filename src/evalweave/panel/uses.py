"""Care that was used: a row a patient and period in follow-up, with counts, costs, person-time.

A person-period is there when the person was registered, alive and followed on some day of it, and
has zero of what no record tells of; `exposure` is the share of the period's days. Straddling
periods and washouts are left out as in the panel, death ends person-time (while alive). Each day
with a record of an item is one event; events on days out of follow-up are counted and left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from evalweave import engine
from evalweave.engine.expressions import period_expression
from evalweave.errors import Fault, raise_faults
from evalweave.panel import followed
from evalweave.panel.building import numbered_people, with_facts
from evalweave.panel.use_ledger import use_ledger
from evalweave.panel.use_trends import use_trends
from evalweave.study.periods import first_day
from evalweave.timeline import FIRST_DAY, LAST_DAY

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study.stages import UsesSettings


@dataclass(frozen=True)
class Uses:
    """The rows, for each arm and item how many events were received and counted, and the raw means
    and the ledger of the outcomes that are made of them."""

    panel: ir.Table
    counts: pd.DataFrame
    trends: pd.DataFrame
    ledger: pd.DataFrame


def build_uses(
    backend: Any,
    conditions: ir.Table,
    registrations: ir.Table,
    cohort: ir.Table,
    membership: ir.Table,
    comparison: str,
    settings: UsesSettings,
    prices: dict[str, float],
) -> Uses:
    """Return one comparison's person-periods: PANEL's columns, exposure, a count an item and, with
    `prices` (item -> cost of a unit), cost_<item> and cost.

    Raises:
        DataError: where nobody is in the comparison.
    """
    members = membership.filter(membership.comparison == comparison).select(
        "patient_id", "arm", "weight"
    )
    people = engine.keep(
        backend,
        "users",
        numbered_people(backend, members.inner_join(cohort.drop("arm"), "patient_id"), settings),
    )
    if not backend.to_pyarrow(people.aggregate(n=people.count())).to_pylist()[0]["n"]:
        raise_faults([Fault(f"comparison {comparison}", "no patients", "patients in both arms")])
    spans = engine.keep(backend, "followed_days", _spans(registrations, people, settings))
    cells = _cells(spans, settings)
    events = engine.keep(backend, "events_of_use", _events(conditions, people, spans, settings))
    rows = cells.left_join(_counted(events, settings), ["person", "period"])
    items = list(settings.resource_use.items)
    amounts = {item: rows[item].fill_null(0) for item in items}
    rows = rows.select("person", "period", "exposure", **amounts)
    columns = ["exposure", *items]
    if prices:
        rows = rows.mutate(**{f"cost_{i}": rows[i] * ibis.literal(prices[i]) for i in items})
        total: Any = rows[f"cost_{items[0]}"]
        for item in items[1:]:
            total = total + rows[f"cost_{item}"]
        rows = rows.mutate(cost=total)
        columns += [*(f"cost_{item}" for item in items), "cost"]
    rows = engine.keep(backend, "rows_of_use", rows)
    spells = registrations.inner_join(people.select("patient_id", "person"), "patient_id")
    trends = use_trends(backend, comparison, rows, people, settings)
    cells = rows.select("person", "period")
    return Uses(
        with_facts(rows, people, settings, columns),
        _received(backend, events, items),
        trends,
        use_ledger(backend, cells, events, people, spells, trends, settings),
    )


def _day(date: Any) -> Any:
    """Return a date as days since the first day."""
    return date.delta(ibis.literal(FIRST_DAY), unit="day")


def _spans(registrations: ir.Table, people: ir.Table, settings: UsesSettings) -> ir.Table:
    """Return person, _drop, from_period, to_period: unbroken runs of followed days (as numbers),
    days of washout taken out."""
    window = settings.window
    known = people.select("patient_id", "person", "followed_from", "censored_on", "_drop", "_start")
    s = registrations.inner_join(known, "patient_id")
    first = ibis.greatest(s.start, s.followed_from.fill_null(s.start), ibis.literal(window.first))
    last = ibis.least(s.end.fill_null(LAST_DAY), s.censored_on, ibis.literal(window.last))
    s = s.select("person", "_drop", from_period=_day(first), to_period=_day(last))
    s = followed.merged(s.filter(s.from_period <= s.to_period))
    if not settings.exposure.washout_days:
        return s
    starts = people.select("person", "_start")
    s = s.inner_join(starts, "person")
    s = s.mutate(
        _from=_day(s["_start"]), _to=_day(s["_start"]) + (settings.exposure.washout_days - 1)
    )
    return followed.cut(s, "_from", "_to").drop("_from", "_to", "_start")


def _cells(spans: ir.Table, settings: UsesSettings) -> ir.Table:
    """Return person, period and exposure of every person-period with a followed day."""
    import pyarrow as pa

    numbers, period = followed.periods(settings), settings.window.cut
    firsts = [
        (first_day(number, period) - FIRST_DAY).days for number in (*numbers, numbers[-1] + 1)
    ]
    calendar = ibis.memtable(
        pa.table(
            {
                "period": pa.array(numbers, pa.int64()),
                "opens": pa.array(firsts[:-1], pa.int64()),
                "closes": pa.array([first - 1 for first in firsts[1:]], pa.int64()),
            }
        )
    )
    t = spans.cross_join(calendar)
    t = t.filter(t.from_period <= t.closes, t.to_period >= t.opens)
    t = t.filter(t["_drop"].isnull() | (t["_drop"] != t.period))
    days = ibis.least(t.to_period, t.closes) - ibis.greatest(t.from_period, t.opens) + 1
    t = t.mutate(_days=days, _length=t.closes - t.opens + 1)
    summed = t.group_by("person", "period").aggregate(
        _days=t["_days"].sum(), _length=t["_length"].max()
    )
    exposure = summed["_days"].cast("float64") / summed["_length"].cast("float64")
    return summed.select("person", "period", exposure=exposure)


def _events(
    conditions: ir.Table, people: ir.Table, spans: ir.Table, settings: UsesSettings
) -> ir.Table:
    """Return person, arm, item, day, period, rule (why it is not counted; null = it is) and counted
    (1 or 0) of every event in the window."""
    listed = [
        conditions.filter(
            (conditions.codelist == used.codelist)
            | conditions.codelist.startswith(f"{used.codelist}[")
        ).select("patient_id", "date", item=ibis.literal(item))
        for item, used in settings.resource_use.items.items()
    ]
    e = (ibis.union(*listed) if len(listed) > 1 else listed[0]).distinct()
    e = e.filter(e.date.between(settings.window.first, settings.window.last))
    e = e.inner_join(people.select("patient_id", "person", "arm", "_drop"), "patient_id")
    e = e.mutate(day=_day(e.date), period=period_expression(e.date, settings.window.cut))
    inside = e.inner_join(
        spans.select("person", "from_period", "to_period"),
        [
            e.person == spans.person,
            e.day >= spans.from_period,
            e.day <= spans.to_period,
        ],
    ).select("person", "item", "day", within=ibis.literal(1))
    e = e.left_join(inside, ["person", "item", "day"])
    straddles = e["_drop"].notnull() & (e["_drop"] == e.period)
    rule = ibis.cases((straddles, "straddling_period"), (e.within.isnull(), "not_followed"))
    e = e.select("person", "arm", "item", "day", "period", rule=rule)
    return e.mutate(counted=e.rule.isnull().ifelse(1, 0))


def _counted(events: ir.Table, settings: UsesSettings) -> ir.Table:
    """Return person, period and how many counted events of each item."""
    e = events.filter(events.counted == 1)
    sums = {item: e.count(where=e.item == item) for item in settings.resource_use.items}
    return e.group_by("person", "period").aggregate(**sums)


def _received(backend: Any, events: ir.Table, items: list[str]) -> pd.DataFrame:
    """Return arm, item, n_events and n_counted, in order."""
    import pandas as pd

    summed = events.group_by("arm", "item").aggregate(
        n_events=events.count(), n_counted=events.counted.sum()
    )
    frame = backend.to_pyarrow(summed).to_pandas()
    every = pd.MultiIndex.from_product([("programme", "comparison"), items], names=["arm", "item"])
    filled = frame.set_index(["arm", "item"]).reindex(every, fill_value=0)
    return filled.astype("int64").reset_index()
