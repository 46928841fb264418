"""The tidy model written as a REFI-QDA project (`.qdpx`): merged, attributed, with its stances.

What other programs then open is what was counted: one code book by full path, people as cases with
their attributes, their turns as selections that belong to a case, stances as codes below `claim`.
Coders are pseudonyms. A source whose text the project does not have (a picture, a recording, coded
segments of a spreadsheet) has a text that stands in for it (`stand_ins`), and says so in its
description. GUIDs are UUIDs of version 5 and dates in the
archive are fixed, so that the same project is the same bytes.

QualCoder keys codes by their own names and a coding by its selection's user: a name that stands
under several parents is written with its full path, and each coder has a selection of her own.

Format: REFI-QDA 1.5 (https://www.qdasoftware.org), namespace urn:QDA-XML:project:1.0; elements in
the order of its schema. The archive is for the secure area: it holds everybody's words.
"""

from __future__ import annotations

import io
import re
import uuid
import zipfile
from collections import Counter
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree  # writes only; reading is by defusedxml

import pandas as pd

from evalweave.qualitative.attribution import speakers
from evalweave.qualitative.coders import UNLISTED_CODER
from evalweave.qualitative.hierarchy import JOIN
from evalweave.qualitative.project import Project
from evalweave.qualitative.raw import WHOLE
from evalweave.qualitative.stand_ins import Texts, texts_of

NAMESPACE = "urn:QDA-XML:project:1.0"
ROOT = uuid.uuid5(uuid.NAMESPACE_URL, "urn:evalweave:coded-project")
MADE = "2000-01-01T00:00:00Z"
DAY = (2000, 1, 1, 0, 0, 0)
OF_SOURCE = ("kind", "phase", "date", "shared")
NO_TEXT = "The text of this source is not in the project: what was marked in it stands in for it."
NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
BOOK = "CodeBook"
Element = ElementTree.Element
sub = ElementTree.SubElement


def guid(*parts: object) -> str:
    """Return the GUID of what `parts` name."""
    return str(uuid.uuid5(ROOT, "\0".join(str(part) for part in parts)))


