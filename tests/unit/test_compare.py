"""`evalweave compare`: what changed between two released report folders, and nothing else."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from evalweave.cli import app
from evalweave.errors import DataError, StudyError
from evalweave.files import write_csv, write_json

MANIFEST: dict[str, Any] = {
    "format": 1,
    "study": {
        "study": {"name": "s"},
        "window": {"last": "2019-03-31"},
        "outcomes": {"hba1c": {"unit": "mmol/mol"}},
        "analyses": [
            {"name": "main", "outcome": "hba1c", "inference": ["cr2", "cr1"], "primary": True}
        ],
    },
    "study_file": {"name": "study.yaml", "sha256": "0"},
    "inputs": [
        {"role": "extract", "name": "events.csv", "sha256": "a"},
        {"role": "claims", "name": "c.csv", "sha256": "b"},
    ],
    "software": {"evalweave": "0.1.0", "commit": "1"},
    "released": {},
    "files": {},
}
ESTIMATES = [
    {
        "analysis": "main",
        "term": "att",
        "inference": inference,
        "outcome_unit": unit,
        "comparison": "all",
        "estimate": -1.0 * scale,
        "ci_low": -1.8 * scale,
        "ci_high": -0.2 * scale,
        "n_obs": "41000",
        "n_patients": "8085",
        "n_practices": "24",
        "n_practices_treated": "13",
    }
    for unit, scale in (("mmol/mol", 1.0), ("percentage points", 0.09148))
    for inference in ("cr2", "cr1")
]
FLOW = [
    {
        "order": 1,
        "box": "kept",
        "stage": "cohort",
        "rule": "",
        "label": "eligible",
        "arm": "programme",
        "n_practices": "13",
        "n_patients": "4750",
        "n_records": "",
    },
    {
        "order": 2,
        "box": "set_aside",
        "stage": "clean",
        "rule": "range",
        "label": "out of range",
        "arm": "",
        "n_practices": "",
        "n_patients": "",
        "n_records": "*",
    },
]
THEMES = [
    {
        "theme_id": "fit",
        "code_id": "",
        "role": "client",
        "attribute": "",
        "attribute_level": "",
        "n_participants": "9",
        "n_eligible": "19",
        "n_references": "30",
        "n_sources": "12",
    }
]
JOINT = [
    {
        "claim_id": "drift",
        "label": "dissonance",
        "qualitative_state": "S",
        "quantitative_state": "D",
    },
    {"claim_id": "mean", "label": "", "qualitative_state": "S", "quantitative_state": "E"},
]


def report(folder: Path, **change: Any) -> Path:
    write_json(change.get("manifest", MANIFEST), folder / "manifest.json")
    for name, rows in (
        ("estimates", ESTIMATES),
        ("flow", FLOW),
        ("theme_counts", THEMES),
        ("joint_display", JOINT),
    ):
        if (rows := change.get(name, rows)) is not None:
            write_csv(pd.DataFrame(rows), folder / f"{name}.csv")
    return folder


def changed(rows: list[dict[str, Any]], where: int, **values: Any) -> list[dict[str, Any]]:
    return [row | values if number == where else row for number, row in enumerate(rows)]


def compare(old: Path, new: Path) -> tuple[str, dict[str, Any]]:
    done = CliRunner().invoke(app, ["compare", str(old), str(new)])
    if done.exception:
        raise done.exception
    answered = CliRunner().invoke(app, ["compare", str(old), str(new), "--json"])
    assert answered.exit_code == 0
    said = json.loads(answered.stdout)
    assert (said["command"], said["status"], said["exit_code"]) == ("compare", "done", 0)
    return done.output, said["changes"]


def test_two_equal_reports(tmp_path: Path) -> None:
    printed, found = compare(report(tmp_path / "a"), report(tmp_path / "b"))
    assert "Estimates: 0 of 4 changed, 4 did not" in printed
    assert "Labels of claims: no change." in printed
    assert all(
        found[name] == []
        for name in ("inputs", "settings", "software", "counts", "themes", "labels", "notes")
    )


def test_a_changed_estimate(tmp_path: Path) -> None:
    new = changed(ESTIMATES, 0, estimate=-0.7, ci_low=-1.6, ci_high=0.2)
    printed, found = compare(report(tmp_path / "a"), report(tmp_path / "b", estimates=new))
    assert "Estimates: 1 of 4 changed, 3 did not" in printed
    assert "−1.00 (−1.80 to −0.20)  −0.70 (−1.60 to 0.20)  +0.300      0.7 standard" in printed
    assert "0.7 standard errors: well within what sampling would give" in printed
    assert "now includes zero" in printed
    (line,) = [each for each in found["estimates"] if each["old"] != each["new"]]
    assert line["difference"] == pytest.approx(0.3)
    assert (line["old_zero"], line["new_zero"], line["primary"]) == (
        "excludes zero",
        "includes zero",
        True,
    )


def test_an_interval_that_keeps_its_answer(tmp_path: Path) -> None:
    new = changed(ESTIMATES, 0, ci_low=-1.9)
    printed, _ = compare(report(tmp_path / "a"), report(tmp_path / "b", estimates=new))
    assert "still excludes zero" in printed


def test_estimates_that_came_and_went(tmp_path: Path) -> None:
    new = [ESTIMATES[1], *({**row, "term": "trend"} for row in ESTIMATES[:1])]
    printed, found = compare(report(tmp_path / "a"), report(tmp_path / "b", estimates=new))
    by_term = {(each["term"], each["inference"], each["unit"]): each for each in found["estimates"]}
    assert by_term["trend", "cr2", "mmol/mol"]["old"] is None
    assert by_term["att", "cr2", "mmol/mol"]["new"] is None
    assert "not there" in printed


def test_an_unbounded_interval(tmp_path: Path) -> None:
    new = changed(ESTIMATES, 0, ci_low="-inf")
    printed, _ = compare(report(tmp_path / "a"), report(tmp_path / "b", estimates=new))
    assert "no lower limit to −0.20" in printed


def test_an_end_without_limit_is_valid_json(tmp_path: Path) -> None:
    open_end = changed(ESTIMATES, 0, ci_low="-inf")
    old, new = report(tmp_path / "a"), report(tmp_path / "b", estimates=open_end)
    answered = CliRunner().invoke(app, ["compare", str(old), str(new), "--json"])
    said = json.loads(answered.stdout, parse_constant=lambda name: pytest.fail(name))
    assert said["main"]["new"]["ci_low"] == "-inf"


def test_counts(tmp_path: Path) -> None:
    flow = changed(changed(FLOW, 0, n_patients="4800"), 1, n_records="15")
    themes = changed(THEMES, 0, n_participants="8")
    printed, found = compare(
        report(tmp_path / "a"), report(tmp_path / "b", flow=flow, theme_counts=themes)
    )
    assert [(c["of"], c["old"], c["new"], c["difference"]) for c in found["counts"]] == [
        ("patients", "4750", "4800", 50),
        ("records", "*", "15", None),
    ]
    assert [(c["what"], c["of"], c["difference"]) for c in found["themes"]] == [
        ("fit, client", "participants who raised it", -1)
    ]
    assert "+50" in printed


def test_sizes_of_the_primary_analysis(tmp_path: Path) -> None:
    new = [row | {"n_patients": "8100"} for row in ESTIMATES]
    printed, _ = compare(report(tmp_path / "a"), report(tmp_path / "b", estimates=new))
    assert [line.split() for line in printed.splitlines() if line.startswith("  patients ")] == [
        ["patients", "8085", "8100", "+15"]
    ]


def test_labels(tmp_path: Path) -> None:
    joint = changed(JOINT, 0, label="not comparable: imprecise", quantitative_state="I")
    printed, found = compare(report(tmp_path / "a"), report(tmp_path / "b", joint_display=joint))
    assert found["labels"] == [
        {
            "claim": "drift",
            "old": "dissonance",
            "new": "not comparable: imprecise",
            "old_states": "S × D",
            "new_states": "S × I",
        }
    ]
    assert "not comparable: imprecise" in printed


def test_inputs_settings_and_software(tmp_path: Path) -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["inputs"][0]["sha256"] = "z"
    manifest["inputs"][1] = {"role": "claims", "name": "d.csv", "sha256": "b"}
    manifest["study"]["window"]["last"] = "2020-03-31"
    manifest["study"]["analyses"][0]["inference"] = ["cr2"]
    manifest["software"]["commit"] = "2"
    _, found = compare(report(tmp_path / "a"), report(tmp_path / "b", manifest=manifest))
    assert found["inputs"] == [
        ["extract: events.csv", "changed"],
        ["claims: c.csv", "gone"],
        ["claims: d.csv", "new"],
    ]
    assert found["settings"] == [
        ["analyses, main, inference", "cr2, cr1", "cr2"],
        ["window, last", "2019-03-31", "2020-03-31"],
    ]
    assert found["software"] == [["commit", "1", "2"]]


def test_another_study_and_a_missing_table_are_said(tmp_path: Path) -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["study"]["study"]["name"] = "t"
    printed, _ = compare(
        report(tmp_path / "a"), report(tmp_path / "b", manifest=manifest, joint_display=None)
    )
    assert "These are reports of two studies, s and t." in printed
    assert "Only the old report has a table joint_display." in printed


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: None, "there is no such folder"),
        (lambda folder: folder.mkdir(), "there is no manifest"),
        (lambda folder: report(folder, estimates=None), "this is no whole report"),
        (
            lambda folder: (report(folder) / "manifest.json").write_text("{"),
            "the manifest is damaged",
        ),
        (
            lambda folder: (report(folder) / "flow.csv").write_bytes(b"\xff\xfe\xfd"),
            "cannot be read as a table",
        ),
    ],
)
def test_a_folder_that_is_no_report(tmp_path: Path, spoil: Any, said: str) -> None:
    spoil(tmp_path / "b")
    good = report(tmp_path / "a")
    for pair in ((good, tmp_path / "b"), (tmp_path / "b", good)):
        done = CliRunner().invoke(app, ["compare", *map(str, pair)])
        wrong_call = said == "there is no such folder"
        assert isinstance(done.exception, StudyError if wrong_call else DataError)
        assert said in str(done.exception)


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (-1.0, None),
        (-0.98, "under 0.1 standard errors: very small beside the standard error"),
        (-0.6, "1.0 standard errors: as sampling might give"),
        (-0.1, "2.2 standard errors: more than sampling alone would give"),
    ],
)
def test_a_change_is_told_from_what_sampling_would_give(
    tmp_path: Path, estimate: float, words: str | None
) -> None:
    old = [row | {"std_error": "0.4"} for row in ESTIMATES]
    new = changed(old, 0, estimate=estimate)
    printed, found = compare(
        report(tmp_path / "a", estimates=old), report(tmp_path / "b", estimates=new)
    )
    line = next(each for each in found["estimates"] if each["inference"] == "cr2")
    assert line["sampling"] == (words or "no change")
    assert line["standard_errors"] == pytest.approx(abs(estimate + 1) / 0.4)
    assert words is None or words[:30] in printed


def by_half_years() -> dict[str, Any]:
    manifest = copy.deepcopy(MANIFEST)
    manifest["study"]["window"]["period"] = "half_year"
    return manifest


def test_years_are_never_matched_with_half_years(tmp_path: Path) -> None:
    yearly = copy.deepcopy(MANIFEST)
    yearly["study"]["window"]["period"] = "financial_year"
    terms = ("att", "event[1]", "event[overall]", "trend", "calendar[2016]")
    rows = [ESTIMATES[0] | {"term": term} for term in terms]
    old = report(tmp_path / "a", manifest=yearly, estimates=rows)
    new = report(tmp_path / "b", manifest=by_half_years(), estimates=rows)
    printed, found = compare(old, new)
    assert [line["term"] for line in found["estimates"]] == ["att", "event[overall]"]
    assert "old report is by financial year, the new one by half year" in printed
    assert "patient-" not in printed
    again, _ = compare(old, old)
    assert "patient-years" in again
    again, _ = compare(new, new)
    assert "patient-half-years" in again and "patient-years" not in again


def test_nouns_are_of_what_is_counted(tmp_path: Path) -> None:
    flow = changed(changed(FLOW, 0, n_patients="4800", n_practices="12"), 1, n_records="15")
    themes = changed(THEMES, 0, n_eligible="20", n_references="31", n_sources="13")
    _, found = compare(
        report(tmp_path / "a"), report(tmp_path / "b", flow=flow, theme_counts=themes)
    )
    assert [each["of"] for each in found["counts"]] == ["practices", "patients", "records"]
    assert [each["of"] for each in found["themes"]] == [
        "participants asked",
        "coded passages",
        "interviews and other sources",
    ]


def test_the_page_stands_alone_and_escapes(tmp_path: Path) -> None:
    hostile = changed(JOINT, 0, label="<script>alert(1)</script>")
    new = changed(ESTIMATES, 0, estimate=-0.7)
    old, now = report(tmp_path / "a"), report(tmp_path / "b", estimates=new, joint_display=hostile)
    call = ["compare", str(old), str(now), "--html", str(tmp_path / "out" / "changes.html")]
    assert CliRunner().invoke(app, call).exit_code == 0
    page = (tmp_path / "out" / "changes.html").read_text()
    assert "&lt;script&gt;" in page and "<script" not in page
    assert "http" not in page.replace("http-equiv", "") and "src=" not in page
    assert "−0.70 (−1.80 to −0.20)" in page and "Theme counts: no change" in page


def test_the_main_estimate_is_in_the_answer(tmp_path: Path) -> None:
    call = ["compare", str(report(tmp_path / "a")), str(report(tmp_path / "b")), "--json"]
    answer = json.loads(CliRunner().invoke(app, call).stdout)
    main = answer["main"]
    assert main["old"] == main["new"]
    assert (answer["old"], answer["new"]) == (call[1], call[2])
    assert (main["new"]["estimate"], main["new"]["ci_low"], main["new"]["ci_high"]) == (
        -1,
        -1.8,
        -0.2,
    )
    assert (main["new"]["unit"], main["new"]["inference"]) == ("mmol/mol", "cr2")
