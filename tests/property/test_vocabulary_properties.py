"""Any case, blank or Unicode form of a known word gives the same tables and measurements."""

from __future__ import annotations

import datetime as dt
import tempfile
import unicodedata
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from evalweave import engine
from evalweave.extract.ingest import ingest
from evalweave.study.records import Extract
from helpers.cleaning import cleaned, rows

EITHER = "1003671000000109"  # a code of HbA1c in either unit
BLANKS = st.text(" \u00a0\u2003\u200b", max_size=2)
FORMS = st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"])
CASES = st.sampled_from([str, str.upper, str.lower, str.title])


def wide(text: str) -> str:
    """Return text in full-width letters."""
    return "".join(chr(ord(mark) + 0xFEE0) if "!" <= mark <= "~" else mark for mark in text)


@st.composite
def written(draw: st.DrawFn, *words: str) -> str:
    """Draw a way to write one of the words."""
    word = draw(CASES)(draw(st.sampled_from(words)))
    word = wide(word) if draw(st.booleans()) else word
    return draw(BLANKS) + unicodedata.normalize(draw(FORMS), word) + draw(BLANKS)


def many(*words: str) -> st.SearchStrategy[list[str]]:
    """Many ways to write the words, for one table: an engine takes its time for each."""
    return st.lists(written(*words), min_size=40, max_size=40)


def table(name: str, header: str, lines: list[tuple[str, ...]]) -> set[tuple[object, ...]]:
    """Return the different rows of a table of the flat format as ingest parses them, less the place
    in the file and the raw text."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        written_rows = "".join(",".join(f'"{cell}"' for cell in line) + "\n" for line in lines)
        (folder / f"{name}.csv").write_text(f"{header}\n{written_rows}", encoding="utf-8")
        extract = Extract(format="flat", path=str(folder))
        paths = [part.path for part in ingest(extract, "duckdb", name, folder / "out")]
        backend = engine.connect("duckdb")
        parsed = rows(backend, engine.parquet_tables(backend, paths))
    left_out = ("source_row", "patient_id")
    return {
        tuple(
            value for key, value in row.items() if key not in left_out and not key.endswith("_text")
        )
        for row in parsed
    }


@settings(max_examples=3, deadline=None)
@given(sexes=many("female", "F", "Woman", "2"), acceptable=many("yes", "Y", "true", "1"))
def test_words_of_a_patient(sexes: list[str], acceptable: list[str]) -> None:
    header = "patient_id,sex,birth_year,acceptable"
    lines = [
        (f"P{n}", sex, "1950", yes)
        for n, (sex, yes) in enumerate(zip(sexes, acceptable, strict=True))
    ]
    plain = table("patients", header, [("P", "female", "1950", "true")])
    assert table("patients", header, lines) == plain
    assert "female" in next(iter(plain)) and True in next(iter(plain))


@settings(max_examples=3, deadline=None)
@given(systems=many("snomed", "snomed_ct", "SNOMED-CT", "SNOMED CT", "snomedct_code"))
def test_names_of_a_coding_system(systems: list[str]) -> None:
    header, event = "patient_id,date,code,code_system", ("P1", "2015-05-01", "44054006")
    plain = table("events", header, [(*event, "snomed")])
    assert table("events", header, [(*event, system) for system in systems]) == plain
    assert "snomed" in next(iter(plain))


@settings(max_examples=3, deadline=None)
@given(
    mmol=many("mmol/mol", "mmol/mol Hb", "mmol per mol"),
    percent=many("%", "per cent", "% of hb", "%{Hb}"),
)
def test_units(mmol: list[str], percent: list[str]) -> None:
    records = [
        {"value": value, "unit": unit, "date": str(start + dt.timedelta(days=day))}
        for value, start, units in (
            ("48", dt.date(2015, 5, 1), mmol),
            ("6.5", dt.date(2016, 5, 1), percent),
        )
        for day, unit in enumerate(units)
    ]
    backend, result = cleaned(records=[{**row, "code": EITHER} for row in records])
    values = [row["value"] for row in rows(backend, result.measurements)]
    assert values == [48.0] * 40 + [(6.5 - 2.152) / 0.09148] * 40
    assert {row["unit_decided_by"] for row in rows(backend, result.measurements)} == {"text"}
