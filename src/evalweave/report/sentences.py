"""The answer in sentences, generated from the numbers for any sign, any width and any unit."""

from __future__ import annotations

import math

import pandas as pd

from evalweave.catalogue.inferences import INFERENCES
from evalweave.release.numbers import (
    confidence,
    excludes_zero,
    in_unit,
    interval,
    joined,
    missing,
    number,
    p_value,
    sentence,
    size,
)
from evalweave.report.data import ReportData, Row


def method(name: str) -> str:
    """Return an inference method in words."""
    declared = INFERENCES.get(name)  # an estimator may bring its own, such as practice_means
    return declared.phrase if declared else name.replace("_", " ")


def own_change(data: ReportData) -> float | None:
    """Return how the outcome changed in programme practices from before to after the start, without
    a model."""
    trends = data.trends.get(data.primary.comparison or data.study.primary_comparison)
    if trends is None:
        return None
    start = data.first_period
    line = trends[
        (trends["outcome"] == data.primary.outcome) & (trends["arm"] == "programme")
    ].dropna(subset=["mean"])

    def mean(part: pd.DataFrame) -> float:
        weight = part["n_patients"].astype(float)
        return (
            float((part["mean"].astype(float) * weight).sum() / weight.sum())
            if len(part) and weight.sum()
            else math.nan
        )

    change = mean(line[line["period"] >= start]) - mean(line[line["period"] < start])
    return None if math.isnan(change) else change


def main_sentence(data: ReportData, row: Row) -> str:
    """Return "With … available, HbA1c fell by 0.10 percentage points more than in … (95 % CI 0.03
    to 0.17)."

    The programme may be singular or plural, so it has no verb.     The verb follows what happened
    in programme practices (raw means), more or less the estimate's sign. With a sign that the
    interval does not settle, both ends say their direction.
    """
    where = f"With {data.study.study.programme} available, {data.outcome_label()}"
    than = "than in comparison practices"
    size, places = number(abs(row.estimate), row.places), row.places
    amount = in_unit(size, row.unit)
    if not any(digit in size for digit in "123456789"):
        ends = f"{confidence(row.level)} CI {interval(row.low, row.high, places)} {row.unit}"
        return f"{where} changed as much as in comparison practices (difference {size}, {ends})."
    change = own_change(data)
    if change is None or change == 0:
        verb, more, less = "changed", "lower", "higher"
        down = row.estimate < 0
        lead = f"{where} ended up {amount} {more if down else less} {than}, given where both began"
    else:
        fell = change < 0
        verb = "fell" if fell else "rose"
        more, less = (
            ("more", "less") if fell else ("less", "more")
        )  # words for a negative and a positive end
        lead = f"{where} {verb} by {amount} {more if row.estimate < 0 else less} {than}"
    return f"{lead} ({confidence(row.level)} CI {_ends(row, more, less)})."


def _ends(row: Row, negative: str, positive: str) -> str:
    """Return the interval in the sentence's direction; both directions are named where it includes
    zero."""
    low, high, places = row.low, row.high, row.places
    if missing(low) or missing(high):
        return "not available"
    if excludes_zero(low, high):
        near, far = sorted((abs(low), abs(high)))
        return interval(near, far, places)

    def words(end: float, direction: str) -> str:
        return (
            f"without limit {direction}"
            if math.isinf(end)
            else f"{number(abs(end), places)} {direction}"
        )

    return f"from {words(low, negative)} to {words(high, positive)}"


def statistically(row: Row, method_name: str) -> str:
    """Return whether the difference can be told from none, and by which method."""
    told = excludes_zero(row.low, row.high)
    p = p_value(row.p_value)
    how = f"{sentence(method(method_name))}{f', {p}' if p else ''}"
    if told is None:
        return (
            "There is no interval for this estimate, so nothing can be said about chance "
            f"({method(method_name)})."
        )
    if told:
        return (
            "Statistically, the difference can be told from none: the interval excludes zero "
            f"({how[0].lower() + how[1:]})."
        )
    return (
        f"Statistically, we cannot tell the difference from none: the interval includes zero "
        f"({how[0].lower() + how[1:]})."
    )


def practically(row: Row, margin: float | None, reason: str = "") -> str:
    """Return whether the difference matters, judged by the declared margin."""
    if margin is None:
        return (
            "In practice, nothing can be said about relevance: no smallest difference that "
            "matters was declared."
        )
    reach = in_unit(size(margin, row.places), row.unit)
    because = f" ({reason.rstrip('.')})" if reason else ""
    if missing(row.low) or missing(row.high):
        return (
            "In practice, we cannot tell whether it reaches the smallest difference that "
            f"matters, {reach}{because}."
        )
    if -margin < row.low and row.high < margin:
        return (
            f"In practice, it is too small to matter: the whole interval lies within ±{reach}, the "
            "smallest "
            f"difference that matters{because}."
        )
    if row.low > margin or row.high < -margin:
        return (
            f"In practice, it matters: the whole interval lies beyond {reach}, the smallest "
            f"difference that matters{because}."
        )
    return (
        "In practice, we cannot tell whether it matters: the interval holds differences smaller "
        f"and larger than {reach}, "
        f"the smallest difference that matters{because}."
    )


def agreement_about_zero(rows: list[Row]) -> tuple[bool | None, str]:
    """Return whether the inference methods agree about zero (None where there is only one), and
    the sentence."""
    told = {row.inference: excludes_zero(row.low, row.high) for row in rows}
    known = {name: value for name, value in told.items() if value is not None}
    yes = [method(name) for name, value in known.items() if value]
    no = [method(name) for name, value in known.items() if not value]
    if len(known) < 2:
        return (
            None,
            "Only one inference method was declared, so there is nothing to compare it with.",
        )
    if yes and no:
        return (
            False,
            f"The methods disagree about zero: it is excluded by {joined(yes)}, but not by "
            f"{joined(no)}.",
        )
    many = {2: "Both", 3: "All three", 4: "All four", 5: "All five", 6: "All six"}.get(
        len(known), f"All {len(known)}"
    )
    return True, f"{many} inference methods {'exclude' if yes else 'include'} zero."
