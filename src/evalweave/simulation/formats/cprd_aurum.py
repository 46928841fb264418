"""An extract as CPRD delivers Aurum: numbered tab-separated files and the lookups NumUnit and
MedicalDictionary.

A registration is a row of Patient, and whoever moves has a new patid: the person's number and the
practice's five digits. Ethnicity and deprivation are not in Aurum. Medcodeids of codes other than
HbA1c and type 2 diabetes are made up.
"""

from __future__ import annotations

import pandas as pd

from evalweave.simulation.formats import numbers

MEDCODEIDS = {
    "999791000000106": "1700711000006113",
    "1019431000000105": "457954013",
    "1003671000000109": "129761000000114",
    "44054006": "197761014",
}
OBSERVATION = (
    "patid",
    "consid",
    "pracid",
    "obsid",
    "obsdate",
    "enterdate",
    "staffid",
    "parentobsid",
    "medcodeid",
    "value",
    "numunitid",
    "obstypeid",
    "numrangelow",
    "numrangehigh",
    "probobsid",
)
PATIENT = (
    "patid",
    "pracid",
    "usualgpstaffid",
    "gender",
    "yob",
    "mob",
    "emis_ddate",
    "regstartdate",
    "patienttypeid",
    "regenddate",
    "acceptable",
    "cprd_ddate",
)


def pracids(tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Return practice → pracid."""
    known = numbers(tables["registrations"]["practice_id"])
    return {name: f"{20000 + number}" for name, number in known.items()}


def patids(tables: dict[str, pd.DataFrame]) -> dict[tuple[str, str], str]:
    """Return (patient, practice) → patid, for every patient and practice that a registration
    joins."""
    people = numbers(
        pd.concat([tables["patients"]["patient_id"], tables["registrations"]["patient_id"]])
    )
    practices = pracids(tables)
    pairs = tables["registrations"][["patient_id", "practice_id"]].drop_duplicates()
    return {
        (who, where): f"{people[who]}{practices[where]}"
        for who, where in pairs.itertuples(index=False)
        if who
    }


def files(
    tables: dict[str, pd.DataFrame],
    missing: str = "",
    collected: dict[str, str] | None = None,
    parts: int = 2,
) -> dict[str, bytes]:
    """Return the files; `missing` is what stands in blank cells, `collected` has a practice's last
    collection.

    Events may have a column family_history (true or blank); the latest registration with a practice
    counts.
    """
    practices, who = pracids(tables), patids(tables)
    spells = tables["registrations"].sort_values("start", kind="stable")
    spells = spells.drop_duplicates(["patient_id", "practice_id"], keep="last")
    people = tables["patients"].merge(spells, on="patient_id", how="inner")
    patient = pd.DataFrame(
        {
            "patid": [
                who[pair] for pair in zip(people["patient_id"], people["practice_id"], strict=True)
            ],
            "pracid": people["practice_id"].map(practices),
            "gender": people["sex"].map({"male": "1", "female": "2"}),
            "yob": people["birth_year"],
            "mob": people["birth_month"],
            "emis_ddate": _dmy(people["death_date"]),
            "regstartdate": _dmy(people["start"]),
            "patienttypeid": "3",
            "regenddate": _dmy(people["end"]),
            "acceptable": people["acceptable"].map({"true": "1", "false": "0"}),
            "cprd_ddate": _dmy(people["death_date"]),
        }
    ).reindex(columns=list(PATIENT))
    practice = pd.DataFrame(
        {
            "pracid": practices.values(),
            "lcd": [(collected or {}).get(name, "") for name in practices],
            "uts": "",
            "region": "1",
        }
    )
    observation, units, medcodes = _observations(tables["events"], who, practices)
    cut = -(-len(observation) // parts)
    made = {
        "sim_extract_patient_001.txt": patient,
        "sim_extract_practice_001.txt": practice.assign(lcd=_dmy(practice["lcd"])),
        **{
            f"sim_extract_observation_{part + 1:03}.txt": observation.iloc[
                part * cut : (part + 1) * cut
            ]
            for part in range(parts)
        },
        "sim_extract_staff_001.txt": pd.DataFrame(
            {"staffid": ["1"], "pracid": ["20001"], "jobcatid": ["1"]}
        ),
        "NumUnit.txt": pd.DataFrame({"numunitid": units.values(), "Description": units.keys()}),
        "MedicalDictionary.txt": pd.DataFrame(
            {
                "MedCodeId": medcodes.values(),
                "Term": [f'term {number} with a " in it' for number in range(len(medcodes))],
                "SnomedCTConceptId": medcodes.keys(),
            }
        ),
    }
    return {name: _text(table, missing) for name, table in made.items()}


def _observations(
    events: pd.DataFrame, who: dict[tuple[str, str], str], practices: dict[str, str]
) -> tuple[pd.DataFrame, dict[str, str], dict[str, str]]:
    by_person = {person: patid for (person, _), patid in who.items()}
    strangers = numbers(events["patient_id"][~events["patient_id"].isin(by_person)])
    patid = [
        who.get((person, place))
        or by_person.get(person)
        or (f"9{strangers[person]:06}99999" if person else "")
        for person, place in zip(events["patient_id"], events["practice_id"], strict=True)
    ]
    units = {text: str(5000 + number) for text, number in numbers(events["unit_text"]).items()}
    medcodes = {
        code: MEDCODEIDS.get(code, f"{6000000 + number}012")
        for code, number in numbers(events["code"]).items()
    }
    family = (
        events["family_history"] == "true"
        if "family_history" in events
        else pd.Series(False, events.index)
    )
    made = pd.DataFrame(
        {
            "patid": patid,
            "pracid": events["practice_id"].map(practices).fillna("99999"),
            "obsid": [str(number) for number in range(1, len(events) + 1)],
            "obsdate": _dmy(events["date"]),
            "enterdate": _dmy(events["date"]),
            "medcodeid": events["code"].map(medcodes).fillna(""),
            "value": events["value_text"],
            "numunitid": events["unit_text"].map(units).fillna(""),
            "obstypeid": family.map({True: "4", False: "10"}),
        }
    )
    return made.reindex(columns=list(OBSERVATION)), units, medcodes


def _dmy(dates: pd.Series) -> pd.Series:
    """Return ISO dates as DD/MM/YYYY; whatever is none stays as it is."""
    return dates.str.replace(r"^(\d{4})-(\d{2})-(\d{2})$", r"\3/\2/\1", regex=True)


def _text(table: pd.DataFrame, missing: str) -> bytes:
    filled = table.astype(object).fillna("")
    filled = filled.where(filled != "", missing)
    lines = ["\t".join(filled.columns), *("\t".join(row) for row in filled.itertuples(index=False))]
    return ("\r\n".join(lines) + "\r\n").encode()
