"""`evalweave init --from`: from an extract in each format to a study that `check` passes at the
first try; and what it asks where the extract does not tell."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from typer.testing import CliRunner

from evalweave import workflow
from evalweave.cli import app
from evalweave.commands import _rehearsal
from evalweave.errors import StudyError
from evalweave.study.file import load_study
from helpers import stages
from helpers.reports import undrawn

SMALL = Path(__file__).parents[1] / "workflow" / "small"
NUMBERS = {f"A0{n}": str(20150 + n) for n in range(8)}  # practices as CPRD numbers them


def rows(name: str) -> list[dict[str, str]]:
    with (SMALL / name).open() as file:
        return list(csv.DictReader(file))


PEOPLE = rows("extract/patients.csv")
SPELLS = rows("extract/registrations.csv")
EVENTS = rows("extract/events.csv")
AT = {spell["patient_id"]: NUMBERS[spell["practice_id"]] for spell in SPELLS}


def number(person: str) -> str:
    """An identifier as CPRD makes them: it ends with the practice's."""
    return f"{int(person[1:]) + 10}{AT[person]}"


def dmy(day: str) -> str:
    return "/".join(reversed(day.split("-")))


def lines(*cells: Any, by: str = ",") -> str:
    return "\n".join(by.join(str(cell) for cell in row) for row in cells) + "\n"


def measured(event: dict[str, str]) -> bool:
    return bool(event["value_text"])


def flat() -> dict[str, str]:
    """Dates day first, semicolons, columns that are called a little differently."""
    return {
        "patients.csv": lines(
            ("patient_id", "sex", "year_of_birth"),
            *((number(p["patient_id"]), p["sex"], p["birth_year"]) for p in PEOPLE),
            by=";",
        ),
        "registrations.csv": lines(
            ("patient_id", "practice", "start_date"),
            *((number(who), at, "03/02/2001") for who, at in AT.items()),
            by=";",
        ),
        "events.csv": lines(
            ("patient_id", "date", "code", "value", "unit"),
            *(
                (
                    number(e["patient_id"]),
                    dmy(e["date"]),
                    e["code"],
                    e["value_text"],
                    e["unit_text"],
                )
                for e in EVENTS
            ),
            by=";",
        ),
    }


def ehrql() -> dict[str, str]:
    """As OpenSAFELY names files and columns."""
    return {
        "patients.csv": lines(
            ("patient_id", "sex", "date_of_birth"),
            *((number(p["patient_id"]), p["sex"], p["birth_year"] + "-01-01") for p in PEOPLE),
        ),
        "practice_registrations.csv": lines(
            ("patient_id", "practice_pseudo_id", "start_date", "end_date"),
            *((number(who), at, "2001-02-03", "") for who, at in AT.items()),
        ),
        "clinical_events.csv": lines(
            ("patient_id", "date", "snomedct_code", "numeric_value"),
            *(
                (number(e["patient_id"]), e["date"], e["code"], e["value_text"] or "")
                for e in EVENTS
            ),
        ),
    }


def cprd_aurum() -> dict[str, str]:
    return {
        "x_extract_patient_001.txt": lines(
            ("patid", "pracid", "gender", "yob", "regstartdate", "regenddate", "acceptable"),
            *(
                (
                    number(p["patient_id"]),
                    AT[p["patient_id"]],
                    2,
                    p["birth_year"],
                    "03/02/2001",
                    "",
                    1,
                )
                for p in PEOPLE
            ),
            by="\t",
        ),
        "x_extract_practice_001.txt": lines(
            ("pracid", "lcd", "uts", "region"),
            *((at, "31/03/2017", "", 1) for at in NUMBERS.values()),
            by="\t",
        ),
        "x_extract_observation_001.txt": lines(
            ("patid", "obsdate", "medcodeid", "value", "numunitid"),
            *(
                (
                    number(e["patient_id"]),
                    dmy(e["date"]),
                    "1700711000006113" if measured(e) else "197761014",
                    e["value_text"],
                    "1" if measured(e) else "",
                )
                for e in EVENTS
            ),
            by="\t",
        ),
        "NumUnit.txt": "numunitid\tDescription\n1\tmmol/mol\n",
    }


