"""What `check` lists of words that nobody could read, from every row."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import ibis
import pytest

from evalweave.extract.spelling import Spelling, counted, unread
from evalweave.study.vocabulary import Vocabulary
from helpers.cleaning import lists, settings

IFCC = "999791000000106"


def noted(vocabulary: Vocabulary) -> list[str]:
    patients = {
        "sex_text": ["aa", "xx", "xx"],
        "acceptable_text": [None, None, "perhaps"],
        "ethnicity": ["White", "Martian", None],
    }
    events = {
        "code_system": ["snomed", "snomed", "snomed", "snomed", "klingon"],
        "code": [IFCC] * 5,
        "unit_text": ["mmol/mol\u00a0", "mmol/frog", "mg/dL", None, None],
    }
    tables: dict[str, Any] = {
        "patients": ibis.memtable(patients),
        "events": ibis.memtable(events),
    }
    study = SimpleNamespace(recorded=settings().outcomes, vocabulary=vocabulary)
    return unread(ibis.duckdb.connect(), tables, lists(), cast(Any, study))


def test_each_unread_spelling_is_listed_with_its_count_and_cost() -> None:
    notes = noted(Vocabulary())
    assert [note.split(";")[0] for note in notes] == [
        'patients, column sex: nobody knows the word "xx" (2 people)',
        'patients, column sex: nobody knows the word "aa" (1 people)',
        'patients, column acceptable: nobody knows the word "perhaps" (1 people)',
        'patients, column ethnicity: nobody knows the group "Martian" (1 people)',
        'events, column code_system: nobody knows the coding system "klingon" (1 records)',
        'events, column unit: "mg/dL" is a unit of something else (1 records, 25.0% of hba1c)',
        'events, column unit: nobody knows the unit "mmol/frog" (1 records, 25.0% of hba1c)',
    ]


def test_what_a_study_teaches_is_not_listed() -> None:
    taught = Vocabulary(units={"mmol/frog": "mmol/mol"}, ethnic_groups={"martian": "other"})
    assert not [note for note in noted(taught) if "frog" in note or "Martian" in note]


@pytest.mark.parametrize(
    ("word", "n", "quoted"),
    [
        ("JOHN SMITH 943 476 5919", 1, False),
        ("JOHN SMITH 943 476 5919", 5, True),  # a phrase of many records
        ("9434765919", 4, False),
        ("born 01021950", 1, False),
        ("mmol/mol Hb", 1, True),
        ("one two three", 1, False),
        ("12345", 1, True),
        ("x" * 21, 1, False),
    ],
)
def test_what_may_be_about_one_person_is_not_quoted(word: str, n: int, quoted: bool) -> None:
    assert (word in str(Spelling(word, n))) == quoted


def test_a_spelling_that_is_not_quoted_is_told_by_its_place() -> None:
    rows = {
        "unit_text": ["JOHN SMITH 943 476 5919"] * 2 + [None, "%"],
        "source_file": ["b.csv", "a.csv", "a.csv", "a.csv"],
        "source_row": [2, 9, 3, 4],
    }
    found = counted(ibis.duckdb.connect(), ibis.memtable(rows), "unit_text")
    assert [(str(each), each.n) for each in found] == [
        ("of 23 characters in a.csv, row 9", 2),
        ('"%"', 1),
    ]
    people = {"sex_text": ["MRS ANNE BROWN 4 HIGH ST"]}
    study: Any = SimpleNamespace(recorded={}, vocabulary=Vocabulary())
    tables: dict[str, Any] = {"patients": ibis.memtable(people | {"ethnicity": ["White"]})}
    (note,) = unread(ibis.duckdb.connect(), tables, {}, study)
    assert "the word of 24 characters (1 people)" in note and "ANNE" not in note
