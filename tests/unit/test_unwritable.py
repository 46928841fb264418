"""A folder that cannot be written to, settings that lack a section: one sentence, and nothing
computed before it."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from evalweave import cli, files
from evalweave.errors import DataError, StudyError
from evalweave.study.file import load_settings
from evalweave.study.stages import CodeSettings, JoinSettings, SimulateSettings
from evalweave.tables.analyses import ESTIMATES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("below", ["", "sub", "sub/deeper"])
def test_a_file_in_place_of_the_folder_is_said(tmp_path: Path, below: str) -> None:
    (tmp_path / "taken").write_text("mine")
    folder = tmp_path / "taken" / below
    for attempt in (
        lambda: files.write_text("x", folder / "a.txt"),
        lambda: files.check_folder(folder),
    ):
        with pytest.raises(StudyError, match=r"cannot be written to .*Give another folder"):
            attempt()
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_folder_that_can_be_made_is_not_made_by_looking(tmp_path: Path) -> None:
    files.check_folder(tmp_path / "new" / "deep é")
    assert not (tmp_path / "new").exists()


def test_fit_looks_at_its_folder_before_it_reads_anything(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    spec = '{"columns": {"outcome": "y"}, "analyses": [{"name": "a", "estimator": "twfe"}]}'
    call = ["fit", str(tmp_path / "no.csv"), "--spec", spec, "--out", str(tmp_path / "taken")]
    assert "cannot be written to" in str(CliRunner().invoke(cli.app, call).exception)


@pytest.mark.parametrize("kind", ["text", "table", "parquet"])
def test_a_file_for_which_there_is_no_room_is_not_there(tmp_path: Path, kind: str) -> None:
    """A limit to the size of files ends a write as a full disk does: half-way."""
    frame = pd.DataFrame({"value": np.random.default_rng(1).random(5000)})
    write = {
        "text": lambda target: files.write_text("x" * 50_000, target),
        "table": lambda target: files.write_csv(frame, target),
        "parquet": lambda target: files.write_parquet(frame, target),
    }[kind]
    given = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, given[1]))
    try:
        with pytest.raises(DataError, match="could not be written to its end"):
            write(tmp_path / "a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [MemoryError(), ImportError("x.so: failed to map segment from shared object")],
    ids=["data", "code"],
)
def test_too_little_memory_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, error: Exception
) -> None:
    def exhausted() -> None:
        raise error

    monkeypatch.setattr(cli, "app", exhausted)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("evalweave: the memory that this process may use")


def test_another_failed_import_is_no_want_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ImportError("No module named x")

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(ImportError):
        cli.main()


def test_settings_that_lack_a_section_or_are_no_json(tmp_path: Path) -> None:
    assert CliRunner().invoke(cli.app, ["init", str(tmp_path / "s")]).exit_code == 0
    file = tmp_path / "s" / "study.yaml"
    text = file.read_text(encoding="utf-8")
    start, end = text.index("# The coded qualitative project"), text.index("disclosure:")
    file.write_text(text[:start] + text[end:], encoding="utf-8")
    for kind, words in (
        (CodeSettings, "no qualitative section"),
        (JoinSettings, "no qualitative and no claims section"),
        (SimulateSettings, "no simulation section"),
    ):
        with pytest.raises(StudyError, match=words):
            load_settings(str(file), kind)
    with pytest.raises(StudyError, match="not valid JSON at character"):
        load_settings('{"a":', CodeSettings)
    demonstration = load_settings(str(ROOT / "config" / "config.yaml"), SimulateSettings)
    assert demonstration.qualitative is not None


def test_what_the_disk_refuses_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device", "results/x.parquet")

    monkeypatch.setattr(cli, "app", full)
    monkeypatch.setattr(sys, "argv", ["evalweave"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "evalweave: results/x.parquet: cannot be read or written (No space left on device).\n"
    )


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfejunk\n", b"level\nhigh\n"])
def test_a_damaged_table_of_ours_is_said(tmp_path: Path, content: bytes) -> None:
    """One without a seal, which the workflow's tables have."""
    for name in ("estimates.csv", "panel.parquet"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}: is damaged.*remove it and run the study"):
            files.read_table(tmp_path / name, ESTIMATES)
