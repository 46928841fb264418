"""Looking at a file before anything parses it: is it text, in which encoding, with which separator
and header?

One pass over the bytes computes the checksum, unpacks gzip (with a limit on what it may expand to),
turns UTF-16 into UTF-8, counts lines, and finds what would make a reader stop half-way or, worse,
go on: NUL bytes, other encodings, a truncated archive. A faulty file raises nothing here: its
faults are returned, so that all files' faults can be told at once.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import os
import re
import shutil
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from evalweave.errors import EvalweaveError, Fault
from evalweave.files import sha256
from evalweave.reading import encodings, opening
from evalweave.reading.delimited import DELIMITERS
from evalweave.reading.opening import MAX_RATIO, RATIO_FROM

PIECE = 1 << 20
EXPECTED = "a text file with one row a record"
NO_TEXT = {
    "zip": "a ZIP archive or an Excel workbook",
    "office": "an old Excel or Word file (.xls)",
    "stata": "a Stata file",
}


@dataclass(frozen=True)
class TextFile:
    """What is known of a file before it is parsed. `path` is where its UTF-8 text can be read
    now."""

    name: str
    path: Path
    kind: str  # text | parquet | arrow | unusable
    sha256: str
    header: tuple[str, ...] = ()
    delimiter: str = ","
    n_rows: int | None = (
        None  # rows counted from the bytes; None where quoted line breaks forbid it
    )
    n_lines: int | None = (
        None  # the same with lines inside quotes counted too; None where lines end in CR alone
    )
    extra_column: bool = False  # every row ends in a delimiter that the header lacks
    notes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass
class _Pass:
    """What one pass over the bytes has seen so far."""

    name: str
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    lines: int = 0
    blank_lines: int = 0
    crlf: int = 0
    quotes: bool = False
    last: bytes = b""
    line_ended: bool = True


def look(
    path: Path, name: str, scratch: Path, delimiter: str | None = None, limit: int | None = None
) -> TextFile:
    """Return what `path` (called `name` in messages) is; text that must be converted goes into
    `scratch`.

    With a `limit`, only about that many bytes of a longer text are looked at (its whole lines,
    copied to `scratch`).
    """
    try:
        opened = opening.look(path, EXPECTED, name)
    except EvalweaveError as error:
        return TextFile(name, path, "unusable", "", faults=error.faults)
    if opened.kind in NO_TEXT:
        action = "Unpack it, or save the table as CSV (UTF-8)."
        fault = Fault(name, NO_TEXT[opened.kind], EXPECTED, action)
        return TextFile(name, path, "unusable", "", faults=(fault,))
    if opened.kind in ("parquet", "arrow"):
        return TextFile(name, path, opened.kind, sha256(path))
    try:
        return _look_at_text(opened, scratch, delimiter, limit)
    except _NotUnicode:
        return _look_at_text(opened, scratch, delimiter, limit, windows=True)


class _NotUnicode(Exception):
    """A text that is not UTF-8: it is read once more, as Windows-1252."""


def _look_at_text(
    opened: opening.Opened,
    scratch: Path,
    delimiter: str | None,
    limit: int | None,
    windows: bool = False,
) -> TextFile:
    path, name = opened.path, opened.name
    seen = _Pass(name)
    packed = opened.kind == "gzip"
    if note := opening.packed_by_name_only(opened):
        seen.notes.append(note)
    pieces = _unpacked(path, seen) if packed else _pieces(path, seen)
    encoding, pieces = _encoding(pieces)
    if windows:
        encoding = "cp1252"
        seen.notes.append(f"{name}: {encodings.WINDOWS}.")
    elif encoding != "utf-8":
        seen.notes.append(f"{name}: {encoding[:6].upper()} text, read as such.")
    foreign = encoding != "utf-8"
    cut = limit is not None and opened.size * (30 if packed else 1) > limit
    copied = packed or foreign or cut
    copy = (
        scratch / f"{hashlib.sha256(str(path).encode()).hexdigest()[:16]}.txt" if copied else None
    )
    text = _decoded(pieces, seen, encoding) if foreign else _checked(pieces, seen)
    written = quotes = 0
    with (copy or Path(os.devnull)).open("wb") as out:
        for piece in text:
            written += len(piece)
            if limit is not None and written > limit and b"\n" in piece:
                out.write(piece[: _last_row_end(piece, quotes) + 1])
                seen.notes.append(f"{name}: only the first {written >> 20} MB were looked at.")
                seen.quotes = True  # the rest was not counted
                break
            quotes += piece.count(b'"') if cut else 0
            if copy:
                out.write(piece)
    sha = seen.digest.hexdigest()
    where = copy or path
    if seen.faults:
        return TextFile(name, where, "unusable", sha, faults=tuple(seen.faults))
    if 0 < seen.crlf < seen.lines:
        where = _with_one_line_end(where, scratch)
    return _with_header(where, seen, sha, delimiter)


def _last_row_end(piece: bytes, quotes: int) -> int:
    """Return where the last line end outside quotes stands, after so many `quotes` before the
    piece."""
    end = last = piece.rindex(b"\n")
    open_ = (quotes + piece.count(b'"', 0, end)) % 2
    while open_ and end >= 0:
        before = piece.rfind(b"\n", 0, end)
        open_ = (open_ + piece.count(b'"', max(before, 0), end)) % 2
        end = before
    return last if end < 0 else end


def _with_header(path: Path, seen: _Pass, sha: str, delimiter: str | None) -> TextFile:
    name = seen.name
    with path.open(encoding="utf-8-sig", newline="") as handle:
        first = _first_record(handle)
        separator, fault = _delimiter(first, name, delimiter)
        if fault:
            return TextFile(name, path, "unusable", sha, faults=(fault,))
        header = tuple(cell.strip() for cell in next(csv.reader([first], delimiter=separator), []))
        sample = _some_rows(handle, separator)
    if not any(header):
        fault = Fault(name, "a blank first row", "the names of the columns", row=1)
        return TextFile(name, path, "unusable", sha, faults=(fault,))
    if first.lstrip().startswith(("<", "{", "[")):
        fault = Fault(name, "what looks like a web page, XML or JSON", "a header and rows", row=1)
        return TextFile(name, path, "unusable", sha, faults=(fault,))
    widths = {len(row) for row in sample if row}
    extra = widths == {len(header) + 1} and all(not row[-1].strip() for row in sample if row)
    if seen.lines == 0 and sample:  # line ends of old Macs
        return TextFile(
            name, path, "text", sha, header, separator, None, None, extra, tuple(seen.notes)
        )
    rows = seen.lines + (0 if seen.line_ended else 1) - seen.blank_lines - 1
    if rows <= 0:
        fault = Fault(
            name, "a header and no rows", "at least one row", "Ask for it again, or remove it."
        )
        return TextFile(name, path, "unusable", sha, header, separator, faults=(fault,))
    return TextFile(
        name,
        path,
        "text",
        sha,
        header,
        separator,
        None if seen.quotes else rows,
        rows,
        extra,
        tuple(seen.notes),
    )


def _pieces(path: Path, seen: _Pass) -> Iterator[bytes]:
    with path.open("rb") as handle:
        while piece := handle.read(PIECE):
            seen.digest.update(piece)
            yield piece


def _unpacked(path: Path, seen: _Pass) -> Iterator[bytes]:
    """Yield what a gzip file holds; stop with a fault when it is truncated, damaged or a bomb."""
    room = shutil.disk_usage(path.parent).free
    packed = expanded = 0
    inflate: zlib._Decompress | None = None
    for raw in _pieces(path, seen):
        packed += len(raw)
        while raw:
            if inflate is None:  # the next member; zeros between members are padding
                raw = raw.lstrip(b"\0")
                if not raw:
                    break
                inflate = zlib.decompressobj(31)
            try:
                piece = inflate.decompress(raw, PIECE)
            except zlib.error:
                seen.faults.append(
                    Fault(
                        seen.name,
                        "a damaged gzip archive",
                        "a whole one",
                        "Copy or ask for it again.",
                    )
                )
                return
            expanded += len(piece)
            if expanded > RATIO_FROM and (expanded > MAX_RATIO * packed or expanded > room):
                seen.faults.append(
                    Fault(
                        seen.name,
                        f"a gzip archive that expands to more than {expanded // packed} times its "
                        "size",
                        f"at most {MAX_RATIO} times, and room for it on the disk",
                        "If it is genuine, unpack it first.",
                    )
                )
                return
            yield piece
            raw = inflate.unconsumed_tail or inflate.unused_data
            if inflate.eof:
                inflate = None
    if inflate is not None:
        seen.faults.append(
            Fault(seen.name, "a truncated gzip archive", "a whole one", "Copy or ask for it again.")
        )


def _encoding(pieces: Iterator[bytes]) -> tuple[str, Iterator[bytes]]:
    """Return the encoding that the first bytes show, and all pieces again, without the mark."""
    first = next(pieces, b"")
    encoding, mark = encodings.encoding_of(first)

    def again() -> Iterator[bytes]:
        yield first[mark if encoding != "utf-8" else 0 :]
        yield from pieces

    return encoding, again()


def _decoded(pieces: Iterator[bytes], seen: _Pass, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()

    def utf8() -> Iterator[bytes]:
        for piece in pieces:
            yield decoder.decode(piece).encode()
        yield decoder.decode(b"", final=True).encode()

    try:
        yield from _checked(utf8(), seen)
    except UnicodeError:
        what = f"damaged {encoding[:6].upper()} text"
        if encoding == "cp1252":
            what = "a character that is neither UTF-8 nor Windows-1252"
        seen.faults.append(Fault(seen.name, what, "UTF-8 text", "Save it as UTF-8."))


def _checked(pieces: Iterator[bytes], seen: _Pass) -> Iterator[bytes]:
    """Pass UTF-8 through, counting lines and noting what must not be there."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for piece in pieces:
        if b"\0" in piece:
            row = seen.lines + piece[: piece.index(b"\0")].count(b"\n") + 1
            seen.faults.append(Fault(seen.name, "a NUL byte", "text", encodings.BINARY, row))
            return
        if not piece.isascii() or decoder.getstate()[0]:
            try:
                decoder.decode(piece)
            except UnicodeDecodeError:
                raise _NotUnicode from None
        plain = piece
        if b"\r" in piece or seen.last == b"\r":
            plain = piece.replace(b"\r", b"")
            seen.crlf += (seen.last + piece).count(b"\r\n")
        seen.lines += piece.count(b"\n")
        seen.blank_lines += _blank_lines((b"\n" if seen.line_ended else b"") + plain)
        seen.quotes = seen.quotes or b'"' in piece
        seen.last = piece[-1:] or seen.last
        seen.line_ended = plain.endswith(b"\n") if plain else seen.line_ended
        yield piece
    if decoder.getstate()[0]:
        seen.faults.append(
            Fault(
                seen.name,
                "half a character at the end",
                "whole UTF-8 text",
                "The file is cut off; copy or ask for it again.",
            )
        )


