"""Reader of REFI-QDA projects (.qdpx) and code books (.qdc).

REFI-QDA 1.5 (urn:QDA-XML:project:1.0): a zip with one .qde and a folder of sources. Programs bend
it: the .qde bears any name, the folder any case, GUIDs come with or without braces and are reissued
on every export, people are linked to text in three ways, and each program loses something. All of
that is counted in the log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalweave.qualitative.raw import (
    Log,
    Raw,
    RawCode,
    RawCoding,
    RawLink,
    RawPerson,
    RawSelection,
    RawSource,
    position,
)
from evalweave.reading.archives import Archive, decode, fault, must_exist, xml_root

NAMESPACES = ("urn:QDA-XML:project:1.0", "urn:QDA-XML:codebook:1.0")
MEDIA = {"PictureSource", "AudioSource", "VideoSource", "PDFSource"}
MEDIA_SELECTIONS = {
    "PictureSelection",
    "AudioSelection",
    "VideoSelection",
    "PDFSelection",
    "TranscriptSelection",
}
DEEPEST = 50  # levels of a hierarchy
UNREAD = {"Note": "notes", "Link": "links", "Set": "sets", "Graph": "graphs"}
PERSON_VARIABLES = {
    "participant",
    "participant_id",
    "participant id",
    "case",
    "respondent",
    "interviewee",
    "speaker",
    "pseudonym",
}
VALUES = ("TextValue", "BooleanValue", "IntegerValue", "FloatValue", "DateValue", "DateTimeValue")


def read(path: Path, columns: Mapping[str, str] | None = None) -> Raw:
    """Read a .qdpx, a .qdc or a bare .qde; raise `DataError` when it is none of them or unsafe."""
    must_exist(path)
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(64)
        if start.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").startswith((b"<", b"<\x00")):
            return _Reader(xml_root(path.read_bytes(), path), {}, Log()).raw()
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
        reader = _Reader(root, {}, log)
        wanted = reader.text_files()
        invalid = unused = 0
        for info in archive.members:
            folder, _, name = info.filename.replace("\\", "/").rpartition("/")
            if folder.lower().rpartition("/")[2] not in ("sources", "") or info is documents[0]:
                continue
            if name.lower() not in wanted:
                unused += name.lower().endswith(".txt")
                continue
            text, valid = decode(archive.read(info))
            invalid += not valid
            reader.texts[name.lower()] = text
        log.warn("sources", "texts that are not UTF-8 were read as Windows-1252", invalid)
        log.note(
            "sources",
            "texts in the archive that no source refers to (stored twice by the program)",
            unused,
        )
        return reader.raw()


def _local(element: Any) -> str:
    """Return a tag without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _children(element: Any, *names: str) -> Iterator[Any]:
    """Walk down by tag names, namespaces aside."""
    if not names:
        yield element
        return
    for child in element:
        if _local(child) == names[0]:
            yield from _children(child, *names[1:])


def _guid(value: str | None) -> str:
    """Return a GUID in one form: programs differ in braces and case."""
    return (value or "").strip().strip("{}").lower()


def _file_of(path: str) -> str:
    """Return the member that `internal://name` means, or '' for any path that is not inside the
    archive."""
    path = path.strip()
    if path.lower().startswith("internal://"):
        path = path[len("internal://") :]
    if path.lower().startswith("sources/"):
        path = path[len("sources/") :]
    return (
        ""
        if "/" in path or "\\" in path or ":" in path or path in ("", ".", "..")
        else path.lower()
    )


