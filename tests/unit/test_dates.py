"""Dates as extracts come with them: read where the form is unmistakable, else refused by name.

Forms: Oracle and SAS (31-OCT-2023), CPRD and hospitals (20150401), spreadsheets (day numbers),
moments with a zone (a database's UTC), ISO 8601 of web services.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import ibis

from evalweave import engine
from evalweave.extract import dates
from helpers import cleaning
from helpers.extracts import HEADER, put, read, refused, rows

DAYS = [dt.date(2015, 4, 1), dt.date(2014, 12, 31), dt.date(2016, 2, 29), dt.date(2011, 10, 13)]
FORMS = ["%d-%b-%Y", "%d-%B-%Y", "%d%b%Y", "%B %d, %Y", "%d %b %Y", "%d-%b-%Y 00:00:00"]
FORMS += ["%Y%m%d", "%Y/%m/%d", "%Y.%m.%d", "%Y/%m/%d 10:30", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y"]
FORMS += ["%Y-%m-%dT00:00:00+00:00", "%Y-%m-%d 12:00:00", "%Y%m%d.0", "%d%b%Y:00:00:00"]


def events(cells: Sequence[str]) -> str:
    return HEADER + "".join(f'P1,"{cell}",999791000000106,48,mmol/mol\n' for cell in cells)


def test_a_form_that_every_cell_of_a_file_has_is_read_and_said(tmp_path: Path) -> None:
    for place, form in enumerate(FORMS):
        case = (str, str.upper, str.lower)[place % 3]
        put(tmp_path, events([case(day.strftime(form)) for day in DAYS]), f"events_{place}.csv")
    parts = read(tmp_path)
    assert len(parts) == len(FORMS)
    assert [row["date"] for row in rows(tmp_path)] == DAYS * len(FORMS)
    notes = {note for part in parts for note in part.notes}
    assert "events_0.csv, column date: every date is written as 30-APR-2015 (month_name), and " in (
        " ".join(notes)
    )


def at_home(cells: Sequence[str], zone: str = "Europe/London") -> list[dt.date | None]:
    backend = engine.connect("duckdb")
    table = ibis.memtable({"text": list(cells)})
    whole = table.select(day=dates.date(table.text, "iso", zone))
    return backend.to_pyarrow(whole)["day"].to_pylist()


def test_a_moment_with_a_zone_is_the_day_that_it_was_at_home() -> None:
    first, last = dt.date(2015, 4, 1), dt.date(2015, 3, 31)
    summer = ["2015-03-31T23:00:00Z", "2015-03-31 23:00:00+00", "2015-03-31T23:00Z"]
    summer += [
        "2015-03-31 23:00:00 UTC",
        "2015-04-01T00:00:00+01:00",
        "2015-04-01T00:00:00.000+0100",
    ]
    summer += [
        "2015-03-31T19:00:00-04:00",
        "2015-03-31T23:00:00.000000Z",
        "2015-04-01T05:30:00+05:30",
    ]
    assert at_home(summer) == [first] * len(summer)
    assert at_home(["2015-03-31T22:59:59Z", "2015-03-31T23:00:00", "2015-03-31"]) == [last] * 3
    assert at_home(["2015-01-01T00:00:00Z", "2014-12-31T23:00:00Z"]) == [
        dt.date(2015, 1, 1),
        dt.date(2014, 12, 31),
    ]
    assert at_home(["2015-03-31T23:00:00Z"], "Etc/UTC") == [last]
    assert at_home(["2015-02-30T23:00:00Z", "2015-03-31T25:00:00Z", "Z"]) == [None] * 3


def test_day_numbers_are_refused_and_read_when_declared(tmp_path: Path) -> None:
    put(tmp_path, events(["42095", "42004.0", "42429.5"]))
    said = refused(tmp_path)
    assert "3 of 3 dates as numbers of days" in said
    assert "excel_1900" in said and "excel_1904" in said and "columns are swapped" not in said
    days = [dt.date(2015, 4, 1), dt.date(2014, 12, 31), dt.date(2016, 2, 29)]
    assert [row["date"] for row in rows(tmp_path, date_format="excel_1900")] == days
    later = [day + dt.timedelta(days=1462) for day in days]
    assert [row["date"] for row in rows(tmp_path, date_format="excel_1904")] == later
    put(tmp_path, events(["20179"]))
    assert [row["date"] for row in rows(tmp_path, date_format="days_since_1960")] == days[:1]


def test_years_of_two_digits_are_refused(tmp_path: Path) -> None:
    forms = ["%d/%m/%y", "%d-%b-%y", "%d%b%y", "%d.%m.%y", "%y-%m-%d"]
    for place, form in enumerate(forms):
        put(tmp_path, events([day.strftime(form) for day in DAYS]), f"events_{place}.csv")
    assert refused(tmp_path).count("4 of 4 dates with a year of two digits") == len(forms)


def test_forms_that_are_mixed_are_refused(tmp_path: Path) -> None:
    put(tmp_path, events(["2015-04-01", "01-APR-2015", "2015-04-02"]))
    assert "only fit 30-APR-2015 (month_name)" in refused(tmp_path)
    put(tmp_path, events(["20150401", "01-APR-2015"]))
    assert "Forms are mixed" in refused(tmp_path)
    put(tmp_path, events(["01/02/2015", "03/04/2015"]))
    assert "fit 30/04/2015 (dmy) or 04/30/2015 (mdy)" in refused(tmp_path)


def test_an_impossible_date_among_many_does_not_hide_their_form(tmp_path: Path) -> None:
    put(tmp_path, events(["01-APR-2015"] * 150 + ["31-FEB-2015"]))
    days = [row["date"] for row in rows(tmp_path)]
    assert days == [dt.date(2015, 4, 1)] * 150 + [None]


def test_one_of_several_files_may_be_written_in_another_form(tmp_path: Path) -> None:
    put(tmp_path, events(["2015-04-01"]), "events_1.csv")
    put(tmp_path, events(["13/04/2015"]), "events_2.csv")
    assert [row["date"] for row in rows(tmp_path)] == [dt.date(2015, 4, 1), dt.date(2015, 4, 13)]


def test_no_month_is_guessed(tmp_path: Path) -> None:
    put(tmp_path, events(["31-MAYBE-2015", "12-MAI-2015"]))
    said = refused(tmp_path)
    assert "2 of 2 cells that are no dates of any known form" in said
    assert "columns are swapped" not in said


def test_a_birth_date_does_for_the_year_and_month(tmp_path: Path) -> None:
    for name, cells in {
        "date_of_birth": ["1957-06-01", "1960-12-31"],
        "birth_year": ["01-JUN-1957", "31-DEC-1960"],
        "dob": ["19570601", "19601231"],
        "year_of_birth": ["1957", "1960"],
    }.items():
        put(tmp_path, f"patient_id,sex,{name}\nP1,F,{cells[0]}\nP2,M,{cells[1]}\n", "patients.csv")
        known = rows(tmp_path, "patients")
        assert [row["birth_year"] for row in known] == [1957, 1960]
        months = [None, None] if name == "year_of_birth" else [6, 12]
        assert [row["birth_month"] for row in known] == months


def test_registrations_may_stand_in_the_table_of_patients(tmp_path: Path) -> None:
    header = "patient_id,sex,date_of_birth,practice_pseudo_id,registration_start,registration_end\n"
    put(tmp_path, header + "P1,female,1957-06-01,A,2010-01-01,\n", "patients.csv")
    (spell,) = rows(tmp_path, "registrations")
    assert (spell["practice_id"], spell["start"], spell["end"]) == ("A", dt.date(2010, 1, 1), None)
    (person,) = rows(tmp_path, "patients")
    assert (person["birth_year"], person["birth_month"]) == (1957, 6)
    put(tmp_path, "patient_id,sex,birth_year\nP1,female,1957\n", "patients.csv")
    assert "found no registrations" in refused(tmp_path, "registrations")


def test_a_year_beside_dates_of_birth_is_a_year_whatever_the_form_of_dates() -> None:
    """A cell of four digits is a year, also where the declared form could read it as a day."""
    for form in ("iso", "yyyymmdd", "excel_1900"):
        table = cleaning.parsed("patients", [{"birth_year": "1950"}, {"birth_year": "3000"}], form)
        year, none = engine.connect("duckdb").to_pyarrow(table).to_pylist()
        assert (year["birth_year"], year["birth_month"]) == (1950, None), form
        assert year["birth_year_text"] is None
        assert none["birth_month"] is None or form == "excel_1900"


def test_a_query_does_not_grow_by_repeating_a_column_s_expression_in_another() -> None:
    """A column's expression is copied wherever the column is used: uses within uses multiply."""
    backend = engine.connect("duckdb")
    for unit in cleaning.TABLE:
        for form in ("iso", "dmy", "month_name"):
            query = backend.compile(cleaning.parsed(unit, [{}], form))
            assert len(query) < 100_000, (unit, form, len(query))
