"""Who the arms were, as it may be released: the baseline table and what weighting did to it."""

from __future__ import annotations

import pandas as pd

from evalweave.release.disclosure import HIDDEN, PATIENTS, PRACTICES, Profile, nowhere
from evalweave.tables.people import BALANCE, BASELINE


def released_baseline(profile: Profile, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the baseline table as released: counts rounded, percentages from rounded counts.

    The categories of a variable add up to the arm, so hidden ones are protected; a variable
    with one row (such as female) hides when its complement is small. The standardised
    difference goes with either arm. A mean does not say how many it rests on where few people
    lack a value. Numbers of practices are exact.
    """
    practices = frame["variable"] == PRACTICES
    people = _of_people(
        profile, frame[~practices], profile.count_frame(frame[~practices], BASELINE)
    )
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


def released_balance(profile: Profile, frame: pd.DataFrame, baseline: pd.DataFrame) -> pd.DataFrame:
    """Return the balance table as released: a difference is blank where the (exact) baseline
    table hides its count, for it would give it away."""
    released = profile.count_frame(frame, BALANCE)
    gone = released_baseline(profile, baseline)["smd"].isna() & baseline["smd"].notna()
    keys = ["comparison", "variable", "category"]
    hidden = set(baseline.loc[gone, keys].fillna("").itertuples(index=False, name=None))
    rows = pd.Series(
        [key in hidden for key in frame[keys].fillna("").itertuples(index=False, name=None)],
        index=frame.index,
        dtype=bool,
    )
    for name in ("smd_before", "smd_after"):
        released[name] = released[name].mask(rows)
    return released


def _arms(frame: pd.DataFrame, value: str) -> dict[str, float]:
    """Return comparison → number of people in an arm, from the baseline table's own first line."""
    lines = frame[frame["variable"] == PATIENTS]
    return dict(zip(lines["comparison"], lines[value].astype("float64"), strict=True))
