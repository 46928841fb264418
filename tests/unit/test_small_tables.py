"""The one reader of small tables: ways of writing, what is said of them, and what is refused."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import openpyxl
import pytest

from evalweave.errors import DataError, EvalweaveError, StudyError
from evalweave.reading import tables

TEXT = "practice_id,start,area\nA1,2015-04-01,west\nA2,,\n"
ROWS = [
    {"practice_id": "A1", "start": "2015-04-01", "area": "west"},
    {"practice_id": "A2", "start": "", "area": ""},
]


def read(folder: Path, content: str | bytes, name: str = "t.csv", **options):  # type: ignore[no-untyped-def]
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return tables.read(path, ["practice_id", "start"], ["area"], **options)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_ways_of_writing(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    text = TEXT.replace(",", delimiter).replace("\n", end).replace("west", "Säule")
    table = read(tmp_path, text.encode(encoding))
    assert table.rows == [ROWS[0] | {"area": "Säule"}, ROWS[1]]
    assert table.lines == [2, 3]
    assert any("Windows-1252" in note for note in table.notes) == (encoding == "cp1252")
    assert any("separated by" in note for note in table.notes) == (delimiter != ",")


def test_blanks_around_cells_are_no_part_of_them(tmp_path: Path) -> None:
    text = "\u200bpractice_id , start,area\xa0\n\xa0A1\u2009,\ufeff2015-04-01 ,\u200bwest\u200d\n"
    assert read(tmp_path, text).rows == ROWS[:1]


def test_a_header_is_found_below_titles_and_in_other_capitals(tmp_path: Path) -> None:
    text = (
        "Practices of the programme\n\nas of 2019,,\nPractice ID,Start,Area\nA1,2015-04-01,west\n"
    )
    table = read(tmp_path, text)
    assert table.rows == ROWS[:1] and table.header_row == 4 and table.lines == [5]
    assert "row 4 is read as the header; the 2 rows above it left out" in table.notes[0]
    assert table.called["practice_id"] == "Practice ID"


def test_a_header_may_be_named(tmp_path: Path) -> None:
    text = "practice_id,start\nold,old\npractice_id,start\nA1,2015-04-01\n"
    assert len(read(tmp_path, text).rows) == 2  # and the header that stands again is left out
    assert "header stands once again" in read(tmp_path, text).notes[0]
    assert len(read(tmp_path, text, header_row=3).rows) == 1
    with pytest.raises(DataError, match="row 9: found a blank row"):
        read(tmp_path, text, header_row=9)


def test_identifiers(tmp_path: Path) -> None:
    def column(*cells: str) -> list[str]:
        text = "practice_id,start\n" + "".join(f"{cell},x\n" for cell in cells)
        table = read(tmp_path, text, identifiers=["practice_id"])
        return [row["practice_id"] for row in table.rows]

    assert column("12345.0", "00012.00") == ["12345", "00012"]
    assert column("1.0", "1.1", "2.0") == ["1.0", "1.1", "2.0"]
    assert column("1E5", "12E4", "1e23") == ["1E5", "12E4", "1e23"]  # pseudonyms
    for cell in ("1.26E+16", "1,26e16", "9E+15"):
        with pytest.raises(
            DataError, match=r"row 3, column practice_id.*has cut these identifiers"
        ):
            column("1", f'"{cell}"')
    with pytest.raises(DataError, match=r'row 2.*".0" at the end of 1 of 2'):
        column("12345.0", "12346")
    with pytest.raises(DataError, match="more digits than one keeps"):
        column("12622041000006112.0")
    with pytest.raises(DataError, match="all end in zeros"):
        column(*(f"126220410{n:06d}00" for n in range(20)))


@pytest.mark.parametrize(
    ("cells", "read_as"),
    [
        (["57,14", "57,113"], ["57.14", "57.113"]),
        (["0,5", "-1,25"], ["0.5", "-1.25"]),
        (["1.5", "2"], ["1.5", "2"]),
        (["", "-0,125"], ["", "-0.125"]),
        (["abc, def"], ["abc, def"]),
    ],
)
def test_decimal_commas(tmp_path: Path, cells: list[str], read_as: list[str]) -> None:
    for delimiter in (",", ";"):
        rows = "".join(f'A{delimiter}"{cell}"\n' for cell in cells)
        table = read(tmp_path, f"practice_id{delimiter}start\n{rows}", numbers=["start"])
        assert [row["start"] for row in table.rows] == read_as
        commas = read_as != cells
        assert any("decimal commas, read as" in note for note in table.notes) == commas


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["1,234", "5,678"], "may be decimal or set off thousands"),
        (["1,234.5"], "separators of thousands"),
        (["1.234,5"], "separators of thousands"),
        (["1,234,567"], "separators of thousands"),
        (["1 234,5"], "separators of thousands"),
        (["57,1", "57.1"], "beside decimal points"),
    ],
)
def test_numbers_that_may_be_two_things(tmp_path: Path, cells: list[str], words: str) -> None:
    text = "practice_id;start\n" + "".join(f"A;{cell}\n" for cell in cells)
    with pytest.raises(DataError, match=f"row 2, column start: found .*{words}"):
        read(tmp_path, text, numbers=["start"])


HOSTILE = {
    "empty": (b"", "an empty file"),
    "blanks": (b"\xef\xbb\xbf \r\n\n", "without any text"),
    "nul": (b"practice_id,start\nA\0,x\n", "row 2: found a NUL byte"),
    "picture": (b"\x89PNG\r\n\x1a\n1234", "a picture"),
    "random": (bytes(range(1, 256)) * 40, "no text|neither UTF-8 nor"),
    "binary": (bytes(range(1, 32)) * 40, "no text"),
    "pdf": (b"%PDF-1.4", "a PDF"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, r"save it as \.xlsx"),
    "zip": (b"PK\x03\x04rest", "no zip"),
    "gzip": (gzip.compress(TEXT.encode())[:-12], "truncated gzip"),
    "damaged gzip": (b"\x1f\x8b" + b"x" * 50, "damaged gzip"),
    "html": (b"<html><body>Log in</body></html>", "web page"),
    "json": (b'{"practice_id": 1}', "JSON"),
    "open quote": (b'practice_id,start\nA1,x\nA2,"x\nA3,x\n', "row 3.*never closed"),
    "behind a quote": (b'practice_id,start\nA1,"x"y\n', "row 2.*behind a quote"),
    "swallowed": (b'practice_id,start\nA1,"x\nA2,x\nA3,x"\n', "row 2.*takes in the rows"),
    "long row": (b"practice_id,start\nA1,x\nA2,x,y\n", "row 3: found 3 cells, expected 2"),
    "short row": (b"practice_id,start\nA1\n", "row 2: found 1 cells, expected 2"),
    "twice": (b"practice_id,start,start\nA1,x,y\n", 'the column "start" 2 times'),
    "twice but for capitals": (b"practice_id,Start,START\nA1,x,y\n", '"Start" and "START"'),
    "misspelt": (b"practice_id,stert\nA1,x\n", 'column start: .*Did you mean "stert"'),
    "utf-32": ("practice_id,start\n".encode("utf-32") + b"\0", "damaged UTF-32"),
    "half utf-16": ("practice_id,start\nA".encode("utf-16")[:-1], "damaged UTF-16"),
    "parquet": (b"PAR1" + b"x" * 80 + b"PAR1", "a Parquet file that cannot be read"),
    "arrow": (b"ARROW1\0\0" + b"x" * 80, "an Arrow file that cannot|a Arrow file that cannot"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_one_sentence(tmp_path: Path, kind: str) -> None:
    content, words = HOSTILE[kind]
    with pytest.raises(DataError, match=f"^t.csv.*({words})"):
        read(tmp_path, content)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for name, words in (
        ("absent.csv", "no such file"),
        (".", "a folder"),
        ("pipe.csv", "a pipe or a device"),
        ("/dev/zero", "a pipe or a device"),
        ("a\0b", "cannot be read"),
        ("x" * 300, "cannot be read"),
    ):
        with pytest.raises(StudyError, match=words):
            tables.read(tmp_path / name, ["a"])


def test_packed_or_not_whatever_the_name_says(tmp_path: Path) -> None:
    assert read(tmp_path, gzip.compress(TEXT.encode()), "t.csv").rows == ROWS
    table = read(tmp_path, TEXT, "t.csv.gz")
    assert table.rows == ROWS and "is not packed although" in table.notes[0]


def book(path: Path, **sheets: list[list[object]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


def test_workbooks(tmp_path: Path) -> None:
    rows: list[list[object]] = [["practice_id", "start"], [12.0, " x "], [], [13, None, None]]
    path = book(tmp_path / "b.xlsx", Notes=[["about"]], Data=[["title"], *rows], Empty=[])
    table = tables.read(path, ["practice_id", "start"])
    assert [row["practice_id"] for row in table.rows] == ["12", "13"]
    assert table.lines == [3, 5] and table.header_row == 2
    assert 'of 2 sheets, "Data" was read' in table.notes[0]
    with pytest.raises(DataError, match="no such column"):
        tables.read(path, ["practice_id"], sheet="Notes")
    with pytest.raises(DataError, match=r'no sheet "Dat".*Did you mean "Data"'):
        tables.read(path, ["practice_id"], sheet="Dat")
    named = path.rename(tmp_path / "practices.csv")
    assert "is an Excel workbook" in tables.read(named, ["practice_id"]).notes[0]
    broken = book(tmp_path / "c.xlsx", Data=[["practice_id", "start"], ["A", "#REF!"]])
    with pytest.raises(DataError, match=r"row 2.*an error of the spreadsheet"):
        tables.read(broken, ["practice_id"])


def test_the_error_holds_its_faults(tmp_path: Path) -> None:
    with pytest.raises(EvalweaveError) as caught:
        read(tmp_path, "practice,begin\nA,x\n")
    assert [fault.column for fault in caught.value.faults] == ["practice_id", "start"]
