"""Column contracts of every table that passes between stages: type, unit and one line of meaning each.

The contract is code (`check` enforces it), documentation (`config/README.md` prints it) and the test that a
stage delivers what the next one expects. Identifiers are text from the first byte: some code identifiers
exceed 2^53 and a float column corrupts them.

`counts` says what a count counts (patients, records, practices, participants, references): the disclosure
profile rounds the first two, leaves practices exact and applies `qualitative.min_cell` to participants.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalweave.errors import Fault, raise_faults

if TYPE_CHECKING:
    import pandas as pd

TEXT, DATE, WHOLE, NUMBER, TRUTH = "text", "date", "whole number", "number", "true or false"
DTYPES = {TEXT: "string", WHOLE: "Int64", NUMBER: "float64", TRUTH: "boolean", DATE: "date32[day][pyarrow]"}


@dataclass(frozen=True)
class Column:
    """One column: its type, what it means, and whether it may be blank."""

    name: str
    type: str
    meaning: str
    unit: str = ""
    required: bool = False  # no blanks
    counts: str = ""  # patients | records | practices | participants | references | sources


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
        """Return `frame` with exactly these columns, in order and type (missing ones blank), after `check`."""
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
        faults = [Fault(self.name, "no such column", "it to be there", column=name) for name in absent]
        for column in self.columns:
            if column.required and column.name in frame and (blank := frame[column.name].isna()).any():
                row = int(blank.to_numpy().argmax()) + 2
                faults.append(
                    Fault(self.name, f"{int(blank.sum())} blanks", "none", row=row, column=column.name)
                )
        if self.key and not absent and (again := frame.duplicated(list(self.key))).any():
            row = int(again.to_numpy().argmax()) + 2
            keys = ", ".join(self.key)
            faults.append(
                Fault(self.name, f"{int(again.sum())} repeated rows", f"one row per {keys}", row=row)
            )
        raise_faults(faults)


def typed(frame: pd.DataFrame, table: Table | None = None) -> pd.DataFrame:
    """Return `frame` (all text, as read) with each column in the type that `table` declares.

    A column that `table` lacks has the type that all other contracts agree on; where none or several speak, it
    becomes a number when all its values are, and stays text otherwise.
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


def _c(name: str, type_: str, meaning: str, **more: object) -> Column:
    return Column(name, type_, meaning, **more)  # type: ignore[arg-type]


PRACTICES = Table(
    "practices",
    "One row a practice, with the date on which its programme started.",
    (
        _c("practice_id", TEXT, "the practice, as in the extract", required=True),
        _c("programme_start", DATE, "first day of the programme; blank = never"),
        _c("area", TEXT, "the area it lies in, for comparison groups"),
        _c("contributes_from", DATE, "first day of usable data; blank = from the beginning"),
        _c("contributes_to", DATE, "last day of usable data (last collection); blank = to the end"),
        _c("merged_into", TEXT, "the practice that took over its patients; blank = none"),
    ),
    key=("practice_id",),
)

PATIENTS = Table(
    "patients",
    "One row a patient: fixed facts only.",
    (
        _c("patient_id", TEXT, "the patient", required=True),
        _c("sex", TEXT, "female, male or unknown"),
        _c("birth_year", WHOLE, "year of birth"),
        _c("birth_month", WHOLE, "month of birth, where known"),
        _c("ethnicity", TEXT, "ethnic group as recorded; blank = unknown"),
        _c("imd_quintile", WHOLE, "Index of Multiple Deprivation quintile, 1 = most deprived"),
        _c("death_date", DATE, "date of death; blank = alive or unknown"),
        _c("acceptable", TRUTH, "the supplier's own quality flag, where there is one"),
    ),
    key=("patient_id",),
)

