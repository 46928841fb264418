"""Launching the Snakemake workflow: the only module that knows it exists."""

from __future__ import annotations

import ast
import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from evalweave.errors import DataError, StudyError

PACKAGE = Path(__file__).parent


def snakefile() -> Path:
    """Return the workflow's Snakefile: of the installed package, or of the checkout it runs
    from."""
    places = (PACKAGE / "_workflow" / "Snakefile", PACKAGE.parents[1] / "Snakefile")
    for place in places:
        if place.is_file():
            return place
    raise StudyError(
        "The workflow's Snakefile is missing from this installation. Install evalweave again."
    )


def profile_path(profile: str) -> str:
    """Return what Snakemake's --profile takes: a bundled profile by its name, or one of the user's
    own.

    Bundled profiles are named after the executor plugin that they need.
    """
    bundled = snakefile().parent / "workflow" / "profiles"
    names = sorted(file.parent.name for file in bundled.glob("*/config.yaml"))
    if profile in names:
        plugin = f"snakemake-executor-plugin-{profile}"
        if importlib.util.find_spec(plugin.replace("-", "_")) is None:
            raise StudyError(
                f'The profile "{profile}" needs Snakemake\'s plugin for it. Install it: `pip '
                f"install {plugin}`, "
                f"or in a checkout `uv sync --group {profile}`."
            )
        return str(bundled / profile)
    if Path(profile).exists():
        return str(Path(profile).resolve())
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    if any((place / "snakemake" / profile).exists() for place in (settings, Path("/etc/xdg"))):
        return profile  # one that Snakemake finds by its name in any folder
    raise StudyError(
        f'--profile: there is no profile "{profile}". Bundled: {", ".join(names)}. For one of your '
        "own give its "
        f"folder, with a config.yaml in it; {bundled / names[0]} is one to copy."
    )


@cache
def code_hash(*modules: str) -> str:
    """Return a hash of the source of `modules` (dotted, below evalweave) and of all of ours that
    they import.

    A rule carries it in `params:`, since Snakemake does not rerun a job when a package module
    changes. Imports inside functions and names of modules given as text
    ("evalweave.estimators.twfe:twfe", as registries hold them) count too.
    """
    waiting = list(modules)
    seen: dict[Path, bytes] = {}
    while waiting:
        name = waiting.pop()
        for file in _sources(name):
            if file in seen:
                continue
            seen[file] = file.read_bytes()
            if file.suffix == ".py":
                waiting.extend(_imports(seen[file]))
    digest = hashlib.sha256()
    for file in sorted(seen):
        digest.update(file.relative_to(PACKAGE).as_posix().encode())
        digest.update(hashlib.sha256(seen[file]).digest())
    return digest.hexdigest()[:16]


def _sources(module: str) -> list[Path]:
    """Return the files of a module: itself, or a package's own file with the data files beside
    it."""
    stem = PACKAGE.joinpath(*module.split("."))
    if stem.with_suffix(".py").is_file():
        return [stem.with_suffix(".py")]
    if (stem / "__init__.py").is_file():
        data = [
            f
            for f in stem.rglob("*")
            if f.is_file() and f.suffix in (".html", ".css", ".j2", ".js", ".yaml")
        ]
        return [stem / "__init__.py", *data]
    return []


def _imports(source: bytes) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200
        ):
            names = [node.value.split(":")[0]]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "evalweave" and all(
                parts
            ):  # importing a module runs the packages that it lies in
                yield from (".".join(parts[1:end]) for end in range(2, len(parts) + 1))


def run(
    study_file: Path,
    *,
    cores: int | str | None = None,
    directory: Path = Path(),
    profile: str | None = None,
    extract: Path | None = None,
    quiet: bool = False,
    more: Sequence[str] = (),
) -> int:
    """Run the workflow of `study_file` in `directory` and return Snakemake's exit code (0 or 1).

    A run that was killed is taken up where it stopped: half-done jobs are redone, finished ones are
    kept. `extract` reads the extract from another folder than the study file says. Without `cores`,
    all of this machine's are used, unless a `profile` says where jobs go and how many at a time.
    """
    settings = [f"study_file={study_file.resolve()}"]
    if extract is not None:
        settings.append(f"extract={extract.resolve()}")
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(snakefile()),
        "--directory",
        str(directory.resolve()),
        "--rerun-incomplete",
        "--config",
        *settings,
    ]
    if profile:
        command += ["--profile", profile_path(profile)]
    if cores is not None or not profile:
        command += ["--cores", str(cores or "all")]
    if quiet:
        command += ["--quiet", "all"]
    command += more
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(f"--directory: {directory} cannot be made ({error.strerror}).") from None
    with _alone(directory) as died_before:
        if died_before:
            subprocess.run([*command, "--unlock"], capture_output=True, check=False)
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        return subprocess.run(command, check=False, env=environment).returncode


@contextmanager
def _alone(directory: Path) -> Iterator[bool]:
    """Hold `directory` for one run at a time; yield whether the run before died without letting
    go."""
    mark = directory / ".snakemake" / "evalweave.lock"
    mark.parent.mkdir(parents=True, exist_ok=True)
    with mark.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataError(
                f"Another run is under way in {directory}. Wait for it, or use another --directory."
            ) from None
        handle.seek(0)
        died_before = handle.read() == "running"
        handle.truncate(0)
        handle.write("running")
        handle.flush()
        yield died_before
        handle.truncate(0)
