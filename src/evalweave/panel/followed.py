"""Who was in follow-up when, measured or not: runs of periods, and why a person-period is not in
the panel.

A person-period is followed when the person was registered and followed on some day of it. Followed
periods are kept as unbroken runs, so that a person takes a row or two, however many the periods;
counts by arm and period follow from how many runs begin and end where, without spelling out a row
for every person and period.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from evalweave.engine.expressions import period_expression
from evalweave.study.periods import period_number
from evalweave.timeline import LAST_DAY

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study.stages import PanelSettings


def periods(settings: PanelSettings) -> list[int]:
    """Return the numbers of the window's periods."""
    period = settings.window.cut
    first, last = (
        period_number(settings.window.first, period),
        period_number(settings.window.last, period),
    )
    return list(range(first, last + 1))


def runs(spells: ir.Table, people: ir.Table, settings: PanelSettings) -> ir.Table:
    """Return person, from_period, to_period (both included) of unbroken follow-up, less straddling
    periods.

    `spells` are registrations with `person`. A spell counts from the entry into the cohort to the
    end of follow-up.
    """
    numbers, period = periods(settings), settings.window.cut
    s = spells.inner_join(
        people.select("person", "censored_on", "followed_from", "_drop"), "person"
    )
    last = ibis.least(s.end.fill_null(LAST_DAY), s.censored_on)
    first = ibis.greatest(s.start, s.followed_from.fill_null(s.start))
    s = s.select(
        "person",
        "_drop",
        from_period=ibis.greatest(period_expression(first, period), numbers[0]),
        to_period=ibis.least(period_expression(last, period), numbers[-1]),
    )
    s = s.filter(s.from_period <= s.to_period)
    return cut(merged(s), "_drop", "_drop").drop("_drop")


def merged(s: ir.Table) -> ir.Table:
    """Merge the runs of a person that overlap or touch."""
    order = ["from_period", "to_period"]
    counted = s.mutate(_n=s.count().over(group_by="person"))
    alone, several = (
        counted.filter(counted._n == 1).drop("_n"),
        counted.filter(counted._n > 1).drop("_n"),
    )
    so_far = ibis.cumulative_window(group_by="person", order_by=order)
    in_order = ibis.window(group_by="person", order_by=order)
    t = several.mutate(_reached=several.to_period.max().over(so_far))
    t = t.mutate(_before=t._reached.lag().over(in_order))
    t = t.mutate(_new=(t._before.isnull() | (t.from_period > t._before + 1)).cast("int64"))
    t = t.mutate(_run=t._new.sum().over(so_far))
    whole = t.group_by("person", "_run").aggregate(
        _drop=t["_drop"].max(), from_period=t.from_period.min(), to_period=t.to_period.max()
    )
    return alone.union(whole.select(*alone.columns))


def cut(t: ir.Table, first: str, last: str) -> ir.Table:
    """Take the periods `first` to `last` (columns; blank = none) out of the runs."""
    before = t.mutate(to_period=ibis.least(t.to_period, (t[first] - 1).fill_null(t.to_period)))
    after = t.filter(t[first].notnull())
    after = after.mutate(from_period=ibis.greatest(after.from_period, after[last] + 1))
    whole = before.union(after)
    return whole.filter(whole.from_period <= whole.to_period)


def followed(runs: ir.Table, people: ir.Table) -> ir.Table:
    """Return patient_id, practice_id, first_treated, from_period, to_period; whole periods of
    washout taken out."""
    known = people.select(
        "person", "patient_id", "practice_id", "first_treated", "_washed_first", "_washed_last"
    )
    t = cut(runs.inner_join(known, "person"), "_washed_first", "_washed_last").order_by(
        "person", "from_period"
    )
    return t.select("patient_id", "practice_id", "first_treated", "from_period", "to_period")


def status(
    backend: Any, people: ir.Table, rows: ir.Table, runs: ir.Table, settings: PanelSettings
) -> pd.DataFrame:
    """Return arm, period, rule and n of every person × period: why it is not a row of the panel,
    blank where it is.

    `followed` says which lines count as in follow-up. `rows` are those of the panel (person,
    period).
    """
    import pandas as pd

    known = people.select("person", "arm", "_drop", "_washed_first", "_washed_last")
    last = period_expression(people.censored_on, settings.window.cut)
    kinds = people.mutate(_last=last).group_by(
        "arm", "_last", "_drop", "_entered", "_washed_first", "_washed_last"
    )
    everyone = _spelt_out(
        backend.to_pyarrow(kinds.aggregate(n=ibis._.count())).to_pandas(), settings
    )
    r = runs.inner_join(known, "person")
    alike = r.group_by(
        "arm", "from_period", "to_period", "_washed_first", "_washed_last"
    ).aggregate(n=r.count())
    registered = _spelt_out(backend.to_pyarrow(alike).to_pandas(), settings)
    registered = registered[
        registered["period"].between(registered["from_period"], registered["to_period"])
    ]
    measured = rows.inner_join(known, "person")
    measured = measured.group_by("arm", "period").aggregate(n=measured.count())
    # a measurement outside every registration is there only where the rule on transferred history
    # is off
    inside = rows.inner_join(
        runs,
        [
            rows.person == runs.person,
            runs.from_period <= rows.period,
            runs.to_period >= rows.period,
        ],
    )
    inside = inside.select("person", "period").inner_join(known, "person")
    inside = inside.group_by("arm", "period").aggregate(n=inside.count())

    beyond = everyone["period"] > everyone["_last"]
    straddles = ~beyond & (everyone["period"] == everyone["_drop"])
    early = ~beyond & ~straddles & (everyone["period"] < everyone["_entered"])
    total = _sums(everyone[~beyond & ~straddles & ~early])
    seen, in_runs = (
        _sums(backend.to_pyarrow(measured).to_pandas()),
        _sums(backend.to_pyarrow(inside).to_pandas()),
    )
    stray = seen.sub(in_runs, fill_value=0)
    washed = registered["period"].between(registered["_washed_first"], registered["_washed_last"])
    lines = {
        "": seen,
        "after_follow_up": _sums(everyone[beyond]),
        "straddling_period": _sums(everyone[straddles]),
        "before_follow_up": _sums(everyone[early]),
        "not_registered": total.sub(_sums(registered), fill_value=0).sub(stray, fill_value=0),
        "washout": _sums(registered[washed]),
        "not_measured": _sums(registered[~washed]).sub(in_runs, fill_value=0),
    }
    frame = pd.concat([n.rename("n").reset_index().assign(rule=rule) for rule, n in lines.items()])
    frame = frame.assign(
        n=frame["n"].astype("int64"), followed=frame["rule"].isin(["", "not_measured"])
    )
    return frame[frame["n"] > 0].reset_index(drop=True)


def _spelt_out(counts: pd.DataFrame, settings: PanelSettings) -> pd.DataFrame:
    """Return each line of counts once for every period."""
    import pandas as pd

    return counts.merge(pd.DataFrame({"period": periods(settings)}), how="cross")


def _sums(frame: pd.DataFrame) -> pd.Series:
    return frame.groupby(["arm", "period"])["n"].sum()
