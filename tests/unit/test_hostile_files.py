"""Files made to stop a reader: databases of giant cells, deep YAML, pipes; and extracts that a
spreadsheet or a data frame has touched."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from evalweave.errors import DataError, EvalweaveError, StudyError
from evalweave.estimators.read_panel import read_panel
from evalweave.reading import archives, textfiles
from evalweave.reading.archives import Archive, Database
from evalweave.study.file import load_study, parse_yaml

WANTED = {"patient_id": True, "practice_id": True, "period": False, "y": False}


def test_cells_and_tables_of_a_database_have_a_cap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(tmp_path / "p.sqlite3") as made:
        made.execute("CREATE TABLE t (a, b)")
        made.execute("CREATE TABLE u (a)")
        made.execute("INSERT INTO t VALUES ('x', zeroblob(2000000))")
        made.executemany("INSERT INTO u VALUES (?)", [("x" * 1000,)] * 100)
    made.close()
    monkeypatch.setattr(archives, "MAX_MEMBER", 10**6)
    monkeypatch.setattr(archives, "MAX_TOTAL", 50_000)
    with Database(tmp_path / "p.sqlite3", "a project", ["t"]) as database:
        assert database.rows("t", ["a"]) == [{"a": "x"}]
        for table, column in (("t", "b"), ("u", "a")):
            with pytest.raises(DataError, match="holds far more than a text would"):
                database.rows(table, [column])


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "- " * 5000 + "x"])
def test_yaml_that_is_nested_without_end_is_refused(text: str) -> None:
    with pytest.raises(StudyError, match=r"s\.yaml: brackets or lists nested too deeply"):
        parse_yaml(text, "s.yaml")


def test_pipes_and_devices_are_no_files(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        for read in (
            load_study,
            lambda path: read_panel(path, WANTED),
            lambda path: Database(path, "a project", []),
            Archive,
        ):
            with pytest.raises(EvalweaveError, match="a pipe or a device"):
                read(path)
        (fault,) = textfiles.look(path, "events.csv", tmp_path).faults
        assert "a pipe or a device" in str(fault)


@pytest.mark.parametrize("form", ["parquet", "arrow", "feather", "dta", "xlsx", "csv"])
def test_a_panel_in_every_form_is_the_same(tmp_path: Path, form: str) -> None:
    """Blanks behind a practice's name are taken off and said, whatever the form."""
    frame = pd.DataFrame(
        {
            "patient_id": ["001", "001", "002", "002"],
            "practice_id": ["A", "A ", "B", "B"],
            "period": [2015, 2016, 2015, 2016],
            "y": [1.5, 2.25, 3.0, 0.1],
        }
    )
    path = tmp_path / f"p.{form}"
    if form == "parquet":
        frame.to_parquet(path)
    elif form in ("arrow", "feather"):
        frame.to_feather(path)
    elif form == "dta":
        frame.to_stata(path, write_index=False)
    elif form == "xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False)
    read, notes = read_panel(path, WANTED, ["patient_id", "practice_id"])
    assert read["patient_id"].tolist() == ["001", "001", "002", "002"]
    assert read["practice_id"].tolist() == ["A", "A", "B", "B"]
    assert read["period"].tolist() == [2015, 2016, 2015, 2016]
    assert read["y"].tolist() == [1.5, 2.25, 3.0, 0.1]
    if form != "xlsx":  # cells of a workbook never have blanks around them
        assert any("blanks around 1 cell of practice_id were taken off" in note for note in notes)


def test_labels_of_stata_stand_for_people_and_places_only(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"patient_id": ["a", "b"], "practice_id": [1, 2], "period": [1, 2], "y": [1.0, 2.0]}
    )
    labels = {"practice_id": {1: "High Street", 2: "Low Street"}, "period": {1: "2015", 2: "2016"}}
    frame.to_stata(tmp_path / "p.dta", write_index=False, value_labels=labels)
    read, _ = read_panel(tmp_path / "p.dta", WANTED, ["patient_id", "practice_id"])
    assert read["practice_id"].tolist() == ["High Street", "Low Street"]
    assert read["period"].tolist() == [1, 2]


def test_a_text_of_an_extract_that_is_not_utf8_is_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes("patient_id,unit\nA,µmol\n".encode("cp1252"))
    looked = textfiles.look(path, "events.csv", tmp_path)
    assert looked.path.read_text(encoding="utf-8").endswith("A,µmol\n")
    assert looked.n_rows == 1 and "Windows-1252" in looked.notes[0]


def test_a_name_in_gz_proves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.csv.gz"
    path.write_text("patient_id,unit\nA,x\n")
    looked = textfiles.look(path, "events.csv.gz", tmp_path)
    assert looked.kind == "text" and not looked.faults
    assert "is not packed although its name ends in .gz" in looked.notes[0]
