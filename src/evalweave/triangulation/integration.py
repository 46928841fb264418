"""What the analysts write when they bring strands or data sets together, read and checked.

The rule's label is no conclusion. For each claim the analysts write a meta-inference, with author
and date, in a file of its own: the claims were declared before results and are not touched again.
Meshing and linking (Mason, Qualitative Research 2006;6:9) end in writing as well: a reading of a
theme in each data set, a synthesis of the readings, and one of the accounts of linked people.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evalweave.errors import Fault, nearest, raise_faults
from evalweave.qualitative.identity import by_normal, normal
from evalweave.qualitative.matrix import role_name
from evalweave.reading import tables
from evalweave.tables.joint import INTEGRATION

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

CLAIM, THEME, RELATION = "claim", "theme", "relation"
KINDS = (CLAIM, THEME, RELATION)


@dataclass(frozen=True)
class Link:
    """Two people who belong together, and how: relation as of the first to the second."""

    participant: str
    linked: str
    relation: str


@dataclass(frozen=True)
class Known:
    """What may be written about: ids by kind, and the roles whose readings there may be."""

    ids: Mapping[str, Collection[str]]
    roles: Collection[str] = field(default=())


def read_links(path: Path | str, participants: Iterable[str]) -> tuple[Link, ...]:
    """Return the links of a CSV participant,linked,relation.

    Raises:
        DataError: with every row that names somebody unknown, the same person twice, or a pair
            again.
    """
    sheet = tables.read(path, ["participant", "linked", "relation"], [], identifiers=["linked"])
    known, faults = by_normal(participants), list[Fault]()
    links: list[Link] = []
    for row, line in zip(sheet.rows, sheet.lines, strict=True):
        people = [known.get(normal(row[name]), "") for name in ("participant", "linked")]
        for name, person in zip(("participant", "linked"), people, strict=True):
            if not person:
                what = "somebody who is not among the participants"
                faults.append(Fault(sheet.file, what, "a participant_id", "", line, name))
        if people[0] and people[0] == people[1]:
            faults.append(Fault(sheet.file, "one person twice", "two people", row=line))
        if not row["relation"]:
            expected = "what they are to each other, such as link_worker"
            faults.append(Fault(sheet.file, "a blank", expected, "", line, "relation"))
        link = Link(people[0], people[1], role_name(row["relation"]))
        pairs = {frozenset((other.participant, other.linked)) for other in links}
        if all(people) and frozenset(people) in pairs:
            faults.append(Fault(sheet.file, "the same two people again", "a row each", row=line))
        links.append(link)
    raise_faults(faults)
    return tuple(links)


def read_integration(path: Path | str, known: Known) -> pd.DataFrame:
    """Return `integration`.

    Raises:
        DataError: with everything that is wrong, at once.
    """
    import pandas as pd

    sheet = tables.read(path, ["kind", "id", "text", "author", "date"], ["voice"])
    faults: list[Fault] = []
    rows, seen = [], set()
    roles = by_normal(known.roles)
    for row, line in zip(sheet.rows, sheet.lines, strict=True):
        kind = normal(row["kind"])
        ids = by_normal(known.ids.get(kind, ()))
        name = role_name(row["id"]) if kind == RELATION else row["id"]
        about, voice = ids.get(normal(name), ""), row.get("voice", "")
        if kind not in KINDS:
            hint = nearest(kind, KINDS)
            faults.append(
                Fault(sheet.file, "another word", f"one of {', '.join(KINDS)}", hint, line, "kind")
            )
        elif not about:
            hint, what = nearest(row["id"], ids.values()), f"the {kind} of the study"
            faults.append(Fault(sheet.file, f'"{row["id"]}"', what, hint, line, "id"))
        role = roles.get(normal(role_name(voice)), "")
        if voice and (kind != THEME or not role):
            hint = nearest(voice, roles.values())
            expected = "a role, for a reading of a theme, or a blank"
            faults.append(Fault(sheet.file, f'"{voice}"', expected, hint, line, "voice"))
        faults += [
            Fault(sheet.file, "a blank", "it to be filled in", "", line, name)
            for name in ("text", "author")
            if not row[name]
        ]
        day = _day(row["date"])
        if day is None:
            expected = "a date such as 2026-11-30"
            faults.append(Fault(sheet.file, "no date", expected, "", line, "date"))
        if (kind, about, role) in seen and about:
            faults.append(Fault(sheet.file, "the same once more", "one text each", row=line))
        seen.add((kind, about, role))
        rows.append((kind, about, role or None, row["text"], row["author"], day))
    raise_faults(faults)
    return INTEGRATION.conform(pd.DataFrame(rows, columns=INTEGRATION.names))


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def written(integration: pd.DataFrame, kind: str, about: str) -> list[dict[str, str]]:
    """Return what was written about one claim, theme or relation: voice, text, author, date."""
    mine = integration[(integration["kind"] == kind) & (integration["id"] == about)]
    return [
        {
            "voice": "" if row["voice"] is None or row["voice"] != row["voice"] else row["voice"],
            "text": row["text"],
            "author": row["author"],
            "date": str(row["written_on"])[:10],
        }
        for row in mine.astype(object).where(mine.notna(), None).to_dict("records")
    ]
