"""New cases by arm and period: a programme that finds cases earlier would change who is
compared."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evalweave.release.incidence import THOUSAND
from evalweave.release.numbers import missing, number, percent, plain
from evalweave.report import criteria
from evalweave.report.blocks import Column, Details, Prose, Table, Text, text
from evalweave.report.data import ReportData
from evalweave.report.figures.rates import incidence
from evalweave.report.figures.trends import ARMS
from evalweave.report.sections import by_arm
from evalweave.study.people import Eligibility

DRAWN_FOR_CASES = (
    "Where an extract was drawn for people who have the condition, those at risk are people who "
    "got it later: the rates then "
    "say nothing of the population, only whether the arms moved alike."
)

IMPLAUSIBLE = 250.0  # new cases per 1,000 at risk in a period
SELECTED = (
    "In some period a quarter or more of the people at risk became new cases. No population has "
    "that; an extract of people who all have the condition in the end does. New cases are "
    "therefore neither drawn nor compared here; incidence_rates.csv holds the counts."
)


def blocks(data: ReportData) -> list[Any]:
    """Return what a new case is, the rates as a figure and a table, and the new cases among the
    eligible."""
    released = data.released_incidence
    if released is None:
        return []
    e = data.study.eligibility
    shown: list[Any] = [Prose(f"{_meaning(data)} {DRAWN_FOR_CASES}")]
    if not _known(released, "n_at_risk").any():
        shown.append(
            Prose("No number of people at risk in this extract may be shown or is above zero.")
        )
    elif selected(released):
        shown.append(Prose(SELECTED))
    else:
        shown += _rates(data, released)
    shown += [_entered(data, released)] if e.cohort == "open" else _newly(data)
    return shown


def selected(released: pd.DataFrame) -> bool:
    """Say whether the extract seems to hold only people who have the condition in the end: in some
    period a quarter or more of those at risk became new cases."""
    return bool((released["rate_per_1000"].astype(float) >= IMPLAUSIBLE).any())


def _rates(data: ReportData, released: pd.DataFrame) -> list[Any]:
    figure = incidence(
        data,
        released,
        "New cases per 1,000 people at risk. If the lines part after the start, more cases may "
        "have been found in one arm, "
        "and the arms no longer hold the same kind of people.",
    )
    change = _change(data, released)
    paragraphs = [Prose(change)] if change else []
    table = _table(data, released)
    return (
        [*paragraphs, figure, Details("The numbers of this figure", (table,))]
        if figure
        else [*paragraphs, table]
    )


def _meaning(data: ReportData) -> str:
    """Return what at risk and new mean."""
    e = data.study.eligibility
    youngest, oldest = e.age
    registered = (
        f"registered for at least {criteria.days(e.look_back_days)} without a gap"
        if e.look_back_days
        else "registered"
    )
    without = criteria.conditions([*_all_of(e), *e.without], "or")
    return (
        "A programme that finds cases earlier would change who is compared. At risk in a "
        f"{plain(data.study.window.period)} were "
        f"people who on its first day were {registered}, alive, aged {youngest} to {oldest} and "
        "without "
        f"{without}; a case is new when "
        f"{criteria.first_present(e)} in that {plain(data.study.window.period)}. The arm is that "
        "of the practice on the first day, and "
        "the comparison arm holds every practice of the study without the programme."
    )


def _all_of(e: Eligibility) -> list[str]:
    return (
        e.conditions
        if len(e.conditions) == 1
        else [f"{criteria.conditions(e.conditions)} together"]
    )


def _change(data: ReportData, released: pd.DataFrame) -> str:
    """Return how the rates changed from before to after the (first) start, blank where a count is
    hidden.

    Released counts are summed, not exact ones: beside the shown cells a sum of exact ones would
    tell the hidden ones.
    """
    window = data.study.window
    counts = released.assign(
        new=_known(released, "n_incident"), at_risk=_known(released, "n_at_risk")
    )
    if counts[["new", "at_risk"]].isna().any(axis=None):
        return ""
    counts["side"] = (counts["period"] >= data.first_period).map({False: "before", True: "after"})
    sums = counts.groupby(["arm", "side"])[["new", "at_risk"]].sum()
    rates = {
        key: THOUSAND * row.new / row.at_risk for key, row in sums.iterrows() if row.at_risk > 0
    }
    if len(rates) < 4:
        return ""
    ends = [
        f"from {number(rates[arm, 'before'], 0)} to {number(rates[arm, 'after'], 0)} in {arm} "
        "practices"
        for arm in ARMS
    ]
    first = "first start" if len(data.starts) > 1 else "start"
    return (
        f"From before to after the {first}, new cases per 1,000 people at risk in a "
        f"{plain(window.period)} went "
        f"{' and '.join(ends)}."
    )


def _known(released: pd.DataFrame, name: str) -> pd.Series:
    """Return released counts as numbers, hidden and blank ones as missing."""
    return pd.to_numeric(released[name], errors="coerce").astype("float64")


def _table(data: ReportData, released: pd.DataFrame) -> Table:
    columns = [Column("Period")]
    for arm in ARMS:
        columns += [
            Column("At risk", arm, True),
            Column("New cases", arm, True),
            Column("New cases", "per 1,000 at risk", True),
        ]
    return Table(
        "People at risk on the first day of each period, and new cases in it, by arm.",
        tuple(columns),
        by_arm.lines(data, released, ("n_at_risk", "n_incident", "rate_per_1000")),
        (f"{data.profile.note} Rates are from the released numbers; – where one is hidden.",),
        id="incidence-table",
        wide=True,
    )


def _entered(data: ReportData, released: pd.DataFrame) -> Table:
    """Return who entered an open cohort, and how many of them were newly diagnosed."""
    names = ["n_entered", "n_entered_incident"]
    if data.study.eligibility.cases != "all":
        names.pop()  # all of them, or nobody
    columns = [Column("Period")]
    for arm in ARMS:
        columns += [Column("Entered", arm, True), Column("Newly diagnosed", arm, True)][
            : len(names)
        ]
    return Table(
        "People who entered the open cohort in each period. Newly diagnosed: "
        f"{criteria.newly(data.study.eligibility)}.",
        tuple(columns),
        by_arm.lines(data, released, tuple(names)),
        (data.profile.note,),
        id="entered",
        wide=True,
    )


def _newly(data: ReportData) -> list[Prose]:
    """Say how many of a closed cohort were newly diagnosed on the index date, by arm."""
    e = data.study.eligibility
    if data.incidence is None or e.cases != "all":
        return []
    sums = data.incidence.groupby("arm")[["n_entered", "n_entered_incident"]].sum()
    sentences: list[Text] = []
    for arm in (arm for arm in ARMS if arm in sums.index):
        whole, new = (int(sums.at[arm, name]) for name in ("n_entered", "n_entered_incident"))
        if data.profile.hides_rest(new, whole, "patients"):
            continue
        share = data.profile.rate(new, whole)
        of = f" ({percent(share, 1)})" if share is not None and not missing(share) else ""
        sentences.append(text("{}{} in {} practices", data.profile.about(new), of, arm))
    if not sentences:
        return []
    listed = text(" and ".join("{}" for _ in sentences), *sentences)
    return [
        Prose(
            text(
                "Of the people who were eligible on {}, {} were newly diagnosed: {}.",
                criteria.day(e),
                listed,
                criteria.newly(e),
            )
        )
    ]
