"""Writing whole files or none, in a form that is the same bytes for the same content.

Used by the command layer only. A file is written aside, flushed to disk and renamed, so that a
killed run never leaves half a file under a name that another stage would trust.
"""

from __future__ import annotations

import errno
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave import seals
from evalweave.errors import DataError, StudyError
from evalweave.seals import sha256

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from evalweave.tables.contract import Table


@contextmanager
def written_aside(target: Path | str) -> Iterator[Path]:
    """Yield a path beside `target` to write to; rename it to `target` when the block ends well,
    sealed where the workflow passes it on.

    The path is the same each time, so that what a killed run left half-written is overwritten by
    the next one. Who may read it is a matter of the umask.

    Raises:
        StudyError: if the folder cannot be made or written to.
        DataError: if there is no room for all of it.
    """
    target = Path(target)
    aside = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(b"")
    except OSError as error:
        raise _unwritable(target.parent, error.strerror) from None
    try:
        yield aside
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        if seals.wanted(target):
            seals.put(target, sha256(aside))
        aside.replace(target)
    except OSError as error:
        if error.filename is not None or not _no_room(error):
            raise
        raise DataError(
            f"{target}: could not be written to its end: the disk is full, or a file as large is "
            "not allowed. Make room and run it again."
        ) from None
    finally:
        with suppress(FileNotFoundError):
            aside.unlink()


def _no_room(error: OSError) -> bool:
    """Return whether a write failed for want of room; pyarrow's errors carry words, no number."""
    known = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
    words = ("No space left", "File too large", "quota exceeded")
    return error.errno in known or any(word in str(error) for word in words)


def keep_private() -> None:
    """Let files and folders that this process makes be the user's alone (0600, 0700)."""
    os.umask(os.umask(0o077) | 0o077)


def share(folder: Path) -> None:
    """Give what is written to `folder` from now on the rights of the umask that the run was
    started with: the workflow keeps everything else private."""
    given = os.environ.get("EVALWEAVE_UMASK", "")
    if given.isdigit():
        os.umask(int(given, 8))
        folder.mkdir(parents=True, exist_ok=True)
        for place in (folder, folder.parent):
            with suppress(OSError):
                place.chmod(0o777 & ~int(given, 8))


def check_folder(folder: Path | str) -> None:
    """Raise `StudyError` if nothing can be written to `folder`; it need not be there yet, and is
    not made."""
    there = Path(folder).absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise _unwritable(folder, f"{there} is a file")
    try:
        with tempfile.TemporaryFile(dir=there):  # rights alone do not tell of /proc or a full disk
            pass
    except OSError as error:
        raise _unwritable(folder, error.strerror) from None


def clear(folder: Path | str, names: Iterable[str], inputs: Iterable[Path | None] = ()) -> None:
    """Remove the files `names` of `folder`, which an earlier run wrote, so that none is taken for
    this run's where it writes no such file or fails; its `inputs` stay.

    Raises:
        StudyError: where one cannot be removed.
    """
    kept = {path.absolute() for path in inputs if path is not None}
    for name in names:
        path = Path(folder) / name
        if path.absolute() in kept:
            continue
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(path, error.strerror) from None


def _unwritable(folder: Path | str, why: str | None) -> StudyError:
    return StudyError(f"{folder}: cannot be written to ({why}). Give another folder.")


def write_text(text: str, target: Path | str) -> None:
    """Write UTF-8 text with LF line ends."""
    with written_aside(target) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")


def write_bytes(content: bytes, target: Path | str) -> None:
    """Write bytes as they are."""
    with written_aside(target) as aside:
        aside.write_bytes(content)


def packaged(package: str, name: str) -> str:
    """Return the text of a file that lies beside a package's modules."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def write_json(value: Any, target: Path | str) -> None:
    """Write JSON with sorted keys, floats in their shortest exact form; NaN becomes null."""
    write_text(
        json.dumps(_plain(value), indent=1, sort_keys=True, ensure_ascii=False) + "\n", target
    )


def write_csv(frame: pd.DataFrame, target: Path | str) -> None:
    """Write a CSV: UTF-8, LF, missing values blank, floats in their shortest exact form."""
    with written_aside(target) as aside:
        frame.to_csv(aside, index=False, lineterminator="\n")


def write_parquet(frame: pd.DataFrame, target: Path | str) -> None:
    """Write a Parquet file without the pandas index."""
    with written_aside(target) as aside:
        frame.to_parquet(aside, index=False, compression="zstd")


def write_table(table: pa.Table, target: Path | str) -> None:
    """Write an Arrow table as a Parquet file."""
    import pyarrow.parquet as pq

    with written_aside(target) as aside:
        pq.write_table(table, aside, compression="zstd")


def read_table(path: Path | str, *tables: Table) -> pd.DataFrame:
    """Read one of our own tables (CSV as written by `write_csv`, or Parquet) in the types of its
    contract, or of several that its columns come from.

    Raises:
        DataError: it is not as it was written.
    """
    import pandas as pd

    from evalweave.tables.contract import typed

    path = Path(path)
    content = io.BytesIO(seals.content(path))
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(content)
        frame = pd.read_csv(content, dtype=str, keep_default_na=False, na_values=[""])
        return typed(frame, *tables)
    except (ValueError, OSError):  # of pandas and pyarrow: nothing in it, no text, no such table
        raise DataError(
            f"{path}: is damaged: not a table as evalweave writes it. If a stage wrote it, remove "
            "it and run the study again; if you did, mend it."
        ) from None


def read_json(path: Path | str) -> Any:
    """Read a JSON document of our own.

    Raises:
        DataError: it is not as it was written, or not JSON.
    """
    try:
        return json.loads(seals.content(Path(path)))
    except ValueError:
        raise DataError(
            f"{path}: is damaged: not JSON. Remove it and run the study again."
        ) from None


def _plain(value: Any) -> Any:
    """Turn numpy scalars and arrays, paths, dates and NaN into what JSON knows."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(_plain(item) for item in value)
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)
