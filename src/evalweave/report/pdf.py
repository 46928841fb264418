"""The report as a tagged PDF (PDF/UA-1), from the same blocks as the page, set by Typst."""

from __future__ import annotations

import re
from typing import Any

from evalweave.files import packaged
from evalweave.report import typeset
from evalweave.report.blocks import (
    Checks,
    Code,
    Details,
    Facts,
    Figure,
    Formula,
    Heading,
    Joint,
    JointRow,
    Line,
    Listing,
    Prose,
    Quote,
    Quotes,
    Sheet,
    Table,
    Text,
    begin_pages,
    plain,
)
from evalweave.report.data import ReportData
from evalweave.report.documents import SUPPLEMENT, Document, warned
from evalweave.report.typeset import image, ratio, string

MANY = 8  # columns, from which a table is set smaller
WRAPPED = 16  # characters, beyond which words in a table of many columns go on below
PAGE = "#pagebreak(weak: true)"


def document(data: ReportData, one: Document) -> bytes:
    """Return the PDF of one document; differences stand in the first unit of the page.

    Raises:
        typst.TypstError: what cannot be set.
    """
    drawings: dict[str, bytes] = {}
    return typeset.pdf(_source(data, one, drawings), drawings)


def _source(data: ReportData, one: Document, drawings: dict[str, bytes]) -> str:
    about = data.study.study
    title = f"{one.subtitle}: {about.title}" if one.subtitle else about.title
    question = "" if one.subtitle else data.study.report.question or ""
    prefix = "S" if one.name == SUPPLEMENT else ""
    head = [
        packaged("evalweave.report", "templates/report.typ"),
        f"#show: report.with(title: {string(title)}, question: {string(question)}, "
        f"authors: {string(', '.join(about.names))}, warning: {string(warned(data))}, "
        f"prefix: {string(prefix)})",
    ]
    parts = []
    for section in one.sections:
        begins = begin_pages(section.blocks)
        parts += [PAGE] if begins[:1] == [True] else []
        parts.append(f"#heading(level: 1, {string(section.title)})")
        level = 2  # of what is opened on a click: below a heading of the section where it has one
        for number, block in enumerate(section.blocks):
            level = 3 if isinstance(block, Heading) else level
            parts += [PAGE] if number and begins[number] else []
            parts.append(_block(block, drawings, level))
    return "\n".join((*head, *parts))


def _block(block: Any, drawings: dict[str, bytes], level: int = 3) -> str:
    match block:
        case Heading():
            return f"#heading(level: 2, {string(block.text)})"
        case Prose():
            return f"#prose({string(block.text)}, kind: {string(block.kind)})"
        case Facts():
            items = (f"({string(value)}, {string(what)})" for value, what in block.items)
            return f"#facts(({', '.join(items)},))"
        case Listing():
            return f"#list({', '.join(f'[#{string(item)}]' for item in block.items)})"
        case Code():
            return f"#raw({string(block.text)}, block: true)"
        case Formula():
            return f'#prose({string(block.text)}, kind: "formula")'
        case Figure():
            return _figure(block, drawings)
        case Table():
            return _table(block)
        case Checks():
            rows = tuple(Line((check.question, check.verdict, check.why)) for check in block.items)
            head = ("Check", "Verdict", "Why")
            return _rows(block.caption, head, (False,) * 3, rows, (), "1.3fr, auto, 3fr")
        case Joint():
            return _joint(block, drawings)
        case Sheet():
            return _sheet(block.row, drawings)
        case Quotes():
            return "\n".join(map(_quote, block.items))
        case Details():
            inside = "\n".join(_block(inner, drawings) for inner in block.blocks)
            return f"#heading(level: {level}, {string(block.summary)})\n{inside}"
    raise TypeError(f"no way to set a {type(block).__name__}")


def _figure(figure: Figure, drawings: dict[str, bytes]) -> str:
    svg = figure.drawings[0].svg
    tall = ratio(svg) > 1.2
    size = "auto, height: 200mm" if tall else "100%" if figure.wide else "128mm"
    picture = image(svg, figure.description, drawings, size)
    caption = string(f"{figure.title}. {plain(figure.caption)}")
    return f"#figure({picture}, caption: {caption}, alt: {string(figure.description)})"


def _table(block: Table) -> str:
    headers = tuple(f"{plain(c.header)}\n{plain(c.unit)}".strip() for c in block.columns)
    return _rows(
        block.caption, headers, tuple(c.number for c in block.columns), block.lines, block.notes
    )


