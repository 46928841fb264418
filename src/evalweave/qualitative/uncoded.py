"""Sources in which nothing was coded, for files that list coded sources only.

Whoever was interviewed and said nothing that was coded belongs in every denominator. A table of
segments cannot name such a source; the tables beside it can. A name that is nearly that of a source
in the file stays unknown, so that a slip of the pen is refused and makes no silent person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from evalweave.qualitative.documents import SourceNames, bare
from evalweave.qualitative.raw import Log, Raw, RawSource

WORD = 4  # letters from which on one letter more, less or other is a slip, not another name


def with_uncoded(
    raw: Raw, described: Iterable[str], linked: Sequence[Mapping[str, str]], log: Log
) -> Raw:
    """Return the project with the sources that the tables name and its file cannot.

    Args:
        described: names of sources in the table of them. There, a name near to another one is a
            source of its own where both have a row.
        linked: rows of the map of who speaks where, by `source`.
    """
    if raw.codebook_complete or not raw.sources:
        return raw
    sources, described = list(raw.sources), list(described)
    in_file = _names(sources)
    told = {source for name in described for source in in_file.meant_by(name)}
    untold = [in_file.leaf_of[s.key] for s in raw.sources if s.key not in told]
    everything = list(in_file.leaf_of.values())
    asked = [(name, untold) for name in described]
    asked += [(name, everything) for name in dict.fromkeys(row["source"] for row in linked)]
    for name, known in asked:
        if not _names(sources).meant_by(name) and not any(nearly(name, other) for other in known):
            sources.append(RawSource(name, name, None))
    log.note(
        "sources",
        "sources that the tables beside name and the file does not, since it lists coded sources "
        "only: they are taken as sources without any coding",
        len(sources) - len(raw.sources),
    )
    return replace(raw, sources=tuple(sources))


def nearly(one: str, other: str) -> bool:
    """Return whether two names of sources differ by blanks and marks only, or by one letter of one
    word; another number is another source."""
    first, second = (re.findall(r"[^\W_]+", bare(name)) for name in (one, other))
    if "".join(first) == "".join(second):
        return True
    apart = [pair for pair in zip(first, second, strict=False) if pair[0] != pair[1]]
    return len(first) == len(second) and len(apart) == 1 and _one_slip(*apart[0])


def _one_slip(one: str, other: str) -> bool:
    """Return whether one letter is missing, too many, another, or two neighbours are swapped."""
    if min(len(one), len(other)) < WORD or re.findall(r"\d", one) != re.findall(r"\d", other):
        return False
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return max(len(one), len(other)) <= 1 or (len(one) == 2 and one == other[::-1])


def _names(sources: Sequence[RawSource]) -> SourceNames:
    return SourceNames(sources, {source.key: source.key for source in sources})
