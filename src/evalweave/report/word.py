"""The report as a Word document, from the same blocks as the page, with its figures as
pictures."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from html import unescape
from typing import Any

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
    Listing,
    Prose,
    Quote,
    Quotes,
    Table,
    Text,
    boxed,
    printable,
)
from evalweave.report.data import ReportData
from evalweave.report.documents import Document
from evalweave.report.figures.style import picture_of

THUMBNAIL = "docProps/thumbnail.jpeg"
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every member of the file: the same report is the same bytes


def document(data: ReportData, one: Document, drawn: Mapping[str, bytes]) -> bytes:
    """Return the Word file; differences stand in the first unit of the page. `drawn`: the figures
    as pictures, by name; one that is not among them is told in words."""
    import docx

    word = docx.Document()
    about = data.study.study
    title = printable(f"{one.subtitle}: {about.title}" if one.subtitle else about.title)
    question = printable("" if one.subtitle else data.study.report.question or "")
    word.core_properties.title = title
    word.core_properties.author = printable(", ".join(about.authors))
    word.core_properties.comments = ""
    warning = ""
    if about.synthetic:
        warning = "Simulated data: people, records, quotations and counts are invented."
    elif data.profile.exact:
        warning = "No disclosure control: must not leave the secure area."
    for part in word.sections if warning else ():
        part.header.paragraphs[0].text = warning
    word.add_heading(title, 0)
    if question:
        word.add_paragraph(question, style="Subtitle")
    for section in map(boxed, one.sections):
        word.add_heading(section.title, 1)
        for block in section.blocks:
            _write(word, block, drawn)
    target = io.BytesIO()
    word.save(target)
    return same_bytes(target.getvalue())


def plain(text: Text) -> str:
    """Return HTML text as plain text, in the first of two units."""
    first = re.sub(r'<span class="u2">.*?</span>', "", str(text), flags=re.DOTALL)
    if not hasattr(text, "__html__"):
        return str(text)
    return unescape(re.sub(r"<[^>]+>", "", first))


def same_bytes(packed: bytes) -> bytes:
    """Return a Word file without the template's picture and with every member's date fixed."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(packed)) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if name == THUMBNAIL:
                continue  # of the library's template
            if name == "_rels/.rels":
                content = re.sub(rb"<Relationship [^>]*thumbnail[^>]*/>", b"", content)
            new.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _write(word: Any, block: Any, drawn: Mapping[str, bytes]) -> None:
    match block:
        case Heading():
            word.add_heading(block.text, 2)
        case Prose():
            word.add_paragraph(plain(block.text))
        case Facts():
            word.add_paragraph(
                "; ".join(f"{plain(value)} {plain(what)}" for value, what in block.items)
            )
        case Listing():
            for item in block.items:
                word.add_paragraph(plain(item), style="List Bullet")
        case Code():
            word.add_paragraph(block.text)
        case Formula():
            word.add_paragraph(block.text)
        case Figure():
            _figure(word, block, drawn)
        case Table():
            headers = [f"{plain(c.header)} {plain(c.unit)}".strip() for c in block.columns]
            _table(
                word,
                plain(block.caption),
                headers,
                [[plain(cell) for cell in line.cells] for line in block.lines],
            )
            for note in block.notes:
                word.add_paragraph(plain(note), style="Caption")
        case Checks():
            rows = [
                [plain(check.question), check.verdict, plain(check.why)] for check in block.items
            ]
            _table(word, plain(block.caption), ["Check", "Verdict", "Why"], rows)
        case Joint():
            word.add_paragraph(plain(block.caption))
            for row in block.rows:
                _claim(word, row)
            for note in block.notes:
                word.add_paragraph(plain(note), style="Caption")
        case Quotes():
            _quotes(word, block.items)
        case Details():
            word.add_heading(plain(block.summary), 3)
            for inner in block.blocks:
                _write(word, inner, drawn)


def _figure(word: Any, figure: Figure, drawn: Mapping[str, bytes]) -> None:
    """Write a figure in its first unit, with its description as alternative text; in words where
    there is no picture of it."""
    from docx.shared import Cm

    picture = picture_of(figure.drawings[0].svg, drawn)
    if picture is None:
        word.add_paragraph(f"Figure: {figure.title}. {figure.description}")
    else:
        word.add_picture(io.BytesIO(picture), width=Cm(15))
        properties = word.inline_shapes[-1]._inline.docPr
        properties.set("name", figure.name)
        properties.set("title", figure.title)
        properties.set("descr", figure.description)
        word.paragraphs[-1].paragraph_format.keep_with_next = True
    word.add_paragraph(f"{figure.title}. {plain(figure.caption)}", style="Caption")


def _claim(word: Any, row: JointRow) -> None:
    word.add_heading(row.proposition, 2)
    word.add_paragraph(f"{row.theme}. {plain(row.expectation)}")
    word.add_paragraph(f"The numbers: {plain(row.numbers)}. {plain(row.quantitative)}")
    word.add_paragraph("The voices: " + " ".join(plain(line) for line in row.voices))
    _quotes(word, row.quotes)
    word.add_paragraph(f"Together: {row.label}. {plain(row.label_note)}").runs[0].bold = True
    if row.analyst:
        word.add_paragraph(f"{row.analyst_by}: {plain(row.analyst)}", style="Quote")
    signed = f" ({row.meta_by})" if row.meta_by else ""
    word.add_paragraph(f"What the analysts conclude: {plain(row.meta)}{signed}", style="Quote")
    _table(
        word,
        "What the label rests on",
        ["", ""],
        [[plain(name), plain(value)] for name, value in row.inputs],
    )


def _quotes(word: Any, quotes: tuple[Quote, ...]) -> None:
    for quote in quotes:
        line = (
            f"“{quote.words}” {quote.speaker}{f', {quote.stance}' if quote.stance else ''} "
            f"({quote.path})"
        )
        word.add_paragraph(line, style="Quote")


def _table(word: Any, caption: str, headers: list[str], rows: list[list[str]]) -> None:
    word.add_paragraph(caption, style="Caption")
    table = word.add_table(rows=1, cols=len(headers), style="Light List")
    for cell, header in zip(table.rows[0].cells, headers, strict=True):
        cell.text = header
    for row in rows:
        cells = table.add_row().cells
        if len(row) == 1 and len(headers) > 1:
            cells[0].merge(cells[-1]).text = row[0]
            continue
        for cell, value in zip(cells, row, strict=False):
            cell.text = value
    word.add_paragraph("")
