"""The convergence rule, cell by cell, and the worked example of an interval under four margins."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from evalweave.triangulation.convergence import (
    COLUMNS,
    LABELS,
    ROWS,
    RULE,
    Interval,
    Qualitative,
    Quantitative,
    Unattributed,
    converge,
    in_words,
    qualitative_state,
    quantitative_state,
)
from evalweave.triangulation.estimands import adjusted, family_terms

MARGIN = 1.0
# One interval for each column, the expected sign being negative.
INTERVALS = {
    "D expected sign": Interval(-2.0, -2.5, -1.5),
    "D opposite": Interval(2.0, 1.5, 2.5),
    "E": Interval(-0.1, -0.5, 0.3),
    "I": Interval(-1.0, -2.5, 0.5),
    "X": Interval(),
}
# N asked, supporting, contradicting
PEOPLE = {
    "S": (12, 9, 0),
    "M": (12, 6, 3),
    "C": (12, 0, 8),
    "H": (12, 1, 0),
    "A": (12, 0, 0),
    "U": (0, 0, 0),
}
UNHEARD = Unattributed(theme=True)  # words of the theme that can be given to nobody

# The table of the rule, as it is written down for analysts.
TABLE = """
S | agreement    | dissonance           | dissonance on size | imprecise      | silence (QN)
M | partial      | partial, flagged     | partial, flagged   | imprecise      | silence (QN)
C | dissonance   | agreement against H  | partial            | imprecise      | silence (QN)
H | silence (QL) | silence (QL)         | silence (QL)       | silence (both) | no evidence
A | silence (QL) | silence (QL)         | silence (QL)       | silence (both) | no evidence
U | silence (QL) | silence (QL)         | silence (QL)       | silence (both) | no evidence
N | not known    | not known            | not known          | imprecise      | silence (QN)
"""
IN_FULL = {
    "silence (QN)": "silence (quantitative)",
    "silence (QL)": "silence (qualitative)",
    "agreement against H": "agreement against the hypothesis",
    "imprecise": "not comparable: imprecise",
    "not known": "not comparable: not known who spoke",
}
CELLS = [
    (row.split("|")[0].strip(), column, IN_FULL.get(label.strip(), label.strip()))
    for row in TABLE.strip().splitlines()
    for column, label in zip(INTERVALS, row.split("|")[1:], strict=True)
]


def label(
    interval: Interval, people: tuple[int, int, int], sign: str = "negative", margin: float = MARGIN
) -> str:
    return converge(quantitative_state(interval, margin), qualitative_state(*people), sign).label


@pytest.mark.parametrize(("row", "column", "expected"), CELLS)
def test_each_cell(row: str, column: str, expected: str) -> None:
    people = (
        qualitative_state(12, 0, 0, None, UNHEARD)
        if row == "N"
        else qualitative_state(*PEOPLE[row])
    )
    assert people.state == row
    numbers = quantitative_state(INTERVALS[column], MARGIN)
    assert converge(numbers, people, "negative").label == expected


def test_the_table_has_every_row_and_column_and_only_known_labels() -> None:
    assert list(RULE) == list(ROWS)
    assert all(list(RULE[row]) == list(COLUMNS) for row in ROWS)
    assert {value for row in RULE.values() for value in row.values()} == set(LABELS)


def test_support_is_only_partial_when_the_size_is_uncertain() -> None:
    uncertain = Interval(-1.5, -2.5, -0.5)
    assert label(uncertain, PEOPLE["S"]) == "partial"
    assert label(uncertain, PEOPLE["M"]) == "partial"
    assert label(uncertain, PEOPLE["C"]) == "dissonance"
    assert label(Interval(1.5, 0.5, 2.5), PEOPLE["S"]) == "dissonance"


@pytest.mark.parametrize(
    ("row", "column", "expected"),
    [
        ("S", "E", "agreement"),
        ("M", "E", "partial"),
        ("C", "E", "dissonance"),
        ("A", "E", "silence (qualitative)"),
        ("S", "D opposite", "dissonance"),
        ("S", "D expected sign", "dissonance"),
        ("M", "D opposite", "partial, flagged"),
        ("C", "D opposite", "agreement against the hypothesis"),
        ("S", "I", "not comparable: imprecise"),
        ("S", "X", "silence (quantitative)"),
        ("U", "X", "no evidence"),
    ],
)
def test_when_no_difference_is_expected_e_agrees_and_d_dissents(
    row: str, column: str, expected: str
) -> None:
    assert label(INTERVALS[column], PEOPLE[row], "none") == expected


def test_complementary_claims_have_states_but_no_label() -> None:
    verdict = converge(
        quantitative_state(INTERVALS["E"], MARGIN),
        qualitative_state(12, 6, 3),
        "negative",
        "complements",
    )
    assert verdict.label == ""
    assert (verdict.quantitative.state, verdict.qualitative.state) == ("E", "M")


# −0.10 (−0.17, −0.03) percentage points: the published estimate.
@pytest.mark.parametrize(
    ("margin", "state", "size"),
    [
        (0, "D", "strong"),
        (0.05, "D", "size uncertain"),
        (0.10, "D", "size uncertain"),
        (0.5, "E", ""),
    ],
)
def test_worked_example(margin: float, state: str, size: str) -> None:
    found = quantitative_state(Interval(-0.10, -0.17, -0.03), margin)
    assert (found.state, found.sign, found.size) == (state, "negative", size)


def test_the_worked_example_in_words() -> None:
    interval = Interval(-0.10, -0.17, -0.03)
    words = [
        in_words(quantitative_state(interval, m), "percentage points") for m in (0, 0.05, 0.02, 0.5)
    ]
    assert words == [
        "negative; no smallest difference that matters was set (margin 0)",
        "negative, may be smaller than 0.05 percentage points (size uncertain)",
        "negative, wholly beyond 0.02 percentage points",
        "within ±0.5 percentage points, negative",
    ]
    assert in_words(quantitative_state(Interval(0, -1, 1), 0.5), "mmol/mol") == (
        "cannot tell: the interval includes 0 and differences beyond 0.5 mmol/mol"
    )
    assert in_words(
        quantitative_state(Interval(absent="no estimate: one practice only"), 1), "mmol/mol"
    ) == ("no estimate: one practice only")


@pytest.mark.parametrize(
    ("low", "high", "margin", "state"),
    [
        (-0.5, 0.5, 0.5, "I"),  # ends on the margin: not inside
        (0.0, 2.0, 0.5, "I"),  # ends on zero: zero is not excluded
        (-0.1, 0.1, 0.0, "I"),  # without a margin nothing is equivalent
        (0.5, 2.0, 0.5, "D"),  # begins on the margin: not wholly beyond
        (-math.inf, -0.1, 0.05, "D"),
        (-math.inf, math.inf, 0.05, "I"),
    ],
)
def test_bounds(low: float, high: float, margin: float, state: str) -> None:
    found = quantitative_state(Interval(0.0, low, high), margin)
    assert found.state == state
    if (low, margin) == (0.5, 0.5):
        assert found.size == "size uncertain"


@pytest.mark.parametrize(
    "interval", [Interval(1.0), Interval(math.nan, 0.1, 0.2), Interval(1.0, math.nan, 2.0)]
)
def test_without_an_interval_there_is_no_estimate(interval: Interval) -> None:
    assert quantitative_state(interval, 0.1).state == "X"


@pytest.mark.parametrize(
    ("people", "state", "negative_case"),
    [
        ((0, 0, 0), "U", False),
        ((19, 0, 0), "A", False),
        ((12, 9, 0), "S", False),
        # one of twelve is not agreement
        ((12, 1, 0), "H", False),
        ((12, 2, 0), "H", False),
        ((12, 3, 0), "S", False),
        ((12, 1, 1), "H", False),
        ((12, 2, 1), "M", False),
        # s > 2c
        ((12, 9, 1), "S", True),
        ((12, 9, 4), "S", True),
        ((12, 8, 4), "M", False),
        ((19, 7, 2), "S", True),
        ((19, 7, 4), "M", False),
        ((19, 6, 5), "M", False),
        ((12, 1, 7), "C", True),
        ((12, 3, 7), "C", True),
        ((12, 4, 8), "M", False),
        # few were asked: a third of them
        ((5, 2, 0), "S", False),
        ((5, 1, 0), "H", False),
        ((4, 1, 1), "M", False),
        ((3, 1, 0), "S", False),
        ((1, 1, 0), "S", False),
        ((12, 12, 12), "M", False),  # everybody does both
    ],
)
def test_qualitative_states(people: tuple[int, int, int], state: str, negative_case: bool) -> None:
    found = qualitative_state(*people)
    assert (found.state, found.negative_case) == (state, negative_case)
    assert (found.n_eligible, found.n_supports, found.n_contradicts) == people


@pytest.mark.parametrize(
    ("people", "minimum", "state"),
    [((12, 1, 0), 1, "S"), ((12, 4, 0), 5, "H"), ((12, 5, 0), 5, "S"), ((30, 4, 0), None, "S")],
)
def test_a_claim_may_declare_its_minimum(
    people: tuple[int, int, int], minimum: float | None, state: str
) -> None:
    assert qualitative_state(*people, minimum).state == state


@pytest.mark.parametrize(
    ("people", "words", "state"),
    [
        ((12, 0, 0), Unattributed(theme=True), "N"),  # not known is not no
        ((12, 0, 0), Unattributed(supports=3), "N"),
        ((12, 0, 0), Unattributed(supports=2), "N"),  # H is not A
        ((12, 9, 0), Unattributed(supports=3, theme=True), "S"),  # whoever said it, S stays
        ((12, 9, 0), Unattributed(contradicts=4), "S"),
        ((12, 9, 0), Unattributed(contradicts=5), "N"),
        ((12, 1, 0), Unattributed(supports=1, theme=True), "H"),
        ((12, 1, 0), Unattributed(supports=2), "N"),
        ((12, 6, 5), Unattributed(supports=1), "M"),
        ((0, 0, 0), Unattributed(theme=True), "U"),
    ],
)
def test_words_of_nobody_leave_a_state_only_where_they_cannot_change_it(
    people: tuple[int, int, int], words: Unattributed, state: str
) -> None:
    assert qualitative_state(*people, None, words).state == state


def test_a_family_decides_by_its_own_interval() -> None:
    """−2 (−3.8, −0.2) excludes 0 alone, but not as one of three: half widths times 2.39/1.96."""
    alone = Interval(-2.0, -3.8, -0.2, 0.918, math.inf)
    assert quantitative_state(alone, 0).state == "D"
    in_family = adjusted(alone, 3)
    assert in_family.family_low == pytest.approx(-2 - 1.8 * 2.3939798 / 1.9599640, abs=1e-6)
    assert in_family.family_high == pytest.approx(-2 + 1.8 * 2.3939798 / 1.9599640, abs=1e-6)
    assert (in_family.low, in_family.high) == (-3.8, -0.2)  # shown beside it
    assert quantitative_state(in_family, 0).state == "I"
    assert quantitative_state(in_family, 4.1).state == "I" and adjusted(alone, 1) == alone


def test_the_adjusted_interval_with_few_clusters_is_a_t_interval() -> None:
    """t(1 − 0.025/2; 10) = 2.63377, t(0.975; 10) = 2.22814 (tables of Student's t)."""
    wide = adjusted(Interval(0.0, -2.22814, 2.22814, 1.0, 10), 2)
    assert wide.family_high == pytest.approx(2.63377, abs=1e-4)


@pytest.mark.parametrize("people", [(3, 4, 0), (3, -1, 0), (0, 1, 0)])
def test_impossible_counts_are_refused(people: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="cannot be among"):
        qualitative_state(*people)


@pytest.mark.parametrize("margin", [-0.1, math.nan, math.inf])
def test_impossible_margins_are_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin"):
        quantitative_state(INTERVALS["E"], margin)


def test_the_inputs_are_kept() -> None:
    interval = Interval(-2.0, -2.5, -1.5, 0.25, 18.3, "cr2")
    verdict = converge(quantitative_state(interval, 0.4), qualitative_state(12, 9, 1), "negative")
    assert verdict.quantitative == Quantitative("D", "negative", "strong", interval, 0.4)
    assert verdict.qualitative == Qualitative("S", True, 12, 9, 1, 3)
    assert (verdict.expected_sign, verdict.relation, verdict.column) == (
        "negative",
        "converges",
        "D expected sign",
    )


# The puzzle of the published study: precise planted effects on the left, imprecise ones on the
# right.
@pytest.mark.parametrize(
    ("sign", "precise", "imprecise", "people", "expected"),
    [
        (
            "positive",
            Interval(-1.2, -1.6, -0.8),
            Interval(-1.2, -3.1, 0.7),
            (19, 11, 6),
            "partial, flagged",
        ),
        (
            "positive",
            Interval(-1.2, -1.6, -0.8),
            Interval(-1.2, -3.1, 0.7),
            (19, 11, 1),
            "dissonance",
        ),
        (
            "negative",
            Interval(-1.2, -1.6, -0.8),
            Interval(-1.2, -3.1, 0.7),
            (19, 11, 1),
            "agreement",
        ),
    ],
)
def test_the_puzzle(
    sign: str, precise: Interval, imprecise: Interval, people: tuple[int, int, int], expected: str
) -> None:
    assert label(precise, people, sign, 0.5) == expected
    assert label(imprecise, people, sign, 0.5) == "not comparable: imprecise"


def test_only_differences_belong_to_a_family() -> None:
    table = pd.DataFrame(
        {
            "analysis": ["gap", "gap", "gap", "other"],
            "term": ["att[white=0]", "difference[white=1-0]", "att", "difference[white=1-0]"],
            "estimate": [1.0, 2.0, 3.0, 4.0],
        }
    )
    assert family_terms(table, ["gap"]) == {("gap", "difference[white=1-0]")}
