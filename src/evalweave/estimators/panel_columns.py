"""The columns of anybody's table: whether they are there, and how each is read.

What is wrong is collected in `Problems` and raised together. Messages never quote an identifier or
a value of an outcome or covariate.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evalweave.errors import Fault, nearest, raise_faults
from evalweave.fits.result import Floats, Ints

Mask = NDArray[np.bool_]
UNKNOWN = ("", "unknown", "Unknown", "nan", "NaN", "<NA>", "None", "NA", ".")
LARGEST = 1e50  # the squares and fourth powers of what is larger have no double
DECIMAL_COMMA = r"[-−+]?\d+,\d+"


@dataclass
class Problems:
    """What is wrong with one table, gathered so that somebody mends it once."""

    file: str
    faults: list[Fault] = field(default_factory=list)
    rows: Ints | None = None  # places of the rows looked at in the whole file; None = all

    def add(
        self, seen: str, expected: str, column: str, action: str = "", row: int | None = None
    ) -> None:
        if row is not None and self.rows is not None:
            row = int(self.rows[row - 2]) + 2
        self.faults.append(Fault(self.file, seen, expected, action, row, column))

    def refuse(self, wrong: Mask, seen: str, expected: str, column: str, action: str = "") -> None:
        """Add a fault for the rows that are `wrong`, if any; the first one is named."""
        if wrong.any():
            rows = f"{seen} ({int(wrong.sum())} rows)"
            self.add(rows, expected, column, action, int(wrong.argmax()) + 2)

    def concern(self, column: str) -> bool:
        """Say whether anything is wrong with `column`."""
        return any(fault.column == column for fault in self.faults)

    def raise_all(self) -> None:
        raise_faults(self.faults)


def check_present(frame: pd.DataFrame, wanted: list[str], problems: Problems) -> None:
    """Add a fault for every column that is missing or stands twice."""
    names = [str(name) for name in frame.columns]
    for name in dict.fromkeys(wanted):
        if name not in names:
            near = nearest(name, names) if names else ""
            problems.faults.append(
                Fault(problems.file, f'no column "{name}"', "it to be there", near)
            )
        elif names.count(name) > 1:
            problems.add(f"{names.count(name)} columns of this name", "one", name)


def text_of(column: pd.Series) -> pd.Series:
    """Return a column as text without blanks at its ends; missing stays missing."""
    return column.astype("string").str.strip()


def numbers(frame: pd.DataFrame, name: str, problems: Problems) -> Floats:
    """Return a column as finite floats, blank = nan; what is no finite number is a fault."""
    column = frame[name]
    if pd.api.types.is_datetime64_any_dtype(column):
        problems.add("dates", "numbers", name)
        return np.full(len(column), np.nan)
    if pd.api.types.is_numeric_dtype(column):
        values = np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    else:
        values = _parsed(text_of(column), name, problems)
    if np.isinf(values).any():
        problems.refuse(np.isinf(values), "an infinite value", "finite numbers", name)
    huge = (np.abs(values) > LARGEST) & np.isfinite(values)
    if huge.any():
        action = "Correct it, or leave the cell blank."
        problems.refuse(huge, "a number beyond all measure", f"at most {LARGEST:g}", name, action)
    return values


def _parsed(text: pd.Series, name: str, problems: Problems) -> Floats:
    values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    blank = (text.isna() | text.isin(UNKNOWN)).to_numpy(dtype=bool)
    wrong = np.isnan(values) & ~blank
    if wrong.any() and bool(text[wrong].str.fullmatch(DECIMAL_COMMA).any()):
        action = "Write a decimal point."
        problems.refuse(wrong, "numbers with a decimal comma", "numbers", name, action)
    else:
        problems.refuse(wrong, "text that is not a number", "numbers", name)
    return np.asarray(values)