@dataclass
class _Reader:
    """One pass over a project's XML; `texts` holds the archive's texts by lower-case file name."""

    root: Any
    texts: dict[str, str]
    log: Log
    count: Counter[str] = field(default_factory=Counter)

    def sources(self) -> Iterator[Any]:
        """Text sources, and the plain texts that PDF sources carry."""
        for element in _children(self.root, "Sources"):
            for source in element:
                if _local(source) == "TextSource":
                    yield source
                elif _local(source) == "PDFSource":
                    yield from (text for text in source if _local(text) == "Representation")

    def text_files(self) -> set[str]:
        return {_file_of(source.get("plainTextPath") or "") for source in self.sources()} - {""}

    def raw(self) -> Raw:
        if _local(self.root) not in ("Project", "CodeBook"):
            raise fault(
                "the project",
                f"an XML document of <{_local(self.root)[:40]}>",
                "a REFI-QDA <Project>",
            )
        if not str(self.root.tag).startswith(tuple("{" + name for name in NAMESPACES)):
            self.log.warn(
                "archive", "the XML is not in the REFI-QDA 1.0 namespace; it was read all the same"
            )
        codes = self.codes()
        self.known_codes = {code.key for code in codes}
        self.users = {
            _guid(u.get("guid")): u.get("name") or "" for u in _children(self.root, "Users", "User")
        }
        self.variables = {
            _guid(v.get("guid")): (v.get("name") or "").strip()
            for v in _children(self.root, "Variables", "Variable")
        }
        cases = list(_children(self.root, "Cases", "Case"))
        people = tuple(
            RawPerson(_guid(case.get("guid")), (case.get("name") or "").strip(), self.values(case))
            for case in cases
        )
        self.people = {person.key for person in people}
        sources, selections, links = self.texts_and_selections()
        links += self.case_links(cases, {s.key for s in sources}, selections)
        self.report()
        return Raw(
            tool=(self.root.get("origin") or "REFI-QDA").strip()[:60],
            sources=tuple(sources),
            codes=tuple(codes),
            selections=tuple(selections),
            people=people,
            links=tuple(links),
            log=self.log,
        )

    def codes(self) -> list[RawCode]:
        """Return the code book, depth first."""
        found: list[RawCode] = []
        book = (
            [self.root]
            if _local(self.root) == "CodeBook"
            else list(_children(self.root, "CodeBook"))
        )

        def walk(element: Any, above: tuple[str, ...]) -> None:
            if len(above) > DEEPEST:
                raise fault(
                    "the code book",
                    f"codes nested more than {DEEPEST} deep",
                    "a hierarchy of codes",
                )
            for code in _children(element, "Code"):
                name = (code.get("name") or "").strip()
                names = (*above, name) if name else above
                description = " ".join(
                    "".join(d.itertext()).strip() for d in _children(code, "Description")
                )
                codable = (code.get("isCodable") or "true").strip().lower() not in ("false", "0")
                found.append(RawCode(_guid(code.get("guid")), names, codable, description))
                walk(code, names)

        for element in book:
            for codes in _children(element, "Codes"):
                walk(codes, ())
        twice = [key for key, n in Counter(code.key for code in found).items() if n > 1]
        self.log.warn(
            "codes", "identifiers that stand for several codes; the last one was kept", len(twice)
        )
        return found

    def values(self, element: Any) -> dict[str, str]:
        """Return the variables given to a case or a source, blanks left out."""
        found = {}
        for value in _children(element, "VariableValue"):
            reference = next(_children(value, "VariableRef"), None)
            name = self.variables.get(
                _guid(reference.get("targetGUID")) if reference is not None else ""
            )
            text = "".join(
                "".join(part.itertext()) for part in value if _local(part) in VALUES
            ).strip()
            if name and text:
                found[name] = text
            self.count["variable"] += not name
        return found

    def texts_and_selections(self) -> tuple[list[RawSource], list[RawSelection], list[RawLink]]:
        sources: list[RawSource] = []
        selections: list[RawSelection] = []
        links: list[RawLink] = []
        for element in self.sources():
            key = _guid(element.get("guid"))
            path = element.get("plainTextPath") or ""
            content = next(_children(element, "PlainTextContent"), None)
            text = self.texts.get(_file_of(path)) if path else None
            if text is None and content is not None:
                text = "".join(content.itertext())
            self.count["outside"] += bool(path) and not _file_of(path)
            self.count["no text"] += text is None
            attributes = self.values(element)
            sources.append(RawSource(key, (element.get("name") or "").strip(), text, attributes))
            for name, value in attributes.items():
                if name.lower() in PERSON_VARIABLES:
                    links.append(RawLink(key, value, "variable"))
            for part in element:
                if _local(part) == "PlainTextSelection":
                    selections.append(self.selection(part, key))
                elif _local(part) == "Coding":
                    links += self.whole_source(part, key)
        return sources, selections, links

    def selection(self, element: Any, source: str) -> RawSelection:
        codings: list[RawCoding] = []
        cases: list[str] = []
        self.count["selection"] += 1
        for coding in _children(element, "Coding"):
            user = _guid(coding.get("creatingUser") or element.get("creatingUser"))
            at = coding.get("creationDateTime") or element.get("creationDateTime") or ""
            for reference in _children(coding, "CodeRef"):
                target = _guid(reference.get("targetGUID"))
                if target in self.known_codes:
                    codings.append(
                        RawCoding(target, f"{self.users.get(user, '')}\0{user}" if user else "", at)
                    )
                elif target in self.people:
                    cases.append(target)
                else:
                    self.count["dangling code"] += 1
        return RawSelection(
            source,
            position(element.get("startPosition")),
            position(element.get("endPosition")),
            element.get("name") or "",
            tuple(codings),
            tuple(cases),
            _guid(element.get("guid")) or f"selection {self.count['selection']}",
        )

    def whole_source(self, coding: Any, source: str) -> list[RawLink]:
        """A coding of a whole source: of a case it links the person, of a code it is set aside."""
        targets = [_guid(reference.get("targetGUID")) for reference in _children(coding, "CodeRef")]
        cases = [target for target in targets if target in self.people]
        self.count["whole source"] += len(targets) - len(cases)
        return [RawLink(source, case, "case_coding") for case in cases]

    def case_links(
        self, cases: list[Any], sources: set[str], selections: list[RawSelection]
    ) -> list[RawLink]:
        """Case → SourceRef, Case → SelectionRef, Case → CodeRef, and codings that target a case."""
        links = []
        by_key = {selection.key: selection for selection in selections if selection.key}
        coded: dict[str, list[RawSelection]] = {}
        for selection in selections:
            for coding in selection.codings:
                coded.setdefault(coding.code, []).append(selection)
            for case in selection.cases:
                links.append(
                    RawLink(selection.source, case, "case_coding", selection=selection.key)
                )
        for case in cases:
            person = _guid(case.get("guid"))
            for reference in case:
                target = _guid(reference.get("targetGUID"))
                kind = _local(reference)
                if kind == "SourceRef" and target in sources:
                    links.append(RawLink(target, person, "case_source"))
                elif kind == "SelectionRef" and target in by_key:
                    source = by_key[target].source
                    links.append(RawLink(source, person, "case_selection", selection=target))
                elif kind == "CodeRef" and target in self.known_codes:
                    links += [
                        RawLink(s.source, person, "case_coding", selection=s.key)
                        for s in coded.get(target, [])
                        if s.key
                    ]
                elif kind in ("SourceRef", "SelectionRef", "CodeRef"):
                    self.count["dangling case"] += 1
        return links

    def report(self) -> None:
        log, count = self.log, self.count
        log.warn(
            "codings",
            "codings of a code that is not in the code book (dangling) were set aside",
            count["dangling code"],
        )
        log.warn(
            "codings",
            "codes given to a whole source, not to a stretch of it, were set aside",
            count["whole source"],
        )
        log.warn(
            "people",
            "links of cases to text that is not in the project (dangling)",
            count["dangling case"],
        )
        log.warn(
            "people", "values of variables that the project does not define", count["variable"]
        )
        log.warn(
            "sources",
            "sources whose path leads outside the archive: the path was not followed",
            count["outside"],
        )
        log.warn(
            "sources",
            "sources without a readable text: positions cannot be checked",
            count["no text"],
        )
        kinds = Counter(_local(element) for element in self.root.iter())
        media = sum(n for kind, n in kinds.items() if kind in MEDIA)
        log.note("sources", "picture, audio, video and PDF sources are not counted", media)
        log.note(
            "codings",
            "selections in pictures, audio, video, transcripts and PDF pages are not counted",
            sum(n for kind, n in kinds.items() if kind in MEDIA_SELECTIONS),
        )
        for kind, name in UNREAD.items():
            log.note("archive", f"{name} are not read", kinds[kind])
