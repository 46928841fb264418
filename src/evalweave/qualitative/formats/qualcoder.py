"""Reader of QualCoder: the folder `<project>.qda` or the `data.qda` in it (SQLite, schema versions
8 to 17).

Columns come and go between versions, so that they are looked up before they are read. `owner` is
the coder. `case_text` links a case to a stretch: a whole file from 0 to its length, a medium from 0
to 0 (github.com/ccbogel/QualCoder, `case_file_manager.py`); `av_text_id` is a recording's
transcript.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalweave.qualitative.formats import SQLITE
from evalweave.qualitative.formats.refi_media import clock
from evalweave.qualitative.identity import PERSON_VARIABLES, normal
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
from evalweave.reading.archives import Database, must_exist

TESTED = range(8, 18)
IMAGE = ("x1", "y1", "width", "height", "pdf_page")


def recognises(path: Path, start: bytes) -> bool:
    """As a folder with data.qda, or a database with its table of coded text."""
    if path.is_dir():
        return (path / "data.qda").exists()
    if start != SQLITE:
        return False
    with Database(path, "a coded project", ()) as database:
        return "code_text" in database.tables


def read(path: Path) -> Raw:
    """Read a QualCoder project; raise `DataError` when its database is not one."""
    if path.is_dir():
        path = path / "data.qda"
    must_exist(path)
    log = Log()
    with Database(path, "a QualCoder database", ("source", "code_name", "code_text")) as database:
        held = _Held.of(database)
    digits = "".join(character for character in held.version if character.isdecimal())
    if not digits or int(digits) not in TESTED:
        log.warn(
            "archive", "a QualCoder database of a version that was not tested (tested: 8 to 17)"
        )
    codes = _codes(held.names, held.categories)
    of_file, of_case = _attributes(held.attributes, "file"), _attributes(held.attributes, "case")
    recording = {row["av_text_id"]: str(row["id"]) for row in held.sources if row["av_text_id"]}
    known, known_codes = {row["id"] for row in held.sources}, {code.key for code in codes}
    media = [_place(row) for row in held.images] + [_times(row) for row in held.recordings]
    codings = [row for row in held.codings + media if row["fid"] in known]
    whole = [row for row in codings if str(row["cid"]) in known_codes]
    log.warn(
        "codings",
        "codings of codes or sources that do not exist (dangling) were set aside",
        len(held.codings) + len(media) - len(whole),
    )
    return Raw(
        tool=f"QualCoder (database {held.version or 'of unknown version'})",
        sources=tuple(
            RawSource(
                str(row["id"]),
                str(row["name"]),
                str(row["fulltext"]) if row["fulltext"] else None,
                of_file.get(str(row["id"]), {}),
                _medium(row),
                part_of=recording.get(row["id"], ""),
            )
            for row in held.sources
        ),
        codes=tuple(codes),
        selections=tuple(_selection(row) for row in whole),
        people=tuple(
            RawPerson(
                str(row["caseid"]), str(row["name"]).strip(), of_case.get(str(row["caseid"]), {})
            )
            for row in held.cases
        ),
        links=tuple(_links(held, known, of_file, log)),
        log=log,
    )


@dataclass(frozen=True)
class _Held:
    """The rows of the tables that are read; columns that a version lacks are None."""

    version: str
    sources: list[dict[str, Any]]
    categories: list[dict[str, Any]]
    names: list[dict[str, Any]]
    codings: list[dict[str, Any]]
    images: list[dict[str, Any]]
    recordings: list[dict[str, Any]]
    cases: list[dict[str, Any]]
    turns: list[dict[str, Any]]
    attributes: list[dict[str, Any]]

    @classmethod
    def of(cls, database: Database) -> _Held:
        rows, text = database.rows, ["cid", "fid", "seltext", "pos0", "pos1", "owner", "date"]
        about = rows("project", ["databaseversion"])
        return cls(
            version=str(next((row["databaseversion"] for row in about), None) or ""),
            sources=rows(
                "source",
                ["id", "name", "fulltext", "mediapath", "av_text_id"],
                needed=["id", "name", "fulltext"],
            ),
            categories=rows("code_cat", ["catid", "name", "supercatid", "memo"]),
            names=rows(
                "code_name", ["cid", "name", "memo", "catid", "supercid"], needed=["cid", "name"]
            ),
            codings=rows("code_text", text, needed=["cid", "fid", "pos0", "pos1"]),
            images=rows("code_image", [*IMAGE, "id", "cid", "owner", "date"]),
            recordings=rows("code_av", ["id", "cid", "pos0", "pos1", "owner", "date"]),
            cases=rows("cases", ["caseid", "name"]),
            turns=rows("case_text", ["caseid", "fid", "pos0", "pos1"]),
            attributes=rows("attribute", ["name", "attr_type", "value", "id"]),
        )


def _medium(row: Mapping[str, Any]) -> str:
    """Return what a source is: QualCoder's media path begins with images, audio, video or docs."""
    kind = str(row["mediapath"] or "").lstrip("/").split(":")[0].split("/")[0].lower()
    if kind == "docs" and str(row["mediapath"]).lower().endswith(".pdf"):
        return "pdf"
    return {"images": "picture", "audio": "audio", "video": "video"}.get(kind, "text")


