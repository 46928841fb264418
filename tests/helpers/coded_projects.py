"""One small coded project, written in every format, so that tests can compare what readers make of
it.

Everybody and everything said is invented. Positions are code points of the LF text until a writer
counts otherwise.
"""

from __future__ import annotations

import csv
import sqlite3
import zipfile
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from evalweave.study.qualitative import Qualitative

TEXTS = {
    "C01_interview": "I: How was it?\nC01: She came along 🙂 to the class with me.\nC01: Money was "
    "short, so short.\n",
    "C02_interview": "I: How was it?\nC02: A leaflet, that was all.\nC02: My numbers came down a "
    "bit.\n",
    "FG1": "LW1: We chase targets all week.\nLW2: Señora López – she knows us.\nLW1: Nobody can go "
    "along.\n",
    "FN1": "Office note.\nThe board shows targets met.\n",
}
CODES = (
    "support",
    "support > accompanied",
    "support > practical",
    "targets",
    "claim > deprivation > supports",
    "claim > deprivation > contradicts",
)
# source, quote, codes, coder
MARKS = (
    ("C01_interview", "She came along 🙂 to the class with me.", ("support > accompanied",), "zoe"),
    (
        "C01_interview",
        "She came along 🙂 to the class with me.",
        ("support > accompanied",),
        "adam",
    ),
    (
        "C01_interview",
        "Money was short",
        ("support > practical", "claim > deprivation > supports"),
        "zoe",
    ),
    ("C02_interview", "A leaflet, that was all.", ("support > practical",), "zoe"),
    (
        "C02_interview",
        "My numbers came down a bit.",
        ("claim > deprivation > contradicts",),
        "adam",
    ),
    ("FG1", "We chase targets all week.", ("targets",), "zoe"),
    ("FG1", "Nobody can go along.", ("support > accompanied", "targets"), "adam"),
    ("FN1", "The board shows targets met.", ("targets",), "zoe"),
)
TURNS = {
    "C01": [("C01_interview", None)],
    "C02": [("C02_interview", None)],
    "LW1": [("FG1", "LW1: We chase targets all week."), ("FG1", "LW1: Nobody can go along.")],
    "LW2": [("FG1", "LW2: Señora López – she knows us.")],
}
PARTICIPANTS = (
    "participant_id,role,gender\nC01,client,female\nC02,client,male\nLW1,link "
    "worker,\nLW2,link worker,\n"
)
SOURCES = (
    "source,kind,phase,date\nC01_interview,initial_interview,1,2019-02-01\n"
    "C02_interview,initial_interview,1,\nFG1,focus_group,1,\nFN1,field_note,2,\n"
)
THEMES = (
    "theme_id,label,definition,code,descendants\nhelp,Help,,support,yes\nwork,Work,,targets,yes\n"
)
MAP = "source,participant,start,end\nC01_interview,C01,,\nC02_interview,C02,,\n"


def span(source: str, quote: str) -> tuple[int, int]:
    start = TEXTS[source].index(quote)
    return start, start + len(quote)


def turns_as_map() -> str:
    """The links as a map, focus-group turns by position."""
    rows = [MAP.rstrip("\n")]
    for who in ("LW1", "LW2"):
        for source, turn in TURNS[who]:
            start, end = span(source, turn)
            rows.append(f"{source},{who},{start},{end}")
    return "\n".join(rows) + "\n"


@dataclass(frozen=True)
class Style:
    """How a program bends REFI-QDA."""

    newline: str = "lf"
    unit: str = "code_point"
    bom: bool = False
    count_bom: bool = False
    quotes: bool = True
    inclusive: bool = False
    qde: str = "project.qde"
    folder: str = "sources"
    upper: bool = False  # GUIDs in capitals and braces where they are referred to
    prefix: str = "g"  # GUIDs are reissued on every export
    nested: str = "nested"  # nested | dotted | colons
    links: str = "selection"  # selection | coding | source_only | variable | none
    extra: str = ""  # XML put into <Sources>


def counted(source: str, position: int, style: Style) -> int:
    """A position as a program with this style would write it."""
    before = TEXTS[source][:position]
    n = len(before.encode("utf-16-le")) // 2 if style.unit == "utf16" else len(before)
    return n + before.count("\n") * (style.newline == "crlf") + (style.bom and style.count_bom)


