"""The flat format: our own documented contract, one or more files a table, columns renamed in the
study file.

Files are called after the table (`patients.csv`, `events_1.csv.gz`, `registrations.parquet`; events
may also come as `measurements`, `diagnoses` and `referrals`), or as `extract.files` says. An
ehrQL-style extract (`patient_id, date, snomedct_code, numeric_value`) passes with `extract.columns`
alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from evalweave.extract.lookups import filled
from evalweave.extract.readers import SUFFIXES, TEXT_COLUMNS, Source, first_line, renames

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.records import Extract

STEMS = {
    "patients": ("patients",),
    "registrations": ("registrations",),
    "events": ("events", "measurements", "diagnoses", "referrals"),
}
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
    if table in extract.files:
        paths = sorted(folder.glob(extract.files[table]))
    else:
        paths = sorted(
            path
            for path in (folder.iterdir() if folder.is_dir() else ())
            if any(_named_after(path.name.lower(), stem) for stem in STEMS[table])
        )
    if table == "registrations" and not paths:
        return _in_patients(extract)
    optional = tuple(name for name in TEXT_COLUMNS[table] if name not in REQUIRED[table])
    names = renames(extract, table, TEXT_COLUMNS[table], IN_CONTRACT)
    return [
        Source(
            path,
            path.relative_to(folder).as_posix(),
            REQUIRED[table],
            optional,
            names=names,
            also=ALSO,
            typed=TYPED,
            coded=("code",) if table == "events" else (),
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
            # the other columns are the patients', however alike their names are
            fixed=True,
            notes=("No file of registrations: the practice, start and end of patients are read.",),
        )
        for source in find(extract, "patients")
        if any(place.casefold() in first_line(source.path).casefold() for place in places)
    ]


def _named_after(name: str, stem: str) -> bool:
    if not name.startswith(stem) or not name.endswith(SUFFIXES):
        return False
    rest = name[len(stem) :]
    return rest.startswith((".", "_", "-"))


def as_text(
    raw: ir.Table, source: Source, extract: Extract, lookup: Callable[[str], ir.Table]
) -> ir.Table:
    """Return the table as it is, less words for missing: its columns already have our names."""
    if not extract.missing:
        return raw
    return raw.mutate(
        **{name: filled(raw[name], extract.missing) for name in raw.columns if name != "source_row"}
    )
