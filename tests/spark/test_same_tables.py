"""Spark gives the tables that DuckDB gives: same rows in the same order, same types, every bit of
every number.

Needs PySpark and Java (`uv run --group spark pytest -m spark`); their lack is a failure in CI.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalweave import engine
from evalweave.cohort.building import Built, build
from evalweave.errors import EvalweaveError
from evalweave.extract.ingest import ingest
from evalweave.panel import building as panels
from evalweave.records.cleaning import clean
from evalweave.records.codelists import read_all
from evalweave.records.examples import EXAMPLES
from evalweave.records.rules import PATIENTS, RECORDS, REGISTRATIONS
from evalweave.simulation.practices import demonstration_practices
from evalweave.study.stages import CleanSettings, CohortSettings, PanelSettings, settings_for
from helpers.cleaning import BACKEND_PRACTICES, TABLE, lists, parsed, prefixed, settings
from helpers.demonstration import STUDY, TABLES, flat_files, simulated

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(bool(engine.lacking("pyspark")), reason="PySpark or Java is not installed"),
]

CLEAN = ("patients", "registrations", "measurements", "conditions", "set_aside")
Tables = dict[str, pa.Table]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """DuckDB and one Spark for all tests, told not to optimise for long runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        patch.setenv("EVALWEAVE_MEMORY_LIMIT", "1GB")
        spill = tmp_path_factory.mktemp("spark")
        found = {name: engine.connect(name, spill=spill) for name in ("duckdb", "pyspark")}
    yield found
    for backend in found.values():
        backend.disconnect()


def same(engines: dict[str, Any], stage: Callable[[Any], Tables]) -> Tables:
    """Run a stage on both engines, compare what each gives, and return it."""
    ours, theirs = stage(engines["duckdb"]), stage(engines["pyspark"])
    assert list(ours) == list(theirs)
    for name, table in ours.items():
        kinds = [(field.name, field.type) for field in table.schema]
        assert [(field.name, field.type) for field in theirs[name].schema] == kinds, name
        assert (len(table) or name == "names") and len(theirs[name]) == len(table), name
        for column in table.column_names:
            assert theirs[name][column].equals(table[column]), f"{name}, column {column}"
    return ours


def frame(table: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(table, preserve_index=False)


def cleaned(
    folder: Path,
    parts: dict[str, list[Path]],
    practices: pd.DataFrame,
    codelists: dict[str, Any],
    chosen: CleanSettings,
) -> Callable[[Any], Tables]:
    """Return the clean stage, as the command runs it: Parquet in, Parquet out."""

    def stage(backend: Any) -> Tables:
        read = {name: engine.parquet_tables(backend, parts[name]) for name in TABLES}
        result = clean(
            backend, **read, practices=practices, lists=codelists, settings=chosen, key="a key"
        )
        found = {"ledger": frame(result.ledger), "names": result.names.pairs()}
        for name in CLEAN:
            target = folder / f"{backend.name}.{name}.parquet"
            backend.to_parquet(getattr(result, name), target, compression="zstd")
            found[name] = pq.read_table(target)
        return found

    return stage


@pytest.fixture(scope="module")
def study_clean(
    engines: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, pd.DataFrame]:
    """The demonstration with its dirt through clean; practices start on three days, one inside a
    period."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "extract").mkdir()
    for name, content in flat_files(simulated(dirt=True)).items():
        (folder / "extract" / name).write_bytes(content)
    study = STUDY.model_copy(update={"extract": type(STUDY.extract)(path=str(folder / "extract"))})
    practices = demonstration_practices()
    treated = practices.index[practices["programme_start"].notna()]
    practices.loc[treated[::3], "programme_start"] = dt.date(2016, 9, 15)
    practices.loc[treated[1::3], "programme_start"] = dt.date(2017, 4, 1)
    known, faults = read_all(study.codelists, study.extract.code_system)
    assert not faults
    parts = {
        table: [part.path for part in ingest(study.extract, "duckdb", table, folder / "out")]
        for table in TABLES
    }
    chosen = CleanSettings.model_validate(settings_for(study, CleanSettings))
    same(engines, cleaned(folder, parts, practices, known, chosen))
    return folder, practices


def stage_tables(backend: Any, folder: Path) -> dict[str, Any]:
    """Return what DuckDB's clean left, so that a later stage is compared by itself."""
    return {
        name: engine.stage_table(backend, folder / f"duckdb.{name}.parquet", "clean")
        for name in CLEAN[:4]
    }


def cohort(backend: Any, study_clean: tuple[Path, pd.DataFrame], **changes: Any) -> Built:
    folder, practices = study_clean
    said = settings_for(STUDY, CohortSettings)
    for key, value in changes.items():
        said[key] = {**said[key], **value}
    said["comparisons"] |= {
        "later_starters": {"kind": "not_yet_treated"},
        "not_referred": {"kind": "not_referred"},
        "weighted": {"balance": "entropy"},
    }
    return build(
        backend, stage_tables(backend, folder), practices, CohortSettings.model_validate(said)
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "eligibility": {
                "cohort": "open",
                "counting": {
                    "type_2_diabetes": {"at_least": 1},
                    "type_1_diabetes": {"at_least": 2, "more_than": "type_2_diabetes"},
                },
            },
            "exposure": {"moves": "keep"},
            "cleaning": {"gap_days": 40},
            "outcomes": {
                "hba1c": {"unit": "mmol/mol", "plausible": [20, 195], "per_period": "last"}
            },
        },
    ],
    ids=["closed", "open"],
)
def test_cohorts(engines: dict[str, Any], study_clean: Any, changes: dict[str, Any]) -> None:
    def stage(backend: Any) -> Tables:
        built = cohort(backend, study_clean, **changes)
        assert built.balance is not None
        names = ("cohort", "membership", "baseline", "balance", "incidence", "ledger")
        made = {name: getattr(built, name) for name in names}
        return {
            name: frame(each) if isinstance(each, pd.DataFrame) else backend.to_pyarrow(each)
            for name, each in made.items()
        }

    found = same(engines, stage)
    assert set(found["membership"]["comparison"].to_pylist()) >= {"later_starters", "not_referred"}


