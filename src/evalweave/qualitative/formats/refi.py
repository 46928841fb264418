"""Reader of REFI-QDA projects (.qdpx) and code books (.qdc).

REFI-QDA 1.5 (urn:QDA-XML:project:1.0): a zip with one .qde and a folder of sources. Programs bend
it: the .qde bears any name, the folder any case, GUIDs come with or without braces and are reissued
on every export, people are linked to text in three ways, and each program loses something. All of
that is counted in the log.
"""

from __future__ import annotations

from pathlib import Path

from evalweave.qualitative.formats import TABLES
from evalweave.qualitative.formats.refi_files import member_names
from evalweave.qualitative.formats.refi_project import Reader
from evalweave.qualitative.raw import Log, Raw
from evalweave.reading.archives import Archive, decode, fault, must_exist, xml_root


def recognises(path: Path, start: bytes) -> bool:
    """By its ending, or as an archive or XML of another ending than those of tables."""
    if path.suffix.lower() in (".qdpx", ".qdc", ".qde"):
        return True
    marked = start[:2] == b"PK" or start.lstrip(b"\xef\xbb\xbf").startswith(b"<")
    return marked and path.suffix.lower() not in TABLES


def read(path: Path) -> Raw:
    """Read a .qdpx, a .qdc or a bare .qde; raise `DataError` when it is none of them or unsafe."""
    must_exist(path)
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(64)
        if start.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").startswith((b"<", b"<\x00")):
            return Reader(xml_root(path.read_bytes(), path), {}, Log()).raw()
    with Archive(path) as archive:
        log = Log()
        documents = [info for info in archive.members if info.filename.lower().endswith(".qde")]
        if len(documents) != 1:
            raise fault(
                path,
                f"{len(documents) or 'no'} .qde documents",
                "exactly one",
                "Export the project again; do not merge archives.",
            )
        if documents[0].filename != "project.qde":
            log.note(
                "archive", "the .qde document is not called project.qde; it was read all the same"
            )
        log.warn(
            "archive", "entries whose names lead out of the archive were ignored", archive.ignored
        )
        root = xml_root(archive.read(documents[0]), path)
        reader = Reader(root, {}, log)
        wanted = reader.text_files()
        invalid = unused = 0
        for info in archive.members:
            folder, _, name = info.filename.replace("\\", "/").rpartition("/")
            if folder.lower().rpartition("/")[2] not in ("sources", "") or info is documents[0]:
                continue
            meant = next((form for form in member_names(info) if form in wanted), None)
            if meant is None:
                unused += name.lower().endswith(".txt")
                continue
            text, valid = decode(archive.read(info))
            invalid += not valid
            reader.stored[meant] = text
        log.warn("sources", "texts that are not UTF-8 were read as Windows-1252", invalid)
        log.note(
            "sources",
            "texts in the archive that no source refers to (stored twice by the program)",
            unused,
        )
        return reader.raw()
