"""Marked stretches and their codings: where they stand, under which identity, each once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from evalweave.qualitative.identity import same_words
from evalweave.qualitative.offsets import (
    AMBIGUOUS,
    BEYOND,
    OK,
    SHIFTED,
    UNCHECKED,
    Convention,
    Document,
    Placed,
    locate,
)
from evalweave.qualitative.raw import Log, Raw, RawSelection
from evalweave.tables.qualitative import SEGMENTS


@dataclass(frozen=True)
class Segment:
    """A marked stretch: its source, its place in the text, and its place in a medium in words."""

    source: str
    placed: Placed
    place: str = ""


@dataclass
class Marked:
    """Everything that was marked.

    `segment_of`: selection key → segment_id (stretches with codes, or marked for no code, and turns
    that have no position in a text);
    `place_of`: selection key → source and place, turns included; `codings`: (segment_id, code_id,
    coder as read) → when.
    """

    segments: dict[str, Segment] = field(default_factory=dict)
    segment_of: dict[str, str] = field(default_factory=dict)
    place_of: dict[str, tuple[str, Placed]] = field(default_factory=dict)
    codings: dict[tuple[str, str, str], str] = field(default_factory=dict)


def marked(
    raw: Raw,
    documents: Mapping[str, Document],
    source_of: Mapping[str, str],
    counting: tuple[Convention, Sequence[Convention]],
    names: tuple[Mapping[str, str], Mapping[str, str]],
    log: Log,
) -> Marked:
    """Return all stretches and codings.

    Args:
        counting: how positions count, and the rivals of that.
        names: code as read → code_id, coder as read → coder_id.
    """
    code_of, coder_of = names
    turns = {link.selection for link in raw.links if link.selection and link.basis != "variable"}
    result, counted = Marked(), Counter[str]()
    for number, selection in enumerate(raw.selections):
        if selection.source not in source_of:
            continue
        source = source_of[selection.source]
        placed = (
            Placed(None, None, "", OK)
            if selection.place
            else locate(documents.get(selection.source), selection, *counting)
        )
        key = selection.key or str(number)
        result.place_of[key] = (source, placed)
        if not selection.codings and (selection.cases or selection.key in turns):
            if selection.place or placed.check == BEYOND:  # whose place is a name only
                result.segment_of[key] = _segment_id(source, placed, selection, result.segments)
            continue  # a speaker's turn, not a marked stretch
        if placed.start is not None and placed.end is not None and placed.end <= placed.start:
            counted["empty"] += 1
            continue
        segment = _segment_id(source, placed, selection, result.segments)
        result.segments.setdefault(segment, Segment(source, placed, selection.place))
        result.segment_of[key] = segment
        counted["uncoded"] += not selection.codings
        for coding in selection.codings:
            identity = (segment, code_of[coding.code], coder_of[coding.coder])
            counted["twice"] += identity in result.codings
            at = min(filter(None, (result.codings.get(identity), coding.at)), default="")
            result.codings[identity] = at
    _log(log, counted, result.segments, counting, bool(documents))
    return result


def segment_table(segments: Mapping[str, Segment]) -> pd.DataFrame:
    """Return `segments`, sorted."""
    rows = [
        (
            key,
            segment.source,
            segment.placed.start,
            segment.placed.end,
            segment.placed.quote or None,
            segment.placed.check,
            segment.place or None,
        )
        for key, segment in segments.items()
    ]
    frame = pd.DataFrame(rows, columns=SEGMENTS.names)
    frame[["start", "end"]] = frame[["start", "end"]].astype("Int64")
    return SEGMENTS.conform(frame.sort_values(["source_id", "start", "end", "segment_id"]))


def text_hash(text: str) -> str:
    """Return the hash that stands for a text in identifiers."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _segment_id(
    source: str, placed: Placed, selection: RawSelection, taken: Mapping[str, Segment]
) -> str:
    if selection.place:
        return f"{source}:{selection.place}"
    if placed.start is not None:
        return f"{source}:{placed.start}-{placed.end}"
    if placed.check == BEYOND:
        return f"{source}:beyond {selection.start}-{selection.end}"
    base = (
        f"{source}:{text_hash(same_words(placed.quote))[:8]}"  # no position: the words stand for it
    )
    number = 1
    name = base
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def _log(
    log: Log,
    counted: Mapping[str, int],
    segments: Mapping[str, Segment],
    counting: tuple[Convention, Sequence[Convention]],
    texts: bool,
) -> None:
    log.note(
        "codings",
        "codings that stand in the project more than once (the same stretch, code and coder): each "
        "was counted once",
        counted["twice"],
    )
    log.note(
        "codings",
        "marked stretches without a code: kept as segments, counted nowhere",
        counted["uncoded"],
    )
    log.warn("codings", "marked stretches of no length were set aside", counted["empty"])
    how, rivals = counting
    checks = Counter(segment.placed.check for segment in segments.values() if not segment.place)
    if texts:
        log.note(
            "offsets", f"segments whose positions were verified (positions count {how})", checks[OK]
        )
    log.warn("offsets", "segments moved to where their own quote stands (shifted)", checks[SHIFTED])
    log.warn(
        "offsets",
        "segments that reach beyond the end of their text: they count for their source, their "
        "words are not shown",
        checks[BEYOND],
    )
    why = (
        f"it is open whether positions count {how} or {rivals[0]}"
        if rivals
        else "their quote stands elsewhere or nowhere"
    )
    log.warn("offsets", f"segments whose place is ambiguous: {why}", checks[AMBIGUOUS])
    log.note("offsets", "segments whose place could not be checked", checks[UNCHECKED])
    log.note(
        "codings",
        "segments of pictures, audio, video and PDF pages by their place, and texts coded as a "
        "whole: they count for their people and sources, without a quote",
        sum(bool(segment.place) for segment in segments.values()),
    )
