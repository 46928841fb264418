"""Reader of QualCoder: the folder `<project>.qda` or the `data.qda` in it (SQLite, schema versions
8 to 17).

Columns come and go between versions, so that they are looked up before they are read. `owner` is
the coder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalweave.qualitative.formats import SQLITE
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
        version = next(
            (row["databaseversion"] for row in database.rows("project", ["databaseversion"])), None
        )
        sources = database.rows(
            "source", ["id", "name", "fulltext", "mediapath"], needed=["id", "name", "fulltext"]
        )
        categories = database.rows("code_cat", ["catid", "name", "supercatid", "memo"])
        names = database.rows(
            "code_name", ["cid", "name", "memo", "catid", "supercid"], needed=["cid", "name"]
        )
        codings = database.rows(
            "code_text",
            ["cid", "fid", "seltext", "pos0", "pos1", "owner", "date"],
            needed=["cid", "fid", "pos0", "pos1"],
        )
        cases = database.rows("cases", ["caseid", "name"])
        turns = database.rows("case_text", ["caseid", "fid", "pos0", "pos1"])
        attributes = database.rows("attribute", ["name", "attr_type", "value", "id"])
        media = len(database.rows("code_image", ["imid"])) + len(database.rows("code_av", ["avid"]))
    digits = "".join(character for character in str(version or "") if character.isdecimal())
    if not digits or int(digits) not in TESTED:
        log.warn(
            "archive", "a QualCoder database of a version that was not tested (tested: 8 to 17)"
        )
    log.note("codings", "codings of pictures, audio and video are not counted", media)
    texts = [row for row in sources if row["fulltext"]]
    log.note(
        "sources",
        "sources without a text (pictures, audio, video) are not counted",
        len(sources) - len(texts),
    )
    known = {row["id"] for row in texts}
    codes = _codes(names, categories)
    of_file = _attributes(attributes, "file")
    of_case = _attributes(attributes, "case")
    links = [
        RawLink(
            str(row["fid"]),
            str(row["caseid"]),
            "case_selection",
            position(row["pos0"]),
            position(row["pos1"]),
        )
        for row in turns
        if row["fid"] in known and position(row["pos0"]) is not None
    ]
    links += [
        RawLink(key, value, "variable")
        for key, values in of_file.items()
        for name, value in values.items()
        if normal(name) in PERSON_VARIABLES
    ]
    known_codes = {code.key for code in codes}
    whole = [row for row in codings if row["fid"] in known and str(row["cid"]) in known_codes]
    log.warn(
        "codings",
        "codings of codes or sources that do not exist (dangling) were set aside",
        len(codings) - len(whole),
    )
    dangling = sum(row["fid"] not in known for row in turns)
    log.warn("people", "links of cases to sources that do not exist (dangling)", dangling)
    unplaced = sum(row["fid"] in known and position(row["pos0"]) is None for row in turns)
    log.warn("people", "links of cases to stretches that cannot be placed", unplaced)
    return Raw(
        tool=f"QualCoder (database {version or 'of unknown version'})",
        sources=tuple(
            RawSource(
                str(r["id"]), str(r["name"]), str(r["fulltext"]), of_file.get(str(r["id"]), {})
            )
            for r in texts
        ),
        codes=tuple(codes),
        selections=tuple(
            RawSelection(
                str(r["fid"]),
                position(r["pos0"]),
                position(r["pos1"]),
                str(r["seltext"] or ""),
                (RawCoding(str(r["cid"]), str(r["owner"] or ""), str(r["date"] or "")),),
            )
            for r in whole
        ),
        people=tuple(
            RawPerson(str(r["caseid"]), str(r["name"]).strip(), of_case.get(str(r["caseid"]), {}))
            for r in cases
        ),
        links=tuple(links),
        log=log,
    )


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

    found = [
        RawCode(f"category {r['catid']}", above(r["catid"]), False, str(r["memo"] or ""))
        for r in categories
    ]
    return found + [
        RawCode(str(r["cid"]), full(r["cid"]), True, str(r["memo"] or "")) for r in names
    ]


def _attributes(rows: list[dict[str, Any]], kind: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["attr_type"] == kind and str(row["value"] or "").strip():
            found.setdefault(str(row["id"]), {})[str(row["name"])] = str(row["value"]).strip()
    return found
