"""Tables of coded segments as MAXQDA, ATLAS.ti and NVivo write them, and files of theirs that hold
a whole project but that only they can read.

A layout is recognised by its header, in English, German, French or Spanish, below any title rows;
`columns`, `sheet` and `header_row` of the study file overrule it. Sources: MAXQDA's help on the
"Overview of Coded Segments" (exported as XLSX with origin, comment, coder and date); ATLAS.ti's on
the Quotation Manager (doc.atlasti.com: an ID is document:number, a reference names paragraphs).
Begin and End of MAXQDA and a reference of ATLAS.ti count paragraphs, not characters: they tell two
stretches of the same words apart and are no positions.

NVivo's *reports* ("Coding Summary by Code", "… by File") and the exported References of a code are
documents: codes, files and references stand below each other, and no row is whole. They are told by
their title or by the lines that NVivo's help shows ("§ 5 references coded [4.06% Coverage]",
"Reference 1 - 1.88% Coverage": help-nv.qsrinternational.com, "Review the references in a node";
"Understand predefined reports and extracts" parts reports, made to be read, from extracts, made to
be worked with), and refused with what to export instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalweave.errors import DataError, Fault
from evalweave.reading.header import folded

Names = tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """What a program calls our columns, in each language; `sure` must all be in the header."""

    program: str
    names: Mapping[str, Names]
    sure: tuple[str, ...]

    def columns(self, header: Sequence[str]) -> dict[str, str] | None:
        """Return our column → the file's for a header of this layout, else None."""
        header_cells = {folded(cell): cell for cell in header if cell}
        columns = {
            ours: next(
                (header_cells[folded(name)] for name in names if folded(name) in header_cells), ""
            )
            for ours, names in self.names.items()
        }
        if not all(columns[ours] for ours in self.sure):
            return None
        return {ours: name for ours, name in columns.items() if name}


LAYOUTS = (
    Layout(
        "MAXQDA",
        {
            "group": (
                "Document group",
                "Dokumentgruppe",
                "Groupe de documents",
                "Grupo de documentos",
                "Gruppo di documenti",
            ),
            "source": (
                "Document name",
                "Dokumentname",
                "Nom du document",
                "Nombre del documento",
                "Nome do documento",
                "Nome del documento",
                "Document",
            ),
            "code": ("Code", "Código", "Codice"),
            "quote": ("Segment", "Segmento", "Preview", "Vorschau"),
            "place": ("Begin", "Beginning", "Anfang", "Début", "Inicio", "Início", "Inizio"),
            "place_end": ("End", "Ende", "Fin", "Final", "Fim", "Fine"),
            "coder": ("Author", "Created by", "Autor", "Erstellt von", "Auteur", "Créé par"),
            "coded_at": ("Creation date", "Created", "Erstellt am", "Erstelldatum", "Créé le"),
        },
        sure=("group", "source", "code", "quote"),
    ),
    Layout(
        "ATLAS.ti",
        {
            "source": ("Document", "Dokument", "Documento"),
            "code": ("Codes", "Kodes", "Códigos"),
            "quote": (
                "Quotation Content",
                "Text Content",
                "Content",
                "Zitatinhalt",
                "Contenido de la cita",
                "Contenu de la citation",
            ),
            "place": ("ID",),
            "coder": ("Created by", "Erstellt von", "Creado por", "Créé par"),
            "coded_at": ("Created", "Creation Date", "Erstellt", "Creado", "Créé"),
        },
        sure=("source", "code", "quote", "place"),
    ),
    Layout(
        "NVivo",
        {
            "source": ("File Name", "File", "Dateiname", "Source Name"),
            "code": ("Code Name", "Node Name", "Codename", "Hierarchical Name"),
            "quote": ("Coded Text", "Reference Text", "Codierter Text"),
            "place": ("Reference Number", "Reference"),
            "coder": ("Coded By", "Coded By Initials", "Codiert von"),
        },
        sure=("source", "code", "quote"),
    ),
)
DOCUMENTS = (".docx", ".doc", ".rtf", ".odt", ".pdf", ".html", ".htm", ".mht")
OWN = (
    "Its format is the program's own. Open it there and export the project as REFI-QDA (.qdpx), or "
    "its coded segments as XLSX."
)
MADE_TO_BE_READ = (
    "A report is made to be read: export the project as REFI-QDA (.qdpx), or its coded segments as "
    "XLSX."
)
PROJECT_FILES = {
    (".mx24", ".mx22", ".mx20", ".mx18", ".mx12", ".mqda"): "a MAXQDA project",
    (".mex", ".mex22", ".mex24"): "a MAXQDA exchange file, which only MAXQDA reads",
    (".mtr", ".mod"): "a MAXQDA teamwork or text file, which only MAXQDA reads",
    (".nvp", ".nvpx", ".nvcx"): "an NVivo project",
    (".atlproj", ".atlproj23", ".atlproj24", ".atlasproj", ".hpr"): "an ATLAS.ti project",
}


def layout_of(rows: Sequence[tuple[int, Sequence[str]]]) -> tuple[Layout, int] | None:
    """Return the layout of a table's first rows, and the row number of its header."""
    for line, cells in rows:
        for layout in LAYOUTS:
            if layout.columns(cells) is not None:
                return layout, line
    return None


# A line of NVivo's reports, and of a code's References that were exported.
NESTED = re.compile(
    r"coding summary by (code|node|file|source|case)s?( report)?|"
    r".*§\s*\d+ references? coded\s*\[.*coverage\].*|"
    r"references? \d+(-\d+)?\s*-\s*[\d.,]+\s*% coverage",
    re.IGNORECASE,
)
NESTED_HEADER = {"coverage", "number_of_coding_references"}  # of files, below each code


def refuse_nested(file: str, rows: Sequence[tuple[int, Sequence[str]]]) -> None:
    """Raise `DataError` for NVivo's nested report, which is no table; a flat one passes."""
    for line, cells in rows:
        said = [cell for cell in cells if cell]
        if NESTED.fullmatch(" ".join(said)) or {folded(cell) for cell in said} >= NESTED_HEADER:
            raise DataError(
                str(
                    Fault(
                        file,
                        "NVivo's nested report of codings, in which codes, files and references "
                        "stand below each other",
                        "one row a coded reference",
                        "In NVivo, export the project as REFI-QDA (.qdpx), or run the extract of "
                        "the same name instead of the report.",
                        line,
                    )
                )
            )


def is_header(cells: Sequence[str]) -> bool:
    """Whether a row is the header of a known layout."""
    return layout_of([(1, cells)]) is not None


def refuse_project_file(path: Path) -> None:
    """Raise `DataError` for a program's own project file or a document, and say which export to
    give instead."""
    for endings, what in {**PROJECT_FILES, DOCUMENTS: "a document"}.items():
        if path.suffix.lower() in endings:
            action = MADE_TO_BE_READ if endings is DOCUMENTS else OWN
            expected = "a REFI-QDA project (.qdpx) or a table"
            raise DataError(str(Fault(path.name, what, expected, action)))
