"""Who is eligible at the index date, and for which one reason, the first that applies, not.

The primary cohort is closed: everything is fixed at the index date, the same in both arms, and
nothing that happens after it decides eligibility (not even a measurement of the outcome).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from evalweave.engine.expressions import first_met
from evalweave.study.people import Counting, listed
from evalweave.timeline import LAST_DAY

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.people import Eligibility
    from evalweave.study.periods import Window
    from evalweave.study.records import Cleaning


@dataclass(frozen=True)
class Reason:
    """One reason not to be eligible, in the order in which reasons are tried."""

    name: str
    words: str


def reasons(eligibility: Eligibility) -> list[Reason]:
    """Return the reasons in their order, as the study file declares eligibility."""
    youngest, oldest = eligibility.age
    when = "at the index date" if eligibility.cohort == "closed" else "when first eligible"
    return [
        Reason("not_registered", f"not registered with a practice of the study {when}"),
        Reason("not_alive", f"dead {when}"),
        Reason("age_unknown", "year of birth unknown"),
        Reason("too_young", f"younger than {youngest} {when}"),
        Reason("too_old", f"older than {oldest} {when}"),
        Reason(
            "registered_too_recently",
            f"registered for less than {eligibility.registered_days} days without a gap",
        ),
        *(
            Reason(f"without_{name}", f"no {_entry(name, eligibility)} before")
            for name in eligibility.conditions
        ),
        *(
            Reason(
                f"with_{name}",
                f"an {_entry(name, eligibility)} before".replace("an entries", "entries"),
            )
            for name in eligibility.without
        ),
        *_of_other_cases(eligibility),
    ]


def _of_other_cases(eligibility: Eligibility) -> list[Reason]:
    """Return the reason for which a cohort of new or of old cases leaves out the others."""
    newly = (
        f"within {eligibility.incident_days} days, after {eligibility.look_back_days} days "
        "registered without"
    )
    return {
        "all": [],
        "incident": [Reason("prevalent", f"not newly diagnosed ({newly})")],
        "prevalent": [Reason("incident", f"newly diagnosed ({newly})")],
    }[eligibility.cases]


def _entry(name: str, eligibility: Eligibility) -> str:
    """Return what must be there of a code list, in words."""
    rule = eligibility.counting.get(name, Counting())
    words = (
        f"entry of {name}"
        if rule.at_least == 1
        else f"entries of {name} on {rule.at_least} days or more"
    )
    return words if rule.more_than is None else f"{words}, on more days than of {rule.more_than},"


def age_at(birth_year: Any, day: Any) -> Any:
    """Return whole years from the middle of the birth year (1 July) to `day`."""
    before_july = (day.month() < 7).cast("int64")
    return day.year().cast("int64") - birth_year - before_july


def index_days(
    patients: ir.Table,
    registrations: ir.Table,
    conditions: ir.Table,
    eligibility: Eligibility,
    window: Window,
    cleaning: Cleaning,
) -> ir.Table:
    """Return patient_id, index_date of every patient.

    closed: the declared date for all. open: the first day in the window on which registration is
    long enough and all conditions are known (practice and everything else are then those of that
    day); the declared date for those who never get there, so that their reason is found there.
    """
    declared = ibis.literal(eligibility.index_date)
    if eligibility.cohort == "closed":
        return patients.select("patient_id", index_date=declared)
    runs = continuous(registrations, cleaning.gap_days)
    ready = runs.select(
        "patient_id",
        "last",
        day=(runs.first + ibis.interval(days=eligibility.registered_days)).cast("date"),
    )
    known = patients.select("patient_id", known=ibis.literal(window.first))
    if eligibility.conditions:
        joined = known.inner_join(diagnosed(conditions, eligibility), "patient_id")
        known = joined.select(
            "patient_id",
            known=ibis.greatest(
                joined.known, (joined.diagnosed_on + ibis.interval(days=1)).cast("date")
            ),
        )
    # the middle of the year in which the youngest age is reached
    year = (patients.birth_year + eligibility.age[0]).fill_null(9000).clip(1, 9000)
    grown = patients.select(
        "patient_id", grown=ibis.date(year.cast("int32"), ibis.literal(7), ibis.literal(1))
    )
    both = ready.inner_join(known, "patient_id").inner_join(grown, "patient_id")
    day = ibis.greatest(both.day, both.known, both.grown)
    open_ = both.mutate(_day=day).filter(lambda t: (t._day <= t["last"]) & (t._day <= window.last))
    first = open_.group_by("patient_id").aggregate(_day=open_._day.min())
    joined = patients.left_join(first, "patient_id")
    return joined.select("patient_id", index_date=joined._day.fill_null(declared))


def met(conditions: ir.Table, name: str, eligibility: Eligibility) -> ir.Table:
    """Return patient_id, met_on: the day of the entry (the first, or the `at_least`th day) that
    makes a list count."""
    entry = conditions.filter(conditions.codelist == name).select("patient_id", "date").distinct()
    nth = eligibility.counting.get(name, Counting()).at_least
    if nth > 1:
        in_order = ibis.window(group_by="patient_id", order_by="date")
        entry = entry.mutate(_place=ibis.row_number().over(in_order))
        entry = entry.filter(entry._place >= nth - 1)
    return entry.group_by("patient_id").aggregate(met_on=entry.date.min())


def diagnosed(conditions: ir.Table, eligibility: Eligibility) -> ir.Table:
    """Return patient_id, diagnosed_on: the day on which all conditions of eligibility first held,
    of whom they do."""
    first, *others = eligibility.conditions
    known = met(conditions, first, eligibility)
    for name in others:
        both = known.inner_join(
            met(conditions, name, eligibility).rename(_also="met_on"), "patient_id"
        )
        known = both.select("patient_id", met_on=ibis.greatest(both.met_on, both["_also"]))
    return known.select("patient_id", diagnosed_on="met_on")


def newly_diagnosed(people: ir.Table, eligibility: Eligibility) -> Any:
    """Return whether people are incident cases; `people` has index_date, diagnosed_on and _since
    (registered since)."""
    recent = (
        people.diagnosed_on + ibis.interval(days=eligibility.incident_days) >= people.index_date
    )
    seen_before = (
        people["_since"] + ibis.interval(days=eligibility.look_back_days) <= people.diagnosed_on
    )
    return (recent & seen_before).fill_null(False)


def continuous(registrations: ir.Table, gap_days: int) -> ir.Table:
    """Return stretches of registration without a gap, whatever the practice: patient_id, first,
    last."""
    whole = registrations.mutate(last=registrations.end.fill_null(LAST_DAY))
    n = whole.group_by("patient_id").aggregate(n=whole.count())
    moved = n.filter(n.n > 1)  # only theirs need comparing
    alone = whole.anti_join(moved, "patient_id").select("patient_id", first="start", last="last")
    spells = whole.semi_join(moved, "patient_id")
    in_order = ibis.window(group_by="patient_id", order_by=["start", "last"])
    so_far = ibis.cumulative_window(group_by="patient_id", order_by=["start", "last"])
    spells = spells.mutate(_reached=spells["last"].max().over(so_far))
    spells = spells.mutate(_before=spells._reached.lag().over(in_order))
    new = spells._before.isnull() | (
        spells.start > spells._before + ibis.interval(days=1 + gap_days)
    )
    spells = spells.mutate(_new=new.cast("int32"))
    spells = spells.mutate(_run=spells._new.sum().over(so_far))
    runs = spells.group_by("patient_id", "_run").aggregate(
        first=spells.start.min(), last=spells["last"].max()
    )
    return alone.union(runs.drop("_run"))


def present(name: str, days: dict[str, Any], eligibility: Eligibility) -> Any:
    """Return whether a code list counts as present, given the number of days with an entry of
    each."""
    rule = eligibility.counting.get(name, Counting())
    enough = days[name] >= rule.at_least
    return enough if rule.more_than is None else enough & (days[name] > days[rule.more_than])


def judge(
    patients: ir.Table,
    registrations: ir.Table,
    conditions: ir.Table,
    practices: ir.Table,
    eligibility: Eligibility,
    window: Window,
    cleaning: Cleaning,
) -> ir.Table:
    """Return one row a patient: index_date, practice and arm there, age, n_conditions,
    diagnosed_on, incident, followed_from and `reason` (null = eligible).

    `reason` is the place of the first reason in `reasons`, from 1. For a patient who is not
    registered at the index date, `arm` is that of the latest practice, so that losses can be shown
    by arm.
    """
    index = index_days(patients, registrations, conditions, eligibility, window, cleaning)
    people = patients.inner_join(index, "patient_id")
    parts = [
        *_registered(registrations, index, cleaning.gap_days),
        _counted(conditions, index, eligibility),
    ]
    if eligibility.conditions:
        parts.append(diagnosed(conditions, eligibility))
    else:
        people = people.mutate(diagnosed_on=ibis.null("date"))
    for part in parts:
        people = people.left_join(part, "patient_id").drop("patient_id_right")
    arms = practices.select(_arm_practice="practice_id", arm="practice_arm")
    people = people.mutate(_arm_at=ibis.coalesce(people.practice_id, people._latest))
    people = people.left_join(arms, people._arm_at == arms._arm_practice)
    people = people.mutate(
        age=age_at(people.birth_year, people.index_date),
        _incident=newly_diagnosed(people, eligibility),
    )
    numbers = {reason.name: place for place, reason in enumerate(reasons(eligibility), start=1)}
    entry = people.index_date if eligibility.cohort == "open" else ibis.null("date")
    incident = people["_incident"].cast("int64")
    return people.select(
        "patient_id",
        "practice_id",
        "arm",
        "index_date",
        "sex",
        "ethnicity",
        "imd_quintile",
        "death_date",
        "diagnosed_on",
        "age",
        n_conditions=people.n_conditions.fill_null(0),
        reason=first_met(_conditions_of_reasons(people, eligibility), numbers),
        followed_from=entry,
        incident=incident if eligibility.conditions else ibis.null("int64"),
    )


def _registered(registrations: ir.Table, index: ir.Table, gap_days: int) -> list[ir.Table]:
    """Return of patients, a table each: the practice at the index date, the latest practice, and
    since when they have been registered without a gap then."""
    spells = registrations.mutate(last=registrations.end.fill_null(LAST_DAY))
    at_index = index.inner_join(spells, "patient_id")
    at_index = at_index.filter(
        (at_index.start <= at_index.index_date) & (at_index["last"] >= at_index.index_date)
    )
    latest = spells.group_by("patient_id").aggregate(
        _latest=spells.practice_id.argmax(spells.start)
    )
    run = index.inner_join(continuous(registrations, gap_days), "patient_id")
    run = run.filter((run["first"] <= run.index_date) & (run["last"] >= run.index_date))
    return [
        at_index.select("patient_id", "practice_id"),
        latest,
        run.select("patient_id", _since="first"),
    ]


def _counted(conditions: ir.Table, index: ir.Table, eligibility: Eligibility) -> ir.Table:
    """Return of patients, before the index date: how many of the additional conditions they have,
    and the days with an entry of each list that eligibility names (`_days_0`, `_days_1`, …)."""
    before = conditions.inner_join(index, "patient_id")
    before = before.filter(before.date < before.index_date)
    additional = before.codelist.isin(eligibility.additional_conditions or [""])
    return before.group_by("patient_id").aggregate(
        n_conditions=before.codelist.nunique(where=additional),
        **{
            f"_days_{place}": (before.codelist == name).cast("int64").sum()
            for place, name in enumerate(listed(eligibility))
        },
    )


def _conditions_of_reasons(people: ir.Table, eligibility: Eligibility) -> dict[str, Any]:
    """Return for each of `reasons` the condition under which it holds."""
    youngest, oldest = eligibility.age
    enough = ibis.interval(days=eligibility.registered_days)
    long_enough = people._since + enough <= people.index_date
    days = {
        name: people[f"_days_{place}"].fill_null(0)
        for place, name in enumerate(listed(eligibility))
    }
    conditions = {
        "not_registered": people.practice_id.isnull(),
        "not_alive": people.death_date <= people.index_date,
        "age_unknown": people.birth_year.isnull(),
        "too_young": people.age < youngest,
        "too_old": people.age > oldest,
        "registered_too_recently": ~long_enough.fill_null(False),
    }
    for name in eligibility.conditions:
        conditions[f"without_{name}"] = ~present(name, days, eligibility)
    for name in eligibility.without:
        conditions[f"with_{name}"] = present(name, days, eligibility)
    if eligibility.cases == "incident":
        conditions["prevalent"] = ~people["_incident"]
    if eligibility.cases == "prevalent":
        conditions["incident"] = people["_incident"]
    return conditions
