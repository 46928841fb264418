"""New cases by arm and period as they may be released.

Hidden are small numbers of people at risk, of new cases and of those who stayed without the
condition; a rate hides with either of its counts. No total over periods is published but that of
people who entered, which is the cohort itself, so only those protect each other. From one period's
people at risk to the next, new cases leave and others join, die, move or grow out of the age range;
where counts are rounded that net change cannot be told. Where they are exact it follows from the
table, so new cases hide when it is small.
"""

from __future__ import annotations

import pandas as pd

from evalweave.release.disclosure import HIDDEN, Profile
from evalweave.study.people import Eligibility
from evalweave.tables.report import INCIDENCE_RATES

THOUSAND = 1000
ENTERED = ("n_entered", "n_entered_incident")


def released(profile: Profile, exact: pd.DataFrame, eligibility: Eligibility) -> pd.DataFrame:
    """Return INCIDENCE_RATES, counts as text, from INCIDENCE with exact counts; programme first,
    periods in order.

    Who entered is blank in a closed cohort, where everybody enters on one day, and how many of them
    were newly diagnosed where the cohort is of new or of old cases alone: all of them, or nobody.
    """
    frame = exact.sort_values(["arm", "period"], ascending=[False, True]).reset_index(drop=True)
    for name in (
        ENTERED
        if eligibility.cohort == "closed"
        else ENTERED[1:]
        if eligibility.cases != "all"
        else ()
    ):
        frame[name] = pd.array([pd.NA] * len(frame), dtype="Int64")
    pairs = zip(frame["n_incident"], frame["n_at_risk"], strict=True)
    shares = [profile.rate(new, at_risk) for new, at_risk in pairs]
    frame["rate_per_1000"] = [
        None if share is None else round(THOUSAND * share, 1) for share in shares
    ]
    shown = profile.count_frame(INCIDENCE_RATES.conform(frame), INCIDENCE_RATES)
    few = _few_came_or_went(profile, frame)
    shown["n_incident"] = shown["n_incident"].mask(few, HIDDEN)
    shown["rate_per_1000"] = shown["rate_per_1000"].mask(few)
    return shown


def _few_came_or_went(profile: Profile, frame: pd.DataFrame) -> pd.Series:
    """Return where exact counts would tell that the people at risk changed by few besides the new
    cases."""
    following = frame.groupby("arm")["n_at_risk"].shift(-1)
    net = (frame["n_at_risk"] - frame["n_incident"] - following).abs()
    if profile.base > 1:
        return pd.Series(False, index=frame.index, dtype=bool)
    return net.map(lambda n: bool(pd.notna(n) and profile.hides(int(n)))).astype(bool)
