"""Synthetic difference-in-differences on practice x period means, by start date.

For the practices of start g (N_g of them, T_g periods from g on), with w the weights of the
never-treated practices and l those of the periods before,

    tau_g = mean over treated of ( mean y after - sum_s l_s y_s )
            - sum_i w_i ( mean y_i after - sum_s l_s y_is ),
    zeta = (N_g T_g)^(1/4) sd of first differences among never-treated practices before g.

The overall effect averages starts by treated practice-periods N_g T_g. Every practice counts
once. Source: Arkhangelsky, Athey, Hirshberg, Imbens & Wager (2021), American Economic Review
111(12), algorithm 1; several starts as in its appendix and Clarke, Pailañir, Athey & Imbens
(2024), Stata Journal 24(4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evalweave.errors import DataError
from evalweave.estimators.lost_cells import verdict
from evalweave.estimators.practice_means import PracticeMeans, practice_means
from evalweave.estimators.synthetic_weights import exact, frank_wolfe
from evalweave.fits.result import Fit, Floats, Ints, PanelData, Placebo
from evalweave.study.analyses import AnalysisOptions

FEWEST_BEFORE = 2  # periods before a start: one alone leaves nothing to weight
INFINITESIMAL = 1e-6  # zeta of the time weights, and of the stopping rule 1e-5, in sd
STOP = 1e-5
PLACEBO_BY = "placebos at the optimum of the weights"


@dataclass(frozen=True)
class Block:
    """The practices of one start against the never-treated ones.

    Attributes:
        start: their first treated period.   periods: labels of the columns (T).
        treated: means (N_g x T).   untreated: means (N_0 x T).   before: columns before the start.
        unit: weights of the untreated (N_0).   time: weights of the columns before (T_0).
    """

    start: int
    periods: Ints
    treated: Floats
    untreated: Floats
    before: int
    unit: Floats
    time: Floats
    zeta: float

    @property
    def cells(self) -> int:
        return len(self.treated) * (len(self.periods) - self.before)

    def curve(self) -> Floats:
        """Return the effect in each period from the start on."""
        gap = self.treated.mean(axis=0) - self.unit @ self.untreated
        return np.asarray(gap[self.before :] - self.time @ gap[: self.before], dtype=np.float64)


def synthetic_did(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att`, `group[g]` and `event[e]` (the effect e periods after the start), in the
    outcome's unit; the weights are in `details`.

    Raises:
        DataError: without two never-treated practices that are seen in every period, where a
            practice holds several starts, or where no start has two periods before it; where the
            clusters are areas.
    """
    if panel.allocated is not None and panel.allocated.clusters == "area":
        raise DataError(
            "synthetic_did weights practices and has errors by practice only; with `allocation: "
            "{level: area}` it would weight the means of areas, which is another estimate. Ask "
            "it in a SPEC without allocation (its errors then assume that areas have no shocks of "
            "their own), or take an estimator with errors by area (twfe, callaway_santanna)."
        )
    means = practice_means(panel)
    blocks, absent = _blocks(means, analysis)
    members = {**{b.start: b.cells for b in blocks}, **absent[1]}
    whole = _Whole(means, tuple(blocks), analysis)
    terms = whole.terms()
    words = ""
    lost = [f"group[{g}]" for g in absent[1]]
    if lost:
        share = sum(absent[1].values()) / sum(members.values())
        decided = verdict([f"group[{g}]" for g in members], lost, share, analysis.partial)
        words = decided.words
        if not decided.stands:
            terms = tuple(term for term in terms if term.startswith("group["))
            absent[0]["att"] = words
            absent[0]["event[e]"] = words
            words = ""
    whole = replace(whole, only=terms)
    theta = whole.theta()
    g = len(means.names)
    without = np.array([whole.without(np.arange(g) != one) for one in range(g)])
    return Fit(
        estimator=analysis.estimator,
        terms=terms,
        theta=theta,
        # nan where a term is lost with a practice: its error cannot be learnt from the others
        influence=np.where(np.isnan(without).any(axis=0), np.nan, theta - without),
        cluster_names=means.names,
        n_obs=means.n_rows,
        n_patients=means.n_patients,
        n_practices=g,
        n_practices_treated=int(np.isfinite(means.start).sum()),
        refit=whole.without,
        absent=absent[0],
        convention=_convention(analysis, panel.weighted),
        of_term={"att": words} if words else {},
        notes=(*panel.notes, *means.notes),
        details={"weights": [_told(block, means) for block in blocks]},
        placebo=_placebo(whole, means),
    )


def _blocks(
    means: PracticeMeans, analysis: AnalysisOptions
) -> tuple[list[Block], tuple[dict[str, str], dict[int, int]]]:
    """Return the block of each start; of those without one, why (by term) and their cells."""
    untreated = np.flatnonzero(np.isinf(means.start))
    if len(untreated) < 2:
        raise DataError(
            f"synthetic_did needs two practices that never start and are seen in every period; "
            f"found {len(untreated)} of {len(means.names)}. callaway_santanna with control: "
            "not_yet_treated compares with practices that start later."
        )
    blocks: list[Block] = []
    why: dict[str, str] = {}
    lost: dict[int, int] = {}
    for start in np.unique(means.start[np.isfinite(means.start)]):
        treated = np.flatnonzero(means.start == start)
        before = means.periods < start - analysis.anticipation
        after = means.periods >= start
        if before.sum() < FEWEST_BEFORE:
            why[f"group[{int(start)}]"] = (
                f"{int(before.sum())} of the periods lie before the start; weights need at least "
                f"{FEWEST_BEFORE}"
            )
            lost[int(start)] = int(after.sum()) * len(treated)
            continue
        columns = np.flatnonzero(before | after)
        part = means.y[:, columns]
        blocks.append(
            block(
                int(start),
                means.periods[columns],
                part[treated],
                part[untreated],
                int(before.sum()),
                analysis.solver,
            )
        )
    if not blocks:
        raise DataError(
            "synthetic_did: no start has two periods before it, from which weights could be learnt."
        )
    return blocks, (why, lost)