@pytest.mark.parametrize(
    ("period", "comparison", "hba1c", "pressure", "exposure"),
    [
        ("financial_year", "area_without_programme", "mean", "last", {}),
        ("calendar_year", "later_starters", "nearest_middle", "mean", {"straddling": "treated"}),
        ("half_year", "not_referred", "last", "nearest_middle", {"washout_days": 45}),
        ("quarter", "weighted", "mean", "mean", {"straddling": "untreated", "washout_days": 10}),
        ("month", "north_only", "nearest_middle", "last", {}),
    ],
)
def test_panels(
    engines: dict[str, Any],
    study_clean: tuple[Path, pd.DataFrame],
    period: str,
    comparison: str,
    hba1c: str,
    pressure: str,
    exposure: dict[str, Any],
) -> None:
    said = settings_for(STUDY, PanelSettings)
    said["window"]["period"] = period
    said["exposure"] |= exposure
    said["outcomes"]["hba1c"]["per_period"], said["outcomes"]["systolic_bp"]["per_period"] = (
        hba1c,
        pressure,
    )
    folder = study_clean[0]
    built = cohort(engines["duckdb"], study_clean, window={"period": period})
    for name in ("cohort", "membership"):
        engines["duckdb"].to_parquet(getattr(built, name), folder / f"{name}.parquet")

    def stage(backend: Any) -> Tables:
        tables = stage_tables(backend, folder)
        made = panels.build(
            backend,
            tables["measurements"],
            tables["registrations"],
            engine.stage_table(backend, folder / "cohort.parquet", "cohort"),
            engine.stage_table(backend, folder / "membership.parquet", "cohort"),
            comparison,
            PanelSettings.model_validate(said),
            tables["patients"],
        )
        found = {name: frame(getattr(made, name)) for name in ("trends", "ledger", "died")}
        for name in ("panel", "followed"):
            backend.to_parquet(getattr(made, name), folder / f"{backend.name}.{name}.parquet")
            found[name] = pq.read_table(folder / f"{backend.name}.{name}.parquet")
        return found

    same(engines, stage)


SWITCHED = {
    "gap_days": 30,
    "acceptable_patient": False,
    "sex_and_birth_year": False,
    "before_registration": False,
    "comparators": "keep_at_bound",
    "unit_by_range": False,
    "same_day_twin": 0.5,
    "same_day_spread": 40.0,
}


@pytest.mark.parametrize("switches", [{}, SWITCHED], ids=["default", "switched"])
def test_every_example_of_a_rule_and_random_dirt(
    engines: dict[str, Any], tmp_path: Path, switches: dict[str, Any]
) -> None:
    rows: dict[str, list[dict[str, str]]] = {unit: [] for unit in TABLE}
    for number, example in enumerate(EXAMPLES):
        given = {PATIENTS: example.patients, REGISTRATIONS: example.registrations, RECORDS: ({},)}
        for unit, some in {**given, example.unit: example.before}.items():
            rows[unit] += [prefixed(row, number) for row in some]
    for unit, some in random_dirt(7).items():
        rows[unit] += some
    parts: dict[str, list[Path]] = {}
    for unit, table in TABLE.items():
        halves = (rows[unit][::2], rows[unit][1::2])
        parts[table] = [tmp_path / f"{table}.{place}.parquet" for place in range(len(halves))]
        for place, half in enumerate(halves):
            read = parsed(unit, half).mutate(source_file=ibis.literal(f"{table}.{place}.csv"))
            engines["duckdb"].to_parquet(read, parts[table][place])
    found = same(
        engines,
        cleaned(tmp_path, parts, BACKEND_PRACTICES, lists(), settings(**switches)),
    )
    assert len(set(found["set_aside"]["rule"].to_pylist())) > 30
    assert set(found["names"]["kind"].to_pylist()) == {"patient", "practice"}