def qde(style: Style = Style()) -> str:
    """The project's XML."""

    def guid(name: str) -> str:
        return f"{style.prefix}-{name}".replace(" > ", "-").replace(" ", "_")

    def ref(name: str) -> str:
        return "{" + guid(name).upper() + "}" if style.upper else guid(name)

    def code_book() -> str:
        if style.nested != "nested":
            mark = "." if style.nested == "dotted" else "::"
            return "".join(
                f'<Code guid="{guid(c)}" name="{c.replace(" > ", mark)}" isCodable="true"/>'
                for c in CODES
            )
        inner = {
            c: f'<Code guid="{guid(c)}" name="{c.split(" > ")[-1]}" isCodable="true"' for c in CODES
        }
        stances = "".join(inner[c] + "/>" for c in CODES if c.startswith("claim"))
        return (
            f"{inner['support']}>{inner['support > accompanied']}/>{inner['support > practical']}/>"
            f"</Code>{inner['targets']}/>"
            '<Code guid="x1" name="claim" isCodable="false"><Code guid="x2" '
            f'name="deprivation">{stances}</Code></Code>'
        )

    def selection(name: str, source: str, quote: str, inner: str, user: str = "zoe") -> str:
        start, end = span(source, quote)
        end -= style.inclusive
        shown = quoteattr(quote) if style.quotes else '""'
        return (
            f'<PlainTextSelection guid="{guid(name)}" name={shown} '
            f'startPosition="{counted(source, start, style)}" '
            f'endPosition="{counted(source, end, style)}" '
            f'creatingUser="{ref(user)}">{inner}</PlainTextSelection>'
        )

    parts: dict[str, list[str]] = {name: [] for name in TEXTS}
    for number, (source, quote, codes, coder) in enumerate(MARKS):
        inner = "".join(
            f'<Coding creatingUser="{ref(coder)}" '
            f'creationDateTime="2020-01-0{1 + (coder == "zoe")}T00:00:00Z">'
            f'<CodeRef targetGUID="{ref(code)}"/></Coding>'
            for code in codes
        )
        parts[source].append(selection(f"sel{number}", source, quote, inner, coder))
    cases = ""
    for who, turns in TURNS.items():
        inner = ""
        for number, (source, turn) in enumerate(turns):
            if turn is None or style.links == "source_only":
                inner += (
                    f'<SourceRef targetGUID="{ref(source)}"/>'
                    if style.links in ("selection", "source_only")
                    else ""
                )
                if style.links == "coding":
                    whole = TEXTS[source].rstrip("\n")
                    parts[source].append(
                        selection(
                            f"turn{who}{number}",
                            source,
                            whole,
                            f'<Coding><CodeRef targetGUID="{ref(who)}"/></Coding>',
                        )
                    )
                if style.links == "variable":
                    parts[source].append(
                        "<VariableValue><VariableRef "
                        f'targetGUID="{ref("v")}"/><TextValue>{who}</TextValue></VariableValue>'
                    )
            elif style.links == "selection":
                parts[source].append(selection(f"turn{who}{number}", source, turn, ""))
                inner += f'<SelectionRef targetGUID="{ref(f"turn{who}{number}")}"/>'
            elif style.links == "coding":
                parts[source].append(
                    selection(
                        f"turn{who}{number}",
                        source,
                        turn,
                        f'<Coding><CodeRef targetGUID="{ref(who)}"/></Coding>',
                    )
                )
        cases += f'<Case guid="{guid(who)}" name="{who}">{inner}</Case>'
    texts = "".join(
        f'<TextSource guid="{guid(name)}" name="{name}.txt" plainTextPath="internal://{guid(name)}.txt">{"".join(part)}</TextSource>'
        for name, part in parts.items()
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><Project name="p" origin="Test 1" '
        'xmlns="urn:QDA-XML:project:1.0">'
        f'<Users><User guid="{guid("zoe")}" name="Zoe Q"/><User guid="{guid("adam")}" name="Adam '
        'P"/></Users>'
        f"<CodeBook><Codes>{code_book()}</Codes></CodeBook>"
        f'<Variables><Variable guid="{guid("v")}" name="Participant" '
        'typeOfVariable="Text"/></Variables>'
        f"<Cases>{cases}</Cases><Sources>{texts}{style.extra}</Sources></Project>"
    )


