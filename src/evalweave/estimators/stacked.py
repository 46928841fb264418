"""Several fits as one: levels of a subgroup, populations or outcomes, and the differences between
them.

With psi_a and psi_b each practice's influence on two estimates (G x K, practices in one order),

    Var(theta_a - theta_b) = sum over g of (psi_a,g - psi_b,g)^2,

whatever practices hold of both. Least-squares fits are stacked into one block-diagonal model, which
is the fully interacted one, so that every method for least squares applies; other fits are
re-estimated together when a practice is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalweave.errors import DataError
from evalweave.fits.result import Fit, Floats, Ints, LeastSquares, Reassignment


@dataclass(frozen=True)
class Part:
    """One of the fits: `label` tells its columns apart, `names` are its terms in the whole."""

    label: str
    fit: Fit
    names: tuple[str, ...]


def stacked(
    parts: Sequence[Part], clusters: tuple[str, ...], differences: dict[str, dict[str, float]]
) -> Fit:
    """Return the parts' terms and the `differences` (name -> weights by term) as one fit over
    `clusters` (G)."""
    where = [_places(part.fit, clusters) for part in parts]
    order = _cells_first(parts)
    names = [name for part in parts for name in part.names]
    terms = [names[k] for k in order]
    add = np.zeros((len(differences), len(terms)))
    for row, weights in zip(add, differences.values(), strict=True):
        for term, weight in weights.items():
            row[terms.index(term)] = weight
    onto = np.vstack((np.eye(len(terms)), add))
    theta = np.concatenate([part.fit.theta for part in parts])[order]
    influence = np.hstack(
        [_over(p.fit.influence, w, clusters) for p, w in zip(parts, where, strict=True)]
    )
    first = parts[0].fit
    squares = _least_squares(parts, where, clusters)
    contrast = onto @ _block([_contrast(p.fit) for p in parts])[order] if squares else None
    if squares is not None and contrast is not None:
        tested = contrast.any(axis=0)
        columns = np.concatenate((np.flatnonzero(tested), np.flatnonzero(~tested)))
        squares = replace(
            squares,
            xx=squares.xx[:, columns[:, None], columns],
            xy=squares.xy[:, columns],
            columns=tuple(squares.columns[j] for j in columns),
        )
        contrast = contrast[:, columns]

    def refit(keep: NDArray[np.bool_]) -> Floats:
        again = [_again(part.fit, keep[w]) for part, w in zip(parts, where, strict=True)]
        return _joined(np.concatenate(again)[order], add)

    def reassign() -> Reassignment:
        return _reassigned(parts, where, len(clusters), columns)

    movable = squares is not None and all(part.fit.reassign is not None for part in parts)
    return replace(
        first,
        terms=(*terms, *differences),
        theta=_joined(theta, add),
        influence=_joined(influence[:, order], add),
        cluster_names=clusters,
        n_obs=sum(part.fit.n_obs for part in parts),
        n_patients=sum(part.fit.n_patients for part in parts),
        n_practices=len(clusters),
        unit_covariance=_unit_covariance(parts, order, onto),
        least_squares=squares,
        contrast=contrast,
        refit=refit if all(part.fit.refit is not None for part in parts) else None,
        averages=_averages(parts, add),
        absent=_renamed(parts, "absent"),
        of_term=_renamed(parts, "of_term"),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.fit.notes)),
        reassign=reassign if movable else None,
        own=None,
        beside=(),
        details={},
        leads="",
        placebo=None,
    )


def _joined(values: Floats, add: Floats) -> Floats:
    """Return values of terms (last axis) with those of the differences behind them; a term that
    is lost (nan) takes only the differences along that it is part of."""
    more = [values[..., row != 0] @ row[row != 0] for row in add]
    return np.concatenate((values, np.stack(more, axis=-1)), axis=-1) if more else values


def _contrast(fit: Fit) -> Floats:
    """Return the K x P map from the coefficients of least squares to the terms."""
    if fit.contrast is not None:
        return fit.contrast
    width = 0 if fit.least_squares is None else len(fit.least_squares.columns)
    return np.eye(len(fit.terms), width)


def _places(fit: Fit, clusters: tuple[str, ...]) -> Ints:
    place = {name: g for g, name in enumerate(clusters)}
    return np.array([place[name] for name in fit.cluster_names], dtype=np.int64)


def _cells_first(parts: Sequence[Part]) -> Ints:
    """Return the terms' order in the whole: what averages are made of stands before them."""
    cells: list[int] = []
    others: list[int] = []
    low = 0
    for part in parts:
        high = low + len(part.names)
        split = high if part.fit.averages is None else low + part.fit.averages.shape[1]
        cells += range(low, split)
        others += range(split, high)
        low = high
    return np.array([*cells, *others], dtype=np.int64)


