"""Options that several estimators share, and what `auto` inference stands for."""

from __future__ import annotations

from typing import Literal

from evalweave.catalogue.methods import Option

SUBGROUP = Option(
    "subgroup", str | None, None, "Column whose levels are compared, with their joint errors."
)
UNAFFECTED_POPULATION = Option(
    "unaffected_population",
    str | None,
    None,
    "Column that is 1 for people whom the programme can reach and 0 for those whom it cannot: "
    "triple difference.",
)
UNAFFECTED_OUTCOME = Option(
    "unaffected_outcome",
    str | None,
    None,
    "Column with an outcome of the same unit that the programme cannot change: triple difference.",
)
BETWEEN = (SUBGROUP, UNAFFECTED_POPULATION, UNAFFECTED_OUTCOME)
REFERENCE = Option("reference", int, -1, "Event time to which the others refer.")
BINS = Option(
    "bins",
    tuple[int, int] | None,
    None,
    "First and last event time; farther ones are binned into them.",
)
ANTICIPATION = Option(
    "anticipation", int, 0, "Periods before the start in which effects may show.", at_least=0
)
PARTIAL = Option(
    "partial",
    bool,
    False,
    "Give an average that lost some of its cells over the rest, and say so in its row; it is "
    "withheld otherwise.",
)
HONEST = (
    Option(
        "honest_relative",
        list[float] | None,
        None,
        "HonestDiD’s relative bounds: how many times the largest change before the start one "
        "after it may be; blank = 0.5, 1, 1.5, 2. The breakdown value is given whatever is asked.",
    ),
    Option(
        "honest_smoothness",
        list[float] | None,
        None,
        "HonestDiD’s smoothness bounds: by how much the slope may change a period, in the unit "
        "of the outcome; blank = six from 0 to the largest change before the start.",
    ),
)
ENGINE = Option(
    "engine",
    Literal["evalweave", "linearmodels"],
    "evalweave",
    "Who solves the least squares; linearmodels is the cross-check.",
)

BY_LEVERAGE = ("cr3", "hansen", "cr1")
BY_RE_ESTIMATION = ("jackknife", "hansen", "cr1")
