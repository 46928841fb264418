"""Callaway–Sant'Anna: from ATT(g,t) to simple, group, dynamic and calendar averages.

Every average is  theta = a'att  with weights a that depend on cohort shares. A cohort's share is
its (weighted) share of distinct patients in the panel, whatever `unbalanced` is, and its being
estimated adds to the influence

    psi_i = Σ_k a_k psi_ik + w_i Σ_k 1{G_i = g_k} (att_k − theta) / Σ_k P_k,     P_k = Σ_i w_i 1{G_i
    = g_k},

so that an average is a row of numbers over the cells and another over the cohorts. Weights as R
`did` 2.5.1; where a cell has no estimate, `lost_cells` decides.
Source: Callaway & Sant'Anna (2021), section 3 and theorem 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evalweave.estimators.lost_cells import verdict
from evalweave.fits.result import Floats, Ints

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class GroupTimes:
    """The K cells of a design: cohort, period and ATT(g,t), nan where it has no estimate."""

    group: Ints
    period: Ints
    att: Floats

    @property
    def names(self) -> list[str]:
        return [f"att_gt[{g},{t}]" for g, t in zip(self.group, self.period, strict=True)]


@dataclass(frozen=True)
class Cohorts:
    """The C treated cohorts and the summed weight of their patients."""

    start: Ints
    total: Floats


@dataclass(frozen=True)
class Asked:
    """Which averages: `balance` keeps, in the dynamic ones, cohorts seen so long after starting."""

    averages: tuple[str, ...]
    balance: int | None = None
    partial: bool = False


@dataclass(frozen=True)
class Averages:
    """L averages of K cells and C cohorts: `on_cells` (L × K), `on_shares` (L × C).

    `absent` says why an average is missing, `of_term` what one lost that is there all the same.
    """

    terms: tuple[str, ...]
    theta: Floats
    on_cells: Floats
    on_shares: Floats
    absent: dict[str, str]
    of_term: dict[str, str]


@dataclass(frozen=True)
class _Row:
    """One average: its weights on the cells (K) and on the cohort shares (C)."""

    theta: float
    on_cells: Floats
    on_shares: Floats


@dataclass
class _Averaging:
    cells: GroupTimes
    cohorts: Cohorts
    partial: bool
    rows: dict[str, _Row] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    of_term: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cohort_of = np.searchsorted(self.cohorts.start, self.cells.group)
        self.share = self.cohorts.total[self.cohort_of]
        self.lost = np.isnan(self.cells.att)
        self.att = np.where(self.lost, 0.0, self.cells.att)
        self.post = self.cells.period >= self.cells.group

    def add(self, name: str, full: Floats, make: Callable[[], _Row]) -> bool:
        """Add an average whose weights would be `full`, if it may stand."""
        names = self.cells.names
        members = [names[k] for k in np.flatnonzero(full)]
        lost = [names[k] for k in np.flatnonzero((full != 0) & self.lost)]
        found = verdict(members, lost, float(full[self.lost].sum()), self.partial)
        if not found.stands:
            self.absent[name] = found.words
            return False
        if found.words:
            self.of_term[name] = found.words
        self.rows[name] = make()
        return True

    def by_share(self, name: str, members: Mask) -> bool:
        """Average `members`, each weighted by its cohort's share."""
        full = self._full(members)

        def make() -> _Row:
            left = members & ~self.lost
            a = np.where(left, self.share, 0.0)
            total = a.sum()
            a = a / total
            theta = float(a @ self.att)
            apart = np.where(left, self.att - theta, 0.0)
            shares = np.bincount(self.cohort_of, apart, len(self.cohorts.start)) / total
            return _Row(theta, a, shares)

        return self.add(name, full, make)

    def equally(self, name: str, members: Mask) -> bool:
        """Average `members` with equal weights (a cohort's periods)."""
        full = members / members.sum()

        def make() -> _Row:
            left = members & ~self.lost
            a = left / left.sum()
            return _Row(float(a @ self.att), a, np.zeros(len(self.cohorts.start)))

        return self.add(name, full, make)

    def overall(self, name: str, parts: dict[str, Mask]) -> None:
        """Add the plain mean of averages that each lie over the cells of a mask."""
        full = np.mean([self._full(mask) for mask in parts.values()], axis=0)

        def make() -> _Row:
            rows = [self.rows[part] for part in parts if part in self.rows]
            return _Row(
                float(np.mean([row.theta for row in rows])),
                np.mean([row.on_cells for row in rows], axis=0),
                np.mean([row.on_shares for row in rows], axis=0),
            )

        self.add(name, full, make)

    def _full(self, members: Mask) -> Floats:
        """Return the weights of `members` if none is lost (equal ones where nobody is left)."""
        weights = np.where(members, self.share, 0.0)
        if not weights.any():
            weights = members.astype(np.float64)
        return np.asarray(weights / weights.sum())


