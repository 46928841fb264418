"""Roll-up by set union, attribution of turns, and the tables that people write beside a project."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from evalweave.errors import DataError
from evalweave.qualitative import inputs
from evalweave.qualitative.attribution import speakers
from evalweave.qualitative.cooccurrence import intersection, union
from evalweave.qualitative.counts import theme_counts
from evalweave.qualitative.readers import load
from evalweave.qualitative.saturation import saturation
from helpers.coded_projects import beside, turns_as_map, write_qdpx

DATA = Path(__file__).parents[1] / "reference" / "data" / "qualitative"


def test_union_is_not_the_sum_of_the_children(tmp_path: Path) -> None:
    """Taguette's sample: 7 references on 5 spans by 2 people; adding the children's people says
    3."""
    settings = beside(tmp_path, DATA / "taguette.sqlite3", "taguette", sources=None, attributes=[])
    (tmp_path / "participants.csv").write_text(
        "participant_id,role\nC01,speaker\nC02,speaker\nC03,speaker\nLW03,speaker\nLW05,speaker\nLW07,speaker\n"
    )
    (tmp_path / "themes.csv").write_text("theme_id,label,code\nsupport,Support,support\n")
    turns = [
        (30, 115, "LW03"),
        (116, 200, "LW05"),
        (201, 319, "LW03"),
        (320, 431, "LW07"),
        (432, 511, "LW05"),
        (536, 638, "LW07"),
    ]
    rows = [f"FG1_link_workers,{who},{start},{end}" for start, end, who in turns]
    rows += [
        "C01_initial_interview,C01,,",
        "C01_final_interview,C01,,",
        "C02_initial_interview,C02,,",
        "C03_initial_interview,C03,,",
    ]
    (tmp_path / "map.csv").write_text("source,participant,start,end\n" + "\n".join(rows) + "\n")
    (tmp_path / "kinds.csv").write_text("source,kind\nFN_2019-11-14_office,field_note\n")
    settings = settings.model_copy(
        update={
            "source_participants": str(tmp_path / "map.csv"),
            "sources": str(tmp_path / "kinds.csv"),
        }
    )
    project = load(DATA / "taguette.sqlite3", settings)
    counts = theme_counts(project)
    whole = counts[counts["code_id"].isna()]
    assert whole["n_references"].sum() == 7  # 5 in people's words, 2 in the field note
    assert whole["n_participants"].sum() == 2
    children = counts[counts["code_id"].isin(["support > accompanied", "support > practical"])]
    assert children["n_participants"].sum() == 3
    below = project.codings[project.codings["code_id"].str.startswith("support")]
    assert len(below) == 7 and below["segment_id"].nunique() == 5


def attributed(folder: Path, rows: str, quote: str) -> list[str]:
    (folder / "map.csv").write_text("source,participant,start,end\n" + rows)
    project = write_qdpx(folder / "p.qdpx")
    read = load(
        project, beside(folder, project, "refi_qda", source_participants=str(folder / "map.csv"))
    )
    segment = read.segments.loc[read.segments["quote"] == quote, "segment_id"].iloc[0]
    found = speakers(read)
    return found.loc[found["segment_id"] == segment, "participant_id"].tolist()


def test_a_slip_over_a_neighbours_turn_does_not_make_them_a_speaker(tmp_path: Path) -> None:
    # "Money was short" stands at 64–79
    assert attributed(
        tmp_path, "C01_interview,C01,0,66\nC01_interview,C02,66,90\n", "Money was short"
    ) == ["C02"]


def test_a_stretch_over_two_whole_turns_has_two_speakers(tmp_path: Path) -> None:
    assert attributed(
        tmp_path, "C01_interview,C01,60,71\nC01_interview,C02,71,79\n", "Money was short"
    ) == [
        "C01",
        "C02",
    ]


def test_a_whole_source_yields_to_another_persons_turn(tmp_path: Path) -> None:
    rows = "C01_interview,C01,,\nC01_interview,C02,60,90\n"
    assert attributed(tmp_path, rows, "Money was short") == ["C02"]
    assert attributed(tmp_path, rows, "She came along 🙂 to the class with me.") == ["C01"]


def test_stretches() -> None:
    assert union([(5, 9), (0, 3), (2, 4), (4, 5)]) == [(0, 9)]
    assert intersection([(0, 4), (6, 10)], [(3, 7), (9, 12)]) == [(3, 4), (6, 7), (9, 10)]
    assert intersection([(0, 4)], [(4, 8)]) == []


def test_saturation_ends_at_all_codes_and_never_falls(tmp_path: Path) -> None:
    project = write_qdpx(tmp_path / "p.qdpx")
    curve = saturation(
        load(project, beside(tmp_path, project, "refi_qda")), "client", draws=50, seed=3
    )
    assert curve["n"].tolist() == [1, 2] and curve["mean"].iloc[-1] == 2
    assert curve["mean"].is_monotonic_increasing and (curve["low"] <= curve["high"]).all()


# Tables beside the project
# --------------------------------------------------------------------------------


def test_every_fault_of_every_table_is_said_at_once(tmp_path: Path) -> None:
    project = write_qdpx(tmp_path / "p.qdpx")
    settings = beside(tmp_path, project, "refi_qda", eligibility=str(tmp_path / "eligibility.csv"))
    (tmp_path / "themes.csv").write_text(
        "theme_id,label,code\nhelp,Help,suport\nwork,,targets\nwork,Work,accompanied\n"
    )
    (tmp_path / "sources.csv").write_text("source,kind\nC01_intervew,interview\nFN1,field_note\n")
    with pytest.raises(DataError) as error:
        load(project, settings)
    said = str(error.value)
    assert 'Did you mean "support"?' in said
    assert 'Did you mean "support > accompanied"?' in said  # the same leaf
    assert "themes.csv, row 3, column label" in said
    assert 'Did you mean "C01_interview.txt"?' in said


def test_participants_by_their_faults(tmp_path: Path) -> None:
    path = tmp_path / "participants.csv"
    path.write_text(
        "participant_id,role,consent_quote,months_in_programme\nC01,client,maybe,x\nC01,,yes,3\n,client,no,\n"
    )
    with pytest.raises(DataError) as error:
        inputs.participants(path)
    said = str(error.value)
    for place in (
        "row 2, column consent_quote",
        "row 2, column months_in_programme",
        "row 3, column participant_id",
        "row 3, column role",
        "row 4, column participant_id",
    ):
        assert place in said
    assert "C01" not in said  # messages end up in logs


def test_participants_from_a_workbook(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["participant_id", "role", "consent_quote", "months_in_programme", "tenure"])
    book.active.append(["C01", "Link worker", "Yes", 26, "rented"])
    book.save(tmp_path / "people.xlsx")
    people = inputs.participants(tmp_path / "people.xlsx", ["tenure"])
    row = people.iloc[0]
    assert (row["role"], row["consent_quote"], row["months_in_programme"], row["tenure"]) == (
        "link_worker",
        True,
        26.0,
        "rented",
    )


def test_an_attribute_that_no_column_has(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("participant_id,role,gender\nC01,client,female\n")
    with pytest.raises(DataError, match='Did you mean "gender"'):
        inputs.participants(tmp_path / "p.csv", ["gendre"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("participant_id,theme_id,eligible\nC99,help,yes\n", "not among the participants"),
        ("participant_id,theme_id,eligible\nC01,hlp,yes\n", 'Did you mean "help"'),
        ("participant_id,theme_id,eligible\nC01,help,\n", "found a blank, expected yes or no"),
        ("participant_id,theme_id,eligible\nC01,help,perhaps\n", "neither yes nor no"),
        ("participant_id,theme_id,eligible\nC01,help,yes\nC01,help,no\n", "again"),
        ("participant,theme_id,eligible\nC01,help,yes\n", 'Did you mean "participant"'),
        ("participant_id,theme_id,eligible\n", ""),
    ],
)
def test_eligibility_by_its_faults(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "e.csv").write_text(text)
    if not words:
        assert inputs.eligibility(tmp_path / "e.csv", ["C01"], ["help"]).empty
        return
    with pytest.raises(DataError, match=words) as error:
        inputs.eligibility(tmp_path / "e.csv", ["C01"], ["help", "work"])
    assert "C99" not in str(error.value)


@pytest.mark.parametrize(
    "row", ["FG1,LW1,9,3", "FG1,LW1,4,", "FG1,LW1,a,b", "FG9,LW1,,", "FG1,LW9,,"]
)
def test_maps_by_their_faults(tmp_path: Path, row: str) -> None:
    (tmp_path / "map.csv").write_text(turns_as_map() + row + "\n")
    project = write_qdpx(tmp_path / "p.qdpx")
    settings = beside(tmp_path, project, "refi_qda", source_participants=str(tmp_path / "map.csv"))
    with pytest.raises(DataError, match="row 7"):
        load(project, settings)


def test_ragged_rows_and_repeated_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("source,kind\nC01, a, b\n")
    with pytest.raises(DataError, match="row 2: found 3 cells"):
        inputs.sources(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("source,source\nC01,C02\n")
    with pytest.raises(DataError, match="2 times"):
        inputs.sources(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text("source,date\nC01,14/11/2019\n")
    with pytest.raises(DataError, match="row 2, column date: found no date"):
        inputs.sources(tmp_path / "c.csv")


def test_blank_rows_keep_the_row_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("source,date\n\nC01,2019-01-01\n,,\nC02,never\n")
    with pytest.raises(DataError, match="row 5"):
        inputs.sources(tmp_path / "a.csv")


def test_unused_codes_of_a_complete_code_book_are_fine(tmp_path: Path) -> None:
    project = write_qdpx(tmp_path / "p.qdpx")
    settings = beside(tmp_path, project, "refi_qda")
    (tmp_path / "themes.csv").write_text("theme_id,label,code,descendants\nhelp,Help,support,no\n")
    counts = theme_counts(load(project, settings))
    assert set(counts["code_id"].dropna()) == {"support"}  # descendants: no
    assert pd.to_numeric(counts["n_references"]).sum() == 0
