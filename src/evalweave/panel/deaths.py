"""The dead: person-periods from the period of death to the end of the window.

Only a death that ended follow-up is known (a person who left before is not followed), and
straddling periods are left out as in the panel. `dead_share` is the share of the period's days
after the day of death: what a composite counts for a count or cost. Of a measurement it counts the
whole period of death.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from evalweave.engine.expressions import period_expression
from evalweave.panel import DEAD_SHARE, followed
from evalweave.study.periods import first_day
from evalweave.timeline import FIRST_DAY

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.stages import PanelSettings


def dead(patients: ir.Table, people: ir.Table, settings: PanelSettings) -> ir.Table:
    """Return person, period and dead_share of the dead members of a comparison."""
    import pyarrow as pa

    numbers, cut = followed.periods(settings), settings.window.cut
    firsts = [(first_day(n, cut) - FIRST_DAY).days for n in (*numbers, numbers[-1] + 1)]
    calendar = ibis.memtable(
        pa.table(
            {
                "period": pa.array(numbers, pa.int64()),
                "opens": pa.array(firsts[:-1], pa.int64()),
                "closes": pa.array([first - 1 for first in firsts[1:]], pa.int64()),
            }
        )
    )
    died = patients.filter(patients.death_date.notnull()).select("patient_id", "death_date")
    d = people.select("patient_id", "person", "censored_on", "_drop").inner_join(died, "patient_id")
    d = d.filter(d.censored_on == d.death_date)
    d = d.select(
        "person",
        "_drop",
        _of_death=period_expression(d.death_date, cut),
        _day=d.death_date.delta(ibis.literal(FIRST_DAY), unit="day"),
    )
    d = d.cross_join(calendar)
    d = d.filter(d.period >= d["_of_death"], d["_drop"].isnull() | (d["_drop"] != d.period))
    days = d.closes - ibis.greatest(d.opens - 1, d["_day"])
    share = days.cast("float64") / (d.closes - d.opens + 1).cast("float64")
    return d.select("person", "period", **{DEAD_SHARE: share})