def averages(asked: Asked, cells: GroupTimes, cohorts: Cohorts) -> Averages:
    """Return the averages asked for, over all cells that each is defined over."""
    work = _Averaging(cells, cohorts, asked.partial)
    if "simple" in asked.averages:
        if work.post.any():
            work.by_share("simple", work.post)
        else:
            work.absent["simple"] = "no period after a start lies in the panel"
    if "group" in asked.averages:
        _by_group(work)
    if "dynamic" in asked.averages:
        _by_event(work, asked.balance)
    if "calendar" in asked.averages:
        periods = {f"calendar[{t}]": int(t) for t in np.unique(cells.period[work.post])}
        masks = {name: work.post & (cells.period == t) for name, t in periods.items()}
        _with_overall(work, masks, "calendar[overall]", masks)
    rows = work.rows
    return Averages(
        terms=tuple(rows),
        theta=np.array([row.theta for row in rows.values()]),
        on_cells=_stacked([row.on_cells for row in rows.values()], len(cells.group)),
        on_shares=_stacked([row.on_shares for row in rows.values()], len(cohorts.start)),
        absent=work.absent,
        of_term=work.of_term,
    )


def _stacked(rows: list[Floats], width: int) -> Floats:
    """Return rows as a matrix, also where there is none."""
    return np.array(rows).reshape(len(rows), width)


def _with_overall(
    work: _Averaging, masks: dict[str, Mask], overall: str, over: dict[str, Mask]
) -> None:
    for name, mask in masks.items():
        work.by_share(name, mask)
    if over:
        work.overall(overall, over)
    else:
        work.absent[overall] = "no period after a start lies in the panel"


def _by_event(work: _Averaging, balance: int | None) -> None:
    """Add `event[e]` and `event[overall]`, the mean over e ≥ 0."""
    cells = work.cells
    event = cells.period - cells.group
    inside = np.ones(len(event), dtype=bool)
    first, last = int(cells.period.min()), int(cells.period.max())
    span = (-np.inf, np.inf)
    if balance is not None:
        inside = last - cells.group >= balance
        span = (balance - last + first, balance)
    times = [int(e) for e in np.unique(event[inside]) if span[0] <= e <= span[1]]
    masks = {f"event[{e}]": inside & (event == e) for e in times}
    after = {f"event[{e}]": masks[f"event[{e}]"] for e in times if e >= 0}
    _with_overall(work, masks, "event[overall]", after)


def _by_group(work: _Averaging) -> None:
    """Add `group[g]`, a cohort's mean over its periods, and `group[overall]`, by cohort share."""
    cells, cohorts = work.cells, work.cohorts
    masks = {int(g): work.post & (cells.group == g) for g in cohorts.start}
    masks = {g: mask for g, mask in masks.items() if mask.any()}
    for g, mask in masks.items():
        work.equally(f"group[{g}]", mask)
    if not masks:
        work.absent["group[overall]"] = "no period after a start lies in the panel"
        return
    total = {int(g): float(p) for g, p in zip(cohorts.start, cohorts.total, strict=True)}
    weight = np.array([total[g] for g in masks])
    weight = weight if weight.any() else np.ones(len(weight))
    equal = np.array([mask / mask.sum() for mask in masks.values()])
    full = np.tensordot(weight / weight.sum(), equal, 1)

    def make() -> _Row:
        left = [g for g in masks if f"group[{g}]" in work.rows]
        weight = np.array([total[g] for g in left])
        rows = [work.rows[f"group[{g}]"] for g in left]
        theta = float(weight @ [row.theta for row in rows] / weight.sum())
        a = np.tensordot(weight / weight.sum(), [row.on_cells for row in rows], 1)
        on_shares = np.zeros(len(cohorts.start))
        for g, row in zip(left, rows, strict=True):
            on_shares[np.searchsorted(cohorts.start, g)] = (row.theta - theta) / weight.sum()
        return _Row(theta, a, on_shares)

    work.add("group[overall]", full, make)
