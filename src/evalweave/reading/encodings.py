"""From bytes to text: UTF-8 and UTF-16 with or without a byte-order mark; Windows-1252 last and
said aloud."""

from __future__ import annotations

import re

from evalweave.errors import Fault, raise_faults

MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
MANY_CONTROLS = 0.02  # of a text's beginning; a stray one from a word processor is far less
WINDOWS = "is not UTF-8 and was read as Windows-1252 (accents may be wrong); save it as UTF-8"
BINARY = "The file is damaged or not text; export it again."


def encoding_of(start: bytes) -> tuple[str, int]:
    """Return the encoding that a file's first bytes show, and how long its byte-order mark is.

    UTF-16 without a mark shows as NUL in every other byte of its header.
    """
    for mark, encoding in MARKS:
        if start.startswith(mark):
            return encoding, len(mark)
    pairs = min(len(start) // 2, 8)
    if pairs >= 2 and len(start) >= 2 * pairs:
        if start[1 : 2 * pairs : 2] == b"\0" * pairs and b"\0" not in start[0 : 2 * pairs : 2]:
            return "utf-16-le", 0
        if start[0 : 2 * pairs : 2] == b"\0" * pairs and b"\0" not in start[1 : 2 * pairs : 2]:
            return "utf-16-be", 0
    return "utf-8", 0


def decoded(content: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    """Return a file's text without its byte-order mark, and notes on how it was read.

    Raises:
        DataError: damaged text, NUL bytes or a binary file, with the row.
    """
    encoding, mark = encoding_of(content)
    notes: tuple[str, ...] = ()
    if encoding != "utf-8":
        notes = (f"{name}: {encoding[:6].upper()} text, read as such.",)
    try:
        text = content[mark:].decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8" or mark:
            row = content[mark : mark + error.start].decode(encoding, "replace").count("\n") + 1
            what = f"damaged {encoding[:6].upper().removesuffix('-')} text"
            raise_faults([Fault(name, what, "whole text", "Save it as UTF-8.", row)])
        text, notes = _windows(content, name)
    check_text(text, name)
    return text, notes


def as_utf8(content: bytes, name: str) -> tuple[bytes, tuple[str, ...]]:
    """Return a file's text as UTF-8 without its byte-order mark, and notes on how it was read.

    The same as `decoded` for files of any size: plain text is not copied.
    """
    if content.isascii():
        check_text(content[: 1 << 16].decode("ascii"), name)
        nul = content.find(b"\0")
        if nul < 0:
            return content, ()
    text, notes = decoded(content, name)
    return text.encode(), notes


def _windows(content: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    """Return text of Windows-1252, which is what a file that is not UTF-8 most often is."""
    if b"\0" not in content[: 1 << 16]:
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError as error:
            row = content[: error.start].count(b"\n") + 1
            found = "a character that is neither UTF-8 nor Windows-1252"
            raise_faults([Fault(name, found, "UTF-8 text", "Save it as UTF-8.", row)])
        else:
            return text, (f"{name}: {WINDOWS}.",)
    return content.decode("latin-1"), ()  # `check_text` says what it is


def check_text(text: str, name: str) -> None:
    """Raise `DataError` for text that holds NUL or mostly control characters: a binary file."""
    nul = text.find("\0")
    if nul >= 0:
        row = text.count("\n", 0, nul) + 1
        raise_faults([Fault(name, "a NUL byte", "text", BINARY, row)])
    beginning = text[: 1 << 16]
    if len(CONTROLS.findall(beginning)) > max(4, MANY_CONTROLS * len(beginning)):
        raise_faults([Fault(name, "a file that is no text", "a table", BINARY)])
    if not text.strip("\ufeff\u200b \t\r\n,;|"):
        raise_faults([Fault(name, "a file without any text", "a header and rows")])
