"""Launching the Snakemake workflow: the only module that knows it exists."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from evalweave import files, freshness, seals, stopping
from evalweave.errors import StudyError
from evalweave.used_code import Package, Used

PACKAGE = Path(__file__).parent
# Paths reach Snakemake percent-encoded: it takes quotes off a value and reads the rest as YAML.
ENCODED = "_encoded"
PASSING = "EVALWEAVE_PASSING"  # set where the folder of the run is thrown away afterwards
CALLED = "EVALWEAVE_CALLED"  # what the user typed, to be typed again
STAGES = (
    "simulate",
    "ingest",
    "clean",
    "intake",
    "cohort",
    "panel",
    "uses",
    "value",
    "fit",
    "estimates",
    "code",
    "count",
    "join",
    "report",
    "audit",
    "crate",
)


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


def home(rules: str) -> Path:
    """Return the folder of the workflow whose folder of rules is `rules`: of these rules where they
    lie in files, else of the installed package."""
    here = Path(rules).parents[1]
    return here if (here / "Snakefile").is_file() else snakefile().parent


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


def code_hash(stage: str) -> str:
    """Return the hash of the code that a stage's command uses, as its rule carries it in `params:`.

    A stage is given its part of the study as JSON, so that reading a whole study file is no part of
    it; only the report is written from the file itself.
    """
    return _code_hashes()[stage]


@cache
def _code_hashes() -> dict[str, str]:
    """Return the hash of every stage, from a file where the package is as it was at its writing."""
    state = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*")):
        if file.suffix != ".pyc" and file.is_file():
            at = file.stat()
            state.update(f"{file.relative_to(PACKAGE)} {at.st_size} {at.st_mtime_ns}\n".encode())
    noted = Path(".snakemake", "evalweave-code.json")
    with suppress(OSError, ValueError):
        read = json.loads(noted.read_text(encoding="utf-8"))
        if read["state"] == state.hexdigest() and {*read["hashes"]} == {*STAGES}:
            return dict(read["hashes"])
    hashes = hashes_of(Package(PACKAGE))
    with suppress(OSError):
        files.write_json({"state": state.hexdigest(), "hashes": hashes}, noted)
    return hashes


def hashes_of(package: Package) -> dict[str, str]:
    """Return the hash of what each stage uses of a package."""
    return {stage: used_by(stage, package).digest() for stage in STAGES}


def used_by(stage: str, package: Package) -> Used:
    """Return what a stage's command uses, as its rule calls it."""
    without = frozenset() if stage == "report" else frozenset({"study.whole"})
    return package.used(f"commands.{stage}", "command", without)


def path_in(config: Mapping[str, Any], key: str) -> str | None:
    """Return a path of Snakemake's --config, as `run` passes it or as somebody typed it."""
    if f"{key}{ENCODED}" in config:
        return from_here(unquote(str(config[f"{key}{ENCODED}"])))
    return from_here(str(config[key])) if key in config else None


def text_in(config: Mapping[str, Any], key: str) -> str:
    """Return a text of Snakemake's --config, as `run` passes it."""
    return unquote(str(config.get(f"{key}{ENCODED}", "")))


def from_here(path: str | Path) -> str:
    """Return a path relative to the present folder where it lies inside, whichever way it was
    written, so that a study is the same study however it is called."""
    whole, here = Path(path).absolute(), Path.cwd()
    return os.path.relpath(whole, here) if whole.is_relative_to(here) else str(whole)


def only_looks(arguments: Sequence[str]) -> bool:
    """Say whether Snakemake was called without anything to run."""
    short = [word for word in arguments if word[:1] == "-" and word[:2] != "--"]
    looking = {"--dry-run", "--dryrun", "--unlock", "--summary", "--dag", "--rulegraph", "--lint"}
    return bool(looking & {*arguments}) or any("n" in word for word in short)


def called(arguments: Sequence[str]) -> str:
    """Return the command that was typed: Snakemake's `arguments`, or what called it."""
    return os.environ.get(CALLED) or shlex.join(["snakemake", *arguments[1:]])


def privately(results: str, only_looking: bool = False) -> None:
    """Let everything that this process and its jobs write be the user's alone; what is released
    is given the rights that the user's umask says, from EVALWEAVE_UMASK. Tables that stages pass on
    are sealed. No folder is made where nothing will run."""
    given = os.umask(0o077)
    os.umask(given | 0o077)
    os.environ.setdefault("EVALWEAVE_UMASK", f"{given:03o}")
    os.environ[seals.WITHIN] = str(Path(results).absolute())
    for folder in () if only_looking else (Path(results).parent, Path(results)):
        with suppress(OSError):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700 & ~given)


def run(
    study_file: Path,
    *,
    cores: int | str | None = None,
    directory: Path = Path(),
    profile: str | None = None,
    extract: Path | None = None,
    quiet: bool = False,
    more: Sequence[str] = (),
    accept: str = "",
    passing: bool = False,
    told: Callable[[str], None] | None = None,
) -> int:
    """Run the workflow of `study_file` in `directory` and return Snakemake's exit code (0 or 1).

    A run that was killed is taken up where it stopped: half-done jobs are redone, finished ones are
    kept. `extract` reads the extract from another folder than the study file says. Without `cores`,
    all of this machine's are used, unless a `profile` says where jobs go and how many at a time. Of
    a `passing` run nobody is told where its report is. What is printed goes line by line to
    `told` where it is given.
    """
    if "--dry-run" in more and not (directory / freshness.NOTES).is_dir():
        # Nothing was run there yet, and looking leaves nothing behind.
        with tempfile.TemporaryDirectory(prefix="evalweave-dry-run-") as scratch:
            (Path(scratch) / freshness.NOTES).mkdir()
            elsewhere = Path(scratch)
            return run(
                study_file,
                cores=cores,
                directory=elsewhere,
                profile=profile,
                extract=extract,
                quiet=quiet,
                more=more,
                accept=accept,
                told=told,
            )
    settings = [f"study_file{ENCODED}={quote(str(study_file.resolve()))}"]
    if extract is not None:
        settings.append(f"extract{ENCODED}={quote(str(extract.resolve()))}")
    if accept:
        settings.append(f"accept{ENCODED}={quote(accept)}")
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
    freshness.alone(directory).close()  # said in one sentence, before Snakemake starts
    typed = shlex.join(["evalweave", *sys.argv[1:]])
    environment = os.environ | {"PYTHONUNBUFFERED": "1", CALLED: typed}
    if passing:
        environment[PASSING] = "1"
    return stopping.waited_for(command, environment, told)