def cprd_gold() -> dict[str, str]:
    return {
        "x_Extract_Patient_001.txt": lines(
            ("patid", "gender", "yob", "crd", "tod", "accept"),
            *(
                (number(p["patient_id"]), 2, int(p["birth_year"]) - 1800, "03/02/2001", "", 1)
                for p in PEOPLE
            ),
            by="\t",
        ),
        "x_Extract_Practice_001.txt": lines(
            ("pracid", "region", "lcd", "uts"),
            *((at, 1, "31/03/2017", "01/01/2001") for at in NUMBERS.values()),
            by="\t",
        ),
        "x_Extract_Clinical_001.txt": lines(
            ("patid", "eventdate", "medcode", "enttype"),
            *((number(e["patient_id"]), dmy(e["date"]), 758, 0) for e in EVENTS if not measured(e)),
            by="\t",
        ),
        "x_Extract_Test_001.txt": lines(
            ("patid", "eventdate", "medcode", "enttype", "data1", "data2", "data3"),
            *(
                (number(e["patient_id"]), dmy(e["date"]), 14051, 275, 3, e["value_text"], 97)
                for e in EVENTS
                if measured(e)
            ),
            by="\t",
        ),
    }


def omop() -> dict[str, str]:
    return {
        "PERSON.csv": lines(
            ("person_id", "gender_concept_id", "year_of_birth", "care_site_id"),
            *(
                (number(p["patient_id"]), 8532, p["birth_year"], AT[p["patient_id"]])
                for p in PEOPLE
            ),
        ),
        "OBSERVATION_PERIOD.csv": lines(
            ("person_id", "observation_period_start_date", "observation_period_end_date"),
            *((number(who), "2001-02-03", "2017-03-31") for who in AT),
        ),
        "MEASUREMENT.csv": lines(
            ("person_id", "measurement_concept_id", "measurement_date", "value_as_number"),
            *(
                (number(e["patient_id"]), 3004410, e["date"], e["value_text"])
                for e in EVENTS
                if measured(e)
            ),
        ),
        "CONDITION_OCCURRENCE.csv": lines(
            ("person_id", "condition_concept_id", "condition_start_date"),
            *((number(e["patient_id"]), 201826, e["date"]) for e in EVENTS if not measured(e)),
        ),
    }


FORMATS = {
    "flat": flat,
    "ehrql": ehrql,
    "cprd_aurum": cprd_aurum,
    "cprd_gold": cprd_gold,
    "omop": omop,
}


