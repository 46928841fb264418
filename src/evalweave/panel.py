"""The panel: one row a patient and period in which an outcome was measured, for one comparison.

A practice that starts inside a period is handled as `exposure.straddling` says: that period is left out (drop),
counted as treated, or as not yet treated. `washout_days` after a start are left out day by day; where all practices
start on the same day, the comparison practices leave out the same days, so that seasons stay comparable.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from evalweave.errors import Fault, raise_faults
from evalweave.records import engine
from evalweave.records.entries import period_expression
from evalweave.records.same_day import exact_mean
from evalweave.study import BASELINE_OF, period_label, period_number, period_start
from evalweave.tables import LEDGER, PANEL, TRENDS

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study import Exposure, PanelSettings

STAGE = "panel"
COVARIATES = ("age", "sex", "female", "white", "imd_quintile", "n_conditions", "fewer_conditions", "incident")
RECORD_REASONS = {
    "not_in_comparison": "patient is not in this comparison",
    "outside_follow_up": "after the end of follow-up",
    "straddling_period": "in the period in which the practice started the programme",
    "washout": "within the washout after the start",
    "before_follow_up": "before the entry into an open cohort",
}
PERIOD_REASONS = {
    "not_registered": "not registered on any day of the period",
    "after_follow_up": "after the end of follow-up",
    "straddling_period": "the period in which the practice started the programme",
    "not_measured": "followed but no outcome measured",
    "washout": "wholly within the washout after the start",
    "before_follow_up": "before the entry into an open cohort",
}


@dataclass(frozen=True)
class Panels:
    """A comparison's panel, its raw trends, its ledger, and every patient-period in follow-up, measured or not."""

    panel: pd.DataFrame
    trends: pd.DataFrame
    ledger: pd.DataFrame
    followed: pd.DataFrame


def build(
    backend: Any,
    measurements: ir.Table,
    registrations: ir.Table,
    cohort: pd.DataFrame,
    membership: pd.DataFrame,
    comparison: str,
    settings: PanelSettings,
) -> Panels:
    """Build one comparison's panel; raise `DataError` when an outcome was never measured in an arm."""
    members = membership.loc[membership["comparison"] == comparison, ["patient_id", "arm", "weight"]]
    if not len(members):
        raise_faults([Fault(f"comparison {comparison}", "no patients", "patients in both arms")])
    people = members.merge(cohort.drop(columns="arm"), on="patient_id").sort_values(
        "patient_id", ignore_index=True
    )
    people = _treated(people, settings)
    here = engine.keep(backend, "people", _people_table(people))
    judged = engine.keep(backend, "panel_records", _judged(measurements, here, settings))
    used = judged.filter(judged.rule.isnull())
    values = backend.to_pyarrow(_period_values(used, settings)).to_pandas()
    panel = _wide(values, people, settings)
    followed = backend.to_pyarrow(_followed(here, registrations, settings)).to_pandas()
    status = _person_periods(people, followed, panel, settings)
    counts = backend.to_pyarrow(
        judged.group_by("arm", "period", "rule").aggregate(n=judged.count())
    ).to_pandas()
    ledger = _ledger(counts, status, settings.window.period)
    trends = _trends(comparison, panel, people, status, settings)
    _check_measured(panel, people, comparison, settings)
    return Panels(panel, trends, ledger, _in_follow_up(status, people, panel, settings))


def first_treated(start: dt.date, exposure: Exposure, period: str) -> int:
    """Return the first treated period of a practice that starts on `start`.

    The period that contains the start; the next one where a straddling period counts as untreated.
    """
    number = period_number(start, period)
    straddles = period_start(start, period) != start
    return number + 1 if straddles and exposure.straddling == "untreated" else number


def _treated(people: pd.DataFrame, settings: PanelSettings) -> pd.DataFrame:
    """Add first_treated as `exposure` says, the period to drop, and the days to wash out."""
    import pandas as pd

    period, exposure = settings.window.period, settings.exposure
    start = people["programme_start"].map(lambda day: day if isinstance(day, dt.date) else None)
    starts = sorted({day for day in start if isinstance(day, dt.date)})

    def dropped(day: Any) -> Any:
        straddles = isinstance(day, dt.date) and period_start(day, period) != day
        return period_number(day, period) if straddles and exposure.straddling == "drop" else pd.NA

    first = {day: first_treated(day, exposure, period) for day in starts}
    drop = {day: dropped(day) for day in starts}
    comparison_in_programme = (people["arm"] == "comparison") & start.notna()
    common = starts[0] if len(starts) == 1 else None
    begins = start.where(start.notna(), common) if common else start
    washed = {day: _washed(day, settings) for day in starts}
    entered = people["followed_from"].map(
        lambda day: period_number(day, period) if isinstance(day, dt.date) else pd.NA
    )
    return people.assign(
        first_treated=start.map(first).where(~comparison_in_programme).astype("Int64"),
        _drop=start.map(drop).astype("Int64"),
        _start=begins,
        _washed_first=begins.map({day: each[0] for day, each in washed.items() if each}).astype("Int64"),
        _washed_last=begins.map({day: each[-1] for day, each in washed.items() if each}).astype("Int64"),
        _entered=entered.astype("Int64"),
    )


