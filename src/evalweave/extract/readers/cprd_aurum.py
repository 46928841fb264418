"""CPRD Aurum: numbered tab-separated files, `<study>_extract_<table>_<nnn>.txt`, with lookups
beside them.

Patient, Practice and Observation are read; the other tables are only named. Cells that say `NA` are
blank (some builds write it; `extract.missing` may say other words). Layout: CPRD Aurum data
specification (Patient, Practice, Observation; NumUnit.txt and MedicalDictionary). Codes are
medcodeids, or SNOMED CT where the study file says `code_system: snomed` and a MedicalDictionary is
there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave.extract.lookups import filled, numbered, together
from evalweave.extract.readers import Source, files_below, in_quotes, renames

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.records import Extract

NAMES = {"patients": "Patient", "registrations": "Patient", "events": "Observation"}
NOT_READ = ("consultation", "problem", "referral", "drugissue", "staff")
_TABLE = re.compile(
    r"(?:^|[_-])(patient|practice|observation|" + "|".join(NOT_READ) + r")(?:[_-]\d+)*"
    r"\.(?:txt|csv|tsv|parquet)(?:\.gz)?$"
)
_NUMUNIT = re.compile(r"num_?unit\w*\.(?:txt|csv|tsv|parquet)(?:\.gz)?$")
_DICTIONARY = re.compile(r"medical_?dictionary\w*\.(?:txt|csv|tsv|parquet)(?:\.gz)?$")
COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "patients": (
        ("patid", "gender", "yob"),
        ("mob", "emis_ddate", "cprd_ddate", "acceptable", "ethnicity", "imd_quintile"),
    ),
    "registrations": (("patid", "pracid", "regstartdate"), ("regenddate",)),
    "events": (("patid", "obsdate", "medcodeid"), ("pracid", "value", "numunitid", "obstypeid")),
}
FAMILY_HISTORY = "4"  # obstypeid


def recognises(folder: Path) -> bool:
    """Return whether a folder has files called …_patient_… and …_observation_…, as CPRD names
    them."""
    files = {_table_of(path) for path in files_below(folder)}
    return {"patient", "observation"} <= files


def find(extract: Extract, table: str) -> list[Source]:
    """Return the files of `table`, with the lookups that explain them, sorted by name."""
    folder = Path(extract.path)
    files = files_below(folder)
    wanted = NAMES[table].lower()
    if table in extract.files:
        paths = sorted(path for path in folder.glob(extract.files[table]) if path.is_file())
    else:
        paths = [path for path in files if _table_of(path) == wanted]
    lookups = {
        "practice": [path for path in files if _table_of(path) == "practice"],
        "unit": [path for path in files if _NUMUNIT.search(path.name.lower())],
        "dictionary": [path for path in files if _DICTIONARY.search(path.name.lower())],
    }
    translated = extract.code_system == "snomed"
    needs = {
        "patients": (),
        "registrations": ("practice",),
        "events": ("unit", "dictionary") if translated else ("unit",),
    }
    chosen = {
        key: path for kind in needs[table] for key, path in numbered(kind, lookups[kind]).items()
    }
    required, optional = COLUMNS[table]
    notes = _notes(table, files, lookups, translated)
    return [
        Source(
            path,
            path.relative_to(folder).as_posix(),
            required,
            optional,
            quoted=in_quotes(path),
            lookups=chosen,
            names=renames(extract, table, (*required, *optional)),
            fixed=True,
            identifiers=("patid", "pracid", "medcodeid"),
            table=table,
            notes=notes if place == 0 else (),
            coded=("medcodeid",) if table == "events" and not translated else (),
        )
        for place, path in enumerate(paths)
    ]


def _table_of(path: Path) -> str:
    named = _TABLE.search(path.name.lower())
    return named[1] if named else ""


def _notes(
    table: str, files: list[Path], lookups: dict[str, list[Path]], translated: bool
) -> tuple[str, ...]:
    notes = []
    if table == "registrations":
        notes.append(
            "CPRD Aurum gives a patient who moves to another practice a new patid (it ends with "
            "the practice's "
            "number), so moves between practices are unseen: a mover counts as one who left and "
            "one who came."
        )
        if not lookups["practice"]:
            notes.append(
                "No Practice file, so the last collection (lcd) of practices is unknown here; give "
                "contributes_to in "
                "the practices, or extract, last_collection."
            )
    if table == "events":
        if not lookups["unit"]:
            notes.append(
                "No NumUnit.txt, so the unit of every value is blank; codes or values decide it."
            )
        if translated and not lookups["dictionary"]:
            notes.append(
                "No MedicalDictionary, so codes stay medcodeids (code_system: snomed asks for it)."
            )
        others = Counter(name for name in map(_table_of, files) if name in NOT_READ)
        if others:
            listed = ", ".join(f"{name} ({n})" for name, n in sorted(others.items()))
            notes.append(
                f"Not read, as nothing in them is needed (table and number of files): {listed}."
            )
    return tuple(notes)


def as_text(
    raw: ir.Table, source: Source, extract: Extract, lookup: Callable[[str], ir.Table]
) -> ir.Table:
    """Return patients, registrations or events, told apart by the columns that were asked for."""
    cells = raw.mutate(
        **{name: filled(raw[name], extract.missing) for name in raw.columns if name != "source_row"}
    )
    if "yob" in source.required:
        return _patients(cells)
    if "regstartdate" in source.required:
        return _registrations(cells, source, extract, lookup)
    return _events(cells, source, extract, lookup)


def _patients(raw: ir.Table) -> ir.Table:
    """`cprd_ddate` is CPRD's own derivation from all sources and goes before what the practice
    entered."""
    import ibis

    columns = {
        "sex": "gender",
        "birth_year": "yob",
        "birth_month": "mob",
        "ethnicity": "ethnicity",
        "imd_quintile": "imd_quintile",
        "acceptable": "acceptable",
    }
    deaths = [raw[name] for name in ("cprd_ddate", "emis_ddate") if name in raw.columns]
    return raw.select(
        "source_row",
        patient_id=raw.patid,
        **{ours: raw[theirs] for ours, theirs in columns.items() if theirs in raw.columns},
        **({"death_date": ibis.coalesce(*deaths)} if deaths else {}),
    )


def _registrations(
    raw: ir.Table, source: Source, extract: Extract, lookup: Callable[[str], ir.Table]
) -> ir.Table:
    practices = together(
        "practice", source.lookups, lookup, "pracid", (), ("lcd", "uts"), extract.missing
    )
    known = raw if practices is None else raw.left_join(practices, "pracid")
    columns: dict[str, Any] = {"patient_id": known.patid, "practice_id": known.pracid}
    columns["start"] = known.regstartdate
    if "regenddate" in raw.columns:
        columns["end"] = known.regenddate
    if practices is not None:
        columns |= {"collected_to": known.lcd, "usable_from": known.uts}
    return known.select("source_row", **columns)


def _events(
    raw: ir.Table, source: Source, extract: Extract, lookup: Callable[[str], ir.Table]
) -> ir.Table:
    """A numunitid that NumUnit lacks is kept as such: a unit that nobody knows."""
    import ibis

    known, code, system = raw, raw.medcodeid, ibis.literal("medcodeid")
    if extract.code_system == "snomed":
        terms = together(
            "dictionary",
            source.lookups,
            lookup,
            "medcodeid",
            ("snomedctconceptid",),
            (),
            extract.missing,
        )
        if terms is not None:
            known = known.left_join(terms, "medcodeid", rname="{name}_of_terms")
            code = ibis.coalesce(known.snomedctconceptid, known.medcodeid)
            system = known.snomedctconceptid.notnull().ifelse("snomed", "medcodeid")
    columns: dict[str, Any] = {}
    units = together(
        "unit", source.lookups, lookup, "numunitid", ("description",), (), extract.missing
    )
    if units is not None and "numunitid" in raw.columns:
        known = known.mutate(_code=code, _system=system)
        known = known.left_join(units, "numunitid", rname="{name}_of_units")
        code, system = known._code, known._system
        columns["unit"] = ibis.coalesce(known.description, "numunitid " + known.numunitid)
    for ours, theirs in (("practice_id", "pracid"), ("value", "value")):
        if theirs in raw.columns:
            columns[ours] = known[theirs]
    if "obstypeid" in raw.columns:
        columns["family_history"] = (known.obstypeid == FAMILY_HISTORY).ifelse(
            "true", ibis.null("string")
        )
    return known.select(
        "source_row",
        patient_id=known.patid,
        date=known.obsdate,
        code=code,
        code_system=system,
        **columns,
    )
