"""Several records of one patient, outcome and day become one measurement, or none when they lie too far apart.

In order: exact repeats (same value, same unit) are one; of two results in two units that agree within
`same_day_twin`, the one in the outcome's unit stays (it was not rounded in another unit); what is left is averaged,
unless it spreads more than `same_day_spread`, when the whole day is set aside. Both limits are the outcome's own where
it has one; yes and no on one day always spread too far, so that a yes/no outcome stays 0 or 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from evalweave.records import engine
from evalweave.records.rules import first_failed

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study import Cleaning, Outcome

DAY = ["patient_id", "outcome", "date"]
AT = ["source_file", "source_row"]


def judge(backend: Any, records: ir.Table, outcomes: dict[str, Outcome], cleaning: Cleaning) -> ir.Table:
    """Return `records` (all good so far) with `rule`, the day's `mean` and `n_same_day`.

    The record that stays is the first by file and row of those averaged.
    """
    counted = records.mutate(n_same_day=records.count().over(group_by=DAY))
    alone = counted.filter(counted.n_same_day == 1).mutate(mean=counted.value, rule=ibis.null("int16"))
    several = counted.filter(counted.n_same_day > 1)
    ours = ibis.cases(
        *[(several.outcome == name, several.unit == outcome.unit) for name, outcome in outcomes.items()],
        else_=ibis.literal(True),
    )
    same = ibis.window(group_by=[*DAY, "unit", "value"], order_by=AT)
    s = several.mutate(_ours=ours, _repeat=ibis.row_number().over(same) > 0)
    s = engine.keep(backend, "same_day_records", s)
    first = s.filter(~s._repeat)
    left = first.filter(~first._ours)
    right = first.filter(first._ours).select("patient_id", "outcome", "date", _other="value")
    near = left.join(right, DAY)
    twin = {name: outcome.twin(cleaning) for name, outcome in outcomes.items()}
    near = near.filter((near.value - near._other).abs() <= _limit(near.outcome, twin))
    twins = near.select(*AT).distinct().mutate(_twin=True)
    s = s.left_join(twins, AT).drop("source_file_right", "source_row_right")
    s = s.mutate(_merged=s._repeat | s._twin.fill_null(False))
    stays = s.filter(~s._merged)
    days = stays.group_by(DAY).aggregate(
        mean=exact_mean(stays.value), _spread=stays.value.max() - stays.value.min()
    )
    in_order = ibis.window(group_by=[*DAY, "_merged"], order_by=AT)
    s = s.mutate(_place=ibis.row_number().over(in_order))
    s = s.join(days, DAY)
    spread = {name: outcome.spread(cleaning) for name, outcome in outcomes.items()}
    rule = first_failed(
        {
            "same_day_repeat": s._repeat,
            "same_day_twin": s._twin.fill_null(False),
            "same_day_spread": s._spread > _limit(s.outcome, spread),
            "same_day_averaged": s._place > 0,
        }
    )
    columns = [*records.columns, "n_same_day", "mean"]
    columns.remove("rule")
    together = s.mutate(rule=rule).select(*columns, "rule")
    return engine.keep(backend, "judged_days", alone.select(*columns, "rule").union(together))


def _limit(outcome: Any, limits: dict[str, float]) -> Any:
    """Return the limit of each row's outcome."""
    known = [(outcome == name, ibis.literal(float(limit))) for name, limit in limits.items()]
    return ibis.cases(*known, else_=ibis.null("float64"))


def exact_mean(value: Any) -> Any:
    """Return the mean as an aggregate that does not depend on the order of rows.

    Sums of floating-point numbers differ in the last digits with the order in which an engine happens to add; so the
    values are added in the order of their size.
    """
    return value.collect(order_by=value).means()
