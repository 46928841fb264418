"""The convergence rule: what an interval and the people's stances say together about a declared
claim.

Quantitative state, from the 95 % interval (low, high) of the declared primary inference and a
margin m >= 0 (the smallest difference that matters), all in the margin's unit:

    X   no estimate, or no interval
    E   -m < low and high < m, for m > 0            (two one-sided tests at 2.5 %: conservative)
    D   low > 0 or high < 0; strong when low > m or high < -m, else "size uncertain"
    I   otherwise

E goes before D; the sign that D would have is kept and printed. An interval that ends exactly on a
bound is neither inside nor beyond it.

Qualitative state, from N people asked, s who support and c who contradict (who does both counts in
both):

    U   N = 0          A   s = c = 0
    M   s = c, or both at least min(2, 0.2 N)
    S   s > c          C   c > s          (negative case: the smaller is not 0)

The labels follow Farmer et al. (Qual Health Res 2006) and O'Cathain et al. (BMJ 2010;341:c4587);
"not comparable: imprecise" is ours, since calling an uninformative interval silence or dissonance
misleads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

RULE_VERSION = "1.0"

POSITIVE, NEGATIVE, NONE = "positive", "negative", "none"
SIGNS = (POSITIVE, NEGATIVE, NONE)
CONVERGES, COMPLEMENTS = "converges", "complements"
RELATIONS = (CONVERGES, COMPLEMENTS)
STRONG, UNCERTAIN = "strong", "size uncertain"
EXPECTED, OPPOSITE = "D expected sign", "D opposite"

AGREEMENT = "agreement"
AGAINST = "agreement against the hypothesis"
PARTIAL = "partial"
FLAGGED = "partial, flagged"
DISSONANCE = "dissonance"
ON_SIZE = "dissonance on size"
IMPRECISE = "not comparable: imprecise"
NO_NUMBER = "silence (quantitative)"
NO_VOICE = "silence (qualitative)"
SILENCE = "silence (both)"
NO_EVIDENCE = "no evidence"
LABELS = (
    AGREEMENT,
    AGAINST,
    PARTIAL,
    FLAGGED,
    ON_SIZE,
    DISSONANCE,
    IMPRECISE,
    NO_VOICE,
    NO_NUMBER,
    SILENCE,
    NO_EVIDENCE,
)

COLUMNS = (EXPECTED, OPPOSITE, "E", "I", "X")
ROWS = ("S", "M", "C", "A", "U")
RULE = {
    "S": dict(zip(COLUMNS, (AGREEMENT, DISSONANCE, ON_SIZE, IMPRECISE, NO_NUMBER), strict=True)),
    "M": dict(zip(COLUMNS, (PARTIAL, FLAGGED, FLAGGED, IMPRECISE, NO_NUMBER), strict=True)),
    "C": dict(zip(COLUMNS, (DISSONANCE, AGAINST, PARTIAL, IMPRECISE, NO_NUMBER), strict=True)),
    "A": dict(zip(COLUMNS, (NO_VOICE, NO_VOICE, NO_VOICE, SILENCE, NO_EVIDENCE), strict=True)),
    "U": dict(zip(COLUMNS, (NO_VOICE, NO_VOICE, NO_VOICE, SILENCE, NO_EVIDENCE), strict=True)),
}


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval in the margin's unit; nan where there is none, ±inf where
    unbounded."""

    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    std_error: float = math.nan
    dof: float = math.nan
    inference: str = ""
    absent: str = field(default="", compare=False)  # why there is no estimate

    def shifted(self, by: float) -> Interval:
        """Return the interval moved by `by`, its width kept."""
        return Interval(
            self.estimate + by,
            self.low + by,
            self.high + by,
            self.std_error,
            self.dof,
            self.inference,
        )


@dataclass(frozen=True)
class Quantitative:
    """State of the quantitative strand, with the inputs it was decided from."""

    state: str  # D, E, I or X
    sign: str  # of D; also printed beside E; blank when the interval includes 0
    size: str  # of D: strong or size uncertain
    interval: Interval
    margin: float


@dataclass(frozen=True)
class Qualitative:
    """State of the qualitative strand, with the counts of people it was decided from."""

    state: str  # U, A, S, C or M
    negative_case: bool
    n_eligible: int
    n_supports: int
    n_contradicts: int
    threshold: float  # people on each side from which a claim is mixed


