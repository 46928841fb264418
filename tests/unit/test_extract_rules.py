"""Rules by which a whole file is read or refused, at the place where each turns."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

from evalweave import engine
from evalweave.extract import parsing, parts, sanity
from evalweave.extract.date_faults import Seen
from evalweave.extract.date_faults import faults as date_faults
from evalweave.extract.dates import Dates, date, unmistakable
from evalweave.extract.lookups import together


@pytest.mark.parametrize(
    ("fits", "form"),
    [
        ({"dmy": 200, "mdy": 80}, "dmy"),  # some day is above 12
        ({"dmy": 200, "mdy": 200}, None),  # every day may be a month
        ({"dmy": 199, "mdy": 80}, None),  # a typing error beside exchangeable ones
        ({"month_name": 198, "ymd": 0}, "month_name"),
        ({"month_name": 197, "ymd": 0}, None),  # fewer than 99 in a hundred
        ({"month_name": 198, "ymd": 1}, None),  # another form beside it
    ],
)
def test_a_form_is_sure_only_where_nothing_else_could_be(
    fits: dict[str, int], form: str | None
) -> None:
    assert unmistakable(200, 200, fits) == form
    assert unmistakable(201, 200, fits) is None  # one cell is written as declared


def test_a_hundredth_of_odd_cells_is_typing_errors() -> None:
    for kind in ({"fits": {"dmy": 2}}, {"two_digit_years": 2}, {"day_numbers": 2}):
        seen: dict[str, Any] = {"unreadable": 2, **kind}
        assert date_faults("events.csv", "date", Seen(200, **seen), "iso") == []
        assert len(date_faults("events.csv", "date", Seen(199, **seen), "iso")) == 1


def test_half_unreadable_is_not_most() -> None:
    assert date_faults("events.csv", "date", Seen(10, 5), "iso") == []
    (fault,) = date_faults("events.csv", "date", Seen(10, 6), "iso")
    assert "6 of 10 cells that are no dates of any known form" in str(fault)


def test_whole_numbers() -> None:
    texts = ["1950", "1950.0", "1950.5", "19x0", "1_950", "-3", "1e3"]
    table = ibis.memtable({"text": texts})
    made = table.select(n=parsing.whole_number(table.text))
    found = engine.connect("duckdb").to_pyarrow(made)["n"].to_pylist()
    assert found == [1950, 1950, None, None, None, -3, 1000]


def counted(**changed: int) -> dict[str, int]:
    """Counts of a file of events in which nothing is odd, but for what `changed` says; two
    underscores stand for a colon."""
    columns = sanity.IDENTIFIERS["events"]
    kinds = ("exponential", "pointed", "fraction", "any")
    seen = {f"{kind}:{column}": 0 for kind in kinds for column in columns}
    seen |= {"decimal_comma": 0, "filled:value": 500}
    return seen | {name.replace("__", ":"): n for name, n in changed.items()}


def faults(**changed: int) -> list[str]:
    made = sanity.of_cells("events.csv", "events", counted(**changed), {}, Dates())
    return [str(fault) for fault in made]


def test_a_hundredth_of_decimal_commas_is_typing_errors() -> None:
    assert faults(decimal_comma=5) == []
    (said,) = faults(decimal_comma=6)
    assert "decimal commas in 6 of 500 values" in said


def test_codes_with_points_are_no_numbers_cut() -> None:
    assert faults(pointed__code=3, fraction__code=1) == []  # 250.0 beside 250.1
    (said,) = faults(pointed__code=3, any__code=9)
    assert '".0" at the end of 3 of 9 identifiers' in said
    (said,) = faults(exponential__patient_id=1, pointed__patient_id=3)
    assert "1 cells in exponential form" in said


def test_rows_with_too_few_and_with_too_many_cells_are_named(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("a,b,c\n1,2,3\n1,2\n1,2,3,4\n1,2\n")
    few, many = sanity.of_rows("events.csv", path, ",", 3, quoted=True)
    assert "row 3: found 2 cells (also in row 5), expected 3" in str(few)
    assert "row 4: found 4 cells, expected 3" in str(many)


def test_a_file_cut_inside_its_last_row_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("a,b,c\n1,2,3\n1,2\n1,2")
    cut, few = sanity.of_rows("events.csv", path, ",", 3, quoted=True)
    assert "row 4: found the end of the file in the middle of a row" in str(cut)
    assert "row 3: found 2 cells, expected 3" in str(few)
    path.write_text("a,b,c\n1,2,3\n1,2\n")  # short, but ended
    (few,) = sanity.of_rows("events.csv", path, ",", 3, quoted=True)
    assert "row 3: found 2 cells, expected 3" in str(few)


def test_a_lookup_gives_each_key_once(tmp_path: Path) -> None:
    rows = {
        "unit:0": {"ID": ["1", "1", "2", None], "Name": ["mmol/mol", "%", "NA", "kPa"]},
        "unit:1": {"id": ["1", "3"], "name": ["a", "mmHg"]},
        "other:0": {"x": ["1"]},
    }
    made = together(
        "unit",
        {name: tmp_path / name for name in rows},
        lambda name: ibis.memtable(pa.table(rows[name])),
        "id",
        ("name",),
        missing=("NA",),
    )
    assert made is not None
    found = engine.connect("duckdb").to_pyarrow(made).to_pylist()
    names = {row["id"]: row["name"] for row in found}
    assert len(found) == 3 and names == {"1": "%", "2": None, "3": "mmHg"}


def test_a_column_is_blank_throughout_only_if_every_file_lacks_it(tmp_path: Path) -> None:
    def part(*blank: str) -> parts.Part:
        return parts.Part("a.csv", "", tmp_path, 10, 10, {}, blank, ())

    def read(*some: parts.Part) -> str:
        ledger = parts.ledger("events", list(some))
        return str(ledger.loc[ledger["entry"] == "kept", "reason"].iloc[0])

    assert read(part("unit_text"), part()) == "rows read"
    both = read(part("unit_text", "value"), part("unit_text"))
    assert both == "rows read; blank throughout: unit_text"


@pytest.mark.parametrize(
    ("form", "day"), [("dmy", dt.date(2015, 4, 1)), ("mdy", dt.date(2015, 1, 4))]
)
def test_the_order_of_day_and_month_is_the_declared_one(form: str, day: dt.date) -> None:
    table = ibis.memtable({"text": ["01/04/2015", "1/4/2015", "01.04.2015", "1-4-2015 10:30"]})
    made = table.select(day=date(table.text, form))
    assert engine.connect("duckdb").to_pyarrow(made)["day"].to_pylist() == [day] * 4
