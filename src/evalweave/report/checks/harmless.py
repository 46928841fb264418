"""How large a bias would be harmless: it would not change what the main result says."""

from __future__ import annotations

from evalweave.release.numbers import excludes_zero
from evalweave.report.checks.evidence import Margin
from evalweave.report.data import ReportData

UNDECLARED = "what would be harmless was not declared"


def bias(data: ReportData) -> Margin:
    """Return the harmless bias of the main estimate, in the outcome's unit.

    Where the main interval excludes zero, a bias of less than half the estimate leaves a difference
    of the same sign and of its order; where a smallest difference that matters was declared, the
    bias must be below that as well. Where the interval includes zero, the bias must not hide a
    difference that matters.
    """
    unit = data.outcome.difference_unit
    main, declared = data.main(unit), data.study.report.margin
    if main is None:
        return Margin(None, unit, UNDECLARED)
    half = abs(main.estimate) / 2
    if excludes_zero(main.low, main.high) and (declared is None or half < declared):
        return Margin(half, unit, "half of the main estimate")
    if declared is None:
        return Margin(None, unit, UNDECLARED)
    return Margin(declared, unit, "the smallest difference that matters")


def units(data: ReportData) -> tuple[tuple[float, str], ...]:
    """Return the units in which the page speaks of the main outcome, with what one of the outcome's
    unit is in each."""
    known = data.units(data.primary.name)[:2]
    ratios = [(ratio, unit) for unit in known if (ratio := data.ratio(unit)) is not None]
    return tuple(ratios) or ((1.0, data.outcome.difference_unit),)
