"""One rule for what an average is over, shared by all estimators.

An average of effects by cohort and period that lost one of its cells is withheld. With `partial:
true` it is given over what is left, and its own row says which cells are missing and what share of
its weight they held: a note elsewhere is not seen by who reads the estimates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

NAMED = 4  # lost cells named one by one


@dataclass(frozen=True)
class Verdict:
    """Whether an average may stand, and the words that go with it ('' where nothing is lost)."""

    stands: bool
    words: str


def verdict(members: Iterable[str], lost: Iterable[str], share: float, partial: bool) -> Verdict:
    """Return what becomes of an average over `members`, of which `lost` have no estimate.

    `share` is the part of its weight (0 to 1) that the lost ones held.
    """
    members, lost = list(members), list(lost)
    if not lost:
        return Verdict(True, "")
    named = ", ".join(lost[:NAMED]) + (f" and {len(lost) - NAMED} more" if lost[NAMED:] else "")
    if len(lost) == len(members):
        return Verdict(False, f"{named} {_have(len(lost))} no estimate")
    weight = f"{100 * share:.3g} % of its weight"
    if not partial:
        return Verdict(
            False,
            f"withheld: {named} {_have(len(lost))} no estimate and would hold {weight}; `partial: "
            "true` gives the average over the rest",
        )
    left = len(members) - len(lost)
    return Verdict(True, f"over {left} of {len(members)} cells, left out: {named} ({weight})")


def _have(count: int) -> str:
    return "has" if count == 1 else "have"
