"""Text (without blanks around it) to dates and numbers, as expressions: what cannot be read becomes
blank and stays beside it as text.

Only `try_cast` decides, and nothing is guessed from one cell. Forms of dates are in `dates`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from evalweave import engine
from evalweave.extract.glossary import Glossary, glossary
from evalweave.reading.cells import BLANKS
from evalweave.study.vocabulary import Vocabulary
from evalweave.timeline import FIRST_DAY, LAST_DAY

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.extract.dates import Dates

LARGEST = 1.7976931348623157e308
PLAIN = glossary(Vocabulary())


@ibis.udf.scalar.builtin(name="trim")
def _stripped(text: str, marks: str) -> str:  # type: ignore[empty-body]
    """Return text without any of the marks at its ends."""


def trimmed(text: Any) -> Any:
    """Return text without blanks around it (`reading.cells.BLANKS`); nothing becomes null."""
    # trimming costs ten times what looking does, and hardly any cell needs it; blanks sort before
    # "!" or after "~"
    last = text.right(1)
    padded = (text < "!") | (text > "~") | (last < "!") | (last > "~")
    return padded.ifelse(_stripped(text, BLANKS), text).nullif("")


def unread(text: Any, parsed: Any, words: Glossary | None = None) -> Any:
    """Return the text where it says something that could not be `parsed`, null elsewhere; with
    `words`, a word for a blank says nothing.

    A date or number that was read needs no second copy as text.
    """
    says = engine.as_text(text)
    if words is not None and says.type().is_string():
        says = words.is_missing(says).ifelse(ibis.null("string"), says)
    return parsed.isnull().ifelse(says, ibis.null("string"))


def number(text: Any) -> Any:
    """Return the finite number that `text` says with a decimal point, or null (1_000, nan and 48,5
    are none)."""
    value = text.try_cast("float64")
    finite = value.abs() <= LARGEST  # engines order NaN after infinity
    if text.type().is_string():
        finite &= ~text.contains("_")
    return finite.ifelse(value, ibis.null("float64"))


def whole_number(text: Any) -> Any:
    """Return the whole number that `text` says (1950 or 1950.0), or null."""
    value = number(text)
    return (value == value.floor()).ifelse(value, ibis.null("float64")).try_cast("int64")


def patients(text: ir.Table, dates: Dates, words: Glossary = PLAIN) -> ir.Table:
    """Return PATIENTS with what could not be read as `<column>_text`, and the row of each.

    The column birth_year may hold dates of birth.
    """
    t = text
    year = whole_number(t.birth_year)
    year = year.between(FIRST_DAY.year, LAST_DAY.year).ifelse(year, ibis.null("int64"))
    born = dates.read("birth_year", t.birth_year)  # of the cell, not of what is no year: each use
    # of a column repeats its expression in the query
    month = year.isnull().ifelse(born.month().cast("int64"), ibis.null("int64"))
    read = {
        "birth_year": ibis.coalesce(year, born.year().cast("int64")),
        "birth_month": ibis.coalesce(whole_number(t.birth_month), month),
        "imd_quintile": whole_number(t.imd_quintile),
        "death_date": dates.read("death_date", t.death_date),
        "acceptable": words.yes_no(t.acceptable),
    }
    sex = words.meaning("sexes", t.sex, ibis.null("string"))
    return t.select(
        "patient_id",
        sex=sex.fill_null("unknown"),
        sex_text=unread(t.sex, sex, words),
        ethnicity=t.ethnicity,
        **read,
        **{f"{name}_text": unread(t[name], parsed, words) for name, parsed in read.items()},
        source_file=t.source_file,
        source_row=t.source_row,
    )


def registrations(text: ir.Table, dates: Dates, words: Glossary = PLAIN) -> ir.Table:
    """Return REGISTRATIONS with what could not be read as `<column>_text`, and the row of each."""
    t = text
    start, end = dates.read("start", t.start), dates.read("end", t.end)
    # a table of practices of its own may be written in either way
    collected_to, usable_from = (
        ibis.coalesce(dates.read(name, t[name]), dates.read("start", t[name]))
        for name in ("collected_to", "usable_from")
    )
    return t.select(
        "patient_id",
        "practice_id",
        start=start,
        end=end,
        start_text=unread(t.start, start, words),
        end_text=unread(t.end, end, words),
        collected_to=collected_to,
        usable_from=usable_from,
        source_file=t.source_file,
        source_row=t.source_row,
    )


def events(text: ir.Table, dates: Dates, words: Glossary = PLAIN) -> ir.Table:
    """Return EVENTS."""
    t = text
    day, value = dates.read("date", t.date), number(t.value)
    return t.select(
        "patient_id",
        "practice_id",
        date=day,
        date_text=unread(t.date, day, words),
        code=t.code,
        code_system=words.meaning("coding_systems", t.code_system, t.code_system.lower()),
        value_text=unread(t.value, value),
        value=value,
        unit_text=t.unit,
        family_history=words.yes_no(t.family_history),
        source_file=t.source_file,
        source_row=t.source_row,
    )


PARSERS = {"patients": patients, "registrations": registrations, "events": events}
# Cells that may be unreadable: parsed column → the text it came from.
READ_FROM = {
    "patients": {
        "birth_year": "birth_year_text",
        "birth_month": "birth_month_text",
        "imd_quintile": "imd_quintile_text",
        "death_date": "death_date_text",
        "acceptable": "acceptable_text",
    },
    "registrations": {"start": "start_text", "end": "end_text"},
    "events": {"date": "date_text", "value": "value_text"},
}
