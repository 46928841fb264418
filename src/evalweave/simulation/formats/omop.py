"""An extract as OMOP CDM 5.4: CSV or Parquet, names in either case.

PERSON.care_site_id is the latest practice, so that moves are lost; there is no deprivation. HbA1c,
type 1 and type 2 diabetes have their standard concepts; other codes get numbers above two billion,
which OMOP leaves to the site.
"""

from __future__ import annotations

import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet

from evalweave.simulation.extract import CONDITION_CODES, DIABETES, REFERRAL, TYPE_1, TYPE_2
from evalweave.simulation.formats import as_csv, numbers

HBA1C = {"1003671000000109": 3004410}  # the code that implies no unit
CONCEPTS = HBA1C | {TYPE_2: 201826, TYPE_1: 201254, DIABETES: 201820}
LOCAL = 2_000_000_000
CONDITIONS = {TYPE_1, TYPE_2, DIABETES, *CONDITION_CODES.values()}
OPERATORS = {"<": "4171756", "<=": "4171754", ">": "4172704", ">=": "4171755"}
UNITS = {
    "%": ("8554", "percent"),
    "mmol/mol": ("9579", "millimole per mole"),
    "mmHg": ("8876", "millimeter mercury"),
}
STILL_THERE = "2020-03-31"  # observation periods have an end: the last collection
WHOLE = ("_concept_id", "care_site_id", "year_of_birth", "month_of_birth", "imd_quintile")


def person_ids(tables: dict[str, pd.DataFrame]) -> dict[str, int]:
    """Return patient → person_id."""
    return numbers(pd.concat([tables["patients"]["patient_id"], tables["events"]["patient_id"]]))


def care_site_ids(tables: dict[str, pd.DataFrame]) -> dict[str, int]:
    """Return practice → care_site_id."""
    return numbers(tables["registrations"]["practice_id"])


def concept_ids(tables: dict[str, pd.DataFrame]) -> dict[str, int]:
    """Return SNOMED CT code → concept identifier."""
    known = numbers(tables["events"]["code"])
    return {code: CONCEPTS.get(code, LOCAL + number) for code, number in known.items()}


def files(
    tables: dict[str, pd.DataFrame], form: str = "csv", upper: bool = True
) -> dict[str, bytes]:
    """Return the files as `csv` or `parquet`, file and column names in upper or lower case.

    Typed Parquet cannot hold 31/02/2016 or a value such as "see letter": they are blank there.
    """
    made = {**_people(tables), **_records(tables)}
    named = {}
    for name, table in made.items():
        cased = table.rename(columns=str.upper) if upper else table
        content = _parquet(cased) if form == "parquet" else as_csv(cased)
        named[f"{name.upper() if upper else name}.{form}"] = content
    return named


