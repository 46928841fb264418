"""The same content in every way of writing gives every consumer the same table."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalweave.errors import EvalweaveError, raise_faults
from evalweave.estimators.read_panel import read_panel
from evalweave.qualitative import inputs
from evalweave.qualitative.formats import counts, segments, taguette
from evalweave.reading import tables
from evalweave.records import codelists
from evalweave.records.practices import practices_and_notes
from evalweave.study.analyses import Analysis
from evalweave.study.outcomes import Outcome
from evalweave.triangulation.claims import Known, read_claims

WANTED = {"patient_id": True, "practice_id": True, "period": False, "hba1c": False}
PANEL = [
    ["patient_id", "practice_id", "period", "hba1c"],
    ["P1", "Säule", "2015", "57.14"],
    ["P1", "Säule", "2016", "58.063"],
    ["P2", "B", "2015", ""],
]


def panel(path: Path) -> Any:
    return read_panel(path, WANTED, ["patient_id", "practice_id"])[0]


def practices(path: Path) -> Any:
    return practices_and_notes(path)[0]


def codes(path: Path) -> Any:
    codelist, faults = codelists.read("hba1c", path, "snomed")
    raise_faults(faults)
    assert codelist is not None
    return codelist.entries


def claims(path: Path) -> Any:
    analysis = Analysis(name="main", estimator="twfe", outcome="hba1c")
    outcome = Outcome(unit="mmol/mol", plausible=(20, 195))
    return read_claims(path, Known({"main": analysis}, {"hba1c": outcome}))


CONSUMERS: dict[str, tuple[list[list[str]], Callable[[Path], Any]]] = {
    "panel": (PANEL, panel),
    "practices": (
        [["practice_id", "programme_start", "area"], ["A1", "2015-04-01", "Süd"], ["A2", "", ""]],
        practices,
    ),
    "code list": (
        [["code", "term"], ["44054006", "Typ 2, Säule"], ["73211009", "a"]],
        codes,
    ),
    "participants": (
        [
            ["participant_id", "role", "gender", "months_in_programme"],
            ["C1", "client", "weiß", "6.5"],
            ["C2", "link worker", "", ""],
        ],
        inputs.participants,
    ),
    "sources": ([["source", "kind"], ["Gespräch 1", "interview"], ["b", ""]], inputs.sources),
    "links": (
        [["source", "participant", "start", "end"], ["ä", "C1", "1", "9"], ["b", "C2", "", ""]],
        inputs.source_participants,
    ),
    "themes": (
        [["theme_id", "label", "code"], ["T", "Nähe", "trust"], ["U", "Ü", "visits"]],
        lambda path: inputs.themes(path, ["trust", "visits"])[:2],
    ),
    "eligibility": (
        [["participant_id", "theme_id", "eligible", "reason"], ["C1", "T", "yes", "ä"]],
        lambda path: inputs.eligibility(path, ["C1"], ["T"]),
    ),
    "segments": (
        [["source", "code", "quote"], ["a", "trust", "ganz schön"], ["b", "visits", "x, y; z"]],
        segments.read,
    ),
    "counts": (
        [["code", "client", "link worker"], ["Nähe", "3", "2"], ["b", "0", "1"]],
        lambda path: counts.read(path, counts_are="participants").matrix.counts,
    ),
    "highlights": (
        [["id", "document", "tag", "content"], ["1", "ä", "trust", "x"], ["2", "b", "", "y"]],
        taguette.read,
    ),
    "claims": (
        [
            ["claim_id", "theme_id", "proposition", "role", "relation", "analysis", "term"],
            ["c1", "T", "Es hülfe, sehr", "client", "converges", "main", "att"],
        ],
        claims,
    ),
}
CONSUMERS["claims"][0][0].extend(["outcome_unit", "expected_sign", "margin", "declared_on"])
CONSUMERS["claims"][0][1].extend(["mmol/mol", "negative", "0.5", "2018-11-30"])
WAYS = list(
    itertools.product(
        ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"],
        [",", ";", "\t", "|"],
        ["\n", "\r\n", "\r"],
    )
)


def written(rows: list[list[str]], delimiter: str, end: str, pad: str = "") -> str:
    """Return rows as text, cells quoted where they hold a separator or stand for a number with
    one."""

    def cell(text: str) -> str:
        quoted = any(mark in text for mark in ',;\t|"\n')
        return '"' + text.replace('"', '""') + '"' if quoted else f"{pad}{text}{pad}"

    return end.join(delimiter.join(cell(text) for text in row) for row in rows) + end


def same(one: Any, other: Any) -> bool:
    if isinstance(one, pd.DataFrame):
        return bool(one.equals(other))
    if isinstance(one, tuple) and one and isinstance(one[0], pd.DataFrame):
        return all(same(a, b) for a, b in zip(one, other, strict=True))
    if hasattr(one, "log"):  # what was noticed may differ, what was read may not
        one.log.rows.clear()
        other.log.rows.clear()
    return bool(one == other)


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_every_way_gives_the_same(tmp_path: Path, consumer: str) -> None:
    rows, read = CONSUMERS[consumer]
    plain = tmp_path / "t.csv"
    plain.write_text(written(rows, ",", "\n"), encoding="utf-8")
    expected = read(plain)
    for number, (encoding, delimiter, end) in enumerate(WAYS):
        path = tmp_path / str(number) / "t.csv"
        path.parent.mkdir()
        path.write_bytes(written(rows, delimiter, end, "\xa0 "[number % 2]).encode(encoding))
        got = read(path)
        if consumer == "code list":
            assert [entry.code for entry in got] == [entry.code for entry in expected]
        assert same(got, expected), (encoding, delimiter, end)


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_workbooks_packed_files_and_titles_give_the_same(tmp_path: Path, consumer: str) -> None:
    rows, read = CONSUMERS[consumer]
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "t.csv").write_text(written(rows, ",", "\n"), encoding="utf-8")
    expected = read(folder / "t.csv")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    assert same(read(tmp_path / "t.xlsx"), expected)
    (tmp_path / "t.csv").write_bytes(gzip.compress(written(rows, ";", "\r\n").encode()))
    assert same(read(tmp_path / "t.csv"), expected)
    if consumer not in ("counts", "highlights"):  # nothing is required of their columns but one
        titled = "Our study\n\n" + written(rows, ",", "\n") + ",".join(rows[0]) + "\n"
        (tmp_path / "t.csv").write_text(titled, encoding="utf-8")
        assert same(read(tmp_path / "t.csv"), expected)


HOSTILE = {
    "empty": b"",
    "blank": b"\n\n\n",
    "NUL": b"\0" * 100,
    "random": bytes(range(256)) * 20,
    "picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
    "workbook that is none": b"PK\x03\x04" + b"\0" * 50,
    "old workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 50,
    "gzip that is none": b"\x1f\x8b\x08" + b"\0" * 50,
    "Parquet that is none": b"PAR1" + b"\0" * 50,
    "Arrow that is none": b"ARROW1\0\0" + b"\0" * 50,
    "Arrow stream that is none": b"\xff\xff\xff\xff" + b"\0" * 50,
    "Stata that is none": b"<stata_dta><header>" + b"\0" * 50,
    "old Stata that is none": b"\x72\x02\x01\x00" + b"\0" * 50,
    "web page": b"<html><head><title>Log in</title></head></html>",
    "open quote": b'"a,b\nc,d\n',
    "other header": b"some,other,columns\n1,2,3\n",
    "half a character": "ä".encode("utf-16")[:-1],
    "one long cell": b"a" * 200_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("consumer", CONSUMERS)
def test_hostile_files_are_a_sentence_for_everybody(
    tmp_path: Path, consumer: str, kind: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(HOSTILE[kind])
    with pytest.raises(EvalweaveError) as caught:
        CONSUMERS[consumer][1](path)
    assert "t.csv" in str(caught.value)


CELLS = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Cc", "Cs", "Cf"], exclude_characters="\ufeff"
    ),
    max_size=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6),
    st.sampled_from([way for way in WAYS if way[0] != "cp1252"]),
)
def test_cells_come_back_as_they_were(
    tmp_path: Path, cells: list[tuple[str, str]], way: tuple[str, str, str]
) -> None:
    encoding, delimiter, end = way
    rows = [["first", "second"], *([f"x{one}x", f"x{two}x"] for one, two in cells)]
    path = tmp_path / "t.csv"
    path.write_bytes(written(rows, delimiter, end).encode(encoding))
    table = tables.read(path, ["first", "second"])
    assert [[row["first"], row["second"]] for row in table.rows] == rows[1:]
