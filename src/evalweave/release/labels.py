"""Labels of groups too small to be shown: the name alone ("one vicar") tells who took part.

baseline        ethnic groups that are small in both arms are one line
theme counts    levels of an attribute that fewer than `min_cell` people of a role share are one
                line; an attribute of a role without two groups of `min_cell` people is left out,
                since it would tell of everybody (every relative is male)
"""

from __future__ import annotations

import math

import pandas as pd

from evalweave.qualitative.counts import AT_LEAST, COMPLETE, NOT_KNOWN, NOT_STATED
from evalweave.release.disclosure import Profile
from evalweave.tables.people import BASELINE
from evalweave.tables.qualitative import THEME_COUNTS

FEW = "groups too small to be named"
NAMED = ("ethnicity",)  # variables whose levels are names; numbers and yes or no say nothing
UNKNOWN = ("unknown", "missing")
ARMS = ("programme", "comparison_value")


def baseline(profile: Profile, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the exact baseline table with small named groups as one line."""
    if profile.exact:
        return frame
    levels = frame["variable"].isin(NAMED) & ~frame["category"].fillna("").isin((*UNKNOWN, ""))
    counts = frame[list(ARMS)].fillna(0)
    small = counts.map(lambda n: n == 0 or profile.hides(n)).all(axis=1) & (counts > 0).any(axis=1)
    few = levels & small & (frame["statistic"] == "n")
    if not few.any():
        return frame
    lines = []
    for _, part in frame[few].groupby(["comparison", "variable"], sort=False):
        line = part.iloc[0].copy()
        line["category"] = FEW
        for value in ARMS:
            line[value] = part[value].sum()
        shares = [line[value] / n for value, n in _sizes(line) if n]
        spread = sum(share * (1 - share) for share in shares) / 2
        apart = shares[0] - shares[1] if len(shares) == 2 else math.nan
        line["smd"] = apart / math.sqrt(spread) if spread > 0 else math.nan
        lines.append(line)
    merged = pd.DataFrame(lines)  # in the place of the first of them
    return BASELINE.conform(pd.concat([frame[~few], merged]).sort_index(kind="stable"))


def _sizes(line: pd.Series) -> list[tuple[str, float]]:
    people = (("programme", "programme_n"), ("comparison_value", "comparison_n"))
    return [(value, 0 if pd.isna(line[n]) else float(line[n])) for value, n in people]


def theme_counts(profile: Profile, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the exact theme counts with small levels of an attribute as one line."""
    if profile.exact:
        return frame
    crossed = frame["attribute"].notna() & frame["n_eligible"].notna()
    parts = [frame[~crossed]]
    for _, part in frame[crossed].groupby(["role", "attribute"], sort=False):
        sizes = part.groupby("attribute_level", dropna=False)["n_eligible"].max()
        if sizes.max() == 0:
            parts.append(part)  # nobody of the role was asked
            continue
        few = {level for level, n in sizes.items() if n < profile.min_cell and level != NOT_STATED}
        large = sum(n >= profile.min_cell for level, n in sizes.items() if level not in few)
        pooled = sum(n for level, n in sizes.items() if level in few)
        if large + (pooled >= profile.min_cell) >= 2:
            parts.append(_merged(part, few) if few else part)
    if len(parts) == 1:
        return parts[0].reset_index(drop=True)
    order = pd.concat(parts).sort_index(kind="stable")
    return THEME_COUNTS.conform(order)


def _merged(part: pd.DataFrame, few: set[str]) -> pd.DataFrame:
    """Return an attribute's lines, those of `few` levels as one a theme and code."""
    small = part["attribute_level"].isin(few)
    lines = []
    for _, same in part[small].groupby(["theme_id", "code_id"], sort=False, dropna=False):
        line = same.iloc[0].copy()
        line["attribute_level"] = FEW
        for name in ("n_participants", "n_eligible", "n_references"):
            line[name] = pd.NA if same[name].isna().any() else int(same[name].sum())
        line["n_sources"] = pd.NA  # one source may hold words of several of them
        known = set(same["attributed"].dropna())
        line["attributed"] = next(
            (word for word in (NOT_KNOWN, AT_LEAST, COMPLETE) if word in known), pd.NA
        )
        lines.append(line)
    return pd.concat([part[~small], pd.DataFrame(lines)])
