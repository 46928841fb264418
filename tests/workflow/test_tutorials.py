"""The tutorials of docs/tutorials, run as they stand there; one run of a study serves them all."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/tutorials"
RUN_ANEW = "evalweave reproduce"  # a run of the study again: test_reproduce has tests of it


def blocks(page: str, kind: str) -> list[str]:
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def typed(page: str, folder: Path) -> str:
    """Type a tutorial's commands in `folder`, one after the other, and return what was printed."""
    scripts = "\n".join(b for b in blocks(page, "sh") if not b.startswith(RUN_ANEW))
    done = subprocess.run(
        ["sh", "-e", "-c", scripts],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "EVALWEAVE": str(ROOT),
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def plain(text: str) -> str:
    """Return a text with blanks of one kind: those inside "95 % CI" break no line."""
    return " ".join(text.split())


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with what a checkout has of the first study, and what its tutorial printed."""
    folder = tmp_path_factory.mktemp("first")
    shutil.copytree(ROOT / "tests/workflow/small", folder / "tests/workflow/small")
    return folder, typed("first-study", folder)


def test_the_first_study_prints_what_its_page_says(studied: tuple[Path, str]) -> None:
    folder, printed = studied
    (estimate,) = blocks("first-study", "text")
    twice = plain(printed).count(plain(estimate))  # of the run, and where nothing had to be done
    assert twice >= 2
    assert "Nothing to be done" in printed
    assert "a rehearsal of the whole run ended with a report" in printed
    assert (folder / "reports/my-study/release.zip").is_file()


def test_a_reviewer_finds_nothing_recovered_and_nothing_changed(
    studied: tuple[Path, str],
) -> None:
    folder, _ = studied
    printed = typed("reviewer", folder)
    assert re.search(r": 0 of \d+ protected counts recovered", printed)
    assert "report.html" in printed
    assert "Estimates: 0 of " in printed and (folder / "changes.html").is_file()


def test_the_researchers_afternoon_reads_and_counts_the_project(tmp_path: Path) -> None:
    printed = typed("qualitative-researcher", tmp_path)
    assert re.search(r"^ +30  sources that nobody is linked to", printed, re.MULTILINE)
    results = tmp_path / "results/ways-to-wellness"
    assert {"codebook.csv", "gaps.csv", "disagreements.csv"} <= {
        path.name for path in (results / "count").iterdir()
    }
    assert "claim_id" in printed


def test_the_estimators_give_what_their_page_prints(tmp_path: Path) -> None:
    (spec,) = blocks("only-the-estimators", "yaml")
    (tmp_path / "spec.yaml").write_text(spec, encoding="utf-8")
    printed = typed("only-the-estimators", tmp_path)
    (shown,) = blocks("only-the-estimators", "text")
    for line in shown.splitlines():
        assert line in printed.splitlines()
    (script,) = blocks("only-the-estimators", "python")
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == script.rpartition("# ")[2].strip()
