"""Another workflow uses this one as a module, as docs/snakemake-module.md shows it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/snakemake-module.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    return re.search(rf"^```{kind}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[1]  # type: ignore[index]


def planned(folder: Path, *more: str) -> tuple[dict[str, int], str]:
    """Return rule → number of jobs of a dry run in `folder`, and all that was printed."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run", *more],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    lines = printed.split("Job stats:")[1].split("total")[0].splitlines()[3:]
    return {line.split()[0]: int(line.split()[1]) for line in lines if line.strip()}, printed


def test_a_parent_workflow_plans_every_stage_under_names_of_its_own(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests/workflow/small", tmp_path / "study")
    (tmp_path / "Snakefile").write_text(block("python"), encoding="utf-8")
    (tmp_path / "config.yaml").write_text(block("yaml"), encoding="utf-8")
    jobs, _ = planned(tmp_path, "--configfile", "config.yaml")
    stages = ("ingest", "clean", "intake", "cohort", "panel", "fit", "estimates", "report")
    expected = {f"evaluation_{name}": 1 for name in (*stages, "audit", "crate")}
    assert jobs == {**expected, "summary": 1}
    assert not (tmp_path / "results").exists()  # looking leaves nothing


def test_the_catalogue_finds_what_it_looks_for() -> None:
    """Its README: workflow/Snakefile, config/README.md, and this file with these keys."""
    assert 'include: "../Snakefile"' in (ROOT / "workflow/Snakefile").read_text()
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    assert (ROOT / "config/README.md").is_file()
