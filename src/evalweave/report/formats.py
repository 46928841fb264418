"""The further formats of the report, each by itself: one that fails withholds none of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from evalweave import files
from evalweave.report.blocks import Figure, Section, figures_in
from evalweave.report.data import ReportData
from evalweave.report.documents import Document, documents
from evalweave.report.figures.style import slug

FORMATS = ("docx", "pdf")  # beside HTML, which is always written
SINGLE, DOUBLE = 89, 183  # millimetres: one column of a journal, and two
LONGEST = 200  # letters of what a library says


def write(
    data: ReportData, made: list[Section], drawn: Mapping[str, bytes], out: Path
) -> tuple[list[str], list[str]]:
    """Write the formats that the study asks for.

    Returns:
        The names of the files, and a sentence for each that could not be written.
    """
    written, unwritten = [], []
    for suffix in (each for each in FORMATS if each in data.study.report.formats):
        for one in documents(made):
            name = f"{one.name}.{suffix}"
            try:
                content = _content(suffix, data, one, drawn)
            except Exception as error:  # whatever a library of that format raises
                said = " ".join(str(error).split())[:LONGEST].rstrip(".")
                unwritten.append(
                    f"{name} was not written: {said or type(error).__name__}. The report's other "
                    "files are complete and do not need it."
                )
                continue
            written.append(_put(out, name, content))
        if suffix == "pdf" and len(unwritten) == 0:
            written += [
                _put(out, f"{name}.pdf", _picture(figure, svg, width))
                for section in made
                for figure in figures_in(section.blocks)
                for name, svg, width in in_print(figure)
            ]
    return written, unwritten


def in_print(figure: Figure) -> Iterator[tuple[str, str, int]]:
    """Yield name, SVG and width in millimetres of a figure as journals print it: over two columns,
    and, as drawn for a phone, in one."""
    for drawing in figure.drawings:
        part = f".{slug(drawing.unit)}" if drawing.unit and len(figure.drawings) > 1 else ""
        name = f"figures/{slug(figure.name)}{part}"
        yield name, drawing.svg, DOUBLE
        yield f"{name}.{SINGLE}mm", drawing.narrow or drawing.svg, SINGLE


def _put(out: Path, name: str, content: bytes) -> str:
    files.write_bytes(content, out / name)
    return name


def _picture(figure: Figure, svg: str, width: int) -> bytes:
    from evalweave.report import pdf

    return pdf.picture(svg, width, figure.title, figure.description)


def _content(suffix: str, data: ReportData, one: Document, drawn: Mapping[str, bytes]) -> bytes:
    if suffix == "docx":
        from evalweave.report import word

        return word.document(data, one, drawn)
    from evalweave.report import pdf

    return pdf.document(data, one)