def block(
    start: int, periods: Ints, treated: Floats, untreated: Floats, before: int, solver: str
) -> Block:
    """Return the block of one start with its weights; columns from `before` on are treated."""
    past, later = untreated[:, :before], untreated[:, before:].mean(axis=1)
    ours = treated[:, :before].mean(axis=0)
    noise = float(np.std(np.diff(past, axis=1), ddof=1)) if past.size > 2 else 0.0
    after = len(periods) - before
    zeta = (len(treated) * after) ** 0.25 * noise
    if solver == "exact":
        unit = exact(past.T, ours, zeta)
        time = exact(past, later, INFINITESIMAL * noise)
    else:
        unit = frank_wolfe(past.T, ours, zeta, STOP * noise)
        time = frank_wolfe(past, later, INFINITESIMAL * noise, STOP * noise)
    return Block(start, periods, treated, untreated, before, unit, time, zeta)


@dataclass(frozen=True)
class _Whole:
    """All starts together, and their averages."""

    means: PracticeMeans
    blocks: tuple[Block, ...]
    analysis: AnalysisOptions
    only: tuple[str, ...] = ()

    def terms(self) -> tuple[str, ...]:
        events = {int(p - b.start) for b in self.blocks for p in b.periods[b.before :]}
        groups = [f"group[{b.start}]" for b in self.blocks]
        return ("att", *groups, *(f"event[{e}]" for e in sorted(events)))

    def theta(self, blocks: tuple[Block | None, ...] | None = None) -> Floats:
        """Return the terms from these blocks (None = lost; an average over a lost one is nan)."""
        curves = [b.curve() if b else None for b in (blocks or self.blocks)]
        values: dict[str, float] = {}
        sums: dict[int, float] = {}
        sizes: dict[int, int] = {}
        for own, curve in zip(self.blocks, curves, strict=True):
            values[f"group[{own.start}]"] = np.nan if curve is None else float(curve.mean())
            n = len(own.treated)
            for place, period in enumerate(own.periods[own.before :]):
                e = int(period - own.start)
                effect = np.nan if curve is None else float(curve[place])
                sums[e] = sums.get(e, 0.0) + n * effect
                sizes[e] = sizes.get(e, 0) + n
        values |= {f"event[{e}]": sums[e] / sizes[e] for e in sums}
        values["att"] = sum(b.cells * values[f"group[{b.start}]"] for b in self.blocks) / sum(
            b.cells for b in self.blocks
        )
        return np.array([values[term] for term in (self.only or self.terms())])

    def without(self, keep: np.ndarray) -> Floats:
        """Return the terms from the practices to keep, at the weights of all (algorithm 3: unit
        weights are scaled up to 1 again)."""
        untreated = keep[np.isinf(self.means.start)]
        blocks: list[Block | None] = []
        for own in self.blocks:
            treated = keep[self.means.start == own.start]
            weight = np.where(untreated, own.unit, 0.0)
            if not treated.any() or not weight.sum() > 0:
                blocks.append(None)
                continue
            blocks.append(replace(own, treated=own.treated[treated], unit=weight / weight.sum()))
        return self.theta(tuple(blocks))


def _placebo(whole: _Whole, means: PracticeMeans) -> Placebo:
    """Return how the terms are estimated had untreated practices been given the starts."""
    untreated = means.y[np.isinf(means.start)]
    sizes = tuple(len(own.treated) for own in whole.blocks)

    def estimate(chosen: Ints) -> Floats:
        others = np.delete(untreated, chosen, axis=0)
        blocks: list[Block | None] = []
        first = 0
        for own, size in zip(whole.blocks, sizes, strict=True):
            columns = np.searchsorted(means.periods, own.periods)
            pretended = untreated[chosen[first : first + size]][:, columns]
            first += size
            blocks.append(
                block(own.start, own.periods, pretended, others[:, columns], own.before, "exact")
            )
        return whole.theta(tuple(blocks))

    return Placebo(len(untreated), sizes, estimate, PLACEBO_BY)


def _told(own: Block, means: PracticeMeans) -> dict[str, Any]:
    """Return the weights of a start as facts: practices by name, periods by label."""
    names = [n for n, s in zip(means.names, means.start, strict=True) if np.isinf(s)]
    gap = own.treated.mean(axis=0) - own.unit @ own.untreated
    past = gap[: own.before] - own.time @ gap[: own.before]
    return {
        "start": own.start,
        "practices_treated": len(own.treated),
        "practices_untreated": len(names),
        "unit": dict(zip(names, own.unit.tolist(), strict=True)),
        "time": {
            str(int(period)): float(weight)
            for period, weight in zip(own.periods, own.time, strict=False)
        },
        "zeta": own.zeta,
        "effective_practices": float(1 / (own.unit**2).sum()),
        "effective_periods": float(1 / (own.time**2).sum()),
        "misfit_before": float(np.sqrt((past**2).mean())),
    }


def _convention(analysis: AnalysisOptions, weighted: bool) -> str:
    return (
        "practice-period means"
        + (" (weighted)" if weighted else "")
        + ", practices equal, never-treated practices; "
        + (
            "weights by Frank-Wolfe steps as R synthdid 0.0.9"
            if analysis.solver == "frank_wolfe"
            else "weights at their optimum"
        )
        + "; starts averaged by treated practice-periods"
    )
