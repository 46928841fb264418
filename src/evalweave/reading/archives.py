"""Opening files of strangers: zips member by member, XML without DTDs, SQLite read-only and
immutable.

Nothing is ever extracted to disk, and no path that a file names is followed.
"""

from __future__ import annotations

import sqlite3
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any
from urllib.parse import quote

from evalweave.errors import DataError, Fault, StudyError

MAX_ENTRIES = 20_000
MAX_MEMBER = 100 * 2**20  # bytes of one text or XML member
MAX_TOTAL = 400 * 2**20  # bytes of all members read
MAX_RATIO = 200  # unpacked : packed, for members above 1 MiB; text rarely exceeds 20


def fault(path: Path | str, found: str, expected: str = "", action: str = "") -> DataError:
    """Return a `DataError` of one plain sentence about a file."""
    wrong = Fault(Path(path).name, found, expected, action)
    error = DataError(str(wrong))
    error.faults = (wrong,)
    return error


def must_exist(path: Path) -> None:
    """Raise `StudyError` for what is no file or folder, `DataError` for an empty file."""
    if path.is_dir():
        return
    if not path.exists():
        raise StudyError(
            f"{path}: there is no such file or folder. Check the path of the coded project."
        )
    if not path.is_file():
        raise StudyError(
            f"{path}: this is a pipe or a device, not a file; write its content to a file first."
        )
    if path.stat().st_size == 0:
        raise fault(path, "an empty file", "a coded project", "Export it again.")


class Archive:
    """A zip read with caps on entries, size and ratio; names that climb out of the archive are
    ignored."""

    def __init__(self, path: Path, what: str = "a .qdpx project") -> None:
        self.path = path
        self.what = what
        self.read_so_far = 0
        if not path.is_file():
            raise fault(path, "a folder, a pipe or a device", what)
        try:
            self.zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError):
            raise fault(
                path,
                "a file that is no zip, or a truncated one",
                what,
                "Export or copy it again.",
            ) from None
        if len(self.zip.infolist()) > MAX_ENTRIES:
            self.zip.close()
            raise fault(path, f"more than {MAX_ENTRIES:,} entries", what)
        self.members = [
            info
            for info in self.zip.infolist()
            if not info.is_dir() and _stays_inside(info.filename)
        ]
        self.ignored = sum(not _stays_inside(info.filename) for info in self.zip.infolist())

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: Any, trace: TracebackType | None
    ) -> None:
        self.zip.close()

    def read(self, info: zipfile.ZipInfo) -> bytes:
        """Return a member's bytes; raise `DataError` when it is too large, encrypted or damaged."""
        try:
            with self.zip.open(info) as member:
                content = member.read(MAX_MEMBER + 1)  # what it holds, not what its header says
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
            raise fault(
                self.path, "a damaged member", "a whole archive", "Export or copy it again."
            ) from None
        except (RuntimeError, NotImplementedError):
            raise fault(self.path, "an encrypted member", "one without a password") from None
        self.read_so_far += len(content)
        packed = max(info.compress_size, 1)
        if (
            len(content) > MAX_MEMBER
            or self.read_so_far > MAX_TOTAL
            or (len(content) > 2**20 and len(content) / packed > MAX_RATIO)
        ):
            raise fault(
                self.path,
                "a member that unpacks to far more than a text would",
                self.what,
                "This looks like a zip bomb; it was not read.",
            )
        return content


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return (
        bool(parts)
        and ".." not in parts
        and not name.startswith(("/", "\\"))
        and ":" not in parts[0]
    )


