"""Looking at an extract of which nothing is known yet: its format, files, columns, dates, coding
systems, practices and the time that its records cover, for a study file to begin with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave.catalogue.extracts import EXTRACTS
from evalweave.catalogue.words import number_of
from evalweave.errors import DataError, StudyError
from evalweave.extract import checking, guessing, overlooked
from evalweave.extract.readers import files_below, first_line, reader
from evalweave.records import coded
from evalweave.study.connections import masked
from evalweave.study.records import DATE_FORMS, Extract
from evalweave.study.vocabulary import Vocabulary

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.records.codelists import Codelist
    from evalweave.study.outcomes import Outcome

MOST_CODES = 8  # shown where no code of a list was met
SUBGROUPS = {"imd_quintile": "imd_quintile", "white": "ethnicity"}  # analysis by → column


@dataclass
class Survey:
    """What an extract holds, as far as looking at it tells."""

    extract: Extract
    found: list[str] = field(default_factory=list)  # in sentences
    questions: list[str] = field(default_factory=list)  # what looking could not tell
    practices: dict[str, int] = field(default_factory=dict)  # with people registered
    records: dict[str, int] = field(default_factory=dict)  # of each code list
    first: dt.date | None = None  # nearly all records of outcomes lie between these days
    last: dt.date | None = None
    subgroups: tuple[str, ...] = ()  # that the patients' columns allow
    facts: tuple[str, ...] = ()  # of age, sex and imd_quintile, what is filled


@dataclass(frozen=True)
class Came:
    """An extract that is looked at: the section of the study file that is proposed for it, how to
    get at files that such a section reads, and what to know of them."""

    proposed: Extract
    files: Callable[[Extract], Extract] = lambda extract: extract
    notes: Callable[[], list[str]] = list


def of_folder(folder: Path) -> Came:
    """Return an extract of files; raise `StudyError` where a folder has none."""
    return Came(guessing.proposed(folder, format_of(folder)))


def format_of(folder: Path) -> str:
    """Return the format whose files a folder has; raise `StudyError` where it has none's."""
    if not folder.is_dir():
        raise StudyError(
            f"--from: {masked(str(folder))}: there is no such folder. Give its folder, or "
            "a database by its address (postgresql://…, which goes under extract, connection)."
        )
    named = next((name for name in EXTRACTS if reader(name).recognises(folder)), None)
    if named is not None:
        return named
    if any(guessing.like(path)[0] for path in files_below(folder)) or guessing.only_one(folder):
        return next(iter(EXTRACTS))
    present = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
    raise StudyError(
        f"--from: {folder}: found no extract of a known format (there is {present}). Known: "
        f"{', '.join(EXTRACTS)}."
    )


def starts_in(folder: Path) -> Path | None:
    """Return the file of a folder that says which practice started when, if there is one."""
    for path in files_below(folder):
        header = first_line(path).casefold().replace('"', "")
        if "practice_id" in header and "programme_start" in header:
            return path
    return None


def survey(
    backend: Any,
    came: Came,
    scratch: Path,
    lists: dict[str, Codelist],
    outcomes: dict[str, Outcome],
) -> Survey:
    """Look at an extract: of long files at the beginning only.

    `lists` are the small code lists that come with a new study, `outcomes` those of them that are
    measured.
    """

    def looked(extract: Extract) -> checking.Overview:
        try:
            return checking.look_over(backend, came.files(extract), scratch, Vocabulary())
        except DataError as error:  # tables or columns that a database lacks
            return checking.Overview(faults=str(error).splitlines())

    extract = came.proposed
    overview = looked(extract)
    form, questions = _date_form(overview, extract)
    if form != extract.date_format:
        extract = extract.model_copy(update={"date_format": form})
        overview = looked(extract)
    system = _coding_system(backend, overview, extract, lists, outcomes)
    if system != extract.code_system:
        extract = extract.model_copy(update={"code_system": system})
        overview = looked(extract)
    seen = Survey(extract, questions=[*questions, *overview.faults])
    seen.found = [note for note in overview.notes if "every date" not in note] + came.notes()
    tables = overview.tables
    if extract.events_in_patients:
        seen.questions.append(
            "Do extract, events_in_patients name the columns that hold measurements, each with its "
            "code and unit? They were found by their names. A diagnosis is a column of dates with "
            "its code: {date: t2dm_date, code: '44054006'}."
        )
    if extract.format == "flat":  # the other formats fix what each of their columns holds
        seen.questions += _unsaid(backend, overview)
    if "registrations" in tables:
        spells = tables["registrations"]
        counts = spells.group_by("practice_id").aggregate(n=spells.patient_id.nunique())
        rows = backend.to_pyarrow(counts).to_pylist()
        seen.practices = {
            row["practice_id"]: row["n"]
            for row in sorted(rows, key=lambda row: row["practice_id"] or "")
            if row["practice_id"] is not None
        }
        n = len(seen.practices)
        seen.found.append(f"{number_of(n, 'practice has', 'practices have')} registrations")
    if "patients" in tables:
        _people(backend, tables["patients"], seen)
    if "events" in tables:
        _records(backend, tables["events"], lists, outcomes, seen)
    return seen


