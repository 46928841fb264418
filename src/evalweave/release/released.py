"""Reading back what was released: the text, the marked counts and the tables of each kind of file.

Nothing here trusts how a file was made. HTML and SVG are read as markup and also as raw text
(comments, styles and attributes travel with the file), Word documents as the XML inside, JSON and
CSV cell by cell.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

MARKUP = (".html", ".htm", ".svg", ".xml")
PLAIN = (".txt", ".md", ".tex", ".css", ".js", ".log", ".yaml", ".yml")
PACKED = (".docx", ".xlsx")
HELD = ("/EmbeddedFile", "/Filespec")
# Of a PDF's lines and Word's rows: the last cell of a row does not count the next one's name.
BREAK = "\n·\n"
PICTURES = (".png", ".jpeg", ".jpg")
_BLOCKS = frozenset(
    (
        "p",
        "div",
        "td",
        "th",
        "tr",
        "li",
        "h1",
        "h2",
        "h3",
        "h4",
        "section",
        "figure",
        "figcaption",
        "caption",
        "text",
        "title",
        "desc",
        "dd",
        "dt",
        "br",
    )
)
READ = ("alt", "title", "aria-label", "summary", "descr", "content")  # attributes that are read
QUOTED = ("blockquote", "q")
_QUOTE_STYLE = re.compile(r'<w:pStyle w:val="(?:Intense)?Quote"')
_DATA_URI = re.compile(r"data:([\w/+.-]*)((?:;[\w=.-]+)*),([^\"')\s>]*)")


@dataclass(frozen=True)
class Mark:
    """A count that the formatter marked: what it counts, the value it carries and the text that is
    read."""

    of: str
    value: str
    text: str


@dataclass
class Content:
    """What one released file says."""

    name: str
    raw: list[str] = field(default_factory=list)  # texts to search for identifiers and paths
    words: list[str] = field(default_factory=list)  # texts that people read, without the counts
    prose: str = ""  # what a reader reads, without the marked counts
    own: str = ""  # of it, what a page says itself: no quotations; a block a line
    marks: list[Mark] = field(default_factory=list)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # name → rows
    document: Any = None  # parsed JSON
    pictures: int = 0  # bitmaps in a Word document, whose pixels cannot be read
    unreadable: str = ""  # why the file cannot be audited


def read(path: Path, name: str) -> Content:
    """Return the content of one released file; `unreadable` says why where it cannot be audited."""
    content = Content(name)
    suffix = path.suffix.lower()
    if path.is_symlink():
        content.unreadable = "is a link to a file elsewhere"
    elif path.stat().st_size == 0:
        return content  # an empty file (such as a mark that a folder is complete) says nothing
    elif suffix in PACKED:
        _packed(path, content)
    elif suffix == ".pdf":
        _pdf(path, content)
    elif suffix in (*MARKUP, *PLAIN, ".csv", ".json"):
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            content.unreadable = "is not UTF-8 text"
            return content
        _text(text, suffix, content)
    else:
        content.unreadable = (
            f"is of a kind ({suffix or 'no extension'}) whose content cannot be checked"
        )
    return content


def _text(text: str, suffix: str, content: Content) -> None:
    content.raw.append(text)
    if suffix in MARKUP:
        _markup(text, content)
    elif suffix == ".csv":
        rows = list(csv.reader(io.StringIO(text, newline="")))
        header = rows[0] if rows else []
        if any(len(row) != len(header) for row in rows[1:] if row):
            content.unreadable = "has rows of different lengths"
        names = [name.strip() for name in header]
        table = Path(content.name).stem
        content.tables[table] = [dict(zip(names, row, strict=False)) for row in rows[1:] if row]
        content.raw.append("\n".join(cell for row in rows for cell in row))
        content.prose = "\n".join("\n".join(row) for row in rows)
    elif suffix == ".json":
        try:
            content.document = json.loads(text)
        except ValueError:
            content.unreadable = "is not valid JSON"
            return
        content.raw.append("\n".join(_strings(content.document)))
    else:
        content.prose = text
        content.words.append(text)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, str):
        yield value


class _Reader(HTMLParser):
    """Collects prose and marked counts; block elements part words, inline ones do not."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.prose: list[str] = []
        self.own: list[str] = []
        self.joined: list[str] = []  # with the counts, for identifiers
        self.read: list[str] = []  # what people read, attributes too
        self.marks: list[Mark] = []
        self._open: list[tuple[str, str, str, list[str]]] = []  # tag, of, value, text of a count
        self._quiet = 0
        self._quoted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag in ("script", "style"):
            self._quiet += 1
        self._quoted += tag in QUOTED
        if tag in _BLOCKS:
            self._say("\n")
        self.joined += [f"\n{value}\n" for value in given.values() if value]
        self.read += [f"\n{given[key]}\n" for key in READ if given.get(key)]
        if "data-counts" in given or "count" in given.get("class", "").split():
            self._open.append(
                (
                    tag,
                    given.get("data-counts", ""),
                    given.get("value", given.get("data-value", "")),
                    [],
                )
            )

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._quiet = max(0, self._quiet - 1)
        self._quoted = max(0, self._quoted - (tag in QUOTED))
        if self._open and self._open[-1][0] == tag:
            _, of, value, text = self._open.pop()
            self.marks.append(Mark(of, value, "".join(text).strip()))
            self.prose.append("\N{OBJECT REPLACEMENT CHARACTER}")
            self.own.append("\N{OBJECT REPLACEMENT CHARACTER}")
            self.read.append("\N{OBJECT REPLACEMENT CHARACTER}")
        elif tag in _BLOCKS:
            self._say("\n")

    def handle_data(self, data: str) -> None:
        self.joined.append(data)
        if self._open:
            self._open[-1][3].append(data)
        elif not self._quiet:
            self.prose.append(data)
            self.read.append(data)
            self.own += [] if self._quoted else [re.sub(r"\s+", " ", data)]

    def _say(self, text: str) -> None:
        self.joined.append(text)
        self.prose.append(text)
        self.own.append(text)
        self.read.append(text)


