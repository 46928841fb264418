"""Looking an extract over before anything runs: everything that is wrong at once, or what was
recognised.

Of a long file only the beginning is looked at first, so that what is wrong everywhere is said soon;
`Overview.read_whole` then takes all of it, as ingested.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave import engine
from evalweave.catalogue.words import number_of
from evalweave.errors import EvalweaveError, Fault, StudyError
from evalweave.extract import cost, date_faults, overlooked, sanity, source_tables
from evalweave.extract.dates import Dates
from evalweave.extract.glossary import Glossary, glossary, unread_words
from evalweave.extract.parts import ingested_table
from evalweave.extract.readers import TEXT_COLUMNS
from evalweave.extract.sources import repeated, sources_of
from evalweave.extract.spelling import Spelling, counted
from evalweave.reading.textfiles import look
from evalweave.records.codelists import Codelist

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study.records import Extract
    from evalweave.study.vocabulary import Vocabulary
    from evalweave.study.whole import Study

LIMIT = 32 << 20  # bytes of text looked at in each file


@dataclass
class Overview:
    """What looking over an extract found."""

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    recognised: list[str] = field(default_factory=list)
    tables: dict[str, Any] = field(default_factory=dict)
    # of each table, projected where only looked at partly
    rows: dict[str, int] = field(default_factory=dict)
    text_bytes: int = 0
    typed_bytes: int = 0
    spoilt: set[tuple[str, str]] = field(default_factory=set)  # tables' columns with a fault:
    # what follows from it is not said beside it
    partly: bool = False
    misdirected: bool = False  # what is wrong is said by the study file
    overlooked: overlooked.Overlooked = field(default_factory=overlooked.Overlooked)

    def read_whole(self, backend: Any, folder: Path) -> None:
        """Take all rows, as ingested into `folder`, instead of the beginnings of long files."""
        self.partly = False
        self.notes = [note for note in self.notes if "only the first" not in note]
        for table in self.tables:
            self.tables[table] = ingested_table(backend, folder, table)
            n = self.tables[table].count().as_table()
            self.rows[table] = int(backend.to_pyarrow(n)[0][0].as_py())


def look_over(backend: Any, extract: Extract, scratch: Path, vocabulary: Vocabulary) -> Overview:
    """Return the extract's tables as far as they were looked at, and every fault of its files."""
    overview = Overview()
    words = glossary(vocabulary)
    for table in TEXT_COLUMNS:
        try:
            sources = sources_of(extract, table)
        except EvalweaveError as error:
            overview.misdirected |= isinstance(error, StudyError)
            if str(error) not in overview.faults:
                overview.faults.append(str(error))
            continue
        parts = []
        looked: list[tuple[str, str]] = []
        overview.notes += [note for source in sources for note in source.notes]
        for place, source in enumerate(sources):
            seen = look(
                source.path, source.name, scratch, source.delimiter or extract.delimiter, LIMIT
            )
            looked += [(seen.name, seen.sha256)] if seen.sha256 and not seen.faults else []
            overview.notes += seen.notes
            overview.partly |= any("only the first" in note for note in seen.notes)
            part, faults, forms = _part(
                backend, seen, source, extract, table, scratch, f"{table}_{place}", words
            )
            overview.notes += forms
            overview.faults += [str(fault) for fault in faults]
            overview.spoilt |= {(table, fault.column) for fault in faults if fault.column}
            # the other formats fix what each of their columns holds
            if extract.format == "flat" and seen.kind != "unusable" and not seen.faults:
                overview.overlooked.take(seen, source, table)
            if part is not None:
                parts.append(part)
                n = int(backend.to_pyarrow(part.count().as_table())[0][0].as_py())
                size = cost.unpacked(source.path)
                whole = (
                    size / max(seen.path.stat().st_size, 1)
                    if "only the first" in " ".join(seen.notes)
                    else 1
                )
                overview.rows[table] = overview.rows.get(table, 0) + round(n * whole)
                if seen.kind == "text":
                    overview.text_bytes += size
                else:
                    overview.typed_bytes += size
        overview.faults += [str(fault) for fault in repeated(looked)]
        if parts:
            whole = parts[0]
            for part in parts[1:]:
                whole = whole.union(part)
            overview.tables[table] = whole
    overview.notes += overview.overlooked.notes()
    return overview


