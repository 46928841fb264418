"""Expressions that several stages share: the period of a day, the first condition that holds, and
means that no order of rows can change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalweave.study.periods import shape

FRACTION = float(1 << 40)  # parts of one in which fractions are counted


def period_expression(day: Any, period: str) -> Any:
    """Return the number of the period that contains `day`, as `study.period_number` counts."""
    months, after_january = shape(period)
    since = day.year().cast("int64") * 12 + day.month() - (1 + after_january)
    return (since / months).floor().cast("int64")


def first_met(conditions: Mapping[str, Any], numbers: Mapping[str, int]) -> Any:
    """Return the number of the first name whose condition holds, null where none does.

    `numbers` has each name's number; names are tried in the order of their numbers. An unknown
    (null) condition does not hold; a name of `numbers` without a condition is left out.
    """
    import ibis

    known = sorted(conditions, key=lambda name: numbers[name])
    branches = [(conditions[name], ibis.literal(numbers[name], "int16")) for name in known]
    return ibis.cases(*branches, else_=ibis.null("int16"))


def exact_mean(value: Any, where: Any = None) -> Any:
    """Return the mean (of rows `where` a condition holds) as an aggregate that does not depend on
    the order of rows.

    Sums of floating-point numbers differ in the last digits with the order in which an engine
    happens to add; so whole parts and fractions (in units of 2⁻⁴⁰) are added as whole numbers. A
    single value stays what it is.
    """
    n = value.count(where=where)
    several = whole_part(value).sum(where=where).cast("float64") + (
        fraction(value).sum(where=where).cast("float64") / FRACTION
    )
    return (n == 1).ifelse(value.max(where=where), several / n)


def whole_part(value: Any) -> Any:
    """Return the largest whole number that is not greater."""
    return value.floor().cast("int64")


def fraction(value: Any) -> Any:
    """Return what lies above the whole part, in units of 2⁻⁴⁰."""
    return ((value - value.floor()) * FRACTION).round().cast("int64")
