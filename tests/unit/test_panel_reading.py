"""From a table to a checked panel: rows that are refused, filled or read as never, one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from evalweave.errors import DataError
from evalweave.estimators.panel_data import panel_data
from evalweave.estimators.panel_identity import levels
from evalweave.estimators.read_panel import read_panel
from evalweave.reading import columnar
from evalweave.study.analyses import AnalysisOptions, Columns

COLUMNS = Columns(outcome="y", weight="weight")


def table(periods=(2011, 2012, 2013), **columns):
    """Two patients of two practices; `columns` replace whole columns."""
    n = len(periods)
    frame = pd.DataFrame(
        {
            "patient_id": ["a"] * n + ["b"] * n,
            "practice_id": ["g"] * n + ["h"] * n,
            "period": [*periods, *periods],
            "first_treated": [2013.0] * n + [np.nan] * n,
            "y": np.arange(2.0 * n),
            "weight": 1.0,
        }
    )
    return frame.assign(**columns)


def read(frame, **options):
    return panel_data(frame, COLUMNS, AnalysisOptions(name="r", estimator="twfe", **options))


def refused(frame):
    with pytest.raises(DataError) as error:
        read(frame)
    return str(error.value)


def notes(frame, **options):
    return " ".join(read(frame, **options).notes)


def test_a_fault_names_the_row_as_the_file_shows_it():
    assert "row 6, column weight" in refused(table(weight=[1, 1, 1, 1, -1, 1]))


def test_two_rows_of_a_unit_and_period():
    twice = refused(table(period=[2011, 2012, 2013, 2011, 2013, 2013]))
    assert "row 7, column period: found 1 further rows" in twice


def test_a_row_without_an_identifier():
    blank = refused(table(patient_id=["a", "a", None, "b", "b", "b"]))
    assert "row 4, column patient_id: found 1 rows without an identifier" in blank
    assert "without an identifier" in refused(table(patient_id=["a", "a", "", "b", "b", "b"]))


def test_identifiers_that_a_number_cannot_hold():
    big = [2.0**54] * 3 + [2.0**54 + 4] * 3
    assert "numbers that a computer has rounded" in refused(table(patient_id=big))


@pytest.mark.parametrize("practices", [["g", "g", "h"], ["h", "h", "g"]])
def test_a_unit_lies_in_one_practice(practices):
    moved = refused(table(practice_id=[*practices, "h", "h", "h"]))
    assert "row 4, column practice_id: found 1 change within a unit" in moved


def test_what_never_changes_is_known_in_all_rows_of_a_patient_if_in_one():
    panel = read(table(x=[np.nan, 5.0, np.nan, 7.0, 7.0, np.nan]), covariates=["x"])
    np.testing.assert_array_equal(panel.covariates["x"], [5, 5, 5, 7, 7, 7])
    assert "x=unknown" not in panel.covariates


def test_starts_of_two_digits_are_years_of_this_century_or_the_last():
    frame = table((1998, 1999, 2000), first_treated=[99] * 3 + [None] * 3)
    assert set(read(frame).first_treated) == {1999.0, np.inf}
    frame = table((2014, 2015, 2016), first_treated=[15] * 3 + [None] * 3)
    assert set(read(frame).first_treated) == {2015.0, np.inf}
    assert "(15 = 2015)" in notes(frame)


def test_starts_after_the_panel_are_never_beyond_the_anticipation():
    frame = table(first_treated=[2014] * 3 + [2015] * 3)
    assert set(read(frame, anticipation=1).first_treated) == {2014.0, np.inf}
    assert set(read(frame).first_treated) == {np.inf}
    assert "1 units start after the last period (2015)" in notes(frame, anticipation=1)


def test_starts_in_the_first_period_are_counted():
    frame = table(first_treated=[2011] * 3 + [None] * 3)
    assert "1 units start in or before the first period" in notes(frame)
    assert "in or before" not in notes(table())


@pytest.mark.parametrize("code", [9999, 99999, 10000])
def test_nines_and_powers_of_ten_are_never_beside_calendar_periods(code):
    frame = table((201411, 201412, 201501), first_treated=[201501] * 3 + [code] * 3)
    assert list(read(frame).first_treated) == [3, 3, 3, np.inf, np.inf, np.inf]
    assert f"first_treated: {code} was read as never treated (3 rows)." in notes(frame)


@pytest.mark.parametrize("periods", [(201501, 201502, 201503), (50001, 50002, 50003)])
def test_nines_far_below_the_periods_are_never_too(periods):
    frame = table(periods, first_treated=[periods[1]] * 3 + [9999] * 3)
    assert list(np.isinf(read(frame).first_treated)) == [False] * 3 + [True] * 3
    assert "9999 was read as never treated (3 rows)." in notes(frame)


def test_a_code_near_the_periods_is_a_start():
    frame = table((1000, 1001, 1002), first_treated=[1001] * 3 + [999] * 3)
    assert list(read(frame).first_treated) == [1001] * 3 + [999] * 3
    assert "1 units start in or before the first period" in notes(frame)


def test_periods_of_unequal_gaps_are_numbered_by_their_unit():
    frame = table(("2015-01", "2015-03", "2015-06"), first_treated=["2015-06"] * 3 + [None] * 3)
    panel = read(frame)
    assert list(panel.period) == [1, 3, 6, 1, 3, 6]
    assert panel.first_treated[0] == 6


def test_levels_that_are_numbers_stand_in_their_order():
    codes, names = levels(pd.Series(["10", "9", "unknown", "2"]))
    assert names == ("2", "9", "10")
    assert list(codes) == [2, 1, -1, 0]


def test_labels_of_a_stata_file_are_for_people_not_for_numbers(tmp_path):
    path = tmp_path / "panel.dta"
    labels = {"smokes": {0: "no", 1: "yes"}, "sex": {0: "man", 1: "woman"}}
    frame = pd.DataFrame({"smokes": [0, 1, 1], "sex": [1, 0, 1]})
    frame.to_stata(path, write_index=False, value_labels=labels)
    found, _ = read_panel(path, {"smokes": False, "sex": True})
    assert list(found["smokes"]) == [0, 1, 1]
    assert list(found["sex"]) == ["woman", "man", "woman"]


def test_only_what_may_be_a_cut_identifier_is_looked_at_cell_by_cell():
    """A pseudonym may hold an E between digits; millions of rows do."""

    def shown(text: str) -> bool:
        column = pa.chunked_array([["P3E40000AB", text, None]])
        return columnar.identifiers(column, "panel.csv", "practice_id", range(3)) is not None

    assert not any(map(shown, ["S1E5", "1E5", "1E5.0", "12.01", "123456789012345"]))
    assert all(map(shown, ["1.26E+16", "1E+5", "1,2e5", "12.0", "1234567890123450"]))


@pytest.mark.parametrize(
    ("ids", "kind", "read"),
    [
        (["b", "a", "b"], "category", ["b", "a", "b"]),
        (["b", " a", "b"], "str", ["b", "a", "b"]),
        (["7.0", "8.0", "7.0"], "str", ["7", "8", "7"]),
        (["b", "NA", "b"], "str", ["b", None, "b"]),
    ],
)
def test_identifiers_of_parquet_are_categories_where_they_need_no_correction(
    ids, kind, read, tmp_path
):
    pd.DataFrame({"who": ids, "y": [1.0, 2.0, 3.0]}).to_parquet(tmp_path / "p.parquet")
    wanted = {"who": True, "y": False}
    frame, notes = read_panel(tmp_path / "p.parquet", wanted, ["who"], as_categories=True)
    assert frame["who"].dtype == kind and bool(notes) == (read != ids and None not in read)
    assert frame["who"].astype(object).where(frame["who"].notna(), None).tolist() == read
    plain, said = read_panel(tmp_path / "p.parquet", wanted, ["who"])
    assert plain["who"].dtype == "str" and said == notes
