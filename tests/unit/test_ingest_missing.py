"""Words that stand for a blank: told when they are not declared, blanks when they are."""

from __future__ import annotations

from pathlib import Path

from helpers.extracts import HEADER, put, rows

SPELLS = "patient_id,practice_id,start,end\n" + "".join(
    f"P{n},A,2010-01-01,{'2018-01-01' if n % 9 == 0 else 'NA'}\n" for n in range(30)
)


def test_words_for_missing_are_no_dates(tmp_path: Path) -> None:
    """The vocabulary knows NA; it needs no word in the study file."""
    put(tmp_path, SPELLS, "registrations.csv")
    spells = rows(tmp_path, "registrations")
    assert sum(row["end"] is None and row["end_text"] is None for row in spells) == 26


def test_declared_words_are_blanks_everywhere_and_no_others(tmp_path: Path) -> None:
    put(tmp_path, HEADER + "P1,2015-05-01,1, NA ,NULL\nNA,2015-05-01,NA,NAN,NA+\n")
    first, second = rows(tmp_path, missing=["NA", "NULL"])
    assert (first["value_text"], first["unit_text"]) == (None, None)
    assert [second[name] for name in ("patient_id", "code", "value_text", "unit_text")] == [
        None,
        None,
        "NAN",
        "NA+",
    ]
    assert rows(tmp_path)[0]["value_text"] == "NA"


def test_other_words_are_unreadable_dates(tmp_path: Path) -> None:
    put(tmp_path, HEADER + "P1,2015-05-01,1,48,\n" * 200 + "P1,soon,1,48,\nP1,n/a,1,48,\n")
    assert [row["date_text"] for row in rows(tmp_path)[-2:]] == ["soon", None]


def test_in_every_format_and_its_lookups(tmp_path: Path) -> None:
    aurum, omop = tmp_path / "aurum", tmp_path / "omop"
    aurum.mkdir()
    omop.mkdir()
    put(
        aurum,
        "patid\tobsdate\tmedcodeid\tvalue\tnumunitid\r\n1\t01/05/2015\t1\t48\tNULL\r\n",
        "x_extract_observation_1.txt",
    )
    put(aurum, "numunitid\tDescription\r\nNULL\tmmol/mol\r\n", "NumUnit.txt")
    said = {"format": "cprd_aurum", "date_format": "dmy", "missing": ["NULL"]}
    assert rows(aurum, **said)[0]["unit_text"] is None
    put(
        omop,
        "person_id,gender_concept_id,year_of_birth,month_of_birth\nNULL,8532,1950,NULL\n1,8532,1950,1\n",
        "person.csv",
    )
    put(omop, "person_id,death_date\n1,NULL\n", "death.csv")
    first, second = rows(omop, "patients", format="omop", missing=["NULL"])
    assert (first["patient_id"], first["birth_month"], second["death_date_text"]) == (
        None,
        None,
        None,
    )
