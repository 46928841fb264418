"""Dedoose's excerpts: a column a code, in the layout that the manual of DedooseR describes."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from evalweave.errors import DataError
from evalweave.qualitative.agreement import agreement
from evalweave.qualitative.readers import load, recognise
from evalweave.study.qualitative import Qualitative
from helpers.counted import counts_of, warnings_of

HEADER = (
    *("Media Title", "Excerpt Range", "Excerpt Creator", "Excerpt Date", "Excerpt Copy"),
    *("Resource Creator", "Resource Date", "Codes Applied Combined", "Code: Support Applied"),
    *("Code: Support Range", "Code: Support Weight", "Code: Support\\Visits Applied"),
    *("Code: Money Applied", "Site", "Site", "Pseudonym"),  # Site stands twice
)
ROWS = (
    ("C1.docx", "0-12", "ann", "Visits", "", "True", "", "C1"),
    ("C1.docx", "0-12", "ben", "Visits, Money", "", "True", "True", "C1"),
    ("C2.docx", "Page 1: 3-9", "ann", "Support", "True", "", "False", "C2"),
    ("C3.docx", "5-20", "ann", "Money", "False", "False", "True", "C3"),
    ("C3.docx", "30-40", "ann", "", "False", "False", "False", "C3"),
)


def workbook(path: Path, combined_only: bool = False) -> Path:
    book = Workbook()
    sheet = book.active
    sheet.append(HEADER[:8] if combined_only else HEADER)
    for media, place, coder, combined, support, visits, money, who in ROWS:
        first = [media, place, coder, "1/2/2025", f"words at {place}", "x", "1/1/2025", combined]
        codes = [value and value == "True" for value in (support, visits, money)]
        more = [codes[0], "", "", codes[1], codes[2], "Bath", "", who]
        sheet.append(first if combined_only else first + more)
    book.save(path)
    return path


def settings(folder: Path, project: Path) -> Qualitative:
    people = "".join(f"C{n},client\n" for n in (1, 2, 3))
    (folder / "people.csv").write_text("participant_id,role\n" + people)
    (folder / "themes.csv").write_text(
        "theme_id,label,code\nS,S,Support\nV,V,Support > Visits\nM,M,Money\n"
    )
    return Qualitative(
        project=str(project),
        format="segments",
        participants=str(folder / "people.csv"),
        themes=str(folder / "themes.csv"),
    )


def test_a_column_a_code_and_a_descriptor_that_says_who_speaks(tmp_path: Path) -> None:
    path = workbook(tmp_path / "DedooseChartExcerpts_2025_1_2_300.xlsx")
    assert recognise(path) == "segments"
    project = load(path, settings(tmp_path, path))
    assert counts_of(project, "S") == {"client": (2, 3, "complete")}  # of Visits, and of Support
    assert counts_of(project, "V") == {"client": (1, 3, "complete")}
    assert counts_of(project, "M") == {"client": (2, 3, "complete")}
    coded = project.segments["segment_id"].isin(project.codings["segment_id"])
    # one excerpt, two coders: one stretch; and an excerpt without a code
    assert (coded.sum(), (~coded).sum()) == (3, 1)
    pooled = agreement(project).set_index(["measure", "agreement_unit"])["n_units"]
    assert pooled["cohen_kappa", "segment"].max() > 0


def test_last_names_only_are_read_with_a_warning(tmp_path: Path) -> None:
    path = workbook(tmp_path / "e.xlsx", combined_only=True)
    (tmp_path / "map.csv").write_text("source,participant\nC1,C1\nC2,C2\nC3,C3\n")
    given = settings(tmp_path, path)
    (tmp_path / "themes.csv").write_text("theme_id,label,code\nV,V,Visits\nM,M,Money\n")
    given = given.model_copy(update={"source_participants": str(tmp_path / "map.csv")})
    project = load(path, given)
    assert counts_of(project, "M") == {"client": (2, 3, "complete")}
    assert counts_of(project, "V") == {"client": (1, 3, "complete")}
    assert "last names of codes only" in warnings_of(project)


def test_a_cell_that_is_neither_true_nor_false_and_a_list_of_codes(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("Media Title,Excerpt Copy,Code: A Applied\nC1,words,perhaps\n")
    with pytest.raises(DataError, match=r"row 2.*Code: A Applied.*True or False"):
        load(path)
    path.write_text("Id,Parent Id,Depth,Title,Description\n1,,0,Support,\n")
    with pytest.raises(DataError, match=r"list of codes as Dedoose exports it(.|\n)*Excel"):
        load(path)


def test_a_group_with_a_column_for_each_of_its_people_is_shared(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text(
        "Media Title,Excerpt Copy,Code: Support Applied,Pseudonym,Pseudonym\n"
        "FG,We all,1.0,C1,C2\nFG,All of us,0.0,C1,C2\nI,Alone,1.0,C3,\n"
    )
    given = settings(tmp_path, path)
    (tmp_path / "themes.csv").write_text("theme_id,label,code\nS,S,Support\n")
    assert counts_of(load(path, given), "S")["client"] == (1, 3, "at least")
