"""From a project as read to the tidy model: identities, positions, hierarchies, coders, stances."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from evalweave.errors import Fault, nearest, raise_faults
from evalweave.qualitative import people, stances
from evalweave.qualitative.hierarchy import code_id, path_of
from evalweave.qualitative.matrix import role_name
from evalweave.qualitative.offsets import (
    AMBIGUOUS,
    OK,
    SHIFTED,
    UNCHECKED,
    Convention,
    Document,
    Placed,
    decide,
    locate,
)
from evalweave.qualitative.project import Project
from evalweave.qualitative.raw import Log, Raw, RawLink, RawSource
from evalweave.tables.qualitative import (
    CODES,
    CODINGS,
    ELIGIBILITY,
    IMPORT_LOG,
    SEGMENTS,
    SOURCES,
    STANCES,
    THEME_CODES,
    THEMES,
)


@dataclass(frozen=True)
class Beside:
    """What is known beside the project: participants, what each source is, the map of who speaks
    where."""

    participants: pd.DataFrame | None = None
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    source_participants: Sequence[Mapping[str, str]] = ()
    stance_prefix: str = "claim"
    observation_kinds: tuple[str, ...] = ("field_note", "observation")


def assemble(raw: Raw, beside: Beside) -> Project:
    """Return the tidy model without themes and eligibility, which `readers.load` adds.

    Raises `DataError` when the tables beside the project name sources or people that do not exist.
    """
    log = Log(list(raw.log.rows))
    documents = {s.key: Document(s.text) for s in raw.sources if s.text is not None}
    source_of = {s.key: _source_id(s, documents.get(s.key)) for s in raw.sources}
    twice = len(source_of) - len(set(source_of.values()))
    log.note(
        "sources",
        "sources that stand in the project twice (same name, same text) were read once",
        twice,
    )
    spans = [
        (link.source, link.start, link.end)
        for link in raw.links
        if not link.selection and link.start is not None and link.end is not None
    ]
    how, rivals = decide(documents, raw.selections, raw.units, spans)
    participants = (
        people.participants_of(raw, log) if beside.participants is None else beside.participants
    )

    turns = {link.selection for link in raw.links if link.selection}
    placed: dict[str, tuple[str, Placed]] = {}
    segments: dict[str, tuple[str, Placed]] = {}
    codings: dict[tuple[str, str, str], str] = {}
    uncoded = empty = 0
    paths = {code.key: path_of(code.names) for code in raw.codes}
    for number, selection in enumerate(raw.selections):
        if selection.source not in source_of:
            continue
        source = source_of[selection.source]
        place = locate(documents.get(selection.source), selection, how, rivals)
        placed[selection.key or str(number)] = (source, place)
        if not selection.codings and (selection.cases or selection.key in turns):
            continue  # a speaker's turn, not a marked stretch
        if place.start is not None and place.end is not None and place.end <= place.start:
            empty += 1
            continue
        segment = _segment_id(source, place, segments)
        segments.setdefault(segment, (source, place))
        uncoded += not selection.codings
        for coding in selection.codings:
            key = (segment, code_id(paths[coding.code]), coding.coder)
            codings[key] = min(filter(None, (codings.get(key), coding.at)), default="")
    log.note(
        "codings", "marked stretches without a code: kept as segments, counted nowhere", uncoded
    )
    log.warn("codings", "marked stretches of no length were set aside", empty)
    _log_offsets(log, segments, how, rivals, bool(documents))

    def span_of(link: RawLink) -> tuple[int, int] | None:
        return _turn(documents.get(link.source), link, how)

    links = people.linked(raw, participants, placed, source_of, span_of, log)
    names = _names(raw.sources, source_of)
    links = people.overridden(links, beside.source_participants, names, participants, log)
    sources = _sources(raw, beside, source_of, documents, names, how, rivals)
    _log_people(log, links, sources, participants, beside.observation_kinds)

    coders = _pseudonyms(coder for _, _, coder in codings)
    log.note("coders", "coders; their names were dropped", len(coders))
    book = _code_book(raw, paths, log)
    used = Counter(code for _, code, _ in codings)
    given = [
        (segment, code, coders[coder], at or None) for (segment, code, coder), at in codings.items()
    ]
    given, claimed, book = stances.split(given, book, used, beside.stance_prefix, log)
    return Project(
        participants=participants,
        sources=sources,
        source_participants=people.link_table(links),
        eligibility=ELIGIBILITY.empty(),
        codes=CODES.conform(pd.DataFrame(sorted(book.values()), columns=CODES.names)),
        themes=THEMES.empty(),
        theme_codes=THEME_CODES.empty(),
        segments=_segment_table(segments),
        codings=CODINGS.conform(
            pd.DataFrame(sorted(given, key=lambda row: row[:3]), columns=CODINGS.names)
        ),
        stances=STANCES.conform(pd.DataFrame(sorted(claimed), columns=STANCES.names)),
        import_log=log_table(log),
        observation_kinds=beside.observation_kinds,
    )


def log_table(log: Log) -> pd.DataFrame:
    """Return `import_log`, warnings first."""
    rows = sorted(dict.fromkeys(log.rows), key=lambda row: (row[0] != "warning", row[1], row[2]))
    return IMPORT_LOG.conform(pd.DataFrame(rows, columns=IMPORT_LOG.names))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _source_id(source: RawSource, document: Document | None) -> str:
    """Name and text hash: the same over exports that reissue every GUID."""
    leaf = re.split(r"[\\/]", source.name)[-1].strip() or "source"
    return f"{leaf}-{_hash(document.text if document else 'no text')[:8]}"


def _names(sources: Sequence[RawSource], source_of: Mapping[str, str]) -> dict[str, str]:
    return {source_of[s.key]: re.split(r"[\\/]", s.name)[-1].strip() or "source" for s in sources}


def _segment_id(source: str, place: Placed, taken: Mapping[str, tuple[str, Placed]]) -> str:
    if place.start is not None:
        return f"{source}:{place.start}-{place.end}"
    base = f"{source}:{_hash(place.quote)[:8]}"  # no position: the words stand for it
    number = 1
    name = base
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def _turn(document: Document | None, link: RawLink, how: Convention) -> tuple[int, int] | None:
    """Translate a case's stretch; one that ends past the last character ends there (off by one is
    common)."""
    if document is None or link.start is None or link.end is None:
        return None
    before = document.before(how)
    first, last = (
        int(i) for i in before.searchsorted([link.start, min(link.end, int(before[-1]))])
    )
    return (first, last) if first < last else None


def _sources(
    raw: Raw,
    beside: Beside,
    source_of: Mapping[str, str],
    documents: Mapping[str, Document],
    names: Mapping[str, str],
    how: Convention,
    rivals: Sequence[Convention],
) -> pd.DataFrame:
    known: dict[str, Mapping[str, str]] = {}
    faults = []
    for number, (name, facts) in enumerate(beside.sources.items(), 2):
        found = people.matched(name, names)
        known |= dict.fromkeys(found, facts)
        if not found and names:
            faults.append(
                Fault(
                    "sources",
                    f'the source "{name}"',
                    "a source of the project",
                    nearest(name, names.values()),
                    number,
                    "source",
                )
            )
    raise_faults(faults)
    convention = str(how) if not rivals else f"undecided: {how} or {rivals[0]}"
    rows: dict[str, tuple[object, ...]] = {}
    for source in raw.sources:
        key, document = source_of[source.key], documents.get(source.key)
        given = {name.lower(): value for name, value in source.attributes.items()}
        about: dict[str, str | None] = {}
        for part in ("kind", "phase", "date"):
            about[part] = known.get(key, {}).get(part) or given.get(part)
        rows[key] = (
            key,
            names[key],
            role_name(about["kind"] or "") or None,
            about["phase"] or None,
            _day(about["date"]),
            len(document.text) if document else None,
            convention if document else None,
            raw.tool,
            _hash(document.text) if document else None,
        )
    return SOURCES.conform(pd.DataFrame([rows[key] for key in sorted(rows)], columns=SOURCES.names))


def _day(text: str | None) -> date | None:
    """Return an ISO date; what a program writes in another form is left out."""
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


def _segment_table(segments: Mapping[str, tuple[str, Placed]]) -> pd.DataFrame:
    rows = [
        (key, source, p.start, p.end, p.quote or None, p.check)
        for key, (source, p) in segments.items()
    ]
    frame = pd.DataFrame(rows, columns=SEGMENTS.names)
    frame[["start", "end"]] = frame[["start", "end"]].astype("Int64")
    return SEGMENTS.conform(frame.sort_values(["source_id", "start", "end", "segment_id"]))


def _code_book(
    raw: Raw, paths: Mapping[str, tuple[str, ...]], log: Log
) -> dict[str, tuple[object, ...]]:
    """Return code_id → row of `codes`; parents that only a notation implies are added, not
    codable."""
    facts: dict[tuple[str, ...], tuple[bool, str]] = {}
    for code in raw.codes:
        path = paths[code.key]
        codable, description = facts.get(path, (False, ""))
        facts[path] = (codable or code.codable, description or code.description)
    named = sum(len(paths[code.key]) > len(code.names) for code in raw.codes)
    log.note(
        "codes", "codes whose names spell a hierarchy (a.b, a::b, a > b) were read as one", named
    )
    log.note("codes", "codes with the same full path are one code", len(raw.codes) - len(facts))
    for path in list(facts):
        for depth in range(1, len(path)):
            facts.setdefault(path[:depth], (False, ""))
    return {
        code_id(path): (
            code_id(path),
            code_id(path),
            code_id(path[:-1]) or None,
            len(path) - 1,
            codable,
            description or None,
        )
        for path, (codable, description) in facts.items()
        if path
    }


def _pseudonyms(coders: object) -> dict[str, str]:
    """Number the coders in the order of their names, so that a new export gives the same
    pseudonyms."""
    listed = sorted(set(coders), key=lambda name: (not name, name))  # type: ignore[call-overload]
    return {name: f"coder_{number}" for number, name in enumerate(listed, 1)}


def _log_offsets(
    log: Log,
    segments: Mapping[str, tuple[str, Placed]],
    how: Convention,
    rivals: Sequence[Convention],
    texts: bool,
) -> None:
    checks = Counter(place.check for _, place in segments.values())
    if texts:
        log.note(
            "offsets", f"segments whose positions were verified (positions count {how})", checks[OK]
        )
    log.warn("offsets", "segments moved to where their own quote stands (shifted)", checks[SHIFTED])
    why = (
        f"it is open whether positions count {how} or {rivals[0]}"
        if rivals
        else "their quote stands elsewhere or nowhere"
    )
    log.warn("offsets", f"segments whose place is ambiguous: {why}", checks[AMBIGUOUS])
    log.note("offsets", "segments whose place could not be checked", checks[UNCHECKED])


def _log_people(
    log: Log,
    links: Sequence[people.Row],
    sources: pd.DataFrame,
    participants: pd.DataFrame,
    observation_kinds: Sequence[str],
) -> None:
    linked = {row[0] for row in links}
    observed = set(sources.loc[sources["kind"].isin(observation_kinds), "source_id"])
    everyone = set(sources["source_id"]) - observed
    log.warn(
        "people",
        "sources that nobody is linked to: nothing in them counts for a person. Give a map "
        "(source,participant) if somebody speaks there",
        len(everyone - linked),
    )
    log.note(
        "people",
        "field notes or observations with linked cases: they still belong to nobody",
        len(observed & linked),
    )
    silent = set(participants["participant_id"]) - {row[1] for row in links}
    log.warn(
        "people", "participants who are linked to no source", len(silent) if len(sources) else 0
    )
    if len(sources) and sources["kind"].isna().any():
        log.warn(
            "sources",
            "sources whose kind is not known: field notes among them would count as somebody's "
            "words",
            int(sources["kind"].isna().sum()),
        )
