"""The flat extract: patients, registrations and events as text, as a data provider would send them,
still clean.

Codes are those of `config/codelists/`. Everything is text: identifiers are never numbers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from evalweave.simulation import selective
from evalweave.simulation.people import CONDITIONS, DAY
from evalweave.simulation.records import Simulated

PATIENTS = (
    "patient_id",
    "sex",
    "birth_year",
    "birth_month",
    "ethnicity",
    "imd_quintile",
    "death_date",
    "acceptable",
)
REGISTRATIONS = ("patient_id", "practice_id", "start", "end")
EVENTS = ("patient_id", "practice_id", "date", "code", "code_system", "value_text", "unit_text")

HBA1C_IFCC, HBA1C_DCCT, HBA1C_UNCLEAR = "999791000000106", "1019431000000105", "1003671000000109"
SYSTOLIC_BP, CHOLESTEROL = "72313002", "1005671000000105"
TYPE_2, TYPE_1, DIABETES = "44054006", "46635009", "73211009"
REFERRAL = "871731000000106"
CARE_CODES = {"admissions": "183452005", "attendances": "4525004"}
CONDITION_CODES = {
    "chronic_obstructive_pulmonary_disease": "13645005",
    "coronary_heart_disease": "53741008",
    "heart_failure": "84114007",
    "asthma": "195967001",
    "epilepsy": "84757009",
    "osteoporosis": "64859006",
}
UNKNOWN_PRACTICE = "SP9999"


def iso(days: np.ndarray) -> np.ndarray:
    """Return ISO dates as text; a missing date is blank."""
    days = days.astype("datetime64[D]")
    text = np.datetime_as_string(days).astype(object)
    text[np.isnat(days)] = ""
    return text


def whole(values: pd.Series) -> np.ndarray:
    """Return whole numbers as text; a missing one is blank."""
    return values.astype("Int64").astype("string").fillna("").to_numpy(dtype=object)


def patients_table(simulated: Simulated) -> pd.DataFrame:
    """Return one row a person, with the bad rows that make some people ineligible."""
    people = simulated.people
    kind = people["kind"].to_numpy()
    table = pd.DataFrame(
        {
            "patient_id": people["patient_id"].to_numpy(),
            "sex": np.where(kind == "no_sex", "", people["sex"]),
            "birth_year": np.where(kind == "no_birth_year", "", whole(people["birth_year"])),
            "birth_month": whole(people["birth_month"]),
            "ethnicity": people["ethnicity"].to_numpy(),
            "imd_quintile": whole(people["imd_quintile"]),
            "death_date": iso(people["death"].to_numpy()),
            "acceptable": np.where(kind == "unacceptable", "false", "true"),
        }
    )
    conflict = table[kind == "conflicting_facts"].copy()
    by_sex = np.arange(len(conflict)) % 2 == 0
    other_sex = np.where(conflict["sex"] == "female", "male", "female")
    conflict["sex"] = np.where(by_sex, other_sex, conflict["sex"])
    later = (people.loc[conflict.index, "birth_year"] + 7).astype(str)
    conflict["birth_year"] = np.where(by_sex, conflict["birth_year"], later)
    return pd.concat([table, conflict], ignore_index=True)


def registrations_table(simulated: Simulated) -> pd.DataFrame:
    """Return one row a spell: moves give two, a gap before the index date gives two."""
    people, index = simulated.people, simulated.index
    practice_ids = simulated.practices["practice_id"].to_numpy(dtype=object)
    ids, kind = people["patient_id"].to_numpy(), people["kind"].to_numpy()
    main = np.where(kind == "unknown_practice", UNKNOWN_PRACTICE, practice_ids[people["practice"]])
    start, end = people["start"].to_numpy(), people["end"].to_numpy()
    came, moved = people["came_on"].to_numpy(), people["moved_on"].to_numpy()
    comes, moves, gap = ~np.isnat(came), ~np.isnat(moved), kind == "gap_before"
    main_start = np.where(comes, came, np.where(gap, index - 150 * DAY, start))
    main_end = np.where(moves, moved - DAY, end)
    backwards = kind == "end_before_start"
    main_end = np.where(backwards, main_start - 400 * DAY, main_end)
    moves = moves & ~backwards
    spells = [
        (ids, main, main_start, main_end),
        (
            ids[comes],
            practice_ids[people["came_from"].to_numpy()[comes]],
            start[comes],
            came[comes] - DAY,
        ),
        (ids[moves], practice_ids[people["moved_to"].to_numpy()[moves]], moved[moves], end[moves]),
        (ids[gap], main[gap], start[gap], np.full(gap.sum(), index - 200 * DAY)),
    ]
    frames = [
        pd.DataFrame(
            {"patient_id": who, "practice_id": where, "start": iso(first), "end": iso(last)}
        )
        for who, where, first, last in spells
    ]
    return pd.concat(frames, ignore_index=True).drop_duplicates(ignore_index=True)


def practice_on(simulated: Simulated, person: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Return the identifier of the practice with which each person is registered on each day."""
    people = simulated.people
    came, moved = people["came_on"].to_numpy()[person], people["moved_on"].to_numpy()[person]
    practice = people["practice"].to_numpy()[person]
    practice = np.where(day < came, people["came_from"].to_numpy()[person], practice)
    practice = np.where(day >= moved, people["moved_to"].to_numpy()[person], practice)
    return simulated.practices["practice_id"].to_numpy(dtype=object)[practice]