REGISTRATIONS = Table(
    "registrations",
    "One row a spell of registration of a patient with a practice.",
    (
        _c("patient_id", TEXT, "the patient", required=True),
        _c("practice_id", TEXT, "the practice", required=True),
        _c("start", DATE, "first day registered"),
        _c("end", DATE, "last day registered; blank = still registered"),
        _c("collected_to", DATE, "the practice's last collection, where the extract says"),
    ),
)

EVENTS = Table(
    "events",
    "One row a coded entry of the record, before cleaning. What could not be read stays as text.",
    (
        _c("patient_id", TEXT, "the patient"),
        _c("practice_id", TEXT, "the practice that recorded it, where the extract says"),
        _c("date", DATE, "the day it happened; blank where it could not be read"),
        _c("date_text", TEXT, "the date as found, where it could not be read"),
        _c("code", TEXT, "the clinical code"),
        _c("code_system", TEXT, "snomed, read2, ctv3, medcodeid, omop or local"),
        _c("value_text", TEXT, "the value as found, where it is no number"),
        _c("value", NUMBER, "the value as a number; blank where it is none"),
        _c("unit_text", TEXT, "the unit as found"),
        _c("family_history", TRUTH, "it is about a relative, where the extract says"),
        _c("source_file", TEXT, "file of the extract it came from", required=True),
        _c(
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
        _c("patient_id", TEXT, "the patient", required=True),
        _c("practice_id", TEXT, "the practice registered with on that day", required=True),
        _c("date", DATE, "the day", required=True),
        _c("outcome", TEXT, "the outcome's name in the study file", required=True),
        _c("value", NUMBER, "the value in the outcome's unit", required=True),
        _c("unit_decided_by", TEXT, "what decided the unit: text, code, range or declared", required=True),
        _c(
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
    "One row a patient, code list and day: coded facts that are not outcomes (diagnoses, referrals).",
    (
        _c("patient_id", TEXT, "the patient", required=True),
        _c("codelist", TEXT, "the code list's name in the study file", required=True),
        _c("date", DATE, "the day", required=True),
    ),
    key=("patient_id", "codelist", "date"),
)

# `cohort` has one more column per outcome, `baseline_<outcome>`: its value in the days before the index date.
COHORT = Table(
    "cohort",
    "One row an eligible patient, everything fixed at the index date; one more column `baseline_<outcome>` an outcome.",
    (
        _c("patient_id", TEXT, "the patient", required=True),
        _c("practice_id", TEXT, "the practice at the index date", required=True),
        _c("arm", TEXT, "programme or comparison, by the practice at the index date", required=True),
        _c("index_date", DATE, "the index date: declared, or the day of entry into an open cohort"),
        _c("programme_start", DATE, "the practice's programme start; blank = never"),
        _c("first_treated", WHOLE, "the period that contains programme_start; blank = never"),
        _c("sex", TEXT, "female, male or unknown"),
        _c("age", WHOLE, "age at the index date, from the middle of the birth year", unit="years"),
        _c("ethnicity", TEXT, "as recorded; unknown is its own level"),
        _c("white", WHOLE, "1 = White, 0 = any other group; blank = unknown"),
        _c("imd_quintile", WHOLE, "1 = most deprived; blank = unknown"),
        _c("n_conditions", WHOLE, "additional long-term conditions at the index date"),
        _c("fewer_conditions", WHOLE, "1 = no more additional conditions than the median, 0 = more"),
        _c("diagnosed_on", DATE, "the day on which all conditions of eligibility first held"),
        _c(
            "incident",
            WHOLE,
            "1 = newly diagnosed at the index date, 0 = prevalent; blank without conditions",
        ),
        _c("followed_from", DATE, "first day of follow-up in an open cohort; blank = the window's first day"),
        _c("censored_on", DATE, "last day of follow-up: death, end of registration, move, last collection"),
    ),
    key=("patient_id",),
)

MEMBERSHIP = Table(
    "membership",
    "Which patients stand in which arm of which comparison; groups may overlap.",
    (
        _c("comparison", TEXT, "the comparison's name in the study file", required=True),
        _c("patient_id", TEXT, "the patient", required=True),
        _c("arm", TEXT, "programme or comparison", required=True),
        _c("weight", NUMBER, "balancing weight; 1 where none was asked for", required=True),
    ),
    key=("comparison", "patient_id"),
)

# `panel` has one more column per outcome (its name, the mean in the outcome's unit) and one `n_<outcome>`.
PANEL = Table(
    "panel",
    "One row a patient and period in which at least one outcome was measured; one column per outcome.",
    (
        _c("patient_id", TEXT, "the patient", required=True),
        _c("practice_id", TEXT, "the practice at the index date", required=True),
        _c("period", WHOLE, "consecutive integers; 2015 is the financial year 2015/16", required=True),
        _c("first_treated", WHOLE, "the period that contains programme_start; blank = never"),
        _c("weight", NUMBER, "balancing weight", required=True),
    ),
    key=("patient_id", "period"),
)

TRENDS = Table(
    "trends",
    "Raw means by arm and period, before any model.",
    (
        _c("comparison", TEXT, "the comparison", required=True),
        _c("outcome", TEXT, "the outcome", required=True),
        _c("arm", TEXT, "programme or comparison", required=True),
        _c("period", WHOLE, "the period", required=True),
        _c("period_label", TEXT, "the period as people write it, such as 2015/16", required=True),
        _c("mean", NUMBER, "mean of the patients' period values, in the outcome's unit"),
        _c("sd", NUMBER, "standard deviation of the same"),
        _c("n_patients", WHOLE, "patients measured in the period", required=True, counts="patients"),
        _c("n_eligible", WHOLE, "patients in follow-up in the period", counts="patients"),
        _c("n_practices", WHOLE, "practices with a measured patient", counts="practices"),
    ),
    key=("comparison", "outcome", "arm", "period"),
)

BASELINE = Table(
    "baseline",
    "Who the arms were at the index date, with standardised mean differences.",
    (
        _c("comparison", TEXT, "the comparison", required=True),
        _c("variable", TEXT, "the characteristic", required=True),
        _c("category", TEXT, "its level; blank for a mean"),
        _c("statistic", TEXT, "n, percent or mean_sd", required=True),
        _c("programme", NUMBER, "value in the programme arm (mean, or count of patients)"),
        _c("programme_sd", NUMBER, "standard deviation, for means"),
        _c("programme_n", WHOLE, "patients it rests on", counts="patients"),
        _c("comparison_value", NUMBER, "value in the comparison arm"),
        _c("comparison_sd", NUMBER, "standard deviation, for means"),
        _c("comparison_n", WHOLE, "patients it rests on", counts="patients"),
        _c("smd", NUMBER, "standardised mean difference (difference over the pooled standard deviation)"),
    ),
    key=("comparison", "variable", "category"),
)

INCIDENCE = Table(
    "incidence",
    "New cases by arm and period: a programme that finds cases earlier would change who is compared.",
    (
        _c("arm", TEXT, "programme or comparison, by the practice on the period's first day", required=True),
        _c("period", WHOLE, "the period", required=True),
        _c("period_label", TEXT, "the period as people write it, such as 2015/16", required=True),
        _c(
            "n_at_risk",
            WHOLE,
            "people of the age range, registered long enough (look_back_days) on its first day, without the conditions",
            required=True,
            counts="patients",
        ),
        _c("n_incident", WHOLE, "of these, people in whom the conditions first held in the period", required=True,
           counts="patients"),
        _c("n_entered", WHOLE, "people of the cohort whose index date lies in the period", required=True,
           counts="patients"),
        _c("n_entered_incident", WHOLE, "of these, newly diagnosed", required=True, counts="patients"),
    ),
    key=("arm", "period"),
)  # fmt: skip

INCIDENCE_RATES = Table(
    "incidence_rates",
    "New cases by arm and period as released: counts through the disclosure profile, rates from the released counts.",
    (
        _c("arm", TEXT, "programme or comparison, by the practice on the period's first day", required=True),
        _c("period", WHOLE, "the period", required=True),
        _c("period_label", TEXT, "the period as people write it, such as 2015/16", required=True),
        _c("n_at_risk", WHOLE, "people at risk on its first day, as in incidence", counts="patients"),
        _c("n_incident", WHOLE, "of these, people in whom the conditions first held in the period", counts="patients"),
        _c("rate_per_1000", NUMBER, "n_incident a thousand people at risk; blank where either is hidden"),
        _c("n_entered", WHOLE, "people who entered an open cohort in the period; blank in a closed one", counts="patients"),
        _c("n_entered_incident", WHOLE, "of these, newly diagnosed; blank likewise", counts="patients"),
    ),
    key=("arm", "period"),
)  # fmt: skip

BALANCE = Table(
    "balance",
    "How far the arms lie apart before and after weighting; no rows where no comparison asks for weights.",
    (
        _c("comparison", TEXT, "the comparison", required=True),
        _c("variable", TEXT, "the characteristic, as in the baseline table", required=True),
        _c("category", TEXT, "its level; blank for a mean"),
        _c("balanced", TRUTH, "the weights were made to balance it", required=True),
        _c("smd_before", NUMBER, "standardised mean difference before weighting, as in the baseline table"),
        _c("smd_after", NUMBER, "the same with weighted means, over the standard deviation from before"),
        _c(
            "effective_comparison_n",
            WHOLE,
            "how many equally weighted comparison patients the weighted ones are worth (Kish)",
            counts="patients",
        ),
    ),
    key=("comparison", "variable", "category"),
)

LEDGER = Table(
    "ledger",
    "Rows in = rows kept + rows set aside, each with one reason; totals are sums of these lines.",
    (
        _c("stage", TEXT, "the stage that decided", required=True),
        _c(
            "unit",
            TEXT,
            "what is counted: records, patients, practices, registrations, person-periods",
            required=True,
        ),
        _c("entry", TEXT, "received, kept or set_aside", required=True),
        _c("order", WHOLE, "the rule's place in the order of rules; 0 for received and kept", required=True),
        _c("rule", TEXT, "the rule's name", required=True),
        _c("reason", TEXT, "why, in words", required=True),
        _c("arm", TEXT, "programme, comparison or blank"),
        _c("period", TEXT, "the period's label or blank"),
        _c("outcome", TEXT, "the outcome; blank where the rows are of all"),
        _c("n", WHOLE, "how many", required=True, counts="records"),
    ),
    key=("stage", "unit", "entry", "order", "rule", "arm", "period", "outcome"),
)

ESTIMATES = Table(
    "estimates",
    "One row a term of an analysis under one inference method.",
    (
        _c("analysis", TEXT, "the analysis' name in the study file or SPEC", required=True),
        _c("estimator", TEXT, "the estimator", required=True),
        _c("outcome", TEXT, "the outcome", required=True),
        _c("term", TEXT, "att, event[-3], att_gt[2015,2016], difference[white=1-0], …", required=True),
        _c("estimate", NUMBER, "the point estimate, in outcome_unit"),
        _c("std_error", NUMBER, "its standard error"),
        _c("ci_low", NUMBER, "lower end of the confidence interval; -inf where unbounded"),
        _c("ci_high", NUMBER, "upper end; inf where unbounded"),
        _c("p_value", NUMBER, "two-sided p-value of no effect"),
        _c("dof", NUMBER, "degrees of freedom of the t distribution used; blank for other methods"),
        _c("level", NUMBER, "level of the interval, such as 0.95"),
        _c("outcome_unit", TEXT, "unit of estimate, standard error and interval"),
        _c("n_obs", WHOLE, "patient-periods in the estimate", counts="records"),
        _c("n_patients", WHOLE, "patients in the estimate", counts="patients"),
        _c("n_practices", WHOLE, "practices in the estimate", counts="practices"),
        _c("n_practices_treated", WHOLE, "of these, ever treated", counts="practices"),
        _c("inference", TEXT, "cr0, cr1, cr2, cr3, jackknife, unit, wild_bootstrap, …"),
        _c("convention", TEXT, "small-sample factor, reference distribution and weighting, in words"),
        _c("subgroup", TEXT, "the subgroup variable, where there is one"),
        _c("comparison", TEXT, "the comparison group's name, where there is one"),
    ),
    key=("analysis", "term", "inference", "outcome_unit", "comparison"),
)

PARTICIPANTS = Table(
    "participants",
    "One row a person who took part in the qualitative strand.",
    (
        _c("participant_id", TEXT, "the participant's pseudonym", required=True),
        _c("role", TEXT, "client, link_worker, family, …", required=True),
        _c("age_band", TEXT, "age band"),
        _c("gender", TEXT, "gender"),
        _c("ethnicity", TEXT, "ethnic group"),
        _c("employment", TEXT, "employment"),
        _c("provider", TEXT, "provider of the service"),
        _c("months_in_programme", NUMBER, "months with the programme"),
        _c("consent_quote", TRUTH, "may be quoted"),
    ),
    key=("participant_id",),
)

SOURCES = Table(
    "sources",
    "One row a source document.",
    (
        _c("source_id", TEXT, "path and text hash, stable over exports", required=True),
        _c("name", TEXT, "the document's name", required=True),
        _c("kind", TEXT, "initial_interview, focus_group, field_note, …"),
        _c("phase", TEXT, "phase of fieldwork"),
        _c("date", DATE, "date of fieldwork"),
        _c("n_chars", WHOLE, "length of the text in code points"),
        _c("offset_convention", TEXT, "how positions count: lf or crlf, code_point, utf16 or utf8 bytes"),
        _c("origin_tool", TEXT, "the program that wrote the project"),
        _c("sha256", TEXT, "hash of the text"),
    ),
    key=("source_id",),
)

SOURCE_PARTICIPANTS = Table(
    "source_participants",
    "Which participant speaks in which (part of a) source.",
    (
        _c("source_id", TEXT, "the source", required=True),
        _c("participant_id", TEXT, "the participant", required=True),
        _c("start", WHOLE, "first code point that is theirs; blank = the whole source"),
        _c("end", WHOLE, "one past the last code point that is theirs"),
        _c("basis", TEXT, "case_source, case_selection, case_coding, variable or map", required=True),
    ),
)

ELIGIBILITY = Table(
    "eligibility",
    "Who was asked about which theme.",
    (
        _c("participant_id", TEXT, "the participant", required=True),
        _c("theme_id", TEXT, "the theme", required=True),
        _c("eligible", TRUTH, "was asked, so belongs to the denominator", required=True),
        _c("reason", TEXT, "why, or why not"),
    ),
    key=("participant_id", "theme_id"),
)

CODES = Table(
    "codes",
    "The code book; the path is the key, since a leaf name may stand under two parents.",
    (
        _c("code_id", TEXT, "the full path", required=True),
        _c("path", TEXT, "names from the root, joined by ' > '", required=True),
        _c("parent", TEXT, "code_id of the parent; blank at the root"),
        _c("depth", WHOLE, "0 at the root", required=True),
        _c("codable", TRUTH, "may be applied to text"),
        _c("description", TEXT, "what it means"),
    ),
    key=("code_id",),
)

THEMES = Table(
    "themes",
    "The themes of the analysis.",
    (
        _c("theme_id", TEXT, "short name", required=True),
        _c("label", TEXT, "the theme in words", required=True),
        _c("definition", TEXT, "what belongs to it"),
    ),
    key=("theme_id",),
)

THEME_CODES = Table(
    "theme_codes",
    "Which codes make up a theme.",
    (
        _c("theme_id", TEXT, "the theme", required=True),
        _c("code_id", TEXT, "the code's full path", required=True),
        _c("descendants", TRUTH, "with everything below it", required=True),
    ),
    key=("theme_id", "code_id"),
)

SEGMENTS = Table(
    "segments",
    "One row a marked stretch of a source.",
    (
        _c("segment_id", TEXT, "source_id and positions", required=True),
        _c("source_id", TEXT, "the source", required=True),
        _c("start", WHOLE, "first code point, from 0"),
        _c("end", WHOLE, "one past the last code point"),
        _c("quote", TEXT, "the text"),
        _c("offset_check", TEXT, "ok, shifted, ambiguous or unchecked", required=True),
    ),
    key=("segment_id",),
)

CODINGS = Table(
    "codings",
    "One row a code given to a segment by a coder.",
    (
        _c("segment_id", TEXT, "the segment", required=True),
        _c("code_id", TEXT, "the code's full path", required=True),
        _c("coder_id", TEXT, "coder pseudonym (names are dropped on load)", required=True),
        _c("coded_at", TEXT, "when, where the tool says"),
    ),
    key=("segment_id", "code_id", "coder_id"),
)

STANCES = Table(
    "stances",
    "Segments that support or contradict a claim.",
    (
        _c("segment_id", TEXT, "the segment", required=True),
        _c("claim_id", TEXT, "the claim", required=True),
        _c("coder_id", TEXT, "coder pseudonym", required=True),
        _c("stance", TEXT, "supports or contradicts", required=True),
    ),
    key=("segment_id", "claim_id", "coder_id", "stance"),
)

IMPORT_LOG = Table(
    "import_log",
    "Everything that reading the project noticed, counted.",
    (
        _c("severity", TEXT, "note or warning", required=True),
        _c("subject", TEXT, "what it is about: offsets, cases, codes, users, …", required=True),
        _c("message", TEXT, "one plain sentence", required=True),
        _c("n", WHOLE, "how often"),
    ),
)

THEME_COUNTS = Table(
    "theme_counts",
    "How many of those asked raised a theme or code, never pooled over roles.",
    (
        _c("theme_id", TEXT, "the theme", required=True),
        _c("code_id", TEXT, "the code; blank = the whole theme, rolled up by set union"),
        _c(
            "role",
            TEXT,
            "whose voice: client, link_worker, family, or observation for field notes",
            required=True,
        ),
        _c("attribute", TEXT, "one-way attribute; blank = everyone of the role"),
        _c("attribute_level", TEXT, "its level"),
        _c(
            "n_participants", WHOLE, "people who raised it (k); blank for observations", counts="participants"
        ),
        _c("n_eligible", WHOLE, "people who were asked (N); blank for observations", counts="participants"),
        _c(
            "n_references",
            WHOLE,
            "coded references; blank where a matrix of counts lacks them",
            counts="references",
        ),
        _c("n_sources", WHOLE, "sources that hold one; blank likewise", counts="sources"),
    ),
    key=("theme_id", "code_id", "role", "attribute", "attribute_level"),
)

FIELDWORK = Table(
    "fieldwork",
    "What was done with whom: sources and people by role, kind and phase.",
    (
        _c(
            "role",
            TEXT,
            "role, observation, or unattributed for sources without a linked person",
            required=True,
        ),
        _c("kind", TEXT, "initial_interview, focus_group, field_note, …", required=True),
        _c("phase", TEXT, "phase of fieldwork"),
        _c("n_sources", WHOLE, "sources in which the role speaks", required=True, counts="sources"),
        _c("n_participants", WHOLE, "people of the role; blank for observations", counts="participants"),
    ),
    key=("role", "kind", "phase"),
)

COOCCURRENCE = Table(
    "cooccurrence",
    "Pairs of codes and the stretches of text that carry both, whoever gave them.",
    (
        _c("code_a", TEXT, "a code's full path", required=True),
        _c("code_b", TEXT, "another, later in the alphabet", required=True),
        _c("n_references", WHOLE, "stretches that carry both", required=True, counts="references"),
        _c("n_sources", WHOLE, "sources that hold one", required=True, counts="sources"),
    ),
    key=("code_a", "code_b"),
)

QUOTES = Table(
    "quotes",
    "Quotations that may be shown: with consent, the attributes beside them shared by at least k people.",
    (
        _c("claim_id", TEXT, "the claim it speaks to; blank = theme only"),
        _c("theme_id", TEXT, "the theme", required=True),
        _c("stance", TEXT, "supports, contradicts or blank"),
        _c("quote", TEXT, "the words", required=True),
        _c("code_path", TEXT, "full path of the code", required=True),
        _c("speaker", TEXT, "role and attributes that may be printed", required=True),
        _c("participant_id", TEXT, "pseudonym; stays in results/"),
        _c("segment_id", TEXT, "the segment; stays in results/"),
    ),
)

AGREEMENT = Table(
    "agreement",
    "Agreement between coders, with its unit.",
    (
        _c("code_id", TEXT, "the code; blank = all codes", required=False),
        _c("coder_a", TEXT, "coder pseudonym; blank = all coders"),
        _c("coder_b", TEXT, "coder pseudonym"),
        _c("measure", TEXT, "cohen_kappa, krippendorff_alpha or percent_agreement", required=True),
        _c("agreement_unit", TEXT, "character, segment or document", required=True),
        _c("coefficient", NUMBER, "the coefficient; blank = not estimable"),
        _c("n_units", WHOLE, "units compared"),
        _c("note", TEXT, "why it is not estimable, or which sources were double-coded"),
    ),
)

CLAIMS = Table(
    "claims",
    "What the analyst declared before seeing results.",
    (
        _c("claim_id", TEXT, "short name", required=True),
        _c("theme_id", TEXT, "the theme it speaks to", required=True),
        _c("proposition", TEXT, "the claim in words", required=True),
        _c("role", TEXT, "whose perspective", required=True),
        _c("relation", TEXT, "converges or complements", required=True),
        _c("analysis", TEXT, "the analysis it speaks to", required=True),
        _c("term", TEXT, "the term of that analysis", required=True),
        _c("outcome_unit", TEXT, "the unit in which the margin stands", required=True),
        _c("expected_sign", TEXT, "positive, negative or none", required=True),
        _c("margin", NUMBER, "smallest difference that matters, in outcome_unit", required=True),
        _c("margin_low", NUMBER, "lowest margin that could be defended, for label stability; blank = half"),
        _c("margin_high", NUMBER, "highest margin that could be defended; blank = twice the margin"),
        _c("expected_change", TEXT, "better, worse or none: checked against the sign and the outcome"),
        _c("rationale", TEXT, "why this sign and this margin"),
        _c("author", TEXT, "who declared it"),
        _c("declared_on", DATE, "when", required=True),
        _c("analyst_label", TEXT, "the analyst's own reading afterwards"),
        _c("analyst_initials", TEXT, "whose reading"),
        _c("analyst_date", DATE, "when it was given"),
        _c("analyst_reason", TEXT, "why it differs from or confirms the rule's label"),
    ),
    key=("claim_id",),
)

JOINT_DISPLAY = Table(
    "joint_display",
    "One row a claim: the two strands side by side, and what the declared rule says of them.",
    (
        _c("claim_id", TEXT, "the claim", required=True),
        _c("theme_id", TEXT, "the theme", required=True),
        _c("theme_label", TEXT, "the theme in words"),
        _c("proposition", TEXT, "the claim in words", required=True),
        _c("role", TEXT, "whose perspective", required=True),
        _c("relation", TEXT, "converges or complements", required=True),
        _c("analysis", TEXT, "the analysis", required=True),
        _c("term", TEXT, "the term", required=True),
        _c("outcome_unit", TEXT, "unit of estimate and margin", required=True),
        _c("expected_sign", TEXT, "positive, negative or none", required=True),
        _c("margin", NUMBER, "smallest difference that matters", required=True),
        _c("estimate", NUMBER, "the estimate"),
        _c("std_error", NUMBER, "its standard error"),
        _c("dof", NUMBER, "degrees of freedom"),
        _c("ci_low", NUMBER, "lower end of the 95 % interval"),
        _c("ci_high", NUMBER, "upper end"),
        _c("inference", TEXT, "the declared primary inference"),
        _c("quantitative_state", TEXT, "D, E, I or X", required=True),
        _c("quantitative_detail", TEXT, "direction and size in words"),
        _c("n_eligible", WHOLE, "people asked", counts="participants"),
        _c("n_raised", WHOLE, "people who raised the theme", counts="participants"),
        _c("n_supports", WHOLE, "people who support", counts="participants"),
        _c("n_contradicts", WHOLE, "people who contradict", counts="participants"),
        _c("qualitative_state", TEXT, "U, A, S, C or M", required=True),
        _c("negative_case", TRUTH, "somebody in the minority, below the threshold of mixed"),
        _c("label", TEXT, "what the rule says; blank for complementary claims"),
        _c(
            "label_stability", NUMBER, "share of shifted intervals, margins and coder choices with this label"
        ),
        _c("post_hoc", TRUTH, "declared after the estimates were first seen"),
        _c("rule_version", TEXT, "version of the convergence rule", required=True),
        _c("analyst_label", TEXT, "the analyst's own reading"),
        _c("analyst_initials", TEXT, "whose"),
        _c("analyst_date", DATE, "when"),
        _c("analyst_reason", TEXT, "why"),
    ),
    key=("claim_id",),
)

FLOW = Table(
    "flow",
    "The boxes of the flow diagrams, as released: what was received, set aside (with the reason) and kept.",
    (
        _c("order", WHOLE, "the box's place from top to bottom, one outcome after the other", required=True),
        _c("outcome", TEXT, "the outcome whose flow it belongs to; blank = all"),
        _c("box", TEXT, "received, set_aside or kept", required=True),
        _c("stage", TEXT, "the stage that decided", required=True),
        _c("rule", TEXT, "the rule's name; blank for received and kept"),
        _c("label", TEXT, "the box in words", required=True),
        _c("arm", TEXT, "programme, comparison or blank"),
        _c("n_practices", WHOLE, "practices", counts="practices"),
        _c("n_patients", WHOLE, "patients", counts="patients"),
        _c("n_records", WHOLE, "records", counts="records"),
    ),
    key=("outcome", "stage", "box", "rule", "label", "arm"),
)

ALL = (
    PRACTICES, PATIENTS, REGISTRATIONS, EVENTS, MEASUREMENTS, CONDITIONS, COHORT, MEMBERSHIP, PANEL, TRENDS,
    BASELINE, BALANCE, INCIDENCE, INCIDENCE_RATES, LEDGER, ESTIMATES, PARTICIPANTS, SOURCES,
    SOURCE_PARTICIPANTS, ELIGIBILITY, CODES, THEMES,
    THEME_CODES, SEGMENTS, CODINGS, STANCES, IMPORT_LOG, THEME_COUNTS, FIELDWORK, COOCCURRENCE, QUOTES, AGREEMENT,
    CLAIMS, JOINT_DISPLAY,
    FLOW,
)  # fmt: skip

_SPOKEN = {(column.name, column.type) for table in ALL for column in table.columns}
_NAMES = [name for name, _ in _SPOKEN]
TYPES = {name: type_ for name, type_ in _SPOKEN if _NAMES.count(name) == 1}
