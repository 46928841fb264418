"""Who the arms were, as it may be released: the baseline table and what weighting did to it."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from evalweave.release import precision
from evalweave.release.disclosure import HIDDEN, PATIENTS, PRACTICES, Profile, nowhere
from evalweave.tables.people import BALANCE, BASELINE

ARMS = (
    ("programme", "programme_sd", "programme_n"),
    ("comparison_value", "comparison_sd", "comparison_n"),
)


def released_baseline(
    profile: Profile, frame: pd.DataFrame, places: precision.Places | None = None
) -> pd.DataFrame:
    """Return the baseline table as released: counts rounded, percentages from rounded counts, means
    as `precision` says (`places`: decimals of the outcomes' means), standardised differences from
    what is released.

    The categories of a variable add up to the arm, so hidden ones are protected; a variable
    with one row (such as female) hides when its complement is small. The standardised
    difference goes with either arm. A mean does not say how many it rests on where few people
    lack a value. Numbers of practices are exact.
    """
    practices = frame["variable"] == PRACTICES
    people = _of_people(
        profile, frame[~practices], profile.count_frame(frame[~practices], BASELINE)
    )
    if not profile.exact:
        people = _as_supported(profile, frame[~practices], people, places or {})
    exact = frame[practices].astype(dict.fromkeys(("programme_n", "comparison_n"), "string"))
    return pd.concat([people, exact]).loc[frame.index] if len(exact) else people


def _of_people(profile: Profile, frame: pd.DataFrame, released: pd.DataFrame) -> pd.DataFrame:
    either = nowhere(frame)
    alone = (
        frame.groupby(["comparison", "variable"], dropna=False)["variable"].transform("size") == 1
    )
    for value, people in (("programme", "programme_n"), ("comparison_value", "comparison_n")):
        whole = frame[people].astype("float64")
        percent, number = frame["statistic"] == "percent", frame["statistic"] == "n"
        cell = (
            frame[value].where(number, (frame[value] * whole / 100).where(percent, whole)).round()
        )
        cells = frame.assign(cell=cell)
        hide = profile.hidden(cells, "cell", PATIENTS, [])
        counted = cells[percent | number]
        hide |= profile.hidden(counted, "cell", PATIENTS, [["comparison", "variable"]]).reindex(
            hide.index, fill_value=False
        )
        rest = (whole - cell).where(alone & (percent | number) & (cell < whole))
        hide |= rest.map(lambda n: bool(pd.notna(n) and profile.hides(n))).astype(bool)
        hide |= (released[people] == HIDDEN).fillna(False).astype(bool)
        rates = [
            profile.rate(part, of) for part, of in zip(cell.fillna(0), whole.fillna(0), strict=True)
        ]
        shares = pd.Series(rates, index=frame.index, dtype="float64") * 100
        counts = cell.map(lambda n: profile.count(n).value).astype("float64")
        shown = frame[value].astype("float64").mask(percent, shares).mask(number, counts)
        released[value] = shown.mask(hide)
        deviation = "programme_sd" if value == "programme" else "comparison_sd"
        released[deviation] = released[deviation].mask(hide)
        lacking = frame["comparison"].map(_arms(frame, value)).astype("float64") - whole
        few = (frame["statistic"] == "mean_sd") & lacking.map(
            lambda n: bool(pd.notna(n) and n and profile.hides(n))
        )
        released[people] = released[people].mask(few, HIDDEN)
        either |= hide
    released["smd"] = released["smd"].mask(either)
    return released


def released_balance(
    profile: Profile,
    frame: pd.DataFrame,
    baseline: pd.DataFrame,
    places: precision.Places | None = None,
) -> pd.DataFrame:
    """Return the balance table as released: a difference is blank where the (exact) baseline
    table hides its count, for it would give it away; before weighting it is the baseline's."""
    released = profile.count_frame(frame, BALANCE)
    shown = released_baseline(profile, baseline, places)
    gone = shown["smd"].isna() & baseline["smd"].notna()
    keys = ["comparison", "variable", "category"]
    hidden = set(baseline.loc[gone, keys].fillna("").itertuples(index=False, name=None))
    rows = pd.Series(
        [key in hidden for key in frame[keys].fillna("").itertuples(index=False, name=None)],
        index=frame.index,
        dtype=bool,
    )
    for name in ("smd_before", "smd_after"):
        released[name] = released[name].mask(rows)
    if profile.exact:
        return released
    before = dict(
        zip(shown[keys].fillna("").itertuples(index=False, name=None), shown["smd"], strict=True)
    )
    released["smd_before"] = [
        before.get(key, math.nan)
        for key in frame[keys].fillna("").itertuples(index=False, name=None)
    ]
    released["smd_after"] = released["smd_after"].round(precision.DIFFERENCE_PLACES) + 0.0
    return released


def _as_supported(
    profile: Profile, frame: pd.DataFrame, released: pd.DataFrame, places: precision.Places
) -> pd.DataFrame:
    """Return the released baseline, means to the precision of their counts, and differences from
    them."""
    released = released.copy()
    means = frame["statistic"] == "mean_sd"
    for value, deviation, people in ARMS:
        pairs = [
            precision.moments(profile, mean, spread, n, places.get(variable, 1))
            for variable, mean, spread, n in zip(
                frame.loc[means, "variable"],
                released.loc[means, value],
                released.loc[means, deviation],
                frame.loc[means, people],
                strict=True,
            )
        ]
        released.loc[means, value] = [pair[0] for pair in pairs]
        released.loc[means, deviation] = [pair[1] for pair in pairs]
        percent = frame["statistic"] == "percent"
        released.loc[percent, value] = released.loc[percent, value].round(1)
    differences = [_difference(profile, row) for row in _sized(profile, frame, released)]
    gone = released["smd"].isna()
    smd = pd.Series(differences, index=released.index, dtype="float64")
    return released.assign(smd=smd.mask(gone))


def _sized(profile: Profile, frame: pd.DataFrame, released: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the released lines with the sizes of both arms as released numbers (None = hidden)."""
    sizes = {people: frame[people].map(lambda n: profile.count(n).value) for _, _, people in ARMS}
    return released.assign(**sizes).to_dict("records")


def _difference(profile: Profile, row: dict[str, Any]) -> float:
    """Return the standardised difference of two released means or shares, to two decimals."""
    sides = []
    for value, deviation, people in ARMS:
        middle, spread, n = row[value], row[deviation], row[people]
        if row["statistic"] != "mean_sd":
            if row["statistic"] == "n" and (pd.isna(n) or not n):
                return math.nan
            middle = middle / (100 if row["statistic"] == "percent" else n)
            spread = math.sqrt(max(0.0, middle * (1 - middle)))
        sides.append((middle, spread))
    variance = (sides[0][1] ** 2 + sides[1][1] ** 2) / 2
    if not variance > 0:
        return math.nan
    apart = (sides[0][0] - sides[1][0]) / math.sqrt(variance)
    return round(apart, precision.DIFFERENCE_PLACES) + 0.0


def _arms(frame: pd.DataFrame, value: str) -> dict[str, float]:
    """Return comparison → number of people in an arm, from the baseline table's own first line."""
    lines = frame[frame["variable"] == PATIENTS]
    return dict(zip(lines["comparison"], lines[value].astype("float64"), strict=True))
