"""The report as a Word document, from the same blocks as the page, with its figures as
pictures."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

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
    Sheet,
    Table,
    Text,
    begin_pages,
    plain,
    printable,
)
from evalweave.report.data import ReportData
from evalweave.report.documents import Document, warned
from evalweave.report.typeset import ratio
from evalweave.report.word_joint import joint_table
from evalweave.report.word_numbered import (
    FIGURE,
    TABLE,
    Numbering,
    caption,
    referring,
    three_lines,
)

PROPERTY = 255  # letters of a property of the file, at most
THUMBNAIL = "docProps/thumbnail.jpeg"
WIDE, TALL = 15.0, 20.0  # centimetres of a figure at most
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every member of the file: the same report is the same bytes


def document(data: ReportData, one: Document, drawn: Mapping[str, bytes]) -> bytes:
    """Return the Word file; differences stand in the first unit of the page. `drawn`: figures
    and intervals as pictures, by drawing; a figure that is not among them is told in words."""
    import docx
    from docx.shared import Cm

    word = docx.Document()
    about = data.study.study
    title = printable(f"{one.subtitle}: {about.title}" if one.subtitle else about.title)
    question = printable("" if one.subtitle else data.study.report.question or "")
    word.core_properties.title = title[:PROPERTY]
    word.core_properties.author = printable(", ".join(about.names))[:PROPERTY]
    word.core_properties.comments = ""
    warning = warned(data)
    for part in word.sections:
        part.page_width, part.page_height = Cm(21), Cm(29.7)
        part.left_margin = part.right_margin = Cm(2)
        if warning:
            part.header.paragraphs[0].text = warning
    word.add_heading(title, 0)
    if question:
        word.add_paragraph(question, style="Subtitle")
    writer = _Writer(word, drawn, Numbering("S" if one.subtitle else ""), about.synthetic)
    for section in one.sections:
        begins = begin_pages(section.blocks)
        title = word.add_heading(section.title, 1)
        title.paragraph_format.page_break_before = begins[:1] == [True]
        writer.refer(section.blocks)
        for number, block in enumerate(section.blocks):
            if number and begins[number]:
                word.add_page_break()
            writer.write(block)
    target = io.BytesIO()
    word.save(target)
    return same_bytes(target.getvalue())


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


@dataclass
class _Writer:
    """Writes blocks into a Word file. `drawn`: pictures by drawing."""

    word: Any
    drawn: Mapping[str, bytes]
    numbering: Numbering
    synthetic: bool

    def refer(self, blocks: Iterable[Any]) -> None:
        """Write a line that leads to the tables and figures which follow in a section."""
        counts = dict(self.numbering.counts)
        marks = []
        for kind in _numbered(blocks):
            counts[kind] += 1
            marks.append((kind, counts[kind]))
        if marks:
            referring(
                self.word, self.numbering, sorted(marks, key=lambda mark: mark[0], reverse=True)
            )

    def write(self, block: Any) -> None:
        """Write one block, and what is in it."""
        word = self.word
        match block:
            case Heading():
                word.add_heading(block.text, 2)
            case Prose():
                word.add_paragraph(plain(block.text))
            case Facts():
                items = (f"{plain(value)} {plain(what)}" for value, what in block.items)
                word.add_paragraph("; ".join(items))
            case Listing():
                for item in block.items:
                    word.add_paragraph(plain(item), style="List Bullet")
            case Code() | Formula():
                word.add_paragraph(block.text)
            case Figure():
                self._figure(block)
            case Table():
                self._table(block)
            case Checks():
                rows = [[plain(c.question), c.verdict, plain(c.why)] for c in block.items]
                self._captioned(TABLE, plain(block.caption))
                three_lines(word, ["Check", "Verdict", "Why"], rows)
            case Joint():
                self._captioned(TABLE, plain(block.caption))
                joint_table(word, block.rows, self.drawn, self.synthetic)
                self._notes(block.notes)
            case Sheet():
                _claim(word, block.row)
            case Quotes():
                _quotes(word, block.items)
            case Details():
                word.add_heading(plain(block.summary), 3)
                for inner in block.blocks:
                    self.write(inner)

    def _captioned(self, kind: str, words: str) -> None:
        written = caption(self.word, self.numbering, kind, words)
        written.paragraph_format.keep_with_next = kind == TABLE

    def _notes(self, notes: Iterable[Text]) -> None:
        for note in notes:
            self.word.add_paragraph(plain(note), style="Caption")

    def _table(self, block: Table) -> None:
        self._captioned(TABLE, plain(block.caption))
        three_lines(
            self.word,
            [f"{plain(c.header)} {plain(c.unit)}".strip() for c in block.columns],
            [[plain(_apart(cell)) for cell in line.cells] for line in block.lines],
            [column.number for column in block.columns],
            [line.depth > 0 for line in block.lines],
        )
        self._notes(block.notes)

    def _figure(self, figure: Figure) -> None:
        """Write a figure in its first unit, with its description as alternative text; in words
        where there is no picture of it."""
        from docx.shared import Cm

        svg = figure.drawings[0].svg
        picture = self.drawn.get(svg)
        if picture is None:
            self.word.add_paragraph(f"Figure: {figure.title}. {figure.description}")
        else:
            self.word.add_picture(io.BytesIO(picture), width=Cm(min(WIDE, TALL / ratio(svg))))
            properties = self.word.inline_shapes[-1]._inline.docPr
            properties.set("name", figure.name)
            properties.set("title", figure.title)
            properties.set("descr", figure.description)
            self.word.paragraphs[-1].paragraph_format.keep_with_next = True
        self._captioned(FIGURE, f"{figure.title}. {plain(figure.caption)}")


def _numbered(blocks: Iterable[Any]) -> Iterator[str]:
    """Yield the kinds of the captions that blocks will have, in order."""
    for block in blocks:
        if isinstance(block, Table | Checks | Joint):
            yield TABLE
        elif isinstance(block, Figure):
            yield FIGURE
        elif isinstance(block, Details):
            yield from _numbered(block.blocks)


def _claim(word: Any, row: JointRow) -> None:
    word.add_heading(row.proposition, 3)
    word.add_paragraph(f"{row.theme}. {plain(row.expectation)}")
    word.add_paragraph(f"The numbers: {plain(row.numbers)}. {plain(row.quantitative)}")
    word.add_paragraph("The voices: " + " ".join(plain(line) for line in row.voices))
    _quotes(word, row.quotes)
    word.add_paragraph(f"Together: {row.label}. {plain(row.label_note)}").runs[0].bold = True
    if row.analyst:
        word.add_paragraph(f"{row.analyst_by}: {plain(row.analyst)}", style="Quote")
    signed = f" ({row.meta_by})" if row.meta_by else ""
    word.add_paragraph(f"What the analysts conclude: {plain(row.meta)}{signed}", style="Quote")


def _apart(cell: Text) -> Text:
    """Return a cell with each quotation in it, and what it is from, in lines of their own."""
    if "<blockquote>" not in str(cell):
        return cell
    return Markup(str(cell).replace("<blockquote>", "\n").replace("<footer", "\n<footer"))


def _quotes(word: Any, quotes: tuple[Quote, ...]) -> None:
    for quote in quotes:
        line = (
            f"“{quote.words}” {quote.speaker}{f', {quote.stance}' if quote.stance else ''} "
            f"({quote.path})"
        )
        word.add_paragraph(line, style="Quote")
