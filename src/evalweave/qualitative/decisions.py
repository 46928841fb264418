"""What each coder decided: for every source, unit and code whether a coder gave it.

Which sources are double-coded, and by whom, is declared (`double_coding`); then a source in which
a coder found nothing counts as her decision to give no code, and codings by anybody else are left
out. Without a declaration only sources that at least two coders coded can be compared, and a source
in which one of them found nothing cannot be told from one that she never read.

A coder decides on the codes of the projects in which she coded (`codebooks`); for all others she
has no value (NaN).

Three units:
- character: each character of those sources, coded or not with the code;
- segment: each stretch that any coder marked; a coder gave it the code when their stretches with
  that code hold at least half of it; regions of media, and words of a source without any position,
  are stretches that are the same or not;
- document: each source, coded or not with the code.

A coding whose place in a text is not known, or beyond its end, counts by document only. Where all
codings by a coder are so and others' are not, the source has no other unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evalweave.qualitative.codebooks import book_of, books_of_sources, one_code
from evalweave.qualitative.coders import UNLISTED_CODER
from evalweave.qualitative.offsets import BEYOND
from evalweave.qualitative.project import Project
from evalweave.qualitative.raw import WHOLE

CHARACTER, SEGMENT, DOCUMENT = "character", "segment", "document"
UNITS = (CHARACTER, SEGMENT, DOCUMENT)


@dataclass(frozen=True)
class Part:
    """One source's units: `values` units × coders × codes (0/1, NaN where a coder did not decide),
    `weights` units, where each unit lies ((start, end), or a segment's id where there are no
    positions), and how many codings are left out since their place is not known."""

    source: str
    values: np.ndarray
    weights: np.ndarray
    places: tuple[tuple[int, int] | str, ...] = ()
    n_unplaced: int = 0

    def decided(self) -> np.ndarray:
        """Return coders × codes: who decided on which code."""
        return ~np.isnan(self.values).any(axis=0)

    def decided_by(self, coders: Sequence[int] | None = None) -> bool:
        """Whether some code was decided on by each of these coders (all of None: by any two)."""
        decided = self.decided()
        if coders is None:
            return bool((decided.sum(axis=0) >= 2).any())
        return bool(decided[list(coders)].all(axis=0).any())


@dataclass(frozen=True)
class Decisions:
    """The decisions of `coders` on `codes`, a `Part` for each source under each unit."""

    coders: tuple[str, ...]
    codes: tuple[str, ...]
    parts: Mapping[str, Sequence[Part]]
    n_outside: int = 0  # codings by coders whom the declaration does not name for their source


def decisions(project: Project) -> Decisions:
    """Return what the coders of a project decided, the declaration of double coding observed.

    A user whom the project does not list is left out: it may be one of the coders who are.
    """
    same, having = one_code(project)
    books = books_of_sources(project)
    given = project.codings[~project.codings["coder_id"].str.startswith(UNLISTED_CODER)]
    given = given.merge(project.segments, on="segment_id")
    every = frozenset().union(*books.values())
    given = given.assign(
        book=[book_of(code, every) for code in given["code_id"]],
        code_id=given["code_id"].map(same),
    )
    codes = tuple(sorted(given["code_id"].unique()))
    declared = _declared(project)
    everywhere = given.groupby("coder_id")["book"].agg(set).to_dict() if declared else None
    outside = 0
    if declared:
        inside = [
            coder in declared.get(source, ())
            for source, coder in zip(given["source_id"], given["coder_id"], strict=True)
        ]
        among = given["source_id"].isin(list(declared))
        outside = int((among & ~pd.Series(inside, index=given.index, dtype=bool)).sum())
        given = given[inside]
    else:
        declared = {
            str(source): set(rows["coder_id"]) for source, rows in given.groupby("source_id")
        }
    coders = tuple(sorted(set().union(*declared.values())))
    lengths = dict(zip(project.sources["source_id"], project.sources["n_chars"], strict=True))
    parts: dict[str, list[Part]] = {unit: [] for unit in UNITS}
    for source in sorted(declared):
        rows = given[given["source_id"] == source]
        used = rows.groupby("coder_id")["book"].agg(set).to_dict()
        decided = np.zeros((len(coders), len(codes)), dtype=bool)
        for i, coder in enumerate(coders):
            if coder in declared[source]:
                hers = (everywhere or used).get(coder, set()) & books[source] or books[source]
                decided[i] = [bool(hers & having[code]) for code in codes]
        for unit, part in _judged(source, rows, (coders, codes), lengths[source]):
            part.values[:, ~decided] = np.nan
            parts[unit].append(part)
    nowhere = given.loc[given["start"].isna() & given["place"].isna(), "code_id"].unique()
    for unit in (CHARACTER, SEGMENT):  # a code of which no place is known is decided on nowhere
        for code in np.flatnonzero(np.isin(codes, nowhere)):
            if not any((part.values[:, :, code] == 1).any() for part in parts[unit]):
                for part in parts[unit]:
                    part.values[:, :, code] = np.nan
    return Decisions(coders, codes, parts, outside)


def _declared(project: Project) -> dict[str, set[str]]:
    """Return source → coders who coded it, as declared; empty where nothing is."""
    declared: dict[str, set[str]] = {}
    for row in project.double_coding.itertuples(index=False):
        declared.setdefault(str(row.source_id), set()).add(str(row.coder_id))
    return declared


def _judged(
    source: str, rows: pd.DataFrame, names: tuple[Sequence[str], Sequence[str]], length: int | None
) -> list[tuple[str, Part]]:
    """Return one source's decisions by unit; a unit that cannot be told for it is left out."""
    document = _exact(rows.assign(segment_id=source), names)[0]
    if not len(document):
        document = np.zeros((1, *map(len, names)))
    judged = [(DOCUMENT, Part(source, document, np.ones(1)))]
    known = not pd.isna(length)
    if known:  # of a text coded as a whole only the document tells
        rows = rows[rows["place"].ne(WHOLE).fillna(True).astype(bool)]
    region, placed = rows["place"].notna(), rows["start"].notna()
    unplaced = ~region & ~placed
    positioned = known or bool(placed.any())
    if unplaced.any() and positioned and (placed.any() or _beyond(rows[unplaced])):
        if set(rows.loc[unplaced, "coder_id"]) - set(rows.loc[placed, "coder_id"]):
            return judged
        n_unplaced, apart = int(unplaced.sum()), rows[region]
    else:
        n_unplaced, apart = 0, rows[region | unplaced]
    pieces, cuts, spans = _pieces(rows[placed], names, length)
    widths = np.diff(cuts)
    if known and (placed.any() or not len(apart)):
        judged.append((CHARACTER, Part(source, pieces, widths, n_unplaced=n_unplaced)))
    shares = [np.tensordot(widths[i:j], pieces[i:j], axes=1) / widths[i:j].sum() for i, j in spans]
    exact, ids = _exact(apart, names)
    values = [*(share >= 0.5 for share in shares), *exact]
    if values:
        places: tuple[tuple[int, int] | str, ...] = (
            *((int(cuts[i]), int(cuts[j])) for i, j in spans),
            *ids,
        )
        units = np.stack(values).astype(float)
        judged.append((SEGMENT, Part(source, units, np.ones(len(units)), places, n_unplaced)))
    return judged