@dataclass(frozen=True)
class Verdict:
    """What the rule says of a claim, with everything it was told."""

    quantitative: Quantitative
    qualitative: Qualitative
    expected_sign: str
    relation: str
    column: str  # of the rule's table
    label: str  # blank for complementary claims
    rule_version: str = RULE_VERSION


def quantitative_state(interval: Interval, margin: float) -> Quantitative:
    """Return E, D (with sign and size), I or X from an interval and a margin in the same unit."""
    if not margin >= 0 or math.isinf(margin):
        raise ValueError(f"a margin is a number from 0 on, not {margin}")
    low, high = interval.low, interval.high
    if math.isnan(interval.estimate) or math.isnan(low) or math.isnan(high):
        return Quantitative("X", "", "", interval, margin)
    sign = POSITIVE if low > 0 else NEGATIVE if high < 0 else ""
    if -margin < low and high < margin:
        return Quantitative("E", sign, "", interval, margin)
    if not sign:
        return Quantitative("I", "", "", interval, margin)
    size = STRONG if low > margin or high < -margin else UNCERTAIN
    return Quantitative("D", sign, size, interval, margin)


def qualitative_state(n_eligible: int, n_supports: int, n_contradicts: int) -> Qualitative:
    """Return U, A, S, C or M from numbers of people; supporters and contradictors are among the
    eligible."""
    threshold = min(2.0, 0.2 * n_eligible)
    few, many = sorted((n_supports, n_contradicts))
    if few < 0 or many > max(n_eligible, 0):
        raise ValueError(f"{few} and {many} people cannot be among {n_eligible} eligible ones")
    if n_eligible == 0:
        state = "U"
    elif many == 0:
        state = "A"
    elif few == many or (few >= threshold and few > 0):
        state = "M"
    else:
        state = "S" if n_supports > n_contradicts else "C"
    return Qualitative(
        state, state in ("S", "C") and few > 0, n_eligible, n_supports, n_contradicts, threshold
    )


def column_of(quantitative: Quantitative, expected_sign: str) -> str:
    """Return the column of the rule's table. An expected sign `none` makes E the expected and D the
    opposite."""
    if expected_sign not in SIGNS:
        raise ValueError(f"an expected sign is one of {', '.join(SIGNS)}, not {expected_sign}")
    if expected_sign == NONE:
        return {"E": EXPECTED, "D": OPPOSITE}.get(quantitative.state, quantitative.state)
    if quantitative.state == "D":
        return EXPECTED if quantitative.sign == expected_sign else OPPOSITE
    return quantitative.state


def converge(
    quantitative: Quantitative,
    qualitative: Qualitative,
    expected_sign: str,
    relation: str = CONVERGES,
) -> Verdict:
    """Return the label of the rule's table; complementary claims get none."""
    column = column_of(quantitative, expected_sign)
    label = RULE[qualitative.state][column]
    if label == AGREEMENT and quantitative.size == UNCERTAIN:
        label = PARTIAL
    return Verdict(
        quantitative,
        qualitative,
        expected_sign,
        relation,
        column,
        "" if relation == COMPLEMENTS else label,
    )


def in_words(quantitative: Quantitative, unit: str) -> str:
    """Return what the interval says, with the sign that an equivalent result still has."""
    reach = f"{quantitative.margin:g} {unit}"
    if quantitative.state == "X":
        return quantitative.interval.absent or "no estimate"
    if quantitative.state == "E":
        return f"within ±{reach}" + (
            f", {quantitative.sign}" if quantitative.sign else ", sign cannot be told"
        )
    if quantitative.state == "I":
        beyond = f" and differences beyond {reach}" if quantitative.margin > 0 else ""
        return f"cannot tell: the interval includes 0{beyond}"
    if quantitative.margin == 0:
        return f"{quantitative.sign}; no smallest difference that matters was set (margin 0)"
    size = "wholly beyond" if quantitative.size == STRONG else "may be smaller than"
    return f"{quantitative.sign}, {size} {reach}" + (
        "" if quantitative.size == STRONG else " (size uncertain)"
    )