def _over(values: Floats, places: Ints, clusters: tuple[str, ...]) -> Floats:
    """Return values by practice (first axis) over all practices, 0 where a part has none."""
    whole = np.zeros((len(clusters), *values.shape[1:]))
    whole[places] = values
    return whole


def _block(matrices: Sequence[Floats]) -> Floats:
    """Return matrices along the last two axes as one that is block-diagonal."""
    head = matrices[0].shape[:-2]
    rows, columns = (sum(m.shape[axis] for m in matrices) for axis in (-2, -1))
    whole = np.zeros((*head, rows, columns))
    row = column = 0
    for matrix in matrices:
        below, right = row + matrix.shape[-2], column + matrix.shape[-1]
        whole[..., row:below, column:right] = matrix
        row, column = below, right
    return whole


def _least_squares(
    parts: Sequence[Part], where: list[Ints], clusters: tuple[str, ...]
) -> LeastSquares | None:
    """Return the block-diagonal model; None where a part is not least squares."""
    own = [part.fit.least_squares for part in parts]
    known = [ls for ls in own if ls is not None]
    if len(known) < len(own):
        return None
    pairs = list(zip(known, where, strict=True))
    return LeastSquares(
        xx=_block([_over(ls.xx, w, clusters) for ls, w in pairs]),
        xy=np.hstack([_over(ls.xy, w, clusters) for ls, w in pairs]),
        yy=np.sum([_over(ls.yy, w, clusters) for ls, w in pairs], axis=0),
        columns=tuple(
            f"{part.label}: {name}"
            for part, ls in zip(parts, known, strict=True)
            for name in ls.columns
        ),
        n_obs=sum(ls.n_obs for ls in known),
        n_parameters=sum(ls.n_parameters for ls in known),
    )


def _again(fit: Fit, keep: NDArray[np.bool_]) -> Floats:
    """Return a part's terms without some of its practices; those of others change nothing."""
    if keep.all():
        return fit.theta
    assert fit.refit is not None
    return fit.refit(keep)


def _unit_covariance(parts: Sequence[Part], order: Ints, onto: Floats) -> Floats | None:
    """Return the covariance by person, where the parts hold different people."""
    own = [part.fit.unit_covariance for part in parts]
    known = [covariance for covariance in own if covariance is not None]
    if len(known) < len(own):
        return None
    return np.asarray(onto @ _block(known)[order[:, None], order] @ onto.T)


def _averages(parts: Sequence[Part], add: Floats) -> Floats | None:
    """Return the averages and differences as sums of what they are made of."""
    if any(part.fit.averages is not None for part in parts):
        own = [
            np.zeros((0, len(part.names))) if part.fit.averages is None else part.fit.averages
            for part in parts
        ]
        block = _block(own)
        cells = block.shape[1]
        return np.vstack((block, add[:, :cells] + add[:, cells:] @ block))
    return add if len(add) else None


def _renamed(parts: Sequence[Part], of: str) -> dict[str, str]:
    """Return what is said of terms, by their names in the whole."""
    said: dict[str, str] = {}
    for part in parts:
        name = dict(zip(part.fit.terms, part.names, strict=True))
        entries: dict[str, Any] = getattr(part.fit, of)
        said |= {name.get(term, f"{term}, {part.label}"): words for term, words in entries.items()}
    return said


def _reassigned(parts: Sequence[Part], where: list[Ints], g: int, columns: Ints) -> Reassignment:
    """Return the statistics of all parts under every start; `columns` is the order of the whole.

    Raises:
        DataError: where a part lacks one of the start dates.
    """
    own = [part.fit.reassign() for part in parts if part.fit.reassign is not None]
    if any(not np.array_equal(one.cohorts, own[0].cohorts) for one in own):
        raise DataError(
            "Randomisation moves start dates between practices, but some of them occur in one of "
            "the groups only."
        )
    clusters = tuple(map(str, range(g)))
    pairs = list(zip(own, where, strict=True))
    observed, strata = np.zeros(g, dtype=np.int64), np.zeros(g, dtype=np.int64)
    for one, places in pairs:
        observed[places] = one.observed
        strata[places] = 0 if one.strata is None else one.strata
    xx = _block([_over(one.xx, w, clusters) for one, w in pairs])
    xy = np.concatenate([_over(one.xy, w, clusters) for one, w in pairs], axis=-1)
    moved = _block([_over(one.moved, w, clusters) for one, w in pairs])
    return Reassignment(
        own[0].cohorts,
        observed,
        xx[..., columns[:, None], columns],
        xy[..., columns],
        moved[..., columns, :],
        None if own[0].strata is None else strata,
    )
