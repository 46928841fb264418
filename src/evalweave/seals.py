"""Seals: the checksum of each table that a stage leaves for another, and its check by who reads it.

In the workflow a table is sealed as it is written: its SHA-256 stands in the folder `.seals` beside
it. A reader computes it again before it believes a byte. A table that is not as it was written (a
flipped bit, a lost end, an edit by hand) is put aside and told of in one sentence; the next run
makes it again. What nobody sealed, such as a panel of one's own, is read as it is.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from evalweave.errors import DataError

FOLDER = ".seals"
WITHIN = "EVALWEAVE_SEALED"  # a results folder: tables in folders below it are sealed


def sha256(path: Path | str) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def of(table: Path) -> Path:
    """Return where the seal of a table is, or would be."""
    return table.parent / FOLDER / f"{table.name}.sha256"


def wanted(table: Path) -> bool:
    """Return whether a table that is about to be written is sealed: in the workflow, and wherever
    its folder has seals."""
    within, folder = os.environ.get(WITHIN), table.absolute().parent
    below = bool(within) and folder != Path(within or "") and folder.is_relative_to(within or "")
    return below or of(table).parent.is_dir()


def put(table: Path, checksum: str) -> None:
    """Seal a table."""
    mark = of(table)
    mark.parent.mkdir(exist_ok=True)
    aside = mark.with_suffix(".part")
    aside.write_text(f"{checksum}\n", encoding="ascii")
    aside.replace(mark)


def remove(table: Path) -> None:
    """Remove a table with its seal."""
    table.unlink(missing_ok=True)
    of(table).unlink(missing_ok=True)


def checksum(table: Path) -> str:
    """Return the SHA-256 of a table's bytes."""
    return _checksum(table)


def intact(table: Path) -> bool:
    """Return whether a table is as it was written, as far as anybody can tell."""
    sealed = _sealed(table)
    return sealed is None or sealed == _checksum(table)


def check(table: Path, *known_by: Path) -> None:
    """Raise `DataError` for a table that is not as it was written, after it was put aside.

    `known_by` are files by which its stage is known to be done; they go with it.
    """
    sealed = _sealed(table)
    if sealed is not None and sealed != _checksum(table):
        _refuse(table, known_by)


def content(table: Path) -> bytes:
    """Return the bytes of a table, whose checksum is that of these very bytes.

    Raises:
        DataError: it is not as it was written.
    """
    raw = table.read_bytes()
    sealed = _sealed(table)
    if sealed is not None and sealed != hashlib.sha256(raw).hexdigest():
        _refuse(table)
    return raw


def _sealed(table: Path) -> str | None:
    """Return the checksum of a seal; nothing (which no table has) where a seal is lost, and None
    where there is no seal at all."""
    mark = of(table)
    try:
        return mark.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return "" if mark.parent.is_dir() else None


def _checksum(table: Path) -> str:
    at = table.stat()
    return _computed(table, at.st_size, at.st_mtime_ns, at.st_ctime_ns, at.st_ino)


@cache
def _computed(table: Path, *_: int) -> str:
    """Return a checksum, once for a file that several readers of one process want."""
    return sha256(table)


def _refuse(table: Path, known_by: tuple[Path, ...] = ()) -> None:
    with suppress(OSError):
        table.replace(of(table).with_suffix(".altered"))
    for path in known_by:
        with suppress(OSError):
            path.unlink()
    where = "It was put aside" if not table.exists() else "Remove it"
    raise DataError(
        f"{table}: is not as the stage that wrote it left it (damaged, cut off or edited since). "
        f"{where}; run the study again, which makes it again."
    )
