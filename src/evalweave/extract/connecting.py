"""Connecting to the database that a study file names, and what its refusals mean.

DuckDB files and PostgreSQL are tried in the tests; SQL Server and Databricks go the same way, by
Ibis, and were not. Nothing of a connection, and no word of a driver, is ever shown: either may hold
a secret.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from evalweave import engine
from evalweave.errors import DataError, StudyError
from evalweave.study import connections

DRIVERS = {
    "postgresql": ("psycopg", "pip install 'psycopg[binary]'"),
    "mssql": ("pyodbc", "pip install pyodbc"),
    "databricks": ("databricks.sql", "pip install databricks-sql-connector"),
}
# What drivers say (in lower case) → what it means.
MEANINGS = (
    ("authentication failed", "the server refused the user or the password"),
    ("no password supplied", "the server asks for a password, and none is given"),
    ("login failed", "the server refused the user or the password"),
    ("no pg_hba.conf entry", "the server lets nobody in from this machine with this user"),
    ("could not translate host name", "there is no such host"),
    ("name or service not known", "there is no such host"),
    ("connection refused", "nothing answers at that host and port"),
    ("no such file", "nothing answers at that socket"),
    ("timeout", "the server did not answer in time"),
    ("could not set lock", "another program is writing to the file"),
    ("not a valid duckdb", "the file is no DuckDB database"),
    ("serialization", "the file is of another version of DuckDB"),
    ("permission denied", "the user may not read it"),
    ("does not exist", "it does not exist there"),
    ("out of range", "a date or number is larger than can be read, such as infinity"),
    ("too large", "a date or number is larger than can be read, such as infinity"),
)


def resolved(connection: str) -> str:
    """Return a connection with every `${NAME}` from the environment.

    Raises:
        StudyError: a name is not in the environment, or what is there is no address.
    """
    names = connections.REFERENCE.findall(connection)
    lacking = sorted({name for name in names if not os.environ.get(name)})
    if lacking:
        raise StudyError(
            f"extract, connection: the environment has no {', '.join(lacking)}. Set it where "
            "evalweave is started (export NAME=…); it never goes into a study file."
        )
    if connections.REFERENCE.fullmatch(connection):
        whole = os.environ[names[0]]
        if not connections.is_connection(whole):
            raise StudyError(
                f"extract, connection: what {names[0]} holds is no address of a database that is "
                "read. Write it as in postgresql://USER:PASSWORD@HOST/NAME."
            )
        return whole
    # a DuckDB path is taken as it is, parts of a URL are quoted
    plain = connections.kind_of(connection) == "duckdb"

    def value(name: str) -> str:
        return os.environ[name] if plain else quote(os.environ[name], safe="")

    return connections.REFERENCE.sub(lambda found: value(found[1]), connection)


def connect(connection: str) -> Any:
    """Return an Ibis backend of a database, read only where that can be said.

    Raises:
        StudyError: the environment or a driver lacks something.
        DataError: the database cannot be connected to.
    """
    address = resolved(connection)
    kind = connections.kind_of(address)
    if kind == "duckdb":
        return _duckdb(Path(address.partition("://")[2]))
    module, way = DRIVERS[kind]
    try:
        __import__(module)
    except ImportError:
        raise StudyError(
            f"extract, connection: {connections.KINDS[kind]} needs the package {module}, which is "
            f"not installed. Install it: `{way}`."
        ) from None
    import ibis

    try:
        if kind == "postgresql":
            return ibis.postgres.connect(**_settings(address))
        return ibis.connect(address)
    except Exception as error:
        raise refused(
            error, f"the {connections.KINDS[kind]} database cannot be connected to"
        ) from None


def _duckdb(path: Path) -> Any:
    if not path.is_file():
        raise StudyError(
            "extract, connection: found no DuckDB file of that name. Its path is relative to the "
            "study file."
        )
    from evalweave.engine.duckdb_files import Reading

    try:
        return Reading().connect(path, read_only=True)
    except Exception as error:
        raise refused(error, "the DuckDB file cannot be opened") from None


def _settings(address: str) -> dict[str, Any]:
    """Return what PostgreSQL's driver takes, from a URL as libpq reads it."""
    try:
        url = urlsplit(address)
        port = url.port
    except ValueError:
        raise DataError("extract, connection: the address has a port that is no number.") from None
    parts = {
        "host": url.hostname,
        "port": port,
        "user": url.username,
        "password": url.password,
        "database": url.path.lstrip("/"),
    }
    known = {
        key: unquote(part) if isinstance(part, str) else part for key, part in parts.items() if part
    }
    return known | dict(parse_qsl(url.query))


def refused(error: Exception, what: str) -> DataError:
    """Return an error of a driver as one sentence without its words; raise again what says that
    memory or disk is full."""
    if isinstance(error, DataError | StudyError):
        raise error
    if engine.exhausted(error):
        raise error
    words = str(error).lower()
    meaning = next(
        (said for sign, said in MEANINGS if sign in words),
        f"its driver says {type(error).__name__}",
    )
    return DataError(
        f"extract, connection: {what}: {meaning}. Look at the connection in the study file and the "
        "environment, and try the same with another program."
    )
