"""Readers of Taguette: its SQLite database, and the highlights that it exports as CSV or XLSX.

Positions are UTF-8 bytes of the document's text (HTML without its tags). The export leaves untagged
highlights out; the database keeps them. Neither says who gave which tag, nor who speaks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalweave.qualitative.formats import SQLITE, TABLES
from evalweave.qualitative.raw import (
    Log,
    Raw,
    RawCode,
    RawCoding,
    RawSelection,
    RawSource,
    position,
)
from evalweave.reading import tables
from evalweave.reading.archives import Database, fault, html_text, must_exist

PLACE = ("id", "document_id", "start_offset", "end_offset")
HIGHLIGHT_COLUMNS = ("id", "document", "tag", "content")


def recognises(path: Path, start: bytes) -> bool:
    """As a database with highlights, or a table with the columns of exported highlights."""
    if start == SQLITE:
        with Database(path, "a coded project", ()) as database:
            return "highlights" in database.tables
    if path.suffix.lower() not in TABLES:
        return False
    grid = tables.read_grid(path, is_header=_is_header)
    return bool(grid.rows) and _is_header(grid.rows[0][1])


def _is_header(cells: list[str]) -> bool:
    return set(HIGHLIGHT_COLUMNS) <= {name.strip().lower() for name in cells}


def read(path: Path) -> Raw:
    """Read a Taguette database, or its highlights as CSV or XLSX."""
    must_exist(path)
    if path.suffix.lower() in (".csv", ".xlsx", ".tsv", ".txt"):
        return _highlights(path)
    with Database(
        path, "a Taguette database", ("documents", "tags", "highlights", "highlight_tags")
    ) as database:
        projects = database.rows("projects", ["id", "name"])
        documents = database.rows(
            "documents", ["id", "name", "contents"], needed=["id", "contents"]
        )
        tags = database.rows("tags", ["id", "path", "description"], needed=["id", "path"])
        highlights = database.rows("highlights", [*PLACE, "snippet"], needed=PLACE)
        pairs = database.rows(
            "highlight_tags", ["highlight_id", "tag_id"], needed=["highlight_id", "tag_id"]
        )
    if len(projects) > 1:
        raise fault(
            path,
            f"{len(projects)} projects",
            "a database of one project",
            "Export the one you mean from Taguette as a SQLite file of its own.",
        )
    log = Log()
    documents_known = {document["id"] for document in documents}
    codings, dangling = _codings(pairs, {tag["id"] for tag in tags})
    placed = [h for h in highlights if h["document_id"] in documents_known]
    log.warn(
        "codings",
        "highlights of tags or documents that do not exist (dangling) were set aside",
        dangling + len(highlights) - len(placed),
    )
    log.note("coders", "Taguette does not record who gave a tag: all codings count as one coder's")
    return Raw(
        tool="Taguette",
        sources=tuple(
            RawSource(str(d["id"]), str(d["name"] or ""), html_text(str(d["contents"])))
            for d in documents
        ),
        codes=tuple(
            RawCode(str(t["id"]), (str(t["path"]),), True, str(t["description"] or ""))
            for t in tags
        ),
        selections=tuple(
            RawSelection(
                str(h["document_id"]),
                position(h["start_offset"]),
                position(h["end_offset"]),
                html_text(str(h["snippet"] or "")),
                tuple(codings.get(h["id"], ())),
                key=str(h["id"]),
            )
            for h in placed
        ),
        units=("utf8",),
        log=log,
    )


def _codings(
    pairs: list[dict[str, Any]], known_tags: set[Any]
) -> tuple[dict[Any, list[RawCoding]], int]:
    """Return each highlight's tags, and how many tags there are that the project does not have."""
    codings: dict[Any, list[RawCoding]] = {}
    for pair in sorted(pairs, key=lambda pair: (str(pair["highlight_id"]), str(pair["tag_id"]))):
        if pair["tag_id"] in known_tags:
            codings.setdefault(pair["highlight_id"], []).append(RawCoding(str(pair["tag_id"])))
    return codings, sum(pair["tag_id"] not in known_tags for pair in pairs)


def _highlights(path: Path) -> Raw:
    """Read `id,document,tag,content`: one row a highlight and tag."""
    table = tables.read(path, HIGHLIGHT_COLUMNS)
    log = Log()
    log.note("coders", "Taguette does not record who gave a tag: all codings count as one coder's")
    log.warn(
        "archive",
        "a highlights export holds neither texts nor positions, and lacks highlights without a "
        "tag: agreement "
        "by character and overlaps of codes cannot be computed; the SQLite file has them",
    )
    selections: dict[tuple[str, str], RawSelection] = {}
    for row in table.rows:
        key = (row["document"], row["id"])
        before = selections.get(key)
        codings = before.codings if before else ()
        if row["tag"]:
            codings = (*codings, RawCoding(row["tag"]))
        selections[key] = RawSelection(
            row["document"], None, None, row["content"], codings, key=row["id"]
        )
    return Raw(
        tool="Taguette highlights",
        sources=tuple(
            RawSource(name, name, None)
            for name in dict.fromkeys(row["document"] for row in table.rows)
        ),
        codes=tuple(
            RawCode(tag, (tag,)) for tag in dict.fromkeys(row["tag"] for row in table.rows) if tag
        ),
        selections=tuple(selections.values()),
        units=("utf8",),
        codebook_complete=False,
        log=log,
    )
