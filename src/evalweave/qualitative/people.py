"""Who speaks where: three conventions of three programs, and a map that overrides them all.

A case may point at a source, at a selection, or be the target of a coding; a source may carry a
variable with the person's name. `source,participant[,start,end]` replaces whatever the project says
of the sources it names. People are one and the same in whatever spelling (`identity`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from evalweave.errors import Fault, raise_faults
from evalweave.qualitative.documents import SourceNames
from evalweave.qualitative.identity import (
    PEOPLE_APART,
    PERSON_VARIABLES,
    by_normal,
    difference,
    nearest_name,
    normal,
)
from evalweave.qualitative.inputs import people_table
from evalweave.qualitative.matrix import role_name
from evalweave.qualitative.placing import Marked
from evalweave.qualitative.raw import Log, Raw, RawLink, RawPerson, RawSource, position
from evalweave.tables.qualitative import PARTICIPANTS, SOURCE_PARTICIPANTS

EACH, GROUP, UNKNOWN = "each", "group", "unknown"  # whose words a shared source holds
GROUPS = (  # in kinds of source that several people share, whoever is linked to it
    *("focus_group", "focusgroup", "group_interview", "group_discussion", "fokusgruppe"),
    *("gruppendiskussion", "gruppeninterview", "groupe_de_discussion", "entretien_de_groupe"),
    *("entretien_collectif", "grupo_focal", "grupo_de_discus", "focusgroep", "gruppo_di_discus"),
)
ALL, PART = "all", "part"  # of a source, which names somebody who cannot be found
LISTED = 10  # near names that are shown
Span = tuple[int, int]


class Link(NamedTuple):
    """A row of `source_participants`."""

    source: str
    participant: str
    start: int | None
    end: int | None
    basis: str
    segment: str | None = None

    @property
    def order(self) -> tuple[str, str, int, str, str]:
        start = -1 if self.start is None else self.start
        return self.source, self.participant, start, self.basis, self.segment or ""


def participants_of(raw: Raw, log: Log) -> pd.DataFrame:
    """Return participants as the project's cases describe them, when there is no table of them."""
    rows: dict[str, dict[str, object]] = {}
    for person in raw.people:
        name = name_of(person, {})
        if not name:
            continue
        given = {
            normal(variable).replace(" ", "_"): value
            for variable, value in person.attributes.items()
        }
        row: dict[str, object] = {column: given.get(column) for column in PARTICIPANTS.names}
        row |= {
            "participant_id": name,
            "role": role_name(given.get("role", "")) or "participant",
        }
        row["consent_quote"] = None  # consent is declared in the table of participants only
        row["months_in_programme"] = pd.to_numeric(
            given.get("months_in_programme"), errors="coerce"
        )
        rows.setdefault(normal(name), row)
    keys = {person.key for person in raw.people}
    for link in raw.links:
        if link.person not in keys:
            row = {"participant_id": link.person, "role": "participant"}
            rows.setdefault(normal(link.person), row)
    if rows:
        log.note(
            "people",
            "participants were taken from the project's cases: no table of participants is given",
        )
    return people_table(rows.values())


def name_of(person: RawPerson, known: Mapping[str, str]) -> str:
    """Return who a case is: its name, else a variable that says so, else the one variable whose
    value is a participant; '' when nothing says it."""
    if person.name:
        return person.name
    for variable, value in person.attributes.items():
        if normal(variable) in PERSON_VARIABLES:
            return value
    meant = {known[normal(v)] for v in person.attributes.values() if normal(v) in known}
    return next(iter(meant)) if len(meant) == 1 else ""


