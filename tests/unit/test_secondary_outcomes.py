"""From `evalweave init` to estimates of four secondary outcomes by declaration alone, in each
format of extract.

The same eight people, two of each of four practices, written as flat files, CPRD Aurum, CPRD GOLD
and OMOP; each outcome in units that need converting. What a user does: uncomment, fill in, check,
run.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
from typer.testing import CliRunner

from evalweave import engine
from evalweave.catalogue.extracts import EXTRACTS
from evalweave.cli import app
from evalweave.cohort.building import build
from evalweave.estimates import gather
from evalweave.extract.ingest import ingest
from evalweave.fitting import fit
from evalweave.panel import building as panels
from evalweave.records.cleaning import clean
from evalweave.records.codelists import read_all
from evalweave.records.practices import read_practices
from evalweave.study.file import load_study
from evalweave.study.stages import (
    CleanSettings,
    CohortSettings,
    EstimatesSettings,
    PanelSettings,
    settings_for,
    spec_of,
)
from evalweave.study.whole import Study
from helpers.framed import framed
from helpers.reports import undrawn

TABLES = ("patients", "registrations", "events")
PRACTICES = {"20001": "2015-04-01", "20002": "2015-04-01", "20003": "", "20004": ""}
SHIFT = {"20001": 1, "20002": -1, "20003": 1, "20004": -1}
PEOPLE = {f"{practice[-1]}{n}{practice}": practice for practice in PRACTICES for n in (1, 2)}


class Kind(NamedTuple):
    """A sort of record: its code as SNOMED CT, medcodeid and OMOP concept, its OMOP table and unit
    concept."""

    snomed: str
    medcodeid: str
    concept: str
    table: str = "measurement"


KINDS = {
    "type_2": Kind("44054006", "197761014", "201826", "condition_occurrence"),
    "hba1c": Kind("999791000000106", "1700711000006113", "3004410"),
    "systolic": Kind("72313002", "9001", "3004249"),
    "bmi": Kind("60621009", "100716012", "3038553"),
    "cholesterol": Kind("1005671000000105", "9002", "3027114"),
    "smoker": Kind("77176002", "9003", "4298794", "observation"),
    "ex_smoker": Kind("8517006", "9004", "4310250", "observation"),
    "never": Kind("266919005", "9005", "4144272", "observation"),
}
UNITS = {"mmol/mol": "9579", "kPa": "0", "mmHg": "8876", "kg/m2": "9531", "mg/dL": "8840", "": "0"}


def records() -> list[tuple[str, str, str, str, str]]:
    """Return (person, day, kind, value, unit). The programme's second year brings 4 mmHg and 1
    kg/m² less, and half stop smoking."""
    found = []
    for person, practice in PEOPLE.items():
        treated = PRACTICES[practice] != ""
        found.append((person, "2010-06-01", "type_2", "", ""))
        for year, after in ((2014, False), (2015, True)):
            found.append(
                (
                    person,
                    f"{year}-06-01",
                    "hba1c",
                    str(60 - (2 + SHIFT[practice]) * (treated and after) + int(person[1])),
                    "mmol/mol",
                )
            )
            pressure = (
                140 - 4 * (treated and after) + (int(person[1]) + SHIFT[practice] if after else 0)
            )
            first = person[1] == "1"
            value, unit = (
                (str(pressure * 0.133322387415), "kPa") if first else (str(pressure), "mmHg")
            )
            found.append((person, f"{year}-06-02", "systolic", value, unit))
            found.append((person, f"{year}-06-03", "bmi", str(31 - (treated and after)), "kg/m2"))
            found.append((person, f"{year}-06-04", "cholesterol", str(5 * 38.66976), "mg/dL"))
            # in the first year everybody smokes, in the end; yes and no on one day count for
            # nothing
            found.append((person, f"{year}-05-01", "never", "", ""))
            found.append(
                (
                    person,
                    f"{year}-06-05",
                    "ex_smoker" if practice == "20001" and after else "smoker",
                    "",
                    "",
                )
            )
            found += [
                (person, f"{year}-07-01", "smoker", "", ""),
                (person, f"{year}-07-01", "ex_smoker", "", ""),
            ]
    return found


def lines(*rows: Any, by: str = ",") -> str:
    return "\n".join(by.join(str(cell) for cell in row) for row in rows) + "\n"


def flat() -> dict[str, str]:
    return {
        "patients.csv": lines(
            ("patient_id", "sex", "birth_year", "imd_quintile"),
            *((p, "female", 1950, p[0]) for p in PEOPLE),
        ),
        "registrations.csv": lines(
            ("patient_id", "practice_id", "start", "end"),
            *((p, at, "2005-01-01", "") for p, at in PEOPLE.items()),
        ),
        "events.csv": lines(
            ("patient_id", "date", "code", "value", "unit"),
            *((p, day, KINDS[kind].snomed, value, unit) for p, day, kind, value, unit in records()),
        ),
    }


def dmy(day: str) -> str:
    return "/".join(reversed(day.split("-")))


def cprd_aurum() -> dict[str, str]:
    units = {
        unit: str(number)
        for number, unit in enumerate(sorted({r[4] for r in records()} - {""}), start=1)
    }
    return {
        "s_extract_patient_001.txt": lines(
            (
                "patid",
                "pracid",
                "gender",
                "yob",
                "regstartdate",
                "regenddate",
                "acceptable",
                "imd_quintile",
            ),
            *((p, at, 2, 1950, "01/01/2005", "", 1, p[0]) for p, at in PEOPLE.items()),
            by="\t",
        ),
        "s_extract_practice_001.txt": lines(
            ("pracid", "lcd", "uts", "region"),
            *((at, "31/03/2019", "", "1") for at in PRACTICES),
            by="\t",
        ),
        "s_extract_observation_001.txt": lines(
            ("patid", "pracid", "obsdate", "medcodeid", "value", "numunitid", "obstypeid"),
            *(
                (p, PEOPLE[p], dmy(day), KINDS[kind].medcodeid, value, units.get(unit, ""), 1)
                for p, day, kind, value, unit in records()
            ),
            by="\t",
        ),
        "NumUnit.txt": lines(
            ("numunitid", "Description"), *((n, unit) for unit, n in units.items()), by="\t"
        ),
        "MedicalDictionary.txt": lines(
            ("MedCodeId", "Term", "SnomedCTConceptId"),
            *((kind.medcodeid, name, kind.snomed) for name, kind in KINDS.items()),
            by="\t",
        ),
    }


def omop() -> dict[str, str]:
    made = {
        "PERSON.csv": lines(
            ("person_id", "gender_concept_id", "year_of_birth", "care_site_id", "imd_quintile"),
            *((p, 8532, 1950, at, p[0]) for p, at in PEOPLE.items()),
        ),
        "OBSERVATION_PERIOD.csv": lines(
            ("person_id", "observation_period_start_date", "observation_period_end_date"),
            *((p, "2005-01-01", "2019-03-31") for p in PEOPLE),
        ),
    }
    for table, day_of in (
        ("measurement", "measurement_date"),
        ("observation", "observation_date"),
        ("condition_occurrence", "condition_start_date"),
    ):
        of = [r for r in records() if KINDS[r[2]].table == table]
        concept = f"{table.partition('_')[0]}_concept_id"
        measured = table != "condition_occurrence"
        more = ("value_as_number", "unit_concept_id", "unit_source_value") if measured else ()
        made[f"{table.upper()}.csv"] = lines(
            ("person_id", concept, day_of, *more),
            *(
                (p, KINDS[kind].concept, day, *((value, UNITS[unit], unit) if measured else ()))
                for p, day, kind, value, unit in of
            ),
        )
    return made


GOLD_UNITS = {"mmol/mol": "97", "kPa": "901", "mmHg": "902", "kg/m2": "903", "mg/dL": "904"}
# Medcodes differ from build to build: a user adds those of theirs to the lists.
GOLD_CODES = {
    "systolic": 1,
    "bmi": 2,
    "cholesterol": 44,
    "smoker": 33,
    "ex_smoker": 34,
    "never": 35,
}
GOLD_LISTS = {
    "type_2_diabetes": ["758,gold_medcode,Type 2 diabetes mellitus,,"],
    "systolic_bp": ["1,gold_medcode,Blood pressure,,"],
    "body_mass_index": ["2,gold_medcode,Body mass index,,"],
    "total_cholesterol": ["44,gold_medcode,Serum cholesterol,,"],
    "smoking": [f"{medcode},gold_medcode,a,{int(medcode == 33)}," for medcode in (33, 34, 35)],
}


def cprd_gold() -> dict[str, str]:
    """What is measured stands in Test, with the number of a unit that the study's vocabulary
    explains."""
    entity = {"hba1c": ("14051", "275"), "type_2": ("758", "0")}
    tested = [row for row in records() if row[3]]
    return {
        "x_Extract_Patient_001.txt": lines(
            ("patid", "gender", "yob", "crd", "tod", "accept", "imd_quintile"),
            *((p, 2, 150, "01/01/2005", "", 1, p[0]) for p in PEOPLE),
            by="\t",
        ),
        "x_Extract_Practice_001.txt": lines(
            ("pracid", "region", "lcd", "uts"),
            *((at, 1, "31/03/2019", "01/01/2005") for at in PRACTICES),
            by="\t",
        ),
        "x_Extract_Clinical_001.txt": lines(
            ("patid", "eventdate", "medcode", "enttype"),
            *(
                (p, dmy(day), *entity.get(kind, (GOLD_CODES.get(kind), "0")))
                for p, day, kind, value, _ in records()
                if not value
            ),
            by="\t",
        ),
        "x_Extract_Test_001.txt": lines(
            ("patid", "eventdate", "medcode", "enttype", "data1", "data2", "data3"),
            *(
                (
                    p,
                    dmy(day),
                    *entity.get(kind, (GOLD_CODES.get(kind), "288")),
                    3,
                    value,
                    GOLD_UNITS[unit],
                )
                for p, day, kind, value, unit in tested
            ),
            by="\t",
        ),
    }


WRITERS = {"flat": flat, "cprd_aurum": cprd_aurum, "cprd_gold": cprd_gold, "omop": omop}


def uncommented(text: str) -> str:
    """Uncomment the secondary outcomes and comparisons, fill in what says FILL IN, and take out the
    other strand."""
    head, _, rest = text.partition("codelists:\n")
    rest = re.sub(r"^  # (- \{|[a-z_]+: (\{|codelists/))", r"  \1", rest, flags=re.MULTILINE)
    first, _, rest = rest.partition("# The coded qualitative project")
    _, _, last = rest.partition("disclosure:")
    whole = f"{head}codelists:\n{first}disclosure:{last}".replace(
        "later_starters", "# later_starters"
    )
    whole = whole.replace("  counting:", "  # counting:")
    return whole.replace("code_system: medcodeid ", "code_system: snomed ").replace("FILL IN: ", "")


def written(folder: Path, format_: str) -> Path:
    """Return the study file of a new study, as a user makes it."""
    done = CliRunner().invoke(app, ["init", str(folder), "--format", format_])
    assert done.exit_code == 0, done.exception
    (folder / "extract").mkdir()
    for name, text in WRITERS[format_]().items():
        (folder / "extract" / name).write_text(text)
    (folder / "practices.csv").write_text(
        lines(("practice_id", "programme_start"), *PRACTICES.items())
    )
    study = folder / "study.yaml"
    text = uncommented(study.read_text())
    if format_ == "cprd_gold":
        for name, entries in GOLD_LISTS.items():
            with (folder / "codelists" / f"{name}.csv").open("a") as listed:
                listed.write("\n".join(entries) + "\n")
        taught = ", ".join(f"SUM {n}: {unit}" for unit, n in GOLD_UNITS.items())
        text += f"vocabulary: {{units: {{{taught}}}}}\n"
    study.write_text(
        text.replace("  not_referred: {", "  # not_referred: {")
    )  # nobody was referred here
    return study


@pytest.fixture(scope="module", params=EXTRACTS)
def study(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("secondary") / str(request.param), str(request.param))


def through(study: Study, folder: Path) -> pd.DataFrame:
    """Return the panel of the primary comparison."""
    backend = engine.connect("duckdb")
    parts = {table: ingest(study.extract, "duckdb", table, folder) for table in TABLES}
    read = {
        table: engine.parquet_tables(backend, [part.path for part in parts[table]])
        for table in TABLES
    }
    lists, faults = read_all(study.codelists, study.extract.code_system)
    assert not faults
    where = read_practices(study.practices)
    cleaned = clean(
        backend,
        **read,
        practices=where,
        lists=lists,
        settings=CleanSettings.model_validate(settings_for(study, CleanSettings)),
    )
    tidy = {
        name: engine.keep(backend, name, getattr(cleaned, name))
        for name in ("patients", "registrations", "measurements", "conditions")
    }
    cohort = build(
        backend, tidy, where, CohortSettings.model_validate(settings_for(study, CohortSettings))
    )
    built = panels.build(
        backend,
        tidy["measurements"],
        tidy["registrations"],
        cohort.cohort,
        cohort.membership,
        study.primary_comparison,
        PanelSettings.model_validate(settings_for(study, PanelSettings)),
    )
    return framed(backend, built.panel)


def test_uncommenting_is_enough_for_check(study: Path) -> None:
    with undrawn():
        done = CliRunner().invoke(app, ["check", str(study)])
    assert done.exit_code == 0, f"{done.output}\n{done.exception}"
    said = done.output
    assert "7 analyses of 5 outcomes" in said and "people: 8" in said
    assert "practices: 2 with the programme, 2 without" in said and "practices: 4 of 4" in said
    for table in TABLES:
        assert re.search(rf"{table}: [0-9]+ rows", said)
    assert "hba1c: 16 records, nearly all from 2014-06-01 to 2015-06-01; units: mmol/mol 16" in said
    written_as = "SUM 901" if study.parent.name == "cprd_gold" else "kPa"  # as the extract has it
    assert (
        re.search(rf"systolic_bp: 16 records.*{written_as} 8", said)
        and "total_cholesterol: 16 records" in said
    )
    assert "smoking: 64 records, nearly all from 2014-05-01 to 2015-07-01" in said
    assert "type_2_diabetes: 8 records" in said and "social_prescribing_referral: 0 records" in said


def test_by_declaration_alone(study: Path, tmp_path: Path) -> None:
    said = load_study(study)
    panel = through(said, tmp_path)
    by = panel.set_index(["patient_id", "period"])
    assert len(panel) == 16 and set(panel["period"]) == {2014, 2015}
    for person, practice in PEOPLE.items():
        treated, before, after = (
            PRACTICES[practice] != "",
            by.loc[(person, 2014)],
            by.loc[(person, 2015)],
        )
        change = -4 * treated + int(person[1]) + SHIFT[practice]
        assert before["systolic_bp"] == pytest.approx(140) and after[
            "systolic_bp"
        ] == pytest.approx(140 + change)
        assert (before["body_mass_index"], after["body_mass_index"]) == (31, 31 - treated)
        assert after["total_cholesterol"] == pytest.approx(5)
        # the latest status of the period that holds; the day with yes and no was set aside
        assert (before["smoking"], after["smoking"]) == (1, 0 if practice == "20001" else 1)
        assert before["n_smoking"] == 2 and before["baseline_smoking"] == 1
    fits = {
        a.name: fit(panel, spec_of(said, a.name), may_be_empty=True).tidy() for a in said.analyses
    }
    table = gather(fits, EstimatesSettings.model_validate(settings_for(said, EstimatesSettings)))
    rows = table[table["inference"] == "cr3"].set_index(["analysis", "outcome_unit"])["estimate"]
    assert rows["systolic_bp", "mmHg"] == pytest.approx(-4)
    assert rows["smoking", "proportion"] == pytest.approx(-0.5)
    units = table.groupby("outcome")["outcome_unit"].agg(lambda each: sorted(set(each))).to_dict()
    assert units == {
        "hba1c": ["mmol/mol", "percentage points"],
        "systolic_bp": ["mmHg"],
        "smoking": ["proportion"],
    }


def test_the_commented_comparisons_are_sound(tmp_path: Path) -> None:
    CliRunner().invoke(app, ["init", str(tmp_path / "s")])
    file = tmp_path / "s" / "study.yaml"
    file.write_text(uncommented(file.read_text()).replace("# later_starters", "later_starters"))
    made = load_study(file)
    assert {name: group.kind for name, group in made.comparisons.items()} == {
        "without_programme": "never_treated",
        "later_starters": "not_yet_treated",
        "not_referred": "not_referred",
    }
    assert made.outcomes["smoking"].per_period == "last"
