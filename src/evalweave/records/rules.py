"""The cleaning rules, declared in order: a row is set aside by the first rule that it fails.

The conditions live beside the tables they judge (`people`, `entries`, `values`, `same_day`);
`examples` holds a small before/after table for every rule, which is its test and its documentation.

Accounting. Patients: kept = rows of `patients`. Registrations: kept = spells that hold;
`registrations` has them merged and cut where they overlap. Records: kept = rows of `measurements` +
records of conditions (one record may count for several code lists, and `conditions` has each day
once). Records of a day that become one measurement leave one of them kept; the others are set aside
as merged, so that the parts always sum to the whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evalweave.engine.expressions import first_met

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENTS, REGISTRATIONS, RECORDS = "patients", "registrations", "records"


@dataclass(frozen=True)
class Rule:
    """One reason to set a row aside; `order` counts from 1 within its unit.

    `switch` names the key of `cleaning` that turns it off or changes it.
    """

    unit: str
    name: str
    reason: str
    switch: str = ""
    order: int = field(default=0, kw_only=True)


# In order: name, reason, and the switch of those that have one.
_DECLARED: dict[str, tuple[tuple[str, ...], ...]] = {
    PATIENTS: (
        ("patient_without_id", "no patient identifier"),
        ("patient_repeated", "repeats another row of the patient; merged with it"),
        ("patient_conflicting", "rows of one patient contradict each other in a fixed fact"),
        ("patient_not_acceptable", "flagged unacceptable by the supplier", "acceptable_patient"),
        ("patient_sex_missing", "sex missing or unknown", "sex_and_birth_year"),
        ("patient_birth_year_missing", "year of birth missing or unreadable", "sex_and_birth_year"),
        ("patient_death_unreadable", "date of death is no date, so follow-up has no known end"),
        ("patient_practice_unknown", "no registration with a practice of the study"),
        ("patient_without_registration", "no valid registration with a practice of the study"),
    ),
    REGISTRATIONS: (
        ("registration_repeated", "repeats another row; merged with it"),
        ("registration_patient_unknown", "its patient is not in the table of patients"),
        ("registration_practice_unknown", "its practice is not in the table of practices"),
        ("registration_start_unreadable", "start missing or no date"),
        ("registration_end_unreadable", "end is no date"),
        ("registration_end_before_start", "ends before it starts"),
        ("registration_patient_set_aside", "its patient is set aside"),
    ),
    RECORDS: (
        ("code_not_listed", "code not in any code list of the study"),
        ("family_history", "family history: it is about a relative"),
        ("patient_unknown", "patient not in the table of patients"),
        ("patient_set_aside", "patient is set aside"),
        ("date_missing", "no date"),
        ("date_unreadable", "date cannot be read, such as 31/02/2016"),
        ("date_filler", "date that stands for unknown, such as 1900-01-01", "filler_dates"),
        ("date_before_birth", "before the earliest possible date of birth"),
        ("date_after_death", "after death"),
        ("date_after_registration", "after the end of registration"),
        ("date_after_collection", "after the last collection"),
        ("date_outside_window", "outside the study window"),
        (
            "date_before_registration",
            "before the registration (transferred history)",
            "before_registration",
        ),
        ("date_before_contribution", "before the practice's data are usable"),
        ("date_before_up_to_standard", "before the practice's data were up to standard (uts)"),
        ("value_missing", "no value"),
        ("value_comparator", "value only bounded, such as <20", "comparators"),
        ("value_not_a_number", "value is no number"),
        ("unit_unknown", "unit is not one of the quantity's"),
        ("unit_undecided", "no unit, and neither code nor range may decide it", "unit_by_range"),
        ("unit_contradicts_value", "unit and value contradict each other"),
        ("value_out_of_range", "value outside the plausible range"),
        ("same_day_repeat", "exact repeat of a record of the same day; merged with it"),
        (
            "same_day_twin",
            "same result of the same day in another unit; merged with it",
            "same_day_twin",
        ),
        ("same_day_spread", "values of the day lie too far apart", "same_day_spread"),
        ("same_day_averaged", "merged into the mean of the day"),
    ),
}

RULES = tuple(
    Rule(unit, *declared, order=order)
    for unit, rules in _DECLARED.items()
    for order, declared in enumerate(rules, start=1)
)
BY_NAME = {rule.name: rule for rule in RULES}


def first_failed(conditions: Mapping[str, Any]) -> Any:
    """Return an expression: the order of the first rule whose condition holds, null where none
    does.

    `conditions` maps a rule's name to a boolean column that is true where a row fails it. An
    unknown (null) condition is no failure. Rules that are switched off are simply absent.
    """
    return first_met(conditions, {name: BY_NAME[name].order for name in conditions})


def named(unit: str) -> dict[int, Rule]:
    """Return the rules of a unit by their order."""
    return {rule.order: rule for rule in RULES if rule.unit == unit}
