"""Text (without blanks around it) to dates and numbers, as expressions: what cannot be read becomes
blank and stays beside it as text.

Only `try_cast` decides. Each form of date is first rearranged as year-month-day text, so that
31/02/2016 is no date, and nothing is guessed from one cell: the study file says which order the
file is written in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from evalweave import engine
from evalweave.records.codes import SPELLINGS, SYSTEMS
from evalweave.timeline import FIRST_DAY

if TYPE_CHECKING:
    import ibis.expr.types as ir

SEXES = {
    "female": ("female", "f", "2", "8532", "woman"),
    "male": ("male", "m", "1", "8507", "man"),
}
LARGEST = 1.7976931348623157e308
TRUE, FALSE = ("true", "t", "1", "y", "yes"), ("false", "f", "0", "n", "no")


def trimmed(text: Any) -> Any:
    """Return text without blanks around it; nothing becomes null."""
    # trimming costs ten times what looking does, and hardly any cell needs it; all white space
    # sorts before "!"
    padded = (text < "!") | (text.right(1) < "!")
    return padded.ifelse(text.strip(), text).nullif("")


def date(text: Any, order: str) -> Any:
    """Return the date that `text` says in the given order (iso, dmy, mdy), or null. A time of day
    is dropped.

    Years have four digits: 0000-01-01 and 0001-01-01 are no dates (engines read the first as one
    before Christ). What a typed file stores as a date is one already.
    """
    day = text if text.type().is_date() else READ[order](text)
    return (day >= ibis.literal(FIRST_DAY, "date")).ifelse(day, ibis.null("date"))


def unread(text: Any, parsed: Any) -> Any:
    """Return the text where it says something that could not be `parsed`, null elsewhere.

    A date or number that was read needs no second copy as text.
    """
    return parsed.isnull().ifelse(engine.as_text(text), ibis.null("string"))


def iso_date(text: Any) -> Any:
    """Return the date of 2015-04-01 or 2015-04-01T00:00:00, or null."""
    plain = (text.length() == 10) & (text.substr(4, 1) == "-")
    dashed = (text.substr(4, 1) == "-") & (text.substr(7, 1) == "-")
    timed = (text.length() > 13) & text.substr(10, 1).isin(["T", " "]) & (text.substr(13, 1) == ":")
    hour, minute = text.substr(11, 2).try_cast("int8"), text.substr(14, 2).try_cast("int8")
    timed = timed & hour.between(0, 24) & minute.between(0, 59)
    first = (dashed & timed).ifelse(text.substr(0, 10).try_cast("date"), ibis.null("date"))
    return plain.ifelse(text.try_cast("date"), first)


def ordered_date(text: Any, order: str) -> Any:
    """Return the date of 01/04/2015 or 1-4-2015 (dmy, or mdy with the month first), or null."""
    first, second = text.substr(0, 2), text.substr(3, 2)
    day, month = (first, second) if order == "dmy" else (second, first)
    marks = text.substr(2, 1).isin(["/", "-", "."]) & (text.substr(5, 1) == text.substr(2, 1))
    plain = (text.length() == 10) & marks
    fast = (text.substr(6, 4) + "-" + month + "-" + day).try_cast("date")
    pattern = (
        r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AP]M)?)?$"
    )
    one, two, year = (text.re_extract(pattern, n) for n in (1, 2, 3))
    day, month = (one, two) if order == "dmy" else (two, one)
    slow = (year + "-" + month.lpad(2, "0") + "-" + day.lpad(2, "0")).try_cast("date")
    return plain.ifelse(fast, text.re_search(pattern).ifelse(slow, ibis.null("date")))


READ = {
    "iso": iso_date,
    "dmy": lambda text: ordered_date(text, "dmy"),
    "mdy": lambda text: ordered_date(text, "mdy"),
}


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


def one_of(text: Any, words: dict[Any, tuple[str, ...]], otherwise: Any) -> Any:
    """Return the key whose words hold `text` (whatever its case); `otherwise` when there is
    none."""
    lower = text.lower()
    return ibis.cases(
        *[(lower.isin(list(said)), key) for key, said in words.items()], else_=otherwise
    )


def coding_system(text: Any) -> Any:
    """Return our name of a coding system as people write it (SNOMED CT, Read v2); other names in
    lower case."""
    lower = text.lower()
    words: dict[str, list[str]] = {}
    for said, ours in SPELLINGS.items():
        words.setdefault(ours, []).append(said)
    known = ibis.cases(*[(lower.isin(said), ours) for ours, said in words.items()], else_=lower)
    return lower.isin(list(SYSTEMS)).ifelse(lower, known)


def patients(text: ir.Table, order: str) -> ir.Table:
    """Return PATIENTS with what could not be read as `<column>_text`, and the row each came
    from."""
    t = text
    read = {
        "birth_year": whole_number(t.birth_year),
        "birth_month": whole_number(t.birth_month),
        "imd_quintile": whole_number(t.imd_quintile),
        "death_date": date(t.death_date, order),
        "acceptable": one_of(t.acceptable, {True: TRUE, False: FALSE}, ibis.null("boolean")),
    }
    return t.select(
        "patient_id",
        sex=one_of(t.sex, dict(SEXES), ibis.literal("unknown")),
        ethnicity=t.ethnicity,
        **read,
        **{f"{name}_text": unread(t[name], parsed) for name, parsed in read.items()},
        source_file=t.source_file,
        source_row=t.source_row,
    )


def registrations(text: ir.Table, order: str) -> ir.Table:
    """Return REGISTRATIONS with what could not be read as `<column>_text`, and the row each came
    from."""
    t = text
    start, end = date(t.start, order), date(t.end, order)
    return t.select(
        "patient_id",
        "practice_id",
        start=start,
        end=end,
        start_text=unread(t.start, start),
        end_text=unread(t.end, end),
        collected_to=date(t.collected_to, order),
        source_file=t.source_file,
        source_row=t.source_row,
    )


def events(text: ir.Table, order: str) -> ir.Table:
    """Return EVENTS."""
    t = text
    day, value = date(t.date, order), number(t.value)
    return t.select(
        "patient_id",
        "practice_id",
        date=day,
        date_text=unread(t.date, day),
        code=t.code,
        code_system=coding_system(t.code_system),
        value_text=unread(t.value, value),
        value=value,
        unit_text=t.unit,
        family_history=one_of(t.family_history, {True: TRUE, False: FALSE}, ibis.null("boolean")),
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
