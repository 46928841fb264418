"""Rows that a reader would lose, merge or cut without a word; and faults that name the line of a
text editor."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from evalweave.reading.textfiles import look
from helpers.extracts import HEADER, ROWS, SECRET, put, refused, rows

SWALLOWED = [
    pytest.param(f'{SECRET},2015-05-01,1,48,"\nP2,2016-02-29,1,52,"\n', 2, id="one row"),
    pytest.param(
        f'{SECRET},2015-05-01,1,48,"\nP2,2016-02-29,1,52,x\nP3,2016-02-29,1,52,"\n',
        2,
        id="two rows",
    ),
    pytest.param(
        f'{ROWS}{SECRET},2015-05-01,1,"48,x\nP2,2016-02-29,1,"52,x\n',
        4,
        id="not in the last column",
    ),
]


@pytest.mark.parametrize(("cells", "row"), SWALLOWED)
def test_a_quote_that_takes_in_rows_is_refused(tmp_path: Path, cells: str, row: int) -> None:
    put(tmp_path, HEADER + cells)
    said = refused(tmp_path)
    assert f"events.csv, row {row}: found" in said


def test_a_quote_in_a_column_that_is_not_wanted_takes_in_rows_too(tmp_path: Path) -> None:
    put(
        tmp_path,
        'patient_id,date,code,term\nP1,2015-05-01,1,"\nP2,2016-02-29,1,"\nP3,2016-02-29,1,x\n',
    )
    assert "row 2: found a quote that takes in the rows that follow it" in refused(tmp_path)


def test_notes_of_several_lines_are_no_rows(tmp_path: Path) -> None:
    put(
        tmp_path,
        HEADER + 'P1,2015-05-01,1,48,"one, two\n\nthree,\nfour"\nP2,2016-02-29,1,52,"a\nb"\n',
    )
    assert [row["unit_text"] for row in rows(tmp_path)] == ["one, two\n\nthree,\nfour", "a\nb"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            HEADER + ROWS + 'P1,2015-05-01,1,48,"mm"ol\n',
            "row 4: found a row that cannot be told from the next",
        ),
        (
            HEADER + "P1,2015-05-01,1,48,a\rP2,2016-02-29,1,52,b\nP3,2016-02-29,1,52,b\n",
            "row 2: found a carriage return",
        ),
        (HEADER.replace("\n", "\r") + ROWS, "row 1: found a carriage return that ends no line"),
        ((HEADER + ROWS).replace("\n", "\r\r\n"), "row 1: found a carriage return"),
        (HEADER + '\n\nP1,2015-05-01,1,48,"a\nb"\n\nP1,2015-05-01\n', "row 7: found 2 cells"),
        (ROWS, "row 1: found a first row with numbers or dates"),
        ("\ufeff\ufeff" + HEADER + ROWS, "no such column"),
        (gzip.compress((HEADER + ROWS).encode()) + b"junk", "a damaged gzip archive"),
    ],
)
def test_the_row_of_the_fault_is_the_line_in_an_editor(
    tmp_path: Path, content: str | bytes, says: str
) -> None:
    put(tmp_path, content)
    assert says in refused(tmp_path)


def test_a_file_without_header_is_one_fault(tmp_path: Path) -> None:
    put(tmp_path, f"{SECRET}\t01/05/2015\t1\n" * 3, "x_extract_observation_001.txt")
    said = refused(tmp_path, format="cprd_aurum")
    assert "without its header" in said and "things need mending" not in said


def test_rows_of_a_file_without_quotes_are_counted_whatever_stands_in_it(tmp_path: Path) -> None:
    put(
        tmp_path,
        'patid\tobsdate\tmedcodeid\tterm\r\n1\t01/05/2015\t1\t5"\r\n2\t01/05/2015\t1\t"x\r\n',
        "x_extract_observation_1.txt",
    )
    assert len(rows(tmp_path, format="cprd_aurum", date_format="dmy")) == 2


def test_copies_of_a_file_would_count_twice(tmp_path: Path) -> None:
    put(tmp_path, HEADER + ROWS, "events_1.csv")
    put(tmp_path, HEADER + ROWS, "events_1 - Copy.csv")
    assert "events_1.csv: found the same content as in events_1 - Copy.csv" in refused(tmp_path)
    (tmp_path / "events_1 - Copy.csv").unlink()
    put(tmp_path, gzip.compress((HEADER + ROWS).encode()), "events_1.csv.gz")
    assert "a file of the same name as events_1.csv in another form" in refused(tmp_path)


def test_looking_at_the_beginning_never_cuts_a_quoted_cell(tmp_path: Path) -> None:
    row = 'P1,2015-05-01,1,48,"' + "a line of a note\n" * 40 + '"\n'
    path = put(tmp_path, HEADER + row * 20_000)
    seen = look(path, "events.csv", tmp_path, limit=5 << 20)
    text = seen.path.read_text()
    assert seen.notes and text.count('"') % 2 == 0 and text.endswith('"\n')


def test_more_units_than_anyone_can_list_are_matched_by_their_text(tmp_path: Path) -> None:
    units = "".join(f"{number}\tunit {number}\r\n" for number in range(1, 75_001))
    put(
        tmp_path,
        "numunitid\tDescription\r\n" + units + "75001\tmmol/mol\r\n75001\tmmol/mol\r\n",
        "NumUnit.txt",
    )
    header = "patid\tobsdate\tmedcodeid\tvalue\tnumunitid\tobstypeid\r\n"
    put(
        tmp_path,
        header + "1\t01/05/2015\t1\t48\t75001\t4\r\n",
        "s_set1_extract_observation_002.txt",
    )
    put(
        tmp_path,
        header + "1\t01/05/2015\t1\t48\t80000\t10\r\n2\t01/05/2015\t1\t48\tNA\t\r\n",
        "s_extract_observation_001.txt",
    )
    found = rows(tmp_path, format="cprd_aurum")
    assert [row["unit_text"] for row in found] == ["numunitid 80000", None, "mmol/mol"]
    assert [row["family_history"] for row in found] == [None, None, True]
