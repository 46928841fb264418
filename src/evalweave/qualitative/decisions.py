"""What each coder decided: for every source, unit and code whether a coder gave it.

Which sources are double-coded, and by whom, is declared (`double_coding`); then a source in which
a coder found nothing counts as her decision to give no code, and codings by anybody else are left
out. Without a declaration only sources that at least two coders coded can be compared, and a source
in which one of them found nothing cannot be told from one that she never read.

Three units:
- character: each character of those sources, coded or not with the code;
- segment: each stretch that any coder marked; a coder gave it the code when their stretches with
  that code hold at least half of it;
- document: each source, coded or not with the code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evalweave.qualitative.coders import UNLISTED_CODER
from evalweave.qualitative.project import Project
from evalweave.qualitative.raw import WHOLE

CHARACTER, SEGMENT, DOCUMENT = "character", "segment", "document"
UNITS = (CHARACTER, SEGMENT, DOCUMENT)


@dataclass(frozen=True)
class Part:
    """One source's units: `values` units × coders × codes (0/1), `weights` units, who judged the
    source at all, and where each unit lies: (start, end), or a segment's id where there are no
    positions."""

    source: str
    values: np.ndarray
    weights: np.ndarray
    took_part: np.ndarray
    places: tuple[tuple[int, int] | str, ...] = ()


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
    given = project.codings[~project.codings["coder_id"].str.startswith(UNLISTED_CODER)]
    given = given.merge(project.segments, on="segment_id")
    codes = tuple(sorted(given["code_id"].unique()))
    declared = _declared(project)
    if declared:
        inside = [
            coder in declared.get(source, ())
            for source, coder in zip(given["source_id"], given["coder_id"], strict=True)
        ]
        among = given["source_id"].isin(list(declared))
        outside = int((among & ~pd.Series(inside, index=given.index, dtype=bool)).sum())
        given = given[inside]
        coders = tuple(sorted(set().union(*declared.values())))
    else:
        outside, coders = 0, tuple(sorted(given["coder_id"].unique()))
        declared = {
            str(source): set(rows["coder_id"]) for source, rows in given.groupby("source_id")
        }
    lengths = dict(zip(project.sources["source_id"], project.sources["n_chars"], strict=True))
    parts: dict[str, list[Part]] = {unit: [] for unit in UNITS}
    for source in sorted(declared):
        took_part = np.isin(coders, sorted(declared[source]))
        rows = given[given["source_id"] == source]
        for unit, part in _judged(source, rows, (coders, codes), took_part, lengths[source]):
            parts[unit].append(part)
    return Decisions(coders, codes, parts, outside)


def _declared(project: Project) -> dict[str, set[str]]:
    """Return source → coders who coded it, as declared; empty where nothing is."""
    declared: dict[str, set[str]] = {}
    for row in project.double_coding.itertuples(index=False):
        declared.setdefault(str(row.source_id), set()).add(str(row.coder_id))
    return declared


def _judged(
    source: str,
    rows: pd.DataFrame,
    names: tuple[Sequence[str], Sequence[str]],
    took_part: np.ndarray,
    length: int | None,
) -> list[tuple[str, Part]]:
    """Return one source's decisions by unit; a unit that cannot be told for it is left out."""
    coders, codes = names
    coder = rows["coder_id"].map({name: i for i, name in enumerate(coders)}).to_numpy(dtype=int)
    code = rows["code_id"].map({name: i for i, name in enumerate(codes)}).to_numpy(dtype=int)
    shape = (len(coders), len(codes))
    document = np.zeros((1, *shape))
    document[0, coder, code] = 1
    judged = [(DOCUMENT, Part(source, document, np.ones(1), took_part))]
    whole = rows["place"].eq(WHOLE).fillna(False).to_numpy(dtype=bool)
    if not pd.isna(length) and whole.any():  # of a text coded as a whole only the document tells
        rows, coder, code = rows[~whole], coder[~whole], code[~whole]
    if rows["start"].isna().any():  # without positions a segment is whatever has the same words
        held, index = np.unique(rows["segment_id"].to_numpy(dtype=str), return_inverse=True)
        same = np.zeros((len(held), *shape))
        same[index, coder, code] = 1
        places = tuple(str(name) for name in held)
        return [*judged, (SEGMENT, Part(source, same, np.ones(len(held)), took_part, places))]
    start, end = rows["start"].to_numpy(dtype=int), rows["end"].to_numpy(dtype=int)
    known = not pd.isna(length)
    last = max([*end.tolist(), int(length) if known and length is not None else 0])
    cuts = np.unique(np.concatenate([[0, last], start, end]))
    first, after = np.searchsorted(cuts, start), np.searchsorted(cuts, end)
    pieces = np.zeros((len(cuts) - 1, *shape))
    for i in range(len(rows)):
        pieces[first[i] : after[i], coder[i], code[i]] = 1
    widths = np.diff(cuts)
    if known:
        judged.append((CHARACTER, Part(source, pieces, widths, took_part)))
    spans = sorted(set(zip(first.tolist(), after.tolist(), strict=True)))
    if spans:
        shares = np.stack(
            [np.tensordot(widths[i:j], pieces[i:j], axes=1) / widths[i:j].sum() for i, j in spans]
        )
        places_ = tuple((int(cuts[i]), int(cuts[j])) for i, j in spans)
        given = (shares >= 0.5).astype(float)
        judged.append((SEGMENT, Part(source, given, np.ones(len(spans)), took_part, places_)))
    return judged
