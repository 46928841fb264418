"""CPRD GOLD: numbered tab-separated files, `<study>_Extract_<Table>_<nnn>.txt`.

Patient, Practice, Clinical and Test are read. Layout: CPRD GOLD data specification. A test result
stands in data fields that its entity type explains: data1 is the operator, data2 the value, data3
the unit (lookup SUM; 1 is %, 97 mmol/mol). Results of HbA1c (entity 275) have the code 275 of the
system gold_entity, whatever their medcode; all else has its medcode. A patid ends in the number of
the practice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave.extract.lookups import filled, numbered, together
from evalweave.extract.readers import Source, files_below, in_quotes, renames

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.records import Extract

NAMES = {"patients": "Patient", "registrations": "Patient", "events": "Clinical and Test"}
FILES = {
    "patients": ("patient",),
    "registrations": ("patient",),
    "events": ("clinical", "test"),
}
_TABLE = re.compile(
    r"(?:^|[_-])(patient|practice|clinical|test)(?:[_-]?\d+)*\.(?:txt|csv|tsv|parquet)(?:\.gz)?$"
)
COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "patients": (
        ("patid", "gender", "yob"),
        ("mob", "deathdate", "accept", "ethnicity", "imd_quintile"),
    ),
    "registrations": (("patid", "crd"), ("tod", "pracid")),
    "clinical": (("patid", "eventdate", "medcode"), ("enttype",)),
    "test": (("patid", "eventdate", "medcode", "enttype"), ("data1", "data2", "data3")),
}
HBA1C = "275"  # entity type
# Lookups OPR and SUM, as published in a Stata program for CPRD GOLD (P. Baptiste, prog_getACR.do,
# build of July 2019: label define OPR, label define UNIT). Of OPR, 0 is missing and 3 is =.
OPERATORS = {"0": "", "1": "<", "2": "<=", "3": "", "4": ">", "5": ">=", "6": "~"}
UNITS = {"1": "%", "97": "mmol/mol"}
BIRTH_YEARS_FROM = 1800  # OHDSI ETL-LambdaBuilder, CPRD PERSON: yob + 1800


def recognises(folder: Path) -> bool:
    """Return whether a folder has files called …_Patient_… and …_Clinical_… or …_Test_…."""
    tables = {_table_of(path) for path in files_below(folder)}
    return "patient" in tables and bool(tables & {"clinical", "test"})


def find(extract: Extract, table: str) -> list[Source]:
    """Return the files of `table`, with the practices that explain patients, sorted by name."""
    folder = Path(extract.path)
    files = files_below(folder)
    if table in extract.files:
        paths = sorted(path for path in folder.glob(extract.files[table]) if path.is_file())
    else:
        paths = [path for path in files if _table_of(path) in FILES[table]]
    practices = [path for path in files if _table_of(path) == "practice"]
    known = tuple(name for part in _parts(table) for some in COLUMNS[part] for name in some)
    sources = []
    for path in paths:
        part = _part_of(path, table)
        required, optional = COLUMNS[part]
        sources.append(
            Source(
                path,
                path.relative_to(folder).as_posix(),
                required,
                optional,
                part_of=part,
                quoted=in_quotes(path),
                lookups=numbered("practice", practices) if table == "registrations" else {},
                names=renames(extract, table, known),
                fixed=True,
                identifiers=("patid", "pracid", "medcode"),
                table=table,
                notes=_notes(table, practices) if path == paths[0] else (),
            )
        )
    return sources


def _table_of(path: Path) -> str:
    named = _TABLE.search(path.name.lower())
    return named[1] if named else ""


def _parts(table: str) -> tuple[str, ...]:
    return FILES[table] if table == "events" else (table,)


def _part_of(path: Path, table: str) -> str:
    """Return which columns a file has; one of events that is named otherwise is taken for Test."""
    if table != "events":
        return table
    return "clinical" if _table_of(path) == "clinical" else "test"


def _notes(table: str, practices: list[Path]) -> tuple[str, ...]:
    if table != "registrations":
        return ()
    notes = [
        "CPRD GOLD gives a patient who moves to another practice a new patid, so moves between "
        "practices are unseen: a mover counts as one who left and one who came."
    ]
    if not practices:
        notes.append(
            "No Practice file: the practice is taken to be the last three digits of patid, and the "
            "last collection (lcd) and the up-to-standard date (uts) of practices are unknown."
        )
    return tuple(notes)


def as_text(
    raw: ir.Table, source: Source, extract: Extract, lookup: Callable[[str], ir.Table]
) -> ir.Table:
    """Return patients, registrations or events, as the source's part says."""
    cells = raw.mutate(
        **{name: filled(raw[name], extract.missing) for name in raw.columns if name != "source_row"}
    )
    if source.part_of == "patients":
        return _patients(cells)
    if source.part_of == "registrations":
        return _registrations(cells, source, extract, lookup)
    return _events(cells)


