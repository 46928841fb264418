"""Databases: the same tables give the same bytes as from files, secrets stay in the environment,
and what goes wrong is one sentence."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from evalweave import files
from evalweave.errors import DataError, StudyError
from evalweave.extract import database
from evalweave.extract.ingest import ingest
from evalweave.study.records import Extract
from helpers import postgres

TABLES = ("patients", "registrations", "events")
HBA1C, DIABETES = "3004410", "201826"
LISTED = {"hba1c": [HBA1C], "diabetes": [DIABETES]}
SECRET = "hunter2-of-nobody"


def omop() -> dict[str, pa.Table]:
    """Return a small OMOP extract, its rows sorted by all columns."""
    days = pa.array(range(16_000, 16_040), pa.int32()).cast(pa.date32())
    n = len(days)
    person = pa.table(
        {
            "person_id": pa.array(range(1, 11), pa.int64()),
            "gender_concept_id": pa.array([8507, 8532] * 5, pa.int32()),
            "year_of_birth": pa.array(range(1940, 1950), pa.int32()),
            "race_source_value": ["white", None] * 5,
            "care_site_id": pa.array([7, 8, None, 7, 8] * 2, pa.int32()),
        }
    )
    period = pa.table(
        {
            "person_id": person["person_id"],
            "observation_period_start_date": days[:10],
            "observation_period_end_date": days[10:20],
        }
    )
    measurement = pa.table(
        {
            "person_id": pa.array([1 + i // 4 for i in range(n)], pa.int64()),
            "measurement_concept_id": pa.array([int(HBA1C), 0, 9, int(HBA1C)] * 10, pa.int32()),
            "measurement_source_concept_id": pa.array([0, int(HBA1C), 9, 0] * 10, pa.int32()),
            "measurement_date": days,
            "value_as_number": pa.array([48.0, 6.5, None, 61.25] * 10, pa.float64()),
            "unit_source_value": ["mmol/mol", "%", None, "µmol £"] * 10,
        }
    )
    condition = pa.table(
        {
            "person_id": person["person_id"],
            "condition_concept_id": pa.array([int(DIABETES), 12] * 5, pa.int32()),
            "condition_start_date": days[:10],
        }
    )
    death = pa.table({"person_id": pa.array([3], pa.int64()), "death_date": days[30:31]})
    tables = {
        "person": person,
        "observation_period": period,
        "measurement": measurement,
        "condition_occurrence": condition,
        "death": death,
        "note": pa.table({"note_text": ["read by nobody"]}),
    }
    return {
        name: t.sort_by([(c, "ascending") for c in t.column_names]) for name, t in tables.items()
    }


def shuffled(table: pa.Table) -> pa.Table:
    order = list(range(table.num_rows))
    random.Random(5).shuffle(order)
    return table.take(order)


def files_of(folder: Path, tables: dict[str, pa.Table]) -> Extract:
    folder.mkdir()
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return Extract.model_validate({"format": "omop", "path": str(folder)})


def duckdb_of(path: Path, tables: dict[str, pa.Table], schema: str = "cdm") -> Extract:
    with duckdb.connect(str(path)) as con:
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for name, table in tables.items():
            con.register("given", shuffled(table))
            con.execute(f'CREATE TABLE {schema}."{name}" AS FROM given')
            con.unregister("given")
    return Extract.model_validate(
        {"format": "omop", "connection": f"duckdb://{path}", "database_schema": schema}
    )


def parts(extract: Extract, out: Path) -> dict[str, list[bytes]]:
    """Return the bytes of every part that ingest makes."""
    return {
        table: [part.path.read_bytes() for part in ingest(extract, "duckdb", table, out)]
        for table in TABLES
    }


def of_listed(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """Return the tables with the rows that have a listed code only, chosen without our code."""
    from pyarrow import compute

    def has(table: pa.Table, column: str, code: str) -> Any:
        return compute.equal(table[column], int(code))

    m, c = tables["measurement"], tables["condition_occurrence"]
    either = compute.or_(
        has(m, "measurement_concept_id", HBA1C), has(m, "measurement_source_concept_id", HBA1C)
    )
    return tables | {
        "measurement": m.filter(either),
        "condition_occurrence": c.filter(has(c, "condition_concept_id", DIABETES)),
    }


def test_a_duckdb_file_gives_the_bytes_that_files_give(tmp_path: Path) -> None:
    whole = omop()
    extract = duckdb_of(tmp_path / "o.duckdb", whole)
    changed = database.copy(extract, tmp_path / "copies", {})
    assert changed == [
        "condition_occurrence",
        "death",
        "measurement",
        "observation_period",
        "person",
    ]
    from_files = parts(files_of(tmp_path / "files", whole), tmp_path / "a")
    assert all(from_files.values())
    assert parts(extract.located(str(tmp_path / "copies")), tmp_path / "b") == from_files
    read = pq.read_schema(tmp_path / "copies" / "person.parquet").names
    assert "care_site_id" in read and not (tmp_path / "copies" / "note.parquet").exists()


def test_only_rows_with_listed_codes_come(tmp_path: Path) -> None:
    whole = omop()
    extract = duckdb_of(tmp_path / "o.duckdb", whole)
    database.copy(extract, tmp_path / "copies", LISTED)
    fewer = of_listed(whole)
    assert 0 < fewer["measurement"].num_rows < whole["measurement"].num_rows
    from_files = parts(files_of(tmp_path / "files", fewer), tmp_path / "a")
    assert parts(extract.located(str(tmp_path / "copies")), tmp_path / "b") == from_files
    # a list that meets nothing: all rows come, so that `check` can say what there is
    changed = database.copy(extract, tmp_path / "copies", LISTED | {"none": ["4242"]})
    assert changed == ["condition_occurrence", "measurement"]


def test_the_same_content_is_no_change_and_another_is(tmp_path: Path) -> None:
    whole = omop()
    extract = duckdb_of(tmp_path / "o.duckdb", whole)
    assert database.copy(extract, tmp_path / "copies", LISTED)
    assert database.copy(extract, tmp_path / "copies", LISTED) == []
    with duckdb.connect(str(tmp_path / "o.duckdb")) as con:  # as many rows as before
        con.execute("UPDATE cdm.measurement SET value_as_number = 49 WHERE person_id = 1")
    assert database.copy(extract, tmp_path / "copies", LISTED) == ["measurement"]
    (tmp_path / "copies" / "person.parquet").write_bytes(b"altered")
    assert database.copy(extract, tmp_path / "copies", LISTED) == ["person"]


def test_the_flat_format_with_renames_and_decimals(tmp_path: Path) -> None:
    path = tmp_path / "f.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE patients AS SELECT 1 patient_id, 'F' sex, 1950 birth_year")
        con.execute(
            "CREATE TABLE registrations AS SELECT 1 patient_id, 'A' practice_id, "
            "DATE '2010-01-01' AS \"start\""
        )
        con.execute(
            "CREATE VIEW bloods AS SELECT 1 pseudo, DATE '2015-05-01' + CAST(i AS INTEGER) date, "
            "' 99979 ' code, CAST(48.5 AS DECIMAL(9, 3)) AS value, 'private' AS free_text "
            "FROM range(3) t(i)"
        )
    extract = Extract.model_validate(
        {
            "connection": f"duckdb://{path}",
            "files": {"events": "bloods"},
            "columns": {"events": {"patient_id": "pseudo"}},
        }
    )
    database.copy(extract, tmp_path / "copies", {"hba1c": ["99979"]})
    here = extract.located(str(tmp_path / "copies"))
    (part,) = ingest(here, "duckdb", "events", tmp_path / "out")
    rows = pq.read_table(part.path).to_pylist()
    assert [(row["patient_id"], row["code"], row["value"]) for row in rows] == [
        ("1", "99979", 48.5)
    ] * 3
    assert "free_text" not in pq.read_schema(tmp_path / "copies" / "bloods.parquet").names


@pytest.mark.parametrize(
    "connection",
    [
        f"postgresql://me:{SECRET}@host/db",
        f"postgresql://me:pre{'${NAME}'}{SECRET}@host/db",
        f"postgresql://me:{SECRET}/with@slashes@host/db",
        f"postgresql://host/db?user=me&password={SECRET}",
        f"databricks://token:{SECRET}@host",
        f"databricks://host?access_token={SECRET}",
        f"host=h password={SECRET}",
        f"mysql://me:{SECRET}@host/db",
        [f"postgresql://me:{SECRET}@host/db"],
    ],
)
def test_a_secret_in_a_study_file_is_refused_and_not_repeated(
    connection: object, tmp_path: Path
) -> None:
    from evalweave.study.file import validate

    with pytest.raises(StudyError) as caught:
        validate({"format": "omop", "connection": connection}, Extract, "study.yaml", {})
    assert SECRET not in str(caught.value) and "connection" in str(caught.value)
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize(
    "given",
    [
        {"format": "omop"},
        {"format": "omop", "path": "a", "connection": "duckdb://b"},
        {"format": "omop", "path": "a", "database_schema": "cdm"},
    ],
)
def test_an_extract_is_files_or_a_database(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Extract.model_validate(given)


def fails(extract: dict[str, str], folder: Path, kind: type[Exception] = DataError) -> str:
    with pytest.raises(kind) as caught:
        database.copy(Extract.model_validate({"format": "omop", **extract}), folder / "c", {})
    said = str(caught.value)
    assert "Traceback" not in said and SECRET not in said
    assert not [path for path in (folder / "c").glob("*") if path.is_file()]
    return said


def test_what_goes_wrong_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no DuckDB file" in fails({"connection": "duckdb://none.db"}, tmp_path, StudyError)
    junk = tmp_path / "junk.duckdb"
    junk.write_bytes(b"patient 12622041000006111\n" * 400)
    assert "no DuckDB database" in (said := fails({"connection": f"duckdb://{junk}"}, tmp_path))
    assert "12622041000006111" not in said
    monkeypatch.delenv("EVALWEAVE_NONE", raising=False)
    said = fails({"connection": "postgresql://me:${EVALWEAVE_NONE}@h/d"}, tmp_path, StudyError)
    assert "the environment has no EVALWEAVE_NONE" in said
    monkeypatch.setenv("EVALWEAVE_ODD", SECRET)
    assert "EVALWEAVE_ODD" in fails({"connection": "${EVALWEAVE_ODD}"}, tmp_path, StudyError)
    whole = omop()
    extract = duckdb_of(tmp_path / "o.duckdb", whole)
    at = {"connection": str(extract.connection)}
    assert "found no patients (there is nothing)" in fails(at, tmp_path)
    person = whole["person"].rename_columns(
        [name.replace("year_of_birth", "birth_yr") for name in whole["person"].column_names]
    )
    odd = duckdb_of(tmp_path / "p.duckdb", whole | {"person": person})
    said = fails({"connection": str(odd.connection), "database_schema": "cdm"}, tmp_path)
    assert said.startswith("person, column year_of_birth: found no such column")


def test_no_driver_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    said = fails({"connection": f"postgresql://me@h/{SECRET}"}, tmp_path, StudyError)
    assert "needs the package psycopg" in said


def test_what_is_released_names_no_host(tmp_path: Path) -> None:
    from evalweave.release.manifest import database as noted
    from evalweave.release.manifest import without_machine

    dumped = {"extract": {"connection": "postgresql://me:${P}@secret.host/db?x=1"}}
    assert without_machine(dumped) == {"extract": {"connection": "postgresql"}}
    extract = duckdb_of(tmp_path / "o.duckdb", omop())
    database.copy(extract, tmp_path / "copies", LISTED)
    copy = {"sha256": files.sha256(tmp_path / "copies" / "person.parquet")}
    said = noted(tmp_path / "copies", [copy])
    assert said is not None
    assert (said["kind"], said["schema"]) == ("DuckDB", "cdm")
    assert {table["rows"] for table in said["tables"]} == {0}  # all of them below fifty
    assert str(tmp_path) not in str(said)
    assert noted(tmp_path / "copies", [copy, {"sha256": "of another file"}]) is None


@pytest.fixture(scope="module")
def socket() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="needs --group databases")
    with postgres.server() as folder:
        yield folder


def test_a_real_postgresql_gives_the_bytes_that_files_give(
    socket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    whole = omop()
    types = {"int64": "bigint", "int32": "integer", "double": "double precision"}
    types |= {"date32[day]": "date", "string": "text"}
    login = {"host": socket, "user": "evalweave", "password": postgres.PASSWORD}
    with psycopg.connect(dbname="postgres", autocommit=True, **login) as con:
        con.execute("CREATE SCHEMA cdm")
        for name, table in whole.items():
            columns = ", ".join(f'"{f.name}" {types[str(f.type)]}' for f in table.schema)
            con.execute(f'CREATE TABLE cdm."{name}" ({columns})')
            with con.cursor().copy(f'COPY cdm."{name}" FROM STDIN') as out:
                for row in shuffled(table).to_pylist():
                    out.write_row(tuple(row.values()))
        con.execute("CREATE ROLE poor LOGIN PASSWORD 'x'")
    address = f"postgresql://evalweave:${{EVALWEAVE_PW}}@/postgres?host={socket}"
    given = {"format": "omop", "connection": address, "database_schema": "cdm"}
    extract = Extract.model_validate(given)
    monkeypatch.setenv("EVALWEAVE_PW", postgres.PASSWORD)
    copies = tmp_path / "copies"
    assert database.copy(extract, copies, {})
    from_files = parts(files_of(tmp_path / "files", whole), tmp_path / "a")
    assert parts(extract.located(str(copies)), tmp_path / "b") == from_files
    assert database.copy(extract, copies, LISTED) == ["condition_occurrence", "measurement"]
    fewer = parts(files_of(tmp_path / "fewer", of_listed(whole)), tmp_path / "c")
    assert parts(extract.located(str(copies)), tmp_path / "d") == fewer
    assert not any(
        sign.encode() in path.read_bytes()
        for sign in (postgres.PASSWORD, socket)
        for path in copies.iterdir()
    )
    monkeypatch.setenv("EVALWEAVE_PW", SECRET)
    assert "refused the user or the password" in fails(given, tmp_path)
    monkeypatch.setenv("EVALWEAVE_PW", "x")
    said = fails(given | {"connection": address.replace("evalweave:", "poor:")}, tmp_path)
    assert "found no patients" in said or "may not read it" in said
    away = address.replace(socket, str(Path(socket).parent / "nobody"))
    assert "nothing answers" in fails(given | {"connection": away}, tmp_path)
