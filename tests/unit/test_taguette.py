"""Taguette: what its database holds, and what its own export leaves out."""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path

import pytest

from evalweave.errors import DataError
from evalweave.qualitative.assemble import Beside, assemble
from evalweave.qualitative.formats import taguette
from evalweave.qualitative.project import Project
from helpers.coded_projects import write_taguette

DATA = Path(__file__).parents[1] / "reference" / "data" / "qualitative"


def project_of(path: Path) -> Project:
    return assemble(taguette.read(path), Beside())


def test_the_database_holds_27_highlights_of_which_its_export_has_26() -> None:
    whole = project_of(DATA / "taguette.sqlite3")
    assert len(whole.segments) == 27
    assert whole.codings["segment_id"].nunique() == 26
    assert (whole.segments["offset_check"] == "ok").all()
    untagged = whole.import_log[whole.import_log["message"].str.contains("without a code")]
    assert untagged["n"].tolist() == [1]
    for export in ("taguette_highlights.csv", "taguette_highlights.xlsx"):
        exported = project_of(DATA / export)
        assert len(exported.segments) == 26
        assert sorted(exported.codings["code_id"]) == sorted(whole.codings["code_id"])
        quotes = whole.segments.loc[
            whole.segments["segment_id"].isin(whole.codings["segment_id"]), "quote"
        ]
        assert sorted(exported.segments["quote"]) == sorted(quotes)


def test_counts_are_those_that_taguette_shows() -> None:
    project = project_of(DATA / "taguette.sqlite3")
    coded = project.codings.merge(project.segments, on="segment_id").groupby("code_id")
    highlights, documents = coded.size(), coded["source_id"].nunique()
    with (DATA / "taguette_codebook.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            code = row["tag"].replace(".", " > ")
            assert highlights.get(code, 0) == int(row["number of highlights"])
            assert documents.get(code, 0) == int(row["number of documents"])


def test_html_in_documents_and_snippets_is_neutralised(tmp_path: Path) -> None:
    path = write_taguette(tmp_path / "p.sqlite3")
    with sqlite3.connect(path) as database:
        evil = "<p>He said &lt;b&gt; so.</p><script>alert(1)</script><img src=x onerror=alert(2)>"
        database.execute("INSERT INTO documents VALUES (9, 'evil', ?)", (evil,))
        database.execute(
            "INSERT INTO highlights VALUES (99, 9, 8, 11, '<p>&lt;b&gt;<script>x</script></p>')"
        )
        database.execute("INSERT INTO highlight_tags VALUES (99, 0)")
    database.close()
    project = project_of(path)
    segment = project.segments[project.segments["source_id"].str.startswith("evil")].iloc[0]
    assert segment["quote"] == "<b>" and segment["offset_check"] == "ok"
    assert not project.segments["quote"].str.contains("script|onerror").any()


def test_a_database_of_something_else_names_the_missing_tables(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.sqlite3") as database:
        database.execute("CREATE TABLE documents (id INTEGER)")
    database.close()
    with pytest.raises(DataError, match="without the tables tags, highlights, highlight_tags"):
        taguette.read(tmp_path / "x.sqlite3")


def test_missing_columns_are_named(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.sqlite3") as database:
        for table in ("documents", "tags", "highlights", "highlight_tags"):
            database.execute(f"CREATE TABLE {table} (id INTEGER)")
    database.close()
    with pytest.raises(DataError, match="a table documents without contents"):
        taguette.read(tmp_path / "x.sqlite3")


def test_views_are_not_tables(tmp_path: Path) -> None:
    """A view runs whatever its author wrote; only real tables are read."""
    path = write_taguette(tmp_path / "p.sqlite3")
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE tags RENAME TO hidden")
        database.execute("CREATE VIEW tags AS SELECT * FROM hidden")
    database.close()
    with pytest.raises(DataError, match="without the table tags"):
        taguette.read(path)


def test_several_projects_in_one_database_are_refused(tmp_path: Path) -> None:
    path = write_taguette(tmp_path / "p.sqlite3")
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO projects VALUES (2, 'another')")
    database.close()
    with pytest.raises(DataError, match="2 projects"):
        taguette.read(path)


def test_files_that_are_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").write_bytes(b"not a database, really")
    with pytest.raises(DataError, match="no SQLite database"):
        taguette.read(tmp_path / "x.sqlite3")
    (tmp_path / "y.sqlite3").write_bytes(write_taguette(tmp_path / "p.sqlite3").read_bytes()[:2000])
    with pytest.raises(DataError, match="SQLite"):
        taguette.read(tmp_path / "y.sqlite3")


def test_the_file_is_not_written_to(tmp_path: Path) -> None:
    path = write_taguette(tmp_path / "p.sqlite3")
    before = path.read_bytes()
    project_of(path)
    assert path.read_bytes() == before and [file.name for file in tmp_path.iterdir()] == [
        "p.sqlite3"
    ]


def test_positions_that_are_no_numbers_are_never_followed(tmp_path: Path) -> None:
    path = write_taguette(tmp_path / "p.sqlite3")
    with sqlite3.connect(path) as database:
        for number, (start, end) in enumerate(
            (("x", "y"), (-5, 3), (0, 10**15), (None, None), (5, 2))
        ):
            database.execute(
                "INSERT INTO highlights VALUES (?, 0, ?, ?, '')", (100 + number, start, end)
            )
            database.execute("INSERT INTO highlight_tags VALUES (?, 0)", (100 + number,))
    database.close()
    odd = project_of(path).segments.query("offset_check != 'ok'")
    assert len(odd) and odd["start"].isna().all() and odd["quote"].isna().all()


def test_a_database_that_is_open_elsewhere_is_refused(tmp_path: Path) -> None:
    path = write_taguette(tmp_path / "p.sqlite3")
    (tmp_path / "p.sqlite3-wal").write_bytes(b"unfinished")
    with pytest.raises(DataError, match="Close the program"):
        taguette.read(path)


def test_text_that_is_not_unicode_is_read(tmp_path: Path) -> None:
    path = write_taguette(tmp_path / "p.sqlite3")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE tags SET description = CAST(X'ff41' AS TEXT)")
    database.close()
    assert project_of(path).codes["description"].iloc[0].endswith("A")
