"""Sources: their identities over exports, the names by which tables beside the project mean them,
and what they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import PurePosixPath

import pandas as pd

from evalweave.errors import Fault, nearest, raise_faults
from evalweave.qualitative.identity import normal, stem
from evalweave.qualitative.matrix import role_name
from evalweave.qualitative.offsets import Convention, Document
from evalweave.qualitative.placing import text_hash
from evalweave.qualitative.raw import Log, Raw, RawSource
from evalweave.tables.qualitative import SOURCES

REFUSED = (
    "The project lists all of its sources, also those without a coding: write the name as it is "
    "there, or take the row out."
)
UNSURE = (
    "If it is another source, in which nothing was coded, give each of the two a row in the table "
    "of sources."
)
EXTENSIONS = {
    *(".txt", ".md", ".docx", ".doc", ".odt", ".rtf", ".html", ".htm", ".pdf"),
    *(".mp3", ".m4a", ".wav", ".ogg", ".mp4", ".mov", ".jpg", ".jpeg", ".png", ".tif", ".tiff"),
}


def source_ids(
    sources: Sequence[RawSource], documents: Mapping[str, Document], log: Log
) -> dict[str, str]:
    """Return source key → source_id: name and text hash, the same over exports that reissue every
    GUID.

    Two of the same name and text are one source; two of one name without a text are told apart by
    their folders, and last by their order.
    """
    paths: dict[str, set[str]] = {}
    for source in sources:
        paths.setdefault(normal(leaf(source.name)), set()).add(normal(source.name))
    ids: dict[str, str] = {}
    seen: dict[tuple[str, str], list[str]] = {}
    for source in sources:
        document = documents.get(source.key)
        name = normal(leaf(source.name))
        folder = normal(source.name) if len(paths[name]) > 1 else ""
        instead = "\0".join(filter(None, ("no text", folder)))
        text = text_hash(document.text if document else instead)[:8]
        same = seen.setdefault((name, text), [])
        same.append(f"{leaf(source.name)}-{text}")
        ids[source.key] = same[0] if document or len(same) == 1 else f"{same[0]}-{len(same)}"
    log.note(
        "sources",
        "sources that stand in the project twice (same name, same text) were read once",
        len(ids) - len(set(ids.values())),
    )
    return ids


def leaf(name: str) -> str:
    """Return a source's name without folders."""
    return re.split(r"[\\/]", name)[-1].strip() or "source"


def bare(name: str) -> str:
    """Return a source's name without folders and the ending of a file, in normal form."""
    path = PurePosixPath(leaf(name))
    return normal(path.stem if path.suffix.lower() in EXTENSIONS else path.name)


class SourceNames:
    """The names by which a table beside the project may mean a source; `complete` says that the
    project lists sources without a coding too."""

    def __init__(
        self,
        sources: Sequence[RawSource],
        source_of: Mapping[str, str],
        complete: bool = True,
    ) -> None:
        self.advice = REFUSED if complete else UNSURE
        self.source_of = dict(source_of)
        self.leaf_of = {source_of[s.key]: leaf(s.name) for s in sources}
        self.paths: dict[str, set[str]] = {}
        for source in sources:
            self.paths.setdefault(source_of[source.key], set()).add(source.name)

    def meant_by(self, name: str) -> list[str]:
        """Return the source ids that a name means: the first way of matching that gives any.

        Its source_id, its name with folders, its name, its name in normal form, and last without
        the ending of a file.
        """
        ways = (
            lambda source: source == name,
            lambda source: name in self.paths[source],
            lambda source: self.leaf_of[source] == name,
            lambda source: normal(self.leaf_of[source]) == normal(name),
            lambda source: bare(self.leaf_of[source]) == bare(name),
        )
        for way in ways:
            matches = [source for source in self.leaf_of if way(source)]
            if matches:
                return matches
        return []

    def fault(self, table: str, name: str, row: int) -> Fault | None:
        """Return what is wrong with a name that means no source, or several."""
        meant = self.meant_by(name)
        if len(meant) == 1:
            return None
        if not meant:
            hint = f"{nearest(name, self.leaf_of.values())} {self.advice}"
            return Fault(
                table, f'the source "{name}"', "a source of the project", hint, row, "source"
            )
        either = " or ".join(f'"{source}"' for source in sorted(meant)[:4])
        return Fault(
            table,
            f'the source "{name}", which is not unique',
            "one source",
            f"Write the source_id of the one you mean: {either}.",
            row,
            "source",
        )


def source_table(
    raw: Raw,
    given: Mapping[str, Mapping[str, str]],
    names: SourceNames,
    documents: Mapping[str, Document],
    counting: tuple[Convention, Sequence[Convention]],
    shared: str,
    observation_kinds: Sequence[str],
) -> pd.DataFrame:
    """Return `sources`: what the table beside the project says of each goes before what the project
    says."""
    known: dict[str, Mapping[str, str]] = {}
    faults = []
    for number, (name, facts) in enumerate(given.items(), 2):
        meant = names.meant_by(name)
        known |= dict.fromkeys(meant, facts)
        fault = names.fault("sources", name, number)
        if fault and names.leaf_of:
            faults.append(fault)
    raise_faults(faults)
    how, rivals = counting
    convention = str(how) if not rivals else f"undecided: {how} or {rivals[0]}"
    rows: dict[str, tuple[object, ...]] = {}
    for source in raw.sources:
        key, document = names.source_of[source.key], documents.get(source.key)
        of_project = {normal(name): value for name, value in source.attributes.items()}
        about = {
            part: known.get(key, {}).get(part) or of_project.get(part)
            for part in ("kind", "phase", "date", "shared")
        }
        rows[key] = (
            key,
            names.leaf_of[key],
            observed_kind(role_name(about["kind"] or ""), observation_kinds) or None,
            about["phase"] or None,
            _day(about["date"]),
            len(document.text) if document else None,
            convention if document else None,
            raw.tool,
            text_hash(document.text) if document else None,
            source.medium,
            about["shared"] or (shared if shared != "unknown" else None),
            None,
            None,
        )
    return SOURCES.conform(pd.DataFrame([rows[key] for key in sorted(rows)], columns=SOURCES.names))


def observed_kind(kind: str, observation_kinds: Sequence[str]) -> str:
    """Return a kind, the declared one of observations where it is that in another form: field notes
    and Fieldnote are field_note."""
    return {stem(declared): declared for declared in observation_kinds}.get(stem(kind), kind)


def _day(text: str | None) -> date | None:
    """Return an ISO date; what a program writes in another form is left out."""
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
