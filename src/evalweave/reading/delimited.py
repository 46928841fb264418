"""Splitting text into cells: which sign stands between them, where rows begin, what quotes hold."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from evalweave.errors import Fault, raise_faults
from evalweave.reading.cells import trimmed

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
SAMPLE = 1 << 16  # characters from which the delimiter is told
LONGEST_CELL = 1 << 27
MARKUP = ("<!", "<html", "<table", "<?xml", "mime-version:", "{", "[{")
SAVE_SHEET = "Some programs name one .xls: open it in a spreadsheet and save it as .xlsx."

Row = tuple[int, list[str]]  # the line on which a row begins, as a text editor counts; its cells


def delimiter_of(text: str, is_header: Callable[[list[str]], bool] | None = None) -> str:
    """Return the sign between the cells.

    The sign by which a row is the header that `is_header` knows; else the one by which most rows
    have the same number of cells (more than one), the wider rows where that leaves two.
    """
    sample = text[:SAMPLE]
    if len(sample) < len(text):
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    best, best_score = ",", (0.0, 0)
    for delimiter in ("\t", ";", "|", ","):
        if delimiter not in sample:
            continue
        rows: list[list[str]] = []
        with suppress(csv.Error):
            for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
                rows.append(row)
        rows = [row for row in rows if any(trimmed(cell) for cell in row)]
        if is_header is not None and any(is_header(row) for row in rows if len(row) > 1):
            return delimiter
        widths = Counter(len(row) for row in rows)
        width, n_rows = max(widths.items(), key=lambda item: (item[0] > 1, item[1], item[0]))
        score = (n_rows / len(rows), width) if width > 1 else (0.0, 0)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def split(text: str, name: str, delimiter: str) -> list[Row]:
    """Return the rows that are not blank, their cells without blanks around them.

    Raises:
        DataError: a web page or JSON, a quote that is never closed, text behind a closing quote.
    """
    csv.field_size_limit(LONGEST_CELL)
    if text[:64].lstrip().lower().startswith(MARKUP):
        found = "what looks like a web page, XML or JSON"
        action = SAVE_SHEET if name.lower().endswith(".xls") else ""
        raise_faults([Fault(name, found, "a header and rows", action, 1)])
    rows, broken = _records(text, delimiter, quoted=True)
    if delimiter == "\t" and '"' in text:  # there, a quote may be a sign of the text: 5" wide
        plain, _ = _records(text, delimiter, quoted=False)
        even = len({len(cells) for _, cells in plain}) == 1
        if even and (broken is not None or len(plain) != len(rows)):
            return plain
    if broken is not None:
        row, problem = broken
        found = f"a row that cannot be told from the next ({problem})"
        action = "Close the quote, and double the quotes within a text."
        raise_faults([Fault(name, found, "one row a line", action, row)])
    swallowed = next((line for line, cells in rows if swallows(cells, rows, delimiter)), None)
    if swallowed is not None:
        found = "a quote that takes in the rows that follow it"
        action = "Close the quote, and double the quotes within a text."
        raise_faults([Fault(name, found, "one row a line", action, swallowed)])
    return rows


def _records(text: str, delimiter: str, quoted: bool) -> tuple[list[Row], tuple[int, str] | None]:
    """Return the rows, and (row, problem) where they could not be told apart further on."""
    records = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        strict=True,
    )
    rows: list[Row] = []
    line = 1
    try:
        for cells in records:
            cells = [trimmed(cell) for cell in cells]
            if any(cells):
                rows.append((line, cells))
            line = records.line_num + 1
    except csv.Error as error:
        unclosed = "unexpected end" in str(error)
        return rows, (line, "a quote that is never closed" if unclosed else "text behind a quote")
    return rows, None


def swallows(cells: Sequence[str], rows: Sequence[Row], delimiter: str) -> bool:
    """Return whether a cell of a row holds whole rows, because a quote before them is not closed.

    Such a text breaks no rule of CSV, so only the shape shows it: what stands before the first and
    after the last line end in the cell makes up one row with the cells around it, and every line
    between them is as wide as a row.
    """
    if not any("\n" in cell for cell in cells) or not rows:
        return False
    width = len(rows[0][1])
    if width < 2 or len(cells) != width:
        return False
    for place, cell in enumerate(cells):
        first, *between = cell.split("\n")
        if not between:
            continue
        last = between.pop()
        around = (first.count(delimiter), last.count(delimiter)) == (width - 1 - place, place)
        if around and all(line.count(delimiter) == width - 1 for line in between):
            return True
    return False
