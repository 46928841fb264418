"""The joint display as a table of a Word file: a row a claim, its interval as a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from docx.shared import Cm, Pt

from evalweave.report.blocks import JointRow, plain
from evalweave.report.figures.style import describe
from evalweave.report.word_numbered import closed, headed, next_row

HEADERS = ("Claim", "The numbers", "The voices", "Together")
WIDTHS = (3.6, 3.8, 5.6, 4.0)  # centimetres
POINTS, PICTURE = 8.0, 3.4
BOLD, ITALIC = "bold", "italic"

Part = tuple[str, str]  # words, and how they are set


def joint_table(
    word: Any, rows: tuple[JointRow, ...], drawn: Mapping[str, bytes], synthetic: bool
) -> None:
    """Write the claims; `drawn`: their intervals as pictures, by drawing."""
    table = headed(word, HEADERS, [False] * len(HEADERS), POINTS)
    table.autofit = False
    for row in rows:
        cells = next_row(table).cells
        picture = drawn.get(row.strip)
        if picture:
            _picture(cells[1], picture, row, synthetic)
        for cell, parts in zip(cells, _parts(row), strict=True):
            _write(cell, parts)
    for line in table.rows:
        for cell, width in zip(line.cells, WIDTHS, strict=True):
            cell.width = Cm(width)
    closed(word, table)


def _parts(row: JointRow) -> tuple[list[Part], ...]:
    """Return what stands in each cell of a claim, a paragraph each."""
    quotes: list[Part] = []
    for quote in row.quotes:
        by = f"{quote.speaker}, {quote.stance}" if quote.stance else quote.speaker
        quotes.append((f"“{quote.words}” {by} ({quote.path})", ITALIC))
    own = [(f"{row.analyst_by}: {plain(row.analyst)}", ITALIC)] if row.analyst else []
    signed = f" ({row.meta_by})" if row.meta_by else ""
    return (
        [(row.theme, ""), (row.proposition, BOLD), (plain(row.expectation), "")],
        [(plain(row.numbers), BOLD), (plain(row.quantitative), "")],
        [*((plain(line), "") for line in row.voices), *quotes],
        [
            (row.label, BOLD),
            (plain(row.label_note), ""),
            *own,
            (f"What the analysts conclude: {plain(row.meta)}{signed}", ITALIC),
        ],
    )


def _write(cell: Any, parts: list[Part]) -> None:
    """Write paragraphs into a cell, below a picture if there is one."""
    for words, how in parts:
        empty = not cell.paragraphs[-1].runs
        paragraph = cell.paragraphs[-1] if empty else cell.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(2)
        run = paragraph.add_run(words)
        run.font.size = Pt(POINTS)
        run.bold, run.italic = how == BOLD or None, how == ITALIC or None


def _picture(cell: Any, png: bytes, row: JointRow, synthetic: bool) -> None:
    shape = cell.paragraphs[0].add_run().add_picture(io.BytesIO(png), width=Cm(PICTURE))
    properties = shape._inline.docPr
    properties.set("name", f"interval of {row.claim}")
    properties.set("descr", describe(plain(row.numbers), synthetic))