def write_qdpx(path: Path, style: Style = Style(), **members: bytes) -> Path:
    """Write the project as .qdpx; further `members` go into the archive as they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(style.qde, qde(style))
        for name, text in TEXTS.items():
            text = text.replace("\n", "\r\n") if style.newline == "crlf" else text
            mark = "\ufeff" if style.bom else ""
            archive.writestr(f"{style.folder}/{style.prefix}-{name}.txt", (mark + text).encode())
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def write_taguette(path: Path, coder: str | None = None) -> Path:
    """Write the project as Taguette's database: HTML, UTF-8 byte positions, dotted tags, no coders,
    no people."""
    with sqlite3.connect(path) as database:
        database.executescript(
            "CREATE TABLE projects (id INTEGER, name TEXT);"
            "CREATE TABLE documents (id INTEGER, name TEXT, contents TEXT);"
            "CREATE TABLE tags (id INTEGER, path TEXT, description TEXT);"
            "CREATE TABLE highlights (id INTEGER, document_id INTEGER, start_offset INTEGER, "
            "end_offset INTEGER, snippet TEXT);"
            "CREATE TABLE highlight_tags (highlight_id INTEGER, tag_id INTEGER);"
            "INSERT INTO projects VALUES (1, 'p');"
        )
        names = list(TEXTS)
        for number, text in enumerate(TEXTS.values()):
            html = "\n".join(f"<p>{line}</p>" for line in text.split("\n"))
            database.execute(
                "INSERT INTO documents VALUES (?, ?, ?)", (number, names[number], html)
            )
        for number, code in enumerate(CODES):
            database.execute(
                "INSERT INTO tags VALUES (?, ?, '')", (number, code.replace(" > ", "."))
            )
        for number, (source, quote, codes, who) in enumerate(MARKS):
            if coder not in (None, who):
                continue
            text, (start, end) = TEXTS[source], span(source, quote)
            row = (
                number,
                names.index(source),
                len(text[:start].encode()),
                len(text[:end].encode()),
                f"<p>{quote}</p>",
            )
            database.execute("INSERT INTO highlights VALUES (?, ?, ?, ?, ?)", row)
            for code in codes:
                database.execute(
                    "INSERT INTO highlight_tags VALUES (?, ?)", (number, CODES.index(code))
                )
    database.close()
    return path


def write_qualcoder(folder: Path, old: bool = False) -> Path:
    """Write the project as QualCoder's database; `old` lacks the columns that came later."""
    folder.mkdir()
    with sqlite3.connect(folder / "data.qda") as database:
        later = "" if old else ", supercid INTEGER"
        database.executescript(
            "CREATE TABLE project (databaseversion TEXT);"
            "CREATE TABLE source (id INTEGER, name TEXT, fulltext TEXT, mediapath TEXT);"
            f"CREATE TABLE code_name (cid INTEGER, name TEXT, memo TEXT, catid INTEGER{later});"
            "CREATE TABLE code_cat (catid INTEGER, name TEXT, supercatid INTEGER, memo TEXT);"
            "CREATE TABLE code_text (cid INTEGER, fid INTEGER, seltext TEXT, pos0 INTEGER, pos1 "
            "INTEGER, owner TEXT, date TEXT);"
            "CREATE TABLE cases (caseid INTEGER, name TEXT);"
            "CREATE TABLE case_text (caseid INTEGER, fid INTEGER, pos0 INTEGER, pos1 INTEGER);"
            "CREATE TABLE attribute (name TEXT, attr_type TEXT, value TEXT, id INTEGER);"
        )
        database.execute("INSERT INTO project VALUES (?)", ("v8" if old else "v17",))
        names = list(TEXTS)
        for number, (name, text) in enumerate(TEXTS.items()):
            database.execute(
                "INSERT INTO source VALUES (?, ?, ?, NULL)", (number, f"{name}.txt", text)
            )
        database.execute("INSERT INTO source VALUES (9, 'photo.jpg', NULL, 'images:photo.jpg')")
        for number, code in enumerate(CODES):
            row = (number, code.replace(" > ", "." if old else "::"), "", None) + (
                () if old else (None,)
            )
            database.execute(f"INSERT INTO code_name VALUES ({','.join('?' * len(row))})", row)
        for source, quote, codes, who in MARKS:
            for code in codes:
                row = (CODES.index(code), names.index(source), quote, *span(source, quote), who, "")
                database.execute("INSERT INTO code_text VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        for number, (who, turns) in enumerate(TURNS.items()):
            database.execute("INSERT INTO cases VALUES (?, ?)", (number, who))
            for source, turn in turns:
                start, end = span(source, turn) if turn else (0, len(TEXTS[source]) + 1)
                row = (number, names.index(source), start, end)
                database.execute("INSERT INTO case_text VALUES (?, ?, ?, ?)", row)
    database.close()
    return folder


def write_segments(path: Path) -> Path:
    """Write the project as coded segments with the names of some other program."""
    owner = {source: who for who, turns in TURNS.items() for source, turn in turns if turn is None}
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["Document", "From", "To", "Passage", "Code", "By", "Speaker"])
        for source, quote, codes, who in MARKS:
            start, end = span(source, quote)
            person = owner.get(source, "LW1" if source == "FG1" else "")
            for code in codes:
                rows.writerow([source, start, end, quote, code, who, person])
    return path


SEGMENT_COLUMNS = {
    "source": "Document",
    "start": "From",
    "end": "To",
    "quote": "Passage",
    "code": "Code",
    "coder": "By",
    "participant": "Speaker",
}


def beside(folder: Path, project: Path, format_: str, **more: object) -> Qualitative:
    """Write the tables beside the project and return the settings that name them."""
    for name, text in (("participants", PARTICIPANTS), ("sources", SOURCES), ("themes", THEMES)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    settings = {
        "project": str(project),
        "format": format_,
        "participants": str(folder / "participants.csv"),
        "sources": str(folder / "sources.csv"),
        "themes": str(folder / "themes.csv"),
        "attributes": ["gender"],
    }
    return Qualitative.model_validate(settings | more)