def _blank_lines(plain: bytes) -> int:
    """Count lines with nothing in them: every line end that follows another."""
    if b"\n\n\n" not in plain:
        return plain.count(b"\n\n")
    return sum(len(run) - 1 for run in re.findall(rb"\n{2,}", plain))


def _with_one_line_end(path: Path, scratch: Path) -> Path:
    """Return a copy in which every line ends in LF: readers stumble over a mixture."""
    copy = scratch / f"{path.stem}.lf.txt"
    with path.open("rb") as source, copy.open("wb") as target:
        held = b""
        while piece := source.read(PIECE):
            piece = held + piece
            held = b"\r" if piece.endswith(b"\r") else b""
            target.write(piece[: len(piece) - len(held)].replace(b"\r\n", b"\n"))
        target.write(held)
    return copy


def _first_record(handle: io.TextIOBase) -> str:
    return handle.readline().rstrip("\r\n")


def _some_rows(handle: io.TextIOBase, delimiter: str, size: int = 1 << 16) -> list[list[str]]:
    """Return the first whole rows; fewer where they cannot be told apart (the engine's reading
    finds out)."""
    text = handle.read(size)
    if len(text) == size and "\n" in text:
        text = text[: text.rfind("\n")]
    rows = []
    with suppress(csv.Error):
        rows += [*csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
    return rows


def _delimiter(first: str, name: str, declared: str | None) -> tuple[str, Fault | None]:
    """Return the separator of a header line; a fault when the declared one is not in it."""
    counts = {mark: first.count(mark) for mark in DELIMITERS}
    best = max(counts, key=lambda mark: counts[mark])
    if declared is None:
        return best, None
    if counts.get(declared, first.count(declared)) == 0 and counts[best] > 0:
        return declared, Fault(
            name,
            f"a header separated by {DELIMITERS[best]}",
            f"{DELIMITERS.get(declared, repr(declared))}, as extract, delimiter says",
            "Correct or remove that key; the separator is recognised without it.",
            row=1,
        )
    return declared, None
