"""Which file of a folder may be which of our tables, and which of its columns ours, by their names:
what `evalweave init --from` proposes and the study file then says."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from evalweave.extract.readers import TEXT_COLUMNS, columns_of, files_below, reader
from evalweave.extract.readers.flat import ALSO, REQUIRED
from evalweave.study.records import EventInRow, Extract

ENOUGH = 0.9  # of the columns that a table needs, for a file to be taken for it
NEAR = 0.75  # how alike the names of columns are that are taken for each other
NUMBER = r"(?<=_)(\d+)(?=_|$)"  # in the name of a column: hba1c_date_2015
HBA1C = "1003671000000109"  # SNOMED CT, haemoglobin A1c level: unit not said
# Names that a study's own dataset may give them; init says so in the study file, where it is seen.
LIKELY = {
    "start": ("practice_start_date", "practice_start", "practice_registration_start_date"),
}
# What tells a spell's first day in a name → what tells its last in the name beside it.
ENDS = {"start": "end", "joined": "left", "registration": "deregistration", "reg": "left"}


def like(path: Path) -> tuple[str, dict[str, str]]:
    """Return which table a file's header is most like, with our column → its name where they
    differ; no table where too much is missing."""
    folded = _folded(path)
    best: tuple[float, str, dict[str, str]] = (0.0, "", {})
    for table, required in REQUIRED.items():
        share, renamed = _resemblance(folded, table)
        stem = 0.01 * difflib.SequenceMatcher(None, table, path.name.casefold()).ratio()
        if len(renamed) < len(required) and share > ENOUGH and share + stem > best[0]:
            best = (share + stem, table, renamed)
    beside = _end_beside(best[2].get("start"), folded) if best[1] == "registrations" else {}
    return best[1], best[2] | beside


def _resemblance(folded: dict[str, str], table: str) -> tuple[float, dict[str, str]]:
    """Return how much of what a table needs a header has (case folded → as written), from 0 to 1,
    and our column → its name where they differ."""
    renamed, close = {}, 0.0
    for ours in REQUIRED[table]:
        if any(name in folded for name in (ours, *ALSO.get(ours, ()))):
            close += 1
            continue
        likely = [ours, *ALSO.get(ours, ())]
        near = [(1.0, folded[name]) for name in LIKELY.get(ours, ()) if name in folded] or [
            (difflib.SequenceMatcher(None, wanted, name).ratio(), theirs)
            for wanted in likely
            for name, theirs in folded.items()
        ]
        ratio, theirs = max(near, default=(0.0, ""))
        if ratio >= NEAR:
            close += ratio
            renamed[ours] = theirs
    return close / len(REQUIRED[table]), renamed


def _spell_in_row(folded: dict[str, str]) -> dict[str, str]:
    """Return how the patients' rows call a registration's start and end, where they do so in
    another way than is known: by whole names only, for other columns start and end as well."""
    if any(name in folded for name in ("start", *ALSO["start"])):
        return _end_beside(None, folded)
    start = next((folded[name] for name in LIKELY["start"] if name in folded), None)
    return {"start": start, **_end_beside(start, folded)} if start else {}


def _end_beside(start: str | None, folded: dict[str, str]) -> dict[str, str]:
    """Return `end` → the column that is called like that of the start but for what says so, if
    there is one and none is known by its name. `start` is none where it is known by its name."""
    if any(name in folded for name in ("end", *ALSO["end"])):
        return {}
    known = next((name for name in ("start", *ALSO["start"]) if name in folded), None)
    start = start or known or ""
    names = (start.casefold().replace(first, last) for first, last in ENDS.items())
    beside = [folded[name] for name in names if name in folded and name != start.casefold()]
    return {"end": beside[0]} if beside else {}


def only_one(folder: Path) -> Path | None:
    """Return the only file of a folder with a column patient_id, if there is just one."""
    paths = [path for path in files_below(folder) if "patient_id" in _folded(path)]
    return paths[0] if len(paths) == 1 else None


def _folded(path: Path) -> dict[str, str]:
    return {name.casefold(): name for name in columns_of(path) if name}


def _rows_of_patients(folder: Path) -> Path | None:
    """Return the file that has one row a patient where none is called patients: the only one with
    a column patient_id, or the one with all that the table of patients needs."""
    fit = {path: _resemblance(_folded(path), "patients") for path in files_below(folder)}
    alike = [path for path, (share, names) in fit.items() if share > ENOUGH and len(names) < 3]
    best = min(alike, key=lambda path: (len(fit[path][1]), path.name), default=None)
    return best or only_one(folder)


def proposed(folder: Path, format_: str) -> Extract:
    """Return the `extract` section for a folder: of flat files also which file is which table."""
    extract = Extract(format=format_, path=str(folder))
    if format_ != "flat":
        return extract
    files: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = {}
    extract = extract.model_copy(update={"files": files, "columns": columns})  # filled in here
    matching = {path: like(path) for path in files_below(folder)}
    for table in TEXT_COLUMNS:
        found = reader(format_).find(extract, table)
        sources = [source for source in found if not source.fixed]
        if sources:
            renamed = matching.get(sources[0].path, ("", {}))
            if renamed[0] == table and renamed[1]:
                columns[table] = renamed[1]
            continue
        alike = {path: names for path, (table_, names) in matching.items() if table_ == table}
        if table == "patients" and (path := _rows_of_patients(folder)):
            alike = {path: _resemblance(_folded(path), table)[1]}
            matching.pop(path)
        if (table == "registrations" and found and not alike) and (
            spell := _spell_in_row(_folded(found[0].path))
        ):
            columns[table] = spell
        if table == "events" and not alike:
            extract = extract.model_copy(update={"events_in_patients": _in_rows(extract)})
        if alike:
            path = min(alike, key=lambda each: (len(alike[each]), each.name))
            files[table] = path.relative_to(folder).as_posix()
            if alike[path]:
                columns[table] = alike[path]
    return extract


def _in_rows(extract: Extract) -> list[EventInRow]:
    """Return events that seem to stand in columns of the patients' row: pairs of columns that are
    called alike but for `date`, in which HbA1c is named. Their unit is left to the code or range.
    """
    events = []
    for source in reader("flat").find(extract, "patients")[:1]:
        columns = columns_of(source.path)
        for day in columns:
            if "hba1c" not in day.casefold() or "date" not in day.casefold():
                continue
            plain = re.sub("_?date(_measured)?", "", day, flags=re.IGNORECASE).strip("_")
            alike = (plain, re.sub("date", "value", day, flags=re.IGNORECASE), f"{plain}_value")
            value = next((name for name in alike if name in columns and name != day), None)
            if value is not None:
                events.append(_of_many(EventInRow(date=day, value=value, code=HBA1C)))
    return list(dict.fromkeys(events))


def _of_many(event: EventInRow) -> EventInRow:
    """Return an event with a * for the number that the names of its columns share."""
    names = [re.split(NUMBER, name, maxsplit=1) for name in event.place]
    if any(len(parts) != 3 for parts in names) or names[0][1] != names[1][1]:
        return event
    day, value = (f"{before}*{after}" for before, _, after in names)
    return event.model_copy(update={"date": day, "value": value})
