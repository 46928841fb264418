"""Tables of the records: from the extract to clean measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalweave.tables.contract import DATE, NUMBER, TEXT, TRUTH, WHOLE

if TYPE_CHECKING:
    pass
from evalweave.tables.contract import Table, column

PRACTICES = Table(
    "practices",
    "One row a practice, with the date on which its programme started.",
    (
        column("practice_id", TEXT, "the practice, as in the extract", required=True),
        column("programme_start", DATE, "first day of the programme; blank = never"),
        column("area", TEXT, "the area it lies in, for comparison groups"),
        column("contributes_from", DATE, "first day of usable data; blank = from the beginning"),
        column(
            "contributes_to", DATE, "last day of usable data (last collection); blank = to the end"
        ),
        column("merged_into", TEXT, "the practice that took over its patients; blank = none"),
    ),
    key=("practice_id",),
)

PATIENTS = Table(
    "patients",
    "One row a patient: fixed facts only.",
    (
        column("patient_id", TEXT, "the patient", required=True),
        column("sex", TEXT, "female, male or unknown"),
        column("birth_year", WHOLE, "year of birth"),
        column("birth_month", WHOLE, "month of birth, where known"),
        column("ethnicity", TEXT, "ethnic group as recorded; blank = unknown"),
        column("imd_quintile", WHOLE, "Index of Multiple Deprivation quintile, 1 = most deprived"),
        column("death_date", DATE, "date of death; blank = alive or unknown"),
        column("acceptable", TRUTH, "the supplier's own quality flag, where there is one"),
    ),
    key=("patient_id",),
)

REGISTRATIONS = Table(
    "registrations",
    "One row a spell of registration of a patient with a practice.",
    (
        column("patient_id", TEXT, "the patient", required=True),
        column("practice_id", TEXT, "the practice", required=True),
        column("start", DATE, "first day registered"),
        column("end", DATE, "last day registered; blank = still registered"),
        column("collected_to", DATE, "the practice's last collection, where the extract says"),
        column("usable_from", DATE, "since when its data are up to standard, where it says"),
    ),
)

EVENTS = Table(
    "events",
    "One row a coded entry of the record, before cleaning. What could not be read stays as text.",
    (
        column("patient_id", TEXT, "the patient"),
        column("practice_id", TEXT, "the practice that recorded it, where the extract says"),
        column("date", DATE, "the day it happened; blank where it could not be read"),
        column("date_text", TEXT, "the date as found, where it could not be read"),
        column("code", TEXT, "the clinical code"),
        column("code_system", TEXT, "snomed, read2, ctv3, medcodeid, omop or local"),
        column("value_text", TEXT, "the value as found, where it is no number"),
        column("value", NUMBER, "the value as a number; blank where it is none"),
        column("unit_text", TEXT, "the unit as found"),
        column("family_history", TRUTH, "it is about a relative, where the extract says"),
        column("source_file", TEXT, "file of the extract it came from", required=True),
        column(
            "source_row",
            WHOLE,
            "row of that file, the header being row 1; blank lines of a text file are not counted",
            required=True,
        ),
    ),
    key=("source_file", "source_row"),
)

MEASUREMENTS = Table(
    "measurements",
    "One row a patient, outcome and day, after cleaning.",
    (
        column("patient_id", TEXT, "the patient", required=True),
        column("practice_id", TEXT, "the practice registered with on that day", required=True),
        column("date", DATE, "the day", required=True),
        column("outcome", TEXT, "the outcome's name in the study file", required=True),
        column("value", NUMBER, "the value in the outcome's unit", required=True),
        column(
            "unit_decided_by",
            TEXT,
            "what decided the unit: text, code, range or declared",
            required=True,
        ),
        column(
            "n_same_day",
            WHOLE,
            "records of that day that this one stands for",
            required=True,
            counts="records",
        ),
    ),
    key=("patient_id", "outcome", "date"),
)

CONDITIONS = Table(
    "conditions",
    "One row a patient, code list and day: coded facts that are not outcomes (diagnoses, "
    "referrals).",
    (
        column("patient_id", TEXT, "the patient", required=True),
        column("codelist", TEXT, "the code list's name in the study file", required=True),
        column("date", DATE, "the day", required=True),
    ),
    key=("patient_id", "codelist", "date"),
)

LEDGER = Table(
    "ledger",
    "Rows in = rows kept + rows set aside, each with one reason; totals are sums of these lines.",
    (
        column("stage", TEXT, "the stage that decided", required=True),
        column(
            "unit",
            TEXT,
            "what is counted: records, patients, practices, registrations, person-periods",
            required=True,
        ),
        column("entry", TEXT, "received, kept or set_aside", required=True),
        column(
            "order",
            WHOLE,
            "the rule's place in the order of rules; 0 for received and kept",
            required=True,
        ),
        column("rule", TEXT, "the rule's name", required=True),
        column("reason", TEXT, "why, in words", required=True),
        column("arm", TEXT, "programme, comparison or blank"),
        column("period", TEXT, "the period's label or blank"),
        column("outcome", TEXT, "the outcome; blank where the rows are of all"),
        column("n", WHOLE, "how many", required=True, counts="records"),
    ),
    key=("stage", "unit", "entry", "order", "rule", "arm", "period", "outcome"),
)

CODELISTS = Table(
    "codelists",
    "What was read of each code list.",
    (
        column("codelist", TEXT, "the code list's name in the study file", required=True),
        column("file", TEXT, "the file's name", required=True),
        column("n_codes", WHOLE, "how many codes it has", required=True),
        column("n_duplicates", WHOLE, "lines that repeat a code", required=True),
        column("n_odd", WHOLE, "notes that reading it gave", required=True),
        column("labels", TEXT, "its labels, if it has any"),
        column("sha256", TEXT, "the file's checksum", required=True),
    ),
    key=("codelist",),
)
