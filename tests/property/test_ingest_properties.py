"""Whatever a file looks like, every cell of it arrives as it was written, or the file is refused in
a sentence.

The oracle is naive and none of ours: Python's `csv` reads the text back, a regular expression and
`datetime` say what is a date, `float` what is a number. Cells are hostile, but a file as a whole is
sound unless a test says otherwise.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import gzip
import io
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalweave import engine
from evalweave.errors import DataError
from evalweave.extract.ingest import ingest
from evalweave.extract.parts import Part, ledger
from evalweave.study.records import Extract


def examples(n: int) -> settings:
    return settings(max_examples=n, deadline=None, suppress_health_check=list(HealthCheck))


IDENTIFIERS = [
    "P1",
    "12622041000006111",
    "0001",
    "1",
    "00000000000000000001",
    "99999999999999999999999",
    "",
    " P7 ",
    "é",
    "e\u0301",
    "Ωmega",
    "\u200bP1",
    "P\u00a08",
    "null",
    "NULL",
    "None",
    "nan",
    "inf",
    "0",
    "-1",
    "1e5",
    "0x1F",
    "a'b",
    "#1",
    "=1+1",
    "ab/cd+E+9=",
]
# No day of another form, number of days or year of two digits, and no decimal comma: more than one
# in a hundred of them refuse a file (tests/unit/test_dates.py, test_ingest.py).
DAYS = {
    "iso": [
        "2016-02-29",
        "2015-02-29",
        "2016-02-30",
        "0000-00-00",
        "0000-01-01",
        "9999-12-31",
        "1900-01-01",
        "2016-04-01T23:59:59",
        "2016-04-01 00:30:00.000",
        "2016-04-01T00:30:00+01:00",
        "2016-04-01T00:30:00Z",
        "2016-13-01",
        "31/02/2016",
        "infinity",
        "epoch",
        "today",
        "",
        " 2016-05-01 ",
        "2016-05-01x",
        "２０１６-05-01",
    ],
    "dmy": [
        "29/02/2016",
        "29/02/2015",
        "31/02/2016",
        "1/4/2016",
        "01-04-2016",
        "01.04.2016",
        "01/04/2016 23:59",
        "31/12/1899",
        "00/00/0000",
        "01/01/0000",
        "",
        "today",
        "1/4",
        "32/12/2016",
        "٠١/٠٤/٢٠١٦",
    ],
}
NUMBERS = [
    "48",
    "48.0",
    "048",
    "-1",
    "+5",
    ".5",
    "5.",
    "1e5",
    "1E+2",
    "1e400",
    "1e-400",
    "0.1",
    "6.499999999999999",
    "<20",
    ">=180",
    "≥5",
    "1_000",
    "1 000",
    "٤٨",
    "４８",
    "nan",
    "NaN",
    "inf",
    "-Infinity",
    "0x10",
    "1d",
    "1f",
    "true",
    "",
    " 48 ",
    "see letter",
]
TEXTS = [
    "mmol/mol",
    "%",
    "",
    "a,b",
    "a;b",
    "a|b",
    'say "x"',
    '5"',
    '"',
    '""',
    "x" * 70_000,
    "µmol",
    "mm\u200bol",
    "\u00a0",
    "é\u0301",
    "NA",
    "-",
    "'",
    "\\",
    "\\N",
    "#",
    "a\\,b",
    "\u2028",
    "🙂",
    "two words",
    " padded ",
    "\x1a",
    "\x0b",
]
QUOTED = [
    "tab\there",
    "line\nend",
    "line\r\nend",
    '"\n"',
    "\n",
    "a\n\nb",
]  # what only quotes can hold
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-16-be with mark"]


def a_date(text: str, order: str) -> dt.date | None:
    """Return the date of a trimmed cell, naively."""
    form = {
        "iso": r"([0-9]{4})-([0-9]{2})-([0-9]{2})([T ][0-9]{2}:[0-9]{2}.*)?",
        "dmy": r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})([T ][0-9]{1,2}:[0-9]{2}.*)?",
    }[order]
    found = re.fullmatch(form, text)
    if not found:
        return None
    year, month, day = found.group(1, 2, 3) if order == "iso" else found.group(3, 2, 1)
    try:
        return dt.date(int(year), int(month), int(day)) if int(year) >= 1000 else None
    except ValueError:
        return None


def a_number(text: str) -> float | None:
    """Return the finite number of a trimmed cell, naively."""
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return None
    number = float(text)
    return None if abs(number) == float("inf") else number


WIDTHLESS = tuple(
    "\u200b\u200c\u200d\u2060\ufeff"
)  # no white space to Python, and nothing to a reader


def trimmed(text: str | None) -> str | None:
    """Return a cell without the blanks around it; line ends within it may have been made one
    kind."""
    text = (text or "").replace("\r\n", "\n")
    while text[:1].isspace() or text[:1] in WIDTHLESS:
        text = text[1:]
    while text[-1:].isspace() or text[-1:] in WIDTHLESS:
        text = text[:-1]
    return text or None


def as_text(
    rows: list[list[str]], delimiter: str, line_ends: list[str], quoted: str, blank_lines: set[int]
) -> str:
    """Write rows naively. `quoted` says which cells stand in quotes: all, those that must, or
    none."""
    lines = []
    for place, row in enumerate(rows):
        cells = []
        for cell in row:
            must = (
                any(mark in cell for mark in (delimiter, "\n", "\r"))
                or cell.startswith('"')
                or '"' in cell
            )
            wrap = quoted == "all" or (quoted == "needed" and must)
            cells.append('"' + cell.replace('"', '""') + '"' if wrap else cell)
        end = line_ends[place % len(line_ends)]
        lines.append(delimiter.join(cells) + end)
        if place in blank_lines:
            lines.append(end)
    return "".join(lines)


def packed(raw: bytes, how: str) -> bytes:
    if how == "whole":
        return gzip.compress(raw)
    if how == "members":
        cut = len(raw) // 3
        return gzip.compress(raw[:cut]) + gzip.compress(b"") + gzip.compress(raw[cut:]) + b"\0" * 7
    return raw


def encoded(text: str, encoding: str) -> bytes:
    if encoding == "utf-16-be with mark":
        return codecs.BOM_UTF16_BE + text.encode("utf-16-be")
    return text.encode(encoding)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def read(extract: Path, table: str, **said: Any) -> tuple[list[dict[str, Any]], list[Part]]:
    with folder() as out:
        settings_ = Extract.model_validate({"format": "flat", "path": str(extract), **said})
        parts = ingest(settings_, "duckdb", table, out)
        backend = engine.connect("duckdb")
        read_ = engine.parquet_tables(backend, [part.path for part in parts])
        found = backend.to_pyarrow(read_.order_by("source_file", "source_row")).to_pylist()
        n = ledger(table, parts).set_index("entry")["n"]
        assert n["received"] == n["kept"] == len(found)
        return found, parts


def same(found: dict[str, Any], cells: dict[str, str | None], order: str) -> None:
    """Compare one event with its cells: every text exactly, and what was parsed of it as the oracle
    says."""
    want = {
        name: trimmed(cells.get(name)) for name in ("patient_id", "code", "date", "value", "unit")
    }
    assert found["date"] == a_date(want["date"] or "", order), want["date"]
    assert found["value"] == a_number((want["value"] or "").strip("\t\n")), want["value"]
    want |= {
        name: None for name in ("date", "value") if found[name] is not None
    }  # text is kept where nothing was read
    got = {
        name: found[f"{name}_text" if name in ("date", "value", "unit") else name] for name in want
    }
    assert {name: text and text.replace("\r\n", "\n") for name, text in got.items()} == want


@st.composite
def tables(draw: Callable[..., Any], order: str, quotes: bool) -> list[list[str]]:
    """Draw rows of patient_id, date, code, value, unit and a note: a sound row, then one with
    hostile cells."""
    texts = TEXTS + (QUOTED if quotes else [])
    plain = {"iso": "2016-05-01", "dmy": "01/05/2016"}[order]
    hostile = draw(
        st.lists(
            st.tuples(
                *(
                    st.sampled_from(pool)
                    for pool in (IDENTIFIERS, DAYS[order], IDENTIFIERS, NUMBERS, texts, texts)
                )
            ),
            min_size=1,
            max_size=25,
        )
    )
    rows = []
    for cells in hostile:
        rows += [["P1", plain, "44054006", "48", "mmol/mol", ""]] * 2 + [list(cells)]
    return rows


FLAT = ["patient_id", "date", "code", "value", "unit", "note"]


@examples(30)
@given(
    rows=tables("iso", True),
    delimiter=st.sampled_from(",;\t|"),
    line_ends=st.sampled_from([["\n"], ["\r\n"], ["\n", "\r\n", "\r\n"], ["\r"]]),
    quoted=st.sampled_from(["all", "needed"]),
    encoding=st.sampled_from(ENCODINGS),
    gzipped=st.sampled_from(["", "", "whole", "members"]),
    trailing=st.booleans(),
    blank_lines=st.sets(st.integers(0, 40), max_size=5),
    last_line_end=st.booleans(),
    places=st.permutations(range(6)),
    case=st.sampled_from([str, str.upper, str.title]),
)
def test_flat_text_in_every_dress(
    rows,
    delimiter,
    line_ends,
    quoted,
    encoding,
    gzipped,
    trailing,
    blank_lines,
    last_line_end,
    places,
    case,
) -> None:  # type: ignore[no-untyped-def]
    if line_ends == [
        "\r"
    ]:  # of a file of old Macs the line ends inside cells are as those of lines
        rows = [[cell.replace("\r\n", "\n").replace("\n", "\r") for cell in row] for row in rows]
    header = [case(FLAT[place]) for place in places]
    whole = [header, *([row[place] for place in places] for row in rows)]
    if trailing:
        whole = [[*row, ""] for row in whole]
    text = as_text(whole, delimiter, line_ends, quoted, blank_lines)
    if not last_line_end:
        text = text.rstrip("\r\n") if not text.rstrip("\r\n").endswith(delimiter) else text
    again = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    assert again == whole  # the oracle reads what was written
    with folder() as extract:
        (extract / "events.csv").write_bytes(packed(encoded(text, encoding), gzipped))
        found, (part,) = read(extract, "events")
    assert len(found) == part.rows_in_file == len(rows)
    for place, (event, cells) in enumerate(zip(found, rows, strict=True)):
        assert event["source_row"] == place + 2
        same(event, dict(zip(FLAT, cells, strict=True)), "iso")


@examples(15)
@given(
    rows=tables("dmy", False),
    encoding=st.sampled_from(ENCODINGS),
    line_end=st.sampled_from(["\r\n", "\n"]),
    folder_=st.sampled_from(["", "part one/"]),
    name=st.sampled_from(["s_extract_observation_001.txt", "S_SET1_Extract_Observation_002.TXT"]),
)
def test_aurum_where_quotes_are_signs_and_NA_is_blank(
    rows, encoding, line_end, folder_, name
) -> None:  # type: ignore[no-untyped-def]
    rows = [[cell.replace("\t", " ") for cell in row] for row in rows]
    header = ["patid", "obsdate", "medcodeid", "value", "numunitid", "term"]
    units = {text: str(1000 + n) for n, text in enumerate(TEXTS) if text.strip() and text != "NA"}
    lines = [header, *([*row[:4], units.get(row[4], row[4] and "NA"), row[5]] for row in rows)]
    lookup = [["numunitid", "Description"], *([number, text] for text, number in units.items())]
    with folder() as extract:
        path = extract / folder_ / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encoded(as_text(lines, "\t", [line_end], "none", set()), encoding))
        (extract / "NumUnit.txt").write_bytes(
            as_text(lookup, "\t", [line_end], "none", set()).encode()
        )
        found, (part,) = read(extract, "events", format="cprd_aurum")
    assert len(found) == part.rows_in_file == len(rows)
    for event, row in zip(found, rows, strict=True):
        cells: dict[str, str | None] = dict(zip(FLAT, row, strict=True))
        cells["unit"] = units and trimmed(row[4]) if row[4] in units else None
        same(event, cells, "dmy")


@examples(12)
@given(
    rows=tables("iso", True),
    upper=st.booleans(),
    delimiter=st.sampled_from(",;\t"),
    by_concept=st.booleans(),
    encoding=st.sampled_from(ENCODINGS),
)
def test_omop_in_either_case(rows, upper, delimiter, by_concept, encoding) -> None:  # type: ignore[no-untyped-def]
    header = [
        "person_id",
        "measurement_date",
        "measurement_concept_id",
        "value_as_number",
        "unit_source_value",
        "unit_concept_id",
    ]
    concepts = {"%": "8554", "mmol/mol": "9579"}
    lines = [
        [
            *row[:4],
            "" if by_concept and row[4] in concepts else row[4],
            concepts.get(row[4], "0") if by_concept else "0",
        ]
        for row in rows
    ]
    head = [name.upper() if upper else name for name in header]
    text = as_text([head, *lines], delimiter, ["\n"], "all", set())
    with folder() as extract:
        name = "MEASUREMENT.csv" if upper else "measurement/part-0.csv"
        (extract / name).parent.mkdir(exist_ok=True)
        (extract / name).write_bytes(encoded(text, encoding))
        found, (part,) = read(extract, "events", format="omop")
    assert len(found) == part.rows_in_file == len(rows)
    for event, row in zip(found, rows, strict=True):
        cells = {name: trimmed(cell) for name, cell in zip(FLAT, row, strict=True)}
        cells["code"] = None if cells["code"] == "0" else cells["code"]  # no concept
        same(event, cells, "iso")


COLUMNS = {
    "patient_id": [
        pa.string(),
        pa.large_string(),
        pa.int64(),
        pa.decimal128(38, 6),
        pa.dictionary(pa.int32(), pa.string()),
    ],
    "date": [
        pa.date32(),
        pa.timestamp("ns"),
        pa.timestamp("us", tz="UTC"),
        pa.string(),
        pa.date64(),
    ],
    "value": [
        pa.float64(),
        pa.float32(),
        pa.int32(),
        pa.decimal128(12, 3),
        pa.string(),
        pa.null(),
        pa.bool_(),
    ],
}


@examples(20)
@given(
    people=st.lists(st.one_of(st.none(), st.integers(0, 2**63 - 1)), min_size=1, max_size=30),
    days=st.lists(
        st.one_of(st.none(), st.dates(dt.date(1678, 1, 1), dt.date(2261, 1, 1))),
        min_size=30,
        max_size=30,
    ),
    values=st.lists(st.one_of(st.none(), st.integers(-999_999, 999_999)), min_size=30, max_size=30),
    types=st.tuples(*(st.sampled_from(types) for types in COLUMNS.values())),
    kind=st.sampled_from(["parquet", "arrow"]),
    order=st.sampled_from(["iso", "dmy", "mdy"]),
)
def test_typed_columns(people, days, values, types, kind, order) -> None:  # type: ignore[no-untyped-def]
    n = len(people)
    days, values = days[:n], values[:n]
    written = {"iso": "%Y-%m-%d", "dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y"}[order]
    who, when, what = types
    texts = [None if p is None else str(p) for p in people]
    is_text = (
        pa.types.is_large_string(who) or pa.types.is_string(who) or pa.types.is_dictionary(who)
    )
    if pa.types.is_decimal(who):
        column = pa.array([None if p is None else Decimal(p) for p in people], who)
    else:
        column = pa.array(
            texts if is_text else people, who.value_type if pa.types.is_dictionary(who) else who
        )
        column = column.dictionary_encode() if pa.types.is_dictionary(who) else column
    stamps = [None if d is None else dt.datetime(d.year, d.month, d.day, 14, 5) for d in days]
    dates: list[Any] = {True: stamps, False: days}[pa.types.is_timestamp(when)]
    dates = [d and d.strftime(written) for d in days] if when == pa.string() else dates
    numbers = [None if v is None else v / 1000 for v in values]
    if what == pa.null():
        cells: list[Any] = [None] * n
    elif what == pa.bool_():
        cells = [None if v is None else v > 0 for v in values]
    elif pa.types.is_integer(what):
        cells = values
    elif pa.types.is_decimal(what):
        cells = [None if v is None else Decimal(v).scaleb(-3) for v in values]
    else:
        cells = (
            [None if v is None else repr(v) for v in numbers] if what == pa.string() else numbers
        )
    table = pa.table(
        {
            "patient_id": column,
            "date": pa.array(dates, when),
            "code": pa.array(["1"] * n),
            "value": pa.array(cells, what),
        }
    )
    with folder() as extract:
        path = extract / f"events.{kind}"
        if kind == "parquet":
            pq.write_table(table, path)
        else:
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
        found, _ = read(extract, "events", date_format=order)
    assert [event["patient_id"] for event in found] == texts
    assert [event["date"] for event in found] == days
    if what == pa.null():
        assert not any(event["value_text"] for event in found)
    elif what == pa.bool_():
        assert [event["value_text"] for event in found] == [
            None if v is None else str(v > 0).lower() for v in values
        ]
    elif pa.types.is_integer(what):
        assert [event["value"] for event in found] == values
    else:
        assert [event["value"] for event in found] == numbers


@examples(12)
@given(
    rows=tables("iso", False),
    damage=st.sampled_from(["cut", "byte", "nul", "latin", "ragged", "more", "unclosed"]),
    at=st.floats(0.2, 0.9),
)
def test_damage_is_refused_and_nobody_is_quoted(rows, damage, at) -> None:  # type: ignore[no-untyped-def]
    secret = "12622041000006111"
    rows = [[secret, *row[1:]] for row in rows]
    lines = [
        ",".join(FLAT),
        *(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows),
    ]
    place = max(1, int(at * len(lines)))
    if damage in ("ragged", "more", "unclosed"):
        lines[place] = {
            "ragged": f"{secret},x",
            "more": lines[place] + ",x,y",
            "unclosed": lines[place][:-1],
        }[damage]
    raw = ("\n".join(lines) + "\n").encode()
    middle = raw.rindex(secret.encode())  # one long cell may be most of the file
    if damage == "nul":
        raw = raw[:middle] + b"\0" + raw[middle:]
    if damage == "latin":
        raw = raw[:middle] + b"\x81" + raw[middle:]  # no letter of Windows-1252
    if damage in ("cut", "byte"):
        whole = gzip.compress(raw)
        middle = int(at * len(whole))
        raw = (
            whole[:middle]
            if damage == "cut"
            else whole[:-6] + bytes([whole[-6] ^ 255]) + whole[-5:]
        )
    with folder() as extract:
        (extract / "events.csv").write_bytes(raw)
        try:
            read(extract, "events")
        except DataError as error:
            assert "events.csv" in str(error) and secret not in str(error)
            return
    raise AssertionError(f"{damage}: read as if nothing had been wrong")
