"""Estimates as they may be released: those that rest on too few people are withheld."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from evalweave.release.disclosure import RESTS_ON, Profile
from evalweave.release.resting import people_behind
from evalweave.tables.analyses import ESTIMATES


def released_estimates(
    profile: Profile, frame: pd.DataFrame, diagnostics: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Return the estimates table as released: coefficients and intervals stay, counts follow
    the profile.

    Rows that may not be shown at all are blank, see `withhold`.
    """
    return profile.count_frame(withhold(profile, frame, diagnostics), ESTIMATES)


def withhold(
    profile: Profile, frame: pd.DataFrame, diagnostics: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Return the estimates, counts still exact, without the statistics that rest on too few
    patients.

    A term rests on its subgroup's patients (`people_behind`, from diagnostics.json), others on
    the fit's. A fit with fewer than `min_dof` residual degrees of freedom, n_obs − n_patients −
    the analysis' terms (patient effects are absorbed), is withheld as a whole.
    """
    behind = people_behind(frame, diagnostics or {})
    withheld = behind.map(lambda n: bool(pd.notna(n) and profile.hides(n))).astype(bool)
    if profile.min_dof:
        terms = frame.groupby("analysis")["term"].transform("nunique")
        residual = frame["n_obs"] - frame["n_patients"] - terms
        withheld |= (residual < profile.min_dof).fillna(False).astype(bool)
    released = frame.copy()
    for name in RESTS_ON["estimates"]["n_patients"]:
        released[name] = released[name].mask(withheld)
    return released
