"""Which exact counts of a report add up to which: what controlled rounding must keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations

import pandas as pd

from evalweave.ledger import KEPT, RECEIVED, SET_ASIDE
from evalweave.release.baseline import ARMS
from evalweave.release.disclosure import Profile
from evalweave.release.rounding import Sum, controlled


def adding_up(
    profile: Profile,
    baseline: pd.DataFrame | None,
    ledger: pd.DataFrame | None,
    trends: Iterable[pd.DataFrame],
) -> Profile:
    """Return the profile, its rounding chosen so that what a report shows adds up."""
    if profile.base <= 1:
        return profile
    exact: list[tuple[int, list[int]]] = []
    if baseline is not None:
        exact += [*_categories(baseline), *_of_comparisons(baseline)]
    if ledger is not None:
        exact += [*_stages(ledger), *_periods(ledger, trends)]
    sums = [_shown(profile, total, parts) for total, parts in exact]
    wanted = [s for s in sums if s is not None]
    return replace(profile, chosen=controlled(wanted, profile.base, profile.high + 1))


def _shown(profile: Profile, total: int, parts: list[int]) -> Sum | None:
    """Return a sum of what is shown; None where exact numbers do not add up or nothing follows."""
    parts = [n for n in parts if n]
    shown = tuple(sorted(n for n in parts if not profile.hides(n)))
    if sum(parts) != total or profile.hides(total) or len(parts) < 2 or not shown:
        return None
    return Sum(total, shown, len(parts) - len(shown))


def _categories(baseline: pd.DataFrame) -> Iterator[tuple[int, list[int]]]:
    """Yield the categories of a variable beside the arm; people with a value and those without."""
    for _, mine in baseline.groupby("comparison", sort=True):
        people = mine[mine["variable"] == "patients"]
        for value, _, known in ARMS:
            if people.empty or pd.isna(people[value].iloc[0]):
                continue
            whole = int(people[value].iloc[0])
            for name, part in mine.groupby("variable", sort=True):
                cells = part.loc[part["statistic"] == "n", value].fillna(0).astype(int).tolist()
                means = part.loc[part["statistic"] == "mean_sd", known].dropna().astype(int)
                if name not in ("patients", "practices"):
                    yield whole, [*cells, *means.tolist()]


def _of_comparisons(baseline: pd.DataFrame) -> Iterator[tuple[int, list[int]]]:
    """Yield the comparison arms of two comparisons beside a third that is both together."""
    counts = baseline[baseline["statistic"] == "n"]
    wide = counts[counts["variable"] != "practices"].pivot_table(
        index=["variable", "category"],
        columns="comparison",
        values="comparison_value",
        dropna=False,
        fill_value=0,
        observed=True,
    )
    for one, other in combinations(wide.columns, 2):
        for both in wide.columns:
            if both not in (one, other) and (wide[one] + wide[other] == wide[both]).all():
                for total, first, second in wide[[both, one, other]].astype(int).to_numpy():
                    yield int(total), [int(first), int(second)]


def _stages(ledger: pd.DataFrame) -> Iterator[tuple[int, list[int]]]:
    """Yield what a stage received beside what it set aside and kept, by arm and over the arms."""
    lines = ledger[ledger["unit"] != "practices"].assign(
        **{name: ledger[name].astype("string").fillna("") for name in ("arm", "outcome", "rule")}
    )
    panel = lines["stage"] == "panel"
    for part, more in ((lines[~panel], []), (lines[panel], ["outcome", "arm"])):
        keys = ["stage", "unit", *more]
        for _, mine in part.groupby(keys, sort=True):
            by = mine.groupby(["entry", "rule"], sort=True)["n"].sum()
            entries = by.index.get_level_values("entry")
            inside = by[(entries == SET_ASIDE) | (entries == KEPT)]
            yield int(by[entries == RECEIVED].sum()), [int(n) for n in inside]
    people = lines[panel & (lines["unit"] == "patients") & (lines["entry"] == RECEIVED)]
    cohort = lines[(lines["stage"] == "cohort") & (lines["entry"] == KEPT)]
    eligible = int(cohort[cohort["unit"] == "patients"]["n"].sum())
    for _, mine in people.groupby("outcome", sort=True):
        yield eligible, [int(n) for n in mine.groupby("arm")["n"].sum()]


def _periods(
    ledger: pd.DataFrame, trends: Iterable[pd.DataFrame]
) -> Iterator[tuple[int, list[int]]]:
    """Yield the person-periods of an arm beside the people measured in each period."""
    kept = ledger[(ledger["stage"] == "panel") & (ledger["entry"] == KEPT)]
    totals = {int(n) for n in kept.groupby(["unit", "outcome", "arm"], dropna=False)["n"].sum()}
    for frame in trends:
        for _, mine in frame.groupby(["outcome", "arm"], sort=True):
            counts = [int(n) for n in mine["n_patients"]]
            if sum(counts) in totals:
                yield sum(counts), counts
