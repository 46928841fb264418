"""What an outcome is and what a death does to it, in sentences."""

from __future__ import annotations

from evalweave.catalogue.kinds import COST, COUNT, UTILITY
from evalweave.release.numbers import number, plain
from evalweave.report.data import ReportData
from evalweave.study.outcomes import Outcome

PER_PERIOD = {
    "mean": "the mean of a person’s values in a period",
    "last": "the last value of a person in a period",
    "nearest_middle": "a person’s value nearest to the middle of a period",
}


def made(data: ReportData, name: str) -> str:
    """Return what an outcome is made of, as the rest of a sentence, without a full stop."""
    outcome = data.study.outcomes[name]
    if outcome.counted:
        return (
            f"{_counted(outcome, name)}, in {outcome.unit}; a person-period in follow-up without "
            "a record is zero"
        )
    if outcome.of:
        threshold = outcome.at_least if outcome.below is None else outcome.below
        word = "at least" if outcome.below is None else "below"
        source = data.study.outcomes[outcome.of]
        return (
            f"yes where {data.outcome_label(outcome.of)} of the period was {word} "
            f"{threshold:g} {source.unit}, no where it was measured and was not"
        )
    places = _places(data, name)
    low, high = (number(x, places) for x in outcome.plausible)
    what = f"{PER_PERIOD[outcome.per_period]}, in {outcome.unit}"
    scale = " (1 is full health)" if outcome.kind == UTILITY else ""
    return f"{what}{scale}; values outside {low} to {high} were set aside"


def deaths(outcome: Outcome) -> str:
    """Return what a death does to an outcome, as a clause: alive people, or a composite."""
    if outcome.dead_value is None:
        return ""
    since = "for the days after death" if outcome.counted else "from the period of death on"
    return f"the dead count as {outcome.dead_value:g} {since}, to the end of the window"


def _counted(outcome: Outcome, name: str) -> str:
    item = plain(outcome.of or name)
    if outcome.kind == COUNT:
        return f"days with a record of {item}"
    assert outcome.kind == COST
    return f"the cost of {item}" if outcome.of else "the cost of all care that was counted"


def _places(data: ReportData, name: str) -> int:
    """Return with how many decimals an outcome's plausible range is written."""
    outcome = data.study.outcomes[name]
    whole = all(float(bound).is_integer() for bound in outcome.plausible)
    return 0 if whole else max(1, data.quantity(name).unit(outcome.unit).decimals)
