"""Runs pytest on a copy of the project in a process that has the slow libraries already.

Starting Python, numpy, pandas, ibis and pytest takes longer than most of the tests that notice a
fault. A fork server loads them once; nothing of evalweave is loaded before the fork.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from pathlib import Path

HEAVY = ["asking", "pytest", "hypothesis", "numpy", "pandas", "pyarrow.parquet", "scipy.stats"]
HEAVY += ["ibis", "duckdb", "sqlglot", "pydantic", "typer.testing", "matplotlib.figure"]


def fails(copy: Path, words: list[str], limit: float) -> bool:
    """Return whether a test of the copy fails, or does not end within `limit` seconds.

    Raises:
        RuntimeError: pytest could not run at all.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(HEAVY)
    process = context.Process(target=_ask, args=(str(copy), words))
    process.start()
    process.join(limit)
    if process.is_alive():
        os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()
        return True
    if process.exitcode not in (0, 1, 2):  # 2: the fault keeps a test from being collected
        raise RuntimeError(f"pytest ended with {process.exitcode} for {' '.join(words)}")
    return process.exitcode != 0


def _ask(copy: str, words: list[str]) -> None:
    os.setsid()
    os.chdir(copy)
    os.environ |= {"PYTHONPATH": f"{copy}/src", "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = True
    sys.path.insert(0, f"{copy}/src")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    import pytest

    os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *words])))
