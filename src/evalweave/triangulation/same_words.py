"""Stretches that hold words of one another: two coders' boundaries, or one text stored twice.

What somebody decided of a stretch, or what stands once in the report, is decided of the words. Two
stretches of a source share words where their places overlap; where the place of one is not known,
where the shorter's words stand in the longer; and anywhere where `RUN` words in a row are the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalweave.qualitative.identity import normal

if TYPE_CHECKING:
    import pandas as pd

RUN = 8  # words in a row that are no coincidence
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class _Stretch:
    segment_id: str
    start: int | None
    end: int | None
    words: tuple[str, ...]

    def shares(self, other: _Stretch) -> bool:
        """Return whether a stretch of the same source holds words of this one."""
        if None not in (self.start, self.end, other.start, other.end):
            return bool(self.start < other.end and other.start < self.end)  # type: ignore[operator]
        short, long = sorted((self.words, other.words), key=len)
        n = len(short)
        return n > 0 and any(long[at : at + n] == short for at in range(len(long) - n + 1))


class SameWords:
    """Which stretches hold words of others. `segments`: segment_id, source_id, start, end, quote,
    all segments of a project."""

    def __init__(self, segments: pd.DataFrame) -> None:
        self._by_id: dict[str, tuple[str, _Stretch]] = {}
        self._of_source: dict[str, list[_Stretch]] = defaultdict(list)
        self._with_run: dict[tuple[str, ...], set[str]] = defaultdict(set)
        columns = ["segment_id", "source_id", "start", "end", "quote"]
        plain = segments[columns].astype(object)
        for row in plain.where(plain.notna(), None).itertuples(index=False):
            words = tuple(_WORD.findall(normal(row.quote or "")))
            stretch = _Stretch(str(row.segment_id), row.start, row.end, words)
            self._by_id[stretch.segment_id] = (str(row.source_id), stretch)
            self._of_source[str(row.source_id)].append(stretch)
            for run in _runs(words):
                self._with_run[run].add(stretch.segment_id)

    def of(self, segments: Iterable[str]) -> set[str]:
        """Return the segments that hold words of any of these, themselves too."""
        found = set[str]()
        for name in segments:
            found.add(name)
            if name in self._by_id:
                source, mine = self._by_id[name]
                found |= {o.segment_id for o in self._of_source[source] if mine.shares(o)}
                found |= set().union(*(self._with_run[run] for run in _runs(mine.words)))
        return found


def _runs(words: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {words[at : at + RUN] for at in range(len(words) - RUN + 1)}
