"""What an extract holds and nothing reads is said: by `check` in notes, by `init --from` in
questions; and messages say under which table a column goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalweave import engine
from evalweave.errors import StudyError
from evalweave.extract import checking, guessing, overlooked, survey
from evalweave.extract.readers import reader
from evalweave.study.records import Extract
from evalweave.study.vocabulary import Vocabulary

DATASET = (
    "patient_id,sex,date_of_birth,practice_pseudo_id,practice_start_date,practice_end_date,DoD,"
    "hba1c_date_2015,hba1c_2015\n"
    "1,F,1950-01-01,7055,2001-02-03,,,2015-06-02,49\n"
    "2,M,1960-01-01,7055,2001-02-03,2016-01-05,2016-01-05,2015-07-02,51\n"
)
HBA1C = [{"date": "hba1c_date_*", "value": "hba1c_*", "code": "999791000000106", "unit": "%"}]
SPELL = {"registrations": {"start": "practice_start_date"}}


def looked(
    folder: Path, name: str = "patients.csv", **said: object
) -> tuple[checking.Overview, list[str]]:
    """Look a dataset over; return what was found, and the facts that nobody has."""
    (folder / name).write_text(DATASET)
    extract = Extract.model_validate(
        {"path": str(folder), "files": {"patients": name}, "events_in_patients": HBA1C} | said
    )
    backend = engine.connect("duckdb")
    overview = checking.look_over(backend, extract, folder, Vocabulary())
    return overview, overlooked.for_nobody(backend, overview.tables, named=True)


def test_check_names_what_nothing_reads(tmp_path: Path) -> None:
    overview, nobody = looked(tmp_path, columns=SPELL)
    assert overview.faults == []
    (said,) = (note for note in overview.notes if "not read" in note)
    # columns of events and of registrations in the same rows are read
    assert "patients.csv: columns that are not read: practice_end_date, DoD." in said
    assert "columns: {registrations: {end: ITS_NAME}}" in said
    assert [note.partition(",")[0] for note in nobody] == [
        "registrations: end is blank throughout",
        "patients: death_date is blank throughout",
    ]


def test_a_leaver_ends_the_note(tmp_path: Path) -> None:
    columns = {
        "registrations": {"start": "practice_start_date", "end": "practice_end_date"},
        "patients": {"death_date": "DoD"},
    }
    overview, nobody = looked(tmp_path, columns=columns)
    assert nobody == [] and not any("not read" in note for note in overview.notes)


def test_a_column_that_is_missing_is_said_with_its_table(tmp_path: Path) -> None:
    overview, _ = looked(tmp_path)
    (said,) = overview.faults
    assert 'expected a column "start"' in said
    assert "columns: {registrations: {start: ITS_NAME}}" in said
    with pytest.raises(StudyError, match="belongs to registrations") as caught:
        reader("flat").find(
            Extract(path=str(tmp_path), columns={"patients": {"start": "joined"}}), "patients"
        )
    assert "columns: {registrations: {start: joined}}" in str(caught.value)


@pytest.mark.parametrize("name", ["patients.csv", "dataset.csv", "came.csv"])
def test_init_finds_a_dataset_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(DATASET)
    (tmp_path / "practices.csv").write_text("practice_id,programme_start\n7055,2015-04-01\n")
    extract = guessing.proposed(tmp_path, survey.format_of(tmp_path))
    assert extract.files == ({} if name == "patients.csv" else {"patients": name})
    assert extract.columns == {
        "registrations": {"start": "practice_start_date", "end": "practice_end_date"}
    }
    assert [each.place for each in extract.events_in_patients] == [("hba1c_date_*", "hba1c_*")]


def test_init_asks_who_left_where_it_asks_who_came(tmp_path: Path) -> None:
    text = DATASET.replace("practice_start_date,practice_end_date", "came,gone")
    (tmp_path / "dataset.csv").write_text(text)
    came = survey.of_folder(tmp_path)
    seen = survey.survey(engine.connect("duckdb"), came, tmp_path, {}, {})
    asked = "\n".join(seen.questions)
    for words in ('a column "start"', "when people left their practice", "when people died"):
        assert words in asked
    assert any("not read: came, gone, DoD" in found for found in seen.found)
