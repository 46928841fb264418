"""Several records of one patient, outcome and day become one measurement, or none when they lie too
far apart.

In order: exact repeats (same value, same unit) are one; of two results in two units that agree
within `same_day_twin`, the one in the outcome's unit stays (it was not rounded in another unit);
what is left is averaged, unless it spreads more than `same_day_spread`, when the whole day is set
aside. Both limits are the outcome's own where it has one; yes and no on one day always spread too
far, so that a yes/no outcome stays 0 or 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from evalweave import engine
from evalweave.engine.expressions import exact_mean
from evalweave.records.entries import in_own_unit, unpacked
from evalweave.records.rules import first_failed

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.outcomes import Outcome
    from evalweave.study.records import Cleaning

AT = ["source_file", "source_row"]


def judge(
    backend: Any, good: ir.Table, outcomes: dict[str, Outcome], cleaning: Cleaning
) -> tuple[ir.Table, ir.Table]:
    """Return the records that are alone on their `day`, and the others with `rule`, the day's
    `mean` and `n`.

    `good` are records without a fault, as `entries.judge` leaves them. Of the others of a day, the
    one that stays is the first by file and row of those averaged.
    """
    n = good.group_by("day").aggregate(n=good.count())
    shared = engine.keep(backend, "shared_days", n.filter(n.n > 1))
    alone = good.anti_join(shared, "day")
    several = unpacked(good.inner_join(shared, "day"))
    same = ibis.window(group_by=["day", "unit", "amount"], order_by=AT)
    s = several.mutate(
        _repeat=ibis.row_number().over(same) > 0, _ours=in_own_unit(several, outcomes)
    )
    s = engine.keep(backend, "same_day_records", s)
    first = s.filter(~s._repeat)
    left = first.filter(~first["_ours"])
    right = first.filter(first["_ours"]).select("day", _other="amount")
    near = left.join(right, "day")
    twin = [outcome.twin(cleaning) for outcome in outcomes.values()]
    near = near.filter((near.amount - near._other).abs() <= _limit(near.kind, twin))
    twins = near.select(*AT).distinct().mutate(_twin=True)
    s = s.left_join(twins, AT).drop("source_file_right", "source_row_right")
    s = s.mutate(_merged=s._repeat | s._twin.fill_null(False))
    stays = s.filter(~s._merged)
    days = stays.group_by("day").aggregate(
        mean=exact_mean(stays.amount), _spread=stays.amount.max() - stays.amount.min()
    )
    in_order = ibis.window(group_by=["day", "_merged"], order_by=AT)
    s = s.mutate(_place=ibis.row_number().over(in_order))
    s = s.join(days, "day")
    spread = [outcome.spread(cleaning) for outcome in outcomes.values()]
    rule = first_failed(
        {
            "same_day_repeat": s._repeat,
            "same_day_twin": s._twin.fill_null(False),
            "same_day_spread": s._spread > _limit(s.kind, spread),
            "same_day_averaged": s._place > 0,
        }
    )
    together = s.select(*[name for name in good.columns if name != "rule"], "n", "mean", rule=rule)
    return alone, engine.keep(backend, "judged_days", together)


def _limit(kind: Any, limits: list[float]) -> Any:
    """Return the limit of each row's outcome."""
    known = [(kind == place, ibis.literal(float(limit))) for place, limit in enumerate(limits)]
    return ibis.cases(*known, else_=ibis.null("float64"))
