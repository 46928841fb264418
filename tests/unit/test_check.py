"""`evalweave check`: everything wrong at once, or what was recognised; exit codes; nobody's data in
a message."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from evalweave.cli import app
from evalweave.commands import _rehearsal
from evalweave.errors import DataError, StudyError
from evalweave.records.practices import arm_of, effective, read_practices
from helpers.reports import undrawn

LISTS = Path(__file__).parents[2] / "config" / "codelists"
HBA1C, TYPE_2 = "999791000000106", "44054006"
SECRET = "12622041000006111"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A small sound study in the flat format."""
    extract = tmp_path / "extract"
    extract.mkdir()
    people = [SECRET, *(f"P{n}" for n in range(2, 13))]
    lines = {
        "patients": ["patient_id,sex,birth_year"] + [f"{p},female,1950" for p in people],
        "registrations": ["patient_id,practice_id,start,end"]
        + [f"{p},{'ABCD'[n % 4]},2010-01-01," for n, p in enumerate(people)],
        "events": ["patient_id,date,code,value,unit"]
        + [
            f"{p},{year}-05-01,{HBA1C},{48 + (7 * n + year) % 5},mmol/mol"
            for n, p in enumerate(people)
            for year in range(2013, 2018)
        ]
        + [f"{p},2012-05-01,{TYPE_2},," for p in people],
    }
    for name, rows in lines.items():
        (extract / f"{name}.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "practices.csv").write_text(
        "practice_id,programme_start,area\nA,2015-04-01,west\nB,2015-04-01,west\nC,,north\nD,,north\n"
    )
    said = {
        "study": {"name": "small", "title": "A small study"},
        "extract": {"path": "extract"},
        "practices": "practices.csv",
        "codelists": {name: str(LISTS / f"{name}.csv") for name in ("hba1c", "type_2_diabetes")},
        "window": {"first": "2011-04-01", "last": "2019-03-31"},
        "eligibility": {"index_date": "2015-04-01", "conditions": ["type_2_diabetes"]},
        "comparisons": {"all": {"primary": True}},
        "outcomes": {"hba1c": {"unit": "mmol/mol", "plausible": [20, 195]}},
        "analyses": [{"name": "main", "estimator": "twfe", "outcome": "hba1c"}],
    }
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(said))
    return path


