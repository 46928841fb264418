"""The words of an extract that nobody could read, each with its count and what becomes of its
records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalweave.quantities import FOREIGN
from evalweave.records import coded
from evalweave.records.codes import SYSTEMS
from evalweave.vocabulary.ethnicity import read_groups

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.records.codelists import Codelist
    from evalweave.study.whole import Study

TEACH = "Say what it means under vocabulary, {}"


def unread(
    backend: Any, tables: dict[str, ir.Table], lists: dict[str, Codelist], study: Study
) -> list[str]:
    """Return a sentence for each spelling that could not be read, the most frequent of a column
    first."""
    notes: list[str] = []
    if "patients" in tables:
        people = tables["patients"]
        for column, section, becomes in (
            ("sex_text", "sexes", "sex counts as unknown"),
            ("acceptable_text", "yes_no", "nothing is known of whether they are acceptable"),
        ):
            notes += [
                f'patients, column {column.removesuffix("_text")}: nobody knows the word "{word}" '
                f"({n:,} people); their {becomes}. {TEACH.format(section)}."
                for word, n in _counted(backend, people, column)
            ]
        labels = _counted(backend, people, "ethnicity")
        groups = read_groups([label for label, _ in labels], study.vocabulary.ethnic_groups)
        notes += [
            f'patients, column ethnicity: nobody knows the group "{label}" ({n:,} people); they '
            f"count as neither White nor not. {TEACH.format('ethnic_groups')}."
            for label, n in labels
            if groups[label] is None
        ]
    if "events" in tables:
        notes += [
            f'events, column code_system: nobody knows the coding system "{system}" ({n:,} records)'
            f"; their codes meet no code list. {TEACH.format('coding_systems')}."
            for system, n in _counted(backend, tables["events"], "code_system")
            if system not in SYSTEMS
        ]
        notes += _units(backend, tables["events"], lists, study)
    return notes


def _units(backend: Any, events: ir.Table, lists: dict[str, Codelist], study: Study) -> list[str]:
    """Return a sentence for each spelling of a unit that an outcome's quantity does not know."""
    codes = coded.code_table(lists, study.recorded)
    joined = events.inner_join(codes, ["code_system", "code"])
    of_outcomes = joined.filter(joined.outcome.notnull())
    counts = of_outcomes.group_by("outcome", "unit_text").aggregate(n=of_outcomes.count())
    rows = sorted(
        backend.to_pyarrow(counts).to_pylist(),
        key=lambda row: (row["outcome"], -row["n"], row["unit_text"] or ""),
    )
    totals: dict[str, int] = {}
    for row in rows:
        totals[row["outcome"]] = totals.get(row["outcome"], 0) + row["n"]
    notes = []
    for row in rows:
        name, text = row["outcome"], row["unit_text"]
        outcome = study.recorded[name]
        if text is None or outcome.binary:
            continue
        meant = outcome.measures(name).read(text, study.vocabulary.units)
        share = f"{row['n']:,} records, {row['n'] / totals[name]:.1%} of {name}"
        if meant == FOREIGN:
            notes.append(
                f'events, column unit: "{text}" is a unit of something else ({share}); they are '
                "set aside."
            )
        elif meant is None:
            notes.append(
                f'events, column unit: nobody knows the unit "{text}" ({share}); their code or '
                f"value decides. {TEACH.format('units')}."
            )
    return notes


def _counted(backend: Any, table: ir.Table, column: str) -> list[tuple[str, int]]:
    """Return the different texts of a column with their counts, the most frequent first."""
    if column not in table.columns:
        return []
    filled = table.filter(table[column].notnull())
    counts = filled.group_by(word=filled[column]).aggregate(n=filled.count())
    rows = backend.to_pyarrow(counts).to_pylist()
    return [(row["word"], row["n"]) for row in sorted(rows, key=lambda r: (-r["n"], r["word"]))]