def _people(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    patients, spells = tables["patients"], tables["registrations"]
    ids, sites = person_ids(tables), care_site_ids(tables)
    latest = spells.sort_values("start", kind="stable").drop_duplicates("patient_id", keep="last")
    site = patients["patient_id"].map(latest.set_index("patient_id")["practice_id"]).map(sites)
    known = spells[spells["patient_id"].isin(ids)]
    dead = patients[patients["death_date"] != ""].drop_duplicates("patient_id")
    person = pd.DataFrame(
        {
            "person_id": _text(patients["patient_id"].map(ids)),
            "gender_concept_id": patients["sex"]
            .map({"male": "8507", "female": "8532"})
            .fillna("0"),
            "year_of_birth": patients["birth_year"],
            "month_of_birth": patients["birth_month"],
            "race_concept_id": "0",
            "care_site_id": _text(site),
            "gender_source_value": "",
            "race_source_value": patients["ethnicity"],
        }
    )
    period = pd.DataFrame(
        {
            "observation_period_id": [str(number) for number in range(1, len(known) + 1)],
            "person_id": _text(known["patient_id"].map(ids)).to_numpy(),
            "observation_period_start_date": known["start"].to_numpy(),
            "observation_period_end_date": known["end"]
            .where(known["end"] != "", STILL_THERE)
            .to_numpy(),
        }
    )
    death = pd.DataFrame(
        {"person_id": _text(dead["patient_id"].map(ids)), "death_date": dead["death_date"]}
    )
    care_site = pd.DataFrame(
        {"care_site_id": [str(n) for n in sites.values()], "care_site_source_value": list(sites)}
    )
    return {"person": person, "observation_period": period, "death": death, "care_site": care_site}


def _records(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    events, ids, concepts = tables["events"], person_ids(tables), concept_ids(tables)
    who, what = (
        _text(events["patient_id"].map(ids)),
        _text(events["code"].map(concepts)).replace("", "0"),
    )
    row = pd.Series([str(number) for number in range(1, len(events) + 1)], events.index)
    condition, procedure = events["code"].isin(CONDITIONS), events["code"] == REFERRAL
    value = events["value_text"].str.strip()
    parts = value.str.extract(r"^(<=|>=|<|>)\s*([\d.]+)$")
    number = parts[1].fillna(value)
    numeric = pd.to_numeric(number, errors="coerce").notna()
    # every other known unit is a concept, the rest are text only: either may be all that a site
    # fills in
    unit = events["unit_text"].map(lambda text: UNITS.get(text, ("",))[0])
    unit = unit.where(row.astype("int64") % 2 == 0, "")
    whole = pd.DataFrame({"id": row, "person_id": who, "concept": what, "date": events["date"]})
    measurement = whole.assign(
        operator_concept_id=parts[0].map(OPERATORS).fillna("0"),
        value_as_number=number.where(numeric, ""),
        unit_concept_id=unit.where(unit != "", "0"),
        unit_source_value=events["unit_text"].where(unit == "", ""),
        value_source_value=events["value_text"].where(~numeric, ""),
    )
    dates = {"condition_occurrence": "condition_start_date"}

    def of(table: pd.DataFrame, name: str) -> pd.DataFrame:
        stem = name.partition("_")[0]
        return table.rename(
            columns={
                "id": f"{name}_id",
                "concept": f"{stem}_concept_id",
                "date": dates.get(name, f"{stem}_date"),
            }
        )

    return {
        "measurement": of(measurement[~condition & ~procedure], "measurement"),
        "condition_occurrence": of(whole[condition], "condition_occurrence"),
        "procedure_occurrence": of(whole[procedure], "procedure_occurrence"),
        "concept": _concepts(concepts),
    }


def _concepts(concepts: dict[str, int]) -> pd.DataFrame:
    rows = [
        (str(concept), code, "SNOMED")
        for code, concept in concepts.items()
        if concept not in HBA1C.values()
    ]
    rows += [
        (concept, "mm[Hg]" if name == "mmHg" else name, "UCUM")
        for name, (concept, _) in UNITS.items()
    ]
    return pd.DataFrame(rows, columns=["concept_id", "concept_code", "vocabulary_id"])


def _text(numbers_: pd.Series) -> pd.Series:
    return numbers_.astype("Int64").astype("string").fillna("")


def _parquet(table: pd.DataFrame) -> bytes:
    typed = {}
    for name, column in table.items():
        lower = str(name).lower()
        if lower.endswith("_date"):
            typed[name] = pd.to_datetime(column, format="%Y-%m-%d", errors="coerce").dt.date
        elif lower == "value_as_number":
            typed[name] = pd.to_numeric(column, errors="coerce")
        elif lower.endswith(WHOLE) and lower != "person_id":
            typed[name] = pd.to_numeric(column).astype(
                "float64"
            )  # as pandas writes nullable numbers
        elif lower == "person_id":
            typed[name] = pd.to_numeric(column).astype("Int64")
        else:
            typed[name] = column.replace("", None)
    out = io.BytesIO()
    parquet.write_table(pa.Table.from_pandas(pd.DataFrame(typed), preserve_index=False), where=out)
    return out.getvalue()