def _patients(raw: ir.Table) -> ir.Table:
    columns = {
        "sex": "gender",
        "birth_month": "mob",
        "death_date": "deathdate",
        "ethnicity": "ethnicity",
        "imd_quintile": "imd_quintile",
        "acceptable": "accept",
    }
    year = raw.yob.try_cast("int64")
    since_1800 = year.between(1, 399).ifelse((year + BIRTH_YEARS_FROM).cast("string"), raw.yob)
    return raw.select(
        "source_row",
        patient_id=raw.patid,
        birth_year=since_1800,
        **{ours: raw[theirs] for ours, theirs in columns.items() if theirs in raw.columns},
    )


def _registrations(
    raw: ir.Table, source: Source, extract: Extract, lookup: Callable[[str], ir.Table]
) -> ir.Table:
    import ibis

    practices = together(
        "practice", source.lookups, lookup, "pracid", (), ("lcd", "uts"), extract.missing
    )
    columns: dict[str, Any] = {"patient_id": raw.patid, "start": raw.crd}
    if "tod" in raw.columns:
        columns["end"] = raw.tod
    three, five = (_number(raw.patid.right(digits)) for digits in (3, 5))
    if practices is None:
        place = raw.pracid if "pracid" in raw.columns else three
        return raw.select("source_row", practice_id=place, **columns)
    # numbers of practices had three digits at first, and five since there are more than 999
    digits = practices.aggregate(n=practices.pracid.length().max()).n.as_scalar()
    place = raw.pracid if "pracid" in raw.columns else (digits > 3).ifelse(five, three)
    known = raw.select("source_row", _place=place, **columns)
    known = known.left_join(practices, known["_place"] == practices.pracid)
    return known.select(
        "source_row",
        *columns,
        practice_id=ibis.coalesce(known.pracid, known["_place"]),
        collected_to=known.lcd,
        usable_from=known.uts,
    )


def _number(digits: Any) -> Any:
    """Return digits without leading zeros, as Practice writes the number of a practice."""
    return digits.try_cast("int64").cast("string")


def _events(raw: ir.Table) -> ir.Table:
    import ibis

    blank = ibis.null("string")
    entity = raw.enttype if "enttype" in raw.columns else blank
    measures = "data2" in raw.columns
    is_hba1c = (entity == HBA1C).fill_null(False) if measures else ibis.literal(False)
    columns: dict[str, Any] = {}
    if measures:
        # the number of another operator or unit is kept, so that a rule sets it aside; 0 is no unit
        if "data1" in raw.columns:
            operator = _whole(raw.data1)
            operator = ibis.coalesce(_meaning(operator, OPERATORS), "OPR " + operator + " ", "")
        else:
            operator = ibis.literal("")
        columns["value"] = operator + raw.data2
        if "data3" in raw.columns:
            unit = _whole(raw.data3)
            columns["unit"] = ibis.coalesce(_meaning(unit, UNITS), "SUM " + unit.nullif("0"))
    return raw.select(
        "source_row",
        patient_id=raw.patid,
        date=raw.eventdate,
        code=is_hba1c.ifelse(ibis.literal(HBA1C), raw.medcode),
        code_system=is_hba1c.ifelse(ibis.literal("gold_entity"), ibis.literal("gold_medcode")),
        **columns,
    )


def _whole(number: Any) -> Any:
    """Return a number of a lookup as such: data fields are written 3 or 3.000."""
    import ibis

    value = number.try_cast("float64")
    whole = (value == value.floor()).ifelse(value, ibis.null("float64"))
    return ibis.coalesce(whole.try_cast("int64").cast("string"), number)


def _meaning(number: Any, words: dict[str, str]) -> Any:
    import ibis

    known = [(number.isin([key]), word) for key, word in words.items()]
    return ibis.cases(*known, else_=ibis.null("string"))
