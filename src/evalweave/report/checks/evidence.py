"""One standard for every check: what it measured, what would be harmless, and what follows.

A check measures differences that ought to be nothing (a drift before the start, an effect on a
placebo outcome), each with its 95 % interval, whatever the level that an analysis declares. It then

    supports        where every interval lies within the harmless margin (two one-sided tests at
                    2.5 %, all of them: an intersection-union test)
    speaks against  where a difference is shown: its p-value, Bonferroni within the check and Holm
                    over all checks, is below 5 %
    cannot tell     otherwise; "the interval includes zero" supports nothing

A difference that is shown but lies wholly within the margin is harmless, so it supports.

Source: Bilinski and Hatfield (2018, arXiv 1805.03273) for equivalence in place of "no difference
found"; Berger (1982, Technometrics 24) for intersection-union; Holm (1979, Scandinavian Journal of
Statistics 6).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalweave.estimates import holm
from evalweave.fits.distributions import t_quantile
from evalweave.release.numbers import number
from evalweave.report.blocks import Check, Text, in_units, text

SUPPORTS, AGAINST, CANNOT_TELL = "supports", "speaks against", "cannot tell"
SEEN = 5  # further decimals, until two sizes differ
LEVEL = 0.05  # of speaking against, for all checks of a report together
CONFIDENCE = 0.95  # of the intervals that are judged


@dataclass(frozen=True)
class Measure:
    """A difference that ought to be nothing, in the unit of its finding's margin, with its 95 %
    interval and p-value."""

    label: str
    estimate: float
    low: float = math.nan
    high: float = math.nan
    p_value: float = math.nan

    @property
    def largest(self) -> float:
        """Return the largest difference that it leaves possible; infinite without an interval."""
        if math.isnan(self.low) or math.isnan(self.high):
            return math.inf
        return max(abs(self.low), abs(self.high))


def measure(
    label: str,
    estimate: float,
    low: float,
    high: float,
    p_value: float,
    level: float,
    dof: float = math.nan,
) -> Measure:
    """Return a measure whose interval was made at `level`, with t on `dof` degrees of freedom
    (unknown: the normal): each end moves from the estimate by the ratio of the two quantiles."""
    if level == CONFIDENCE:
        return Measure(label, estimate, low, high, p_value)
    known = np.array(math.inf if math.isnan(dof) else dof)
    wider = float(t_quantile(CONFIDENCE, known) / t_quantile(level, known))
    ends = [estimate + wider * (end - estimate) for end in (low, high)]
    return Measure(label, estimate, ends[0], ends[1], p_value)


@dataclass(frozen=True)
class Margin:
    """What would be harmless: its size (None where nothing was declared), unit, and why."""

    size: float | None
    unit: str
    reason: str


@dataclass(frozen=True)
class Finding:
    """What one check found, before all are judged together.

    `p_value`: of the joint test, where one is better than Bonferroni over the measures. `beyond`:
    of a test of what the measures do not hold; where it rejects, nothing is supported. `state` is
    given where no difference is measured (then never `AGAINST`). `units`: those in which the page
    speaks, each with what one of the margin's unit is in it.
    """

    key: str
    question: str
    shown: str  # what speaking against shows, after "there"
    doubt: str  # what not being able to tell leaves open
    words: Text
    measures: tuple[Measure, ...] = ()
    margin: Margin | None = None
    p_value: float = math.nan
    beyond: float = math.nan
    state: str = ""
    link: str = ""
    link_text: str = ""
    units: tuple[tuple[float, str], ...] = ()

    @property
    def worst(self) -> Measure | None:
        """Return the measure that is compatible with the largest difference."""
        return max(self.measures, key=lambda m: m.largest, default=None)

    @property
    def p(self) -> float:
        """Return the check's own p-value: of its joint test, else Bonferroni over its measures."""
        if not math.isnan(self.p_value):
            return self.p_value
        known = [m.p_value for m in self.measures if not math.isnan(m.p_value)]
        return min(1.0, len(known) * min(known)) if known else math.nan


@dataclass(frozen=True)
class Judged:
    """A finding with its state and its p-value adjusted over all checks."""

    finding: Finding
    state: str
    p_adjusted: float

    @property
    def check(self) -> Check:
        """Return it as the report shows it."""
        found = self.finding
        said = text("{} {}", found.words, _compared(found)) if found.measures else found.words
        return Check(found.question, self.state, said, found.link, found.link_text)


def judge(findings: Sequence[Finding]) -> list[Judged]:
    """Return every finding with its state, judged together."""
    adjusted = holm([finding.p for finding in findings])
    return [
        Judged(finding, _state(finding, p), p)
        for finding, p in zip(findings, adjusted, strict=True)
    ]


def _state(finding: Finding, p_adjusted: float) -> str:
    if finding.state:
        return finding.state
    worst, margin = finding.worst, finding.margin
    within = worst and margin and margin.size is not None and worst.largest < margin.size
    if within and not finding.beyond < LEVEL:
        return SUPPORTS
    return AGAINST if p_adjusted < LEVEL else CANNOT_TELL


def _compared(finding: Finding) -> Text:
    """Say how large a difference the check leaves possible, beside what would be harmless."""
    worst, margin = finding.worst, finding.margin
    if worst is None or margin is None or not margin.unit or not math.isfinite(worst.largest):
        return ""

    def said(ratio: float, unit: str) -> str:
        largest = ratio * worst.largest
        if margin.size is None:
            return f"Up to {_size(largest)} {unit} remains possible; {margin.reason}."
        possible, harmless = told_apart(largest, ratio * margin.size)
        return (
            f"Up to {possible} {unit} remains possible; less than {harmless} ({margin.reason}) is "
            "harmless."
        )

    each = [said(*unit) for unit in finding.units or ((1.0, margin.unit),)]
    return in_units(each[0], each[1] if len(each) > 1 else None)


def told_apart(one: float, other: float) -> tuple[str, str]:
    """Return two sizes with as many decimals as it takes to see which is the larger."""
    for more in range(SEEN):
        words = _size(one, more), _size(other, more)
        if words[0] != words[1]:
            return words
    return _size(one), _size(other)


def _size(value: float, more: int = 0) -> str:
    """Return a size with two decimals, or with two significant digits where it is smaller; `more`
    of them where that is asked."""
    small = value < 0.1 and value != 0
    return number(value, more + (1 - math.floor(math.log10(value)) if small else 2))
