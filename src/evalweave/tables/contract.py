"""What a table promises: columns with type, unit and one line of meaning, and a check of all of
it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalweave.errors import Fault, raise_faults

if TYPE_CHECKING:
    import pandas as pd


TEXT, DATE, WHOLE, NUMBER, TRUTH = "text", "date", "whole number", "number", "true or false"
DTYPES = {
    TEXT: "string",
    WHOLE: "Int64",
    NUMBER: "float64",
    TRUTH: "boolean",
    DATE: "date32[day][pyarrow]",
}

# What a released number can be besides a count: how finely it leaves follows from it.
STATISTICS = (
    "share",
    "mean",
    "deviation",
    "difference",
    "rate",
    "estimate",
    "error",
    "interval",
    "p_value",
    "dof",
    "stability",
    "probability",
    "declared",  # by the study, such as a margin or a level: rests on nobody
    "place",  # a period, an event time, an order
)


@dataclass(frozen=True)
class Column:
    """One column: its type, what it means, and whether it may be blank."""

    name: str
    type: str
    meaning: str
    unit: str = ""
    required: bool = False  # no blanks
    counts: str = ""  # patients | records | practices | participants | references | sources
    statistic: str = ""  # what a released number is that counts nobody: one of STATISTICS


@dataclass(frozen=True)
class Table:
    """A named list of columns; `key` columns together identify a row."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def empty(self) -> pd.DataFrame:
        """Return the table without rows."""
        import pandas as pd

        return pd.DataFrame({c.name: pd.Series(dtype=DTYPES[c.type]) for c in self.columns})

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return `frame` with exactly these columns, in order and type (missing ones blank), after
        `check`."""
        import pandas as pd

        frame = frame.copy()
        for column in self.columns:
            if column.name not in frame:
                frame[column.name] = pd.Series(None, index=frame.index, dtype=DTYPES[column.type])
        frame = frame[self.names].reset_index(drop=True)
        for column in self.columns:
            frame[column.name] = frame[column.name].astype(DTYPES[column.type])
        self.check(frame)
        return frame

    def check(self, frame: pd.DataFrame) -> None:
        """Raise `DataError` for missing columns, blanks where none may be, and repeated keys."""
        absent = [name for name in self.names if name not in frame]
        faults = [
            Fault(self.name, "no such column", "it to be there", column=name) for name in absent
        ]
        for column in self.columns:
            if (
                column.required
                and column.name in frame
                and (blank := frame[column.name].isna()).any()
            ):
                row = int(blank.to_numpy().argmax()) + 2
                faults.append(
                    Fault(
                        self.name, f"{int(blank.sum())} blanks", "none", row=row, column=column.name
                    )
                )
        if self.key and not absent and (again := frame.duplicated(list(self.key))).any():
            row = int(again.to_numpy().argmax()) + 2
            keys = ", ".join(self.key)
            faults.append(
                Fault(
                    self.name, f"{int(again.sum())} repeated rows", f"one row per {keys}", row=row
                )
            )
        raise_faults(faults)


def typed(frame: pd.DataFrame, *tables: Table) -> pd.DataFrame:
    """Return `frame` (all text, as read) with each column in the type that the first of `tables`
    with such a column declares.

    A column that none of them has becomes a number when all its values are, and stays text
    otherwise: identifiers want a contract.
    """
    import pandas as pd

    declared = {column.name: column.type for table in reversed(tables) for column in table.columns}
    for name in frame.columns:
        kind = declared.get(str(name))
        if kind == TEXT:
            frame[name] = frame[name].astype("string")
        elif kind == TRUTH:
            frame[name] = frame[name].map({"True": True, "False": False}).astype("boolean")
        elif kind == DATE:
            frame[name] = pd.to_datetime(frame[name]).astype(DTYPES[DATE])
        elif kind == WHOLE:
            frame[name] = pd.to_numeric(frame[name]).astype("Int64")
        elif kind == NUMBER:
            frame[name] = frame[name].astype("float64")
        else:
            try:
                frame[name] = pd.to_numeric(frame[name])
            except ValueError:
                frame[name] = frame[name].astype("string")
    return frame


def column(name: str, type_: str, meaning: str, **more: object) -> Column:
    return Column(name, type_, meaning, **more)  # type: ignore[arg-type]