@pytest.fixture
def unrehearsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what `check` says before it rehearses the run: test_check_promise.py is about that."""
    monkeypatch.setattr(_rehearsal, "rehearse", lambda *_: None)


def run(study: Path) -> str:
    result = CliRunner().invoke(app, ["check", str(study)])
    assert result.exit_code == 0, result.exception or result.output
    return result.output


def wrong(study: Path, kind: type[Exception] = DataError) -> str:
    result = CliRunner().invoke(app, ["check", str(study)])
    assert isinstance(result.exception, kind), result.output
    assert SECRET not in str(result.exception) + result.output
    return str(result.exception)


def test_a_sound_study_says_what_it_recognised(study: Path) -> None:
    with undrawn():
        said = run(study)
    for words in (
        "people: 12",
        "practices: 4 of 4",
        "hba1c: 60 records",
        "mmol/mol 60",
        "type_2_diabetes: 12 records",
        "a rehearsal of the whole run ended with a report",
        "Note: registrations: end is blank throughout, so nobody leaves",
    ):
        assert words in said
    assert "not read" not in said


def test_everything_wrong_at_once(study: Path) -> None:
    extract = study.parent / "extract"
    (extract / "patients.csv").write_text("patient_id;sx;birth_year\n1;female;1950\n")
    (extract / "events.csv").write_bytes(b"")
    (study.parent / "practices.csv").write_text("practice_id,programme_start\nA,31/4/2015\nA,\n")
    said = yaml.safe_load(study.read_text())
    said["codelists"]["hba1c"] = "absent.csv"
    study.write_text(yaml.safe_dump(said))
    message = wrong(
        study, StudyError
    )  # of the study file's mistakes and the data's, the first decide the exit code
    for words in (
        'a column "sex"',
        "events.csv: found an empty file",
        "practices.csv, row 2",
        "row 3",
        "absent.csv",
    ):
        assert words in message, message
    assert "5 things need mending" in message and message.count("things need mending") == 1


@pytest.mark.parametrize(
    ("practices", "words"),
    [
        ("A,2015-04-01\nB,2011-05-01\nC,\nD,\n", "with no period before"),
        ("A,2015-04-01\nB,\nC,\nD,\n", "1 practice in the programme arm"),
        ("W,2015-04-01\nX,2015-04-01\nY,\nZ,\n", "none of the practices of registrations"),
    ],
)
def test_practices_as_a_design(study: Path, practices: str, words: str) -> None:
    (study.parent / "practices.csv").write_text("practice_id,programme_start\n" + practices)
    assert words in wrong(study)


def test_areas_that_an_allocation_needs(study: Path) -> None:
    (study.parent / "practices.csv").write_text(
        "practice_id,programme_start,area\nA,2015-04-01,w\nB,2015-04-01,w\nC,,e\nD,,\n"
    )
    study.write_text(study.read_text() + "\nallocation: {level: area}\n")
    message = wrong(study)
    assert "row 5" in message and "no area" in message
    study.write_text(
        study.read_text().replace("{level: area}", "{level: practice, restrict: pair}")
    )
    assert "no strata called pair" in wrong(study, StudyError)


def test_starts_inside_a_period_are_told(study: Path) -> None:
    from evalweave.extract.design import straddling
    from evalweave.study.file import load_study

    practices = study.parent / "practices.csv"
    practices.write_text(practices.read_text().replace("2015-04-01", "2015-06-01"))
    (told,) = straddling(read_practices(practices), load_study(study))
    assert "2 of 2 practices start inside a period (such as on 2015-06-01)" in told
    assert "window, anchor: 6" in told
    study.write_text(study.read_text().replace("window:", "window:\n  anchor: 6"))
    assert not straddling(read_practices(practices), load_study(study))
    # an anchor is a month: a start inside one straddles all the same
    practices.write_text(practices.read_text().replace("2015-06-01", "2015-06-15"))
    (told,) = straddling(read_practices(practices), load_study(study))
    assert "such as on 2015-06-15); that period is dropped for them" in told
    assert "helps none of the 2 practices that start later in it" in told


def test_later_starters_that_all_start_on_one_day(study: Path) -> None:
    (study.parent / "practices.csv").write_text(
        "practice_id,programme_start\n" + "".join(f"{p},2015-04-01\n" for p in "ABCD")
    )
    study.write_text(study.read_text().replace("primary: true", "kind: not_yet_treated"))
    assert "one start for all practices" in wrong(study)


def test_a_category_of_a_code_list_that_no_code_has(study: Path) -> None:
    said = yaml.safe_load(study.read_text())
    said["eligibility"]["without"] = ["type_2_diabetes[doubtful]"]
    study.write_text(yaml.safe_dump(said))
    assert 'no code of "type_2_diabetes[doubtful]", which the study asks for' in wrong(study)


def test_an_outcome_without_a_record(study: Path) -> None:
    events = study.parent / "extract" / "events.csv"
    events.write_text(events.read_text().replace(HBA1C, "1"))
    assert 'no record of the outcome "hba1c"' in wrong(study)


def test_identifiers_that_do_not_meet(study: Path) -> None:
    events = study.parent / "extract" / "events.csv"
    events.write_text(events.read_text().replace("P", "Q").replace(SECRET, "Q1"))
    assert "people who are not in patients" in wrong(study)


@pytest.mark.parametrize(
    ("key", "words"),
    [("extract", "there is no such folder"), ("practices", "found no such file")],
)
def test_a_path_that_leads_nowhere_is_a_mistake_of_the_study_file(
    study: Path, key: str, words: str
) -> None:
    said = yaml.safe_load(study.read_text())
    said[key] = {"path": "nowhere"} if key == "extract" else "nowhere"
    study.write_text(yaml.safe_dump(said))
    assert words in wrong(study, StudyError)


def test_ragged_rows_are_named(study: Path) -> None:
    events = study.parent / "extract" / "events.csv"
    events.write_text(events.read_text() + f"{SECRET},2016-05-01\n")
    assert "row 74: found 2 cells, expected 5" in wrong(study)


def test_a_mistake_in_the_study_file_exits_with_2(study: Path) -> None:
    study.write_text(study.read_text().replace("practices:", "practises:"))
    assert 'practises" is not a key' in wrong(study, StudyError)


def test_inputs_that_will_be_simulated_need_not_be_there(study: Path) -> None:
    said = yaml.safe_load(study.read_text())
    said["study"]["synthetic"], said["simulation"], said["extract"]["path"] = True, {}, "to-come"
    study.write_text(yaml.safe_dump(said))
    assert "they will be simulated" in run(study)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "an empty file"),
        ("practice_id,programme_start\n", "a header and no rows"),
        ("practice,programme_start\nA,\n", "Did you mean"),
        ("practice_id,programme_start,aera\nA,,x\n", 'Did you mean "area"'),
        ("practice_id,programme_start\nA,\n,\nB\n", "row 4: found 1 cells"),
        (
            "practice_id,programme_start\nA,2015-4-31\n",
            "row 2, column programme_start: found no date",
        ),
        ("practice_id,programme_start\nA,2015-02-30\n", "no date"),
        ("practice_id,programme_start,merged_into\nA,,B\nB,,A\n", "circle"),
        ("practice_id,programme_start,merged_into\nA,,Z\n", "not in the table"),
    ],
)
def test_faults_of_the_table_of_practices(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "practices.csv"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        read_practices(path)
    assert words in str(caught.value)


def test_practices_in_other_dress(tmp_path: Path) -> None:
    path = tmp_path / "practices.csv"
    text = (
        "practice_id;programme_start;area;merged_into\r\n001;2015-04-01;west;\r\n002;;north;001\r\n"
    )
    for encoding in ("utf-8-sig", "utf-16"):
        path.write_bytes(text.encode(encoding))
        found = read_practices(path)
        assert found["practice_id"].tolist() == ["001", "002"]
        assert effective(found) == {"001": "001", "002": "001"}
        assert arm_of(found) == {"001": "programme", "002": "programme"}


def change(study: Path, file: str, old: str, new: str) -> None:
    path = study.parent / file
    path.write_text(path.read_text().replace(old, new))


def test_what_a_spreadsheet_does_to_an_extract(study: Path) -> None:
    change(study, "extract/events.csv", f"P2,2016-05-01,{HBA1C}", "P2,2016-05-01,9.9979E+14")
    change(study, "extract/registrations.csv", SECRET, "1.2622E+16")
    change(study, "practices.csv", "A,", "00A,")
    said = wrong(study)
    assert "events.csv, column code: found 1 cells in exponential form" in said
    assert "registrations.csv, column patient_id: found 1 cells in exponential form" in said
    assert "practice_id: found 1 practice that registrations write with other leading zeros" in said


@pytest.mark.usefixtures("unrehearsed")
def test_coding_systems_are_read_as_people_write_them(study: Path) -> None:
    events = study.parent / "extract" / "events.csv"
    spellings = {"SNOMED CT": HBA1C, "sct": HBA1C, "Read v2": "42W5.", "CTV3": "XaPbt"}
    rows = []
    for n, line in enumerate(events.read_text().splitlines()[1:]):
        person, day, code, value, _ = line.split(",")
        system = [*spellings][n % 4] if code == HBA1C else ""
        rows.append(f"{person},{day},{spellings.get(system, code)},{system},{value}")
    events.write_text("\n".join(["patient_id,date,code,code_system,value", *rows]) + "\n")
    assert "hba1c: 60 records" in run(study)


def test_a_list_of_another_coding_system_is_said_to_be_one(study: Path) -> None:
    (study.parent / "list.txt").write_text("MedCodeId\tTerm\r\n197761014\tType 2\r\n")
    change(study, "study.yaml", str(LISTS / "type_2_diabetes.csv"), "list.txt")
    assert "events say snomed (extract, code_system), list.txt says medcodeid" in wrong(study)


@pytest.mark.usefixtures("unrehearsed")
def test_days_and_months_that_may_be_either_are_not_guessed(study: Path) -> None:
    change(study, "extract/registrations.csv", "2010-01-01", "01/02/2010")
    said = wrong(study)
    assert "fit 30/04/2015 (dmy) or 04/30/2015 (mdy)" in said and "Find out which" in said
    change(study, "extract/registrations.csv", "01/02/2010", "13/02/2010")
    assert "every date is written as 30/04/2015 (dmy), and read so" in run(study)


def test_registrations_of_another_extract(study: Path) -> None:
    change(study, "extract/registrations.csv", "P", "Q")
    assert (
        "registrations, column patient_id: found 11 of 12 rows of people who are not in patients"
        in wrong(study)
    )


def test_an_outcome_without_a_value(study: Path) -> None:
    events = study.parent / "extract" / "events.csv"
    events.write_text(re.sub(r",\d\d,mmol", ",,mmol", events.read_text()))
    assert 'found no number in any of the 60 records of the outcome "hba1c"' in wrong(study)


def test_a_unit_that_the_quantity_lacks_is_told_with_the_rest(study: Path) -> None:
    (study.parent / "list.csv").write_text(f"code,implied_unit\n{HBA1C},mg/dL\n")
    change(study, "study.yaml", str(LISTS / "hba1c.csv"), "list.csv")
    change(study, "practices.csv", "2015-04-01", "01/04/2015")
    said = wrong(study)
    assert (
        'list.csv, column implied_unit: found the unit "mg/dL"' in said
        and "practices.csv, row 2" in said
    )


def test_a_quote_that_would_hide_practices(study: Path) -> None:
    change(study, "practices.csv", "west", '"west')
    assert "practices.csv, row 2: found a row that cannot be told from the next" in wrong(study)


def test_an_analysis_by_a_fact_that_nobody_has(study: Path) -> None:
    said = yaml.safe_load(study.read_text())
    said["analyses"].append(
        {
            "name": "by_deprivation",
            "estimator": "twfe",
            "outcome": "hba1c",
            "subgroup": "imd_quintile",
        }
    )
    study.write_text(yaml.safe_dump(said))
    assert "column imd_quintile: found it blank for everybody" in wrong(study)


@pytest.mark.usefixtures("unrehearsed")
def test_baseline_values_are_covariates_and_no_subgroups(study: Path) -> None:
    said = yaml.safe_load(study.read_text())
    analysis = {
        "name": "by",
        "estimator": "twfe",
        "outcome": "hba1c",
        "covariates": ["baseline_hba1c"],
    }
    said["analyses"].append(analysis)
    study.write_text(yaml.safe_dump(said))
    run(study)
    analysis |= {"covariates": ["baseline_bmi"], "subgroup": "baseline_hba1c"}
    study.write_text(yaml.safe_dump(said))
    message = wrong(study, StudyError)
    assert (
        'Did you mean "baseline_hba1c"' in message and "is a measured value, not levels" in message
    )


def test_what_fit_would_refuse_and_what_was_not_filled_in(tmp_path: Path) -> None:
    import shutil
    import subprocess
    import sys

    root = Path(__file__).parents[2]
    shutil.copytree(root / "config", tmp_path / "config")
    file = tmp_path / "config" / "config.yaml"
    text = file.read_text().replace(
        "inference: [cr2, cr1, wild_bootstrap]", "inference: [multiplier_bootstrap, unit]"
    )
    text = text.replace("question: Did", "question: FILL IN Did").replace(
        "subgroup: white", "subgroup: whit"
    )
    file.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "evalweave", "check", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert 'Did you mean "white"?' in done.stderr
    assert "report, question: still says FILL IN" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_cause_is_said_without_its_consequences(study: Path) -> None:
    """Decimal commas and codes that end in .0, after shared cases 13 and 18 (duckdb issue 6690)."""
    events = study.parent / "extract" / "events.csv"
    plain = events.read_text()
    header, *rows = (line.split(",") for line in plain.splitlines())
    value, code = header.index("value"), header.index("code")
    with_commas = [[*row[:value], f'"{row[value]},5"', *row[value + 1 :]] for row in rows]
    pointed = [[*row[:code], f"{row[code]}.0", *row[code + 1 :]] for row in rows]
    for changed, words in ((with_commas, "decimal commas in"), (pointed, '".0" at the end of')):
        events.write_text("\n".join(",".join(row) for row in [header, *changed]) + "\n")
        said = wrong(study)
        assert words in said and "Compare the" not in said