def put(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def init(*words: str | Path) -> Any:
    return CliRunner().invoke(app, ["init", *map(str, words)])


def practices(folder: Path) -> Path:
    path = folder / "rollout.csv"
    starts = {
        practice["practice_id"]: practice["programme_start"] for practice in rows("practices.csv")
    }
    path.write_text(
        "practice_id,programme_start\n"
        + "".join(f"{NUMBERS[p]},{day}\n" for p, day in starts.items())
    )
    return path


# What people and practices are called in a recipe, of a person's two digits and a practice's one,
# where the format leaves it open; CPRD's people have seven digits and end in a practice of five.
DIRTY = {
    "flat": ("20{}7", " 201{} "),  # five digits, and years with blanks around them
    "ehrql": ("19{}", "GP 0{}"),  # years; a blank inside
    "one_row": ("{}", "20{}0"),  # what a count may be
    "omop": ("201{}", "5{}"),
}


def dirty(name: str, text: str) -> str:
    """Call people and practices as the recipe does."""
    if name not in DIRTY:
        return text
    person, practice = DIRTY[name]
    text = re.sub(r"\b(\d\d)2015(\d)\b", lambda n: person.format(n[1]), text)
    return re.sub(r"\b2015(\d)\b", lambda n: practice.format(n[1]), text)


def one_row() -> dict[str, str]:
    """A dataset of ehrQL: one row a patient, the practice and the measurements in columns."""
    values: dict[str, list[str]] = {}
    for e in filter(measured, EVENTS):
        values.setdefault(e["patient_id"], []).extend((e["value_text"], e["date"]))
    diagnosed = {e["patient_id"]: e["date"] for e in EVENTS if not measured(e)}
    most = max(len(each) for each in values.values()) // 2
    columns = [f"{what}_{n}" for n in range(1, most + 1) for what in ("hba1c", "hba1c_date")]
    table = []
    for p in PEOPLE:
        who = p["patient_id"]
        cells = [*values.get(who, []), *([""] * 2 * most)][: 2 * most]
        known = (number(who), p["sex"], p["birth_year"], AT[who], "2001-02-03")
        table.append((*known, diagnosed.get(who, ""), *cells))
    names = ("patient_id", "sex", "birth_year", "practice_pseudo_id", "start_date", "t2dm_date")
    return {"patients.csv": lines((*names, *columns), *table)}


def answer(study: Path, name: str) -> None:
    """Edit a study file as its user does: the questions at its end, and a short run but once."""
    said = yaml.safe_load(study.read_text())
    if name == "one_row":
        diagnosis = {"date": "t2dm_date", "code": "44054006"}
        said["extract"]["events_in_patients"].append(diagnosis)
        said["codelists"]["type_2_diabetes"] = "codelists/type_2_diabetes.csv"
        said["eligibility"]["conditions"] = ["type_2_diabetes"]
    if name != "flat":
        said["analyses"] = [said["analyses"][0] | {"inference": ["auto"]}]
    for analysis in said["analyses"]:
        analysis["draws"] = 199  # no more than `check` draws in its rehearsal
    said["report"] = {"formats": ["html"]}
    study.write_text(yaml.safe_dump(said))


@pytest.fixture
def drawn(name: str) -> Iterator[None]:
    """Figures are drawn in one recipe: they do not depend on the extract's format."""
    with nullcontext() if name == "flat" else undrawn():
        yield


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize("name", [*FORMATS, "one_row"])
def test_from_an_extract_to_a_report_that_is_reproduced(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`init --from`, two edits, `check`, and a rerun whose every number is the released one. What
    `check` rehearses is taken for what was released: it does the stages of a run."""
    files = FORMATS[name]() if name in FORMATS else one_row()
    extract = put(tmp_path / "came", {at: dirty(name, text) for at, text in files.items()})
    rollout = practices(tmp_path)
    rollout.write_text(dirty(name, rollout.read_text()))
    done = init(tmp_path / "new study", "--from", extract, "--practices", rollout)
    assert done.exit_code == 0, done.exception
    study = tmp_path / "new study" / "study.yaml"
    made = load_study(study)
    assert made.extract.format == ("flat" if name in ("ehrql", "one_row") else name)
    assert str(made.window.first) == "2013-04-01" and str(made.window.last) == "2017-03-31"
    assert str(made.eligibility.index_date) == "2015-04-01"
    assert {each.subgroup for each in made.analyses} == {None}  # no deprivation, no ethnicity
    answer(study, name)
    released, rehearse = tmp_path / "released", _rehearsal.rehearse

    def kept(*given: Any) -> None:
        rehearse(*given)
        shutil.copytree(given[2].folder / "reports", released)

    monkeypatch.setattr(_rehearsal, "rehearse", kept)
    checked = CliRunner().invoke(app, ["check", str(study)])
    assert checked.exit_code == 0, checked.exception
    assert "hba1c: 192 records" in checked.output
    assert "8 of 8 have registrations" in checked.output

    def rerun(study_file: Path, *, directory: Path, **_: Any) -> int:
        stages.run(study_file, directory / "results")
        (directory / "reports").mkdir()
        made = directory / "reports" / load_study(study_file).study.name
        (directory / "results" / "reports").rename(made)
        return 0

    monkeypatch.setattr(workflow, "run", rerun)
    words = ["reproduce", str(released / "release.zip"), "--extract", str(extract)]
    again = CliRunner().invoke(app, [*words, "--study", str(study)])
    assert again.exit_code == 0, again.exception
    assert "Reproduced: every released number is the same or within rounding." in again.output


def test_what_the_extract_does_not_tell_is_asked(tmp_path: Path) -> None:
    files = flat()
    files["events.csv"] = files["events.csv"].replace("999791000000106", "77")
    extract = put(tmp_path / "came", files)
    done = init(tmp_path / "s", "--from", extract)
    text = (tmp_path / "s" / "study.yaml").read_text()
    said = yaml.safe_load(text)
    assert said["extract"]["columns"] == {"registrations": {"practice_id": "practice"}}
    questions = text.split("only you know:")[1]
    for words in (
        "When did the programme start in which practice?",
        "Which codes are the outcome's?",
        "77 (snomed, 192)",
    ):
        assert words in questions and words in done.output
    table = (tmp_path / "s" / "practices.csv").read_text().splitlines()
    assert table == [
        "practice_id,programme_start,area",
        *(f"{each},," for each in NUMBERS.values()),
    ]
    # what is asked stops a run, so check refuses it
    checked = CliRunner().invoke(app, ["check", str(tmp_path / "s" / "study.yaml")])
    assert "0 practices in the programme arm" in str(checked.exception)


def test_a_folder_without_an_extract(tmp_path: Path) -> None:
    put(tmp_path / "came", {"notes.csv": "a,b\n1,2\n"})
    done = init(tmp_path / "s", "--from", tmp_path / "came")
    assert isinstance(done.exception, StudyError)
    assert "no extract of a known format (there is notes.csv)" in str(done.exception)
    assert not (tmp_path / "s").exists()


def database_of(path: Path, name: str, schema: str = "main", **more: str) -> Path:
    """Put an extract's tables into a DuckDB file, as a loader would: types recognised, but for
    identifiers and codes."""
    import io

    import pandas as pd

    texts = {file.split(".")[0]: text for file, text in FORMATS[name]().items()} | more
    with duckdb.connect(str(path)) as con:
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for table, text in texts.items():
            frame = pd.read_csv(io.StringIO(text), sep=None, engine="python", dtype=str)
            frame = frame.rename(columns={"date": "Date", "patid": "PATID"})
            con.register("given", frame)
            con.execute(f'CREATE TABLE {schema}."{table}" AS FROM given')
            con.unregister("given")
    return path


def test_of_a_database_is_seen_what_is_seen_of_files(tmp_path: Path) -> None:
    came = database_of(tmp_path / "it.duckdb", "ehrql")
    done = init(tmp_path / "deep" / "study", "--from", came, "--practices", practices(tmp_path))
    assert done.exit_code == 0, done.exception
    made = load_study(tmp_path / "deep" / "study" / "study.yaml")
    said = yaml.safe_load((tmp_path / "deep" / "study" / "study.yaml").read_text())
    assert said["extract"]["connection"] == "duckdb://../../it.duckdb"
    assert made.extract.connection == f"duckdb://{came}" and made.extract.format == "flat"
    assert str(made.window.first) == "2013-04-01" and str(made.window.last) == "2017-03-31"
    assert list(made.outcomes) == ["hba1c"] and made.eligibility.conditions == ["type_2_diabetes"]


def test_a_schema_is_found_and_the_programmes_starts_come_from_the_database(tmp_path: Path) -> None:
    rollout = practices(tmp_path).read_text()
    came = database_of(tmp_path / "it.duckdb", "omop", "cdm", rollout=rollout)
    made = init(tmp_path / "s", "--from", f"duckdb://{came}")
    assert made.exit_code == 0, made.exception
    assert (tmp_path / "s" / "practices.csv").read_text() == rollout
    said = yaml.safe_load((tmp_path / "s" / "study.yaml").read_text())
    assert said["extract"]["database_schema"] == "cdm" and said["practices"] == "practices.csv"
    assert str(said["eligibility"]["index_date"]) == "2015-04-01"
    database_of(came, "omop", "other")
    both = init(tmp_path / "t", "--from", came)
    assert "in several schemas (cdm, other)" in str(both.exception)
    none = init(tmp_path / "t", "--from", came, "--schema", "main")
    assert "in the schema main (there is nothing)" in str(none.exception)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("postgresql://me:hunter2@host/db", "a password or token"),
        ("mysql://host/db", "no address of a database that is read"),
        ("duckdb://none.duckdb", "no DuckDB file of that name"),
        ("${EVALWEAVE_NOWHERE}", "the environment has no EVALWEAVE_NOWHERE"),
    ],
)
def test_a_database_that_cannot_be_looked_at(said: str, words: str, tmp_path: Path) -> None:
    done = init(tmp_path / "s", "--from", said)
    assert isinstance(done.exception, StudyError) and words in str(done.exception)
    assert "hunter2" not in str(done.exception) and not (tmp_path / "s").exists()


@pytest.mark.parametrize("folder", ["a ${HOME} b", "a?password=x"])
def test_a_path_that_no_study_file_can_say_is_refused(folder: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir()
    duckdb.connect(str(tmp_path / folder / "it.duckdb")).close()
    done = init(tmp_path / "s", "--from", tmp_path / folder / "it.duckdb")
    assert "Rename the file or its folder" in str(done.exception)
    (tmp_path / "it.csv").write_text("patient_id,sex\n")
    done = init(tmp_path / "s", "--from", tmp_path / "it.csv")
    assert "this is a file and no DuckDB database" in str(done.exception)


def test_a_database_without_an_extract_and_one_that_lacks_a_table(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "it.duckdb")) as con:
        con.execute("CREATE TABLE notes AS SELECT 1 AS a")
    done = init(tmp_path / "s", "--from", tmp_path / "it.duckdb")
    assert "in the connection's own schema (there is notes)" in str(done.exception)
    came = database_of(tmp_path / "that.duckdb", "flat")
    with duckdb.connect(str(came)) as con:
        con.execute("DROP TABLE registrations")
    done = init(tmp_path / "s", "--from", came)
    assert done.exit_code == 0 and "found no registrations" in done.output, done.exception


def test_of_a_long_table_the_rows_with_listed_codes_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evalweave.extract import database_survey

    came = database_of(tmp_path / "it.duckdb", "ehrql")
    with duckdb.connect(str(came)) as con:
        con.execute(
            "UPDATE clinical_events SET snomedct_code = '44' WHERE snomedct_code = '44054006'"
        )
    monkeypatch.setattr(database_survey, "MOST", 100)
    done = init(tmp_path / "s", "--from", came)
    assert done.exit_code == 0, done.exception
    said = (tmp_path / "s" / "study.yaml").read_text()
    assert "100 of its 240 rows were looked at (rows with listed codes)" in said