def xml_root(content: bytes, path: Path) -> Any:
    """Return the root element; raise `DataError` for a DTD, an entity or XML that is not well
    formed."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        return fromstring(content, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException:
        raise fault(
            path,
            "XML with a document type or entities",
            "plain REFI-QDA XML",
            "No program writes these into a project; it was not read.",
        ) from None
    except (ParseError, LookupError, ValueError) as error:
        line = getattr(error, "position", (0, 0))[0]
        where = f" near line {line}" if line else ""
        raise fault(
            path, f"XML that is not well formed{where}", "REFI-QDA XML", "Export it again."
        ) from None


def decode(content: bytes) -> tuple[str, bool]:
    """Return text and whether it was valid Unicode (UTF-8 or UTF-16); Windows-1252 is the last
    resort.

    The byte-order mark and the line ends stay, because positions may count them.
    """
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith(mark):
            return content.decode(encoding, errors="replace"), True
    with suppress(UnicodeDecodeError):
        return content.decode("utf-8"), True
    return content.decode("cp1252", errors="replace"), False


class Database:
    """A SQLite file opened read-only and immutable; only the tables and columns asked for are
    read."""

    def __init__(self, path: Path, what: str, needs: Iterable[str]) -> None:
        self.path = path
        self.read_so_far = 0
        needs = list(needs)
        must_exist(path)
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise fault(
                path,
                "a database that a program has open (its changes lie in a -wal file)",
                what,
                "Close the program and try again.",
            )
        try:
            with path.open("rb") as file:
                if file.read(16) != b"SQLite format 3\x00":
                    raise fault(path, "a file that is no SQLite database", what)
            self.connection = sqlite3.connect(
                f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1", uri=True
            )
            self.connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_MEMBER)
            self.connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            with closing(
                self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ) as rows:
                self.tables = {
                    name for (name,) in rows
                }  # views are never read: a view can run anything
        except sqlite3.Error:
            raise fault(path, "a damaged SQLite database", what, "Copy it again.") from None
        except OSError:
            raise DataError(
                f"{path}: cannot be read. Check that it is a file you may open."
            ) from None
        missing = [name for name in needs if name not in self.tables]
        if missing:
            self.connection.close()
            raise fault(
                path,
                f"a SQLite database without the table{'s' if len(missing) > 1 else ''} "
                f"{', '.join(missing)}",
                what,
                "Check that this is the project's own database.",
            )

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: Any, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def rows(
        self, table: str, columns: Iterable[str], needed: Iterable[str] = ()
    ) -> list[dict[str, Any]]:
        """Return a table's rows in the order of its row ids; columns that it lacks are None.

        Raises `DataError` when a `needed` column is missing.
        """
        if table not in self.tables:
            return []
        try:
            with closing(self.connection.execute(f'PRAGMA table_info("{table}")')) as info:
                present = {row[1] for row in info}
            lacking = [name for name in needed if name not in present]
            if lacking:
                raise fault(
                    self.path,
                    f"a table {table} without {', '.join(lacking)}",
                    "a version that has it",
                )
            wanted = [name for name in columns if name in present]
            listed = ", ".join(f'"{name}"' for name in wanted) or "rowid"
            with closing(self.connection.execute(f'SELECT {listed} FROM "{table}"')) as cursor:
                return [
                    dict.fromkeys(columns) | dict(zip(wanted, row, strict=False))
                    for row in self._within_cap(cursor)
                ]
        except (sqlite3.DataError, OverflowError):
            raise self._too_large() from None
        except sqlite3.Error:
            raise fault(
                self.path, "a damaged SQLite database", "a whole one", "Copy it again."
            ) from None

    def _within_cap(self, cursor: sqlite3.Cursor) -> Iterator[tuple[Any, ...]]:
        """Yield rows until they hold more text than all members of an archive may."""
        for row in cursor:
            self.read_so_far += sum(len(cell) for cell in row if isinstance(cell, str | bytes))
            if self.read_so_far > MAX_TOTAL:
                raise self._too_large()
            yield row

    def _too_large(self) -> DataError:
        return fault(
            self.path,
            "a cell or table that holds far more than a text would",
            f"at most {MAX_MEMBER >> 20} MiB in a cell and {MAX_TOTAL >> 20} MiB in all",
            "Check that this is the project's own database.",
        )


class _TextOnly(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style") and self.hidden > 0

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def html_text(html: str) -> str:
    """Return the text of an HTML fragment: text nodes as they stand, scripts and styles left
    out."""
    parser = _TextOnly()
    parser.feed(html)
    parser.close()
    return "".join(parser.parts)