def _place(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a coding of a picture, or of a PDF's page, with its place in words."""
    page = f"page {int(row['pdf_page']) + 1}, " if row["pdf_page"] is not None else ""
    region = f"{page}region {row['x1']},{row['y1']}, {row['width']} by {row['height']}"
    return {**row, "fid": row["id"], "place": region}


def _times(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a coding of a recording with its place in words; positions are milliseconds."""
    times = f"{clock(str(row['pos0']))} to {clock(str(row['pos1']))}"
    return {**row, "fid": row["id"], "place": times}


def _selection(row: Mapping[str, Any]) -> RawSelection:
    place = row.get("place", "")
    return RawSelection(
        str(row["fid"]),
        None if place else position(row["pos0"]),
        None if place else position(row["pos1"]),
        str(row.get("seltext") or ""),
        (RawCoding(str(row["cid"]), str(row["owner"] or ""), str(row["date"] or "")),),
        place=place,
    )


def _links(
    held: _Held, known: set[Any], of_file: Mapping[str, Mapping[str, str]], log: Log
) -> list[RawLink]:
    """Return who speaks where: a case's stretches, and variables of sources.

    A medium is linked from 0 to 0, and so is a text that was still empty: as a whole.
    """
    media = {row["id"] for row in held.sources if not row["fulltext"]}
    links = []
    unplaced = 0
    for row in held.turns:
        start, end = position(row["pos0"]), position(row["pos1"])
        source, case = str(row["fid"]), str(row["caseid"])
        if row["fid"] in media or (row["fid"] in known and start == end == 0):
            links.append(RawLink(source, case, "case_source"))
        elif row["fid"] in known and start is not None:
            links.append(RawLink(source, case, "case_selection", start, end))
        else:
            unplaced += row["fid"] in known
    log.warn("people", "links of cases to stretches that cannot be placed", unplaced)
    dangling = sum(row["fid"] not in known for row in held.turns)
    log.warn("people", "links of cases to sources that do not exist (dangling)", dangling)
    return links + [
        RawLink(key, value, "variable")
        for key, values in of_file.items()
        for name, value in values.items()
        if normal(name) in PERSON_VARIABLES
    ]


def _codes(names: list[dict[str, Any]], categories: list[dict[str, Any]]) -> list[RawCode]:
    """Return categories (not codable) and codes with their full names; a circle of categories is
    cut."""
    category = {row["catid"]: row for row in categories}
    code = {row["cid"]: row for row in names}

    def above(catid: Any, seen: tuple[Any, ...] = ()) -> tuple[str, ...]:
        if catid not in category or catid in seen:
            return ()
        row = category[catid]
        return (*above(row["supercatid"], (*seen, catid)), str(row["name"]))

    def full(cid: Any, seen: tuple[Any, ...] = ()) -> tuple[str, ...]:
        row = code[cid]
        parent = row["supercid"]
        outer = (
            full(parent, (*seen, cid))
            if parent in code and parent not in seen
            else above(row["catid"])
        )
        return (*outer, str(row["name"]))

    headings = [
        RawCode(f"category {r['catid']}", above(r["catid"]), False, str(r["memo"] or ""))
        for r in categories
    ]
    return headings + [
        RawCode(str(r["cid"]), full(r["cid"]), True, str(r["memo"] or "")) for r in names
    ]


def _attributes(rows: list[dict[str, Any]], kind: str) -> dict[str, dict[str, str]]:
    values: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["attr_type"] == kind and str(row["value"] or "").strip():
            values.setdefault(str(row["id"]), {})[str(row["name"])] = str(row["value"]).strip()
    return values
