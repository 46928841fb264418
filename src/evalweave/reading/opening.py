"""Opening a file that a person names: is it a file at all, what does it hold, and are its bytes
whole?

A pipe or a device would make a reader wait for ever, so that only regular files are opened. What a
file holds is told from its first bytes, never from its name alone.
"""

from __future__ import annotations

import stat
import zlib
from dataclasses import dataclass
from pathlib import Path

from evalweave.errors import DataError, Fault, StudyError, raise_faults

MAX_TABLE = 100 * 2**20  # bytes of a table of people, practices, sources or codes
MAX_RATIO = 200  # text of records packs 5- to 30-fold; beyond this it is made to fill a disk
RATIO_FROM = 64 << 20
GZIP = b"\x1f\x8b"
OLD_OFFICE = b"\xd0\xcf\x11\xe0"
ZIP = b"PK\x03\x04"
SAVE = "Save the sheet as CSV (UTF-8)."
# What a file may begin with that is no table: bytes, what it is, what to do.
OTHERS = (
    (b"%PDF", "a PDF", "Ask for the data as CSV."),
    (b"BZh", "a bzip2 archive", "Unpack it, or pack it with gzip."),
    (b"\xfd7zXZ", "an xz archive", "Unpack it, or pack it with gzip."),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "Unpack it, or pack it with gzip."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it, or pack it with gzip."),
    (b"SQLite format 3", "an SQLite database", "Export the table as CSV."),
    (b"\x89PNG", "a picture", "Give the table itself."),
    (b"\xff\xd8\xff", "a picture", "Give the table itself."),
    (b"\x7fELF", "a program", "Give the table itself."),
)
# What typed files begin with.
TYPED = ((b"PAR1", "parquet"), (b"ARROW1", "arrow"), (b"\xff\xff\xff\xff", "arrow"))
STATA = (b"<stata_dta>",)
STATA_RELEASES = range(104, 116)  # the first byte of the formats before 117


@dataclass(frozen=True)
class Opened:
    """A regular file: its name in messages, what it holds and how many bytes it has.

    `kind` is text, gzip, zip, office (of before 2007), parquet, arrow or stata; `start` are its
    first 64 bytes.
    """

    path: Path
    name: str
    kind: str
    size: int
    start: bytes


def look(path: Path | str, expected: str, name: str | None = None) -> Opened:
    """Return what stands at `path`; nothing but its first bytes is read.

    Raises:
        StudyError: nothing is there, or a folder, a pipe or a device.
        DataError: the file is empty, cannot be read, or holds no table (`expected` says what one
        would be).
    """
    path = Path(path)
    name = name or path.name or str(path)
    try:
        status = path.stat()
    except FileNotFoundError:
        raise_faults([_misdirected(path, "no such file", expected)], StudyError)
    except (OSError, ValueError) as error:
        raise_faults([_unreadable(path, expected, error)], StudyError)
    if stat.S_ISDIR(status.st_mode):
        raise_faults([_misdirected(path, "a folder", expected)], StudyError)
    if not stat.S_ISREG(status.st_mode):
        found, action = "a pipe or a device, not a file", "Write its content to a file first."
        raise_faults([Fault(str(path), found, expected, action)], StudyError)
    try:
        with path.open("rb") as handle:
            start = handle.read(64)
    except OSError as error:
        raise_faults([_unreadable(path, expected, error)], StudyError)
    if not start:
        raise_faults([Fault(name, "an empty file", expected, "Ask for it again, or remove it.")])
    for magic, what, action in OTHERS:
        if start.startswith(magic):
            raise_faults([Fault(name, what, expected, action)])
    return Opened(path, name, _kind(start), status.st_size, start)


def _misdirected(path: Path, found: str, expected: str) -> Fault:
    return Fault(str(path), found, expected, "Correct its path.")


def _unreadable(path: Path, expected: str, error: Exception) -> Fault:
    why = getattr(error, "strerror", None) or "not a path"
    return Fault(str(path), f"a file that cannot be read ({why})", expected)


def _kind(start: bytes) -> str:
    if start.startswith(GZIP):
        return "gzip"
    if start.startswith(ZIP):
        return "zip"
    if start.startswith(OLD_OFFICE):
        return "office"
    for magic, kind in TYPED:
        if start.startswith(magic):
            return kind
    stata = start.startswith(STATA) or (
        start[0] in STATA_RELEASES and start[1] in (1, 2) and start[2:4] == b"\x01\x00"
    )
    return "stata" if stata else "text"


def content(opened: Opened, expected: str, limit: int | None = MAX_TABLE) -> bytes:
    """Return a text file's bytes, unpacked where it is packed with gzip.

    Raises:
        DataError: more than `limit` bytes (None = no limit), or a damaged or truncated archive.
    """
    most = limit if limit is not None else max(RATIO_FROM, MAX_RATIO * opened.size)
    too_large = Fault(opened.name, f"more than {most >> 20} MiB", expected, "Is it another file?")
    if opened.size > most:
        raise_faults([too_large])
    try:
        raw = opened.path.read_bytes()
    except OSError as error:
        raise_faults([_unreadable(opened.path, expected, error)], StudyError)
    except MemoryError:
        raise DataError(f"{opened.name}: does not fit into memory.") from None
    if opened.kind != "gzip":
        return raw
    whole = bytearray()
    while raw:
        unpacking = zlib.decompressobj(31)
        try:
            whole += unpacking.decompress(raw, most + 1 - len(whole))
        except zlib.error:
            raise_faults([_torn(opened.name, "a damaged gzip archive")])
        if len(whole) > most:
            raise_faults([too_large])
        if not unpacking.eof:
            raise_faults([_torn(opened.name, "a truncated gzip archive")])
        raw = unpacking.unused_data.lstrip(b"\0")  # the next member; zeros are padding
    if not whole:
        raise_faults([Fault(opened.name, "an empty file", expected)])
    return bytes(whole)


def _torn(name: str, what: str) -> Fault:
    return Fault(name, what, "a whole one", "Copy or ask for it again.")


def packed_by_name_only(opened: Opened) -> str:
    """Return a note where a name ends in .gz although its content is not packed, else nothing."""
    if opened.path.name.lower().endswith(".gz") and opened.kind != "gzip":
        return f"{opened.name}: is not packed although its name ends in .gz; read as it is."
    return ""