def linked(
    raw: Raw,
    participants: pd.DataFrame,
    stretches: Marked,
    source_of: Mapping[str, str],
    span_of: Callable[[RawLink], Span | None],
    log: Log,
) -> tuple[list[Link], dict[str, str]]:
    """Return who speaks where, as the project links them, and the sources in which it names
    somebody who cannot be found: in `ALL` of it, beside somebody who can, or in a `PART`.

    `span_of` translates a link's own positions.
    """
    known = by_normal(participants["participant_id"])
    names = {person.key: name_of(person, known) for person in raw.people}
    _log_cases(raw, names, known, log)
    rows: set[Link] = set()
    ways: dict[tuple[str, bool], set[str]] = defaultdict(set)  # of links to a whole source
    named: dict[str, set[str]] = defaultdict(set)
    unmatched: dict[str, str] = {}
    lost = 0
    for link, person in _of_people(raw.links, names, known):
        if link.source not in source_of:
            continue
        source = source_of[link.source]
        row = _placed(link, person, source, stretches, span_of)
        if row is not None and row.start is None and not row.segment:
            ways[source, bool(person)].add(link.basis)
        if row is None or not person:
            unmatched[source] = PART
            lost += row is None and bool(person)
            continue
        rows.add(row)
        named[source].add(stretches.segment_of.get(link.selection, ""))
    log.warn("people", "links of cases to stretches that cannot be placed", lost)
    unmatched |= {s: ALL for s in unmatched if ways[s, True] & ways[s, False]}
    return sorted(
        _wholly_ones_own(rows, named, unmatched, stretches), key=lambda row: row.order
    ), unmatched


def _placed(
    link: RawLink,
    person: str,
    source: str,
    stretches: Marked,
    span_of: Callable[[RawLink], Span | None],
) -> Link | None:
    """Return a link as a row; None where its stretch cannot be placed."""
    span: Span | None = None
    if link.selection:
        if link.selection not in stretches.place_of:
            return None
        placed = stretches.place_of[link.selection][1]
        if placed.start is None or placed.end is None:
            segment = stretches.segment_of.get(link.selection)
            return Link(source, person, None, None, link.basis, segment) if segment else None
        span = (placed.start, placed.end) if placed.start < placed.end else None
    elif link.start is not None:
        span = span_of(link)
    else:
        return Link(source, person, None, None, link.basis)
    return Link(source, person, *span, link.basis) if span else None


def _wholly_ones_own(
    rows: set[Link],
    named: Mapping[str, set[str]],
    unmatched: Mapping[str, str],
    stretches: Marked,
) -> set[Link]:
    """Return the rows with those of segments as one row of a source, where every segment of it
    names the same person and nobody else is named in it."""
    people: dict[str, set[str]] = defaultdict(set)
    segments: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        people[row.source].add(row.participant)
    for key, segment in stretches.segments.items():
        segments[segment.source].add(key)
    return {
        row._replace(basis="variable", segment=None)
        if row.segment
        and len(people[row.source]) == 1
        and row.source not in unmatched
        and segments[row.source] <= named[row.source]
        else row
        for row in rows
    }


def _of_people(
    links: Sequence[RawLink], names: Mapping[str, str], known: Mapping[str, str]
) -> list[tuple[RawLink, str]]:
    """Return each link with each participant it names, '' for anybody else; a cell may list
    several."""
    return [
        (link, known.get(normal(name), ""))
        for link in links
        for name in people_in(names.get(link.person, link.person), known) or [""]
    ]


def people_in(cell: str, known: Mapping[str, str]) -> list[str]:
    """Return the people that a cell names: one, or several with marks or an "and" between when all
    of them are participants. NVivo writes a case below its folders, Cases\\\\Clients\\\\C1."""
    parts = [part.strip() for part in PEOPLE_APART.split(cell) if part.strip()]
    parts = [p if normal(p) in known else p.rpartition("\\")[2].strip() for p in parts]
    listed = normal(cell) not in known and all(normal(part) in known for part in parts)
    return parts if listed else [cell]


