"""The dead: how many by arm and period, and person-periods from the period of death to the end of
the window.

Only a death that ended follow-up is known (a person who left before is not followed), and
straddling periods are left out as in the panel. `dead_share` is the share of the period's days
after the day of death: what a composite counts for a count or cost. Of a measurement it counts the
whole period of death.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from evalweave.engine.expressions import period_expression
from evalweave.panel import DEAD_SHARE, followed
from evalweave.study.periods import first_day, period_label
from evalweave.tables.people import DEATHS
from evalweave.timeline import FIRST_DAY

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

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
    d = _died(patients, people, settings).cross_join(calendar)
    d = d.filter(d.period >= d.of_death, d["_drop"].isnull() | (d["_drop"] != d.period))
    days = d.closes - ibis.greatest(d.opens - 1, d.day)
    share = days.cast("float64") / (d.closes - d.opens + 1).cast("float64")
    return d.select("person", "period", **{DEAD_SHARE: share})


def counted(
    backend: Any,
    comparison: str,
    patients: ir.Table,
    people: ir.Table,
    runs: ir.Table,
    status: pd.DataFrame,
    settings: PanelSettings,
) -> pd.DataFrame:
    """Return DEATHS: of those in follow-up in a period (`followed.runs`, `followed.status`), those
    who died in it."""
    d = _died(patients, people, settings)
    d = d.inner_join(
        runs,
        [d.person == runs.person, runs.from_period <= d.of_death, runs.to_period >= d.of_death],
    ).select("person", period="of_death")
    known = people.select("person", "arm", "_washed_first", "_washed_last")
    d = d.inner_join(known, "person")
    d = d.filter(
        d["_washed_first"].isnull() | ~d.period.between(d["_washed_first"], d["_washed_last"])
    )
    died = backend.to_pyarrow(d.group_by("arm", "period").aggregate(n=d.count())).to_pandas()
    table = status[status["followed"]].groupby(["arm", "period"], as_index=False)["n"].sum()
    table = table.rename(columns={"n": "n_followed"}).merge(died, how="left")
    table = table.rename(columns={"n": "n_died"}).fillna({"n_died": 0})
    cut = settings.window.cut
    labels = table["period"].map(lambda number: period_label(int(number), cut))
    table = table.assign(comparison=comparison, period_label=labels)
    return DEATHS.conform(table.sort_values(["arm", "period"], ascending=[False, True]))


def _died(patients: ir.Table, people: ir.Table, settings: PanelSettings) -> ir.Table:
    """Return person, _drop, the period and the day (a number) of each death that ended
    follow-up."""
    died = patients.filter(patients.death_date.notnull()).select("patient_id", "death_date")
    d = people.select("patient_id", "person", "censored_on", "_drop").inner_join(died, "patient_id")
    d = d.filter(d.censored_on == d.death_date)
    return d.select(
        "person",
        "_drop",
        of_death=period_expression(d.death_date, settings.window.cut),
        day=d.death_date.delta(ibis.literal(FIRST_DAY), unit="day"),
    )
