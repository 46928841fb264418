"""Which files an extract's table is read from, and that no record comes twice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evalweave.errors import DataError, Fault, StudyError
from evalweave.extract.readers import Source, looks_like, reader
from evalweave.study.connections import masked

if TYPE_CHECKING:
    from evalweave.study.records import Extract

FORMS = (".csv", ".tsv", ".txt", ".gz", ".parquet", ".arrow", ".feather")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")


def sources_of(extract: Extract, table: str) -> list[Source]:
    """Return the files of a table.

    Raises:
        StudyError: the extract's folder is not there.
        DataError: it has no file of the table.
    """
    folder = Path(extract.path)
    if extract.connection:
        raise StudyError(
            "extract, connection: the tables of a database are copied before they are read, by "
            "`evalweave run` and `evalweave check`; name the folder of the copies as extract, path."
        )
    if not folder.is_dir():
        raise StudyError(
            f"{masked(str(folder))}: there is no such folder. extract, path should name the "
            "extract's folder; a database goes under extract, connection."
        )
    form = reader(extract.format)
    sources = form.find(extract, table)
    if not sources:
        other = None if extract.files else looks_like(folder, extract.format)
        if other:
            raise DataError(
                f"{folder}: found files of the format {other}, expected {extract.format}, as the "
                "study file says. "
                f"Set extract, format: {other}."
            )
        present = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
        pattern = extract.files.get(table)
        wanted = (
            f'a file that matches "{masked(pattern)}"'
            if pattern
            else f"a file of the table {form.NAMES[table]}"
        )
        raise DataError(
            f"{folder}: found no {table} (there is {present}), expected {wanted}. "
            f"{_way_forward(folder, table)}"
        )
    return sources


def _way_forward(folder: Path, table: str) -> str:
    """Return what to do about a table without a file: records are read from text and typed files,
    never from a workbook."""
    books = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in WORKBOOKS)
    its = [name for name in books if table in name.lower()] or books[:1]
    if its:
        return (
            f"Records are not read from a workbook: save the sheet of {its[0]} as CSV (UTF-8), "
            f"named {table}.csv."
        )
    return "Name the file under extract, files."


def repeated(files: list[tuple[str, str]]) -> list[Fault]:
    """Return a fault for each file (name, checksum) that would count records twice: another's copy
    or other form."""
    by_content: dict[str, str] = {}
    by_stem: dict[str, str] = {}
    faults = []
    for name, content in files:
        stem = name.lower()
        while stem.endswith(FORMS):
            stem = stem.rpartition(".")[0]
        if content in by_content:
            what = f"the same content as in {by_content[content]}"
        elif stem in by_stem:
            what = f"a file of the same name as {by_stem[stem]} in another form"
        else:
            by_content[content] = by_stem[stem] = name
            continue
        faults.append(
            Fault(
                name,
                what,
                "each record in one file",
                "Remove one of them, or rename it if it is not one.",
            )
        )
    return faults
