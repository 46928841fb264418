"""Days in small tables: what is read, what is said of it, and what is refused by its name."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from evalweave.errors import DataError
from evalweave.reading import days
from evalweave.records.practices import practices_and_notes

APRIL = dt.date(2015, 4, 1)


def read(*cells: str) -> days.Days:
    return days.read("practices.csv", "programme_start", list(enumerate(cells, 2)))


@pytest.mark.parametrize(
    "text",
    [
        "2015-04-01",
        "2015/04/01",
        "2015.4.1",
        "2015-4-1",
        "20150401",
        "20150401.0",
        "1-Apr-2015",
        "01APR2015",
        "1 April 2015",
        "April 1, 2015",
        "2015-04-01 00:00:00",
        "2015-04-01T00:00:00.000",
    ],
)
def test_a_day_that_says_by_itself_what_it_means(text: str) -> None:
    column = read(text, "")
    assert column == days.Days({2: APRIL})


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (("01/04/2015", "13/04/2015"), "day/month/year"),
        (("01.04.2015", "13.4.2015"), "day/month/year"),
        (("04/01/2015", "04/13/2015"), "month/day/year"),
    ],
)
def test_the_column_decides_which_comes_first(texts: tuple[str, str], order: str) -> None:
    column = read(*texts)
    assert column.days == {2: APRIL, 3: dt.date(2015, 4, 13)}
    assert order in column.notes[0] and not column.faults


def test_a_day_that_is_its_own_month_is_no_question() -> None:
    assert read("04/04/2015") == days.Days({2: dt.date(2015, 4, 4)})


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (("01/04/2015", "01/04/2016"), "nobody can tell whether the day or the month"),
        (("13/04/2015", "04/13/2015"), "days first in some rows and months first in others"),
        (("1/4/15",), "a year of two digits"),
        (("1-Apr-15",), "a year of two digits"),
        (("42095",), "a number of days"),
        (("31/04/2015",), "no date"),
        (("2015-02-30",), "no date"),
        (("0015-04-01",), "no date"),
        (("2015-04-01 09:30",), "no date"),
        (("1 Marble 2015",), "no date"),
        (("never",), "no date"),
    ],
)
def test_what_is_refused_is_named(texts: tuple[str, ...], what: str) -> None:
    column = read(*texts)
    assert not column.days
    (fault,) = column.faults
    assert what in fault.found and fault.row == 2 and fault.column == "programme_start"


def test_practices_say_how_their_dates_were_read(tmp_path: Path) -> None:
    path = tmp_path / "practices.csv"
    path.write_text("practice_id,programme_start,contributes_to\nA,01/04/2015,31/03/2019\nB,,\n")
    with pytest.raises(DataError, match="nobody can tell"):
        practices_and_notes(path)
    path.write_text("practice_id,programme_start,contributes_to\nA,20150401,31/03/2019\nB,,\n")
    frame, notes = practices_and_notes(path)
    assert frame["programme_start"].iloc[0] == APRIL
    assert frame["contributes_to"].iloc[0] == dt.date(2019, 3, 31)
    assert [note for note in notes if "contributes_to" in note and "day/month/year" in note]
