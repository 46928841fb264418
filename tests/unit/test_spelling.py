"""What `check` lists of words that nobody could read, from every row."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import ibis

from evalweave.extract.spelling import unread
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
        "unit_text": ["mmol/mol\u00a0", "mmol per frog", "mg/dL", None, None],
    }
    tables: dict[str, Any] = {
        "patients": ibis.memtable(patients),
        "events": ibis.memtable(events),
    }
    study = SimpleNamespace(outcomes=settings().outcomes, vocabulary=vocabulary)
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
        'events, column unit: nobody knows the unit "mmol per frog" (1 records, 25.0% of hba1c)',
    ]


def test_what_a_study_teaches_is_not_listed() -> None:
    taught = Vocabulary(units={"mmol per frog": "mmol/mol"}, ethnic_groups={"martian": "other"})
    assert not [note for note in noted(taught) if "frog" in note or "Martian" in note]
