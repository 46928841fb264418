"""Numbers about interview participants as they may leave: medians, ranges and saturation curves.

medians, ranges     whole numbers; those of a theme only where its count of participants is
                    shown, none on fewer than twice `min_cell` people; the extremes of all stay
                    inside, since each is somebody's own value
months of fieldwork only of kinds of at least `min_cell` sources of a role
saturation          whole codes; from the `min_cell`-th person on, none for roles of fewer than
                    twice `min_cell` people: the exact steps of the curve would tell how many
                    codes one person alone raised
"""

from __future__ import annotations

import pandas as pd

from evalweave.release.disclosure import HIDDEN, Profile
from evalweave.tables.qualitative import FIELDWORK, SATURATION, THEME_COUNTS, THEME_NUMBERS

INSIDE = ("n_with_value", "lowest", "highest")


def released_theme_numbers(
    profile: Profile, frame: pd.DataFrame, counts: pd.DataFrame
) -> pd.DataFrame:
    """Return THEME_NUMBERS as released; `counts`: the exact theme counts."""
    whole = counts[counts["code_id"].isna() & counts["attribute"].isna()]
    released = profile.count_frame(whole, THEME_COUNTS)
    shown = {
        (row["theme_id"], row["role"], of): row[column] != HIDDEN and pd.notna(row[column])
        for row in released.to_dict("records")
        for of, column in (("raised", "n_participants"), ("asked", "n_eligible"))
    }
    keys = frame[["theme_id", "role", "of"]].itertuples(index=False, name=None)
    enough = frame["n_with_value"].fillna(0) >= 2 * profile.min_cell
    may = pd.Series([bool(shown.get(key)) for key in keys], index=frame.index, dtype=bool)
    numbers = ["median", "low", "high"]
    rounded = frame[numbers].round(0).where(may & enough, axis=0)
    kept = [name for name in THEME_NUMBERS.names if name not in INSIDE]
    return frame.assign(**{name: rounded[name] for name in numbers})[kept]


def released_fieldwork(profile: Profile, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the kinds, phases and months of FIELDWORK as released; the counts are released where
    they are printed."""
    frame = frame.reindex(columns=FIELDWORK.names)  # an earlier run knows no months
    enough = frame["n_sources"].fillna(0) >= profile.min_cell
    months = {name: frame[name].where(enough) for name in ("first_month", "last_month")}
    return frame[["role", "kind", "phase"]].assign(**months)


def released_saturation(profile: Profile, frame: pd.DataFrame) -> pd.DataFrame:
    """Return SATURATION as released."""
    size = frame.groupby("role")["n_first"].transform("max")
    enough = (frame["n_first"] >= profile.min_cell) & (size >= 2 * profile.min_cell)
    shown = frame[enough][[name for name in SATURATION.names if name != "n_left_out"]].copy()
    for name in ("mean", "low", "high"):
        shown[name] = shown[name].round(0)
    return shown.reset_index(drop=True)
