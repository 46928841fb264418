"""A PostgreSQL of our own, in a folder that goes with it: no network, a socket that is ours, a
password."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

OWNER = "postgres"  # whom Debian's package makes; the server does not run as root
PASSWORD = "not-for-logs:/@ %"


def programs() -> Path | None:
    """Return the folder of the server's programs, of the newest version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: p.parts[-3])
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    return Path(there).resolve().parent if there else None


@contextmanager
def server() -> Iterator[str]:
    """Yield the folder of a running server's socket; skip the test where none is installed, but in
    CI."""
    bin_ = programs()
    if bin_ is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed, and .ci/run should have installed it")
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="evalweave-pg-"))
    other: dict[str, Any] = {"cwd": folder}
    if os.getuid() == 0:
        other |= {"user": OWNER, "group": OWNER, "extra_groups": []}
        shutil.chown(folder, OWNER, OWNER)
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if os.getuid() == 0:
        shutil.chown(secret, OWNER, OWNER)
    data = folder / "data"
    try:
        subprocess.run(
            [
                *(bin_ / "initdb", "-D", data, "-U", "evalweave", "-A", "scram-sha-256"),
                *("--pwfile", secret, "--no-sync", "-E", "UTF8", "--locale", "C"),
            ],
            check=True,
            capture_output=True,
            **other,
        )
        control = [bin_ / "pg_ctl", "-D", data, "-w", "-t", "60", "-l", folder / "log"]
        options = f"-c listen_addresses='' -c fsync=off -k {folder}"
        subprocess.run([*control, "-o", options, "start"], check=True, capture_output=True, **other)
        try:
            yield str(folder)
        finally:
            subprocess.run(
                [*control, "-m", "immediate", "stop"], check=False, capture_output=True, **other
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
