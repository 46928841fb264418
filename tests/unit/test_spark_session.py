"""What a user of `engine: pyspark` is told when something is missing; none of this starts Spark."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from evalweave import engine, workflow
from evalweave.cli import app
from evalweave.engine import spark_session
from evalweave.errors import StudyError


@pytest.fixture
def with_packages(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing in the environment names a Spark or a Java; skip where PySpark is not installed."""
    pytest.importorskip("pyspark")
    for name in ("EVALWEAVE_SPARK_REMOTE", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new study on Spark, on a machine without PySpark; starting the workflow fails the test."""
    assert CliRunner().invoke(app, ["init", str(tmp_path / "new")]).exit_code == 0
    file = tmp_path / "new" / "study.yaml"
    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump(said | {"engine": "pyspark"}), encoding="utf-8")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "pyspark" else find(name, *more),
    )
    monkeypatch.setattr(workflow, "run", lambda *a, **k: pytest.fail("the workflow was started"))
    return file


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_missing_pyspark_is_said_before_anything_starts(study: Path, command: str) -> None:
    done = CliRunner().invoke(app, [command, str(study)])
    assert isinstance(done.exception, StudyError), done.exception
    assert "engine: pyspark needs PySpark, which is not installed. Install it: `pip install" in str(
        done.exception
    )


def test_a_stage_says_it_too(study: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="needs PySpark"), engine.working("pyspark", tmp_path):
        pass
    assert engine.lacking("duckdb") == []


@pytest.mark.spark
def test_a_missing_java_is_said(with_packages: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_packages.setenv("PATH", str(tmp_path))
    with pytest.raises(
        StudyError, match=r"needs Java, which was not found on this machine\. Install a Java"
    ):
        spark_session.check()
    with_packages.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(StudyError, match=r"not found in JAVA_HOME \("):
        spark_session.check()


@pytest.mark.spark
def test_an_old_java_is_said(with_packages: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_442\"' >&2\n")
    java.chmod(0o755)
    with_packages.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(StudyError, match="needs Java 17 or later, found 8"):
        spark_session.check()


@pytest.mark.spark
def test_an_address_that_is_none_is_said_without_its_token(
    with_packages: pytest.MonkeyPatch,
) -> None:
    with_packages.setenv("EVALWEAVE_SPARK_REMOTE", "spark://host:7077/;token=secret")
    with pytest.raises(StudyError, match="expected an address such as sc://host:15002") as raised:
        spark_session.check()
    assert "secret" not in str(raised.value)


@pytest.mark.spark
@pytest.mark.parametrize("address", ["sc://127.0.0.1:9/;token=secret", "sc://127.0.0.1:x", "sc://"])
def test_a_server_that_does_not_answer_is_said_at_once(
    with_packages: pytest.MonkeyPatch, tmp_path: Path, address: str
) -> None:
    pytest.importorskip("grpc")
    with_packages.setenv("EVALWEAVE_SPARK_REMOTE", address)
    with_packages.setattr(spark_session, "getproxies", dict)
    with pytest.raises(StudyError, match="no Spark Connect server answers at") as raised:
        engine.connect("pyspark", tmp_path)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "mebibytes"),
    [
        ("2GB", 1907),
        ("2 GiB", 2048),
        ("1500MB", 1430),
        ("0.75g", 715),
        ("1e9", None),
        ("100MB", None),
    ],
)
def test_amounts_of_memory(text: str, mebibytes: int | None) -> None:
    if mebibytes is None:
        with pytest.raises(StudyError, match="EVALWEAVE_MEMORY_LIMIT"):
            spark_session.heap(text, engine.MEMORY)
    else:
        assert spark_session.heap(text, engine.MEMORY) == f"{mebibytes}m"
