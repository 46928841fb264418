"""The one reader of the small tables that people hand over.

Practices, code lists, participants, eligibility, themes, sources, segments, counts, claims: CSV in
any of the usual encodings and delimiters, packed with gzip or not, a sheet of an Excel workbook, or
Parquet, Arrow and Stata files. Every cell is text without blanks around it. What was decided on the
way is said in `notes`; what forbids to read on is said all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from evalweave.errors import Fault, nearest, raise_faults
from evalweave.reading import cells as rules
from evalweave.reading import delimited, encodings, old_workbooks, opening, workbooks
from evalweave.reading.delimited import Row
from evalweave.reading.header import TITLE_ROWS, Names, places, repeats

EXPECTED = "a table with a header and rows"
SHOWN_RAGGED = 10


@dataclass(frozen=True)
class Grid:
    """The cells of one sheet before anybody says which row is the header.

    `rows` are (row number as an editor or a spreadsheet shows it, cells), blank rows left out.
    `sheets` are the names of a workbook's sheets that hold anything.
    """

    file: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    delimiter: str = ""  # of a text


@dataclass(frozen=True)
class SmallTable:
    """Rows by column name, as text; `lines` are their row numbers, `header_row` that of the header.

    Columns that were asked for bear the names they were asked for by, all others the file's own.
    `called` has the file's own name of each column.
    """

    file: str
    header: tuple[str, ...]
    rows: list[dict[str, str]]
    lines: list[int]
    notes: tuple[str, ...] = ()
    header_row: int = 1
    called: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def numbered(self) -> list[tuple[int, dict[str, str]]]:
        """Rows with their numbers."""
        return list(zip(self.lines, self.rows, strict=True))


def read(
    path: Path | str,
    required: Collection[str] = (),
    optional: Collection[str] = (),
    rename: Mapping[str, str] | None = None,
    *,
    also: Mapping[str, Sequence[str]] | None = None,
    sheet: str | None = None,
    header_row: int | None = None,
    identifiers: Collection[str] = (),
    numbers: Collection[str] = (),
    expected: str = EXPECTED,
) -> SmallTable:
    """Read a table whose header is found, or named.

    Args:
        required, optional: our names of the columns; a required one must be there.
        rename: our name -> the file's, as somebody declared it: that column must be there.
        also: our name -> other names of the same column, where nothing was declared.
        sheet: the sheet of a workbook; the first that has the required columns if not given.
        header_row: the row number of the header; if not given, the first row with the required
            columns, or the first that is not blank.
        identifiers: columns whose digits must be whole (`cells.identifiers`).
        numbers: columns in which decimal commas are read (`cells.numbers`).

    Capitals, and blanks or hyphens in place of underscores, make no other name.

    Raises:
        StudyError: no such file, or not a file.
        DataError: everything else that is wrong, at once.
    """
    names = Names(tuple(required), tuple(optional), dict(rename or {}), dict(also or {}))
    grid = read_grid(path, sheet=sheet, is_header=names.is_header, expected=expected)
    table = _headed(grid, names, header_row, expected)
    return _ruled(table, identifiers, numbers)


def read_grid(
    path: Path | str,
    *,
    sheet: str | None = None,
    is_header: Callable[[list[str]], bool] | None = None,
    expected: str = EXPECTED,
) -> Grid:
    """Read the cells of a table, for those who find the header themselves.

    `is_header` says of a row's cells whether they are the header that is looked for; it decides
    between delimiters and between the sheets of a workbook.
    """
    opened = opening.look(path, expected)
    if opened.kind in ("zip", "office"):
        return _sheet(opened, sheet, is_header)
    if opened.kind in ("parquet", "arrow", "stata"):
        from evalweave.reading import typed_files

        rows = typed_files.as_text(opened)
        return Grid(opened.name, tuple(enumerate(rows, 1)))
    text, notes = encodings.decoded(opening.content(opened, expected), opened.name)
    delimiter = delimited.delimiter_of(text, is_header)
    rows_ = delimited.split(text, opened.name, delimiter)
    decided = [opening.packed_by_name_only(opened), *notes]
    if delimiter != ",":
        decided.append(f"{opened.name}: cells are separated by {delimited.DELIMITERS[delimiter]}.")
    notes = tuple(note for note in decided if note)
    return Grid(opened.name, tuple(rows_), notes, delimiter=delimiter)


def _sheet(
    opened: opening.Opened, wanted: str | None, is_header: Callable[[list[str]], bool] | None
) -> Grid:
    program = old_workbooks if opened.kind == "office" else workbooks
    grids = {title: rows for title, rows in program.sheets(opened.path).items() if rows}
    titles = tuple(grids)
    if wanted is not None and wanted not in grids:
        found = f'no sheet "{wanted}" with anything in it'
        raise_faults([Fault(opened.name, found, "that sheet", nearest(wanted, titles))])
    if not grids:
        raise_faults([Fault(opened.name, "a workbook without any cell", "a header and rows")])
    fitting = [
        title
        for title, rows in grids.items()
        if is_header is not None and any(is_header(row) for _, row in rows[:TITLE_ROWS])
    ]
    title = wanted or (fitting or titles)[0]
    notes: tuple[str, ...] = ()
    if not opened.name.lower().endswith((".xlsx", ".xlsm", ".xls")):
        notes = (f"{opened.name}: is an Excel workbook, whatever its name ends in.",)
    if len(titles) > 1 and wanted is None:
        notes = (
            *notes,
            f'{opened.name}: of {len(titles)} sheets, "{title}" was read.',
        )
    return Grid(opened.name, tuple(grids[title]), notes, title, titles)


def _headed(grid: Grid, names: Names, header_row: int | None, expected: str) -> SmallTable:
    """Return a grid's rows by column, the header found or named."""
    place = _header_place(grid, names, header_row, expected)
    row, header = grid.rows[place]
    header = list(header)
    while header and not header[-1]:
        header.pop()
    faults = repeats(grid.file, header, row)
    columns = places(grid.file, header, row, names, faults)
    raise_faults(faults)
    taken = set(columns.values())
    columns |= {
        name: i for i, name in enumerate(header) if name and i not in taken and name not in columns
    }
    notes = list(grid.notes)
    if place:
        above = f"the {place} rows" if place > 1 else "the row"
        notes.append(f"{grid.file}: row {row} is read as the header; {above} above it left out.")
    body = [(line, cells) for line, cells in grid.rows[place + 1 :] if cells != grid.rows[place][1]]
    n_again = len(grid.rows) - place - 1 - len(body)
    if n_again:
        again = "once again" if n_again == 1 else f"{n_again} times again"
        notes.append(f"{grid.file}: the header stands {again} among the rows; left out.")
    raise_faults(_ragged(grid, body, len(header)))
    rows = [
        {name: cells[i] if i < len(cells) else "" for name, i in columns.items()}
        for _, cells in body
    ]
    called = {name: header[i] for name, i in columns.items()}
    lines = [line for line, _ in body]
    return SmallTable(grid.file, tuple(columns), rows, lines, tuple(notes), row, called)


