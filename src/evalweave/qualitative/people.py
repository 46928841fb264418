"""Who speaks where: three conventions of three programs, and a map that overrides them all.

A case may point at a source, at a selection, or be the target of a coding; a source may carry a
variable with the person's name. `source,participant[,start,end]` replaces whatever the project says
of the sources it names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

import pandas as pd

from evalweave.errors import Fault, nearest, raise_faults
from evalweave.qualitative.inputs import people_table
from evalweave.qualitative.matrix import role_name
from evalweave.qualitative.offsets import Placed
from evalweave.qualitative.raw import Log, Raw, RawLink
from evalweave.tables.qualitative import PARTICIPANTS, SOURCE_PARTICIPANTS

EXTENSIONS = {".txt", ".md", ".docx", ".doc", ".odt", ".rtf", ".html", ".htm", ".pdf"}
Span = tuple[int, int]
Row = tuple[str, str, int | None, int | None, str]  # source, participant, start, end, basis


def bare(name: str) -> str:
    """Return a source's name without folders and the ending of a text file, in lower case."""
    leaf = PurePosixPath(name.replace("\\", "/")).name.strip()
    path = PurePosixPath(leaf)
    return (path.stem if path.suffix.lower() in EXTENSIONS else leaf).lower()


def matched(name: str, names: Mapping[str, str]) -> list[str]:
    """Return the source ids that a name means: the exact name, else the only bare name that is the
    same."""
    exact = [source for source, known in names.items() if known == name]
    return exact or [source for source, known in names.items() if bare(known) == bare(name)]


def participants_of(raw: Raw, log: Log) -> pd.DataFrame:
    """Return participants as the project's cases describe them, when there is no table of them."""
    rows: dict[str, dict[str, object]] = {}
    for person in raw.people:
        given = {
            name.strip().lower().replace(" ", "_"): value
            for name, value in person.attributes.items()
        }
        row: dict[str, object] = {name: given.get(name) for name in PARTICIPANTS.names}
        row |= {
            "participant_id": person.name,
            "role": role_name(given.get("role", "")) or "participant",
        }
        row["consent_quote"] = None  # consent is declared in the table of participants only
        row["months_in_programme"] = pd.to_numeric(
            given.get("months_in_programme"), errors="coerce"
        )
        rows.setdefault(person.name, row)
    keys = {person.key for person in raw.people} | set(rows)
    for link in raw.links:
        if link.person not in keys:
            rows.setdefault(link.person, {"participant_id": link.person, "role": "participant"})
    if rows:
        log.note(
            "people",
            "participants were taken from the project's cases: no table of participants is given",
        )
    return people_table(rows.values())


def linked(
    raw: Raw,
    participants: pd.DataFrame,
    placed: Mapping[str, tuple[str, Placed]],
    source_of: Mapping[str, str],
    span_of: Callable[[RawLink], Span | None],
    log: Log,
) -> list[Row]:
    """Return (source, participant, start, end, basis) as the project links them.

    `placed` gives each selection's source and span, `span_of` translates a link's own positions.
    """
    known = {name.lower(): name for name in participants["participant_id"]}
    names = {person.key: person.name for person in raw.people}
    strangers = {names.get(link.person, link.person) for link in raw.links} | {
        person.name for person in raw.people
    }
    strangers = {name for name in strangers if name.lower() not in known}
    log.warn(
        "people", "cases that are not in the table of participants were left out", len(strangers)
    )
    rows: set[Row] = set()
    lost, unplaced = 0, []
    for link in raw.links:
        person = known.get(names.get(link.person, link.person).lower())
        if person is None or link.source not in source_of:
            continue
        source = source_of[link.source]
        if link.selection:
            where = placed.get(link.selection)
            if where is None:
                lost += 1
            elif where[1].start is None or where[1].end is None:
                unplaced.append((source, person))
            elif where[1].end > where[1].start:
                rows.add((source, person, where[1].start, where[1].end, link.basis))
        elif link.start is not None:
            span = span_of(link)
            lost += span is None
            if span is not None:
                rows.add((source, person, *span, link.basis))
        else:
            rows.add((source, person, None, None, link.basis))
    log.warn("people", "links of cases to stretches that cannot be placed", lost)
    alone = {
        source: {person for where, person in unplaced if where == source} for source, _ in unplaced
    }
    rows |= {
        (source, next(iter(people)), None, None, "variable")
        for source, people in alone.items()
        if len(people) == 1
    }
    log.warn(
        "people",
        "sources that several people share, without positions: nothing in them counts for a person",
        sum(len(people) > 1 for people in alone.values()),
    )
    return sorted(
        rows, key=lambda row: (row[0], row[1], row[2] if row[2] is not None else -1, row[4])
    )


def overridden(
    rows: Sequence[Row],
    override: Sequence[Mapping[str, str]],
    names: Mapping[str, str],
    participants: pd.DataFrame,
    log: Log,
) -> list[Row]:
    """Replace the project's links of every source that the map names; raise for names that do not
    exist."""
    known = {name.lower(): name for name in participants["participant_id"]}
    faults, mapped = [], []
    for number, row in enumerate(override, 2):
        found = matched(row["source"], names)
        if len(found) != 1:
            faults.append(
                Fault(
                    "source_participants",
                    f'the source "{row["source"]}"' + (", which is not unique" if found else ""),
                    "a source of the project",
                    nearest(row["source"], names.values()),
                    number,
                    "source",
                )
            )
        if row["participant"].lower() not in known:
            faults.append(
                Fault(
                    "source_participants",
                    "somebody who is not among the participants",
                    "a participant_id of that table",
                    row=number,
                    column="participant",
                )
            )
        if len(found) == 1 and row["participant"].lower() in known:
            start, end = row.get("start") or None, row.get("end") or None
            mapped.append(
                (
                    found[0],
                    known[row["participant"].lower()],
                    int(start) if start else None,
                    int(end) if end else None,
                    "map",
                )
            )
    raise_faults(faults)
    replaced = {row[0] for row in mapped}
    log.note(
        "people", "sources whose people come from the map, whatever the project says", len(replaced)
    )
    kept = [row for row in rows if row[0] not in replaced]
    return sorted(
        {*kept, *mapped},
        key=lambda row: (row[0], row[1], row[2] if row[2] is not None else -1, row[4]),
    )


def link_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Return `source_participants`."""
    return SOURCE_PARTICIPANTS.conform(pd.DataFrame(rows, columns=SOURCE_PARTICIPANTS.names))
