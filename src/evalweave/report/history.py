"""A report beside those released before it: whom it describes as it did then, and what it leaves
for the register."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from evalweave.release import fingerprints, register
from evalweave.release.disclosure import Profile
from evalweave.release.frozen import Arms, as_then, frozen, whole
from evalweave.release.register import Release
from evalweave.study.whole import Study
from evalweave.tables.analyses import ESTIMATES
from evalweave.tables.people import BALANCE, BASELINE, DEATHS, INCIDENCE, TRENDS
from evalweave.tables.records import LEDGER

CONTRACTS = {
    "baseline": BASELINE,
    "balance": BALANCE,
    "incidence": INCIDENCE,
    "ledger": LEDGER,
    "trends": TRENDS,
    "deaths": DEATHS,
    "sizes": ESTIMATES,  # of each analysis, how many it rests on
    "contributing": LEDGER,  # of each analysis, those seen before and after the start by arm
}
SIZES = ["analysis", "n_patients", "n_obs"]


@dataclass(frozen=True)
class History:
    """The exact tables of a description, the people in it, and the releases before it.

    `then` is the release in which an arm was described that is described so again.
    """

    exact: Mapping[str, pd.DataFrame]
    people: pd.DataFrame
    earlier: Sequence[Release] = ()
    arms: Arms = field(default_factory=dict)

    @property
    def then(self) -> list[str]:
        return sorted({release.name for release in self.arms.values()})

    @property
    def comparisons(self) -> dict[str, Release]:
        """Comparisons with an arm that is described as it was."""
        return {comparison: release for (comparison, _), release in self.arms.items()}


def history(
    study: Study, results: Path, rules: Profile, exact: Mapping[str, pd.DataFrame]
) -> History:
    """Return what a study's report describes, beside its releases so far.

    Args:
        exact: the exact tables by their names in `CONTRACTS`.

    Raises:
        DataError: the register is damaged.
    """
    people = fingerprints.people(results, list(study.comparisons))
    if rules.exact or people is None:
        return History(exact, pd.DataFrame())
    earlier = register.releases(results, CONTRACTS)
    arms = frozen(people, earlier, rules)
    if not arms:
        return History(exact, people, earlier)
    then = whole(arms, people)
    primary = study.primary_analysis.comparison or study.primary_comparison
    tables = as_then(exact, arms, primary) if then is None else {**exact, **then.exact}
    return History(tables, _as_described(people, arms), earlier, arms)


def _as_described(people: pd.DataFrame, arms: Arms) -> pd.DataFrame:
    """Return the people whom the description is of: in a frozen arm, those of then."""

    def of_arm(frame: pd.DataFrame, comparison: str, arm: str) -> pd.Series:
        return (frame["comparison"] == comparison) & (frame["arm"] == arm)

    for (comparison, arm), release in arms.items():
        before = release.people
        people = pd.concat(
            [
                people[~of_arm(people, comparison, arm)],
                before[of_arm(before, comparison, arm)],
            ]
        )
    return people.sort_values(["comparison", "arm", "patient_id"]).reset_index(drop=True)


def sizes(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return how many each analysis rests on, once."""
    return estimates.drop_duplicates("analysis")[SIZES].reset_index(drop=True)


def contributing(diagnostics: Mapping[str, Any]) -> pd.DataFrame:
    """Return who was seen before and after the start, by analysis and arm."""
    rows = [
        {"analysis": name, "arm": arm, "n": counts.get("seen_before_and_after")}
        for name, entry in diagnostics.items()
        if isinstance(entry, Mapping)
        for arm, counts in (entry.get("contributing") or {}).items()
        if isinstance(counts, Mapping)
    ]
    return pd.DataFrame(rows, columns=["analysis", "arm", "n"]).astype({"n": "Int64"})


def estimates_then(
    estimates: pd.DataFrame, told: History, rules: Profile, primary: str
) -> pd.DataFrame:
    """Return the estimates; where their people are described as they were, so is their number
    (blank where nobody said it then)."""
    if not told.arms:
        return estimates
    frame = estimates.copy()
    comparison = frame["comparison"].fillna(primary)
    for name, release in told.comparisons.items():
        then = release.exact.get("sizes")
        known = {} if then is None else then.set_index("analysis").to_dict("index")
        for column in ("n_patients", "n_obs"):
            small = frame[column].map(lambda n: bool(pd.notna(n) and rules.hides(n))).astype(bool)
            before = (
                frame["analysis"]
                .map({a: row[column] for a, row in known.items()} or {})
                .astype("Int64")
            )
            frame[column] = frame[column].mask((comparison == name) & ~small, before)
    return frame


def diagnostics_then(diagnostics: Mapping[str, Any], told: History) -> dict[str, Any]:
    """Return the diagnostics with those seen before and after the start as they were then."""
    if not told.arms:
        return dict(diagnostics)
    then = told.exact["contributing"]
    by_arm = {
        (str(r["analysis"]), str(r["arm"])): None if pd.isna(r["n"]) else int(r["n"])
        for r in then.to_dict("records")
    }
    entries: dict[str, Any] = {}
    for name, entry in diagnostics.items():
        if isinstance(entry, Mapping) and isinstance(entry.get("contributing"), Mapping):
            arms = {
                arm: {**counts, "seen_before_and_after": by_arm.get((name, arm))}
                for arm, counts in entry["contributing"].items()
                if isinstance(counts, Mapping)
            }
            entry = {**entry, "contributing": arms}
        entries[name] = entry
    return entries


def place(key: Hashable) -> str:
    """Return a place in the release as the register writes it."""
    return json.dumps(key)


def pending(told: History, counts: Mapping[str, tuple[int, str]]) -> Release | None:
    """Return what the register keeps of this report; None where the people are not known."""
    if told.people.empty:
        return None
    return Release(told.people, told.exact, counts)
