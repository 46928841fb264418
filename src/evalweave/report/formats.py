"""The further formats of the report, each by itself: one that fails withholds none of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evalweave import files
from evalweave.report.blocks import Section
from evalweave.report.data import ReportData
from evalweave.report.documents import Document, documents

FORMATS = ("docx", "pdf")  # beside HTML, which is always written
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
            with files.written_aside(out / name) as aside:
                aside.write_bytes(content)
            written.append(name)
    return written, unwritten


def _content(suffix: str, data: ReportData, one: Document, drawn: Mapping[str, bytes]) -> bytes:
    if suffix == "docx":
        from evalweave.report import word

        return word.document(data, one, drawn)
    from evalweave.report import pdf

    return pdf.document(data, one)
