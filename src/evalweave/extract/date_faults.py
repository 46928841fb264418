"""What the dates of a whole file show: that they are written in another form than declared, in
several, or in none that can be read.

A date that cannot be read is counted, kept as text and set aside later by a rule. Where a column as
a whole is written in another way, reading on would misread it or lose it: it is read in the one
form that all its cells have, or refused with what was seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evalweave.errors import Fault
from evalweave.extract.dates import (
    DAY_NUMBER,
    SHAPES,
    TWO_DIGIT_YEAR,
    Dates,
    date,
    unmistakable,
    written,
)

if TYPE_CHECKING:
    import ibis.expr.types as ir

COLUMNS = {
    "patients": ("death_date", "birth_year"),
    "registrations": ("start", "end"),
    "events": ("date",),
}
OTHER_FORM_SHARE = 0.01  # of a file's dates; a few impossible dates are typing errors


@dataclass(frozen=True)
class Seen:
    """Of the cells of a date column that could not be read: how many fit each other form, are day
    numbers, or have years of two digits."""

    filled: int
    unreadable: int = 0
    fits: Mapping[str, int] = field(default_factory=dict)
    day_numbers: int = 0
    two_digit_years: int = 0


def look(
    backend: Any, part: ir.Table, column: str, filled: int, unreadable: int, dates: Dates
) -> Seen:
    """Return what the unreadable cells of a date column look like."""
    if not unreadable:
        return Seen(filled)
    cells = part.filter(part[f"{column}_text"].notnull())
    text = cells[f"{column}_text"]
    capitals = text.upper()
    other = [form for form in SHAPES if form != dates.form(column)]
    shaped = {form: capitals.re_search(SHAPES[form]) for form in other}
    counted = _one_row(
        backend,
        cells.aggregate(
            day_numbers=text.re_search(DAY_NUMBER).sum(),
            two_digit_years=capitals.re_search(TWO_DIGIT_YEAR).sum(),
            **{form: shape.sum() for form, shape in shaped.items()},
        ),
    )
    # few files have cells of another shape: only then are the forms themselves tried
    tried = [form for form in other if counted[form]]
    fits = dict.fromkeys(other, 0)
    if tried:
        read = {
            form: shaped[form].ifelse(date(text, form, dates.zone), None).count() for form in tried
        }
        fits |= _one_row(backend, cells.aggregate(**read))
    return Seen(
        filled,
        unreadable,
        fits,
        counted["day_numbers"],
        counted["two_digit_years"],
    )


def _one_row(backend: Any, figures: ir.Table) -> dict[str, int]:
    row = backend.to_pyarrow(figures).to_pylist()[0]
    return {name: int(value or 0) for name, value in row.items()}


def recognised(seen: Mapping[str, Seen]) -> dict[str, str]:
    """Return the columns of a file that are written in one unmistakable other form: column →
    form."""
    forms = {
        column: unmistakable(dates.filled, dates.unreadable, dates.fits)
        for column, dates in seen.items()
    }
    return {column: form for column, form in forms.items() if form}


def notes(name: str, forms: Mapping[str, str], declared: str) -> list[str]:
    """Return a sentence for each column that is read in another form than declared."""
    return [
        f"{name}, column {column}: every date is written as {written(form)}, and read so; extract, "
        f"date_format says {declared}."
        for column, form in forms.items()
    ]


def faults(name: str, column: str, seen: Seen, form: str) -> list[Fault]:
    """Return the fault of a column that is not written in its form."""
    if not seen.unreadable:
        return []
    few = OTHER_FORM_SHARE * seen.filled
    best = max(seen.fits.values(), default=0)
    expected = f"{written(form)} throughout, as extract, date_format says"
    if best > few:
        fits = [other for other, n in seen.fits.items() if n == best]
        shown = " or ".join(map(written, fits))
        what = (
            f"{best} of {seen.filled} dates that {'fit' if len(fits) > 1 else 'only fit'} {shown}"
        )
        action = (
            "Forms are mixed, so that days and months of the others may be exchanged too: have the "
            "dates written in one form."
        )
        if best == seen.filled:
            action = f"Set extract, date_format: {fits[0]}."
            if len(fits) > 1:
                action = "Find out which of them it is, and set extract, date_format."
        return [Fault(name, what, expected, action, column=column)]
    if seen.two_digit_years > few:
        what = f"{seen.two_digit_years} of {seen.filled} dates with a year of two digits"
        action = "Nobody can tell 1915 from 2015: export them with four digits."
        return [Fault(name, what, f"four digits, such as {written(form)}", action, column=column)]
    if seen.day_numbers > few and column != "birth_year":
        what = (
            f"{seen.day_numbers} of {seen.filled} dates as numbers of days, as spreadsheets and "
            "SAS store them"
        )
        action = (
            "Say in extract, date_format what they count: 42124 is 30 April 2015 in Excel "
            "(excel_1900); Excel of old Macs writes 40662 for it (excel_1904), SAS and Stata 20208 "
            "(days_since_1960). Or export them as text."
        )
        return [Fault(name, what, f"dates such as {written(form)}", action, column=column)]
    if 2 * seen.unreadable > seen.filled:
        what = f"{seen.unreadable} of {seen.filled} cells that are no dates of any known form"
        expected = f"dates such as {written(form)}"
        if column == "birth_year":
            what = f"{seen.unreadable} of {seen.filled} cells that are no years"
            expected = f"years such as 1957, or dates of birth such as {written(form)}"
        action = (
            "Look whether the header names this column rightly, and have it written as one of the "
            "forms under extract, date_format in config/README.md."
        )
        return [Fault(name, what, expected, action, column=column)]
    return []
