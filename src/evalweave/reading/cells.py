"""What the cells of a table say, whoever reads it: blanks, decimal commas, cut identifiers.

A spreadsheet keeps fifteen digits of a number and shows long ones as 1.26E+16; half of Europe
writes 57,14 for 57.14; a data frame with one blank turns 44054006 into 44054006.0. Each of these
is told from a whole column, never from one cell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from evalweave.errors import Fault

# str.strip() knows white space, no-break spaces included; these have no width and are not known.
WIDTHLESS = "\u200b\u200c\u200d\u2060\ufeff"
BLANKS = (
    WIDTHLESS
    + "".join(chr(code) for code in (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680))
    + "".join(
        chr(code) for code in (*range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
    )
)
# A mantissa and an exponent; without a fraction or a plus sign it may be a pseudonym such as 1E5.
EXPONENTIAL = r"[0-9]([.,][0-9]+)?[Ee]\+[0-9]{1,3}|[0-9][.,][0-9]+[Ee][0-9]{1,3}"
WITH_POINT_ZERO = r"[0-9]+\.0+"
WITH_FRACTION = r"[0-9]+\.[0-9]*[1-9][0-9]*"
DECIMAL_COMMA = r"[+\-−]?[0-9]*,[0-9]+([Ee][+-]?[0-9]+)?"
# One comma and three digits may be a thousand or a decimal; anything else is a decimal.
DOUBTFUL_COMMA = r"[+\-−]?[1-9][0-9]{0,2},[0-9]{3}"
THOUSANDS = (
    r"[+\-−]?[0-9]{1,3}((,[0-9]{3}){2,}(\.[0-9]*)?|(,[0-9]{3})+\.[0-9]*"
    r"|(\.[0-9]{3})+,[0-9]*|(\.[0-9]{3}){2,}|([ \u00a0\u202f'’][0-9]{3})+([.,][0-9]*)?)"
)
EXACT = 2**53  # whole numbers beyond it have been rounded when they were numbers
KEPT_DIGITS = 15  # of a number in a spreadsheet
RISKY = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for a formula
CUT = "A spreadsheet has cut these identifiers: take the file from its source again, and do not "
CUT += "save it from a spreadsheet."


@dataclass(frozen=True)
class Column:
    """A column after its rule: its cells, what was done to them, and what forbids to read it."""

    cells: list[str]
    notes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


def trimmed(text: str) -> str:
    """Return text without blanks around it, those without width and no-break spaces included."""
    return text.strip(BLANKS)


def identifiers(file: str, name: str, cells: Sequence[str], rows: Sequence[int]) -> Column:
    """Return a column of identifiers, `.0` taken off where every value has it.

    Exponential forms, and `.0` at some of the values or on more digits than a number holds, are
    faults: other identifiers may have fallen into one with these.
    """
    cells = list(cells)
    filled = [cell for cell in cells if cell]
    cut = _first(cells, EXPONENTIAL)
    if cut is not None:
        what = f"{_count(cells, EXPONENTIAL)} cells in exponential form, such as 1.26E+16"
        expected = "all digits of an identifier"
        return Column(cells, faults=(Fault(file, what, expected, CUT, rows[cut], name),))
    if (cut := _cut_to_zeros(cells)) is not None:
        what = f"identifiers of more than {KEPT_DIGITS} digits that all end in zeros"
        return Column(cells, faults=(Fault(file, what, "all digits", CUT, rows[cut], name),))
    pointed = _first(cells, WITH_POINT_ZERO)
    if pointed is None or _first(cells, WITH_FRACTION) is not None:
        return Column(cells)
    whole = [re.sub(r"\.0+$", "", cell) for cell in cells]
    rounded = next((place for place, cell in enumerate(whole) if _beyond(cell)), None)
    if rounded is not None:
        what = 'identifiers that were numbers (they end in ".0"), with more digits than one keeps'
        return Column(cells, faults=(Fault(file, what, "all digits", CUT, rows[rounded], name),))
    n_pointed = _count(cells, WITH_POINT_ZERO)
    if n_pointed < len(filled):
        what = f'".0" at the end of {n_pointed} of {len(filled)} identifiers'
        action = "Have the column written as text, and the file exported again."
        expected = "identifiers as they were given out"
        return Column(cells, faults=(Fault(file, what, expected, action, rows[pointed], name),))
    note = f'{file}: every {name} ends in ".0", as numbers do; it was taken off.'
    return Column(whole, (note,))


def numbers(file: str, name: str, cells: Sequence[str], rows: Sequence[int]) -> Column:
    """Return a column of numbers as text, decimal commas turned into points.

    Commas are decimal where one of them cannot be anything else. Separators of thousands, commas
    and points side by side, and commas that may be either are faults. Text that is no number stays.
    """
    cells = list(cells)
    thousands, comma = _first(cells, THOUSANDS), _first(cells, DECIMAL_COMMA)
    if thousands is not None:
        action = "Write 1234.5, without separators of thousands."
        what = f"{_count(cells, THOUSANDS)} numbers with separators of thousands"
        return Column(cells, faults=(Fault(file, what, "numbers", action, rows[thousands], name),))
    if comma is None:
        return Column(cells)
    n_commas = _count(cells, DECIMAL_COMMA)
    pointed = _first(cells, r"[+\-−]?[0-9]*\.[0-9]+")
    if pointed is not None:
        what = f"decimal commas ({n_commas} cells) beside decimal points"
        action = "Write decimal points throughout."
        return Column(cells, faults=(Fault(file, what, "one of them", action, rows[comma], name),))
    if n_commas == _count(cells, DOUBTFUL_COMMA):
        what = f"{n_commas} numbers such as 1,234, whose comma may be decimal or set off thousands"
        action = "Write decimal points, and no separators of thousands."
        return Column(cells, faults=(Fault(file, what, "numbers", action, rows[comma], name),))
    with_points = [
        cell.replace(",", ".") if re.fullmatch(DECIMAL_COMMA, cell) else cell for cell in cells
    ]
    return Column(with_points, (f"{file}: {name} has decimal commas, read as decimal points.",))


def _first(cells: Sequence[str], pattern: str) -> int | None:
    matches = re.compile(pattern).fullmatch
    return next((place for place, cell in enumerate(cells) if matches(cell)), None)


def _count(cells: Sequence[str], pattern: str) -> int:
    matches = re.compile(pattern).fullmatch
    return sum(matches(cell) is not None for cell in cells)


def _beyond(cell: str) -> bool:
    return cell.isascii() and cell.isdigit() and len(cell) > KEPT_DIGITS and int(cell) > EXACT


def _cut_to_zeros(cells: Sequence[str]) -> int | None:
    """Return the first identifier of more digits than a spreadsheet keeps, where all end in zeros.

    Among twenty different ones, chance does not do that.
    """
    long = {cell for cell in cells if len(cell) > KEPT_DIGITS and cell.isascii() and cell.isdigit()}
    if len(long) < 20 or any(cell[KEPT_DIGITS:].strip("0") for cell in long):
        return None
    return next(place for place, cell in enumerate(cells) if cell in long)


def neutralised(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: a leading = + - @ gets an apostrophe
    before it."""
    return "'" + text if text.lstrip("'").startswith(RISKY) else text


def unguarded(text: str) -> str:
    """Return a text that `neutralised` wrote as it was: the guard is for spreadsheets, and a
    quotation on a page has none."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(RISKY) else text
