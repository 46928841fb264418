"""Quasi-likelihood models of counts, costs and yes or no: Newton's method on collapsed rows.

A row has the sum y of its outcomes, its size s (weights times exposure) and regressors x; the mean
of y is s m with

    poisson   m = a_i exp(x'b)      score x (y - s m)            information s m
    gamma     m = exp(x'b)          score x (y - s m) / m        information s
    logit     m = 1/(1+exp(-x'b))   score x (y - s m)            information s m (1 - m)

(for errors, the observed y/m stands for the gamma model's s). None needs its distribution to hold,
only its conditional mean (Wooldridge 1999). The effects a_i of a Poisson model are concentrated out
exactly, a_i = sum_i y / sum_i s exp(x'b), which is the same as conditioning on the total (Hausman,
Hall & Griliches 1984): x is centred by its mean within the group, weighted by s m, and groups with
only zeros drop out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from evalweave.catalogue.families import GAMMA, LOGIT, Family
from evalweave.errors import DataError
from evalweave.estimators.glm_rows import Rows, some_rows
from evalweave.estimators.separation import separated_rows
from evalweave.fits.result import Floats, Ints

STEPS = 100
CONVERGED = 1e-14  # gain of a step over the information; the step squares what is left
SHORT = 0.5  # a step this short is taken as it is: the quasi-likelihoods are concave there
SUSPICIOUS = 1e-5  # a fitted mean this far below (or above) all others may be no finite one
TOLERANCE = 1e-10  # share of a column's sum of squares that the others must leave


@dataclass(frozen=True)
class Solution:
    """The fit of a model to its rows.

    Attributes:
        rows: all rows; `live` says which were not set aside as separated (R).
        beta: coefficients (P), 0 where a column was redundant.
        bread: inverse information, zero there (P x P).
        identified: which of the tested columns the data identify (K).
        mean: fitted s m (R); of a separated row its outcome.
        information: what the rows weigh in the bread (R), 0 of a separated row.
        residual: the part of the score beside x (R), 0 of a separated row.
    """

    rows: Rows
    family: Family
    live: NDArray[np.bool_]
    beta: Floats
    bread: Floats
    identified: NDArray[np.bool_]
    mean: Floats
    information: Floats
    residual: Floats


def solve_glm(rows: Rows, family: Family, start: Floats | None = None) -> Solution:
    """Return the fit of `family` to `rows`, from `start` (P) if given.

    Rows that are separated (Correia, Guimaraes & Zylkin 2020), whose outcome the model would fit
    perfectly at an infinite coefficient, are set aside: they say nothing about the others.

    Raises:
        DataError: where Newton's method does not settle.
    """
    live = np.ones(len(rows.y), dtype=bool)
    if family == LOGIT:
        live &= ~_without_contrast(rows)
    for _ in range(len(rows.names) + 1):
        part = rows if live.all() else some_rows(rows, live)
        if not len(part.y) or not part.y.any():
            raise DataError("No outcome is above zero where anything could be compared.")
        chosen, identified = _columns(part, family)
        beta, settled = _newton(part, family, chosen, start)
        if settled and not _suspicious(part, family, beta):
            return _solution(rows, family, live, beta, chosen, identified)
        gone = separated_rows(part.x, part.y, part.size, _reference(part), family == LOGIT)
        if not gone.any():
            break
        live[np.flatnonzero(live)[gone]] = False
        start = None
    if not settled:
        raise DataError(
            f"The {family} model does not settle on an estimate: an outcome this sparse (or with "
            "values this far apart) gives no maximum that could be told from its surroundings."
        )
    return _solution(rows, family, live, beta, chosen, identified)


def _without_contrast(rows: Rows) -> NDArray[np.bool_]:
    """Say which rows belong to an effect under which it is all no or all yes."""
    total, size = rows.group_total, rows.by_group(rows.size)
    return np.asarray(((total <= 0) | (total >= size * (1 - 1e-12)))[rows.place])


def _reference(rows: Rows) -> Ints | None:
    """Return, for an absorbed effect, the row of each group to which the others are compared:
    one with an outcome above zero; -1 where there is none (R)."""
    if not rows.absorbed:
        return None
    place = np.where(rows.y > 0, np.arange(len(rows.y)), len(rows.y))
    first = np.minimum.reduceat(place, rows.starts)
    return np.where(first == len(rows.y), -1, first)[rows.place]


def _fitted(rows: Rows, family: Family, beta: Floats) -> tuple[Floats, Floats, Floats]:
    """Return fitted s m, information and the residual part of the score (R each)."""
    eta = rows.table @ beta  # of each kind of row
    if family == LOGIT:
        m = expit(eta)[rows.kind]
        return rows.size * m, rows.size * m * (1 - m), rows.y - rows.size * m
    if family == GAMMA:
        m = np.exp(np.clip(eta, -300, 300))[rows.kind]
        return rows.size * m, rows.size, (rows.y - rows.size * m) / m
    if np.ptp(eta) < 300:
        mean = np.exp(eta - eta.max())[rows.kind] * rows.size
    else:
        eta = eta[rows.kind]
        mean = rows.size * np.exp(eta - np.maximum.reduceat(eta, rows.starts)[rows.place])
    mean *= (rows.group_total / rows.by_group(mean))[rows.place]
    return mean, mean, rows.y - mean


def _curvature(rows: Rows, information: Floats) -> Floats:
    """Return the information on the coefficients (P x P)."""
    return rows.within_gram(information) if rows.absorbed else rows.gram(information)


def _criterion(rows: Rows, family: Family, beta: Floats) -> float:
    """Return the quasi-log-likelihood, but for what does not depend on the coefficients."""
    eta = rows.index(beta)
    if family == LOGIT:
        return float(rows.y @ eta - rows.size @ np.logaddexp(0.0, eta))
    if family == GAMMA:
        return float(-(rows.y @ np.exp(np.clip(-eta, -300, 300))) - rows.size @ eta)
    top = np.maximum.reduceat(eta, rows.starts)
    spread = rows.by_group(rows.size * np.exp(eta - top[rows.place]))
    return float(rows.y @ eta - rows.group_total @ (np.log(spread) + top))


def _newton(rows: Rows, family: Family, chosen: Ints, start: Floats | None) -> tuple[Floats, bool]:
    """Return the coefficients (P, 0 where not chosen) and whether they settled."""
    beta = np.zeros(len(rows.names))
    if start is not None:
        beta[chosen] = start[chosen]
    elif family == GAMMA:
        beta = _gamma_start(rows, chosen)
    for _ in range(STEPS):
        _, information, residual = _fitted(rows, family, beta)
        hessian = _curvature(rows, information)[np.ix_(chosen, chosen)]
        score = rows.total(residual)[chosen]
        try:
            step = np.linalg.solve(hessian, score)
        except np.linalg.LinAlgError:
            return beta, False
        gain = float(score @ step)
        if not np.isfinite(gain):
            return beta, False
        longest = float(np.abs(step).max(initial=0.0))
        if longest > SHORT:
            short = np.asarray(step * min(1.0, 5.0 / longest), dtype=np.float64)
            step = _shortened(rows, family, beta, chosen, short)
        beta = beta.copy()
        beta[chosen] += step
        if gain <= CONVERGED * max(float(information.sum()), 1e-300) or longest < 1e-11:
            return beta, True
    return beta, False


def _shortened(rows: Rows, family: Family, beta: Floats, chosen: Ints, step: Floats) -> Floats:
    """Return the step halved until the quasi-likelihood does not fall."""
    value = _criterion(rows, family, beta)
    for _ in range(30):
        trial = beta.copy()
        trial[chosen] += step
        new = _criterion(rows, family, trial)
        if np.isfinite(new) and new >= value - 1e-9 * (abs(value) + 1):
            break
        step = step / 2
    return step


def _gamma_start(rows: Rows, chosen: Ints) -> Floats:
    """Return least squares of the log mean, which Fisher scoring of a gamma model starts from."""
    beta = np.zeros(len(rows.names))
    overall = rows.y.sum() / rows.size.sum()
    target = np.log(np.maximum(rows.y / rows.size, overall / 100))
    root = np.sqrt(rows.size)[:, None]
    beta[chosen] = np.linalg.lstsq(rows.x[:, chosen] * root, target * root[:, 0], rcond=None)[0]
    return beta


def _suspicious(rows: Rows, family: Family, beta: Floats) -> bool:
    """Say whether some row is fitted next to nothing (or, of yes and no, at certainty)."""
    mean, information, _ = _fitted(rows, family, beta)
    if family == GAMMA:
        return bool((mean / rows.size < SUSPICIOUS * rows.y.sum() / rows.size.sum()).any())
    rate = information / rows.size
    if family == LOGIT:
        return bool((rate < SUSPICIOUS).any())
    highest = np.maximum.reduceat(rate, rows.starts)[rows.place]
    return bool((rate < SUSPICIOUS * highest).any())


def _columns(rows: Rows, family: Family) -> tuple[Ints, NDArray[np.bool_]]:
    """Return the independent columns and which of the tested ones are identified (K)."""
    weight = rows.size.copy()
    if rows.absorbed:  # groups with only zeros say nothing
        reference = _reference(rows)
        assert reference is not None
        weight[reference < 0] = 0.0
    gram = _curvature(rows, weight)
    size = np.diag(rows.gram(rows.size))
    live = np.diag(gram) > 1e-10 * np.where(size > 0, size, 1.0)
    places = np.flatnonzero(live)
    scale = np.sqrt(np.diag(gram)[places])
    values, vectors = np.linalg.eigh(gram[np.ix_(places, places)] / np.outer(scale, scale))
    loading = np.sqrt((vectors[:, values < TOLERANCE * len(places)] ** 2).sum(axis=1))
    identified = np.zeros(rows.n_terms, dtype=bool)
    tested = places < rows.n_terms
    identified[places[tested]] = loading[tested] < 1e-5
    order = [
        *np.flatnonzero(identified),
        *(j for j in places if j >= rows.n_terms),
        *(j for j in places if j < rows.n_terms and not identified[j]),
    ]
    return _independent(gram, [int(j) for j in order]), identified


def _independent(gram: Floats, order: list[int]) -> Ints:
    """Return the columns, in this order, that earlier ones do not determine."""
    left = np.diag(gram).copy()
    start = left.copy()
    chosen: list[int] = []
    factors: list[Floats] = []
    for j in order:
        if left[j] <= TOLERANCE * start[j]:
            continue
        row = gram[j] - sum((f[j] * f for f in factors), np.zeros(len(gram)))
        row = row / np.sqrt(left[j])
        factors.append(row)
        chosen.append(j)
        left = left - row**2
    return np.array(sorted(chosen), dtype=np.int64)


def _solution(
    rows: Rows,
    family: Family,
    live: NDArray[np.bool_],
    beta: Floats,
    chosen: Ints,
    identified: NDArray[np.bool_],
) -> Solution:
    part = rows if live.all() else some_rows(rows, live)
    mean, information, residual = _fitted(part, family, beta)
    if family == GAMMA:  # what the data show of the curvature, not what they should
        information = part.y * part.size / mean
    curvature = _curvature(part, information)[np.ix_(chosen, chosen)]
    bread = np.zeros((len(beta), len(beta)))
    bread[np.ix_(chosen, chosen)] = np.linalg.inv(curvature)
    whole = rows.y.copy(), np.zeros(len(rows.y)), np.zeros(len(rows.y))
    for of_all, of_part in zip(whole, (mean, information, residual), strict=True):
        of_all[live] = of_part
    return Solution(rows, family, live, beta, bread, identified, *whole)
