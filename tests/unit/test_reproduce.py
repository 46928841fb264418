"""A release is reproduced when its inputs are the published ones and a rerun prints the same
numbers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from evalweave import cli, workflow
from evalweave.release import manifest
from evalweave.release.reproduce import (
    DIFFERENT,
    ROUNDING,
    SAME,
    compare,
    reproduced,
    tally,
    verdict,
)

STUDY = """
study: {name: tiny, title: Tiny, synthetic: true}
simulation: {seed: 7}
extract: {format: flat, path: ../extract}
practices: lists/practices.csv
codelists: {hba1c: lists/hba1c.csv}
window: {first: 2011-04-01, last: 2019-03-31}
eligibility: {index_date: 2015-04-01}
comparisons: {others: {primary: true}}
outcomes: {hba1c: {unit: mmol/mol, plausible: [20, 195]}}
analyses: [{name: main, estimator: twfe, outcome: hba1c}]
"""
ROW = {
    "analysis": "main",
    "term": "att",
    "inference": "cr1",
    "outcome_unit": "mmol/mol",
    "comparison": "others",
    "estimate": -1.0931,
    "std_error": 0.36,
    "ci_low": -1.86,
    "ci_high": -0.33,
    "p_value": 0.0312,
    "n_patients": "8085",
}


def release(folder: Path, study_file: Path, extract: Path, **changed: Any) -> None:
    """Write a report folder as `evalweave report` would, without its page."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame([{**ROW, **changed}])
    table.to_csv(folder / "estimates.csv", index=False)
    manifest.write(study_file, {"estimates": table}, folder, folder / "no results", extract)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study, its extract and its release."""
    extract = tmp_path / "extract"
    (tmp_path / "config" / "lists").mkdir(parents=True)
    extract.mkdir()
    (tmp_path / "config" / "config.yaml").write_text(STUDY)
    (tmp_path / "config" / "lists" / "practices.csv").write_text(
        "practice_id,programme_start\nA,2015-04-01\nB,\n"
    )
    (tmp_path / "config" / "lists" / "hba1c.csv").write_text("code\n999791000000106\n")
    for name in ("patients", "registrations", "events"):
        (extract / f"{name}.csv").write_text(f"patient_id,{name}\n1,x\n")
    release(tmp_path / "reports" / "tiny", tmp_path / "config" / "config.yaml", extract)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rerunning(monkeypatch: pytest.MonkeyPatch, code: int = 0, **changed: Any) -> list[Path]:
    """Let the workflow end at once with a release whose only row has `changed` numbers; return
    where it ran."""
    ran: list[Path] = []

    def run(study_file: Path, *, cores: int, directory: Path, quiet: bool) -> int:
        said = json.loads(study_file.read_text())
        assert said["simulation"] is None and Path(said["extract"]["path"]).is_absolute()
        assert Path(said["practices"]).is_file() and Path(said["codelists"]["hba1c"]).is_file()
        assert [path.name for path in directory.iterdir()] == ["study.yaml"]
        ran.append(directory)
        release(
            directory / "reports" / "tiny", study_file, Path(said["extract"]["path"]), **changed
        )
        return code

    monkeypatch.setattr(workflow, "run", run)
    return ran


def reproduce(folder: Path, *more: str) -> Result:
    return CliRunner().invoke(cli.app, ["reproduce", "reports/tiny", "--extract", "extract", *more])


def test_the_same_numbers_are_a_reproduction(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = rerunning(monkeypatch)
    done = reproduce(published, "--json", "verdict.json")
    assert done.exit_code == 0, done.exception
    assert (
        "−1.09 (95\u202f% CI −1.86 to −0.33) | −1.09 (95\u202f% CI −1.86 to −0.33) | same"
        in done.stdout
    )
    assert "6 of 6 are the same by checksum" in done.stdout
    said = json.loads((published / "verdict.json").read_text())
    assert said["reproduced"] is True and said["rows"][SAME] == 1
    assert not ran[0].exists()  # patient-level data do not stay in a temporary folder


def test_within_rounding_is_told_and_is_a_reproduction(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rerunning(monkeypatch, estimate=-1.0934)
    done = reproduce(published)
    assert done.exit_code == 0 and "within rounding (estimate)" in done.stdout


def test_a_different_number_is_none(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rerunning(monkeypatch, estimate=-1.2, n_patients="8080")
    done = reproduce(published)
    assert done.exit_code == 1
    assert "| −1.20 (95\u202f% CI −1.86 to −0.33) | different (estimate, n_patients)" in done.stdout
    assert "1 of 1 released rows differ" in str(done.exception)


def test_a_changed_input_is_named_and_no_reproduction(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rerunning(monkeypatch)
    with (published / "extract" / "events.csv").open("a") as file:
        file.write("2,x\n")
    (published / "extract" / "events_2.csv").write_text("patient_id,events\n")
    done = reproduce(published)
    assert done.exit_code == 1
    assert (
        "extract: events.csv: differs" in done.stdout
        and "extract: events_2.csv: extra" in done.stdout
    )
    assert "events.csv" in str(done.exception) and "patients.csv" not in str(done.exception)


def test_a_missing_input_stops_before_the_rerun(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = rerunning(monkeypatch)
    (published / "extract" / "patients.csv").unlink()
    (published / "config" / "lists" / "hba1c.csv").unlink()
    done = reproduce(published)
    assert done.exit_code == 1 and not ran
    assert "patients.csv (extract)" in str(done.exception) and "hba1c.csv (codelist hba1c)" in str(
        done.exception
    )


def test_another_study_is_named_by_its_keys_and_its_layout_does_not_matter(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rerunning(monkeypatch)
    path = published / "config" / "config.yaml"
    path.write_text("# a comment\n" + STUDY)
    assert reproduce(published).exit_code == 0
    path.write_text(STUDY.replace("2015-04-01", "2015-05-01"))
    done = reproduce(published)
    assert done.exit_code == 1 and "config.yaml: differs in eligibility" in str(done.exception)


def test_a_report_that_was_edited_is_found_out(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rerunning(monkeypatch)
    path = published / "reports" / "tiny" / "estimates.csv"
    path.write_text(path.read_text().replace("-1.0931", "-2.0931"))
    done = reproduce(published)
    assert done.exit_code == 1 and "estimates.csv: was changed" in str(done.exception)


def test_the_study_is_found_by_its_checksum_or_asked_for(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rerunning(monkeypatch)
    (published / "config.yaml").write_text(
        STUDY.replace("Tiny", "Other")
    )  # found first, but not the one
    assert reproduce(published).exit_code == 0
    shutil.move(published / "config", published / "elsewhere")
    (published / "config.yaml").unlink()
    lost = reproduce(published)
    assert lost.exit_code == 1 and "--study STUDY.yaml" in str(lost.exception)
    assert lost.exception is not None and lost.exception.exit_code == 2  # type: ignore[attr-defined]
    assert reproduce(published, "--study", "elsewhere/config.yaml").exit_code == 0


def test_a_failed_rerun_says_so(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = rerunning(monkeypatch, code=1)
    done = reproduce(published)
    assert done.exit_code == 1 and "The rerun failed" in str(done.exception)
    assert not ran[0].exists()


def test_the_folder_of_a_rerun_must_be_empty_and_is_kept(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rerunning(monkeypatch)
    assert "not an empty folder" in str(reproduce(published, "--work", "config").exception)
    assert reproduce(published, "--work", "again").exit_code == 0
    assert (published / "again" / "reports" / "tiny" / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no manifest"),
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"format": 1}', "missing or of the wrong kind"),
    ],
)
def test_a_missing_or_damaged_manifest_is_a_plain_sentence(
    published: Path, content: str | None, says: str
) -> None:
    path = published / "reports" / "tiny" / "manifest.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    done = reproduce(published)
    assert done.exit_code == 1 and says in str(done.exception)


@pytest.mark.parametrize(
    ("published_value", "recomputed", "places", "expected"),
    [
        (0.1, 0.1, 2, SAME),
        (1.0, 1.0 + 1e-10, 2, SAME),
        (1.0, 1.0 + 1e-8, 2, ROUNDING),
        (-0.001, 0.001, 2, ROUNDING),
        (1.004, 1.006, 2, DIFFERENT),
        ("-inf", "-inf", 2, SAME),
        ("-inf", -1.0, 2, DIFFERENT),
        ("*", "10", 2, DIFFERENT),
        (None, None, 2, SAME),
        (None, 0.0, 2, DIFFERENT),
        (True, 1.0, 2, SAME),
    ],
)
def test_verdicts(published_value: Any, recomputed: Any, places: int, expected: str) -> None:
    assert verdict(published_value, recomputed, places) == expected


def test_rows_that_are_gone_or_new_are_no_reproduction() -> None:
    rows = compare(
        {"estimates": [ROW]},
        {"estimates": [{**ROW, "term": "trend"}], "theme_counts": [{"theme_id": "a"}]},
    )
    assert [row.verdict for row in rows] == ["not recomputed", "not published", "not published"]
    assert not reproduced(rows) and not reproduced([])
    assert sum(tally(rows).values()) == 3
