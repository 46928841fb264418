"""What a run may claim: checksums of inputs, states, withdrawn reports, altered outputs."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from evalweave import files, freshness, seals
from evalweave.errors import DataError, StudyError


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> freshness.Run:
    """A study that ran to its end."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "results/s/clean/ledger.csv",
        "results/s/ingest/events.json",
        "results/s/ingest/parts/a.parquet",
        "results/s/fit/main/estimates.csv",
        "results/s/audit.json",
        "results/s/logs/clean.log",
        "reports/s/report.html",
        "reports/s/release.zip",
        "reports/s/figures/trend.svg",
        "reports/s/notes-of-the-user.txt",
    ):
        files.write_text(name, name)
    files.write_json({"files": {"figures/trend.svg": ""}}, "reports/s/manifest.json")
    done = freshness.Run("results/s", "reports/s")
    assert done.complete()
    return done


def state(run: freshness.Run) -> str:
    return json.loads((run.results / "state.json").read_text())["state"]


def test_a_complete_run_has_nothing_to_discard(run: freshness.Run) -> None:
    assert state(run) == "complete"
    assert run.discard() == []


def test_a_format_that_could_not_be_written_is_tried_again(run: freshness.Run) -> None:
    noted = run.results / freshness.UNWRITTEN
    files.write_text("", noted)
    run.retry()
    assert noted.is_file() and run.unwritten == ""  # all were written
    files.write_text("report.pdf was not written: planted.\n", noted)
    assert run.unwritten == "report.pdf was not written: planted.\n"
    run.retry()
    assert not noted.exists()  # so that Snakemake makes the report again
    assert run.unwritten == ""


def test_the_report_is_withdrawn_before_the_first_job(run: freshness.Run) -> None:
    run.begin({"fit", "estimates", "report", "audit", "crate", "all"})
    assert state(run) == "running"
    assert not (run.results / "audit.json").exists()
    assert [path.name for path in run.reports.rglob("*") if path.is_file()] == [
        "notes-of-the-user.txt"
    ]
    previous = run.results / "previous"
    assert (previous / "report.html").read_text() == "reports/s/report.html"
    assert (previous / "figures/trend.svg").is_file()


def test_an_audit_alone_leaves_the_report(run: freshness.Run) -> None:
    run.begin({"audit", "crate", "all"})
    assert (run.reports / "report.html").is_file()
    assert not (run.results / "audit.json").exists()
    assert not (run.reports / "release.zip").exists()


def test_a_lost_release_is_packed_again_without_another_audit(run: freshness.Run) -> None:
    (run.reports / "release.zip").write_text("damaged")
    assert run.discard() == ["reports/s/release.zip"]
    run.begin({"crate", "all"})
    assert (run.results / "audit.json").is_file() and (run.reports / "report.html").is_file()


def test_a_failed_run_says_so(run: freshness.Run) -> None:
    run.begin({"fit", "report", "audit"})
    run.fail()
    assert state(run) == "failed"


def test_a_report_that_no_audit_passed_is_taken_back(run: freshness.Run) -> None:
    run.begin({"audit", "all"})
    assert run.fail()
    assert not (run.reports / "report.html").exists()
    assert (run.results / "unaudited" / "figures/trend.svg").is_file()
    assert not run.fail()


def test_without_a_report_a_run_is_partial(run: freshness.Run) -> None:
    run.begin({"clean"})
    assert not run.complete()
    assert state(run) == "partial"


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("results/s/clean/ledger.csv", "results/s/clean/ledger.csv"),
        ("results/s/fit/main/estimates.csv", "results/s/fit/main/estimates.csv"),
        ("results/s/ingest/parts/a.parquet", "results/s/ingest/events.json"),
        ("reports/s/figures/trend.svg", "reports/s/manifest.json"),
        ("reports/s/report.html", "reports/s/report.html"),
    ],
)
@pytest.mark.parametrize("fault", ["missing", "truncated", "flipped"])
def test_what_is_not_as_it_was_left_is_made_again(
    run: freshness.Run, name: str, gone: str, fault: str
) -> None:
    """Snakemake makes again what is not there."""
    if fault == "missing":
        Path(name).unlink()
    else:
        text = Path(name).read_text()
        Path(name).write_text(text[:-1] if fault == "truncated" else text[:-1] + "X")
    assert run.discard() == [name]
    assert not Path(gone).exists()
    assert Path("results/s/logs/clean.log").exists()


