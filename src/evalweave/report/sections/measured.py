"""Who was measured and who died, by arm and period."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evalweave.release.measured import THOUSAND
from evalweave.release.numbers import number, plain, sentence
from evalweave.report.blocks import Heading, Prose, Table
from evalweave.report.data import ARMS, ReportData
from evalweave.report.sections import by_arm
from evalweave.report.whom import released_deaths, released_measured

WHOM = (
    "A programme may change how many people are measured, and whom. A gap between the arms that "
    "opens after the start in the share measured, or in the earlier values of those measured (the "
    "last one before the period), would be a warning: the share alone does not show who."
)
DEAD = (
    "People in follow-up in each period, and those of them who died in it. The dead have no "
    "outcome afterwards: if more die in one arm, those left in it are other people."
)
ELSEWHERE = "How many died, by arm and period, is in death_rates.csv."


def blocks(data: ReportData) -> list[Any]:
    """Return a table an outcome of who was measured, and one of the dead."""
    note = f"{data.profile.note} Shares and rates are from the released numbers."
    measured, dead = released_measured(data), released_deaths(data)
    made: list[Any] = []
    if measured is not None and len(measured):
        made += [Heading("Who was measured", "measured"), Prose(WHOM)]
        made += [
            _of(data, str(outcome), mine, note)
            for outcome, mine in measured.groupby("outcome", sort=False)
        ]
    if dead is not None:
        table = Table(
            DEAD,
            by_arm.columns("In follow-up", "Died", "per 1,000"),
            by_arm.lines(data, dead, ("n_followed", "n_died", "rate_per_1000")),
            (note,),
            wide=True,
        )
        made += [Heading("Deaths", "deaths"), table]
    return made


def _of(data: ReportData, outcome: str, mine: pd.DataFrame, note: str) -> Table:
    unit = data.study.outcomes[outcome].unit
    return Table(
        f"{sentence(data.outcome_label(outcome))}: people in follow-up, those with at least one "
        f"value in the period, and the mean (standard deviation) of the latter's last earlier "
        f"period values, in {unit}.",
        by_arm.columns("In follow-up", "Measured", "Share", "Earlier value"),
        by_arm.lines(data, mine, ("n_followed", "n_measured", "share", "past_mean")),
        (note,),
        wide=True,
    )


def deaths_since(data: ReportData) -> str:
    """Say how many of a thousand people in follow-up died in a period since the (first) start, by
    arm, from released counts: sums of exact ones would tell the hidden ones."""
    dead = released_deaths(data)
    if dead is None:
        return "Deaths are not counted apart."
    counts = dead[dead["period"] >= data.first_period].assign(
        **{name: pd.to_numeric(dead[name], errors="coerce") for name in ("n_followed", "n_died")}
    )
    if counts["n_died"].isna().any() or set(counts["arm"]) != set(ARMS):
        return ELSEWHERE
    sums = counts.groupby("arm")[["n_followed", "n_died"]].sum()
    rates = [THOUSAND * sums.at[arm, "n_died"] / sums.at[arm, "n_followed"] for arm in ARMS]
    first = "first start" if len(data.starts) > 1 else "start"
    return (
        f"Since the {first}, {number(rates[0], 1)} of 1,000 people in follow-up died in a "
        f"{plain(data.study.window.period)} in programme practices and {number(rates[1], 1)} in "
        "comparison practices (by period in death_rates.csv)."
    )
