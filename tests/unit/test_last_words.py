"""What a run ends with: estimate, verdict and path; or the cause of its failure."""

from __future__ import annotations

import os
import re
from pathlib import Path

from evalweave.commands._outcome import cause, closing
from evalweave.commands.run import _last_words
from helpers.report_results import Made
from helpers.reports import report


def test_a_run_ends_with_the_estimate_its_verdict_and_the_path(tmp_path: Path) -> None:
    written = report(tmp_path / "made", Made())
    (tmp_path / "reports").mkdir()
    written.rename(tmp_path / "reports/invented")
    estimate, verdict, path = closing(tmp_path, "invented")
    assert re.match(r"With the service available, HbA1c rose by 0\.11 percentage points", estimate)
    assert "mmol/mol" not in estimate and "association" in verdict
    assert path == f"Report: {(tmp_path / 'reports/invented/report.html').resolve()}"
    assert closing(tmp_path, "another") == []


def test_a_failure_ends_with_its_cause(tmp_path: Path, capsys: object) -> None:
    logs = tmp_path / "results/s/logs"
    logs.mkdir(parents=True)
    for n, (name, words) in enumerate(
        [("clean", "evalweave: An old one."), ("panel", "x\nevalweave: No period.\nSay which.")]
    ):
        (logs / f"{name}.log").write_text(words)
        os.utime(logs / f"{name}.log", (n, n))
    (logs / "report.log").write_text("Written: 3 files")
    assert cause(tmp_path, "s") == "No period.\nSay which."
    _last_words(tmp_path, "s", 1)
    assert capsys.readouterr().err == "evalweave: No period.\nSay which.\n"  # type: ignore[attr-defined]
    assert cause(tmp_path, "t") == ""
