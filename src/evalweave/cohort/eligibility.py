"""Who is eligible at the index date, and why others are not: one reason a person, the first that
applies.

The primary cohort is closed: everything is fixed at the index date, the same in both arms, and
nothing that happens after it decides eligibility (not even a measurement of the outcome).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from evalweave.study.people import Counting, listed
from evalweave.timeline import LAST_DAY

if TYPE_CHECKING:
    from collections.abc import Callable

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
        *CASES[eligibility.cases](eligibility),
    ]


# What a cohort of new or of old cases leaves out.
CASES: dict[str, Callable[[Eligibility], list[Reason]]] = {
    "all": lambda _: [],
    "incident": lambda e: [Reason("prevalent", f"not newly diagnosed ({_newly(e)})")],
    "prevalent": lambda e: [Reason("incident", f"newly diagnosed ({_newly(e)})")],
}


def _newly(eligibility: Eligibility) -> str:
    return (
        f"within {eligibility.incident_days} days, after {eligibility.look_back_days} days "
        "registered without"
    )


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
    spells = registrations.mutate(last=registrations.end.fill_null(LAST_DAY))
    latest = spells.group_by("patient_id").aggregate(
        _latest=spells.practice_id.argmax(spells.start)
    )
    here = index.inner_join(spells, "patient_id")
    here = here.filter((here.start <= here.index_date) & (here["last"] >= here.index_date))
    here = here.select("patient_id", "practice_id")
    runs = continuous(registrations, cleaning.gap_days)
    run = index.inner_join(runs, "patient_id")
    run = run.filter((run["first"] <= run.index_date) & (run["last"] >= run.index_date))
    run = run.select("patient_id", _since="first")
    before = conditions.inner_join(index, "patient_id")
    before = before.filter(before.date < before.index_date)
    counted = before.group_by("patient_id").aggregate(
        n_conditions=before.codelist.nunique(
            where=before.codelist.isin(eligibility.additional_conditions or [""])
        ),
        **{
            f"_days_{place}": (before.codelist == name).cast("int64").sum()
            for place, name in enumerate(listed(eligibility))
        },
    )
    parts = [here, latest, run, counted]
    if eligibility.conditions:
        parts.append(diagnosed(conditions, eligibility))
    else:
        people = people.mutate(diagnosed_on=ibis.null("date"))
    for part in parts:
        people = people.left_join(part, "patient_id").drop("patient_id_right")
    arms = practices.select(_arm_practice="practice_id", arm="practice_arm")
    people = people.mutate(_arm_at=ibis.coalesce(people.practice_id, people._latest))
    people = people.left_join(arms, people._arm_at == arms._arm_practice)
    age = age_at(people.birth_year, people.index_date)
    long_enough = (
        people._since + ibis.interval(days=eligibility.registered_days) <= people.index_date
    )
    failed = [
        people.practice_id.isnull(),
        people.death_date <= people.index_date,
        people.birth_year.isnull(),
        age < eligibility.age[0],
        age > eligibility.age[1],
        ~long_enough.fill_null(False),
    ]
    days = {
        name: people[f"_days_{place}"].fill_null(0)
        for place, name in enumerate(listed(eligibility))
    }
    failed += [~present(name, days, eligibility) for name in eligibility.conditions]
    failed += [present(name, days, eligibility) for name in eligibility.without]
    new = newly_diagnosed(people, eligibility)
    failed += {"all": [], "incident": [~new], "prevalent": [new]}[eligibility.cases]
    entry = people.index_date if eligibility.cohort == "open" else ibis.null("date")
    reason = ibis.cases(
        *[
            (condition, ibis.literal(place, "int16"))
            for place, condition in enumerate(failed, start=1)
        ],
        else_=ibis.null("int16"),
    )
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
        age=age,
        n_conditions=people.n_conditions.fill_null(0),
        reason=reason,
        followed_from=entry,
        incident=new.cast("int64") if eligibility.conditions else ibis.null("int64"),
    )
