"""The floors of the house: an import only points down, and files are touched only where that is the
job."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import evalweave

ROOT = Path(evalweave.__file__).parent

# Where files are read or written: the command layer, and the modules whose job reading is.
READERS = (
    "commands/",
    "workflow.py",
    "files.py",
    "seals.py",
    "study/file.py",
    "study/strand.py",
    "reference.py",
    "freshness.py",
    "stopping.py",  # /proc
    "used_code.py",
    "vocabulary/words.py",
    "reading/",
    "engine/",
    "extract/",
    "records/",
    "qualitative/",
    "estimators/read_panel.py",
    "simulation/written.py",
    "release/",
    "report/gather.py",
    "report/folder.py",
    "report/formats.py",
    "templates/",
)
TOUCHES_FILES = {
    "open",
    "read_text",
    "write_text",
    "read_bytes",
    "write_bytes",
    "read_csv",
    "to_csv",
    "read_parquet",
    "to_parquet",
    "read_excel",
    "to_excel",
    "savetxt",
    "loadtxt",
    "write_csv",
    "write_json",
    "write_parquet",
    "unlink",
    "mkdir",
    "read_table",
    "load_study",
    "load_settings",
}

MODULES = sorted(
    path for path in ROOT.rglob("*.py") if path.name != "__init__.py" or path.parent != ROOT
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_one_module_knows_that_snakemake_exists(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        knows = any(name.split(".")[0] == "snakemake" for name in names)
        assert not knows or path.name == "workflow.py", name_of(path)
        if isinstance(node, ast.Constant) and node.value == "snakemake":
            assert name_of(path) == "workflow.py", f"{name_of(path)}, line {node.lineno}"


@pytest.mark.parametrize(
    "path", [p for p in MODULES if not name_of(p).startswith(READERS)], ids=name_of
)
def test_files_are_touched_where_that_is_the_job(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            assert called not in TOUCHES_FILES, f"{name_of(path)}, line {node.lineno}: {called}()"


@pytest.mark.parametrize("path", sorted((ROOT / "commands").glob("[a-z]*.py")), ids=name_of)
def test_a_command_loads_only_typer_until_it_is_called(path: Path) -> None:
    allowed = {"__future__", "collections", "contextlib", "enum", "pathlib", "typing", "typer"}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert any(isinstance(node, ast.FunctionDef) and node.name == "command" for node in tree.body)
    for node in tree.body:
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= allowed
        if isinstance(node, ast.ImportFrom):
            light = (node.module or "").startswith("evalweave.catalogue.")  # declarations only
            assert light or (node.module or "").split(".")[0] in allowed, (
                f"{name_of(path)}, line {node.lineno}"
            )


def test_modules_fit_on_a_few_screens() -> None:
    long = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    long = {name: n for name, n in long.items() if n > 400}
    assert not long, f"part these: {long}"


def test_help_loads_nothing_heavy() -> None:
    probe = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from evalweave import cli\n"
        "assert CliRunner().invoke(cli.app, ['--help']).exit_code == 0\n"
        "heavy = {'pandas', 'numpy', 'pydantic', 'yaml', 'matplotlib', 'snakemake'} & "
        "set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_is_random_without_a_seed(path: Path) -> None:
    """No `random` of the standard library, no generator without a seed, none of numpy's global
    ones."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        where = f"{name_of(path)}, line {getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            assert all(alias.name not in ("random", "secrets") for alias in node.names), where
        elif isinstance(node, ast.ImportFrom):
            assert node.module not in ("random", "secrets"), where
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            words = ast.unparse(node.func)
            if re.match(r"(np|numpy)\.random\.[a-z]\w*$", words):
                assert words.endswith("default_rng") and (node.args or node.keywords), where


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_names_a_machine(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"""(^|["' =(])/(root|home|mnt|srv)/\w""", source)


TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "path", sorted(TESTS.rglob("*.py")), ids=lambda path: path.relative_to(TESTS).as_posix()
)
def test_tests_share_through_helpers_and_never_import_each_other(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        parts = {part for name in names for part in name.split(".")}
        where = f"{path.relative_to(TESTS)}, line {getattr(node, 'lineno', 0)}"
        assert not any(part.startswith("test_") for part in parts), where
