"""Who was measured, and who died, by arm and period, as they may be released.

No total over periods is published. Shares and rates are of released counts; what follows from one
period's people in follow-up to the next is protected with all else of the release (`published`).
"""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from evalweave.release.disclosure import Profile
from evalweave.tables.report import DEATH_RATES, MEASURED

ARMS = ("programme", "comparison")
THOUSAND = 1000
SHARE_PLACES, RATE_PLACES = 3, 1
NAMES = {"n_eligible": "n_followed", "n_patients": "n_measured"}


def without_past(trends: pd.DataFrame) -> pd.DataFrame:
    """Return TRENDS without earlier values, which stand with who was measured."""
    return trends.drop(columns=["n_past", "past_mean", "past_sd"], errors="ignore")


def released(
    profile: Profile, trends: pd.DataFrame, outcomes: Collection[str]
) -> pd.DataFrame | None:
    """Return MEASURED, counts as text, from TRENDS with exact counts; the programme first, periods
    in order; None where there is no outcome."""
    if not outcomes:
        return None
    wanted = trends["outcome"].isin(list(outcomes)) & trends["arm"].isin(ARMS)
    mine = MEASURED.conform(trends[wanted].rename(columns=NAMES))
    nobody = mine["n_past"].isna()
    mine = mine.assign(
        past_mean=mine["past_mean"].mask(nobody), past_sd=mine["past_sd"].mask(nobody)
    )
    mine = mine.assign(share=_over(profile, mine, "n_measured", 1, SHARE_PLACES))
    order = {name: place for place, name in enumerate(outcomes)}
    mine = mine.assign(_order=mine["outcome"].map(order)).sort_values(
        ["_order", "arm", "period"], ascending=[True, False, True]
    )
    return profile.count_frame(mine[MEASURED.names], MEASURED)


def deaths(profile: Profile, exact: pd.DataFrame) -> pd.DataFrame:
    """Return DEATH_RATES, counts as text, from DEATHS of one comparison."""
    rate = _over(profile, exact, "n_died", THOUSAND, RATE_PLACES)
    mine = exact.assign(rate_per_1000=rate).sort_values(["arm", "period"], ascending=[False, True])
    return profile.count_frame(DEATH_RATES.conform(mine), DEATH_RATES)


def _over(
    profile: Profile, frame: pd.DataFrame, part: str, times: int, places: int
) -> list[float | None]:
    """Return released counts over those in follow-up, None where one is hidden."""
    rates = [profile.rate(n, of) for n, of in zip(frame[part], frame["n_followed"], strict=True)]
    return [None if rate is None else round(times * rate, places) for rate in rates]
