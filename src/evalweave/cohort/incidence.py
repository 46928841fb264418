"""New cases by arm and period, of everybody who was at risk, eligible in the end or not.

At risk in a period: on its first day registered for `look_back_days` without a gap, alive, of the age range, without
the conditions of eligibility and without what it excludes. A case is new when the conditions first hold in the period.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import ibis

from evalweave.cohort.eligibility import FOREVER, age_at, continuous, diagnosed, present
from evalweave.study import period_label, period_number, period_start
from evalweave.tables import INCIDENCE

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study import CohortSettings

LONGEST = {"month": 31, "quarter": 92, "half_year": 184, "financial_year": 366, "calendar_year": 366}  # days


def table(
    backend: Any,
    clean: dict[str, ir.Table],
    practices: ir.Table,
    cohort: pd.DataFrame,
    settings: CohortSettings,
) -> pd.DataFrame:
    """Return INCIDENCE; without rows where eligibility asks for no condition, since there are no cases then."""
    import pandas as pd

    if not settings.eligibility.conditions:
        return INCIDENCE.empty()
    period = settings.window.period
    frame = backend.to_pyarrow(_at_risk(clean, practices, settings)).to_pandas()
    index = cohort["index_date"].map(lambda day: period_number(day, period)).astype("int64")
    entered = cohort.assign(period=index).groupby(["arm", "period"])
    counts = entered.agg(n_entered=("patient_id", "size"), n_entered_incident=("incident", "sum"))
    numbers = [number for number, _, _ in _periods(settings)]
    grid = pd.MultiIndex.from_product([["comparison", "programme"], numbers], names=["arm", "period"])
    whole = (
        frame.set_index(["arm", "period"]).join(counts, how="outer").reindex(grid).fillna(0).astype("int64")
    )
    whole = whole.reset_index()
    whole["period_label"] = [period_label(number, period) for number in whole["period"]]
    return INCIDENCE.conform(whole)


def _periods(settings: CohortSettings) -> list[tuple[int, Any, Any]]:
    """Return number, first day and last day of each period, as far as it lies in the window."""
    window, found = settings.window, []
    day = period_start(window.first, window.period)
    while day <= window.last:
        after = period_start(day + dt.timedelta(days=LONGEST[window.period]), window.period)
        last = min(after - dt.timedelta(days=1), window.last)
        found.append((period_number(day, window.period), max(day, window.first), last))
        day = after
    return found


def _at_risk(clean: dict[str, ir.Table], practices: ir.Table, settings: CohortSettings) -> ir.Table:
    """Return arm, period, n_at_risk, n_incident."""
    import pyarrow as pa

    eligibility = settings.eligibility
    numbers, firsts, lasts = zip(*_periods(settings), strict=True)
    periods = ibis.memtable(pa.table({"period": list(numbers), "from_": list(firsts), "to": list(lasts)}))
    spells = clean["registrations"]
    spells = spells.mutate(last=spells.end.fill_null(FOREVER)).select(
        "patient_id", "practice_id", "start", "last"
    )
    there = spells.join(periods, [spells.start <= periods["from_"], spells["last"] >= periods["from_"]])
    arms = practices.select("practice_id", arm="practice_arm")
    there = there.inner_join(arms, "practice_id").select("patient_id", "arm", "period", "from_", "to")
    runs = continuous(clean["registrations"], settings.cleaning.gap_days)
    there = there.inner_join(runs, "patient_id")
    long_enough = there["first"] + ibis.interval(days=eligibility.look_back_days) <= there["from_"]
    there = there.filter(long_enough & (there["last"] >= there["from_"]))
    there = there.inner_join(clean["patients"].select("patient_id", "birth_year", "death_date"), "patient_id")
    there = there.left_join(diagnosed(clean["conditions"], eligibility), "patient_id")
    age = age_at(there.birth_year, there["from_"])
    in_time = there.diagnosed_on.fill_null(FOREVER)
    there = there.filter(
        age.between(*eligibility.age)
        & (there.death_date.fill_null(FOREVER) > there["from_"])
        & (in_time >= there["from_"])
    )
    there = there.mutate(_new=in_time.between(there["from_"], there["to"]).cast("int64"))
    there = _without_excluded(there, clean["conditions"], settings)
    return there.group_by("arm", "period").aggregate(n_at_risk=there.count(), n_incident=there["_new"].sum())


def _without_excluded(there: ir.Table, conditions: ir.Table, settings: CohortSettings) -> ir.Table:
    """Leave out person-periods of people with what `without` names, as it was on the period's first day."""
    eligibility = settings.eligibility
    if not eligibility.without:
        return there
    names = list(dict.fromkeys([*eligibility.without, *(
        rule.more_than for rule in eligibility.counting.values() if rule.more_than
    )]))  # fmt: skip
    people = there.select("patient_id", "period", "from_")
    before = people.inner_join(conditions.filter(conditions.codelist.isin(names)), "patient_id")
    before = before.filter(before.date < before["from_"])
    days = before.group_by("patient_id", "period").aggregate(
        **{f"_n_{place}": (before.codelist == name).cast("int64").sum() for place, name in enumerate(names)}
    )
    counted = {name: days[f"_n_{place}"] for place, name in enumerate(names)}
    excluded = ibis.literal(False)
    for name in eligibility.without:
        excluded = excluded | present(name, counted, eligibility)
    return there.anti_join(days.filter(excluded).select("patient_id", "period"), ["patient_id", "period"])
