"""All tables. A stage imports the contracts that it uses; this is for what looks at all of them."""

from __future__ import annotations

from evalweave.tables.analyses import ESTIMATES
from evalweave.tables.joint import CLAIMS, JOINT_DISPLAY, QUOTES
from evalweave.tables.people import BALANCE, BASELINE, COHORT, INCIDENCE, MEMBERSHIP, PANEL, TRENDS
from evalweave.tables.qualitative import (
    AGREEMENT,
    CODES,
    CODINGS,
    COOCCURRENCE,
    ELIGIBILITY,
    FIELDWORK,
    GAPS,
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
from evalweave.tables.report import DRAWN, FLOW, INCIDENCE_RATES, WEIGHTS

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
    GAPS,
    FIELDWORK,
    COOCCURRENCE,
    QUOTES,
    AGREEMENT,
    CLAIMS,
    JOINT_DISPLAY,
    FLOW,
    DRAWN,
    WEIGHTS,
)
