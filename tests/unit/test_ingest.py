"""What people really send: read whole, or refused in plain sentences that quote nobody's data."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalweave import engine
from evalweave.errors import EvalweaveError, StudyError
from evalweave.extract.parts import index, ingested_table, ledger
from helpers.extracts import HEADER, ROWS, SECRET, put, read, refused, rows


def test_text_is_read_whole_and_keeps_every_digit(tmp_path: Path) -> None:
    put(tmp_path, HEADER + ROWS + ",31/02/2016,,<20,\n")
    found = rows(tmp_path)
    assert [row["patient_id"] for row in found] == [SECRET, "P2", None]
    assert [row["source_row"] for row in found] == [2, 3, 4]
    assert found[2]["date"] is None and found[2]["date_text"] == "31/02/2016"
    assert found[2]["value"] is None and found[2]["value_text"] == "<20"
    assert found[0]["code"] == "999791000000106" and found[0]["code_system"] == "snomed"


@pytest.mark.parametrize(
    "dressed",
    [
        pytest.param(lambda text: b"\xef\xbb\xbf" + text.encode(), id="BOM"),
        pytest.param(lambda text: text.encode("utf-16"), id="UTF-16"),
        pytest.param(lambda text: text.encode("utf-16-le"), id="UTF-16 without mark"),
        pytest.param(lambda text: text.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(lambda text: text.replace("\n", "\r").encode(), id="old Mac"),
        pytest.param(lambda text: text.replace("\n", "\r\n", 1).encode(), id="mixed line ends"),
        pytest.param(lambda text: text.replace("\n", "\n\n").encode(), id="blank lines"),
        pytest.param(lambda text: text.rstrip("\n").encode(), id="no last line end"),
        pytest.param(lambda text: text.replace(",", ";").encode(), id="semicolons"),
        pytest.param(lambda text: text.replace(",", "\t").encode(), id="tabs"),
        pytest.param(lambda text: text.replace(",", "|").encode(), id="bars"),
        pytest.param(lambda text: text.replace("\n", ",\n").encode(), id="trailing delimiter"),
        pytest.param(
            lambda text: text.replace("mol\n", "mol,\n").encode(), id="trailing delimiter in rows"
        ),
        pytest.param(lambda text: gzip.compress(text.encode()), id="gzip under another name"),
        pytest.param(
            lambda text: gzip.compress(text[:50].encode()) + gzip.compress(text[50:].encode()),
            id="two gzips",
        ),
        pytest.param(lambda text: text.replace("48", ' "48" '.strip()).encode(), id="quoted"),
    ],
)
def test_every_dress_of_the_same_text_gives_the_same_rows(tmp_path: Path, dressed) -> None:  # type: ignore[no-untyped-def]
    plain, other = tmp_path / "plain", tmp_path / "other"
    plain.mkdir()
    other.mkdir()
    put(plain, HEADER + ROWS)
    put(other, dressed(HEADER + ROWS))
    assert rows(other) == rows(plain)


def test_parquet_and_arrow_give_the_same_rows_as_text(tmp_path: Path) -> None:
    text, parquet, arrow = (tmp_path / name for name in ("text", "parquet", "arrow"))
    for folder in (text, parquet, arrow):
        folder.mkdir()
    put(text, HEADER + ROWS)
    columns = [name.strip() for name in HEADER.split(",")]
    cells = [line.split(",") for line in ROWS.splitlines()]
    table = pa.table({name: [row[place] for row in cells] for place, name in enumerate(columns)})
    pq.write_table(table, parquet / "events.parquet")
    with (
        pa.OSFile(str(arrow / "events.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as writer,
    ):
        writer.write_table(table)
    drop = {"source_file"}
    want = [{k: v for k, v in row.items() if k not in drop} for row in rows(text)]
    assert [{k: v for k, v in row.items() if k not in drop} for row in rows(parquet)] == want
    assert [{k: v for k, v in row.items() if k not in drop} for row in rows(arrow)] == want


def test_typed_parquet_is_read_as_text(tmp_path: Path) -> None:
    import datetime as dt

    table = pa.table(
        {
            "patient_id": pa.array([12622041000006111, None], pa.int64()),
            "date": pa.array([dt.date(2015, 5, 1), dt.date(2016, 1, 2)]),
            "code": ["44054006", "44054006"],
            "value": pa.array([48.0, 52.5]),
        }
    )
    pq.write_table(table, tmp_path / "events.parquet")
    found = rows(tmp_path)
    assert found[0]["patient_id"] == SECRET and found[0]["date"] == dt.date(2015, 5, 1)
    assert [row["value"] for row in found] == [48.0, 52.5]


def test_identifiers_as_floats_are_refused(tmp_path: Path) -> None:
    table = pa.table(
        {"patient_id": pa.array([1.0, None]), "date": ["2015-01-01"] * 2, "code": ["1", "2"]}
    )
    pq.write_table(table, tmp_path / "events.parquet")
    assert "floating-point" in refused(tmp_path)


@pytest.mark.parametrize(
    "text", ["quoted\ttab", "quoted\nnew line", 'quoted ""quote""', "quoted, comma"]
)
def test_quoted_cells_hold_anything(tmp_path: Path, text: str) -> None:
    put(tmp_path, HEADER + f'P1,2015-05-01,1,48,"{text}"\nP2,2015-05-01,1,48,\n')
    assert [row["unit_text"] for row in rows(tmp_path)] == [text.replace('""', '"'), None]


FAULTY: list[tuple[str | bytes, str]] = [
    (b"", "an empty file"),
    (HEADER, "a header and no rows"),
    (HEADER + "\n\n", "a header and no rows"),
    ("\n" + HEADER + ROWS, "a blank first row"),
    (HEADER + "P1,2015-05-01,1\n" + ROWS, "row 2: found 3 cells, expected 5"),
    (HEADER + ROWS + f"{SECRET},2015-05-01,1,48,mmol,mol\n", "row 4: found 6 cells, expected 5"),
    (HEADER + ROWS + 'P1,2015-05-01,1,48,"never closed\n', "a quote that is never closed"),
    (HEADER.replace("patient_id", "patientid") + ROWS, 'The nearest is "patientid"'),
    (HEADER.replace("unit", "units") + ROWS, 'found the column "units", expected "unit"'),
    (HEADER.replace("patient_id,", "") + ROWS, 'a column "patient_id"'),
    (HEADER.replace("value", "code") + ROWS, 'the column "code" more than once'),
    (HEADER.replace(",", "^") + ROWS, 'a column "patient_id"'),
    (HEADER.encode() + b"P1\x00,2015-05-01,1,48,\n", "row 2: found a NUL byte"),
    (
        HEADER.encode() + ROWS.encode() + b"P1,2015-05-01,1,48,\x81mol\n",
        "a character that is neither UTF-8 nor Windows-1252",
    ),
    (gzip.compress((HEADER + ROWS * 5000).encode())[:-20], "a truncated gzip archive"),
    (gzip.compress((HEADER + ROWS * 50).encode())[:15] + b"\xff" * 60, "gzip archive"),
    (b"%PDF-1.4", "a PDF"),
    ("<html><body>Sign in</body></html>\nx\n", "what looks like a web page"),
    (
        HEADER + "P1,01/05/2015,1,48,\n" * 3,
        "3 of 3 dates that fit 30/04/2015 (dmy) or 04/30/2015 (mdy)",
    ),
    (HEADER + "P1,44054006,2015-05-01,,\n" * 3, "3 of 3 cells that are no dates of any known form"),
    (HEADER + 'P1,2015-05-01,1,"48,5",\n' * 3, "decimal commas in 3 of 3"),
]


@pytest.mark.parametrize(("content", "says"), FAULTY, ids=[str(n) for n in range(len(FAULTY))])
def test_a_faulty_file_is_refused_in_a_sentence(
    tmp_path: Path, content: str | bytes, says: str
) -> None:
    put(tmp_path, content)
    assert says in refused(tmp_path)
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_mixed_date_orders_are_refused(tmp_path: Path) -> None:
    put(tmp_path, HEADER + "P1,13/05/2015,1,48,\nP1,05/13/2015,1,48,\nP1,04/05/2015,1,48,\n")
    assert "Forms are mixed" in refused(tmp_path, date_format="dmy")


def test_an_excel_workbook_renamed_to_csv(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    put(tmp_path, packed.getvalue())
    assert "Excel" in refused(tmp_path)


def test_a_gzip_bomb_stops_early(tmp_path: Path) -> None:
    put(tmp_path, gzip.compress(HEADER.encode() + b"0" * (200 << 20)), "events.csv.gz")
    assert "times its size" in refused(tmp_path)
    assert not list((tmp_path / "out").rglob("*.txt"))


def test_the_declared_separator_is_not_the_files(tmp_path: Path) -> None:
    put(tmp_path, HEADER + ROWS)
    assert "separated by commas" in refused(tmp_path, delimiter=";")


def test_all_faults_of_all_files_at_once(tmp_path: Path) -> None:
    put(tmp_path, b"", "events_1.csv")
    put(tmp_path, HEADER.replace("code", "cod") + ROWS, "events_2.csv")
    put(tmp_path, HEADER + ROWS, "events_3.csv")
    said = refused(tmp_path)
    assert "2 things need mending" in said and "events_1.csv" in said and "events_2.csv" in said


def test_no_file_of_a_table_says_what_is_there(tmp_path: Path) -> None:
    put(tmp_path, HEADER + ROWS, "observations.csv")
    assert "observations.csv" in refused(tmp_path)
    with pytest.raises(StudyError, match="no such folder"):
        read(tmp_path / "absent")


def test_columns_are_renamed_for_an_ehrql_extract(tmp_path: Path) -> None:
    put(
        tmp_path,
        "patient_id,date,snomedct_code,numeric_value\n1,2015-05-01,44054006,\n1,2015-06-01,1,48\n",
    )
    found = rows(tmp_path, columns={"events": {"code": "snomedct_code", "value": "numeric_value"}})
    assert [row["value"] for row in found] == [None, 48.0]


def test_renames_use_our_names(tmp_path: Path) -> None:
    put(tmp_path, "patient_id,day,code,result\n1,2015-05-01,1,48\n")
    assert (
        rows(tmp_path, columns={"events": {"date_text": "day", "value_text": "result"}})[0]["value"]
        == 48
    )
    with pytest.raises(StudyError) as caught:
        read(tmp_path, columns={"events": {"valeu": "result"}, "evnts": {}})
    assert '"valeu" is not a column. Did you mean "value"?' in str(caught.value)
    assert '"evnts" is not a table' in str(caught.value)


def test_the_memory_limit_is_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALWEAVE_MEMORY_LIMIT", "500MB")
    limit = "select value from duckdb_settings() where name = 'memory_limit'"
    assert "476" in str(engine.connect("duckdb").raw_sql(limit).fetchall())
    monkeypatch.setenv("EVALWEAVE_MEMORY_LIMIT", "plenty")
    with pytest.raises(StudyError, match="not an amount of memory"):
        engine.connect("duckdb")


def test_too_little_memory_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALWEAVE_MEMORY_LIMIT", "30MB")
    with pytest.raises(EvalweaveError, match=r"more than 30MB of memory.*EVALWEAVE_MEMORY_LIMIT"):  # noqa: SIM117
        with engine.working("duckdb", tmp_path) as backend:
            backend.raw_sql("SELECT list(i) FROM range(50000000) t(i)").fetchall()
    pq.write_table(
        pa.table({"patient_id": ["P1"], "date": ["2016-02-29"], "code": ["1"]}),
        tmp_path / "events.parquet",
    )
    monkeypatch.setenv("EVALWEAVE_MEMORY_LIMIT", "1KB")
    with pytest.raises(EvalweaveError, match="more than 1KB of memory"):
        read(tmp_path)


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    put(tmp_path, HEADER + ROWS, "events_1.csv")
    put(tmp_path, HEADER + ROWS + "P9,2016-02-29,1,50,\n", "events_2.csv")
    first = read(tmp_path)
    before = {part.path: part.path.read_bytes() for part in first}
    put(tmp_path, HEADER + ROWS + ROWS, "events_2.csv")
    second = read(tmp_path)
    assert [part.reused for part in second] == [True, False]
    assert [part.rows for part in second] == [2, 4]
    assert second[0].path.read_bytes() == before[second[0].path]
    assert len(list((tmp_path / "out" / "events").glob("*.parquet"))) == 2


def test_index_and_ledger_add_up(tmp_path: Path) -> None:
    put(tmp_path, HEADER + ROWS + "P9,2015-01-01,1,<20,\n")
    parts = read(tmp_path)
    assert ledger("events", parts).set_index("entry")["n"].to_dict() == {"received": 3, "kept": 3}
    assert parts[0].unreadable == {"value": 1}
    said = index("events", parts, tmp_path / "out")
    assert said["parts"][0]["rows"] == 3 and said["parts"][0]["path"].startswith("events/")
    from evalweave.files import write_json

    write_json(said, tmp_path / "out" / "events.json")
    backend = engine.connect("duckdb")
    table = ingested_table(backend, tmp_path / "out", "events")
    assert backend.to_pyarrow(table.count().as_table())[0][0].as_py() == 3


def test_rows_are_numbered_as_in_the_file_when_it_is_long(tmp_path: Path) -> None:
    many = "".join(f"P{n},2015-05-01,1,{n},\n" for n in range(300_000))
    put(tmp_path, HEADER + many)
    backend = engine.connect("duckdb")
    table = engine.parquet_tables(backend, [read(tmp_path)[0].path])
    wrong = table.filter(table.value + 2 != table.source_row).count()
    assert backend.to_pyarrow(wrong.as_table())[0][0].as_py() == 0


@pytest.mark.parametrize("blank", ["\u00a0", "\u3000", "\u200b", "\u2009", "\t", " \u00a0 "])
def test_blanks_of_any_kind_around_a_cell_are_no_part_of_it(tmp_path: Path, blank: str) -> None:
    """As spreadsheets and web pages leave them; within a cell they stay."""
    plain, padded = tmp_path / "plain", tmp_path / "padded"
    header, *lines = (HEADER + "é 1,2015-05-01,999791000000106,48,mmol/mol\n" + ROWS).splitlines()
    text = [header, *(",".join(f"{blank}{c}{blank}" for c in line.split(",")) for line in lines)]
    for folder, content in ((plain, [header, *lines]), (padded, text)):
        folder.mkdir()
        (folder / "events.csv").write_text("\n".join(content) + "\n", encoding="utf-8")
    assert rows(padded) == rows(plain)
    assert rows(padded)[0]["patient_id"] == "é 1"
