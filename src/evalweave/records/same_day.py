"""Several records of one patient, outcome and day become one measurement, or none if too far apart.

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
from evalweave.records.entries import unpacked
from evalweave.records.rules import first_failed
from evalweave.records.values import in_own_unit

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.outcomes import Outcome
    from evalweave.study.records import Cleaning

AT = ["source_file", "source_row"]


def judge(
    backend: Any, good: ir.Table, outcomes: dict[str, Outcome], cleaning: Cleaning
) -> tuple[ir.Table, ir.Table]:
    """Return the records that are alone on their `occasion`, and the others with `rule`, the
    occasion's `mean` and `n`.

    `good` are records without a fault, as `entries.judge` leaves them. Of the others of an
    occasion, the one that stays is the first by file and row of those averaged.
    """
    n = good.group_by("occasion").aggregate(n=good.count())
    shared = engine.keep(backend, "shared_occasions", n.filter(n.n > 1))
    alone = good.anti_join(shared, "occasion")
    several = unpacked(good.inner_join(shared, "occasion"))
    same = ibis.window(group_by=["occasion", "unit", "amount"], order_by=AT)
    several = several.mutate(
        _repeat=ibis.row_number().over(same) > 0, _own=in_own_unit(several, outcomes)
    )
    several = engine.keep(backend, "same_day_records", several)
    s = several.left_join(_twins(several, outcomes, cleaning), AT)
    s = s.drop("source_file_right", "source_row_right")
    s = s.mutate(_twin=s._twin.fill_null(False))
    s = s.mutate(_merged=s._repeat | s._twin)
    averaged = s.filter(~s._merged)
    occasions = averaged.group_by("occasion").aggregate(
        mean=exact_mean(averaged.amount), _spread=averaged.amount.max() - averaged.amount.min()
    )
    in_order = ibis.window(group_by=["occasion", "_merged"], order_by=AT)
    s = s.mutate(_place=ibis.row_number().over(in_order)).join(occasions, "occasion")
    spread = [outcome.spread(name, cleaning) for name, outcome in outcomes.items()]
    rule = first_failed(
        {
            "same_day_repeat": s._repeat,
            "same_day_twin": s._twin,
            "same_day_spread": s._spread > _limit(s.kind, spread),
            "same_day_averaged": s._place > 0,
        }
    )
    together = s.select(*[name for name in good.columns if name != "rule"], "n", "mean", rule=rule)
    return alone, engine.keep(backend, "judged_occasions", together)


def _twins(several: ir.Table, outcomes: dict[str, Outcome], cleaning: Cleaning) -> ir.Table:
    """Return the records (source_file, source_row, _twin) whose result another one of the occasion
    has in the outcome's own unit."""
    distinct = several.filter(~several._repeat)
    other_unit = distinct.filter(~distinct["_own"])
    own_unit = distinct.filter(distinct["_own"]).select("occasion", _amount="amount")
    pairs = other_unit.join(own_unit, "occasion")
    distance = [outcome.twin(name, cleaning) for name, outcome in outcomes.items()]
    near = (pairs.amount - pairs._amount).abs() <= _limit(pairs.kind, distance)
    return pairs.filter(near).select(*AT).distinct().mutate(_twin=True)


def _limit(kind: Any, limits: list[float]) -> Any:
    """Return the limit of each row's outcome."""
    known = [(kind == place, ibis.literal(float(limit))) for place, limit in enumerate(limits)]
    return ibis.cases(*known, else_=ibis.null("float64"))
