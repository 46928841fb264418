"""A release is reproduced when its inputs are the published ones and a rerun prints the same
numbers."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from evalweave import cli, workflow
from evalweave.errors import StudyError
from evalweave.release import manifest
from evalweave.release.bag import make_bag, write_zip
from evalweave.release.reproduce import reduced
from evalweave.release.shown import alike, shown
from evalweave.release.side import (
    DIFFERENT,
    PAGE,
    ROUNDING,
    SAME,
    causes,
    compare,
    reproduced,
    tally,
    verdict,
)
from evalweave.stopping import Stopped

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

    def run(study_file: Path, *, cores: int, directory: Path, quiet: bool, passing: bool) -> int:
        said = json.loads(study_file.read_text())
        assert said["simulation"] is None and Path(said["extract"]["path"]).is_absolute()
        assert Path(said["practices"]).is_file() and Path(said["codelists"]["hba1c"]).is_file()
        assert [path.name for path in directory.iterdir()] == ["study.yaml"]
        assert passing == directory.name.startswith("evalweave-reproduce-")
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
    done = reproduce(published)
    assert done.exit_code == 0, done.exception
    assert (
        "−1.09 (95\u202f% CI −1.86 to −0.33) | −1.09 (95\u202f% CI −1.86 to −0.33) | same"
        in done.stdout
    )
    assert "6 of 6 are the same by checksum" in done.stdout
    answered = reproduce(published, "--json")
    assert answered.exit_code == 0
    said = json.loads(answered.stdout)
    assert (said["status"], said["exit_code"], said["reproduced"]) == ("done", 0, True)
    assert said["rows"][SAME] == 1
    assert (said["main"]["estimate"], said["main"]["ci_high"]) == (-1.0931, -0.33)
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


def test_a_rerun_that_is_stopped_leaves_no_folder(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[Path] = []

    def run(study_file: Path, **options: Any) -> int:
        places.append(study_file.parent)
        os.kill(os.getpid(), signal.SIGTERM)
        return 0

    monkeypatch.setattr(workflow, "run", run)
    with pytest.raises(Stopped, match="begins anew"):
        reproduce(published)
    assert places and not places[0].exists()


def test_a_report_that_is_not_there_is_a_wrong_call(published: Path) -> None:
    for call in (["reproduce", "nowhere", "--extract", "extract"], ["compare", "nowhere", "no"]):
        done = CliRunner().invoke(cli.app, call)
        assert isinstance(done.exception, StudyError) and "nowhere: there is no" in str(
            done.exception
        )


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
    path.write_text(STUDY)
    manifest_file = published / "reports/tiny/manifest.json"
    said = json.loads(manifest_file.read_text())
    del said["study"]["study"]["licence"]  # a key that came after the release
    manifest_file.write_text(json.dumps(said))
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


def test_a_refusal_is_one_object_too(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rerunning(monkeypatch, estimate=-1.2)
    done = reproduce(published, "--json")
    said = json.loads(done.stdout)
    assert done.exit_code == 1
    assert (said["status"], said["exit_code"], said["reproduced"]) == ("failed", 1, False)
    assert said["compared"][0]["cells"] == [
        {"column": "estimate", "published": -1.0931, "recomputed": -1.2, "verdict": DIFFERENT}
    ]
    assert "1 of 1 released rows differ" in said["problems"][0]["text"]


def test_names_keep_the_order_of_the_study_file(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first outcome is the primary one, and the report tells comparisons in their order."""
    study = published / "config/config.yaml"
    study.write_text(
        STUDY.replace("{others: {primary: true}}", "{others: {primary: true}, near: {}}")
        .replace("outcomes: {hba1c", "outcomes: {sbp: {unit: mmHg, plausible: [60, 260]}, hba1c")
        .replace("codelists: {hba1c", "codelists: {sbp: lists/hba1c.csv, hba1c")
    )
    release(published / "reports/tiny", study, published / "extract")
    orders = []

    def run(study_file: Path, *, directory: Path, **options: object) -> int:
        said = json.loads(study_file.read_text())
        orders.append(([*said["comparisons"]], [*said["outcomes"]]))
        release(directory / "reports/tiny", study_file, Path(said["extract"]["path"]))
        return 0

    monkeypatch.setattr(workflow, "run", run)
    assert reproduce(published).exit_code == 0
    assert orders == [(["others", "near"], ["sbp", "hba1c"])]


