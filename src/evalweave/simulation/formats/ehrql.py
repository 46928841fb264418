"""An extract as ehrQL writes event-level data: no unit, no practice beside a record, booleans as T
and F.

Read it with the format `flat` and `COLUMNS` and `FILES` in the study file.
"""

from __future__ import annotations

import pandas as pd

from evalweave.simulation.formats import as_csv

FILES = {
    "patients": "patients.csv",
    "registrations": "practice_registrations.csv",
    "events": "clinical_events.csv",
}
COLUMNS = {
    "patients": {
        "birth_year": "year_of_birth",
        "death_date": "date_of_death",
        "acceptable": "has_acceptable_record",
    },
    "registrations": {
        "practice_id": "practice_pseudo_id",
        "start": "start_date",
        "end": "end_date",
    },
    "events": {"code": "snomedct_code", "value": "numeric_value"},
}


def files(tables: dict[str, pd.DataFrame]) -> dict[str, bytes]:
    """Return the files. A value that is no number is blank: `numeric_value` is a float in
    OpenSAFELY's tables."""
    patients, events = tables["patients"], tables["events"]
    people = patients[["patient_id", "sex", "ethnicity", "imd_quintile"]].assign(
        year_of_birth=patients["birth_year"],
        date_of_death=patients["death_date"],
        has_acceptable_record=patients["acceptable"].map({"true": "T", "false": "F"}),
    )
    numeric = pd.to_numeric(events["value_text"], errors="coerce").notna()
    records = pd.DataFrame(
        {
            "patient_id": events["patient_id"],
            "date": events["date"],
            "snomedct_code": events["code"],
            "numeric_value": events["value_text"].str.strip().where(numeric, ""),
        }
    )
    spells = tables["registrations"].rename(columns=COLUMNS["registrations"])
    return {
        FILES["patients"]: as_csv(people),
        FILES["registrations"]: as_csv(spells),
        FILES["events"]: as_csv(records),
    }
