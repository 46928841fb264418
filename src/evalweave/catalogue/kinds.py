"""What an outcome can be: the values that it may have, and the estimators that suit it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from evalweave.catalogue.words import listed

MEASURED, BINARY, COUNT, COST, UTILITY = "measured", "binary", "count", "cost", "utility"
COUNTED = (COUNT, COST)  # zero where nothing was recorded, in person-time


@dataclass(frozen=True)
class Kind:
    """A kind of outcome.

    Attributes:
        noun: within a sentence.
        values: which values it can have; blank = any.
        why_not: why an estimator that is made for other kinds does not suit it.
        recommended: estimators to start from; the first is what `init` and the docs name.
        nobody_recorded: what a person-period in follow-up without a record is.
    """

    name: str
    noun: str
    values: str
    why_not: str
    recommended: tuple[str, ...]
    nobody_recorded: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            MEASURED,
            "a measured outcome",
            "",
            "it may have any value",
            ("twfe", "callaway_santanna", "weighted_did", "imputed_did"),
            "missing: nothing is known of it",
        ),
        Kind(
            BINARY,
            "a yes or no",
            "0 or 1",
            "it is no amount",
            ("twfe", "logit", "nonlinear_etwfe"),
            "missing: nothing is known of it",
        ),
        Kind(
            COUNT,
            "a count",
            "whole numbers of 0 or more",
            "without a record it is zero, never missing, and it is no yes or no",
            ("poisson", "nonlinear_etwfe", "twfe"),
            "zero",
        ),
        Kind(
            COST,
            "a cost",
            "0 or more",
            "without a record it is zero, never missing, and it is no yes or no",
            ("poisson", "two_part", "gamma_log", "twfe"),
            "zero",
        ),
        Kind(
            UTILITY,
            "a utility",
            "at most 1, which is full health",
            "it may be below zero",
            ("twfe", "weighted_did", "imputed_did"),
            "missing: nothing is known of it",
        ),
    )
}


def kind_refusal(analysis: Any, kind: str | None, suited: Iterable[str]) -> str:
    """Return why an analysis does not suit an outcome of a kind, or '' where it does or none is
    declared. `suited` are the kinds that its estimator is for; blank = all."""
    names = tuple(suited)
    if kind is None or not names or kind in names:
        return ""
    declared = KINDS[kind]
    others = listed([KINDS[name].noun for name in names], "or")
    return (
        f"{analysis.estimator} is for {others}, and the outcome is declared as {declared.noun} "
        f"(kind: {kind}): {declared.why_not}. For {declared.noun} take "
        f"{listed(declared.recommended, 'or')}"
    )