def outcome_events(simulated: Simulated) -> pd.DataFrame:
    """Return the measurements as events, with `person`, `day`, `value` and `outcome` beside the
    text."""
    frames = []
    for outcome, frame in simulated.measurements.items():
        code, unit = (HBA1C_IFCC, "mmol/mol") if outcome == "hba1c" else (SYSTOLIC_BP, "mmHg")
        person, day = frame["person"].to_numpy(), frame["day"].to_numpy()
        events = _events(simulated, person, day, code)
        events["value_text"] = frame["value"].astype(str).to_numpy(dtype=object)
        events["unit_text"] = unit
        frames.append(
            events.assign(person=person, day=day, value=frame["value"].to_numpy(), outcome=outcome)
        )
    return pd.concat(frames, ignore_index=True)


def diagnosis_events(simulated: Simulated, rng: np.random.Generator) -> pd.DataFrame:
    """Return diagnoses: type 2 and type 1 diabetes, a generic code, and the additional conditions.

    Conditions that a person has at the index date are coded before it; some get one afterwards.
    """
    people, index = simulated.people, simulated.index
    n = len(people)
    frames = []

    def add(rows: np.ndarray, day: np.ndarray, code: str) -> None:
        person = np.flatnonzero(rows)
        frames.append(_events(simulated, person, day[person].astype("datetime64[D]"), code))

    diagnosed, type_1 = people["diagnosed"].to_numpy(), people["type_1"].to_numpy()
    type_2 = ~np.isnat(diagnosed) & ~(
        (people["kind"] == "type_1_diabetes").to_numpy() & (rng.random(n) < 0.5)
    )
    add(type_2, diagnosed, TYPE_2)
    again = type_2 & (rng.random(n) < 0.15)
    add(again, diagnosed + rng.integers(10, 500, n) * DAY, TYPE_2)
    add(~np.isnat(type_1), type_1, TYPE_1)
    undiagnosed = np.isnat(diagnosed) & (rng.random(n) < 0.5)
    add(
        (type_2 & (rng.random(n) < 0.2)) | undiagnosed,
        index - rng.integers(30, 4000, n) * DAY,
        DIABETES,
    )
    for name in CONDITIONS:
        has = people[name].to_numpy()
        before = index - rng.integers(20, 5000, n) * DAY
        add(has, before, CONDITION_CODES[name])
        add(
            has & (rng.random(n) < 0.1),
            before + rng.integers(1, 20, n) * DAY,
            CONDITION_CODES[name],
        )
        later = ~has & (rng.random(n) < 0.01)
        add(later, index + rng.integers(1, 1400, n) * DAY, CONDITION_CODES[name])
    return pd.concat(frames, ignore_index=True)


def referral_events(simulated: Simulated, rng: np.random.Generator) -> pd.DataFrame:
    """Return the sparse referral codes: few people of programme practices, fewer elsewhere
    (contamination)."""
    people = simulated.people
    n = len(people)
    start = (
        pd.to_datetime(simulated.practices["programme_start"]).to_numpy().astype("datetime64[D]")
    )
    began = np.where(np.isnat(start), simulated.index, start)[people["practice"].to_numpy()]
    later = np.sqrt(rng.random(n))  # coding grows over the years
    day = began + np.floor(later * ((simulated.window[1] - began) / DAY)).astype("int64") * DAY
    over = np.fmin(people["end"].to_numpy(), people["death"].to_numpy())
    there = (np.isnat(over) | (day <= over)) & (people["start"].to_numpy() <= day)
    share = np.where(people["arm"].to_numpy() == 1, 0.06, 0.002)
    person = np.flatnonzero(there & (rng.random(n) < share))
    return _events(simulated, person, day[person].astype("datetime64[D]"), REFERRAL)


def care_events(simulated: Simulated) -> pd.DataFrame:
    """Return admissions and attendances as coded entries."""
    frames = [
        _events(simulated, frame["person"].to_numpy(), frame["day"].to_numpy(), CARE_CODES[name])
        for name, frame in simulated.used.items()
    ]
    return pd.concat(frames, ignore_index=True)


def tested_events(simulated: Simulated) -> pd.DataFrame:
    """Return the tests of cholesterol as events."""
    assert simulated.tested is not None
    person, day = (simulated.tested[name].to_numpy() for name in ("person", "day"))
    events = _events(simulated, person, day, CHOLESTEROL)
    values = np.char.mod("%.1f", simulated.tested["value"].to_numpy()).astype(object)
    return events.assign(value_text=values, unit_text=selective.UNIT)


def _events(simulated: Simulated, person: np.ndarray, day: np.ndarray, code: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "patient_id": simulated.people["patient_id"].to_numpy()[person],
            "practice_id": practice_on(simulated, person, day),
            "date": iso(day),
            "code": code,
            "code_system": "snomed",
            "value_text": "",
            "unit_text": "",
        }
    )
