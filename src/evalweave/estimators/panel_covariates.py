"""Covariates as numbers: categories become indicators, unknown is a category of its own.

Nobody leaves the panel for a blank covariate. A blank number takes the mean of the known ones and
an indicator beside it says that it was unknown (as for a category, where the indicator alone does).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from evalweave.estimators.panel_columns import UNKNOWN, Problems, numbers, text_of
from evalweave.estimators.panel_identity import levels
from evalweave.fits.result import Floats, Ints

MOST = 50  # levels of a category; more is an identifier or free text


def is_category(column: pd.Series) -> bool:
    """Say whether a column holds categories: truth values, or text most of which is no number."""
    if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(column):
        return True
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return False
    text = text_of(column)
    known = text[~(text.isna() | text.isin(UNKNOWN))].drop_duplicates()
    parsed = pd.to_numeric(known.str.replace(",", ".", regex=False), errors="coerce")
    return bool(len(known)) and bool(parsed.notna().mean() < 0.5)


def covariate_columns(
    frame: pd.DataFrame, name: str, problems: Problems, factor: bool = False
) -> dict[str, Floats]:
    """Return the columns (name -> values, N) that stand for one covariate; blanks are nan. With
    `factor`, numbers are categories too.

    A number is its own column. A category of L levels gives L − 1 indicators `name=level`, the
    first level being what they refer to; its blanks are nan in all of them.
    """
    if not factor and not is_category(frame[name]):
        return {name: numbers(frame, name, problems)}
    codes, names = levels(frame[name])
    if len(names) > MOST:
        problems.add(f"a category of {len(names)} levels", f"{MOST} at most", name)
        return {}
    blank = codes < 0
    return {
        f"{name}={level}": np.where(blank, np.nan, codes == code)
        for code, level in enumerate(names)
        if code or not len(names) > 1
    }


def completed(
    name: str, columns: dict[str, Floats], starts: Ints, notes: list[str]
) -> dict[str, Floats]:
    """Return the columns without blanks, and an indicator `name=unknown` where some remain.

    Rows are sorted by unit, `starts` being the first of each. What never changes within a unit is
    known in all its rows if in one. Other blanks take the mean (0 for an indicator of a level).
    """
    if not columns or not np.isnan(next(iter(columns.values())).sum()):
        return columns
    columns = {column: _within_units(values, starts) for column, values in columns.items()}
    blank = np.isnan(next(iter(columns.values())))
    if not blank.any():
        return columns
    notes.append(
        f"{name} is unknown in {int(blank.sum())} rows: they stay, unknown being a category of its "
        "own."
    )
    filled = {}
    for column, values in columns.items():
        known = values[~blank]
        mean = float(known.mean()) if column == name and len(known) else 0.0
        filled[column] = np.where(blank, mean, values)
    return {**filled, f"{name}=unknown": blank.astype(np.float64)}


def _within_units(values: Floats, starts: Ints) -> Floats:
    """Fill blanks from the unit's other rows where no unit has two different values."""
    low, high = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
    if (low != high)[~np.isnan(low)].any():
        return values
    counts = np.diff(np.append(starts, len(values)))
    return np.repeat(low, counts)