def _markup(text: str, content: Content) -> None:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    content.marks += reader.marks
    content.prose += "".join(reader.prose)
    content.own += "".join(reader.own) + "\n"
    content.words.append("".join(reader.read))
    content.raw += ["".join(reader.joined), unescape(text)]
    for kind, options, body in _DATA_URI.findall(unescape(text)):
        try:
            data = (
                base64.b64decode(body, validate=True)
                if ";base64" in options
                else unquote_to_bytes(body)
            )
            inside = data.decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            content.unreadable = (
                f"embeds a picture or file ({kind or 'of unknown kind'}) whose "
                "content cannot be checked"
            )
            continue
        _text(
            inside, ".svg" if "svg" in kind or "xml" in kind or "html" in kind else ".txt", content
        )


def _read_attributes(xml: str) -> list[str]:
    """Return what attributes of a part of a Word document say to people."""
    return [unescape(said) for said in re.findall(r'\b(?:descr|title|alt)="([^"]*)"', xml)]


def _unquoted(xml: str) -> str:
    """Return what a part of a Word document says itself, a paragraph a line."""
    paragraphs = re.split(r"</w:p>", xml)
    own = [text for text in paragraphs if not _QUOTE_STYLE.search(text)]
    return "\n".join(re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", text))) for text in own)


def _pdf(path: Path, content: Content) -> None:
    """Read a PDF: the text of every page, what is said of figures, titles and bookmarks, and what
    no page shows."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(path, strict=True)
        pages = [page.extract_text() for page in reader.pages]
        objects = [reader.get_object(n) for n in sorted(reader.xref.get(0, {}))]
        objects += [reader.get_object(n) for n in sorted(reader.xref_objStm)]
    except (PyPdfError, OSError, ValueError, KeyError, TypeError, NotImplementedError):
        content.unreadable = "is damaged, locked, or no PDF that can be read back"
        return
    content.pictures += sum(isinstance(o, dict) and o.get("/Subtype") == "/Image" for o in objects)
    said = [text for each in objects for text in _pdf_texts(each)]
    if any(isinstance(o, dict) and (o.get("/Type") in HELD or "/JS" in o) for o in objects):
        content.unreadable = "holds a file or a program whose content cannot be checked"
    words = "\n".join([*pages, *said])
    content.raw += [path.read_bytes().decode("latin-1"), words]
    content.prose = "\n".join(pages).replace("\n", BREAK)
    content.words.append(words)


def _pdf_texts(value: Any) -> Iterator[str]:
    """Yield every text in one object of a PDF; metadata is a stream of XML."""
    if isinstance(value, dict):
        if value.get("/Type") == "/Metadata" and hasattr(value, "get_data"):
            yield value.get_data().decode("utf-8", errors="replace")
        for part in dict.values(value):
            yield from _pdf_texts(part)
    elif isinstance(value, list):
        for part in list.__iter__(value):
            yield from _pdf_texts(part)
    elif isinstance(value, str):
        yield str(value)


def _parted(xml: str) -> str:
    """Return the text of an XML part, a line for each paragraph and cell."""
    ends = r"</(?:w:p|w:tc|si|c|dc:\w+|cp:\w+)>|<w:(?:br|tab)\b[^>]*>"
    return unescape(re.sub(r"<[^>]+>", "", re.sub(ends, "\n", xml)))


def _packed(path: Path, content: Content) -> None:
    """Read a Word or Excel file: every XML part, text runs joined by paragraph so that no split
    hides a word."""
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                suffix = Path(name).suffix.lower()
                data = archive.read(name)
                if name.lower().endswith((".xml", ".rels")):
                    xml = data.decode("utf-8", errors="replace")
                    words = _parted(xml)
                    content.raw += [xml, words]
                    content.prose += _parted(xml.replace("</w:tr>", BREAK))
                    content.own += _unquoted(xml) + "\n"
                    content.words += [words, "\n".join(_read_attributes(xml))]
                elif suffix in PICTURES:
                    content.pictures += 1
                    content.raw.append(data.decode("latin-1"))
                elif not name.endswith("/"):
                    content.unreadable = (
                        f"holds a part of a kind ({suffix or 'no extension'}) "
                        "that cannot be checked"
                    )
    except (zipfile.BadZipFile, OSError, RuntimeError):
        content.unreadable = "is damaged: it cannot be unpacked"
