"""The further formats of the report, each by itself: one that fails withholds none of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from evalweave import files
from evalweave.catalogue.words import number_of
from evalweave.report.blocks import Figure, Joint, Section, figures_in
from evalweave.report.data import ReportData
from evalweave.report.documents import Document, documents
from evalweave.report.figures.style import slug

FORMATS = ("docx", "pdf")  # beside HTML, which is always written
SINGLE, DOUBLE = 89, 183  # millimetres: one column of a journal, and two
WORD, STRIP = 150, 40  # of pictures in Word
LONGEST = 200  # letters of what a library says
PICTURES = "The picture of each figure in Word, which is told in words there,"


def write(data: ReportData, made: list[Section], out: Path) -> tuple[list[str], list[str]]:
    """Write the formats that the study asks for.

    Returns:
        The names of the files, and a sentence for what could not be written.
    """
    asked: list[str] = [suffix for suffix in FORMATS if suffix in data.study.report.formats]
    tried = _Tried()
    drawn = tried.made(PICTURES, partial(_pictures, made)) or {} if "docx" in asked else {}
    written = []
    for name, content in _contents(data, made, asked, drawn):
        packed = tried.made(name, content)
        if packed is not None:
            files.write_bytes(packed, out / name)
            written.append(name)
    return written, [line for why, names in tried.failed.items() for line in _sentences(names, why)]


@dataclass
class _Tried:
    """What was tried and failed: what a library says → what it says so of."""

    failed: dict[str, list[str]] = field(default_factory=dict)

    def made(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what is made; None where that fails."""
        try:
            return make()
        except Exception as error:  # whatever a library of that format raises
            said = " ".join(str(error).split())[:LONGEST].rstrip(".")
            self.failed.setdefault(said or type(error).__name__, []).append(name)
            return None


def _sentences(names: list[str], why: str) -> Iterator[str]:
    """Yield a sentence for each document that could not be written, and one for all figures."""
    figures = [name for name in names if "/" in name]
    alone = [f"{name} was" for name in names if "/" not in name]
    if len(figures) > 1:
        alone.append(f"{figures[0]} and {number_of(len(figures) - 1, 'other figure')} were")
    else:
        alone += [f"{name} was" for name in figures]
    for what in alone:
        yield (
            f"{what} not written: {why}. The report's other files are complete and do not need it."
        )


def _contents(
    data: ReportData, made: list[Section], asked: list[str], drawn: Mapping[str, bytes]
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the name of every file of the formats asked for, and what makes its content."""
    for suffix in asked:
        for one in documents(made):
            yield f"{one.name}.{suffix}", partial(_content, suffix, data, one, drawn)
    for section in made if "pdf" in asked else ():
        for figure in figures_in(section.blocks):
            for name, svg, width in in_print(figure):
                yield f"{name}.pdf", partial(_page, figure, svg, width)


def in_print(figure: Figure) -> Iterator[tuple[str, str, int]]:
    """Yield name, SVG and width in millimetres of a figure as journals print it: over two columns,
    and, as drawn for a phone, in one."""
    for drawing in figure.drawings:
        part = f".{slug(drawing.unit)}" if drawing.unit and len(figure.drawings) > 1 else ""
        name = f"figures/{slug(figure.name)}{part}"
        yield name, drawing.svg, DOUBLE
        yield f"{name}.{SINGLE}mm", drawing.narrow or drawing.svg, SINGLE


def _page(figure: Figure, svg: str, width: int) -> bytes:
    from evalweave.report import typeset

    return typeset.page(svg, width, figure.title, figure.description)


def _pictures(made: list[Section]) -> dict[str, bytes]:
    """Return the pictures that Word files need, by their drawings."""
    from evalweave.report import typeset

    blocks = [block for section in made for block in section.blocks]
    wide = [figure.drawings[0].svg for figure in figures_in(tuple(blocks))]
    joints = [block for block in blocks if isinstance(block, Joint)]
    strips = [row.strip for joint in joints for row in joint.rows if row.strip]
    drawn = zip(wide, typeset.pictures(wide, WORD), strict=True)
    return dict([*drawn, *zip(strips, typeset.pictures(strips, STRIP), strict=True)])


def _content(suffix: str, data: ReportData, one: Document, drawn: Mapping[str, bytes]) -> bytes:
    if suffix == "docx":
        from evalweave.report import word

        return word.document(data, one, drawn)
    from evalweave.report import pdf

    return pdf.document(data, one)
