"""Limits in words: whose average, what could have been seen, what the start's difference does, and
who was lost; each sentence follows its number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from evalweave import files
from evalweave.report.gather import gather
from evalweave.report.sections import limits, together
from evalweave.study.file import load_study
from helpers.report_results import Made, results, study_file
from helpers.reports import words


def said(
    folder: Path, made: Made, diagnostics: dict[str, object] | None = None, **study: object
) -> str:
    """Return the section's words; `study` are keys laid over the study file's."""
    file = study_file(folder, made)
    written = yaml.safe_load(file.read_text())
    for key, value in study.items():
        written[key] = {**written.get(key, {}), **value} if isinstance(value, dict) else value
    file.write_text(yaml.safe_dump(written, sort_keys=False))
    where = results(folder, made)
    if diagnostics is not None:
        files.write_json({"main": diagnostics}, where / "estimates/diagnostics.json")
    section = limits.section(gather(load_study(file), file, where))
    assert section is not None
    return words(" ".join(map(str, section.blocks[0].items)))


def detectable(effect: float) -> dict[str, object]:
    return {"minimum_detectable_effect": {"power": 0.8, "level": 0.95, "effects": {"att": effect}}}


def test_whose_average_it_is_and_what_becomes_of_movers(tmp_path: Path) -> None:
    text = said(tmp_path / "a", Made())
    assert "people registered with practices that had the service, whether or not" in text
    assert "alive and measured" in text and "counts until the move" in text
    kept = said(tmp_path / "b", Made(), exposure={"moves": "keep"})
    assert "counts in the arm where they began" in kept and "until the move" not in kept


@pytest.mark.parametrize(("effect", "matters"), [(2.0, "would hardly"), (8.0, "could well")])
def test_what_could_have_been_seen_beside_what_matters(
    tmp_path: Path, effect: float, matters: str
) -> None:
    text = said(tmp_path, Made(), detectable(effect))
    assert f"true difference of {effect:.2f} mmol/mol would have been told" in text
    assert f"{effect * 0.09148:.2f} percentage points would have been told" in text
    assert "in 80 % of studies" in text and f"one that matters {matters}" in text


def test_a_margin_is_applied_to_an_average_only_with_words(tmp_path: Path) -> None:
    text = said(tmp_path / "a", Made())
    assert "5.50 mmol/mol, is applied to this average; where it comes from was not stated" in text
    reason = said(tmp_path / "b", Made(), report={"margin": 5.5, "margin_reason": "a guideline"})
    assert "it comes from: a guideline." in reason
    assert "No smallest difference" in said(tmp_path / "c", Made(margin=None))


@pytest.mark.parametrize(
    ("programme", "estimate", "words"),
    [
        (60.0, -1.2, "2.00 mmol/mol higher, the estimate is −1.20: it points to where extreme"),
        (56.0, -1.2, "2.00 mmol/mol lower, the estimate is −1.20: extreme values returning"),
    ],
)
def test_the_difference_before_the_start_stands_beside_the_estimate(
    tmp_path: Path, programme: float, estimate: float, words: str
) -> None:
    import pandas as pd

    made = Made(estimate=estimate)
    file = study_file(tmp_path, made)
    where = results(tmp_path, made)
    path = where / "cohort/baseline.csv"
    frame = pd.read_csv(path)
    line = {
        **frame[frame["variable"] == "age"].iloc[0].to_dict(),
        "variable": "hba1c",
        "programme": programme,
        "comparison_value": 58.0,
    }
    pd.concat([frame, pd.DataFrame([line])]).to_csv(path, index=False)
    section = limits.section(gather(load_study(file), file, where))
    assert section is not None
    assert words in " ".join(map(str, section.blocks[0].items))


def test_who_was_lost_is_said_by_arm_and_several_analyses_are_counted(tmp_path: Path) -> None:
    text = said(tmp_path, Made())
    # 3,001 of 7 x 4,752 and of 7 x 3,334 person-periods
    assert re.search(r"for 9\.0 % of person-periods in the programme arm and 12\.9 % in the", text)
    assert "4 more; p-values are adjusted by Holm's method within the family of 1 analysis" in text


def test_the_joint_display_says_where_a_check_speaks_against(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evalweave.report.verdict import Verdict

    made = Made()
    file = study_file(tmp_path, made)
    data = gather(load_study(file), file, results(tmp_path, made))
    assert "under that doubt" not in str(together.section(data).blocks[0].notes)
    verdict = Verdict("difference", "", "A check speaks against the design: there is one.", "", {})
    monkeypatch.setattr(together, "verdict", lambda _: verdict)
    assert "A check speaks against the design" in str(together.section(data).blocks[0].notes)