def _part(
    backend: Any,
    seen: Any,
    source: Any,
    extract: Extract,
    table: str,
    scratch: Path,
    name: str,
    words: Glossary,
    recognised: dict[str, str] | None = None,
) -> tuple[ir.Table | None, list[Fault], list[str]]:
    """Return a looked-at file as our table, its faults, and what was recognised in it."""
    forms = dict(recognised or {})
    parsed, faults = source_tables.parsed_table(
        backend, seen, source, extract, table, scratch, forms, words
    )
    if parsed is None:
        return None, faults, []
    try:
        part = engine.keep(backend, name, parsed)
        taught = words.learn(unread_words(backend, part, table))
        if taught != words:
            again = f"{name}_taught"
            return _part(backend, seen, source, extract, table, scratch, again, taught, recognised)
    except Exception as error:
        if not source_tables.is_about_rows(error, seen):
            return None, [source_tables.unread(source.name, seen, error)], []
        width = source_tables.width(seen)
        wrong = sanity.of_rows(source.name, seen.path, seen.delimiter, width, source.quoted, error)
        return None, wrong, []
    dates = Dates(extract.date_format, extract.time_zone, forms)
    counts = sanity.counts(backend, part, table)
    seen_dates = sanity.dates_of(backend, part, table, counts, dates)
    others = date_faults.recognised(seen_dates)
    if others and recognised is None:
        return _part(backend, seen, source, extract, table, scratch, f"{name}_again", words, others)
    faults = sanity.of_cells(source.name, table, counts, seen_dates, dates)
    return part, faults, date_faults.notes(source.name, forms, extract.date_format)


def compare(
    backend: Any,
    overview: Overview,
    practices: pd.DataFrame | None,
    lists: dict[str, Codelist],
    study: Study,
) -> None:
    """Hold the tables against each other, the practices and the code lists; add faults and what was
    recognised."""
    totals = {
        name: backend.to_pyarrow(expression.as_table())[0][0].as_py()
        for name, expression in _figures(overview).items()
    }
    for table in TEXT_COLUMNS:
        if table in overview.tables:
            overview.recognised.append(f"{table}: {number_of(totals[table], 'row')}")
    if "patients" in totals:
        overview.recognised.append(f"people: {totals['people']:,}")
        overview.faults += _blank_subgroups(backend, overview.tables["patients"], study)
    if "registrations" in overview.tables and practices is not None:
        _practices(backend, overview, set(practices["practice_id"]), Path(study.practices).name)
    for table in ("registrations", "events"):
        if {"patients", table} <= set(overview.tables) and not overview.partly:
            overview.faults += _strangers(backend, overview, table, totals[table])
    if not overview.partly:
        overview.notes += overlooked.for_nobody(
            backend, overview.tables, study.extract.format == "flat"
        )
    if "events" in overview.tables:
        _outcomes(backend, overview, lists, study)
        _conditions(backend, overview, lists, study)


def _practices(backend: Any, overview: Overview, known: set[str], file: str) -> None:
    """Hold the practices of registrations against those of the study."""
    registered = _distinct(backend, overview.tables["registrations"], "practice_id")
    unknown = registered - known
    overview.recognised.append(
        f"practices: {len(registered & known)} of {len(known)} have registrations"
    )
    if not registered & known:
        overview.faults.append(
            f"{file}, column practice_id: found none of the practices of registrations, expected "
            "the same identifiers. Compare how they are written (leading zeros, prefixes)."
        )
    elif alike := _but_for_zeros(unknown, known):
        overview.faults.append(
            f"{file}, column practice_id: found {number_of(alike, 'practice')} that "
            "registrations write with other leading zeros or in another case, expected the same "
            "identifiers. Write them alike (a spreadsheet removes leading zeros)."
        )
    elif unknown:
        overview.notes.append(
            f"registrations: {number_of(len(unknown), 'practice is', 'practices are')} not in "
            f"{file}; "
            "their registrations will be set aside."
        )


def _strangers(backend: Any, overview: Overview, table: str, n_rows: int) -> list[str]:
    """Return a fault where most rows of a table are of nobody in patients."""
    rows, patients = overview.tables[table], overview.tables["patients"]
    strangers = rows.filter(rows.patient_id.notnull()).anti_join(patients, "patient_id")
    n = int(backend.to_pyarrow(strangers.count().as_table())[0][0].as_py())
    if 2 * n <= n_rows:
        return []
    return [
        f"{table}, column patient_id: found {n:,} of {n_rows:,} rows of people who are not in "
        "patients, expected few. Compare how identifiers are written, and whether columns are "
        "swapped."
    ]


def _but_for_zeros(strange: set[str], known: set[str]) -> int:
    """Return how many identifiers are known ones but for leading zeros or case."""
    plain = {name.lstrip("0").casefold() for name in known}
    return sum(name.lstrip("0").casefold() in plain for name in strange)