def test_a_zip_file_is_as_good_as_the_folder(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rerunning(monkeypatch)
    bag = published / "tiny"
    shutil.copytree(published / "reports/tiny", bag / "report")
    make_bag(bag, "urn:uuid:0", {})
    write_zip(bag, published / "release.zip")
    call = ["reproduce", "release.zip", "--extract", "extract"]
    done = CliRunner().invoke(cli.app, call)
    assert done.exit_code == 0, done.exception
    assert "Reproduced: every released number" in done.stdout


PAGE_OF = """<section id="answer"><h2 id="answer-heading">Answer</h2>
<p>It fell by <span class="u1">0.11 points</span><span class="u2">1.17 mmol/mol</span>.</p>
</section>
<section id="believed"><h2 id="believed-heading">?</h2><table><caption>Checks</caption>
<thead><tr><th>Check</th><th>Verdict</th><th>Why</th></tr></thead><tbody>
<tr><th>Slope?</th><td>holds</td><td>slope −0.05, 95 % CI −0.10 to 0.01</td></tr>
<tr><th>Placebo?</th><td>holds</td><td>1 period too early 0.20</td></tr></tbody></table></section>
<section id="provenance"><h2 id="provenance-heading">From</h2><p>commit 12345</p>
<h3 id="limits">Limits</h3><ul><li>3 rows were dropped</li></ul></section>"""


def paged(html: str) -> dict[str, Any]:
    rows = [
        {"place": item.place, "shown": item.text, "numbers": list(item.numbers)}
        for item in shown(html).values()
    ]
    return {PAGE: rows}


def test_the_page_and_the_figures_are_part_of_it(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = published / "reports/tiny"
    (folder / "report.html").write_text(PAGE_OF)
    (folder / "figures").mkdir()
    (folder / "figures/means.csv").write_text("arm,mean\na,1.5\n")
    release(folder, published / "config/config.yaml", published / "extract")
    rerunning(monkeypatch)
    done = reproduce(published)
    assert done.exit_code == 1
    assert "figures/means: not recomputed in the row: 1 row, beginning with a" in done.stdout
    assert "report.html: not recomputed" in done.stdout
    told = json.loads(reproduce(published, "--json").stdout)
    assert {row["table"] for row in told["compared"]} == {"estimates", "figures/means", PAGE}


def test_a_page_is_read_by_section_row_and_column() -> None:
    found = {place: item.numbers for place, item in shown(PAGE_OF).items()}
    assert found["believed / Checks / Slope? / Why"] == ("−0.05", "95", "−0.10", "0.01")
    assert ("0.11", "1.17") in found.values() and ("3",) in found.values()
    assert not any("12345" in numbers for numbers in found.values())  # versions: elsewhere


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("−0.05", "−0.05", SAME),
        ("−0.05", "−0.04", ROUNDING),
        ("−0.05", "−0.02", DIFFERENT),
        ("<td>holds</td><td>slope", "<td>does not hold</td><td>slope", DIFFERENT),
        ("1 period", "2 period", DIFFERENT),
        ("1.17 mmol", "1.27 mmol", DIFFERENT),
        ("3 rows", "4 rows", DIFFERENT),
        ("12345", "54321", SAME),
    ],
)
def test_a_number_that_only_the_page_shows_is_compared(old: str, new: str, expected: str) -> None:
    rows = compare(paged(PAGE_OF), paged(PAGE_OF.replace(old, new)))
    assert max(
        rows, key=lambda row: (row.verdict == DIFFERENT, row.verdict == ROUNDING)
    ).verdict == (expected)
    assert reproduced(rows) == (expected != DIFFERENT)


def test_rows_of_the_page_and_of_tables_may_change_places() -> None:
    lines = [f"<tr><th>{name}</th><td>x</td><td>{n}.5</td></tr>" for n, name in enumerate("abc")]
    head, tail = PAGE_OF.split("<tr><th>Slope")[0], "</tbody></table></section>"
    first, second = (head + "".join(order) + tail for order in (lines, lines[::-1]))
    assert {row.verdict for row in compare(paged(first), paged(second))} == {SAME}
    table = [{"arm": arm, "period": str(n), "mean": n / 3} for arm in "ab" for n in range(3)]
    rows = compare({"figures/means": table}, {"figures/means": table[::-1]})
    assert [row.verdict for row in rows] == [SAME] * 6


def test_printed_numbers_are_alike_within_one_of_the_last_place() -> None:
    assert alike("−0.10", "−0.11") and alike("1,234.5", "1,234.4") and alike("−0.01", "0.00")
    assert not alike("0.10", "0.12") and not alike("0.1", "0.10") and not alike("12", "13")


def test_what_differs_is_grouped_by_cause() -> None:
    rows = compare({"estimates": [ROW]}, {"estimates": [{**ROW, "estimate": -2.0}]})
    alone = causes(rows, [], [], [])
    assert next(iter(alone)).startswith("Numbers differ though inputs and software are the same")
    why = causes(rows, ["extract: events.csv: differs"], ["pandas 2 → 3"], [])
    assert [items[0] for items in why.values()] == [
        "extract: events.csv: differs",
        "pandas 2 → 3",
        "estimates: different in estimate: 1 row, beginning with main, att, cr1, mmol/mol, others",
    ]
    assert (
        causes(compare({"estimates": [ROW]}, {"estimates": [ROW]}), [], ["pandas 2 → 3"], []) == {}
    )


def test_one_analysis_alone_leaves_the_rest_out(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = {
        "analyses": [
            {"name": "main", "outcome": "a", "comparison": None},
            {"name": "placebo", "outcome": "b", "comparison": "near", "covariates": ["baseline_c"]},
        ],
        "comparisons": {"all": {"primary": True}, "near": {"primary": False}},
        "outcomes": {name: {"placebo": name == "b"} for name in "abc"},
        "report": {"formats": ["html", "docx"]},
    }
    only = reduced(study, "main")
    assert [*only["outcomes"]] == ["a"] and [*only["comparisons"]] == ["all"]
    only = reduced(study, "placebo")
    assert [*only["outcomes"]] == ["b", "c"] and only["comparisons"] == {"near": {"primary": True}}
    assert only["analyses"][0]["primary"] and only["claims"] is None and only["family"] == []
    with pytest.raises(StudyError, match='Did you mean "main"'):
        reduced(study, "mein")
    rerunning(monkeypatch, n_patients="8080")
    done = reproduce(published, "--only", "main")
    assert done.exit_code == 0 and "Reproduced: every estimate of main" in done.stdout
