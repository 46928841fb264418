"""Profiles that come with the workflow: found by name, and true to the workflow's rules. No cluster
is needed."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from evalweave.errors import StudyError
from evalweave.workflow import profile_path, snakefile

SLURM = snakefile().parent / "workflow" / "profiles" / "slurm"


@pytest.fixture
def slurm() -> dict:
    return yaml.safe_load((SLURM / "config.yaml").read_text())


def plugins(monkeypatch: pytest.MonkeyPatch, *installed: str) -> None:
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: name if name in installed else None
    )


def test_a_bundled_profile_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins(monkeypatch, "snakemake_executor_plugin_slurm")
    assert Path(profile_path("slurm")) == SLURM


def test_without_the_plugin_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins(monkeypatch)
    with pytest.raises(StudyError, match="pip install snakemake-executor-plugin-slurm"):
        profile_path("slurm")


def test_a_profile_of_ones_own_is_taken_by_its_path_even_with_a_bundled_name(
    tmp_path: Path,
) -> None:
    own = tmp_path / "slurm"
    own.mkdir()
    (own / "config.yaml").write_text("cores: 2\n")
    assert Path(profile_path(str(own))) == own


def test_a_name_that_snakemake_knows_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "snakemake" / "our-site").mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert profile_path("our-site") == "our-site"


def test_an_unknown_profile_names_the_valid_ones() -> None:
    with pytest.raises(StudyError, match=r'no profile "slrum"\. Bundled: slurm'):
        profile_path("slrum")


def test_it_speaks_of_rules_that_exist(slurm: dict) -> None:
    text = "".join(file.read_text() for file in (SLURM.parents[1] / "rules").glob("*.smk"))
    rules = set(re.findall(r"^\s*rule (\w+):", text, flags=re.MULTILINE))
    assert rules >= {*slurm["set-threads"], *slurm["set-resources"], *slurm["groups"]}


def test_duckdb_is_told_less_than_slurm_gives(slurm: dict) -> None:
    found = re.fullmatch(r"export EVALWEAVE_MEMORY_LIMIT=(\d+)GB", slurm["precommand"])
    assert found
    for stage in ("ingest", "clean", "cohort", "panel"):
        assert int(found[1]) * 1000 < slurm["set-resources"][stage]["mem_mb"]


def test_jobs_that_ended_are_asked_for_before_slurm_forgets_them(slurm: dict) -> None:
    assert slurm["slurm-status-command"] == "squeue"
    # the plugin turns to sacct, which needs job accounting, when three waits are longer than
    # MinJobAge (300 s)
    assert 3 * slurm["slurm-init-seconds-before-status-checks"] < 300
