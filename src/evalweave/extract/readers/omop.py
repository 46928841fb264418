"""OMOP Common Data Model 5.4: CSV or Parquet, one or more files a table, names in either case.

A file belongs to the table that it (`MEASUREMENT.csv`, `measurement_1.parquet`) or its folder
(`measurement/part-0.parquet`) is called after. Codes are concept identifiers: the standard concept,
or the source concept where there is none (0); with `code_system: snomed` and a CONCEPT table,
SNOMED CT codes where the concept is one. Practice: PERSON.care_site_id. Registrations:
OBSERVATION_PERIOD, several a person.
Concepts: OHDSI Standardized Vocabularies (Athena).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave.extract.lookups import filled, numbered, together
from evalweave.extract.readers import Source, files_below, in_quotes, renames
from evalweave.vocabulary.words import words

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.records import Extract

NAMES = {"patients": "PERSON", "registrations": "OBSERVATION_PERIOD", "events": "MEASUREMENT"}
TABLES = {
    "patients": ("person",),
    "registrations": ("observation_period",),
    "events": ("measurement", "condition_occurrence", "observation", "procedure_occurrence"),
}
MEASURED = (
    "value_as_number",
    "value_source_value",
    "operator_concept_id",
    "unit_concept_id",
    "unit_source_value",
)
# The columns that must and may be in each table.
COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "person": (
        ("person_id", "gender_concept_id", "year_of_birth"),
        (
            "month_of_birth",
            "gender_source_value",
            "race_concept_id",
            "race_source_value",
            "imd_quintile",
        ),
    ),
    "observation_period": (
        ("person_id", "observation_period_start_date", "observation_period_end_date"),
        (),
    ),
    "measurement": (
        ("person_id", "measurement_concept_id", "measurement_date"),
        ("measurement_source_concept_id", *MEASURED),
    ),
    "condition_occurrence": (
        ("person_id", "condition_concept_id", "condition_start_date"),
        ("condition_source_concept_id",),
    ),
    "observation": (
        ("person_id", "observation_concept_id", "observation_date"),
        ("observation_source_concept_id", *MEASURED),
    ),
    "procedure_occurrence": (
        ("person_id", "procedure_concept_id", "procedure_date"),
        ("procedure_source_concept_id",),
    ),
}
ALSO = {
    f"{name}_date": (f"{name}_datetime",)
    for name in ("measurement", "observation", "procedure", "condition_start")
}
NO_CARE_SITE = "unknown"  # the practice of people without care_site_id
GENDERS = {"8507": "male", "8532": "female"}
RACES = {
    "8527": "White",
    "8515": "Asian",
    "8516": "Black",
    "8557": "Native Hawaiian or Other Pacific Islander",
    "8657": "American Indian or Alaska Native",
}
OPERATORS = {"4171756": "<", "4171754": "<=", "4172704": ">", "4171755": ">="}
# Unit concepts are words of the vocabulary like any other: those of HbA1c are the ones that OHDSI's
# DataQualityDashboard (concept level, CDM 5.4) allows for it.
UNITS = {word: unit for word, unit in words("units").known.items() if re.fullmatch(r"\d{4,}", word)}


def recognises(folder: Path) -> bool:
    """Return whether a folder has PERSON and one of OBSERVATION_PERIOD and MEASUREMENT."""
    there = {_table_of(path, folder) for path in files_below(folder)}
    return "person" in there and bool(there & {"observation_period", "measurement"})


def find(extract: Extract, table: str) -> list[Source]:
    """Return the files of `table`, sorted by name; tables without rows are left out, but for
    PERSON."""
    folder = Path(extract.path)
    by_table: dict[str, list[Path]] = {}
    for path in files_below(folder):
        by_table.setdefault(_table_of(path, folder), []).append(path)
    pattern = extract.files.get(table)
    named = [path for path in folder.glob(pattern) if path.is_file()] if pattern else []
    needs = {"patients": ("death",), "registrations": ("person",), "events": ("concept",)}[table]
    lookups = {
        k: path for kind in needs for k, path in numbered(kind, by_table.get(kind, [])).items()
    }
    names = renames(
        extract, table, [name for each in TABLES[table] for some in COLUMNS[each] for name in some]
    )
    translated = extract.code_system == "snomed" and bool(by_table.get("concept"))
    sources, empty = [], []
    for part_of in TABLES[table]:
        files = by_table.get(part_of, [])
        if pattern:  # in a file of another name, the first table of its kind unless the name says
            files = [
                path for path in named if (_table_of(path, folder) or TABLES[table][0]) == part_of
            ]
        required, optional = COLUMNS[part_of]
        for path in sorted(files):
            if table == "events" and not _has_rows(path):
                empty.append(part_of.upper())
                continue
            sources.append(
                Source(
                    path,
                    path.relative_to(folder).as_posix(),
                    required,
                    optional,
                    part_of,
                    in_quotes(path),
                    lookups=lookups,
                    names=names,
                    also=ALSO,
                    table=table,
                    fixed=True,
                    identifiers=("person_id",),
                    coded=_coded(part_of) if table == "events" and not translated else (),
                )
            )
    notes = _notes(table, by_table, lookups, empty, extract)
    return [
        Source(**{**vars(source), "notes": notes if place == 0 else ()})
        for place, source in enumerate(sources)
    ]


def _coded(part_of: str) -> tuple[str, ...]:
    """Return the columns of a table of events that hold its concepts."""
    return tuple(name for some in COLUMNS[part_of] for name in some if _is_of_event(name))


def _is_of_event(column: str) -> bool:
    return column.endswith("_concept_id") and column not in MEASURED


def _table_of(path: Path, folder: Path) -> str:
    """Return the table that a file, or else the folder it lies in, is called after."""
    known = (*COLUMNS, "death", "concept", "care_site")
    places = [
        path.name,
        *(parent.name for parent in path.relative_to(folder).parents if parent.name),
    ]
    for name in places:
        stem = re.sub(r"([_-]?\d+)*(\.(csv|tsv|txt|parquet|arrow|feather|gz))*$", "", name.lower())
        if stem in known:
            return stem
    return ""


def _has_rows(path: Path) -> bool:
    with path.open("rb") as handle:
        start = handle.read(1 << 16)
    if start.startswith(b"PAR1"):
        import pyarrow.parquet as pq

        try:
            return bool(pq.read_metadata(path).num_rows)
        except Exception:  # a damaged file is told when it is read
            return True
    return (
        start.startswith((b"\x1f\x8b", b"ARROW1"))
        or len(start) == 1 << 16
        or len(start.replace(b"\0", b"").strip().splitlines()) > 1
    )


def _notes(
    table: str,
    there: dict[str, list[Path]],
    lookups: dict[str, Path],
    empty: list[str],
    extract: Extract,
) -> tuple[str, ...]:
    notes = []
    if table == "patients":
        if "death" not in there:
            notes.append("No DEATH table, so follow-up ends with the observation period only.")
        notes.append(
            "OMOP has no deprivation; add a column imd_quintile (1 = most deprived) to PERSON if "
            "you can."
        )
    if table == "registrations":
        notes.append(
            "A person's practice is PERSON.care_site_id, which is the latest: moves between "
            "practices are unseen, "
            f'and whoever has none is at the practice "{NO_CARE_SITE}" (list it in the practices '
            "to keep them)."
        )
    if table == "events":
        absent = [name.upper() for name in TABLES["events"] if name not in there]
        if absent or empty:
            listed = ", ".join([*absent, *(f"{name} (no rows)" for name in empty)])
            notes.append(
                f"Tables that are not there, so that nothing of them is counted: {listed}."
            )
        if extract.code_system == "snomed" and not lookups:
            notes.append(
                "No CONCEPT table, so codes stay OMOP concepts (code_system: snomed asks for it)."
            )
        others = Counter(path.name for path in there.get("", []))
        if others:
            notes.append(
                f"Not read, as nothing in them is needed: {', '.join(sorted(others)[:20])}."
            )
    return tuple(notes)


def as_text(
    raw: ir.Table, source: Source, extract: Extract, lookup: Callable[[str], ir.Table]
) -> ir.Table:
    """Return patients, registrations or events, as the source's table says."""
    cells = raw.mutate(
        **{name: filled(raw[name], extract.missing) for name in raw.columns if name != "source_row"}
    )
    if source.part_of == "person":
        return _patients(cells, source, extract, lookup)
    if source.part_of == "observation_period":
        return _registrations(cells, source, extract, lookup)
    return _events(cells, source, extract, lookup)


