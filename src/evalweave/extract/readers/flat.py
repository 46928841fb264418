"""The flat format: our own documented contract, one or more files a table, columns renamed in the
study file.

Files are called after the table (`patients.csv`, `events_1.csv.gz`, `registrations.parquet`; events
may also come as `measurements`, `diagnoses` and `referrals`), or as `extract.files` says. An
ehrQL-style extract (`patient_id, date, snomedct_code, numeric_value`) passes with `extract.columns`
alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evalweave import engine
from evalweave.extract.lookups import filled
from evalweave.extract.readers import (
    SUFFIXES,
    TEXT_COLUMNS,
    Source,
    columns_of,
    first_line,
    renames,
)

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.records import EventInRow, Extract

# OpenSAFELY's ehrQL calls two of its tables practice_registrations and clinical_events
# (opensafely-core/ehrql, ehrql/example-data).
STEMS = {
    "patients": ("patients",),
    "registrations": ("registrations", "practice_registrations"),
    "events": ("events", "clinical_events", "measurements", "diagnoses", "referrals"),
}
DEATHS = ("ons_deaths",)  # ehrQL's table of registered deaths: patient_id and date
IN_ROWS = "patients' rows"  # part_of a source whose rows hold events
NAMES = {"patients": "patients", "registrations": "registrations", "events": "events"}
REQUIRED = {
    "patients": ("patient_id", "sex", "birth_year"),
    "registrations": ("patient_id", "practice_id", "start"),
    "events": ("patient_id", "date", "code"),
}
TYPED = ("date", "value", "start", "end", "collected_to", "usable_from", "death_date")
# The contract of events calls them as they are after reading; a rename may use either name.
IN_CONTRACT = {"date_text": "date", "value_text": "value", "unit_text": "unit"}
# Other names under which a column is known without a word in the study file.
ALSO = {
    "date": ("date_text", "event_date"),
    "value": ("value_text", "numeric_value"),
    "unit": ("unit_text",),
    "birth_year": ("year_of_birth", "date_of_birth", "birth_date", "dob"),
    "code": ("snomedct_code",),
    "practice_id": ("practice_pseudo_id",),
    "start": ("start_date", "registration_start", "registration_start_date"),
    "end": ("end_date", "registration_end", "registration_end_date"),
    "death_date": ("date_of_death",),
}


def recognises(folder: Path) -> bool:
    """Return whether a folder has files called patients and registrations or events."""
    names = [path.name.lower() for path in folder.iterdir() if path.is_file()]
    present = [
        any(_named_after(name, stem) for name in names for stem in stems)
        for stems in STEMS.values()
    ]
    return present[0] and any(present[1:])


def find(extract: Extract, table: str) -> list[Source]:
    """Return the files of `table`, sorted by name."""
    folder = Path(extract.path)

    def files_of(stems: Sequence[str]) -> list[Path]:
        there = folder.iterdir() if folder.is_dir() else ()
        return sorted(
            path for path in there if any(_named_after(path.name.lower(), stem) for stem in stems)
        )

    named = extract.files.get(table)
    paths = sorted(folder.glob(named)) if named is not None else files_of(STEMS[table])
    if table == "registrations" and not paths:
        return _in_patients(extract)
    optional = tuple(name for name in TEXT_COLUMNS[table] if name not in REQUIRED[table])
    names = renames(extract, table, TEXT_COLUMNS[table], IN_CONTRACT)
    deaths = [path for path in files_of(DEATHS) if path.is_file()] if table == "patients" else []
    in_rows = _in_rows(extract) if table == "events" and extract.events_in_patients else []
    return in_rows + [
        Source(
            path,
            path.relative_to(folder).as_posix(),
            REQUIRED[table],
            optional,
            names=names,
            also=ALSO,
            typed=TYPED,
            table=table,
            coded=("code",) if table == "events" else (),
            lookups={"ons_deaths": deaths[0]} if deaths else {},
            notes=tuple(
                f"Where patients have no death_date, {each.name} tells it." for each in deaths[:1]
            ),
        )
        for path in paths
        if path.is_file()
    ]


def _in_patients(extract: Extract) -> list[Source]:
    """Return the files of patients, to be read as registrations: one spell a row.

    So extracts come that have one row a patient (ehrQL's datasets) and no file of registrations.
    """
    names = renames(extract, "registrations", TEXT_COLUMNS["registrations"])
    wanted = REQUIRED["registrations"]
    places = (names.get("practice_id", "practice_id"), *ALSO["practice_id"])
    return [
        dataclasses.replace(
            source,
            required=wanted,
            optional=tuple(name for name in TEXT_COLUMNS["registrations"] if name not in wanted),
            names=names,
            table="registrations",
            # the other columns are the patients', however alike their names are
            fixed=True,
            lookups={},
            notes=("No file of registrations: the practice, start and end of patients are read.",),
        )
        for source in find(extract, "patients")
        if any(place.casefold() in first_line(source.path).casefold() for place in places)
    ]


def _in_rows(extract: Extract) -> list[Source]:
    """Return the files of patients, to be read as events that stand in their rows."""
    patient_id = renames(extract, "patients", TEXT_COLUMNS["patients"]).get("patient_id")
    return [
        dataclasses.replace(
            source,
            required=("patient_id", *_columns(extract, source.path)),
            optional=(),
            names={} if patient_id is None else {"patient_id": patient_id},
            also={},
            typed=(),
            fixed=True,
            lookups={},
            notes=(),
            part_of=IN_ROWS,
            table="",
            reshaped=True,
        )
        for source in find(extract, "patients")
    ]


def _columns(extract: Extract, path: Path) -> list[str]:
    """Return the columns of a file that hold events, each once; a pattern that meets none, as it
    is, so that it is missed."""
    there = columns_of(path)
    named = [
        name
        for event in extract.events_in_patients
        for one in events_of(event, there) or [event]
        for name in (one.date, one.value)
        if name
    ]
    return list(dict.fromkeys(named))


def events_of(event: EventInRow, columns: Sequence[str]) -> list[EventInRow]:
    """Return what a declaration means in a file with these columns: itself, or one for each text
    that its * stands for."""
    if "*" not in event.date:
        return [event]
    before, _, after = event.date.partition("*")
    texts = [
        name[len(before) : len(name) - len(after)]
        for name in columns
        if name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after)
    ]
    filled_in = [
        event.model_copy(
            update={key: getattr(event, key).replace("*", text) for key in ("date", "value")}
        )
        for text in texts
    ]
    return [one for one in filled_in if not one.value or one.value in columns]


def _out_of_rows(raw: ir.Table, source: Source, extract: Extract) -> ir.Table:
    """Return a row for each event that stands in a patient's row, with its column beside the file's
    name: so each event has a place of its own."""
    import ibis

    one_each = {
        one.place: one
        for event in extract.events_in_patients
        for one in events_of(event, raw.columns)
    }
    parts = []
    for one in one_each.values():
        value = raw[one.value] if one.value else ibis.null("string")
        part = raw.filter(raw[one.date].notnull() | value.notnull()).select(
            "source_row",
            "patient_id",
            date=raw[one.date],
            code=ibis.literal(one.code),
            code_system=ibis.literal(one.code_system or extract.code_system),
            value=value,
            unit=ibis.literal(one.unit) if one.unit else ibis.null("string"),
            source_file=ibis.literal(f"{source.name}: {' '.join(filter(None, one.place))}"),
        )
        parts.append(part)
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _with_deaths(raw: ir.Table, deaths: ir.Table, order: str) -> ir.Table:
    """Return patients with the day of the death register where they have none of their own."""
    import ibis

    known = deaths.filter(deaths.patient_id.notnull()).group_by("patient_id")
    registered = known.aggregate(_registered=deaths.date.min())
    there = "death_date" in raw.columns
    own = engine.as_text(raw.death_date, order) if there else ibis.null("string")
    joined = raw.mutate(_own=own).left_join(registered, "patient_id")
    day = ibis.coalesce(joined["_own"], joined["_registered"])
    columns = [name for name in raw.columns if name != "death_date"]
    return joined.select(*columns, death_date=day)


def _named_after(name: str, stem: str) -> bool:
    if not name.startswith(stem) or not name.endswith(SUFFIXES):
        return False
    rest = name[len(stem) :]
    return rest.startswith((".", "_", "-"))


def as_text(
    raw: ir.Table, source: Source, extract: Extract, lookup: Callable[[str], ir.Table]
) -> ir.Table:
    """Return the table as it is, less words for missing: its columns already have our names."""
    if extract.missing:
        cells = [name for name in raw.columns if name != "source_row"]
        raw = raw.mutate(**{name: filled(raw[name], extract.missing) for name in cells})
    if source.part_of == IN_ROWS:
        return _out_of_rows(raw, source, extract)
    if source.lookups:
        return _with_deaths(raw, lookup("ons_deaths"), extract.date_format)
    return raw
