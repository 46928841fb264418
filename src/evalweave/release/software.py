"""Which software made a release: versions, the code itself by its hash, and the lock that it was
installed from.

The hash is of what runs (the package and its workflow, by name and content), so that an installed
wheel and the checkout that it was built from have the same one, and edited code another.
"""

from __future__ import annotations

import hashlib
import platform
import re
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
LOCK = "workflow/envs/requirements.txt"
WORKFLOW = ("Snakefile", "workflow/rules/*.smk", LOCK)
_IN_WHEEL = "_workflow"


def software() -> dict[str, Any]:
    """Return versions, commit (of a checkout), code hash and lock as the manifest states them."""
    commit, dirty = revision(PACKAGE.parents[1])
    return {
        "evalweave": metadata.version("evalweave"),
        "code": code(),
        "python": platform.python_version(),
        "commit": commit,
        "uncommitted_changes": dirty,
        "dependencies": dependencies(),
        "lock": lock(),
    }


def workflow_folder() -> Path:
    """Return the folder of the Snakefile: of the installed package, or of the checkout."""
    inside = PACKAGE / _IN_WHEEL
    return inside if (inside / "Snakefile").is_file() else PACKAGE.parents[1]


@cache
def code() -> str:
    """Return the SHA-256 of the package and its workflow."""
    listed = {
        path.relative_to(PACKAGE).as_posix(): path
        for path in PACKAGE.rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and _IN_WHEEL not in path.relative_to(PACKAGE).parts
    }
    top = workflow_folder()
    for pattern in WORKFLOW:
        for path in top.glob(pattern):
            listed[f"{_IN_WHEEL}/{path.relative_to(top).as_posix()}"] = path
    digest = hashlib.sha256()
    for name, path in sorted(listed.items()):
        digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


@cache
def lock() -> dict[str, Any] | None:
    """Return the lock's SHA-256 and what is installed in another version; None without a lock.

    What the lock names for other systems only is not installed, and no difference.
    """
    path = workflow_folder() / LOCK
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    differs = []
    for name, locked in versions_in(text).items():
        installed = _installed(name)
        if installed is not None and installed not in locked:
            differs.append(f"{name} {installed}, locked {' or '.join(sorted(locked))}")
    return {"sha256": hashlib.sha256(text.encode()).hexdigest(), "differs": differs}


def versions_in(requirements: str) -> dict[str, set[str]]:
    """Return name → versions of a file of locked requirements (several where systems differ)."""
    found: dict[str, set[str]] = {}
    for match in re.finditer(r"^([\w.-]+)(?:\[[\w,.-]+\])?==([^\s;\\]+)", requirements, re.M):
        found.setdefault(match[1], set()).add(match[2])
    return found


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def dependencies() -> dict[str, str]:
    """Return the installed version of every dependency that the package declares."""
    declared = [text for text in metadata.requires("evalweave") or [] if "extra ==" not in text]
    names = [re.split(r"[\s\[<>=!~;(]", text, maxsplit=1)[0] for text in declared]
    return {name: _installed(name) or "not installed" for name in names}


def revision(checkout: Path) -> tuple[str | None, bool | None]:
    """Return the git commit of the checkout that runs and whether tracked files differ from it;
    None if none."""
    if not (checkout / ".git").exists():
        return None, None
    answers = []
    for question in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"]):
        try:
            done = subprocess.run(
                ["git", "-C", str(checkout), *question],
                capture_output=True,
                text=True,
                check=True,
                timeout=30,
            )
        except (OSError, subprocess.SubprocessError):
            return None, None
        answers.append(done.stdout.strip())
    return answers[0], bool(answers[1])
