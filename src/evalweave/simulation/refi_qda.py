"""Writes a coded project as REFI-QDA 1.5 (`.qdpx`), as the programs do: one XML document and a
folder of texts.

GUIDs are UUIDs of version 5 over what they name and the zip's dates are fixed, so that the same
project is the same bytes. Format: https://www.qdasoftware.org (urn:QDA-XML:project:1.0).
"""

from __future__ import annotations

import io
import struct
import uuid
import zipfile
import zlib
from xml.etree import ElementTree

import pandas as pd

from evalweave.simulation.coded_project import CODERS, Source, code_book
from evalweave.simulation.fieldwork import PHOTOS
from evalweave.simulation.utterances import CLASSED

NAMESPACE = "urn:QDA-XML:project:1.0"
ROOT = uuid.uuid5(uuid.NAMESPACE_URL, "urn:evalweave:simulated-project")
MADE = "2020-08-31T12:00:00Z"
ATTRIBUTES = (
    "role",
    "age_band",
    "gender",
    "ethnicity",
    "employment",
    "provider",
    "months_in_programme",
    "consent_quote",
)
PHOTO_CODE = f"{CLASSED} > precarity > housing"
VALUE_OF = {"Text": "TextValue", "Float": "FloatValue", "Boolean": "BooleanValue"}


def guid(*parts: object) -> str:
    """Return the GUID of what `parts` name."""
    return str(uuid.uuid5(ROOT, "/".join(str(part) for part in parts)))


