"""The foundation: errors, whole files, the ledger, table contracts and the study file meet what
people really send."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalweave import cli, files, ledger
from evalweave.errors import SHOWN, DataError, Fault, StudyError, nearest, raise_faults
from evalweave.study.file import load, load_settings, load_study
from evalweave.study.periods import period_label, period_number, period_start
from evalweave.study.stages import (
    CleanSettings,
    CohortSettings,
    EstimatesSettings,
    IngestSettings,
    PanelSettings,
    settings_for,
)
from evalweave.study.whole import Study
from evalweave.tables.analyses import ESTIMATES
from evalweave.tables.catalogue import ALL
from evalweave.tables.contract import DTYPES, WHOLE, Table
from evalweave.tables.records import PATIENTS, PRACTICES

STUDY = """
study: {name: tiny, title: Tiny}
extract: {path: extract}
practices: practices.csv
codelists: {hba1c: lists/hba1c.csv}
window: {first: 2011-04-01, last: 2019-03-31}
eligibility: {index_date: 2015-04-01}
comparisons: {others: {primary: true}}
outcomes: {hba1c: {unit: mmol/mol, plausible: [20, 195]}}
analyses:
  - {name: main, estimator: twfe, outcome: hba1c}
"""


# Errors


def test_a_fault_says_where_what_and_what_to_do() -> None:
    fault = Fault("events.csv", "a blank", "a date", "Fill it in.", row=7, column="date")
    assert (
        str(fault) == "events.csv, row 7, column date: found a blank, expected a date. Fill it in."
    )


def test_all_faults_come_at_once_and_the_rest_are_counted() -> None:
    with pytest.raises(DataError) as told:
        raise_faults(Fault(f"file {n}", "nothing") for n in range(SHOWN + 3))
    lines = str(told.value).splitlines()
    assert (
        lines[0] == f"{SHOWN + 3} things need mending:"
        and lines[-1] == "… and 3 more of the same kind."
    )
    raise_faults([])


def test_the_nearest_word_or_the_list() -> None:
    assert nearest("estimater", ["estimator", "outcome"]) == 'Did you mean "estimator"?'
    assert nearest("zzz", ["b", "a"]) == "Valid here: a, b."


def test_exit_codes() -> None:
    assert (DataError.exit_code, StudyError.exit_code) == (1, 2)


# Files


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "a.txt"
    files.write_text("first", target)
    with pytest.raises(RuntimeError), files.written_aside(target) as aside:
        aside.write_text("half of the sec")
        raise RuntimeError
    assert target.read_text() == "first"
    assert [path.name for path in target.parent.iterdir()] == ["a.txt"]


def test_the_same_content_is_the_same_bytes(tmp_path: Path) -> None:
    files.write_json(
        {"b": [np.float64(0.1), np.int64(3), float("nan"), float("inf")], "a": Path("x")},
        tmp_path / "1",
    )
    files.write_json({"a": "x", "b": [0.1, 3, None, None]}, tmp_path / "2")
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


@given(st.floats(allow_nan=False, allow_infinity=True))
def test_floats_survive_a_csv_exactly(number: float) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "estimates.csv"
        files.write_csv(pd.DataFrame({"estimate": [number]}), path)
        assert b"\r" not in path.read_bytes()
        assert files.read_table(path, ESTIMATES)["estimate"].iloc[0] == number


def test_identifiers_stay_text_and_blanks_stay_blank(tmp_path: Path) -> None:
    path = tmp_path / "patients.csv"
    path.write_text(
        "patient_id,birth_year,sex\n12622041000006111,1950,female\n007,,\nNA,1960,male\n"
    )
    frame = files.read_table(path, PATIENTS)
    assert frame["patient_id"].tolist() == ["12622041000006111", "007", "NA"]
    assert frame["birth_year"].isna().tolist() == [False, True, False]
    assert frame["sex"].isna().tolist() == [False, True, False]


def test_a_checksum_is_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.sha256(tmp_path / "a") == known


# Ledger


def lines(*rows: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "stage": "clean",
                "unit": "records",
                "entry": entry,
                "order": 0,
                "rule": rule,
                "reason": rule,
                "arm": None,
                "period": None,
                "n": n,
            }
            for entry, rule, n in rows
        ]
    )


def test_a_ledger_adds_up_or_is_refused() -> None:
    ledger.check(
        lines(("received", "", 10), ("kept", "", 7), ("set_aside", "a", 2), ("set_aside", "b", 1))
    )
    with pytest.raises(DataError, match="does not add up"):
        ledger.check(lines(("received", "", 10), ("kept", "", 7), ("set_aside", "a", 2)))


@pytest.mark.parametrize("column", ["arm", "period", "outcome"])
def test_a_ledger_adds_up_in_each_arm_period_and_outcome(column: str) -> None:
    right = pd.concat(
        [
            lines(("received", "", 10), ("kept", "", 7), ("set_aside", "a", 3)).assign(
                **{column: name}
            )
            for name in ("x", "y")
        ],
        ignore_index=True,
    )
    ledger.check(right)
    wrong = right.assign(n=[10, 8, 3, 10, 6, 3])  # right over both, wrong for each
    with pytest.raises(DataError, match="2 combinations of arm, period and outcome"):
        ledger.check(wrong)


@given(st.lists(st.integers(0, 1000), max_size=6), st.integers(0, 1000), st.integers(-3, 3))
def test_a_ledger_is_refused_exactly_when_it_is_off(aside: list[int], kept: int, off: int) -> None:
    received = max(0, sum(aside) + kept + off)
    rows = lines(
        ("received", "", received),
        ("kept", "", kept),
        *(("set_aside", str(n), each) for n, each in enumerate(aside)),
    )
    if received == sum(aside) + kept:
        ledger.check(rows)
        assert ledger.set_aside_by_rule(rows)["n"].sum() == sum(aside)
    else:
        with pytest.raises(DataError):
            ledger.check(rows)


# Table contracts


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_every_contract_is_sound(table: Table) -> None:
    assert len(set(table.names)) == len(table.names)
    assert set(table.key) <= set(table.names)
    for column in table.columns:
        assert column.type in DTYPES and column.meaning
        assert column.counts in (
            "",
            "patients",
            "records",
            "practices",
            "participants",
            "references",
            "sources",
        )
        assert not column.counts or column.type == WHOLE
    table.check(table.empty())


def test_a_contract_refuses_missing_columns_blanks_and_repeats() -> None:
    with pytest.raises(DataError, match="patients, column sex: found no such column"):
        PATIENTS.check(pd.DataFrame({"patient_id": ["1"]}))
    whole = PATIENTS.conform(pd.DataFrame({"patient_id": ["1", "2"]}))
    with pytest.raises(DataError, match="row 3, column patient_id: found 1 blanks"):
        PATIENTS.check(whole.assign(patient_id=pd.array(["1", None], dtype="string")))
    with pytest.raises(
        DataError, match="row 3: found 1 repeated rows, expected one row per patient_id"
    ):
        PATIENTS.check(whole.assign(patient_id=pd.array(["1", "1"], dtype="string")))


def test_conform_delivers_the_columns_in_order_and_type() -> None:
    frame = PRACTICES.conform(pd.DataFrame({"area": ["west"], "more": [1], "practice_id": ["A"]}))
    assert frame.columns.tolist() == PRACTICES.names
    assert str(frame["programme_start"].dtype) == "date32[day][pyarrow]"


# The study file


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "study.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def mistakes(folder: Path, text: str | bytes) -> str:
    with pytest.raises(StudyError) as told:
        load_study(write(folder, text))
    return str(told.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_usual_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    text = STUDY.replace("title: Tiny", "title: Größe")
    assert load_study(write(tmp_path, text.encode(encoding))).study.title == "Größe"


def test_other_encodings_are_told(tmp_path: Path) -> None:
    assert "is not UTF-8 text" in mistakes(
        tmp_path, STUDY.replace("Tiny", "Größe").encode("latin-1")
    )


def test_paths_are_joined_on_the_folder_of_the_study_file(tmp_path: Path) -> None:
    loaded = load_study(write(tmp_path, STUDY.replace("lists/hba1c.csv", "../hba1c.csv")))
    assert loaded.practices == str(tmp_path / "practices.csv")
    assert loaded.codelists["hba1c"] == str(tmp_path.parent / "hba1c.csv")
    assert load(tmp_path / "study.yaml", Study).practices == "practices.csv"


def test_a_repeated_key_is_refused_with_both_lines(tmp_path: Path) -> None:
    said = mistakes(tmp_path, STUDY + "practices: other.csv\n")
    assert 'study.yaml, row 12: found the key "practices" twice (also line 4)' in said


def test_a_misspelt_key_names_the_nearest_at_its_line(tmp_path: Path) -> None:
    said = mistakes(tmp_path, STUDY.replace("estimator:", "estimater:"))
    assert (
        'line 11: "estimater" is not a key of analyses, entry 1. Did you mean "estimator"?' in said
    )
    assert 'Did you mean "window"?' in mistakes(tmp_path, STUDY.replace("window:", "windo:"))
    assert 'Did you mean "index_date"?' in mistakes(
        tmp_path, STUDY.replace("index_date", "indexdate")
    )


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    wrong = (
        STUDY.replace("twfe", "twfee")
        .replace("title:", "titel:")
        .replace("first: 2011-04-01", "first: soon")
    )
    said = mistakes(tmp_path, wrong)
    assert "things need mending" in said.splitlines()[0]
    for part in (
        '"twfee" is not one of',
        'Did you mean "twfe"?',
        '"titel" is not a key',
        '"title" is missing',
        "first",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("outcome: hba1c}", "outcome: hb1ac}", 'analyses, main, outcome: "hb1ac" is not declared'),
        ("2015-04-01", "2025-04-01", "lies outside the window"),
        ("last: 2019-03-31", "last: 2009-03-31", "must be after first"),
        ("{primary: true}", "{}, b: {}", "0 are primary"),
        ("{others: {primary: true}}", "{}", "there is none; declare at least one"),
        ("outcome: hba1c}", "outcome: hba1c, inference: [cr1, cr1]}", "each inference method once"),
        ("outcome: hba1c}", "outcome: hba1c, draws: 5}", "greater than or equal to 99"),
        (
            "codelists: {hba1c:",
            "codelists: {other:",
            'outcomes, hba1c, codelist: "hba1c" is not declared',
        ),
        ("name: tiny", "name: ../evil", "pattern"),
        ("title: Tiny", "title: Tiny, wording: effect", "needs a wording_reason"),
    ],
)
def test_what_does_not_fit_together_is_a_sentence(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    said = mistakes(tmp_path, STUDY.replace(old, new))
    assert says in said and "Traceback" not in said and "pydantic" not in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("- a\n- b\n", "expected keys and values"),
        ("a: [1", "Check the indentation"),
        ("a: b: c", "line 1"),
        ("just words", "expected keys and values"),
        ("study: 3\n", "study"),
        ("window: {first: 2011-02-31}", "study.yaml"),
    ],
)
def test_what_is_no_study_file_is_a_sentence(tmp_path: Path, text: str, says: str) -> None:
    assert says in mistakes(tmp_path, text)


def test_missing_files_and_folders_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="there is no such file"):
        load_study(tmp_path / "none.yaml")
    with pytest.raises(StudyError, match="this is a folder"):
        load_study(tmp_path)


@pytest.mark.parametrize(
    "kind",
    [
        IngestSettings,
        CleanSettings,
        CohortSettings,
        PanelSettings,
        EstimatesSettings,
    ],
)
def test_a_stage_gets_the_same_settings_from_json_and_from_the_study_file(
    tmp_path: Path, kind: Any
) -> None:
    path = write(tmp_path, STUDY)
    passed = json.dumps(settings_for(load_study(path), kind))
    assert load_settings(passed, kind) == load_settings(str(path), kind)
    assert set(json.loads(passed)) == set(kind.model_fields)


@pytest.mark.parametrize(
    ("period", "day", "number", "label"),
    [
        ("financial_year", "2015-03-31", 2014, "2014/15"),
        ("financial_year", "2015-04-01", 2015, "2015/16"),
        ("financial_year", "1999-04-01", 1999, "1999/00"),
        ("calendar_year", "2015-12-31", 2015, "2015"),
        ("half_year", "2015-07-01", 4031, "2015 H2"),
        ("quarter", "2015-04-01", 8061, "2015 Q2"),
        ("month", "2015-12-31", 24191, "2015-12"),
    ],
)
def test_periods(period: str, day: str, number: int, label: str) -> None:
    import datetime as dt

    date = dt.date.fromisoformat(day)
    assert period_number(date, period) == number
    assert period_label(number, period) == label
    next_day = period_start(date, period) - dt.timedelta(days=1)
    assert period_number(next_day, period) == number - 1


# The command line


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["reprodcue"], 2, 'Did you mean "reproduce"?'),
        (["reproduce", "nowhere", "--extract", "."], 2, "there is no such folder"),
        (["reproduce", ".", "--extract", "nowhere"], 2, "found no folder nowhere"),
        (
            ["audit", "nowhere", "--results", ".", "--out", "audit.json"],
            1,
            "found no patient identifiers",
        ),
        (["audit", ".", "--results", ".", "--out", "./audit.json"], 2, "inside the report folder"),
        (["run", "nowhere.yaml"], 2, "there is no such file"),
        (["run", "study.yaml", "--cores", "many"], 2, "expected a number from 1 on"),
        (["run", "broken.yaml"], 2, 'Did you mean "practices"?'),
        (
            ["ingest", "--table", "patients", "--settings", "broken.yaml", "--out", "out"],
            2,
            "practices",
        ),
        (["audit", "."], 2, "Missing option"),
    ],
)
def test_a_mistake_ends_with_a_sentence_and_its_exit_code(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    says: str,
) -> None:
    write(tmp_path, STUDY)
    (tmp_path / "broken.yaml").write_text(STUDY.replace("practices:", "practises:"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["evalweave", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == code, said
    assert says in said and "Traceback" not in said
