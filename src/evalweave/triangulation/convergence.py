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

Where a family of comparisons was declared, low and high are those of the family-adjusted interval.

Qualitative state, from N people asked, s who support and c who contradict (who does both counts in
both), with the minimum of support m = min(3, N/3) unless the claim declares another:

    U   N = 0
    S   s >= m and s > 2c      (negative case: c > 0)
    C   c >= m and c > 2s      (negative case: s > 0)
    M   otherwise, s + c >= m
    A   s = c = 0, and all words of the theme are attributed
    H   otherwise: hardly raised, no label but silence
    N   not known: words that cannot be given to a person could make it another state

One of twelve is H, 7 against 2 of 19 is S, 6 against 5 is M, 2 against 0 of 5 is S.

The labels follow Farmer et al. (Qual Health Res 2006) and O'Cathain et al. (BMJ 2010;341:c4587);
"not comparable: imprecise" is ours, since calling an uninformative interval silence or dissonance
misleads, and so is "not comparable: not known who spoke": words without a person are no silence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

RULE_VERSION = "2.1"

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
NOT_KNOWN = "not comparable: not known who spoke"
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
    NOT_KNOWN,
    NO_VOICE,
    NO_NUMBER,
    SILENCE,
    NO_EVIDENCE,
)

COLUMNS = (EXPECTED, OPPOSITE, "E", "I", "X")
ROWS = ("S", "M", "C", "H", "A", "U", "N")
MOST_NEEDED, SHARE_NEEDED = 3, 1 / 3  # people who must speak to a claim before it has a label
RULE = {
    "S": dict(zip(COLUMNS, (AGREEMENT, DISSONANCE, ON_SIZE, IMPRECISE, NO_NUMBER), strict=True)),
    "M": dict(zip(COLUMNS, (PARTIAL, FLAGGED, FLAGGED, IMPRECISE, NO_NUMBER), strict=True)),
    "C": dict(zip(COLUMNS, (DISSONANCE, AGAINST, PARTIAL, IMPRECISE, NO_NUMBER), strict=True)),
    **{
        row: dict(zip(COLUMNS, (NO_VOICE, NO_VOICE, NO_VOICE, SILENCE, NO_EVIDENCE), strict=True))
        for row in ("H", "A", "U")
    },
    "N": dict(zip(COLUMNS, (NOT_KNOWN, NOT_KNOWN, NOT_KNOWN, IMPRECISE, NO_NUMBER), strict=True)),
}


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval in the margin's unit; nan where there is none, ±inf where
    unbounded.

    `family_low` and `family_high` are the interval adjusted for the `family_size` comparisons of
    the declared family, nan (and 0) for an estimate that belongs to none.
    """

    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    std_error: float = math.nan
    dof: float = math.nan
    inference: str = ""
    absent: str = field(default="", compare=False)  # why there is no estimate
    family_low: float = math.nan
    family_high: float = math.nan
    family_size: int = 0

    @property
    def deciding(self) -> tuple[float, float]:
        """The ends by which the state is decided: family-adjusted where there is a family."""
        if self.family_size and not math.isnan(self.family_low):
            return self.family_low, self.family_high
        return self.low, self.high

    def shifted(self, by: float) -> Interval:
        """Return the interval moved by `by`, its widths kept."""
        return replace(
            self,
            estimate=self.estimate + by,
            low=self.low + by,
            high=self.high + by,
            family_low=self.family_low + by,
            family_high=self.family_high + by,
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
class Unattributed:
    """Words that can be given to nobody, and what they may hide among those asked.

    `supports`, `contradicts`: people asked who are not known to hold a stance, but may have spoken
    words that do; `theme`: whether words of the theme may be those of somebody asked.
    """

    supports: int = 0
    contradicts: int = 0
    theme: bool = False


@dataclass(frozen=True)
class Qualitative:
    """State of the qualitative strand, with the counts of people it was decided from."""

    state: str  # U, A, H, S, C, M or N
    negative_case: bool
    n_eligible: int
    n_supports: int
    n_contradicts: int
    minimum: float  # people who must speak to the claim before it has a label
    unattributed: Unattributed = Unattributed()


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
    low, high = interval.deciding
    if math.isnan(interval.estimate) or math.isnan(low) or math.isnan(high):
        return Quantitative("X", "", "", interval, margin)
    sign = POSITIVE if low > 0 else NEGATIVE if high < 0 else ""
    if -margin < low and high < margin:
        return Quantitative("E", sign, "", interval, margin)
    if not sign:
        return Quantitative("I", "", "", interval, margin)
    size = STRONG if low > margin or high < -margin else UNCERTAIN
    return Quantitative("D", sign, size, interval, margin)


def qualitative_state(
    n_eligible: int,
    n_supports: int,
    n_contradicts: int,
    minimum: float | None = None,
    unattributed: Unattributed = Unattributed(),
) -> Qualitative:
    """Return U, S, C, M, A, H or N from numbers of people; supporters and contradictors are among
    the eligible."""
    if minimum is None:
        minimum = min(MOST_NEEDED, n_eligible * SHARE_NEEDED)
    few, many = sorted((n_supports, n_contradicts))
    if few < 0 or many > max(n_eligible, 0):
        raise ValueError(f"{few} and {many} people cannot be among {n_eligible} eligible ones")
    possible = {
        _state(n_eligible, n_supports + more, n_contradicts + less, minimum)
        for more in range(unattributed.supports + 1)
        for less in range(unattributed.contradicts + 1)
    }
    state = _state(n_eligible, n_supports, n_contradicts, minimum)
    if len(possible) > 1 or (state == "A" and unattributed.theme):
        state = "N"
    negative = (state == "S" and n_contradicts > 0) or (state == "C" and n_supports > 0)
    return Qualitative(
        state, negative, n_eligible, n_supports, n_contradicts, minimum, unattributed
    )


def _state(n: int, s: int, c: int, m: float) -> str:
    """Return the state of n people asked, s supporting, c contradicting, all of them attributed."""
    if n == 0:
        return "U"
    if s >= m and s > 2 * c:
        return "S"
    if c >= m and c > 2 * s:
        return "C"
    if s + c >= m:
        return "M"
    return "H" if s + c else "A"


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
    """Return what the interval says, with the sign that an equivalent result still has, and whether
    it is the one adjusted for a family of comparisons."""
    size = quantitative.interval.family_size
    adjusted = f" (interval adjusted for {size} comparisons)" if size else ""
    return _in_words(quantitative, unit) + (adjusted if quantitative.state != "X" else "")


def _in_words(quantitative: Quantitative, unit: str) -> str:
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
