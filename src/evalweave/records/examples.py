"""Before and after each cleaning rule: small tables that are at once its test and its
documentation.

A row shows only the cells that matter; `DEFAULTS` fills the others with an unremarkable patient
(P1, a woman born in 1950, registered with practice A since 2010) and an HbA1c of 48 mmol/mol on 1
May 2016.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from evalweave.records.rules import PATIENTS, RECORDS, REGISTRATIONS

IFCC, DCCT, EITHER = "999791000000106", "1019431000000105", "1003671000000109"
DIABETES = "44054006"

DEFAULTS: dict[str, dict[str, str]] = {
    PATIENTS: {
        "patient_id": "P1",
        "sex": "female",
        "birth_year": "1950",
        "birth_month": "",
        "ethnicity": "White",
        "imd_quintile": "3",
        "death_date": "",
        "acceptable": "true",
    },
    REGISTRATIONS: {"patient_id": "P1", "practice_id": "A", "start": "2010-01-01", "end": ""},
    RECORDS: {
        "patient_id": "P1",
        "practice_id": "A",
        "date": "2016-05-01",
        "code": IFCC,
        "code_system": "snomed",
        "value": "48",
        "unit": "mmol/mol",
        "family_history": "",
    },
}


@dataclass(frozen=True)
class Example:
    """What one rule does to a few rows: the rule that sets each row aside ("" = kept), and what is
    measured then."""

    rule: str
    unit: str
    says: str
    before: tuple[dict[str, str], ...]
    after: tuple[str, ...]
    measured: tuple[tuple[str, float], ...] | None = (
        None  # (day, value in mmol/mol); None = not shown
    )
    cleaning: dict[str, object] = field(default_factory=dict)
    patients: tuple[dict[str, str], ...] = ({},)
    registrations: tuple[dict[str, str], ...] = ({},)


def _patients(rule: str, says: str, *rows: tuple[dict[str, str], str], **more: object) -> Example:
    return _example(PATIENTS, rule, says, rows, more)


def _registrations(
    rule: str, says: str, *rows: tuple[dict[str, str], str], **more: object
) -> Example:
    return _example(REGISTRATIONS, rule, says, rows, more)


def _records(rule: str, says: str, *rows: tuple[dict[str, str], str], **more: object) -> Example:
    return _example(RECORDS, rule, says, rows, more)


def _example(
    unit: str,
    rule: str,
    says: str,
    rows: tuple[tuple[dict[str, str], str], ...],
    more: dict[str, object],
) -> Example:
    before, after = tuple(row for row, _ in rows), tuple(fate for _, fate in rows)
    return Example(rule, unit, says, before, after, **more)  # type: ignore[arg-type]


P2 = {"patient_id": "P2"}
OF_P2: tuple[dict[str, str], ...] = ({}, P2)

EXAMPLES = (
    _patients(
        "patient_without_id",
        "A row without an identifier is nobody.",
        ({}, ""),
        ({"patient_id": ""}, "patient_without_id"),
    ),
    _patients(
        "patient_repeated",
        "An exact repeat is merged with the first row.",
        ({}, ""),
        ({}, "patient_repeated"),
    ),
    _patients(
        "patient_repeated",
        "A blank contradicts nothing: the rows are merged and what is known stays.",
        ({"ethnicity": ""}, ""),
        ({"death_date": ""}, "patient_repeated"),
    ),
    _patients(
        "patient_conflicting",
        "Two years of birth for one identifier: neither is believed.",
        ({}, ""),
        (P2, "patient_conflicting"),
        ({**P2, "birth_year": "1960"}, "patient_conflicting"),
        registrations=OF_P2,
    ),
    _patients(
        "patient_not_acceptable",
        "The supplier's own flag is followed.",
        ({}, ""),
        ({**P2, "acceptable": "0"}, "patient_not_acceptable"),
        registrations=OF_P2,
    ),
    _patients(
        "patient_not_acceptable",
        "… unless that is switched off.",
        ({}, ""),
        ({**P2, "acceptable": "0"}, ""),
        registrations=OF_P2,
        cleaning={"acceptable_patient": False},
    ),
    _patients(
        "patient_sex_missing",
        "Sex must be female or male to be described and adjusted for.",
        ({"sex": "F"}, ""),
        ({**P2, "sex": "U"}, "patient_sex_missing"),
        registrations=OF_P2,
    ),
    _patients(
        "patient_birth_year_missing",
        "Without a year of birth there is no age.",
        ({}, ""),
        ({**P2, "birth_year": "19x0"}, "patient_birth_year_missing"),
        registrations=OF_P2,
    ),
    _patients(
        "patient_birth_year_missing",
        "… unless that is switched off (and age is then unknown).",
        ({}, ""),
        ({**P2, "birth_year": ""}, ""),
        registrations=OF_P2,
        cleaning={"sex_and_birth_year": False},
    ),
    _patients(
        "patient_death_unreadable",
        "An impossible date of death leaves follow-up without an end.",
        ({"death_date": "2017-02-28"}, ""),
        ({**P2, "death_date": "2017-02-30"}, "patient_death_unreadable"),
        registrations=OF_P2,
    ),
    _patients(
        "patient_practice_unknown",
        "Registered only with practices that the study does not know.",
        ({}, ""),
        (P2, "patient_practice_unknown"),
        registrations=({}, {**P2, "practice_id": "Z"}),
    ),
    _patients(
        "patient_without_registration",
        "No spell of registration holds.",
        ({}, ""),
        (P2, "patient_without_registration"),
        registrations=({}, {**P2, "end": "2009-01-01"}),
    ),
    _registrations(
        "registration_repeated",
        "An exact repeat is merged with the first row.",
        ({}, ""),
        ({}, "registration_repeated"),
    ),
    _registrations(
        "registration_patient_unknown",
        "Registrations of nobody.",
        ({}, ""),
        ({"patient_id": "P9"}, "registration_patient_unknown"),
    ),
    _registrations(
        "registration_practice_unknown",
        "A practice that the study does not know.",
        ({}, ""),
        ({"practice_id": "Z"}, "registration_practice_unknown"),
    ),
    _registrations(
        "registration_start_unreadable",
        "31 February is no date; it never becomes 2 March.",
        ({}, ""),
        ({"start": "2012-02-31"}, "registration_start_unreadable"),
        ({"start": ""}, "registration_start_unreadable"),
        ({"start": "9999-12-31"}, "registration_start_unreadable"),
    ),
    _registrations(
        "registration_end_unreadable",
        "An end that cannot be read is not taken for still registered.",
        ({}, ""),
        ({"end": "soon"}, "registration_end_unreadable"),
    ),
    _registrations(
        "registration_end_before_start",
        "It must end on or after the day it starts.",
        ({}, ""),
        ({"practice_id": "B", "start": "2012-01-01", "end": "2012-01-01"}, ""),
        ({"end": "2009-12-31"}, "registration_end_before_start"),
    ),
    _registrations(
        "registration_patient_set_aside",
        "Registrations go with their patients.",
        ({}, ""),
        (P2, "registration_patient_set_aside"),
        patients=({}, {**P2, "sex": ""}),
    ),
    _records(
        "code_not_listed",
        "Records of other things are counted and left alone.",
        ({}, ""),
        ({"code": "1003681000000106"}, "code_not_listed"),
        ({"code": ""}, "code_not_listed"),
        measured=(("2016-05-01", 48.0),),
    ),
    _records(
        "family_history",
        "A diagnosis of a relative is none of the patient's.",
        ({}, ""),
        ({"code": DIABETES, "value": "", "unit": "", "family_history": "true"}, "family_history"),
    ),
    _records(
        "patient_unknown",
        "Records of people who are not in the table of patients.",
        ({}, ""),
        ({"patient_id": "P9"}, "patient_unknown"),
        ({"patient_id": ""}, "patient_unknown"),
    ),
    _records(
        "patient_set_aside",
        "Records go with their patients.",
        ({}, ""),
        (P2, "patient_set_aside"),
        patients=({}, {**P2, "sex": ""}),
        registrations=OF_P2,
    ),
    _records("date_missing", "No day, no record.", ({}, ""), ({"date": ""}, "date_missing")),
    _records(
        "date_unreadable",
        "31 February is no date; another order than declared is none either.",
        ({}, ""),
        ({"date": "2016-02-31"}, "date_unreadable"),
        ({"date": "May 2016"}, "date_unreadable"),
    ),
    _records(
        "date_filler",
        "Dates that mean that nobody knew.",
        ({}, ""),
        ({"date": "1900-01-01"}, "date_filler"),
        ({"date": "2999-12-31"}, "date_filler"),
    ),
    _records(
        "date_before_birth",
        "Born in 1950: nothing before 1 January of that year.",
        ({}, ""),
        ({"date": "1949-12-31"}, "date_before_birth"),
    ),
    _records(
        "date_before_birth",
        "With the month known, nothing before its first day.",
        ({"date": "1950-03-01", "code": DIABETES}, ""),
        ({"date": "1950-02-28", "code": DIABETES}, "date_before_birth"),
        ({}, ""),
        patients=({"birth_month": "3"},),
    ),
    _records(
        "date_after_death",
        "The day of death still counts.",
        ({"date": "2016-06-01"}, ""),
        ({"date": "2016-06-02"}, "date_after_death"),
        patients=({"death_date": "2016-06-01"},),
    ),
    _records(
        "date_after_registration",
        "The last day registered still counts.",
        ({"date": "2016-06-01"}, ""),
        ({"date": "2016-06-02"}, "date_after_registration"),
        registrations=({"end": "2016-06-01"},),
    ),
    _records(
        "date_after_collection",
        "Practice C was last collected on 31 December 2016.",
        ({"date": "2016-12-31"}, ""),
        ({"date": "2017-01-01"}, "date_after_collection"),
        registrations=({"practice_id": "C"},),
    ),
    _records(
        "date_outside_window",
        "The window holds for outcomes; a diagnosis counts whenever it was made.",
        ({}, ""),
        ({"date": "2011-03-31"}, "date_outside_window"),
        ({"date": "2010-06-01", "code": DIABETES}, ""),
    ),
    _records(
        "date_before_registration",
        "History transferred from another practice is no outcome here.",
        ({}, ""),
        ({"date": "2015-12-31"}, "date_before_registration"),
        ({"date": "2012-01-01", "code": DIABETES}, ""),
        registrations=({"start": "2016-01-01"},),
    ),
    _records(
        "date_before_registration",
        "… unless that is switched off.",
        ({}, ""),
        ({"date": "2015-12-31"}, ""),
        registrations=({"start": "2016-01-01"},),
        cleaning={"before_registration": False},
        measured=(("2015-12-31", 48.0), ("2016-05-01", 48.0)),
    ),
    _records(
        "date_before_contribution",
        "Practice C's data are usable from 1 January 2012.",
        ({"date": "2012-01-01"}, ""),
        ({"date": "2011-12-31"}, "date_before_contribution"),
        registrations=({"practice_id": "C"},),
    ),
    _records(
        "value_missing",
        "A code without a value measures nothing.",
        ({}, ""),
        ({"value": ""}, "value_missing"),
    ),
    _records(
        "value_comparator",
        "A bound is no value.",
        ({}, ""),
        ({"value": "<20"}, "value_comparator"),
        ({"value": ">= 180"}, "value_comparator"),
    ),
    _records(
        "value_comparator",
        "… or is kept at the bound, where the study says so.",
        ({"value": ">=120"}, ""),
        cleaning={"comparators": "keep_at_bound"},
        measured=(("2016-05-01", 120.0),),
    ),
    _records(
        "value_not_a_number",
        "Decimal commas and words are not guessed at.",
        ({}, ""),
        ({"value": "48,5"}, "value_not_a_number"),
        ({"value": "high"}, "value_not_a_number"),
    ),
    _records(
        "unit_unknown",
        "A unit of something else, although the code is right.",
        ({}, ""),
        ({"unit": "mg/dL"}, "unit_unknown"),
    ),
    _records(
        "unit_undecided",
        "Neither text nor code decides, and the range may not.",
        ({"unit": "", "code": IFCC}, ""),
        ({"unit": "", "code": EITHER}, "unit_undecided"),
        cleaning={"unit_by_range": False},
    ),
    _records(
        "unit_undecided",
        "By default the value's range decides: below 20 it is %, from 20 on mmol/mol.",
        ({"unit": "", "code": EITHER, "value": "6.54304"}, ""),
        measured=(("2016-05-01", 48.0),),
    ),
    _records(
        "unit_contradicts_value",
        "6.5 mmol/mol and 48 % are not possible.",
        ({"value": "6.54304", "unit": "%"}, ""),
        ({"value": "6.5"}, "unit_contradicts_value"),
        ({"unit": "%"}, "unit_contradicts_value"),
        measured=(("2016-05-01", 48.0),),
    ),
    _records(
        "unit_contradicts_value",
        "The code's unit contradicts in the same way.",
        ({"unit": "", "code": DCCT, "value": "6.54304"}, ""),
        ({"unit": "", "code": DCCT}, "unit_contradicts_value"),
    ),
    _records(
        "value_out_of_range",
        "Both ends of the plausible range are inside it.",
        ({"value": "195"}, ""),
        ({"value": "195.1"}, "value_out_of_range"),
        ({"value": "3.9", "unit": "%"}, "value_out_of_range"),
        measured=(("2016-05-01", 195.0),),
    ),
    _records(
        "same_day_repeat",
        "The same value and unit twice on a day is one record.",
        ({}, ""),
        ({"value": "48.0"}, "same_day_repeat"),
        measured=(("2016-05-01", 48.0),),
    ),
    _records(
        "same_day_twin",
        "48 mmol/mol and 6.5 % are one result; the one not rounded in % stays.",
        ({"value": "6.5", "unit": "%"}, "same_day_twin"),
        ({}, ""),
        measured=(("2016-05-01", 48.0),),
    ),
    _records(
        "same_day_spread",
        "30 mmol/mol apart on one day: the day is set aside.",
        ({"date": "2016-06-01"}, ""),
        ({}, "same_day_spread"),
        ({"value": "78"}, "same_day_spread"),
        measured=(("2016-06-01", 48.0),),
    ),
    _records(
        "same_day_averaged",
        "Otherwise the day's mean stands for the day, repeats counting once.",
        ({}, ""),
        ({"value": "54"}, "same_day_averaged"),
        ({}, "same_day_repeat"),
        measured=(("2016-05-01", 51.0),),
    ),
)


def as_markdown(example: Example) -> str:
    """Return an example as a table: the cells that matter, what becomes of the row, and what is
    measured."""
    columns = list(dict.fromkeys(column for row in example.before for column in row)) or [
        "patient_id"
    ]
    lines = [
        example.says,
        "",
        "| " + " | ".join((*columns, "becomes")) + " |",
        "|" + " --- |" * (len(columns) + 1),
    ]
    for row, fate in zip(example.before, example.after, strict=True):
        cells = [row.get(column, DEFAULTS[example.unit][column]) for column in columns]
        lines.append("| " + " | ".join((*cells, f"set aside: {fate}" if fate else "kept")) + " |")
    if example.measured is not None:
        shown = "; ".join(f"{day} {value:g} mmol/mol" for day, value in example.measured)
        lines += ["", f"Measured: {shown}."]
    return "\n".join(lines)