def _washed(start: dt.date, settings: PanelSettings) -> list[int]:
    """Return the periods of which every day lies in the washout after `start`."""
    end = start + dt.timedelta(days=settings.exposure.washout_days)
    period = settings.window.period
    return [
        n for n in _periods(settings) if start <= _first_day(n, period) and _first_day(n + 1, period) <= end
    ]


def _people_table(people: pd.DataFrame) -> ir.Table:
    import pyarrow as pa

    columns = ["patient_id", "arm", "censored_on", "_drop", "_start", "followed_from"]
    kinds = [pa.string(), pa.string(), pa.date32(), pa.int64(), pa.date32(), pa.date32()]
    arrays = [
        pa.array([None if _blank(v) else v for v in people[name]], kind)
        for name, kind in zip(columns, kinds, strict=True)
    ]
    return ibis.memtable(pa.table(arrays, names=columns))


def _blank(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def _judged(measurements: ir.Table, people: ir.Table, settings: PanelSettings) -> ir.Table:
    """Return every measurement with its period, arm and the reason (if any) why the panel leaves it out."""
    m = measurements.left_join(people, "patient_id").drop("patient_id_right")
    period = period_expression(m.date, settings.window.period)
    wash = ibis.literal(False)
    if settings.exposure.washout_days:
        end = m["_start"] + ibis.interval(days=settings.exposure.washout_days)
        wash = (m.date >= m["_start"]) & (m.date < end)
    conditions = {
        "not_in_comparison": m.arm.isnull(),
        "outside_follow_up": m.date > m.censored_on,
        "straddling_period": period == m["_drop"],
        "washout": wash,
        "before_follow_up": m.date < m.followed_from,
    }
    rule = ibis.cases(
        *[(conditions[name], ibis.literal(name)) for name in RECORD_REASONS], else_=ibis.null("string")
    )
    return m.select("patient_id", "arm", "date", "outcome", "value", "n_same_day", period=period, rule=rule)


def _period_values(used: ir.Table, settings: PanelSettings) -> ir.Table:
    """Return patient_id, period, outcome, value and n: each outcome's values of a period made one."""
    parts = []
    for name, outcome in settings.outcomes.items():
        t = used.filter(used.outcome == name)
        by = ["patient_id", "period"]
        if outcome.per_period == "mean":
            one = t.group_by(by).aggregate(value=exact_mean(t.value), n=t.count())
        else:
            if outcome.per_period == "last":
                order: list[Any] = [ibis.desc("date")]
            else:
                days = _days_from_middle(t, settings)
                t = t.mutate(_days=days)
                order = ["_days", "date"]
            ranked = t.mutate(
                _place=ibis.row_number().over(group_by=by, order_by=order), n=t.count().over(group_by=by)
            )
            one = ranked.filter(ranked._place == 0).select(*by, "value", "n")
        parts.append(one.mutate(outcome=ibis.literal(name)).select(*by, "outcome", "value", "n"))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _days_from_middle(t: ir.Table, settings: PanelSettings) -> Any:
    """Return the distance in days of a record from the middle of its period."""
    numbers = _periods(settings)
    firsts = [_first_day(number, settings.window.period) for number in (*numbers, numbers[-1] + 1)]
    middles = [
        (t.period == number, ibis.literal(first + (after - first) // 2))
        for number, first, after in zip(numbers, firsts[:-1], firsts[1:], strict=True)
    ]
    middle = ibis.cases(*middles, else_=ibis.null("date"))
    return t.date.delta(middle, unit="day").abs()


def _periods(settings: PanelSettings) -> list[int]:
    period = settings.window.period
    first, last = period_number(settings.window.first, period), period_number(settings.window.last, period)
    return list(range(first, last + 1))


def _first_day(number: int, period: str) -> dt.date:
    if period == "financial_year":
        return dt.date(number, 4, 1)
    if period == "calendar_year":
        return dt.date(number, 1, 1)
    months = {"month": 1, "quarter": 3, "half_year": 6}[period]
    year, part = divmod(number, 12 // months)
    return dt.date(year, part * months + 1, 1)


def _wide(values: pd.DataFrame, people: pd.DataFrame, settings: PanelSettings) -> pd.DataFrame:
    """Return PANEL with a column and an n_ column per outcome, and the baseline covariates."""
    by = ["patient_id", "period"]
    wide = values.pivot(index=by, columns="outcome", values="value").reindex(columns=list(settings.outcomes))
    n = values.pivot(index=by, columns="outcome", values="n").reindex(columns=list(settings.outcomes))
    n = n.fillna(0).astype("int64").add_prefix("n_")
    wide = wide.join(n).reset_index()
    facts = people.assign(female=people["sex"].map({"female": 1, "male": 0}).astype("Int64"))
    covariates = [*COVARIATES, *(name for name in facts.columns if name.startswith(BASELINE_OF))]
    columns = ["patient_id", "practice_id", "first_treated", "weight", *covariates]
    panel = wide.merge(facts[columns], on="patient_id")
    panel["period_label"] = panel["period"].map(
        lambda number: period_label(int(number), settings.window.period)
    )
    outcomes = [name for each in settings.outcomes for name in (each, f"n_{each}")]
    panel = panel.sort_values(by, ignore_index=True)
    fixed = PANEL.conform(panel)
    return fixed.join(panel[["period_label", *outcomes, *covariates]])


def _followed(people: ir.Table, registrations: ir.Table, settings: PanelSettings) -> ir.Table:
    """Return patient_id, period of everyone registered and followed on some day of a period."""
    import pyarrow as pa

    period = settings.window.period
    numbers = _periods(settings)
    table = pa.table(
        {
            "period": numbers,
            "from_": [_first_day(number, period) for number in numbers],
            "to": [_first_day(number + 1, period) - dt.timedelta(days=1) for number in numbers],
        }
    )
    who = people.select("patient_id", "censored_on", "followed_from")
    spells = registrations.inner_join(who, "patient_id")
    last = ibis.least(spells.end.fill_null(dt.date(2999, 12, 31)), spells.censored_on)
    spells = spells.mutate(_last=last)
    periods = ibis.memtable(table)
    crossed = spells.join(periods, [spells.start <= periods.to, spells["_last"] >= periods["from_"]])
    crossed = crossed.filter(crossed.followed_from.isnull() | (crossed.followed_from <= crossed.to))
    return crossed.select("patient_id", "period").distinct()


def _person_periods(
    people: pd.DataFrame, followed: pd.DataFrame, panel: pd.DataFrame, settings: PanelSettings
) -> pd.DataFrame:
    """Return every patient × period of the window with `rule`: why it is not a row of the panel, or blank."""
    import numpy as np
    import pandas as pd

    numbers = np.array(_periods(settings))
    known = ["patient_id", "arm", "_drop", "censored_on", "_washed_first", "_washed_last", "_entered"]
    grid = people.loc[people.index.repeat(len(numbers)), known]
    grid = grid.reset_index(drop=True).assign(period=np.tile(numbers, len(people)))
    seen = grid.merge(followed.assign(_followed=True), on=["patient_id", "period"], how="left")
    seen = seen.merge(
        panel[["patient_id", "period"]].astype({"period": "int64"}).assign(_measured=True),
        on=["patient_id", "period"],
        how="left",
    )
    starts = {number: _first_day(int(number), settings.window.period) for number in numbers}
    beyond = np.array(
        [last < starts[number] for last, number in zip(seen["censored_on"], seen["period"], strict=True)]
    )
    straddles = (seen["period"] == seen["_drop"]).fillna(False).to_numpy(dtype=bool)
    measured = seen["_measured"].notna().to_numpy()
    in_follow_up = seen["_followed"].notna().to_numpy()
    washed = seen["period"].between(seen["_washed_first"], seen["_washed_last"])
    washed = washed.fillna(False).to_numpy(dtype=bool)
    early = (seen["period"] < seen["_entered"]).fillna(False).to_numpy(dtype=bool)
    rule = np.select(
        [measured, beyond, straddles, early, ~in_follow_up, washed],
        ["", "after_follow_up", "straddling_period", "before_follow_up", "not_registered", "washout"],
        default="not_measured",
    )
    return seen.assign(
        rule=pd.Series(rule, index=seen.index, dtype="string"),
        followed=(in_follow_up | measured) & ~straddles & ~washed,
    )[["patient_id", "arm", "period", "rule", "followed"]]


def _in_follow_up(
    status: pd.DataFrame, people: pd.DataFrame, panel: pd.DataFrame, settings: PanelSettings
) -> pd.DataFrame:
    """Return one row a patient and period in follow-up, with measured_<outcome> = 1 or 0."""
    rows = status.loc[status["followed"], ["patient_id", "period"]]
    rows = rows.merge(people[["patient_id", "practice_id", "first_treated"]], on="patient_id")
    values = panel[["patient_id", "period", *settings.outcomes]].astype({"period": "int64"})
    rows = rows.merge(values, on=["patient_id", "period"], how="left")
    for outcome in settings.outcomes:
        rows[f"measured_{outcome}"] = rows.pop(outcome).notna().astype("int64")
    return rows.sort_values(["patient_id", "period"], ignore_index=True)


def _ledger(records: pd.DataFrame, status: pd.DataFrame, period: str) -> pd.DataFrame:
    """Return LEDGER of records and of person-periods, by arm and period."""
    import pandas as pd

    from evalweave.ledger import KEPT, RECEIVED, SET_ASIDE, check

    person_periods = status.groupby(["arm", "period", "rule"]).size().rename("n").reset_index()
    lines = []
    for unit, reasons, counts in (
        ("records", RECORD_REASONS, records.assign(rule=records["rule"].fillna(""))),
        ("person-periods", PERIOD_REASONS, person_periods),
    ):
        orders = {name: place for place, name in enumerate(reasons, start=1)}
        counts = counts.assign(
            period=counts["period"].map(lambda number: period_label(int(number), period)),
            stage=STAGE,
            unit=unit,
            order=counts["rule"].map(orders).fillna(0).astype(int),
            reason=counts["rule"].map(reasons).fillna("kept"),
            entry=counts["rule"].eq("").map({True: KEPT, False: SET_ASIDE}),
        )
        total = counts.groupby(["arm", "period"], dropna=False)["n"].sum().reset_index()
        received = (
            "measurements received from clean" if unit == "records" else "patients × periods of the window"
        )
        lines.append(total.assign(stage=STAGE, unit=unit, order=0, rule="", reason=received, entry=RECEIVED))
        lines.append(counts.sort_values(["entry", "order", "arm", "period"]))
    frame = LEDGER.conform(pd.concat(lines, ignore_index=True))
    check(frame)
    return frame


def _trends(
    comparison: str, panel: pd.DataFrame, people: pd.DataFrame, status: pd.DataFrame, settings: PanelSettings
) -> pd.DataFrame:
    """Return TRENDS: raw means of the period values by arm and period."""
    import pandas as pd

    rows = panel.merge(people[["patient_id", "arm"]], on="patient_id")
    eligible = status[status["followed"]].groupby(["arm", "period"]).size()
    parts = []
    for outcome in settings.outcomes:
        seen = rows[rows[outcome].notna()]
        groups = seen.groupby(["arm", "period"])
        part = groups.agg(
            mean=(outcome, "mean"),
            sd=(outcome, "std"),
            n_patients=("patient_id", "nunique"),
            n_practices=("practice_id", "nunique"),
        ).reset_index()
        parts.append(part.assign(comparison=comparison, outcome=outcome))
    trends = pd.concat(parts, ignore_index=True)
    keys = zip(trends["arm"], trends["period"], strict=True)
    trends["n_eligible"] = [int(eligible.get((arm, int(period)), 0)) for arm, period in keys]
    trends["period_label"] = trends["period"].map(
        lambda number: period_label(int(number), settings.window.period)
    )
    return TRENDS.conform(trends.sort_values(["outcome", "arm", "period"], ascending=[True, False, True]))


def _check_measured(
    panel: pd.DataFrame, people: pd.DataFrame, comparison: str, settings: PanelSettings
) -> None:
    """Raise when an outcome has no value in an arm, before or after."""
    arm = panel["patient_id"].map(people.set_index("patient_id")["arm"])
    faults = []
    for outcome in settings.outcomes:
        for name in ("programme", "comparison"):
            here = panel.loc[(arm == name).to_numpy() & panel[outcome].notna().to_numpy(), "period"]
            if not len(here):
                faults.append(
                    Fault(f"comparison {comparison}", f'no measurement of the outcome "{outcome}" in the {name} arm',
                          "measurements in both arms",
                          "Look at the ledgers of clean and panel: which reason takes most?")
                )  # fmt: skip
    raise_faults(faults)
