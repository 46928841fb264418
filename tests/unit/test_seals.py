"""Tables that pass between stages are sealed: what is not as it was written is never read."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from evalweave import engine, files, seals
from evalweave.errors import DataError
from evalweave.release.identifiers import of_results
from evalweave.tables.records import LEDGER

RESULTS = "results/s"


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a stage in the workflow, with a table as Parquet, CSV and JSON."""
    folder = tmp_path / RESULTS / "clean"
    monkeypatch.setenv(seals.WITHIN, str(tmp_path / RESULTS))
    frame = pd.DataFrame({"patient_id": [f"p{n:06d}" for n in range(500)], "value": range(500)})
    files.write_parquet(frame, folder / "patients.parquet")
    files.write_csv(frame, folder / "patients.csv")
    files.write_json({"rows": 500}, folder / "patients.json")
    return folder


def read(path: Path) -> object:
    if path.suffix == ".parquet":
        backend = engine.connect("duckdb")
        return engine.stage_table(backend, path, "clean").count().execute()
    return files.read_json(path) if path.suffix == ".json" else len(files.read_table(path, LEDGER))


def spoil(path: Path, fault: str, at: float) -> None:
    """Spoil a file as a bad disk does: its times stay as they are."""
    raw, times = bytearray(path.read_bytes()), path.stat()
    if fault == "flipped":
        raw[int(at * (len(raw) - 1))] ^= 1
    else:
        del raw[int(at * (len(raw) - 1)) :]
    path.write_bytes(raw)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


KINDS = ("patients.parquet", "patients.csv", "patients.json")


@pytest.mark.parametrize("name", KINDS)
def test_what_is_as_it_was_written_is_read(stage: Path, name: str) -> None:
    assert read(stage / name)
    assert seals.of(stage / name).read_text().strip() == files.sha256(stage / name)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("fault", ["flipped", "truncated"])
def test_a_flipped_bit_or_a_lost_end_anywhere_is_one_sentence(
    stage: Path, name: str, fault: str
) -> None:
    """Without seals a bit gave another table in 141 of 300 tries."""
    path = stage / name
    whole = path.read_bytes()
    for at in (0, 0.1, 0.3, 0.5, 0.7, 0.9, 1):
        spoil(path, fault, at)
        with pytest.raises(DataError) as raised:
            read(path)
        sentence = str(raised.value)
        assert sentence.startswith(f"{path}: is not as the stage that wrote it left it")
        assert "run the study again" in sentence
        assert "\n" not in sentence
        assert not path.exists()  # so that it is made again
        path.write_bytes(whole)
        assert read(path)


def test_a_lost_seal_is_noticed(stage: Path) -> None:
    seals.of(stage / "patients.csv").unlink()
    with pytest.raises(DataError, match=r"patients\.csv: is not as"):
        read(stage / "patients.csv")


def test_the_audit_reads_no_spoilt_table(stage: Path) -> None:
    """It would search for other identifiers than those that it is about."""
    assert of_results(stage.parent)[0].telling
    spoil(stage / "patients.parquet", "flipped", 0.2)
    with pytest.raises(DataError, match="is not as the stage"):
        of_results(stage.parent)


def test_a_table_that_is_written_again_has_its_own_seal(
    stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand too, outside the workflow: where there are seals, there they stay true."""
    monkeypatch.delenv(seals.WITHIN)
    files.write_csv(pd.DataFrame({"value": [1, 2]}), stage / "patients.csv")
    assert read(stage / "patients.csv") == 2


def test_what_nobody_sealed_is_read_as_it_is(tmp_path: Path) -> None:
    files.write_json({"rows": 1}, tmp_path / "own.json")
    assert not (tmp_path / seals.FOLDER).exists()
    assert files.read_json(tmp_path / "own.json") == {"rows": 1}


def test_what_is_released_and_what_a_run_notes_have_no_seals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(seals.WITHIN, str(tmp_path / RESULTS))
    files.write_json({}, tmp_path / RESULTS / "state.json")
    files.write_text("", tmp_path / "reports/s/report.html")
    assert not list(tmp_path.rglob(seals.FOLDER))
