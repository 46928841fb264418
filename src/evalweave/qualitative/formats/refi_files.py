"""Which member of a REFI-QDA archive a path means, in every form in which programs write paths."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import unquote
from zipfile import ZipInfo

from evalweave.qualitative.identity import normal


def file_of(path: str) -> str:
    """Return the member that `internal://name` means, or '' for any path that is not inside the
    archive.

    Programs write two or three strokes, %20 for a blank, and accents composed or decomposed.
    """
    path = path.strip()
    if path.lower().startswith("internal://"):
        path = path[len("internal://") :].lstrip("/")
    path = unquote(path)
    if path.lower().startswith("sources/"):
        path = path[len("sources/") :]
    outside = "/" in path or "\\" in path or ":" in path or path in ("", ".", "..")
    return "" if outside else normal(path)


def member_names(info: ZipInfo) -> list[str]:
    """Return the names that a member may mean, likeliest first.

    A zip that does not flag its names as UTF-8 says nothing of their code page: zipfile reads them
    as cp437, programs wrote UTF-8, Windows-1252 or cp850.
    """
    names = [info.filename]
    if not info.flag_bits & 0x800 and not info.filename.isascii():
        for encoding in ("utf-8", "cp850", "cp1252"):
            with suppress(UnicodeError):
                names.append(info.filename.encode("cp437").decode(encoding))
    leaves = [name.replace("\\", "/").rpartition("/")[2] for name in names]
    return [normal(form) for leaf in leaves for form in (leaf, unquote(leaf))]
