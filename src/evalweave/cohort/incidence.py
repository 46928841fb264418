"""New cases by arm and period, of everybody who was at risk, eligible in the end or not.

At risk in a period: on its first day registered for `look_back_days` without a gap, alive, of the
age range, without the conditions of eligibility and without what it excludes. A case is new when
the conditions first hold in the period.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import ibis

from evalweave import engine
from evalweave.cohort.eligibility import continuous, diagnosed, present
from evalweave.engine.expressions import period_expression
from evalweave.study.periods import first_day, period_label, period_number
from evalweave.tables.people import INCIDENCE
from evalweave.timeline import LAST_DAY

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study.stages import CohortSettings


def table(
    backend: Any,
    clean: dict[str, ir.Table],
    practices: ir.Table,
    cohort: ir.Table,
    settings: CohortSettings,
) -> pd.DataFrame:
    """Return INCIDENCE; without rows where eligibility asks for no condition, since there are no
    cases then."""
    import pandas as pd

    if not settings.eligibility.conditions:
        return INCIDENCE.empty()
    period = settings.window.cut
    frame = _at_risk(backend, clean, practices, settings)
    counted = cohort.group_by("arm", "index_date").aggregate(
        n_entered=cohort.count(), n_entered_incident=cohort.incident.sum()
    )
    entered = backend.to_pyarrow(counted).to_pandas()
    entered["period"] = [period_number(day, period) for day in entered["index_date"]]
    counts = entered.groupby(["arm", "period"])[["n_entered", "n_entered_incident"]].sum()
    numbers = [number for number, _, _ in _periods(settings)]
    grid = pd.MultiIndex.from_product(
        [["comparison", "programme"], numbers], names=["arm", "period"]
    )
    whole = (
        frame.set_index(["arm", "period"])
        .join(counts, how="outer")
        .reindex(grid)
        .fillna(0)
        .astype("int64")
    )
    whole = whole.reset_index()
    whole["period_label"] = [period_label(number, period) for number in whole["period"]]
    return INCIDENCE.conform(whole)


def _periods(settings: CohortSettings) -> list[tuple[int, Any, Any]]:
    """Return number, first day and last day of each period, as far as it lies in the window."""
    window, within = settings.window, []
    numbers = [period_number(day, window.cut) for day in (window.first, window.last)]
    for number in range(numbers[0], numbers[1] + 1):
        after = first_day(number + 1, window.cut)
        last = min(after - dt.timedelta(days=1), window.last)
        within.append((number, max(first_day(number, window.cut), window.first), last))
    return within


def _at_risk(
    backend: Any, clean: dict[str, ir.Table], practices: ir.Table, settings: CohortSettings
) -> pd.DataFrame:
    """Return arm, period, n_at_risk, n_incident.

    Every condition bounds the periods in which a person is at risk, so those of one spell are a
    range; counts follow from how many ranges begin and end where. Only people with an entry of what
    excludes are spelt out by period.
    """
    import pandas as pd

    ranges = engine.keep(backend, "ranges", _ranges(clean, practices, settings), large=True)
    names = _excluding(settings)
    parts = []
    if names:
        entries = clean["conditions"].filter(clean["conditions"].codelist.isin(names))
        periods = _period_table(settings)
        few = ranges.semi_join(entries, "patient_id")
        few = few.join(
            periods, [few.first_period <= periods.period, few.last_period >= periods.period]
        )
        few = _without_excluded(
            few.mutate(_new=few.new_period == few.period), clean["conditions"], settings
        )
        counted = few.group_by("arm", "period").aggregate(
            n_at_risk=few.count(), n_incident=few["_new"].sum().cast("int64")
        )
        parts.append(backend.to_pyarrow(counted).to_pandas())
        ranges = ranges.anti_join(entries, "patient_id")
    alike = ranges.group_by("arm", "first_period", "last_period", "new_period").aggregate(
        n=ranges.count()
    )
    grid = pd.DataFrame({"period": [number for number, _, _ in _periods(settings)]})
    spelt = backend.to_pyarrow(alike).to_pandas().merge(grid, how="cross")
    spelt = spelt[spelt["period"].between(spelt["first_period"], spelt["last_period"])]
    new = spelt["n"].where(spelt["new_period"] == spelt["period"], 0)
    parts.append(spelt[["arm", "period"]].assign(n_at_risk=spelt["n"], n_incident=new))
    return pd.concat(parts).groupby(["arm", "period"]).sum().reset_index()


def _ranges(clean: dict[str, ir.Table], practices: ir.Table, settings: CohortSettings) -> ir.Table:
    """Return patient_id, arm, first_period and last_period at risk of each spell, and new_period,
    that of diagnosis."""
    eligibility = settings.eligibility
    arms = practices.select("practice_id", arm="practice_arm")
    spells = clean["registrations"].mutate(until=clean["registrations"].end.fill_null(LAST_DAY))
    t = spells.select("patient_id", "practice_id", "start", "until").inner_join(arms, "practice_id")
    runs = continuous(clean["registrations"], settings.cleaning.gap_days)
    t = t.inner_join(runs, "patient_id")
    people = clean["patients"].select("patient_id", "birth_year", "death_date")
    t = t.inner_join(people, "patient_id").inner_join(_of_age(settings), "birth_year")
    t = t.left_join(diagnosed(clean["conditions"], eligibility), "patient_id")
    since = ibis.greatest(
        t.start, (t["first"] + ibis.interval(days=eligibility.look_back_days)).cast("date")
    )
    day_before_death = (t.death_date.fill_null(LAST_DAY) - ibis.interval(days=1)).cast("date")
    until = ibis.least(t.until, t["last"], day_before_death, t.diagnosed_on.fill_null(LAST_DAY))
    numbers, firsts, _ = zip(*_periods(settings), strict=True)
    period = settings.window.cut
    earlier = (since - ibis.interval(days=1)).cast("date")
    begins = (since <= firsts[0]).ifelse(numbers[0], period_expression(earlier, period) + 1)
    ends = (until < firsts[0]).ifelse(numbers[0] - 1, period_expression(until, period))
    t = t.select(
        "patient_id",
        "arm",
        first_period=ibis.greatest(begins, t.of_age_from),
        last_period=ibis.least(ends, t.of_age_to, numbers[-1]),
        new_period=period_expression(t.diagnosed_on, period),
    )
    return t.filter(t.first_period <= t.last_period)


def _of_age(settings: CohortSettings) -> ir.Table:
    """Return birth_year → the first and the last period on whose first day the age is in range."""
    import pyarrow as pa

    low, high = settings.eligibility.age
    rows: list[dict[str, int]] = []
    known = _periods(settings)
    for year in range(settings.window.first.year - high - 2, settings.window.last.year - low + 2):
        inside = [
            number for number, day, _ in known if low <= day.year - year - (day.month < 7) <= high
        ]
        if inside:
            rows.append({"birth_year": year, "of_age_from": inside[0], "of_age_to": inside[-1]})
    kinds = [(name, pa.int64()) for name in ("birth_year", "of_age_from", "of_age_to")]
    return ibis.memtable(pa.Table.from_pylist(rows, pa.schema(kinds)))


def _period_table(settings: CohortSettings) -> ir.Table:
    import pyarrow as pa

    numbers, firsts, lasts = zip(*_periods(settings), strict=True)
    return ibis.memtable(
        pa.table({"period": list(numbers), "from_": list(firsts), "to": list(lasts)})
    )


def _excluding(settings: CohortSettings) -> list[str]:
    """Return the code lists that decide who is excluded."""
    eligibility = settings.eligibility
    if not eligibility.without:
        return []
    compared = (rule.more_than for rule in eligibility.counting.values() if rule.more_than)
    return list(dict.fromkeys([*eligibility.without, *compared]))


def _without_excluded(
    person_periods: ir.Table, conditions: ir.Table, settings: CohortSettings
) -> ir.Table:
    """Leave out person-periods of people with what `without` names, as it was on the period's first
    day."""
    eligibility, names = settings.eligibility, _excluding(settings)
    people = person_periods.select("patient_id", "period", "from_")
    before = people.inner_join(conditions.filter(conditions.codelist.isin(names)), "patient_id")
    before = before.filter(before.date < before["from_"])
    days = before.group_by("patient_id", "period").aggregate(
        **{
            f"_n_{place}": (before.codelist == name).cast("int64").sum()
            for place, name in enumerate(names)
        }
    )
    counted = {name: days[f"_n_{place}"] for place, name in enumerate(names)}
    excluded = ibis.literal(False)
    for name in eligibility.without:
        excluded = excluded | present(name, counted, eligibility)
    return person_periods.anti_join(
        days.filter(excluded).select("patient_id", "period"), ["patient_id", "period"]
    )