def _log_cases(raw: Raw, names: Mapping[str, str], known: Mapping[str, str], log: Log) -> None:
    """Say which cases have no name, which match nobody, and which match somebody but for a
    letter."""
    nameless = [person for person in raw.people if not person.name]
    log.warn(
        "people",
        "cases that have no name, and no variable that says who they are: nobody is linked through "
        "them. Name the cases, or give a map (source,participant)",
        sum(not names[person.key] for person in nameless),
    )
    log.note(
        "people",
        "cases without a name, known by a variable of theirs (participant_id or the like)",
        sum(bool(names[person.key]) for person in nameless),
    )
    cases = {
        name
        for written in [*(names.get(k.person, k.person) for k in raw.links), *names.values()]
        for name in people_in(written, known)
    }
    strangers = sorted(name for name in cases if name and normal(name) not in known)
    log.warn(
        "people", "cases that are not in the table of participants were left out", len(strangers)
    )
    for name in strangers[:LISTED]:
        near = nearest_name(name, known.values())
        if near:
            log.warn(
                "people",
                f'a case without a row among the participants is nearly "{near}": it has '
                f"{difference(normal(name), normal(near))}",
            )
    spelt = sum(name not in known.values() for name in cases if normal(name) in known)
    log.note(
        "people",
        "names that match a participant but for capitals, blanks or the form of accents",
        spelt,
    )


def overridden(
    links: Sequence[Link],
    override: Sequence[Mapping[str, str]],
    names: SourceNames,
    participants: pd.DataFrame,
    log: Log,
) -> list[Link]:
    """Replace the project's links of every source that the map names; raise for names that do not
    exist."""
    known = by_normal(participants["participant_id"])
    faults: list[Fault] = []
    mapped: list[Link] = []
    for number, row in enumerate(override, 2):
        person = known.get(normal(row["participant"]))
        fault = names.fault("source_participants", row["source"], number)
        faults += [fault] if fault else []
        if person is None:
            faults.append(_stranger(row["participant"], known, number))
        if person is not None and not fault:
            start, end = position(row.get("start")), position(row.get("end"))
            mapped.append(
                Link(
                    names.meant_by(row["source"])[0],
                    person,
                    start,
                    end,
                    "map",
                )
            )
    raise_faults(faults)
    replaced = {link.source for link in mapped}
    log.note(
        "people", "sources whose people come from the map, whatever the project says", len(replaced)
    )
    rest = [link for link in links if link.source not in replaced]
    return sorted({*rest, *mapped}, key=lambda link: link.order)


def _stranger(name: str, known: Mapping[str, str], row: int) -> Fault:
    near = nearest_name(name, known.values())
    hint = (
        f'It is nearly "{near}": it has {difference(normal(name), normal(near))}.' if near else ""
    )
    return Fault(
        "source_participants",
        "somebody who is not among the participants",
        "a participant_id of that table",
        hint,
        row=row,
        column="participant",
    )


def with_parts(
    links: Sequence[Link], sources: Sequence[RawSource], source_of: Mapping[str, str]
) -> list[Link]:
    """Return the links with those of a whole recording carried over to its further transcripts, and
    back, where the other has none of its own."""
    own = {link.source for link in links}
    parts = [(source_of[s.part_of], source_of[s.key]) for s in sources if s.part_of in source_of]
    carried = [
        link._replace(source=to)
        for pair in parts
        for given, to in (pair, pair[::-1])
        if to not in own
        for link in links
        if link.source == given and link.start is None and not link.segment
    ]
    return sorted({*links, *carried}, key=lambda link: link.order)


def of_whole_sources(links: Sequence[Link], texts: Mapping[str, str]) -> list[Link]:
    """Return the links with a stretch that is all of its text, blanks and one character at its end
    aside, as links of the whole source: QualCoder, and NVivo for a file coded to a case, write them
    so, and a text that several people share as a whole is no turn of each.
    """
    whole = [
        link._replace(start=None, end=None)
        if link.start is not None
        and link.source in texts
        and len((texts[link.source][: link.start] + texts[link.source][link.end :]).strip()) <= 1
        else link
        for link in links
    ]
    return sorted(set(whole), key=lambda link: link.order)


def link_table(links: Sequence[Link]) -> pd.DataFrame:
    """Return `source_participants`."""
    return SOURCE_PARTICIPANTS.conform(pd.DataFrame(links, columns=SOURCE_PARTICIPANTS.names))


def is_group(kind: str) -> bool:
    """Return whether a kind of source is a conversation of several people."""
    return any(word in kind for word in GROUPS)
