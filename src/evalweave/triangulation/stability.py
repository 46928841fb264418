"""Label stability: how far a label depends on the draw, on the margin, and on who coded.

The share of all combinations of
- intervals shifted by SE x t, t at the midpoints of `SHIFTS` equal slices of the t distribution
  (its degrees of freedom; normal where there are none), so that nothing is random;
- margins on a grid over a declared range (`MARGINS` points; by default half to twice the margin,
  evenly on a logarithmic scale);
- coder choices: each coder alone, all coders together (union), only where coders agree
  (intersection)
that give the label which the rule gave. It is not a probability: the shifts say how the label would
move if the estimate had come out differently, the margins and coders are judgements without a
distribution.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit  # scipy.stats takes seconds to import

from evalweave.triangulation.convergence import (
    CONVERGES,
    Interval,
    Qualitative,
    Quantitative,
    Verdict,
    converge,
    quantitative_state,
)

SHIFTS = 201
MARGINS = 9
CAPTION = (
    "share of shifted intervals, margins and coder choices with the same label; not a probability"
)


@dataclass(frozen=True)
class Stability:
    """The share, what varied, and the shares when only one of the three varies."""

    label: str
    share: float
    combinations: int
    labels: tuple[tuple[str, int], ...]  # label, combinations that give it, most frequent first
    shifts_only: float
    margins_only: float
    coders_only: float
    margins: tuple[float, ...]
    by_coder: tuple[tuple[str, str], ...]  # coder choice, label at the reported interval and margin
    notes: tuple[str, ...] = ()
    caption: str = CAPTION


def margin_grid(margin: float, declared: tuple[float, float] | None = None) -> tuple[float, ...]:
    """Return the margins to try: the declared range evenly, else half to twice the margin (one
    point for 0)."""
    if declared is not None:
        low, high = declared
        return tuple(float(m) for m in np.linspace(low, high, MARGINS)) if high > low else (low,)
    if margin == 0:
        return (0.0,)
    return tuple(float(margin * 2.0**power) for power in np.linspace(-1, 1, MARGINS))


def shifts(interval: Interval) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Return the shifts SE x t of an interval, and notes on how they were got."""
    if math.isnan(interval.estimate) or math.isnan(interval.low) or math.isnan(interval.high):
        return (0.0,), ("there is no interval to shift",)
    notes = []
    error, dof = interval.std_error, interval.dof
    if math.isnan(error):
        error = (interval.high - interval.low) / (2 * float(ndtri(0.975)))
        if not math.isfinite(error):
            return (0.0,), ("no standard error and no bounded interval: nothing was shifted",)
        notes.append("no standard error: taken as the interval's half width over 1.96")
    if math.isnan(dof):
        notes.append("no degrees of freedom: shifted by normal quantiles")
    middles = (np.arange(SHIFTS) + 0.5) / SHIFTS
    quantiles = ndtri(middles) if math.isnan(dof) or math.isinf(dof) else stdtrit(dof, middles)
    return tuple(float(error * t) for t in quantiles), tuple(notes)


def label_stability(
    verdict: Verdict, choices: Mapping[str, Qualitative], margins: Sequence[float]
) -> Stability:
    """Return the stability of a verdict's label over shifted intervals, `margins` and coder
    `choices`.

    Complementary claims have no label and are not passed here.
    """
    interval, margin = verdict.quantitative.interval, verdict.quantitative.margin
    amounts, notes = shifts(interval)
    choices = dict(choices) or {"union": verdict.qualitative}

    def label(quantitative: Quantitative, qualitative: Qualitative) -> str:
        return converge(quantitative, qualitative, verdict.expected_sign, CONVERGES).label

    def share(quantitatives: Sequence[Quantitative], qualitatives: Sequence[Qualitative]) -> float:
        hits = sum(
            label(quant, qual) == verdict.label for quant in quantitatives for qual in qualitatives
        )
        return hits / (len(quantitatives) * len(qualitatives))

    shifted = [interval.shifted(by) for by in amounts]
    states = [quantitative_state(moved, m) for moved in shifted for m in margins]
    counted = Counter(label(quant, qual) for quant in states for qual in choices.values())
    total = sum(counted.values())
    return Stability(
        label=verdict.label,
        share=counted[verdict.label] / total,
        combinations=total,
        labels=tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0]))),
        shifts_only=share(
            [quantitative_state(moved, margin) for moved in shifted], [verdict.qualitative]
        ),
        margins_only=share(
            [quantitative_state(interval, m) for m in margins], [verdict.qualitative]
        ),
        coders_only=share([verdict.quantitative], list(choices.values())),
        margins=tuple(margins),
        by_coder=tuple((name, label(verdict.quantitative, qual)) for name, qual in choices.items()),
        notes=notes,
    )
