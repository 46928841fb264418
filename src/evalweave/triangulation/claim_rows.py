"""One row of the table of claims being read: its cells as words, numbers and dates, and its
faults."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable

from evalweave.errors import Fault, nearest


class Row:
    """One row being read: its cells, and where its faults go."""

    def __init__(self, file: str, row: int, cells: dict[str, str], faults: list[Fault]) -> None:
        self.file, self.row, self.cells, self.faults = file, row, cells, faults

    def fault(self, column: str, what: str, expected: str, action: str = "") -> None:
        self.faults.append(Fault(self.file, what, expected, action, row=self.row, column=column))

    def text(self, column: str) -> str:
        return self.cells.get(column, "")

    def word(self, column: str, valid: Iterable[str], meaning: str) -> str:
        """Return a cell that must be one of `valid`; nothing is checked when that is empty."""
        cell, words = self.text(column), list(valid)
        if cell and words and cell not in words:
            self.fault(column, f'"{cell}"', meaning, nearest(cell, words))
        return cell

    def number(self, column: str) -> float:
        cell = self.text(column)
        if not cell:
            return math.nan
        try:
            value = float(cell.replace("−", "-"))
        except ValueError:
            hint = (
                "Write the decimal point as a point."
                if "," in cell
                else "Give the number alone; its unit stands in outcome_unit."
            )
            self.fault(column, f'"{cell}"', "a number", hint)
            return math.nan
        if not math.isfinite(value) or value < 0:
            self.fault(
                column,
                f"{cell}",
                "a number from 0 on",
                "A margin is a size without a sign; the direction stands in expected_sign.",
            )
            return math.nan
        return value

    def date(self, column: str) -> dt.date | None:
        cell = self.text(column)
        if not cell:
            return None
        try:
            return dt.date.fromisoformat(cell)
        except ValueError:
            self.fault(column, f'"{cell}"', "a date written as 2018-11-30", "Write year-month-day.")
            return None
