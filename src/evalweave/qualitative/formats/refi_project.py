"""One pass over the XML of a REFI-QDA project: code book, people, sources, selections, links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from evalweave.qualitative.formats.refi_files import file_of
from evalweave.qualitative.formats.refi_media import (
    MEDIA,
    SELECTIONS,
    TEXTS_OF,
    TRANSCRIBED,
    clock,
    place_of,
)
from evalweave.qualitative.identity import PERSON_VARIABLES, normal
from evalweave.qualitative.raw import (
    UNLISTED,
    WHOLE,
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
from evalweave.reading.archives import fault

NAMESPACES = ("urn:QDA-XML:project:1.0", "urn:QDA-XML:codebook:1.0")
DEEPEST = 50  # levels of a hierarchy
UNREAD = {"Note": "notes", "Link": "links", "Graph": "graphs"}
SAID = 20  # sets that the log names
VALUES = ("TextValue", "BooleanValue", "IntegerValue", "FloatValue", "DateValue", "DateTimeValue")


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


@dataclass
class Reader:
    """One pass over a project's XML; `stored` holds the archive's texts by the normal form of
    their file names."""

    root: Any
    stored: dict[str, str]
    log: Log
    count: Counter[str] = field(default_factory=Counter)

    def sources(self) -> Iterator[Any]:
        """Return every source of the project: texts, pictures, recordings and PDFs."""
        for element in _children(self.root, "Sources"):
            for source in element:
                if _local(source) == "TextSource" or _local(source) in MEDIA:
                    yield source

    def texts(self) -> Iterator[Any]:
        """Return the elements that hold a text: text sources, transcripts, a PDF's plain text."""
        for source in self.sources():
            if _local(source) == "TextSource":
                yield source
            else:
                yield from (part for part in source if _local(part) in TEXTS_OF)

    def text_files(self) -> set[str]:
        return {file_of(source.get("plainTextPath") or "") for source in self.texts()} - {""}

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
        codes = self.codes()
        self.known_codes = {code.key for code in codes}
        self.alias: dict[str, str] = {}
        sources, selections, links = self.texts_and_selections()
        links += self.case_links(cases, {s.key for s in sources}, selections)
        self.log.note(
            "people",
            "cases that point at no source and no stretch. QualCoder writes no link of a case to a "
            "text into REFI-QDA: its project folder (.qda) has them",
            len({person.key for person in people if person.name} - {link.person for link in links}),
        )
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
        """Return the code book, depth first, without codes that are cases: NVivo writes a case as a
        code of the same identifier, and coding with it says who speaks."""
        book_codes: list[RawCode] = []
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
                book_codes.append(RawCode(_guid(code.get("guid")), names, codable, description))
                walk(code, names)

        for element in book:
            for codes in _children(element, "Codes"):
                walk(codes, ())
        twice = [key for key, n in Counter(code.key for code in book_codes).items() if n > 1]
        self.log.warn(
            "codes", "identifiers that stand for several codes; the last one was kept", len(twice)
        )
        of_cases = sum(code.key in self.people for code in book_codes)
        self.log.note("people", "codes that are cases: they say who speaks", of_cases)
        return [code for code in book_codes if code.key not in self.people]

    def values(self, element: Any) -> dict[str, str]:
        """Return the variables given to a case or a source, blanks left out."""
        values = {}
        for value in _children(element, "VariableValue"):
            reference = next(_children(value, "VariableRef"), None)
            name = self.variables.get(
                _guid(reference.get("targetGUID")) if reference is not None else ""
            )
            text = "".join(
                "".join(part.itertext()) for part in value if _local(part) in VALUES
            ).strip()
            if name and text:
                values[name] = text
            self.count["variable"] += not name
        return values

    def texts_and_selections(self) -> tuple[list[RawSource], list[RawSelection], list[RawLink]]:
        sources: list[RawSource] = []
        selections: list[RawSelection] = []
        links: list[RawLink] = []
        for element in self.sources():
            key, name = _guid(element.get("guid")), (element.get("name") or "").strip()
            medium = MEDIA.get(_local(element), "text")
            holders = [element] if medium == "text" else []
            holders += [part for part in element if _local(part) in TEXTS_OF]
            attributes = self.values(element)
            for number, holder in enumerate(holders or [None]):
                own = key if number == 0 else _guid(holder.get("guid")) or f"{key} {number}"
                text = None if holder is None else self.text_of(holder)
                self.count["no text"] += holder is not None and text is None
                sources.append(
                    RawSource(
                        own,
                        name if number == 0 else f"{name}, {holder.get('name') or number + 1}",
                        text,
                        attributes,
                        medium,
                        part_of=key if number else "",
                    )
                )
                if holder is not None:
                    self.alias[_guid(holder.get("guid"))] = own
                    selections += self.text_selections(holder, own)
            for variable, value in attributes.items():
                if normal(variable) in PERSON_VARIABLES:
                    links.append(RawLink(key, value, "variable"))
            for part in element:
                if _local(part) in SELECTIONS:
                    selections += self.medium_selections(part, key)
                elif _local(part) == "Coding":
                    selection = self.selection(part, key, place=WHOLE, codings=[part])
                    links += [RawLink(key, case, "case_coding") for case in selection.cases]
                    if selection.codings:
                        selections.append(replace(selection, cases=()))
        return sources, selections, links

    def text_of(self, element: Any) -> str | None:
        """Return the text of a text source, transcript or representation; None when unreadable."""
        path = element.get("plainTextPath") or ""
        self.count["outside"] += bool(path) and not file_of(path)
        text = self.stored.get(file_of(path)) if path else None
        content = next(_children(element, "PlainTextContent"), None)
        if text is None and content is not None:
            text = "".join(content.itertext())
        return text

    def text_selections(self, holder: Any, source: str) -> list[RawSelection]:
        """Return the stretches of a text, a transcript's by the positions of its sync points."""
        points = {
            _guid(point.get("guid")): (point.get("position"), point.get("timeStamp"))
            for point in _children(holder, "SyncPoint")
        }
        made = []
        for part in holder:
            if _local(part) == "PlainTextSelection":
                ends = part.get("startPosition"), part.get("endPosition")
                made.append(self.selection(part, source, ends))
            elif _local(part) == TRANSCRIBED:
                first = points.get(_guid(part.get("fromSyncPoint")), (None, None))
                last = points.get(_guid(part.get("toSyncPoint")), (None, None))
                ends = first[0], last[0]
                timed = position(ends[0]) is None or position(ends[1]) is None
                place = f"{clock(first[1])} to {clock(last[1])}" if timed else ""
                made.append(self.selection(part, source, ends, place))
        return made

    def medium_selections(self, part: Any, source: str) -> list[RawSelection]:
        """Return a region or stretch of a medium; one that holds a text selection is that one."""
        inner = [
            self.selection(text, source, place=place_of(part))
            for holder in part
            if _local(holder) in TEXTS_OF
            for text in _children(holder, "PlainTextSelection")
        ]
        outer = self.selection(part, source, place=place_of(part))
        return [outer, *(selection for selection in inner if selection.codings)]

    def selection(
        self,
        element: Any,
        source: str,
        ends: tuple[str | None, str | None] = (None, None),
        place: str = "",
        codings: list[Any] | None = None,
    ) -> RawSelection:
        given: list[RawCoding] = []
        cases: list[str] = []
        self.count["selection"] += 1
        for coding in _children(element, "Coding") if codings is None else codings:
            user = _guid(coding.get("creatingUser") or element.get("creatingUser"))
            at = coding.get("creationDateTime") or element.get("creationDateTime") or ""
            for reference in _children(coding, "CodeRef"):
                target = _guid(reference.get("targetGUID"))
                if target in self.known_codes:
                    given.append(RawCoding(target, self.coder(user), at))
                elif target in self.people:
                    cases.append(target)
                else:
                    self.count["dangling code"] += 1
        return RawSelection(
            source,
            None if place else position(ends[0]),
            None if place else position(ends[1]),
            element.get("name") or "",
            tuple(given),
            tuple(cases),
            _guid(element.get("guid")) or f"selection {self.count['selection']}",
            quote_is_text=False,
            place=place,
        )

    def coder(self, user: str) -> str:
        """Return a coder as name and identifier; one whom the project does not list is unlisted."""
        if user and user not in self.users:
            self.count["unlisted user"] += 1
            return f"{UNLISTED}\0{user}"
        return f"{self.users.get(user, '')}\0{user}" if user else ""

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
                target = self.alias.get(target, target)
                if kind == "CodeRef" and target == person:
                    continue  # a case that is a code too
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
        log.warn(
            "coders",
            "codings by a user who is not listed in the project: counted for themes, left out of "
            "agreement, since it may be one of the coders who are",
            count["unlisted user"],
        )
        sets = list(_children(self.root, "Sets", "Set"))
        for one in sets[:SAID]:
            members = Counter(_local(part) for part in one)
            log.note(
                "archive",
                f'the set "{(one.get("name") or "").strip()}" is a grouping of the program\'s own '
                f"({members['MemberSource']} sources, {members['MemberCode']} codes, "
                f"{members['MemberNote']} notes) and changes no count: say in the table of sources "
                "or of themes what it means",
            )
        log.note("archive", "further sets, which change no count", len(sets[SAID:]))
        kinds = Counter(_local(element) for element in self.root.iter())
        for kind, name in UNREAD.items():
            log.note("archive", f"{name} are not read", kinds[kind])
