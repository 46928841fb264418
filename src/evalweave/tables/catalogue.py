"""All tables, and the types on which they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalweave.tables.contract import DATE, NUMBER, TEXT, TRUTH, WHOLE

if TYPE_CHECKING:
    import pandas as pd
from evalweave.tables.analyses import ESTIMATES
from evalweave.tables.contract import DTYPES, Table
from evalweave.tables.joint import CLAIMS, JOINT_DISPLAY, QUOTES
from evalweave.tables.people import BALANCE, BASELINE, COHORT, INCIDENCE, MEMBERSHIP, PANEL, TRENDS
from evalweave.tables.qualitative import (
    AGREEMENT,
    CODES,
    CODINGS,
    COOCCURRENCE,
    ELIGIBILITY,
    FIELDWORK,
    IMPORT_LOG,
    PARTICIPANTS,
    SEGMENTS,
    SOURCE_PARTICIPANTS,
    SOURCES,
    STANCES,
    THEME_CODES,
    THEME_COUNTS,
    THEMES,
)
from evalweave.tables.records import (
    CONDITIONS,
    EVENTS,
    LEDGER,
    MEASUREMENTS,
    PATIENTS,
    PRACTICES,
    REGISTRATIONS,
)
from evalweave.tables.report import FLOW, INCIDENCE_RATES


def typed(frame: pd.DataFrame, table: Table | None = None) -> pd.DataFrame:
    """Return `frame` (all text, as read) with each column in the type that `table` declares.

    A column that `table` lacks has the type that all other contracts agree on; where none or
    several speak, it becomes a number when all its values are, and stays text otherwise.
    """
    import pandas as pd

    declared = {column.name: column.type for column in table.columns} if table else {}
    for name in frame.columns:
        kind = declared.get(str(name)) or TYPES.get(str(name))
        if kind in (TEXT,):
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


ALL = (
    PRACTICES,
    PATIENTS,
    REGISTRATIONS,
    EVENTS,
    MEASUREMENTS,
    CONDITIONS,
    COHORT,
    MEMBERSHIP,
    PANEL,
    TRENDS,
    BASELINE,
    BALANCE,
    INCIDENCE,
    INCIDENCE_RATES,
    LEDGER,
    ESTIMATES,
    PARTICIPANTS,
    SOURCES,
    SOURCE_PARTICIPANTS,
    ELIGIBILITY,
    CODES,
    THEMES,
    THEME_CODES,
    SEGMENTS,
    CODINGS,
    STANCES,
    IMPORT_LOG,
    THEME_COUNTS,
    FIELDWORK,
    COOCCURRENCE,
    QUOTES,
    AGREEMENT,
    CLAIMS,
    JOINT_DISPLAY,
    FLOW,
)

_SPOKEN = {(column.name, column.type) for table in ALL for column in table.columns}
_NAMES = [name for name, _ in _SPOKEN]
TYPES = {name: type_ for name, type_ in _SPOKEN if _NAMES.count(name) == 1}