def _header_place(grid: Grid, names: Names, header_row: int | None, expected: str) -> int:
    """Return which of the rows is the header."""
    if not grid.rows:
        raise_faults([Fault(grid.file, "no rows", expected)])
    if header_row is not None:
        for place, (line, _) in enumerate(grid.rows):
            if line == header_row:
                return place
        raise_faults([Fault(grid.file, "a blank row", "the header", row=header_row)])
    candidates = enumerate(grid.rows[:TITLE_ROWS])
    return next((place for place, (_, cells) in candidates if names.is_header(cells)), 0)


def _ragged(grid: Grid, body: Sequence[Row], width: int) -> list[Fault]:
    """Return a fault for each row that has more cells than the header, or fewer in a text."""
    wrong = [
        (line, len(cells))
        for line, cells in body
        if any(cells[width:]) or (len(cells) < width and grid.delimiter)
    ]
    if not wrong:
        return []
    action = "Put quotes around text that holds the separator."
    if grid.delimiter == "," and len(wrong) > 0.5 * len(body):
        action = "Put quotes around text and decimal commas, or write decimal points."
    faults = [
        Fault(grid.file, f"{n} cells", f"{width} as in the header", action, line)
        for line, n in wrong[:SHOWN_RAGGED]
    ]
    if len(wrong) > SHOWN_RAGGED:
        found = f"another number of cells than the header's in {len(wrong)} rows"
        faults.append(Fault(grid.file, found, f"{width} in each"))
    return faults


def _ruled(table: SmallTable, identifiers: Collection[str], numbers: Collection[str]) -> SmallTable:
    """Return a table after the rules of its columns of identifiers and numbers."""
    notes = list(table.notes)
    faults: list[Fault] = []
    rows = table.rows
    for names, rule in ((identifiers, rules.identifiers), (numbers, rules.numbers)):
        for name in names:
            if name not in table.header:
                continue
            shown = table.called.get(name, name)
            column = rule(table.file, shown, [row[name] for row in rows], table.lines)
            notes += column.notes
            faults += column.faults
            rows = [row | {name: cell} for row, cell in zip(rows, column.cells, strict=True)]
    raise_faults(faults)
    return replace(table, rows=rows, notes=tuple(notes))
