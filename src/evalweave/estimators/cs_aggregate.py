"""Callaway–Sant'Anna: from ATT(g,t) to simple, group, dynamic and calendar averages.

Every average is  theta = a'att  with weights a that depend on cohort shares. A cohort's share is
its (weighted) share of distinct patients in the panel, whatever `unbalanced` is, and its being
estimated adds to the influence

    psi_i = Σ_k a_k psi_ik + w_i Σ_k 1{G_i = g_k} (att_k − theta) / Σ_k P_k,     P_k = Σ_i w_i 1{G_i
    = g_k},

so that an average is a row of numbers over the cells and another over the cohorts. Weights as R
`did` 2.5.1.
Source: Callaway & Sant'Anna (2021), section 3 and theorem 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalweave.fits.result import Floats, Ints


@dataclass(frozen=True)
class Averages:
    """L averages of K cells and C cohorts: `on_cells` (L × K), `on_shares` (L × C)."""

    terms: tuple[str, ...]
    theta: Floats
    on_cells: Floats
    on_shares: Floats
    absent: dict[str, str]


def averages(
    wanted: list[str],
    att: Floats,
    group: Ints,
    period: Ints,
    cohorts: Ints,
    totals: Floats,
    balance: int | None,
    last_period: int,
    first_period: int,
) -> Averages:
    """Average the cells that have an estimate.

    Args:
        att, group, period: the K cells with an estimate.
        cohorts, totals: the C treated cohorts and the summed weight of their patients.
        balance: only cohorts seen so many periods after their start enter the dynamic averages.
    """
    place = {int(g): c for c, g in enumerate(cohorts)}
    cohort_of = np.array([place[int(g)] for g in group], dtype=int)
    share = totals[cohort_of] if len(group) else np.empty(0)
    post = period >= group
    event = period - group
    rows: dict[str, tuple[float, Floats, Floats]] = {}
    absent: dict[str, str] = {}
    size = (len(att), len(cohorts))

    def by_share(keep: NDArray[np.bool_]) -> tuple[float, Floats, Floats]:
        a = np.where(keep, share, 0.0)
        total = a.sum()
        a = a / total
        theta = float(a @ att)
        on_shares = np.bincount(cohort_of, np.where(keep, att - theta, 0.0), size[1]) / total
        return theta, a, on_shares

    def mean_of(names: list[str]) -> tuple[float, Floats, Floats]:
        parts = [rows[name] for name in names]
        return (
            float(np.mean([theta for theta, _, _ in parts])),
            np.mean([a for _, a, _ in parts], axis=0),
            np.mean([s for _, _, s in parts], axis=0),
        )

    if "simple" in wanted:
        if post.any():
            rows["simple"] = by_share(post)
        else:
            absent["simple"] = "no ATT(g,t) after a start could be estimated"
    if "group" in wanted:
        named: list[tuple[int, str]] = []
        for g, c in place.items():
            keep = post & (group == g)
            name = f"group[{g}]"
            if not keep.any():
                absent[name] = (
                    f"no ATT(g,t) of the cohort that starts in {g} could be estimated after its "
                    "start"
                )
                continue
            a = keep / keep.sum()
            rows[name] = (float(a @ att), a, np.zeros(size[1]))
            named.append((c, name))
        if named:
            weight = np.array([totals[c] for c, _ in named])
            theta = float(weight @ [rows[name][0] for _, name in named] / weight.sum())
            a = np.tensordot(weight / weight.sum(), [rows[name][1] for _, name in named], 1)
            on_shares = np.zeros(size[1])
            for c, name in named:
                on_shares[c] = (rows[name][0] - theta) / weight.sum()
            rows["group[overall]"] = (theta, a, on_shares)
        else:
            absent["group[overall]"] = "no cohort has an estimate after its start"
    if "dynamic" in wanted:
        inside = np.ones(len(att), dtype=bool)
        span = (-np.inf, np.inf)
        if balance is not None:
            inside = last_period - group >= balance
            span = (balance - last_period + first_period, balance)
        times = [int(e) for e in np.unique(event[inside]) if span[0] <= e <= span[1]]
        for e in times:
            rows[f"event[{e}]"] = by_share(inside & (event == e))
        after = [f"event[{e}]" for e in times if e >= 0]
        if after:
            rows["event[overall]"] = mean_of(after)
        else:
            absent["event[overall]"] = "no event time at or after the start has an estimate"
    if "calendar" in wanted:
        named_periods = []
        for t in np.unique(period[post]):
            rows[f"calendar[{t}]"] = by_share(post & (period == t))
            named_periods.append(f"calendar[{t}]")
        if named_periods:
            rows["calendar[overall]"] = mean_of(named_periods)
        else:
            absent["calendar[overall]"] = "no period after a start has an estimate"
    return Averages(
        terms=tuple(rows),
        theta=np.array([theta for theta, _, _ in rows.values()]),
        on_cells=np.array([a for _, a, _ in rows.values()]).reshape(len(rows), size[0]),
        on_shares=np.array([s for _, _, s in rows.values()]).reshape(len(rows), size[1]),
        absent=absent,
    )