def _patients(
    raw: ir.Table, source: Source, extract: Extract, lookup: Callable[[str], ir.Table]
) -> ir.Table:
    columns: dict[str, Any] = {
        "patient_id": raw.person_id,
        "birth_year": raw.year_of_birth,
        "sex": _first(_said(raw.gender_concept_id, GENDERS), _cell(raw, "gender_source_value")),
        "ethnicity": _first(
            _cell(raw, "race_source_value"), _said(_cell(raw, "race_concept_id"), RACES)
        ),
    }
    if "month_of_birth" in raw.columns:
        columns["birth_month"] = raw.month_of_birth
    if "imd_quintile" in raw.columns:
        columns["imd_quintile"] = raw.imd_quintile
    people = raw.select("source_row", **columns)
    deaths = together(
        "death", source.lookups, lookup, "person_id", ("death_date",), (), extract.missing
    )
    if deaths is None:
        return people
    return people.left_join(deaths, people.patient_id == deaths.person_id).drop("person_id")


def _registrations(
    raw: ir.Table, source: Source, extract: Extract, lookup: Callable[[str], ir.Table]
) -> ir.Table:
    import ibis

    people = together(
        "person", source.lookups, lookup, "person_id", (), ("care_site_id",), extract.missing
    )
    if people is None:
        known = raw.mutate(care_site_id=ibis.null("string"))
    else:
        known = raw.left_join(people, "person_id", rname="{name}_of_person")
    return known.select(
        "source_row",
        patient_id=known.person_id,
        practice_id=_concept(known.care_site_id).fill_null(NO_CARE_SITE),
        start=known.observation_period_start_date,
        end=known.observation_period_end_date,
    )


