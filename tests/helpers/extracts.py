"""Files of an extract, and what ingest makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalweave import engine
from evalweave.errors import DataError
from evalweave.extract.ingest import ingest
from evalweave.extract.parts import Part
from evalweave.study.records import Extract

HEADER = "patient_id,date,code,value,unit\n"
SECRET = "12622041000006111"  # beyond 2^53, and nobody's business
ROWS = (
    f"{SECRET},2015-05-01,999791000000106,48,mmol/mol\n"
    "P2,2016-02-29,999791000000106,52.5,mmol/mol\n"
)


def read(folder: Path, table: str = "events", **settings: object) -> list[Part]:
    extract = Extract(**{"format": "flat", "path": str(folder), **settings})  # type: ignore[arg-type]
    return ingest(extract, "duckdb", table, folder / "out")


def rows(folder: Path, table: str = "events", **settings: object) -> list[dict[str, object]]:
    parts = read(folder, table, **settings)
    backend = engine.connect("duckdb")
    table_ = engine.parquet_tables(backend, [part.path for part in parts])
    return backend.to_pyarrow(table_.order_by("source_file", "source_row")).to_pylist()


def refused(folder: Path, table: str = "events", **settings: object) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, table, **settings)
    assert SECRET not in str(caught.value)
    assert "Traceback" not in str(caught.value)
    return str(caught.value)


def put(folder: Path, content: str | bytes, name: str = "events.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
