"""The panel: one row a patient and period in which an outcome was measured, for one comparison.

A practice that starts inside a period is handled as `exposure.straddling` says: that period is left
out (drop), counted as treated, or as not yet treated. `washout_days` after a start are left out day
by day; where all practices start on the same day, the comparison practices leave out the same days,
so that seasons stay comparable.

A national panel does not fit into memory, so all rows stay with the engine; only counts come here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from evalweave import engine
from evalweave.engine.expressions import exact_mean, first_met, period_expression
from evalweave.errors import Fault, raise_faults
from evalweave.panel import COVARIATES, DEAD_SHARE, deaths, followed, trends
from evalweave.panel.ledger import RECORD_REASONS, panel_ledger
from evalweave.study.outcomes import BASELINE_OF
from evalweave.study.periods import first_day, period_label, period_number, period_start
from evalweave.tables.people import PANEL
from evalweave.timeline import FIRST_DAY

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study.people import Exposure
    from evalweave.study.stages import PanelSettings

MAX_DAYS = 1 << 20
SUMS = (trends.sums, trends.past_sums)
NARROW = {
    "period": "int32",
    "first_treated": "int32",
    "age": "int16",
    "n_conditions": "int32",
} | dict.fromkeys(("female", "white", "imd_quintile", "fewer_conditions", "incident"), "int8")


@dataclass(frozen=True)
class Panels:
    """A comparison's panel, its raw trends, its ledger, who was in follow-up when, measured or not
    (one row a patient and unbroken run of periods), and the person-periods of the dead and how many
    `died`, where patients were given."""

    panel: ir.Table
    trends: pd.DataFrame
    ledger: pd.DataFrame
    followed: ir.Table
    deaths: ir.Table | None
    died: pd.DataFrame | None
    n_patients: int
    n_practices: int


def build(
    backend: Any,
    measurements: ir.Table,
    registrations: ir.Table,
    cohort: ir.Table,
    membership: ir.Table,
    comparison: str,
    settings: PanelSettings,
    patients: ir.Table | None = None,
) -> Panels:
    """Build one comparison's panel; raise `DataError` when an outcome was never measured in an
    arm."""
    members = membership.filter(membership.comparison == comparison).select(
        "patient_id", "arm", "weight"
    )
    people = engine.keep(
        backend,
        "people",
        numbered_people(backend, members.inner_join(cohort.drop("arm"), "patient_id"), settings),
    )
    arms = backend.to_pyarrow(people.group_by("arm").aggregate(n=people.count())).to_pylist()
    if not arms:
        raise_faults([Fault(f"comparison {comparison}", "no patients", "patients in both arms")])
    cells = engine.keep(backend, "panel_cells", _cells(measurements, people, settings), large=True)
    counts = _counts(backend, cells, settings)
    rows = cells.filter(cells.rule.isnull()).drop("rule", "arm")
    spells = registrations.inner_join(people.select("patient_id", "person"), "patient_id")
    runs = engine.keep(backend, "followed_runs", followed.runs(spells, people, settings))
    status = followed.status(backend, people, rows, runs, settings)
    sums, past = (of(backend, rows, people, settings.outcomes) for of in SUMS)
    raw = trends.trends(comparison, sums, past, status, settings)
    measured = _ever_measured(backend, rows, people, settings)
    ledger = panel_ledger(counts, status, raw, measured, settings)
    _check_measured(raw, {row["arm"] for row in arms}, comparison, settings)
    return Panels(
        panel=with_facts(rows, people, settings, _of_outcomes(settings)),
        trends=raw,
        ledger=ledger,
        followed=followed.followed(runs, people),
        deaths=None
        if patients is None
        else with_facts(deaths.dead(patients, people, settings), people, settings, [DEAD_SHARE]),
        died=None
        if patients is None
        else deaths.counted(backend, comparison, patients, people, runs, status, settings),
        n_patients=int(measured["n_measured"].sum()),
        n_practices=int((measured["n_measured"] > 0).sum()),
    )


def first_treated(start: dt.date, exposure: Exposure, period: str) -> int:
    """Return the first treated period of a practice that starts on `start`.

    The period that contains the start; the next one where a straddling period counts as untreated.
    """
    number = period_number(start, period)
    straddles = period_start(start, period) != start
    return number + 1 if straddles and exposure.straddling == "untreated" else number


def numbered_people(backend: Any, people: ir.Table, settings: PanelSettings) -> ir.Table:
    """Number the people in the order of their identifiers; add first_treated as `exposure` says,
    the period to drop, the days and whole periods to wash out, and the period of entry."""
    starting_days = backend.to_pyarrow(people.select("programme_start").distinct())[
        "programme_start"
    ].to_pylist()
    starts = sorted(day for day in starting_days if day is not None)
    common = starts[0] if len(starts) == 1 else None
    p = people.mutate(
        _begins=people.programme_start.fill_null(common) if common else people.programme_start
    )
    known = _starts(starts, settings)
    at = known.select(_at="start", _first="first", _drop="drop")
    p = p.left_join(at, p.programme_start == at["_at"])
    of = known.select(_of="start", _washed_first="washed_first", _washed_last="washed_last")
    p = p.left_join(of, p["_begins"] == of["_of"])
    comparison_in_programme = (p.arm == "comparison") & p.programme_start.notnull()
    return p.mutate(
        person=ibis.row_number().over(ibis.window(order_by="patient_id")).cast("int64"),
        first_treated=comparison_in_programme.ifelse(ibis.null("int64"), p["_first"]),
        _start=p["_begins"],
        _entered=period_expression(p.followed_from, settings.window.cut),
    ).drop("_at", "_of", "_first", "_begins")


def _starts(starts: list[dt.date], settings: PanelSettings) -> ir.Table:
    """Return what each start means for its practices: start, first, drop, washed_first,
    washed_last."""
    import pyarrow as pa

    period, exposure = settings.window.cut, settings.exposure

    def dropped(day: dt.date) -> int | None:
        straddles = period_start(day, period) != day
        return period_number(day, period) if straddles and exposure.straddling == "drop" else None

    washed = [_washed(day, settings) for day in starts]
    return ibis.memtable(
        pa.table(
            {
                "start": pa.array(starts, pa.date32()),
                "first": pa.array(
                    [first_treated(day, exposure, period) for day in starts], pa.int64()
                ),
                "drop": pa.array([dropped(day) for day in starts], pa.int64()),
                "washed_first": pa.array(
                    [each[0] if each else None for each in washed], pa.int64()
                ),
                "washed_last": pa.array(
                    [each[-1] if each else None for each in washed], pa.int64()
                ),
            }
        )
    )


def _washed(start: dt.date, settings: PanelSettings) -> list[int]:
    """Return the periods of which every day lies in the washout after `start`."""
    end = start + dt.timedelta(days=settings.exposure.washout_days)
    return [
        number
        for number in followed.periods(settings)
        if start <= first_day(number, settings.window.cut)
        and first_day(number + 1, settings.window.cut) <= end
    ]


def _cells(measurements: ir.Table, people: ir.Table, settings: PanelSettings) -> ir.Table:
    """Return person, arm, period, rule (why the panel leaves it out, null = it does not) and, per
    outcome, its value and n_ measurements: the measurements of one person, period and rule made
    one."""
    known = people.select(
        "patient_id", "person", "arm", "censored_on", "_drop", "_start", "followed_from"
    )
    m = measurements.left_join(known, "patient_id")
    period = period_expression(m.date, settings.window.cut)
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
    numbers = {name: number for number, name in enumerate(RECORD_REASONS)}
    m = m.mutate(period=period, rule=first_met(conditions, numbers))
    made: dict[str, Any] = {}
    for name, outcome in settings.outcomes.items():
        if outcome.of:
            continue  # a threshold
        this = m.outcome == name
        if outcome.per_period == "mean":
            made[name] = exact_mean(m.value, this)
        elif outcome.per_period == "last":
            made[name] = m.value.argmax(m.date, where=this)
        else:  # of two as near, the earlier
            near = _days_from_middle(m, settings) * MAX_DAYS + m.date.delta(
                ibis.literal(FIRST_DAY), unit="day"
            )
            made[name] = m.value.argmin(near, where=this)
        made[f"n_{name}"] = m.count(where=this).fill_null(
            0
        )  # a sum of booleans is stored as a double
    cells = m.group_by("person", "period", "rule").aggregate(arm=m.arm.arbitrary(), **made)
    return cells.mutate(**_thresholds(cells, settings))


def _thresholds(cells: ir.Table, settings: PanelSettings) -> dict[str, Any]:
    """Return the yes (1) or no (0) of each outcome that is a threshold of another's value of the
    period, and how many measurements it rests on."""
    made: dict[str, Any] = {}
    for name, outcome in settings.outcomes.items():
        if outcome.of:
            value = cells[outcome.of]
            yes = value >= outcome.at_least if outcome.below is None else value < outcome.below
            made[name] = yes.cast("int64").cast("float64")
            made[f"n_{name}"] = cells[f"n_{outcome.of}"]
    return made


def _days_from_middle(m: ir.Table, settings: PanelSettings) -> Any:
    """Return the distance in days of a record from the middle of its period."""
    numbers, period = followed.periods(settings), settings.window.cut
    firsts = [first_day(number, period) for number in (*numbers, numbers[-1] + 1)]
    middles = [
        (m.period == number, ibis.literal(first + (after - first) // 2))
        for number, first, after in zip(numbers, firsts[:-1], firsts[1:], strict=True)
    ]
    middle = ibis.cases(*middles, else_=ibis.null("date"))
    return m.date.delta(middle, unit="day").abs()


def _counts(backend: Any, cells: ir.Table, settings: PanelSettings) -> pd.DataFrame:
    """Return arm, period, outcome, rule (its name, null = kept) and n of the measurements
    received."""
    import pandas as pd

    n = {name: cells[f"n_{name}"].sum().cast("int64") for name in settings.outcomes}
    frame = backend.to_pyarrow(cells.group_by("arm", "period", "rule").aggregate(**n)).to_pandas()
    names = dict(enumerate(RECORD_REASONS))
    frame["rule"] = frame["rule"].map(lambda place: None if pd.isna(place) else names[int(place)])
    return frame.melt(["arm", "period", "rule"], var_name="outcome", value_name="n")


def _ever_measured(
    backend: Any, rows: ir.Table, people: ir.Table, settings: PanelSettings
) -> pd.DataFrame:
    """Return arm, practice_id, n_patients, how many of them are in the panel (n_measured) and, per
    outcome, of how many it has a value."""
    ever = rows.group_by("person").aggregate(
        _any=rows.count(),
        **{f"ever_{name}": (rows[f"n_{name}"] > 0).any() for name in settings.outcomes},
    )
    p = people.select("person", "arm", "practice_id").left_join(ever, "person")
    counted = p.group_by("arm", "practice_id").aggregate(
        n_patients=p.count(),
        n_measured=p["_any"].count(),
        **{
            name: p[f"ever_{name}"].fill_null(False).sum().cast("int64")
            for name in settings.outcomes
        },
    )
    return backend.to_pyarrow(counted).to_pandas()


def _of_outcomes(settings: PanelSettings) -> list[str]:
    return [name for outcome in settings.outcomes for name in (outcome, f"n_{outcome}")]


def with_facts(
    rows: ir.Table, people: ir.Table, settings: PanelSettings, columns: list[str]
) -> ir.Table:
    """Return PANEL with `columns` of the rows (person, period, …), and the baseline covariates;
    sorted.

    What is sorted is kept narrow: small whole numbers, and words that follow from numbers
    afterwards.
    """
    numbers = followed.periods(settings)
    labels = [period_label(number, settings.window.cut) for number in numbers]
    baselines = [name for name in people.columns if name.startswith(BASELINE_OF)]
    facts = people.mutate(female=ibis.cases((people.sex == "female", 1), (people.sex == "male", 0)))
    known = [
        name for name in (*PANEL.names, *COVARIATES, *baselines) if name not in ("period", "sex")
    ]
    whole = rows.inner_join(facts.select("person", *known), "person")
    narrow = {name: whole[name].cast(kind) for name, kind in NARROW.items()}
    whole = whole.mutate(**narrow).order_by("person", "period")
    whole = whole.mutate(
        **{name: whole[name].cast("int64") for name in NARROW},
        period_label=engine.word_at(labels, whole.period - numbers[0]),
        sex=ibis.cases((whole.female == 1, "female"), (whole.female == 0, "male"), else_="unknown"),
    )
    return whole.select(*PANEL.names, "period_label", *columns, *COVARIATES, *baselines)


def _check_measured(
    trends: pd.DataFrame, arms: set[str], comparison: str, settings: PanelSettings
) -> None:
    """Raise when an outcome has no value in an arm."""
    known = trends[trends["n_patients"] > 0]
    seen = set(zip(known["outcome"], known["arm"], strict=True))
    raise_faults(
        Fault(
            f"comparison {comparison}",
            f'no measurement of the outcome "{outcome}" in the {arm} arm',
            "measurements in both arms",
            "Look at the ledgers of clean and panel: which reason takes most?",
        )
        for outcome in settings.outcomes
        for arm in ("programme", "comparison")
        if arm in arms and (outcome, arm) not in seen
    )
