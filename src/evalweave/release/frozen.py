"""What a release says of people of whom an earlier one has spoken.

Where an arm of a comparison differs from that of an earlier release by few people (some left or
joined, or have other values), two descriptions would describe these few: one mean times its number
less the other. So the arm is described as it was then: counts, means and deviations are those of
the earlier release. Estimates are new; how many they rest on is as it was. Printing the earlier
values, not blanks, says nothing new either, keeps the tables whole, and is off by at most those
few. Where an arm differs by more, it is described anew, and every single count that changed by few
is protected as a count of its own (`attack`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from evalweave.release.disclosure import Profile
from evalweave.release.fingerprints import apart
from evalweave.release.register import Release

Arms = dict[tuple[str, str], Release]  # comparison, arm → the release in which it was described
COLUMNS = {
    "programme": ("programme", "programme_sd", "programme_n"),
    "comparison": ("comparison_value", "comparison_sd", "comparison_n"),
}


def frozen(people: pd.DataFrame, earlier: Sequence[Release], profile: Profile) -> Arms:
    """Return the arms that differ by few people from those of an earlier release (the latest one),
    and are not those of any."""
    arms: Arms = {}
    settled: set[tuple[str, str]] = set()
    for release in reversed(earlier):
        for arm, n in apart(people, release.people).items():
            if n == 0:
                settled.add(arm)
            elif profile.hides(n):
                arms.setdefault(arm, release)
    return {arm: release for arm, release in arms.items() if arm not in settled}


def whole(arms: Arms, people: pd.DataFrame) -> Release | None:
    """Return the one release in which every arm was described that is now frozen; None where
    there is another one."""
    names = {release.name for release in arms.values()}
    everyone = set(people[["comparison", "arm"]].itertuples(index=False, name=None))
    if len(names) != 1:
        return None
    release = next(iter(arms.values()))
    same = {arm for arm, n in apart(people, release.people).items() if n == 0}
    return release if everyone <= same | set(arms) else None


def as_then(exact: Mapping[str, pd.DataFrame], arms: Arms, primary: str) -> dict[str, pd.DataFrame]:
    """Return the exact tables with the lines of frozen arms as they were."""
    tables = dict(exact)
    for (comparison, arm), release in sorted(arms.items()):
        then = release.exact
        if "baseline" in tables and "baseline" in then:
            tables["baseline"] = _baseline(tables["baseline"], then["baseline"], comparison, arm)
        for name in (
            "trends",
            "deaths",
            *(("incidence", "ledger") if comparison == primary else ()),
        ):
            if name in tables and name in then:
                tables[name] = _lines(tables[name], then[name], comparison, arm)
        if "balance" in tables:
            balance = tables["balance"]
            tables["balance"] = balance[balance["comparison"] != comparison]
    return tables


def _lines(now: pd.DataFrame, then: pd.DataFrame, comparison: str, arm: str) -> pd.DataFrame:
    """Return a table with the lines of an arm as they were."""

    def mine(frame: pd.DataFrame) -> pd.Series:
        same = (frame["arm"] == arm).fillna(False).astype(bool)
        return same & (frame["comparison"] == comparison) if "comparison" in frame else same

    if "stage" in now:  # of the ledger only what the panel says of people of the comparison
        panel = (now["stage"] == "panel", then["stage"] == "panel")
        return pd.concat([now[~(mine(now) & panel[0])], then[mine(then) & panel[1]]])
    return pd.concat([now[~mine(now)], then[mine(then)]])


def _baseline(now: pd.DataFrame, then: pd.DataFrame, comparison: str, arm: str) -> pd.DataFrame:
    """Return the baseline with the columns of an arm as they were."""
    keys, columns = ["comparison", "variable", "category", "statistic"], list(COLUMNS[arm])
    mine, before = now[now["comparison"] == comparison], then[then["comparison"] == comparison]
    joined = mine.drop(columns=columns).merge(before[[*keys, *columns]], on=keys, how="outer")
    order = {key: n for n, key in enumerate(map(tuple, mine[keys].fillna("").to_numpy()))}
    place = [order.get(tuple(key), len(order)) for key in joined[keys].fillna("").to_numpy()]
    joined = joined.iloc[sorted(range(len(place)), key=lambda i: place[i])]
    counted = joined["statistic"] == "n"
    for value in ("programme", "comparison_value"):
        joined.loc[counted, value] = joined.loc[counted, value].fillna(0)
    nobody = counted & (joined["programme"] == 0) & (joined["comparison_value"] == 0)
    rest = now[now["comparison"] != comparison]
    parts = [joined.loc[~nobody, list(now.columns)], rest]
    return pd.concat([part for part in parts if len(part)], ignore_index=True)