def qdpx(sources: list[Source], participants: pd.DataFrame, title: str) -> bytes:
    """Return the archive's bytes. `participants` as `tables.PARTICIPANTS`; they become cases with
    attributes."""
    files = {"project.qde": _document(sources, participants, title)}
    for source in sources:
        files[f"sources/{guid('text', source.planned.name)}.txt"] = source.text.encode()
    files |= {f"sources/{guid('picture', name)}.png": _png() for name in PHOTOS}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, date_time=(2020, 8, 31, 12, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # as on Unix, wherever this runs
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def _document(sources: list[Source], participants: pd.DataFrame, title: str) -> bytes:
    project = ElementTree.Element(
        "Project",
        {
            "xmlns": NAMESPACE,
            "name": title,
            "origin": "evalweave simulation",
            "creatingUserGUID": guid("user", CODERS[0]),
            "creationDateTime": MADE,
        },
    )
    users = ElementTree.SubElement(project, "Users")
    for coder in CODERS:
        ElementTree.SubElement(users, "User", guid=guid("user", coder), name=coder)
    _add_code_book(project)
    _add_cases(project, sources, participants)
    texts = ElementTree.SubElement(project, "Sources")
    for source in sources:
        _add_source(texts, source)
    for name in PHOTOS:
        _add_photo(texts, name)
    ElementTree.SubElement(
        project, "Description"
    ).text = "Simulated: all people, words and codings are invented."
    ElementTree.indent(project, " ")
    return ElementTree.tostring(project, encoding="utf-8", xml_declaration=True) + b"\n"


def _add_code_book(project: ElementTree.Element) -> None:
    codes = ElementTree.SubElement(ElementTree.SubElement(project, "CodeBook"), "Codes")
    elements = {"": codes}
    for path in code_book():
        parent, _, name = path.rpartition(" > ")
        top = not parent and not name.startswith("claim::")
        elements[path] = ElementTree.SubElement(
            elements[parent],
            "Code",
            guid=guid("code", path),
            name=name,
            isCodable="false" if top else "true",
        )


def _add_cases(
    project: ElementTree.Element, sources: list[Source], participants: pd.DataFrame
) -> None:
    variables = ElementTree.SubElement(project, "Variables")
    kinds = {"months_in_programme": "Float", "consent_quote": "Boolean"}
    for name in ATTRIBUTES:
        ElementTree.SubElement(
            variables,
            "Variable",
            guid=guid("variable", name),
            name=name,
            typeOfVariable=kinds.get(name, "Text"),
        )
    cases = ElementTree.SubElement(project, "Cases")
    for person in participants.to_dict("records"):
        who = str(person["participant_id"])
        case = ElementTree.SubElement(cases, "Case", guid=guid("case", who), name=who)
        for name in ATTRIBUTES:
            if pd.isna(person[name]):
                continue
            value = ElementTree.SubElement(case, "VariableValue")
            ElementTree.SubElement(value, "VariableRef", targetGUID=guid("variable", name))
            text = str(person[name]).lower() if name == "consent_quote" else str(person[name])
            ElementTree.SubElement(value, VALUE_OF[kinds.get(name, "Text")]).text = text
        for source in sources:
            if source.planned.speakers == (who,):
                ElementTree.SubElement(
                    case, "SourceRef", targetGUID=guid("source", source.planned.name)
                )
        for photo in (name for name, (owner, _, _) in PHOTOS.items() if owner == who):
            ElementTree.SubElement(case, "SourceRef", targetGUID=guid("source", photo))
        for source in sources:
            for speaker, start, end in source.turns:
                if speaker == who:
                    target = guid("turn", source.planned.name, start, end)
                    ElementTree.SubElement(case, "SelectionRef", targetGUID=target)


def _add_photo(sources: ElementTree.Element, name: str) -> None:
    """Add a picture with one coded region."""
    _, day, region = PHOTOS[name]
    made = f"{day.isoformat()}T12:00:00Z"
    picture = ElementTree.SubElement(
        sources,
        "PictureSource",
        guid=guid("source", name),
        name=name,
        path=f"internal://{guid('picture', name)}.png",
        creatingUser=guid("user", CODERS[0]),
        creationDateTime=made,
    )
    ends = ("firstX", "firstY", "secondX", "secondY")
    marked = ElementTree.SubElement(
        picture,
        "PictureSelection",
        {
            "guid": guid("selection", name),
            **{end: str(n) for end, n in zip(ends, region, strict=True)},
            "creatingUser": guid("user", CODERS[0]),
            "creationDateTime": made,
        },
    )
    coding = ElementTree.SubElement(
        marked,
        "Coding",
        guid=guid("coding", name),
        creatingUser=guid("user", CODERS[0]),
        creationDateTime=made,
    )
    ElementTree.SubElement(coding, "CodeRef", targetGUID=guid("code", PHOTO_CODE))


def _png(width: int = 240, height: int = 180) -> bytes:
    """Return a plain grey picture: what is on the photo is nobody's."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    rows = (b"\0" + b"\x99" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


def _add_source(texts: ElementTree.Element, source: Source) -> None:
    name, made = source.planned.name, f"{source.planned.date.isoformat()}T12:00:00Z"
    element = ElementTree.SubElement(
        texts,
        "TextSource",
        guid=guid("source", name),
        name=name,
        plainTextPath=f"internal://{guid('text', name)}.txt",
        creatingUser=guid("user", CODERS[0]),
        creationDateTime=made,
    )

    def add(key: str, start: int, end: int, coder: str) -> ElementTree.Element:
        return ElementTree.SubElement(
            element,
            "PlainTextSelection",
            guid=guid(key, name, start, end),
            name=source.text[start:end],
            startPosition=str(start),
            endPosition=str(end),
            creatingUser=guid("user", coder),
            creationDateTime=MADE,
        )

    for _, start, end in source.turns:
        add("turn", start, end, CODERS[0])
    for selection in source.selections:
        marked = add("selection", selection.start, selection.end, selection.codings[0][1])
        for code, coder in selection.codings:
            coding = ElementTree.SubElement(
                marked,
                "Coding",
                guid=guid("coding", name, selection.start, selection.end, code, coder),
                creatingUser=guid("user", coder),
                creationDateTime=MADE,
            )
            ElementTree.SubElement(coding, "CodeRef", targetGUID=guid("code", code))
