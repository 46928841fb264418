"""How a study file names a database: a URL without secrets, which come from the environment as
`${NAME}`."""

from __future__ import annotations

import os
import re
from pathlib import Path

KINDS = {
    "duckdb": "DuckDB",
    "postgresql": "PostgreSQL",
    "postgres": "PostgreSQL",
    "mssql": "SQL Server",
    "databricks": "Databricks",
}
REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SECRET = re.compile(r"pass|pwd|token|secret|credential|key", re.IGNORECASE)  # in a setting's name
WITH_USER = re.compile(r"([a-z][\w+.-]+:/{1,2}).*@", re.IGNORECASE)  # paths make // one
SETTING = re.compile(rf"(\w*(?:{SECRET.pattern})\w*\s*=).*", re.IGNORECASE | re.DOTALL)
FORM = re.compile(rf"({'|'.join(KINDS)})://(.*)")


def checked(connection: str) -> str:
    """Return a connection that may stand in a study file.

    Raises:
        ValueError: it holds a secret, or is no URL of a kind that is read. Nothing of it is quoted.
    """
    if REFERENCE.fullmatch(connection):
        return connection
    form = FORM.fullmatch(connection)
    if form is None:
        shown = ", ".join(f"{kind}://…" for kind in KINDS if kind != "postgres")
        raise ValueError(f"found no address of a database that is read; write {shown} or ${{NAME}}")
    at, _, settings = form[2].partition("?")
    who, _, _ = at.rpartition("@")
    secrets = [who.partition(":")[2]] if ":" in who else []
    for setting in settings.split("&"):
        name, _, value = setting.partition("=")
        secrets += [value] if SECRET.search(name) else []
        secrets += ["in a value"] if "@" in value and ":" in value else []
    if not all(REFERENCE.fullmatch(secret) for secret in secrets):
        raise ValueError(
            "found a password or token, which a study file must not hold; put it into the "
            "environment and write ${NAME} in its place"
        )
    return connection


def masked(text: str) -> str:
    """Return a text without what may be a secret in it, for a message: a user of an address, and
    whatever follows `password=` and the like."""
    return SETTING.sub(r"\1…", WITH_USER.sub(r"\1…@", text))


def looks_like_one(text: str) -> bool:
    """Return whether a text that should be a path reads like an address or a connection string."""
    return "://" in text or masked(text) != text


def kind_of(connection: str) -> str:
    """Return what kind of database a connection names, as in its URL; nothing for one that stands
    whole in the environment."""
    form = FORM.fullmatch(connection)
    return "" if form is None else "postgresql" if form[1] == "postgres" else form[1]


def described(connection: str) -> str:
    """Return a connection without host, user, path and settings, for what is released."""
    return kind_of(connection) or connection


def is_connection(text: str) -> bool:
    """Return whether a text is the address of a database."""
    return FORM.fullmatch(text) is not None


def joined(connection: str, folder: Path) -> str:
    """Return a connection to a DuckDB file with its path joined on `folder`; others as they are."""
    form = FORM.fullmatch(connection)
    if form is None or form[1] != "duckdb" or REFERENCE.match(form[2]):
        return connection
    return f"duckdb://{os.path.normpath(folder / form[2])}"
