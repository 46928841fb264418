"""`evalweave run` says what is missing or cannot be fitted before it starts anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evalweave import workflow
from evalweave.cli import app
from evalweave.errors import StudyError


@pytest.fixture
def new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new study whose files are all there; starting the workflow fails the test."""
    folder = tmp_path / "étude en cours"
    assert CliRunner().invoke(app, ["init", str(folder)]).exit_code == 0
    (folder / "extract").mkdir()
    (folder / "project.qdpx").touch()
    monkeypatch.setattr(workflow, "run", lambda *a, **k: pytest.fail("the workflow was started"))
    return folder


def said(folder: Path, *more: str) -> str:
    done: Any = CliRunner().invoke(app, ["run", str(folder / "study.yaml"), *more])
    assert isinstance(done.exception, StudyError), done.exception
    return str(done.exception)


def change(folder: Path, old: str, new: str) -> None:
    file = folder / "study.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_all_files_that_are_not_there_are_named_at_once(new: Path) -> None:
    (new / "extract").rmdir()
    (new / "project.qdpx").unlink()
    (new / "codelists" / "hba1c.csv").unlink()
    text = said(new)
    for key in ("extract, path", "qualitative, project", "codelists, hba1c"):
        assert f"{key}: there is no " in text
    assert "Nothing was run" in text


def test_an_extract_given_in_the_call_is_looked_for_too(new: Path, tmp_path: Path) -> None:
    assert str(tmp_path / "nowhere") in said(new, "--extract", str(tmp_path / "nowhere"))


def test_analyses_that_cannot_be_fitted_are_said_before_anything_runs(new: Path) -> None:
    change(new, "    subgroup: imd_quintile\n", "    subgroup: imd_quintle\n    bins: [-3, 3]\n")
    text = said(new)
    assert (
        'by_deprivation: subgroup: the panel has no column "imd_quintle". Did you mean '
        '"imd_quintile"?' in text
    )
    assert "by_deprivation: twfe takes no bins; event_study does." in text


def test_with_everything_there_the_workflow_starts(
    new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    monkeypatch.setattr(workflow, "run", lambda study, **k: started.append(study) or 0)
    assert CliRunner().invoke(app, ["run", str(new / "study.yaml")]).exit_code == 0
    assert started == [new / "study.yaml"]
