"""`evalweave init`: a folder that is valid from the start and says what is still to fill in."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evalweave.catalogue.extracts import EXTRACTS
from evalweave.cli import app
from evalweave.errors import DataError, StudyError
from evalweave.extract.readers import TEXT_COLUMNS
from evalweave.study.file import load_study
from evalweave.templates import CODELISTS, SHEETS, study_name
from evalweave.triangulation.claims import CLAIMS, Known, read_claims
from helpers.extracts import read

ROOT = Path(__file__).parents[2]


def init(folder: Path, *more: str) -> Any:
    return CliRunner().invoke(app, ["init", str(folder), *more])


@pytest.mark.parametrize("format_", EXTRACTS)
def test_the_new_study_is_valid(tmp_path: Path, format_: str) -> None:
    done = init(tmp_path / "My study 2", "--format", format_)
    assert done.exit_code == 0, done.exception
    made = load_study(tmp_path / "My study 2" / "study.yaml")
    assert made.study.name == "my-study-2"
    assert made.extract.format == format_
    assert Path(made.extract.path) == tmp_path / "My study 2" / "extract"
    for path in (
        made.practices,
        *made.codelists.values(),
        made.claims,
        made.qualitative.participants,
    ):  # type: ignore[union-attr]
        assert Path(path).is_file()  # type: ignore[arg-type]
    assert "FILL IN" in (tmp_path / "My study 2" / "study.yaml").read_text()
    assert (
        f"evalweave check '{tmp_path / 'My study 2' / 'study.yaml'}'" in done.output
    )  # ready to be pasted


@pytest.mark.parametrize("name", CODELISTS)
def test_code_lists_are_those_of_the_demonstration(name: str) -> None:
    ours = ROOT / "src/evalweave/templates/codelists" / f"{name}.csv"
    assert ours.read_bytes() == (ROOT / "config/codelists" / f"{name}.csv").read_bytes()


def test_headers_and_their_explanation(tmp_path: Path) -> None:
    init(tmp_path / "s")
    readme = (tmp_path / "s" / "README.md").read_text()
    for file, (_, columns) in SHEETS.items():
        header = (tmp_path / "s" / file).read_text().strip().split(",")
        assert header == [column.name for column in columns]
        section = readme.split(f"## {file}\n")[1].split("\n## ")[0]
        assert all(f"`{name}`" in section for name in header)
    assert "$" not in readme


def test_patient_data_stay_out_of_version_control(tmp_path: Path) -> None:
    init(tmp_path / "s")
    ignored = (tmp_path / "s" / ".gitignore").read_text().splitlines()
    assert {"/extract/", "/results/", "/resources/", "/participants.csv"} <= set(ignored)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "practices.csv").write_text("mine")
    done = init(tmp_path)
    assert isinstance(done.exception, StudyError)
    assert "practices.csv is there already" in str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["practices.csv"]
    assert (tmp_path / "practices.csv").read_text() == "mine"


def test_a_second_init_names_everything_that_is_there(tmp_path: Path) -> None:
    init(tmp_path / "s")
    again = init(tmp_path / "s")
    assert again.exception.exit_code == 2
    assert "claims.csv" in str(again.exception) and "study.yaml" in str(again.exception)


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("")
    assert "this is a file" in str(init(tmp_path / "s").exception)


def test_an_unknown_format_names_the_nearest(tmp_path: Path) -> None:
    done = init(tmp_path / "s", "--format", "cprd")
    assert isinstance(done.exception, StudyError)
    assert "cprd" in str(done.exception)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("Ways to Wellness", "ways-to-wellness"),
        ("2026 study", "study-2026-study"),
        ("Écoute santé", "ecoute-sante"),
        ("社会", "study"),
        ("a" * 80, "a" * 60),
    ],
)
def test_names(folder: str, name: str) -> None:
    assert study_name(folder) == name


def test_the_empty_claims_file_says_what_to_do(tmp_path: Path) -> None:
    init(tmp_path / "s")
    made = load_study(tmp_path / "s" / "study.yaml")
    known = Known({a.name: a for a in made.analyses}, made.outcomes)
    with pytest.raises(DataError, match="Declare a claim, or remove `claims:`"):
        read_claims(tmp_path / "s" / "claims.csv", known)


def test_the_example_claim_of_the_readme_is_valid(tmp_path: Path) -> None:
    init(tmp_path / "s")
    readme = (tmp_path / "s" / "README.md").read_text()
    example = tmp_path / "example.csv"
    example.write_text(readme.split("```csv\n")[1].split("```")[0])
    made = load_study(tmp_path / "s" / "study.yaml")
    (claim,) = read_claims(example, Known({a.name: a for a in made.analyses}, made.outcomes))
    assert claim.claim_id == "drift"
    assert {column.name for column in CLAIMS.columns if column.required} <= set(
        example.read_text().splitlines()[0].split(",")
    )


@pytest.mark.parametrize("format_", EXTRACTS)
def test_checking_the_new_study_says_what_to_fill_in(tmp_path: Path, format_: str) -> None:
    init(tmp_path / "s", "--format", format_)
    done = CliRunner().invoke(app, ["check", str(tmp_path / "s" / "study.yaml")])
    said = str(done.exception)
    assert done.exception.exit_code == 2  # type: ignore[union-attr]
    assert "study, title: still says FILL IN" in said
    assert "practices.csv: found a header and no rows" in said
    assert f"{tmp_path / 's' / 'extract'}: there is no such folder" in said
    assert "project.qdpx" in said


def test_the_sample_of_the_flat_layout_is_the_one_of_the_docs_and_can_be_read(
    tmp_path: Path,
) -> None:
    init(tmp_path / "s")
    page = (ROOT / "config" / "README.md").read_text()
    for table in TEXT_COLUMNS:
        file = tmp_path / "s" / "layout" / f"{table}.csv"
        assert textwrap.indent(file.read_text(), "    ") in page
        (part,) = read(file.parent, table)
        assert part.rows == len(file.read_text().splitlines()) - 1
        assert not part.unreadable
