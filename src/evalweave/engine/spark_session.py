"""Which Spark a run uses, and starting one on this machine when there is none.

Where Spark runs is a matter of the machine, not of the study, so it is said by the environment: the
cluster named by EVALWEAVE_SPARK_REMOTE (Spark Connect), else the session that is active in this
process (a notebook on Databricks), else a Spark started here and stopped at the end. Nothing that
Spark logs is shown or kept: its messages may hold data.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import socket
import subprocess
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from evalweave.errors import StudyError

REMOTE = "EVALWEAVE_SPARK_REMOTE"
OLDEST, OLDEST_JAVA = 4, 17
LEAST_MEMORY = 512 << 20  # Spark's own limit is 450 MiB of usable heap
UNITS = {
    "": 1,
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "KI": 1 << 10,
    "MI": 1 << 20,
    "GI": 1 << 30,
    "TI": 1 << 40,
}
INSTALL = 'Install it: `pip install "pyspark>=4"`, or in a checkout `uv sync --group spark`'
INSTEAD = "or set `engine: duckdb`, which gives the same tables."


def check() -> None:
    """Raise `StudyError` when what Spark needs is not on this machine; nothing is started."""
    if importlib.util.find_spec("pyspark") is None:
        raise StudyError(
            f"engine: pyspark needs PySpark, which is not installed. {INSTALL}; {INSTEAD}"
        )
    import pyspark

    if int(pyspark.__version__.split(".")[0]) < OLDEST:
        raise StudyError(
            f"engine: pyspark needs PySpark {OLDEST} or later, found {pyspark.__version__}. "
            f"{INSTALL}; {INSTEAD}"
        )
    if remote():
        if importlib.util.find_spec("grpc") is None:
            raise StudyError(
                f"{REMOTE}: Spark Connect needs more packages. Install them: `pip install "
                '"pyspark[connect]>=4"`.'
            )
    elif active() is None:
        _check_java()


def remote() -> str | None:
    """Return the address of the Spark Connect server that the environment names, or None."""
    said = os.environ.get(REMOTE)
    if said and not said.startswith("sc://"):
        raise StudyError(
            f'{REMOTE}: found "{said.split(";")[0]}", expected an address such as sc://host:15002.'
        )
    return said or None


def active() -> Any:
    """Return the session that is active in this process, or None."""
    from pyspark.sql import SparkSession

    return SparkSession.getActiveSession()


def _check_java() -> None:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")
    wanted = (
        f"Install a Java runtime, {OLDEST_JAVA} or later (on Debian and Ubuntu `apt install "
        "default-jre-headless`)"
    )
    if java is None:
        where = f"in JAVA_HOME ({home})" if home else "on this machine"
        raise StudyError(
            f"engine: pyspark needs Java, which was not found {where}. {wanted}; {INSTEAD}"
        )
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(?:1\.)?(\d+)', said)
    if version is not None and int(version[1]) < OLDEST_JAVA:
        raise StudyError(
            f"engine: pyspark needs Java {OLDEST_JAVA} or later, found {version[1]}. {wanted}; "
            f"{INSTEAD}"
        )


def session(scratch: Path, memory_limit: str | None, memory_name: str) -> tuple[Any, bool]:
    """Return a Spark session, and whether it is ours to stop. `memory_limit` holds for a Spark
    started here."""
    check()
    logging.getLogger(
        "SQLQueryContextLogger"
    ).disabled = True  # PySpark prints each failure with Spark's words
    # Tables are exchanged as Arrow, never as pandas.
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
    address = remote()
    if address:
        return _connected(address), True
    running = active()
    if running is None:
        return _started(scratch, memory_limit, memory_name), True
    try:
        return running.newSession(), False  # its settings are its own
    except NotImplementedError:  # Spark Connect before 4.1
        return running, False


def _connected(address: str) -> Any:
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    place = urlsplit(address.split(";")[0])  # what follows may be a token
    host = place.netloc or address
    try:
        if not getproxies():  # Spark itself would go on trying for ten minutes
            socket.create_connection(
                (place.hostname or "", place.port or 15002), timeout=20
            ).close()
        return SparkSession.builder.remote(address).create()
    except (OSError, ValueError, PySparkException) as error:
        raise StudyError(
            f"{REMOTE}: no Spark Connect server answers at {host} ({type(error).__name__}). "
            "Correct the address, or "
            "ask who runs it whether it is up and lets you in."
        ) from None


def _started(scratch: Path, memory_limit: str | None, memory_name: str) -> Any:
    """Start Spark in a Java process of its own, on the processors that this process may use."""
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    settings = {
        "spark.master": f"local[{cores}]",
        "spark.app.name": "evalweave",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.maxResultSize": "0",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "OFF",
        # Spark joins small partitions again; without parallelismFirst it does so for small tables
        # too
        "spark.sql.shuffle.partitions": str(16 * cores),
        "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
    }
    if memory_limit is not None:
        settings["spark.driver.memory"] = heap(memory_limit, memory_name)
    conf = SparkConf(loadDefaults=False).setAll(list(settings.items()))
    log = scratch / "spark.log"
    if SparkContext._gateway is None:  # else Spark ran here before, and its Java process goes on
        with log.open("wb") as said:
            try:
                gateway = launch_gateway(conf, {"stdout": said, "stderr": said})
            except PySparkRuntimeError:
                raise StudyError(f"Spark did not start: {_why(log)}") from None
    else:
        gateway = None
    return SparkSession(SparkContext(conf=conf, gateway=gateway))


def _why(log: Path) -> str:
    lines = [
        line
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        if line.strip()
    ]
    return next(
        (line for line in lines if "rror" in line), lines[-1] if lines else "it gave no reason."
    )


def heap(text: str, name: str) -> str:
    """Return an amount of memory as Java takes it. `name` is the variable that holds it."""
    said = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]I?)?B?", text.strip().upper())
    if said is None:
        raise StudyError(f'{name}: "{text}" is not an amount of memory. Write it as 2GB or 500MB.')
    n = int(float(said[1]) * UNITS[said[2] or ""])
    if n < LEAST_MEMORY:
        raise StudyError(
            f'{name}: "{text}" is too little for Spark, which needs 540MB. Give more; {INSTEAD}'
        )
    return f"{n >> 20}m"
