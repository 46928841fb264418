"""What a report says of the software: the same of a wheel as of the checkout it was built from."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from evalweave.release import software
from helpers.report_results import Made
from helpers.reports import both, report, words

ROOT = Path(__file__).parents[2]
PRINTED = (
    "import json; from evalweave.release.software import software; print(json.dumps(software()))"
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a wheel as pyproject.toml says, laid out as they are installed."""
    place = tmp_path_factory.mktemp("site-packages")
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"][
        "targets"
    ]["wheel"]
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / wheel["packages"][0], place / "evalweave", ignore=ignored)
    for source, target in wheel["force-include"].items():
        (place / target).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place / target, ignore=ignored)
        else:
            shutil.copy(ROOT / source, place / target)
    return place


def said_by(place: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PRINTED],
        env=os.environ | {"PYTHONPATH": str(place)},
        cwd=place,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def test_a_wheel_names_the_code_and_the_lock_of_its_checkout(installed: Path) -> None:
    here, there = software.software(), said_by(installed)
    assert len(there["code"]) == 64
    for name in ("evalweave", "code", "lock", "dependencies", "python"):
        assert there[name] == here[name], name
    assert there["commit"] is None
    lock = installed / "evalweave/_workflow" / software.LOCK
    assert lock.read_bytes() == (ROOT / software.LOCK).read_bytes()


def test_edited_code_and_an_edited_rule_are_other_code(installed: Path, tmp_path: Path) -> None:
    here = software.code()
    for name in (
        "estimators/twfe.py",
        "_workflow/workflow/rules/report.smk",
        "_workflow/Snakefile",
    ):
        copy = shutil.copytree(installed, tmp_path / name.replace("/", "."))
        with (copy / "evalweave" / name).open("a") as file:
            file.write("\n# edited\n")
        assert said_by(copy)["code"] != here


def test_versions_of_a_lock() -> None:
    lock = (
        "a==1.0 \\\n    --hash=sha256:0\nb[c]==2.1 ; python_full_version < '3.12' \\\nb[c]==2.2\n"
    )
    assert software.versions_in(lock) == {"a": {"1.0"}, "b": {"2.1", "2.2"}}


def test_what_is_not_installed_as_locked_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / software.LOCK
    lock.parent.mkdir(parents=True)
    now = software.metadata.version("pandas")
    lock.write_text(
        f"pandas==0.1 \\\nnumpy=={software.metadata.version('numpy')}\nonly-windows==1\n"
    )
    monkeypatch.setattr(software, "workflow_folder", lambda: tmp_path)
    software.lock.cache_clear()
    try:
        found = software.lock()
    finally:
        software.lock.cache_clear()
    assert found is not None and found["differs"] == [f"pandas {now}, locked 0.1"]


def test_the_report_and_its_manifest_state_code_and_lock(tmp_path: Path) -> None:
    out = report(tmp_path, Made(only_main=True, qualitative=False, claims=False))
    stated = json.loads((out / "manifest.json").read_text())["software"]
    assert stated["code"] == software.code() and stated["lock"] == software.lock()
    page = words(both(out))
    assert f"code {software.code()[:12]}" in page
    assert f"libraries as in the lock {stated['lock']['sha256'][:12]}" in page