def _blank_subgroups(backend: Any, patients: ir.Table, study: Study) -> list[str]:
    """Return a fault for each analysis by a fact that no patient has (some formats carry
    neither)."""
    facts = {"imd_quintile": "imd_quintile", "white": "ethnicity"}
    filled = patients.aggregate(
        **{name: patients[column].count() for name, column in facts.items()}
    )
    known = backend.to_pyarrow(filled).to_pylist()[0]
    return [
        str(
            Fault(
                "patients",
                "it blank for everybody",
                f"values, as the analysis {analysis.name} asks for",
                "Add the column to the extract, or remove that analysis.",
                column=facts[analysis.subgroup],
            )
        )
        for analysis in study.analyses
        if analysis.subgroup in facts and not known[analysis.subgroup]
    ]


def _figures(overview: Overview) -> dict[str, Any]:
    figures = {table: rows.count() for table, rows in overview.tables.items()}
    if "patients" in overview.tables:
        figures["people"] = overview.tables["patients"].patient_id.nunique()
    return figures


def _distinct(backend: Any, table: ir.Table, column: str) -> set[str]:
    values = backend.to_pyarrow(table.select(column).distinct())[column].to_pylist()
    return {value for value in values if value is not None}


def _outcomes(backend: Any, overview: Overview, lists: dict[str, Codelist], study: Study) -> None:
    """Count the records of each outcome, their units and days."""
    from evalweave.records import coded as coding

    events = overview.tables["events"]
    key = ["code_system", "code"]
    coded = events.inner_join(coding.code_table(lists, study.recorded), key)
    measured = coded.filter(coded.outcome.notnull())
    by = measured.group_by("outcome").aggregate(
        n=measured.count(),
        n_values=measured.value.count(),
        first=measured.date.quantile(0.01),
        last=measured.date.quantile(0.99),
    )
    rows = {row["outcome"]: row for row in backend.to_pyarrow(by).to_pylist()}
    for name in study.recorded:
        if name not in rows:
            known = not overview.partly and ("events", "code") not in overview.spoilt
            if known and (study.recorded[name].codelist or name) in lists:
                listed = lists[study.recorded[name].codelist or name]
                overview.faults.append(
                    f'events, column code: found no record of the outcome "{name}", expected codes '
                    f"of its list. {_systems(backend, events, listed)}"
                )
            continue
        row = rows[name]
        known = not overview.partly and ("events", "value") not in overview.spoilt
        if not row["n_values"] and not study.recorded[name].binary and known:
            overview.faults.append(
                f"events, column value: found no number in any of the {row['n']:,} records of the "
                f'outcome "{name}", expected values. Compare the columns of events, and extract, '
                "columns."
            )
        shown = [
            f"{_unit(each)} {each.n:,}"
            for each in counted(backend, coded.filter(coded.outcome == name), "unit_text", True)
        ]
        more = f" and {len(shown) - 4} more spellings" if len(shown) > 4 else ""
        overview.recognised.append(
            f"{name}: {row['n']:,} records, nearly all from {row['first']} to {row['last']}; "
            f"units: {', '.join(shown[:4])}{more}"
        )


def _unit(unit: Spelling) -> str:
    """Return a unit's text as it may stand in a message."""
    return (unit.word if unit.quotable else f"a spelling {unit.described}") or "no unit"


def _conditions(backend: Any, overview: Overview, lists: dict[str, Codelist], study: Study) -> None:
    """Count the records of each condition."""
    from evalweave.records import coded as coding

    events = overview.tables["events"]
    coded = events.inner_join(coding.code_table(lists, study.recorded), ["code_system", "code"])
    conditions = coded.inner_join(coding.condition_table(lists, study.recorded), "kind")
    counted = conditions.group_by("codelist").aggregate(n=conditions.count())
    n = {row["codelist"]: row["n"] for row in backend.to_pyarrow(counted).to_pylist()}
    of_outcomes = {outcome.codelist or name for name, outcome in study.recorded.items()}
    for name in lists:
        for label in lists[name].labels() if name not in of_outcomes else ():
            overview.recognised.append(f"{label}: {n.get(label, 0):,} records")
            asked = label in study.eligibility.conditions
            known = not overview.partly and ("events", "code") not in overview.spoilt
            if asked and not n.get(label) and known:
                overview.faults.append(
                    f'events, column code: found no record of "{label}", which eligibility asks '
                    "for, expected some. Compare its code list with the codes of the extract. "
                    f"{_systems(backend, events, lists[name])}"
                )


def _systems(backend: Any, events: ir.Table, listed: Codelist) -> str:
    """Return in a sentence which coding systems the events and a code list use."""
    said = counted(backend, events, "code_system")[:8]
    theirs = ", ".join(
        sorted(each.word if each.quotable else f"one {each.described}" for each in said)
    )
    ours = ", ".join(sorted({entry.code.system for entry in listed.entries}))
    return (
        f"Compare the coding systems: events say {theirs} (extract, code_system), {listed.file} "
        f"says {ours}."
    )
