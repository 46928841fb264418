"""QualCoder: both coders, case turns, attributes, and versions that lack columns."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from evalweave.errors import DataError, StudyError
from evalweave.qualitative.assemble import Beside, assemble
from evalweave.qualitative.formats import qualcoder, refi
from helpers.coded_projects import write_qualcoder

DATA = Path(__file__).parents[1] / "reference" / "data" / "qualitative"


@pytest.mark.parametrize("path", [DATA / "qualcoder.qda", DATA / "qualcoder.qda" / "data.qda"])
def test_both_coders_and_their_report(path: Path) -> None:
    project = assemble(qualcoder.read(path), Beside())
    report = pd.read_csv(DATA / "qualcoder_segments.csv")
    assert len(project.codings) == len(report) == 58
    assert (
        project.codings.groupby("coder_id").size().tolist()
        == report.groupby("coder").size().tolist()
        == [33, 25]
    )
    ours = project.codings.merge(project.segments, on="segment_id").merge(
        project.sources, on="source_id"
    )
    ours["leaf"] = ours["code_id"].str.split(" > ").str[-1]
    report["leaf"] = report["code"].str.split(".").str[-1]
    keys = ["name", "start", "end", "leaf", "quote"]
    theirs = report.rename(
        columns={"file": "name", "pos0": "start", "pos1": "end", "text": "quote"}
    )
    theirs["quote"] = theirs["quote"].str.strip()
    ours["quote"] = ours["quote"].str.strip()
    for table in (ours, theirs):
        table[["start", "end"]] = table[["start", "end"]].astype(int)
    assert sorted(map(tuple, ours[keys].astype(object).to_numpy())) == sorted(
        map(tuple, theirs[keys].astype(object).to_numpy())
    )


def test_cases_come_with_turns_and_attributes() -> None:
    project = assemble(qualcoder.read(DATA / "qualcoder.qda"), Beside())
    assert len(project.source_participants) == 10
    people = project.participants.set_index("participant_id")
    assert people.loc["C01", "age_band"] == "60-64" and people.loc["LW07", "role"] == "link_worker"


def test_the_database_and_its_own_export_hold_the_same_codings() -> None:
    database = assemble(qualcoder.read(DATA / "qualcoder.qda"), Beside())
    export = assemble(refi.read(DATA / "qualcoder.qdpx"), Beside())
    for name in ("segments", "codes"):
        pd.testing.assert_frame_equal(getattr(database, name), getattr(export, name))
    columns = ["segment_id", "code_id", "coder_id"]
    pd.testing.assert_frame_equal(database.codings[columns], export.codings[columns])


def test_categories_in_a_circle_do_not_hang(tmp_path: Path) -> None:
    folder = write_qualcoder(tmp_path / "p.qda")
    with sqlite3.connect(folder / "data.qda") as database:
        database.execute("INSERT INTO code_cat VALUES (1, 'A', 2, ''), (2, 'B', 1, '')")
        database.execute("UPDATE code_name SET catid = 1 WHERE cid = 0")
        database.execute("UPDATE code_name SET supercid = cid WHERE cid = 3")
    database.close()
    codes = assemble(qualcoder.read(folder), Beside()).codes["code_id"].tolist()
    assert "B > A > support" in codes and "targets" in codes


def test_dangling_rows_and_unknown_versions_are_said(tmp_path: Path) -> None:
    folder = write_qualcoder(tmp_path / "p.qda")
    with sqlite3.connect(folder / "data.qda") as database:
        database.execute("UPDATE project SET databaseversion = 'v99'")
        database.execute(
            "INSERT INTO code_text VALUES (77, 0, 'x', 0, 1, 'zoe', ''), (0, 77, 'x', 0, 1, "
            "'zoe', '')"
        )
        database.execute("INSERT INTO case_text VALUES (0, 77, 0, 1)")
    database.close()
    log = assemble(qualcoder.read(folder), Beside()).import_log
    said = dict(zip(log["message"], log["n"], strict=True))
    assert said["codings of codes or sources that do not exist (dangling) were set aside"] == 2
    assert said["links of cases to sources that do not exist (dangling)"] == 1
    assert any("version that was not tested" in message for message in said)


def test_a_folder_or_database_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "empty.qda").mkdir()
    with pytest.raises(StudyError, match="no such file"):
        qualcoder.read(tmp_path / "empty.qda")
    with sqlite3.connect(tmp_path / "x.qda") as database:
        database.execute("CREATE TABLE patients (id INTEGER)")
    database.close()
    with pytest.raises(DataError, match="without the tables source, code_name, code_text"):
        qualcoder.read(tmp_path / "x.qda")