def _unsaid(backend: Any, overview: checking.Overview) -> list[str]:
    """Return a question where nothing says when people left or died: a study runs without, and
    their columns may only be called otherwise."""
    tables, questions = overview.tables, []
    for (table, column), event in {
        ("registrations", "end"): "people left their practice",
        ("patients", "death_date"): "people died",
    }.items():
        blank = table in tables and overlooked.is_blank(backend, tables[table], column)
        if blank or overview.overlooked.lacks(table, column):
            questions.append(
                f"Which column says when {event}? {table}, {column} is blank or not found. If the "
                f"extract has it: extract, columns: {{{table}: {{{column}: ITS_NAME}}}}."
            )
    return questions


def _date_form(overview: checking.Overview, extract: Extract) -> tuple[str, list[str]]:
    """Return how the dates are written: as every file that says so, or as the format has it; where
    day and month cannot be told apart, day first, with a question."""
    said = [
        form
        for note in overview.notes
        for form in DATE_FORMS
        if "every date" in note and f"({form})" in note
    ]
    if said:
        return max(set(said), key=said.count), []
    if any("(dmy)" in fault and "(mdy)" in fault for fault in overview.faults):
        return "dmy", ["Are dates written day first (date_format: dmy, as assumed) or month first?"]
    return extract.date_format, []


def _coding_system(
    backend: Any,
    overview: checking.Overview,
    extract: Extract,
    lists: dict[str, Codelist],
    outcomes: dict[str, Outcome],
) -> str:
    """Return in which coding system most records meet a list: of those that a format's reader can
    tell, or the one that codes without a system seem to be of."""
    if "events" not in overview.tables:
        return extract.code_system
    events, listed = overview.tables["events"], coded.code_table(lists, outcomes)
    if extract.format != "flat":
        if _met(backend, events.inner_join(listed, ["code_system", "code"])):
            return extract.code_system
        return EXTRACTS[extract.format].translates or extract.code_system
    unsaid = events.filter(events.code_system == extract.code_system).select("code")
    alike = unsaid.inner_join(listed, "code")
    counts = alike.group_by("code_system").aggregate(n=alike.count())
    rows = backend.to_pyarrow(counts).to_pylist()
    rows.sort(key=lambda row: (-row["n"], row["code_system"] != "snomed", row["code_system"]))
    return str(rows[0]["code_system"]) if rows else extract.code_system


def _met(backend: Any, rows: ir.Table) -> bool:
    return bool(backend.to_pyarrow(rows.limit(1)).num_rows)


def _people(backend: Any, patients: ir.Table, seen: Survey) -> None:
    """Count the people, and what is known of them."""
    columns = ("imd_quintile", "ethnicity")
    filled = patients.aggregate(
        n=patients.count(), **{name: patients[name].count() for name in columns}
    )
    row = backend.to_pyarrow(filled).to_pylist()[0]
    seen.subgroups = tuple(name for name, column in SUBGROUPS.items() if row[column])
    seen.facts = ("age", "sex", *(("imd_quintile",) if row["imd_quintile"] else ()))
    seen.found.append(f"{row['n']:,} rows of people")
    seen.found += [f"{name} is blank for everybody" for name in columns if not row[name]]


def _records(
    backend: Any,
    events: ir.Table,
    lists: dict[str, Codelist],
    outcomes: dict[str, Outcome],
    seen: Survey,
) -> None:
    """Count the records of each code list, and find the days that they cover."""
    joined = events.inner_join(coded.code_table(lists, outcomes), ["code_system", "code"])
    measured = joined.filter(joined.outcome.notnull())
    by = measured.group_by("outcome").aggregate(
        n=measured.count(),
        first=measured.date.quantile(0.01),
        last=measured.date.quantile(0.99),
    )
    rows = {row["outcome"]: row for row in backend.to_pyarrow(by).to_pylist()}
    seen.records = {name: row["n"] for name, row in rows.items()}
    conditions = joined.inner_join(coded.condition_table(lists, outcomes), "kind")
    counted = conditions.group_by("codelist").aggregate(n=conditions.count())
    for row in backend.to_pyarrow(counted).to_pylist():
        seen.records.setdefault(row["codelist"], row["n"])
    met = next((rows[name] for name in outcomes if name in rows), None)
    if met is not None and met["first"] is not None:
        seen.first, seen.last = _day(met["first"]), _day(met["last"])
    for name in lists:
        if name in seen.records:
            seen.found.append(f"{name}: {seen.records[name]:,} records by the small list")
    if met is None:
        codes = events.group_by("code_system", "code").aggregate(n=events.count())
        top = sorted(
            backend.to_pyarrow(codes).to_pylist(), key=lambda row: (-row["n"], row["code"] or "")
        )
        shown = ", ".join(
            f"{row['code']} ({row['code_system']}, {row['n']:,})" for row in top[:MOST_CODES]
        )
        seen.questions.append(
            "Which codes are the outcome's? None of the small lists in codelists/ meets a record. "
            + (f"The most frequent codes here: {shown}." if top else "There is no record at all.")
        )


def _day(value: Any) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value
