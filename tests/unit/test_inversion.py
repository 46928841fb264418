"""Statistics that tell of the counts behind them, and the attack as a program."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evalweave.release.inversion import differences
from helpers.report_results import Made
from helpers.reports import report

ROW = {
    "comparison": "all",
    "variable": "sex",
    "category": "female",
    "statistic": "n",
    "programme": "2050.0",
    "programme_n": "4750",
    "comparison_value": "1430.0",
    "comparison_n": "3335",
    "smd": "0.01",
}


def test_a_difference_says_no_more_than_the_printed_numbers() -> None:
    """2,050 of 4,750 and 1,430 of 3,335: 0.0055 apart in units of their deviation."""
    assert list(differences({"baseline": [ROW]})) == []
    exact = ROW | {"smd": "0.03"}
    assert len(list(differences({"baseline": [exact]}))) == 1
    for name in ("programme", "comparison_n"):
        hidden = ROW | {name: "*" if name == "comparison_n" else ""}
        assert len(list(differences({"baseline": [hidden]}))) == 1
    assert list(differences({"baseline": [ROW | {"smd": "", "programme": ""}]})) == []


def test_a_difference_of_means_is_that_of_the_printed_means() -> None:
    means = ROW | {"variable": "age", "category": "", "statistic": "mean_sd"}
    means |= {"programme": "57.9", "comparison_value": "57.0"}
    means |= {"programme_sd": "8.7", "comparison_sd": "8.6"}
    assert list(differences({"baseline": [means | {"smd": "0.1"}]})) == []
    assert len(list(differences({"baseline": [means | {"smd": "0.12"}]}))) == 1


def test_no_other_table_shows_a_difference_that_the_baseline_hides() -> None:
    hidden = ROW | {"smd": "", "programme": ""}
    again = {"comparison": "all", "variable": "sex", "category": "female", "smd_before": "0.01"}
    figure = {"variable": "sex", "category": "female", "smd": "0.01"}
    for name, row in (("balance", again), ("figures/baseline-differences", figure)):
        assert len(list(differences({"baseline": [hidden], name: [row]}))) == 1
        assert list(differences({"baseline": [ROW], name: [row]})) == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report(tmp_path_factory.mktemp("study"), Made(formats=("html",)))


def attacked(*words: str) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "evalweave", "attack", *words]
    return subprocess.run(call, capture_output=True, text=True, check=False)


def test_a_reviewer_attacks_the_released_files_alone(folder: Path, tmp_path: Path) -> None:
    done = attacked(str(folder), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["findings"] == [] and found["protected_cells"] > 50
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    path = copy / "baseline.csv"
    path.write_text(path.read_text().replace(",57.9,", ",57.919612794612796,"))
    fallen = attacked(str(copy))
    assert fallen.returncode == 1 and "protected counts recovered" in fallen.stderr
    assert attacked(str(tmp_path)).returncode == 1  # nothing to attack
    beside = attacked(str(folder), "--earlier", str(folder))
    assert beside.returncode == 0 and "0 of" in beside.stdout
