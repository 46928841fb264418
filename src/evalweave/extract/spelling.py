"""The words of an extract that nobody could read, each with its count and what becomes of its
records. What may be about a single person is not quoted."""

from __future__ import annotations

import re
from dataclasses import dataclass
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
ENOUGH = 5  # records with a spelling, which is then nobody's own
LONGEST, MOST_WORDS, MOST_DIGITS = 20, 2, 5  # of a spelling that is quoted however rare


@dataclass(frozen=True)
class Spelling:
    """A text of a column: its count, and the first place where it stands, if that is known."""

    word: str
    n: int
    place: str = ""

    def __str__(self) -> str:
        """Return it for a message: quoted, or where it may be about a person described."""
        return f'"{self.word}"' if self.quotable else self.described

    @property
    def quotable(self) -> bool:
        """Whether it may stand in a message: many records have it, or it is as short as a unit."""
        return self.n >= ENOUGH or (
            len(self.word) <= LONGEST
            and len(self.word.split()) <= MOST_WORDS
            and len(re.findall(r"\d", self.word)) <= MOST_DIGITS
        )

    @property
    def described(self) -> str:
        where = f" in {self.place}" if self.place else ""
        return f"of {len(self.word)} characters{where}"


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
                f"patients, column {column.removesuffix('_text')}: nobody knows the word {each} "
                f"({each.n:,} people); their {becomes}. {TEACH.format(section)}."
                for each in counted(backend, people, column)
            ]
        labels = counted(backend, people, "ethnicity")
        groups = read_groups([each.word for each in labels], study.vocabulary.ethnic_groups)
        notes += [
            f"patients, column ethnicity: nobody knows the group {each} ({each.n:,} people); they "
            f"count as neither White nor not. {TEACH.format('ethnic_groups')}."
            for each in labels
            if groups[each.word] is None
        ]
    if "events" in tables:
        notes += [
            f"events, column code_system: nobody knows the coding system {each} "
            f"({each.n:,} records); their codes meet no code list. "
            f"{TEACH.format('coding_systems')}."
            for each in counted(backend, tables["events"], "code_system")
            if each.word not in SYSTEMS
        ]
        notes += _units(backend, tables["events"], lists, study)
    return notes


def _units(backend: Any, events: ir.Table, lists: dict[str, Codelist], study: Study) -> list[str]:
    """Return a sentence for each spelling of a unit that an outcome's quantity does not know."""
    codes = coded.code_table(lists, study.recorded)
    joined = events.inner_join(codes, ["code_system", "code"])
    rows = [
        (name, each)
        for name in sorted(study.recorded)
        for each in counted(backend, joined.filter(joined.outcome == name), "unit_text", True)
    ]
    totals: dict[str, int] = {}
    for name, each in rows:
        totals[name] = totals.get(name, 0) + each.n
    notes = []
    for name, each in rows:
        outcome = study.recorded[name]
        if not each.word or outcome.binary:
            continue
        meant = outcome.measures(name).read(each.word, study.vocabulary.units)
        share = f"{each.n:,} records, {each.n / totals[name]:.1%} of {name}"
        if meant == FOREIGN:  # a word that is known: nobody's own
            notes.append(
                f'events, column unit: "{each.word}" is a unit of something else ({share}); they '
                "are set aside."
            )
        elif meant is None:
            notes.append(
                f"events, column unit: nobody knows the unit {each} ({share}); their code or "
                f"value decides. {TEACH.format('units')}."
            )
    return notes


def counted(backend: Any, table: ir.Table, column: str, blanks: bool = False) -> list[Spelling]:
    """Return the different texts of a column, the most frequent first; with `blanks`, rows without
    one as an empty text."""
    import ibis

    if column not in table.columns:
        return []
    rows = table if blanks else table.filter(table[column].notnull())
    placed = {"source_file", "source_row"} <= set(table.columns)
    by = {"word": rows[column].fill_null("")}
    by |= {"file": rows.source_file} if placed else {}
    row = {"row": rows.source_row.min()} if placed else {}
    counts = rows.group_by(**by).aggregate(n=ibis._.count(), **row)
    found: dict[str, Spelling] = {}
    files = sorted(backend.to_pyarrow(counts).to_pylist(), key=lambda each: each.get("file") or "")
    for each in files:
        place = f"{each['file']}, row {each['row']}" if placed else ""
        before = found.get(each["word"], Spelling(each["word"], 0, place))
        found[each["word"]] = Spelling(each["word"], before.n + each["n"], before.place)
    return sorted(found.values(), key=lambda each: (-each.n, each.word))
