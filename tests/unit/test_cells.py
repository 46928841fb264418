"""Cells and headers: what a spreadsheet would run, where rows are split, which names are alike."""

from __future__ import annotations

import pytest

from evalweave.errors import DataError
from evalweave.reading.cells import neutralised, unguarded
from evalweave.reading.delimited import delimiter_of, split
from evalweave.reading.header import Names, places, repeats


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_what_a_spreadsheet_would_run_is_text(sign):
    assert neutralised(f"{sign}1") == f"'{sign}1"
    assert neutralised(f"1{sign}") == f"1{sign}"


@pytest.mark.parametrize("words", ["=1", "'=1", "''+a", "- I went", "'Cause", "", "'", "plain"])
def test_the_guard_comes_off_where_a_page_shows_the_words(words):
    assert unguarded(neutralised(words)) == words


def test_of_two_signs_that_split_evenly_the_one_with_more_cells():
    assert delimiter_of("a,b;c,d\n1,2;3,4\n") == ","
    assert delimiter_of("a;b;c,d\n1;2;3,4\n") == ";"
    assert delimiter_of("a|b\n1,5|2\n3|4,5\n") == "|"


def test_a_quote_that_takes_in_rows_is_told_by_their_shape():
    with pytest.raises(DataError, match="row 2: found a quote that takes in the rows"):
        split('a,b\n1,"x\n2,y\n3,z"\n4,w\n', "f.csv", ",")
    rows = split('a,b\n1,"x\ny"\n4,w\n', "f.csv", ",")
    assert rows[1] == (2, ["1", "x\ny"])


@pytest.mark.parametrize("title", ["practice_id", "Practice ID", "practice-id", " PRACTICE  id "])
def test_names_that_differ_in_capitals_blanks_and_hyphens_are_one(title):
    faults = []
    found = places("f.csv", ["x", title], 1, Names(("practice_id",)), faults)
    assert found == {"practice_id": 1} and not faults


def test_columns_of_one_name_are_a_fault():
    [fault] = repeats("f.csv", ["a", "b", "a"], 3)
    assert 'the column "a" 2 times' in str(fault)
    assert repeats("f.csv", ["a", "b", ""], 3) == []
