"""Numbered captions of a Word document (fields SEQ inside bookmarks), references to them (REF), and
tables of three lines.

The numbers stand in the fields as Word would compute them, so that they are right before anybody
updates a field. ECMA-376 part 1, 17.16.5.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt
from docx.table import _Cell

TABLE, FIGURE = "Table", "Figure"
THICK, THIN = "12", "4"  # lines, in eighths of a point
LINES = re.compile(r"[\n\r\t]")  # which Word has elements for
MANY = 8  # columns, from which a table is set smaller


@dataclass
class Numbering:
    """How many tables and figures there are so far, and what they are called: `prefix` is S in a
    supplement."""

    prefix: str = ""
    counts: dict[str, int] = field(default_factory=lambda: {TABLE: 0, FIGURE: 0})

    def next(self, kind: str) -> int:
        self.counts[kind] += 1
        return self.counts[kind]

    def mark(self, kind: str, number: int) -> str:
        """Return the bookmark of a caption's number."""
        return f"{kind}_{self.prefix}{number}"


def caption(word: Any, numbering: Numbering, kind: str, words: str) -> Any:
    """Write "Table 1. …" whose number is a field, in a bookmark that references name."""
    number = numbering.next(kind)
    paragraph = word.add_paragraph(style="Caption")
    start, end = OxmlElement("w:bookmarkStart"), OxmlElement("w:bookmarkEnd")
    identity = str(sum(numbering.counts.values()))
    for element in (start, end):
        element.set(qn("w:id"), identity)
    start.set(qn("w:name"), numbering.mark(kind, number))
    paragraph._p.append(start)
    paragraph.add_run(f"{kind} {numbering.prefix}")
    _field(paragraph, f"SEQ {kind}{numbering.prefix} \\* ARABIC", str(number))
    paragraph._p.append(end)
    paragraph.add_run(f". {words}")
    return paragraph


def referring(word: Any, numbering: Numbering, marks: Sequence[tuple[str, int]]) -> None:
    """Write a line that leads to captions."""
    paragraph = word.add_paragraph("See ")
    for place, (kind, number) in enumerate(marks):
        last = place == len(marks) - 1
        paragraph.add_run("" if place == 0 else " and " if last else ", ")
        named = f"{kind} {numbering.prefix}{number}"
        _field(paragraph, f"REF {numbering.mark(kind, number)} \\h", named)
    paragraph.add_run(".")


def _field(paragraph: Any, instruction: str, shown: str) -> None:
    for kind in ("begin", "instr", "separate", "shown", "end"):
        run = paragraph.add_run(shown if kind == "shown" else "")
        if kind == "instr":
            text = OxmlElement("w:instrText")
            text.set(qn("xml:space"), "preserve")
            text.text = f" {instruction} "
            run._r.append(text)
        elif kind != "shown":
            char = OxmlElement("w:fldChar")
            char.set(qn("w:fldCharType"), kind)
            run._r.append(char)


def three_lines(
    word: Any,
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Sequence[bool] = (),
    deep: Sequence[bool] = (),
) -> None:
    """Write a table with a line above, below its header and below its last row; the header stands
    again on every page, and no row is split between two."""
    numbers = list(numbers) or [False] * len(headers)
    points = 7 if len(headers) >= MANY else 8.5
    table = headed(word, headers, numbers, points)
    pattern = _pattern(table, numbers, points)
    for n, row in enumerate(rows):
        if len(row) == 1 and len(headers) > 1:
            added = next_row(table)
            put(added.cells[0].merge(added.cells[-1]), row[0], points, bold=True)
            continue
        line = deepcopy(pattern)
        table._tbl.append(line)
        for place, value, right in zip(line.tc_lst, row, numbers, strict=False):
            if value and value == value.strip() and not LINES.search(value):
                next(place.iter(qn("w:t"))).text = value
            else:
                put(_Cell(place, table), value, points, right)
        if n < len(deep) and deep[n]:
            first = _Cell(line.tc_lst[0], table).paragraphs[0]
            first.paragraph_format.left_indent = Pt(8)
    closed(word, table)


def _pattern(table: Any, numbers: Sequence[bool], points: float) -> Any:
    """Return a row of which every other is a copy with words of its own: python-docx takes twenty
    times as long to make one."""
    row = next_row(table)
    for cell, right in zip(row.cells, numbers, strict=True):
        put(cell, "x", points, right)
    table._tbl.remove(row._tr)
    return row._tr


def headed(word: Any, headers: Sequence[str], numbers: Sequence[bool], points: float) -> Any:
    """Return a table with nothing but its header between two lines."""
    table = word.add_table(rows=1, cols=len(headers))
    for cell, header, right in zip(table.rows[0].cells, headers, numbers, strict=True):
        put(cell, header, points, right, bold=True)
        _line(cell, "bottom", THIN)
        _line(cell, "top", THICK)
    _once(table.rows[0], "w:tblHeader")
    return table


def next_row(table: Any) -> Any:
    """Return a new row that is not split between two pages."""
    added = table.add_row()
    _once(added, "w:cantSplit")
    return added


def closed(word: Any, table: Any) -> None:
    """Draw the line below a table's last row."""
    for cell in table.rows[-1].cells:
        _line(cell, "bottom", THICK)
    word.add_paragraph("")


def put(cell: Any, words: str, points: float, right: bool = False, bold: bool = False) -> None:
    """Write words into a cell; lines that begin with a quotation mark are quotations."""
    said, *quotes = words.split("\n“")
    cell.text = said
    for quote in quotes:
        cell.add_paragraph(f"“{quote}", style="Quote")
    for paragraph in cell.paragraphs:
        paragraph.paragraph_format.space_after = Pt(1)
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if right else None
        for run in paragraph.runs:
            run.font.size, run.bold = Pt(points), bold or None


def _once(row: Any, name: str) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement(name))


def _line(cell: Any, side: str, weight: str) -> None:
    properties = cell._tc.get_or_add_tcPr()
    borders = properties.find(qn("w:tcBorders"))
    if borders is None:
        borders = OxmlElement("w:tcBorders")
        properties.append(borders)
    edge = OxmlElement(f"w:{side}")
    for name, value in (("val", "single"), ("sz", weight), ("space", "0"), ("color", "000000")):
        edge.set(qn(f"w:{name}"), value)
    borders.insert(0 if side == "top" else len(borders), edge)