def _beyond(rows: pd.DataFrame) -> bool:
    return bool(rows["offset_check"].eq(BEYOND).any())


def _indices(
    rows: pd.DataFrame, names: tuple[Sequence[str], Sequence[str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of each row's coder and code among the names."""
    coder, code = (
        rows[column].map({name: i for i, name in enumerate(known)}).to_numpy(dtype=int)
        for column, known in zip(("coder_id", "code_id"), names, strict=True)
    )
    return coder, code


def _exact(
    rows: pd.DataFrame, names: tuple[Sequence[str], Sequence[str]]
) -> tuple[np.ndarray, list[str]]:
    """Return units × coders × codes of stretches that are the same by their identifier."""
    held, index = np.unique(rows["segment_id"].to_numpy(dtype=str), return_inverse=True)
    coder, code = _indices(rows, names)
    values = np.zeros((len(held), *map(len, names)))
    values[index, coder, code] = 1
    return values, held.tolist()


def _pieces(
    rows: pd.DataFrame, names: tuple[Sequence[str], Sequence[str]], length: int | None
) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int]]]:
    """Return pieces × coders × codes between any two neighbouring ends of stretches, these ends,
    and the stretches as (first piece, one past the last)."""
    start, end = rows["start"].to_numpy(dtype=int), rows["end"].to_numpy(dtype=int)
    last = max([0, *end.tolist(), *([] if length is None or pd.isna(length) else [int(length)])])
    cuts = np.unique(np.concatenate([[0, last], start, end]))
    first, after = np.searchsorted(cuts, start), np.searchsorted(cuts, end)
    coder, code = _indices(rows, names)
    pieces = np.zeros((len(cuts) - 1, *map(len, names)))
    for i in range(len(rows)):
        pieces[first[i] : after[i], coder[i], code[i]] = 1
    return pieces, cuts, sorted(set(zip(first.tolist(), after.tolist(), strict=True)))