def test_a_bit_that_flipped_on_the_disk_is_seen_whatever_the_times_say(run: freshness.Run) -> None:
    estimates = Path("results/s/fit/main/estimates.csv")
    times, text = estimates.stat(), estimates.read_text()
    estimates.write_text(text.replace("m", "n", 1))
    os.utime(estimates, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert run.discard() == [str(estimates)]


def test_a_file_that_was_only_touched_is_the_same(run: freshness.Run) -> None:
    os.utime("results/s/clean/ledger.csv", ns=(1, 1))
    assert run.discard() == []


def test_what_a_killed_run_finished_is_kept(run: freshness.Run) -> None:
    """The run is killed after fit was done anew."""
    run.begin({"fit", "estimates", "report", "audit", "crate", "all"})
    files.write_text("another estimate", "results/s/fit/main/estimates.csv")
    assert run.discard() == []
    assert Path("results/s/fit/main/estimates.csv").is_file()


def test_where_nothing_is_known_everything_is_made_again(run: freshness.Run) -> None:
    run.notes.unlink()
    run.discard()
    assert not Path("results/s/ingest/events.json").exists()


def test_an_input_that_changes_under_a_run_is_told_of(run: freshness.Run) -> None:
    Path("practices.csv").write_text("a")
    inputs = freshness.checksums(["practices.csv"])
    assert run.complete(inputs)
    Path("practices.csv").write_text("b")
    with pytest.raises(DataError, match=r"practices\.csv: changed while the run was under way"):
        run.complete(inputs)
    assert state(run) == "failed"
    assert not (run.reports / "report.html").exists()


def test_a_table_that_nobody_read_is_checked_at_the_end(run: freshness.Run) -> None:
    ledger = Path("results/s/clean/ledger.csv")
    seals.of(ledger).parent.mkdir()
    seals.put(ledger, files.sha256(ledger))
    assert run.complete()
    ledger.write_text("another")
    with pytest.raises(DataError, match=r"ledger\.csv: is not as the stage"):
        run.complete()
    assert state(run) == "failed"
    assert not (run.reports / "report.html").exists()


def test_a_part_that_no_rule_names_takes_its_index_with_it(run: freshness.Run) -> None:
    part = Path("results/s/ingest/parts/a.parquet")
    seals.of(part).parent.mkdir()
    seals.put(part, "of another")
    with pytest.raises(DataError, match="is not as the stage"):
        run.complete()
    assert not Path("results/s/ingest/events.json").exists()


def test_a_manifest_vouches_for_the_bytes_that_the_run_began_with(run: freshness.Run) -> None:
    """The file was another one while the report was written, and is back."""
    Path("claims.csv").write_text("a")
    inputs = freshness.checksums(["claims.csv"])
    listed = [{"name": "claims.csv", "sha256": inputs["claims.csv"]}]
    files.write_json({"inputs": listed}, run.reports / "manifest.json")
    assert run.complete(inputs)
    listed[0]["sha256"] = "0" * 64
    files.write_json({"inputs": listed}, run.reports / "manifest.json")
    with pytest.raises(DataError, match=r"claims\.csv: changed"):
        run.complete(inputs)


def test_an_input_is_known_by_its_content_whatever_its_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "events {2015}.csv"
    data.write_text("a")
    first = freshness.checksums([data])
    assert first == {str(data): files.sha256(data)}
    times = data.stat()
    data.write_text("b")
    os.utime(data, ns=(times.st_atime_ns, times.st_mtime_ns))  # same size, same time
    assert freshness.checksums([data]) != first
    data.write_text("a")
    assert freshness.checksums([data]) == first


def test_an_input_that_did_not_change_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.csv").write_text("a")
    first = freshness.checksums(["events.csv"])
    monkeypatch.setattr(files, "sha256", lambda path: pytest.fail("read again"))
    assert freshness.checksums(["events.csv"]) == first


def test_what_is_no_file_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with pytest.raises(StudyError, match="pipe: is no file") as raised:
        freshness.checksums(["pipe", "absent.csv", "/dev/zero"])
    assert "absent.csv: cannot be read" in str(raised.value)
    assert "/dev/zero: is no file" in str(raised.value)


def test_a_folder_is_held_by_one_run(tmp_path: Path) -> None:
    held = freshness.alone(tmp_path)
    with pytest.raises(DataError, match="Another run is under way"):
        freshness.alone(tmp_path)
    held.close()
    freshness.alone(tmp_path).close()


@pytest.mark.parametrize(("umask", "expected"), [(0o022, 0o600), (0o177, 0o600), (0o277, 0o400)])
def test_what_is_about_people_is_private(tmp_path: Path, umask: int, expected: int) -> None:
    given = os.umask(umask)
    try:
        files.keep_private()
        files.write_text("x", tmp_path / "patients.csv")
    finally:
        os.umask(given)
    assert stat.S_IMODE((tmp_path / "patients.csv").stat().st_mode) == expected


def test_what_is_released_has_the_rights_that_the_user_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALWEAVE_UMASK", "027")
    given = os.umask(0o077)
    try:
        files.share(tmp_path / "reports" / "s")
        files.write_text("x", tmp_path / "reports/s/report.html")
    finally:
        os.umask(given)
    assert stat.S_IMODE((tmp_path / "reports/s/report.html").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "reports/s").stat().st_mode) == 0o750