def random_dirt(seed: int) -> dict[str, list[dict[str, str]]]:
    """Return rows of 150 people in which spells overlap and begin together, and days hold values in
    two units."""
    rng = np.random.default_rng(seed)

    def rows(n: int, **cells: list[str]) -> list[dict[str, str]]:
        people = [f"R{number}" for number in rng.integers(150, size=n)]
        drawn = {name: rng.choice(values, size=n).tolist() for name, values in cells.items()}
        return [
            {"patient_id": people[k], **{name: cell[k] for name, cell in drawn.items()}}
            for k in range(n)
        ]

    return {
        PATIENTS: rows(
            170,
            birth_year=["1950", "1950", "1950", "1960", ""],
            birth_month=["", "3", "13"],
            death_date=["", "", "", "2016-07-01", "2016-02-31"],
        ),
        REGISTRATIONS: rows(
            500,
            practice_id=["A", "B", "C", "Z"],
            end=["", "2012-12-31", "2013-02-01", "9999-12-31"],
            start=["2009-01-01", "2011-06-01", "2012-06-01", "2013-01-20", "1000-01-01", ""],
        ),
        RECORDS: rows(
            3000,
            date=[
                "2016-05-01",
                "2016-05-02",
                "2016-05-03",
                "2012-03-31",
                "1582-10-10",
                "1900-01-01",
            ],
            code=["999791000000106", "1019431000000105", "1003671000000109", "44054006", ""],
            value=[
                "48",
                "48.1",
                "47.9",
                "6.5",
                "6.6",
                "53.3",
                "60.7",
                "<20",
                "\n>= 51.15\n",
                "<7\u2028",
                "200",
                "",
            ],
            unit=["mmol/mol", "%", " MMOL/MOL", "", "mg/dL"],
        ),
    }


def test_files_are_read_whatever_their_name(engines: dict[str, Any], tmp_path: Path) -> None:
    """Spark passes over names such as _events, expands brackets, and makes columns from folders
    such as year=2016."""
    folder = tmp_path / "year=2016" / "results [new] ü"
    folder.mkdir(parents=True)
    names = ("_events", ".events", "a:b", "[x]*", "é", "plain")
    for place, name in enumerate(names):
        pq.write_table(pa.table({"n": [place]}), folder / f"{name}.parquet")
    spark = engines["pyspark"]
    found = engine.parquet_tables(spark, [folder / f"{name}.parquet" for name in names])
    spark.to_parquet(engine.keep(spark, "odd", found).order_by("n"), folder / ".whole.parquet.part")
    assert pq.read_table(folder / ".whole.parquet.part").to_pydict() == {
        "n": list(range(len(names)))
    }


def test_a_file_is_whole_and_in_order_however_many_parts(
    engines: dict[str, Any], tmp_path: Path
) -> None:
    n = 300_001
    pq.write_table(pa.table({"n": np.random.default_rng(1).permutation(n)}), tmp_path / "n.parquet")
    spark = engines["pyspark"]
    spark.to_parquet(
        engine.stage_table(spark, tmp_path / "n.parquet", "clean").order_by("n"),
        tmp_path / "o.parquet",
    )
    written = pq.ParquetFile(tmp_path / "o.parquet")
    assert written.read()["n"].to_pylist() == list(range(n))
    assert [written.metadata.row_group(k).num_rows for k in range(3)] == [
        122_880,
        122_880,
        n - 245_760,
    ]
    spark.to_parquet(
        engine.stage_table(spark, tmp_path / "n.parquet", "clean").filter(ibis._.n < 0),
        tmp_path / "none.parquet",
    )
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0


def test_what_spark_says_of_a_failure_is_not_repeated(
    engines: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    """Also: what cannot be cast is an error, as on DuckDB, not a null."""
    table = ibis.memtable({"text": ["secret"]})
    with pytest.raises(EvalweaveError, match=r"Spark failed \(CAST_INVALID_INPUT\)") as raised:
        engines["pyspark"].to_pyarrow(table.select(n=table.text.cast("int64")))
    assert "secret" not in str(raised.value)
    assert "secret" not in "".join(capfd.readouterr())


def test_an_active_session_is_used_and_left_alone(engines: dict[str, Any], tmp_path: Path) -> None:
    first = engines["pyspark"]._session
    assert (
        first.sparkContext.getConf().get("spark.driver.memory") == "953m"
    )  # EVALWEAVE_MEMORY_LIMIT
    first.conf.set("spark.sql.ansi.enabled", "false")
    with engine.working("pyspark", tmp_path) as second:
        assert second._session.sparkContext is first.sparkContext
        assert second._session.conf.get("spark.sql.ansi.enabled") == "true"
        kept = engine.keep(second, "kept", ibis.memtable({"n": [1]}))
        assert second.to_pyarrow(kept).to_pydict() == {"n": [1]}
    assert first.conf.get("spark.sql.ansi.enabled") == "false"
    first.conf.set("spark.sql.ansi.enabled", "true")
    assert first.sql("SELECT 1").toArrow().num_rows == 1
    assert list(tmp_path.iterdir()) == []
