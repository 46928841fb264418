"""From a project as read to the tidy model: identities, positions, hierarchies, coders, stances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from evalweave.qualitative import people, stances
from evalweave.qualitative.codebook import code_book
from evalweave.qualitative.coders import ONE, double_coded, pseudonyms
from evalweave.qualitative.documents import SourceNames, source_ids, source_table
from evalweave.qualitative.offsets import Convention, Document, decide
from evalweave.qualitative.people_log import log_people
from evalweave.qualitative.placing import marked, segment_table
from evalweave.qualitative.project import Project
from evalweave.qualitative.raw import Log, Raw, RawLink
from evalweave.qualitative.uncoded import with_uncoded
from evalweave.tables.qualitative import (
    CODES,
    CODINGS,
    ELIGIBILITY,
    IMPORT_LOG,
    STANCES,
    THEME_CODES,
    THEMES,
)


@dataclass(frozen=True)
class Beside:
    """What is known beside the project: participants, what each source is, the map of who speaks
    where, whose words shared sources hold, whether coders of one name are one person, and which
    sources were coded independently by whom."""

    participants: pd.DataFrame | None = None
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    source_participants: Sequence[Mapping[str, str]] = ()
    stance_prefix: str = "claim"
    observation_kinds: tuple[str, ...] = ("field_note", "observation")
    shared_sources: str = people.UNKNOWN
    coders_of_one_name: str = ONE
    double_coding: Sequence[Mapping[str, str]] = ()
    coders: Mapping[str, str] | None = None  # as read → pseudonym, where several projects share


def assemble(raw: Raw, beside: Beside) -> Project:
    """Return the tidy model without themes and eligibility, which `readers.load` adds.

    Raises `DataError` when the tables beside the project name sources or people that do not exist.
    """
    log = Log(list(raw.log.rows))
    documents = {s.key: Document(s.text) for s in raw.sources if s.text is not None}
    raw = with_uncoded(raw, beside.sources, beside.source_participants, log)
    source_of = source_ids(raw.sources, documents, log)
    counting = decide(documents, raw.selections, raw.units, _spans(raw))
    participants = (
        people.participants_of(raw, log) if beside.participants is None else beside.participants
    )
    book = code_book(raw, log)
    coders = beside.coders or pseudonyms(coders_of([raw]), beside.coders_of_one_name, log)
    stretches = marked(raw, documents, source_of, counting, (book.code_of, coders), log)

    def span_of(link: RawLink) -> tuple[int, int] | None:
        return _turn(documents.get(link.source), link, counting[0])

    names = SourceNames(raw.sources, source_of, raw.codebook_complete)
    links, unmatched = people.linked(raw, participants, stretches, source_of, span_of, log)
    links = people.overridden(links, beside.source_participants, names, participants, log)
    texts = {source_of[key]: document.text for key, document in documents.items()}
    links = people.of_whole_sources(links, texts)
    links = people.with_parts(links, raw.sources, source_of)
    kinds = beside.observation_kinds
    sources = source_table(
        raw, beside.sources, names, documents, counting, beside.shared_sources, kinds
    )
    mapped = {link.source for link in links if link.basis == "map"}
    open_ = {source: how for source, how in unmatched.items() if source not in mapped}
    sources["unmatched"] = sources["source_id"].map(open_).astype("string")
    marked_in = [segment.source for segment in stretches.segments.values()]
    log_people(log, links, sources, participants, kinds, marked_in)
    codings, claimed, thematic = stances.split(
        [(*identity, at or None) for identity, at in stretches.codings.items()],
        book.rows,
        Counter(code for _, code, _ in stretches.codings),
        beside.stance_prefix,
        log,
    )
    return Project(
        participants=participants,
        sources=sources,
        source_participants=people.link_table(links),
        eligibility=ELIGIBILITY.empty(),
        codes=CODES.conform(pd.DataFrame(sorted(thematic.values()), columns=CODES.names)),
        themes=THEMES.empty(),
        theme_codes=THEME_CODES.empty(),
        segments=segment_table(stretches.segments),
        codings=CODINGS.conform(
            pd.DataFrame(sorted(codings, key=lambda row: row[:3]), columns=CODINGS.names)
        ),
        stances=STANCES.conform(pd.DataFrame(sorted(claimed), columns=STANCES.names)),
        import_log=log_table(log),
        double_coding=double_coded(beside.double_coding, names, coders),
        observation_kinds=beside.observation_kinds,
        texts=texts,
    )


def coders_of(raws: Iterable[Raw]) -> list[str]:
    """Return the coder of every coding of one or several projects, as read."""
    return [coding.coder for raw in raws for s in raw.selections for coding in s.codings]


def log_table(log: Log) -> pd.DataFrame:
    """Return `import_log`, warnings first."""
    rows = sorted(dict.fromkeys(log.rows), key=lambda row: (row[0] != "warning", row[1], row[2]))
    return IMPORT_LOG.conform(pd.DataFrame(rows, columns=IMPORT_LOG.names))


def _spans(raw: Raw) -> list[tuple[str, int, int]]:
    """Return the stretches that links give by position, such as a case's turns."""
    return [
        (link.source, link.start, link.end)
        for link in raw.links
        if not link.selection and link.start is not None and link.end is not None
    ]


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