def _events(
    raw: ir.Table, source: Source, extract: Extract, lookup: Callable[[str], ir.Table]
) -> ir.Table:
    import ibis

    kind = source.part_of.partition("_")[0] if source.part_of != "observation" else "observation"
    concept = _first(
        _concept(raw[f"{kind}_concept_id"]), _concept(_cell(raw, f"{kind}_source_concept_id"))
    )
    day = raw[source.required[2]]
    known = raw.mutate(
        _concept=concept, _day=day, _unit_concept=_concept(_cell(raw, "unit_concept_id"))
    )
    code, system = known._concept, ibis.literal("omop")
    unit = _said(known._unit_concept, UNITS)
    measured = source.part_of in ("measurement", "observation")
    concepts = together(
        "concept",
        source.lookups,
        lookup,
        "concept_id",
        ("concept_code", "vocabulary_id"),
        (),
        extract.missing,
    )
    if concepts is not None and measured:
        ucum = concepts.filter(concepts.vocabulary_id == "UCUM").select(
            _unit_concept="concept_id", _ucum="concept_code"
        )
        known = known.left_join(ucum, "_unit_concept", rname="{name}_of_unit")
        unit = _first(_said(known._unit_concept, UNITS), known._ucum)
    if concepts is not None and extract.code_system == "snomed":
        snomed = concepts.filter(concepts.vocabulary_id == "SNOMED").select(
            _concept="concept_id", _snomed="concept_code"
        )
        known = known.left_join(snomed, "_concept", rname="{name}_of_code")
        code = _first(known._snomed, known._concept)
        system = known._snomed.notnull().ifelse("snomed", "omop")
    columns: dict[str, Any] = {}
    if measured:
        columns["value"] = _value(known)
        columns["unit"] = _first(unit, _cell(known, "unit_source_value"), known._unit_concept)
    return known.select(
        "source_row",
        patient_id=known.person_id,
        date=known._day,
        code=code,
        code_system=system,
        **columns,
    )


def _value(raw: ir.Table) -> Any:
    """Return the value as text, with its comparator; what the source said where there is no
    number."""
    number = _cell(raw, "value_as_number")
    comparator = _said(_cell(raw, "operator_concept_id"), OPERATORS)
    return _first(comparator + number, number, _cell(raw, "value_source_value"))


def _cell(raw: ir.Table, name: str) -> Any:
    import ibis

    return raw[name] if name in raw.columns else ibis.null("string")


def _concept(text: Any) -> Any:
    """Return a concept or other identifier; 0 means that there is none."""
    return text.nullif("0")


def _said(text: Any, words: dict[str, str]) -> Any:
    """Return what the concepts of `words` mean, null for others."""
    import ibis

    known = [
        (text.isin([key]), word) for key, word in words.items()
    ]  # a blank column cannot be compared with ==
    return ibis.cases(*known, else_=ibis.null("string"))


def _first(*texts: Any) -> Any:
    import ibis

    return ibis.coalesce(*texts)