def qdpx(project: Project, title: str = "evalweave", stance_prefix: str = "claim") -> bytes:
    """Return the archive's bytes."""
    written = texts_of(project)
    document = _document(project, written, title, stance_prefix)
    files = {"project.qde": document}
    files |= {
        f"sources/{guid('text', name)}.txt": text.encode() for name, text in written.texts.items()
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, date_time=DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # as on Unix, wherever this runs
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def _document(project: Project, written: Texts, title: str, prefix: str) -> bytes:
    root = Element(
        "Project",
        {"xmlns": NAMESPACE, "name": title, "origin": "evalweave", "creationDateTime": MADE},
    )
    users = sub(root, "Users")
    coders = {*project.codings["coder_id"], *project.stances["coder_id"]}
    for coder in sorted(coders):
        if not coder.startswith(UNLISTED_CODER):
            sub(users, "User", guid=guid("user", coder), name=coder)
    stances = project.stances.assign(
        code_id=prefix + JOIN + project.stances["claim_id"] + JOIN + project.stances["stance"]
    )
    _code_book(root, project, sorted(set(stances["code_id"])))
    attributes = [n for n in project.participants if n != "participant_id"]
    variables = sub(root, "Variables")
    for name in dict.fromkeys([*attributes, *OF_SOURCE]):
        sub(variables, "Variable", guid=guid("variable", name), name=name, typeOfVariable="Text")
    rows = pd.concat([project.codings, stances])[["segment_id", "code_id", "coder_id"]]
    given = dict(list(rows.groupby("segment_id")))
    selections = {
        segment: [key for key, *_ in _coded(segment, given)] for segment in written.places
    }
    _cases(root, project, attributes, selections, written.lined)
    _sources(root, project, written, given)
    for part in [part for part in root if not len(part) or (part.tag == BOOK and not len(part[0]))]:
        root.remove(part)  # the schema wants none rather than an empty one
    _printable(root)
    ElementTree.indent(root, " ")
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _code_book(root: Element, project: Project, stance_codes: list[str]) -> None:
    book = sub(sub(root, BOOK), "Codes")
    elements = {"": book}
    known = project.codes.set_index("code_id").fillna({"codable": True})
    alone = _alone([*known.index, *stance_codes])
    for path in [*known.index, *stance_codes]:
        levels = path.split(JOIN)
        for depth in range(1, len(levels) + 1):
            code = JOIN.join(levels[:depth])
            if code in elements:
                continue
            parent = elements[JOIN.join(levels[: depth - 1])]
            listed = code in known.index
            codable = bool(known.loc[code, "codable"]) if listed else code in stance_codes
            codable = codable or parent.get("isCodable") == "true"  # QualCoder: a code's are codes
            name = levels[depth - 1] if levels[depth - 1] in alone else code
            element = sub(
                parent, "Code", guid=guid("code", code), name=name, isCodable=str(codable).lower()
            )
            if listed and not pd.isna(known.loc[code, "description"]):
                sub(element, "Description").text = str(known.loc[code, "description"])
            elements[code] = element


def _alone(codes: list[str]) -> set[str]:
    """Return the names that only one code has, among these and everything above them."""
    paths = {tuple(code.split(JOIN)[:n]) for code in codes for n in range(1, code.count(JOIN) + 2)}
    times = Counter(path[-1] for path in paths)
    return {name for name, n in times.items() if n == 1}


def _printable(root: Element) -> None:
    """Put a box for every character that XML cannot hold."""
    for element in root.iter():
        for name, value in element.attrib.items():
            element.set(name, NO_XML.sub("□", value))
        if element.text:
            element.text = NO_XML.sub("□", element.text)


def _value(parent: Element, name: str, value: object) -> None:
    if pd.isna(value):
        return
    element = sub(parent, "VariableValue")
    sub(element, "VariableRef", targetGUID=guid("variable", name))
    text = str(value).lower() if isinstance(value, bool) else str(value)
    sub(element, "TextValue").text = text


def _cases(
    root: Element,
    project: Project,
    attributes: list[str],
    selections: Mapping[Any, list[str]],
    lined: frozenset[str],
) -> None:
    cases = sub(root, "Cases")
    of_lines = _speakers_of_lines(project, lined)
    links = dict(list(project.source_participants.groupby("participant_id")))
    for person in project.participants.to_dict("records"):
        who = str(person["participant_id"])
        case = sub(cases, "Case", guid=guid("case", who), name=who)
        for name in attributes:
            _value(case, str(name), person[name])
        mine = links.get(who, project.source_participants.head(0))
        whole = mine[mine["start"].isna() & mine["segment_id"].isna()]
        for source in sorted(set(whole["source_id"])):
            sub(case, "SourceRef", targetGUID=guid("source", source))
        spoken = [*mine["segment_id"].dropna(), *of_lines.get(who, ())]
        turns = mine[mine["start"].notna() & ~mine["source_id"].isin(lined)]
        marked = [key for segment in spoken for key in selections.get(segment, ())]
        said = [guid("turn", *_turn(row)) for row in turns.itertuples(index=False)]
        for key in dict.fromkeys([*marked, *said]):
            sub(case, "SelectionRef", targetGUID=key)


def _speakers_of_lines(project: Project, lined: frozenset[str]) -> dict[str, list[str]]:
    """Return participant_id → segments that are theirs, in sources where turns have no place any
    more."""
    links = project.source_participants
    turned = set(links.loc[links["start"].notna(), "source_id"]) & lined
    if not turned:
        return {}
    spoken = speakers(project).merge(project.segments[["segment_id", "source_id"]])
    spoken = spoken[spoken["source_id"].isin(turned)]
    return spoken.groupby("participant_id")["segment_id"].agg(list).to_dict()


def _turn(row: Any) -> tuple[str, int, int, str]:
    return str(row.source_id), int(row.start), int(row.end), str(row.participant_id)


def _sources(
    root: Element,
    project: Project,
    written: Texts,
    given: Mapping[Any, pd.DataFrame],
) -> None:
    sources = sub(root, "Sources")
    links, places = project.source_participants, written.places
    turns = links[links["start"].notna() & ~links["source_id"].isin(written.lined)]
    segments = dict(list(project.segments.groupby("source_id")))
    for row in project.sources.to_dict("records"):
        source = row["source_id"]
        element = sub(
            sources,
            "TextSource",
            guid=guid("source", source),
            name=written.names[source],
            plainTextPath=f"internal://{guid('text', source)}.txt",
            creationDateTime=MADE,
        )
        if source not in project.texts:
            sub(element, "Description").text = NO_TEXT
        for turn in turns[turns["source_id"] == source].itertuples(index=False):
            _selection(element, guid("turn", *_turn(turn)), (int(turn.start), int(turn.end)))
        for segment in segments.get(source, project.segments.head(0)).itertuples(index=False):
            if segment.segment_id not in places and str(segment.place) != WHOLE:
                continue
            for key, coder, codes in _coded(segment.segment_id, given):
                by = {"creatingUser": guid("user", coder), "creationDateTime": MADE}
                holder = element  # of what is coded as a whole
                if segment.segment_id in places:
                    holder = _selection(element, key, places[segment.segment_id])
                    holder.attrib |= by if codes else {}
                for code in codes:
                    coding = guid("coding", segment.segment_id, code, coder)
                    made = sub(holder, "Coding", {"guid": coding, **by})
                    sub(made, "CodeRef", targetGUID=guid("code", code))
        for name in OF_SOURCE:
            value = row[name]
            _value(
                element, name, str(value)[:10] if name == "date" and not pd.isna(value) else value
            )


def _coded(segment: str, given: Mapping[Any, pd.DataFrame]) -> list[tuple[str, str, list[str]]]:
    """Return a selection's GUID, coder and codes for each coder of a segment; one without a coder
    where it has no coding."""
    codings = given.get(segment)
    if codings is None:
        return [(guid("segment", segment), "", [])]
    return [
        (guid("segment", segment, coder), str(coder), list(rows["code_id"]))
        for coder, rows in codings.groupby("coder_id")
    ]


def _selection(parent: Element, key: str, place: tuple[int, int]) -> Element:
    return sub(
        parent,
        "PlainTextSelection",
        guid=key,
        startPosition=str(place[0]),
        endPosition=str(place[1]),
        creationDateTime=MADE,
    )