def _rows(
    caption: Text,
    headers: tuple[Text, ...],
    numbers: tuple[bool, ...],
    lines: tuple[Line, ...],
    notes: tuple[Text, ...],
    widths: str = "",
) -> str:
    cells = []
    for line in lines:
        if line.group or len(line.cells) == 1:
            cells.append(f"table.cell(colspan: {len(headers)}, strong({string(line.cells[0])}))")
            continue
        first = f"[#h({1 if line.depth else 0}em)#{string(line.cells[0])}]"
        cells += [first, *(f"[#{string(cell)}]" for cell in line.cells[1:])]
    align = ", ".join("right" if number else "left" for number in numbers)
    head = ", ".join(f"[#{string(header)}]" for header in headers)
    body = ",\n  ".join(cells)
    said = "".join(f'\n#prose({string(note)}, kind: "note")' for note in notes)
    if small := len(headers) >= MANY and not widths:
        widths = _shares(headers, numbers, [line.cells for line in lines if not line.group])
    return (
        f"#listed({string(caption)}, ({align},), ({head},), small: "
        f"{str(small).lower()}, widths: ({widths}),\n  {body})" + said
    )


def _shares(
    headers: tuple[Text, ...], numbers: tuple[bool, ...], cells: list[tuple[Text, ...]]
) -> str:
    """Return the columns' shares of the line, so that no word reaches into the next column: what
    its longest word needs (of the bold header a third more), of a number all of it, of words a
    little more."""
    shares = []
    for place, (header, number) in enumerate(zip(headers, numbers, strict=True)):
        below = [plain(line[place]) for line in cells if len(line) == len(headers)]
        longest = max(map(len, below), default=0)
        words = max(1.35 * _longest_word([plain(header)]), _longest_word(below))
        share = max(words, longest if number else min(longest, WRAPPED), 1)
        shares.append(f"{share + 1:g}fr")
    return ", ".join(shares)


def _longest_word(texts: list[str]) -> int:
    """Return the length of the longest piece that a line cannot break."""
    return max((len(word) for said in texts for word in re.split(r"[\s-]+", said)), default=0)


def _quote(quote: Quote) -> str:
    stance = f", {quote.stance}" if quote.stance else ""
    return (
        f"#said({string(f'“{quote.words}”')}, {string(f'{quote.speaker}{stance} ({quote.path})')})"
    )


def _joint(block: Joint, drawings: dict[str, bytes]) -> str:
    cells = ",\n  ".join(cell for row in block.rows for cell in _claim(row, drawings))
    head = ", ".join(f"[#{string(h)}]" for h in ("Claim", "The numbers", "The voices", "Together"))
    notes = "".join(f'\n#prose({string(note)}, kind: "note")' for note in block.notes)
    return (
        f"#listed({string(block.caption)}, (left,) * 4, ({head},), small: true, "
        f"widths: (1fr, 0.9fr, 1.3fr, 1fr),\n  {cells}){notes}"
    )


def _sheet(row: JointRow, drawings: dict[str, bytes]) -> str:
    about = f"{row.theme}. {plain(row.expectation)}"
    strip = image(row.strip, plain(row.numbers), drawings, "90mm") if row.strip else "[]"
    together = [f"#strong({string(f'Together: {row.label}')})", f"#quiet({string(row.label_note)})"]
    if row.analyst:
        together.append(f"#emph({string(row.analyst)}) #quiet({string(row.analyst_by)})")
    together.append(f"#emph({string(row.meta)}) #quiet({string(row.meta_by)})")
    return "\n\n".join(
        (
            f"#heading(level: 3, {string(row.proposition)})",
            f"#quiet({string(about)})",
            f"#{strip}",
            f"#strong({string(row.numbers)})",
            *(f"#prose({string(line)})" for line in (row.quantitative, *row.voices)),
            *map(_quote, row.quotes),
            *together,
        )
    )


def _claim(row: JointRow, drawings: dict[str, bytes]) -> tuple[str, ...]:
    claim = f"[#quiet({string(row.theme)})#parbreak()#strong({string(row.proposition)})]"
    strip = f"#{image(row.strip, plain(row.numbers), drawings)}" if row.strip else ""
    numbers = f"[{strip}#strong({string(row.numbers)})#parbreak()#{string(row.quantitative)}]"
    said = "".join(f"#{string(line)}#parbreak()" for line in row.voices)
    voices = f"[{said}{''.join(map(_quote, row.quotes))}]"
    own = f"#parbreak()#emph({string(row.analyst)}) #quiet({string(row.analyst_by)})"
    meta = f"#parbreak()#emph({string(row.meta)}) #quiet({string(row.meta_by)})"
    together = f"[#strong({string(row.label)})#parbreak()#quiet({string(row.label_note)})"
    return claim, numbers, voices, f"{together}{own if row.analyst else ''}{meta}]"
