"""Numbers and sentences of the report: true minus signs, any sign, any width, honest about zero."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from evalweave.release.numbers import JOINER, decimals, in_unit, interval, number, p_value
from evalweave.report import sentences
from evalweave.report.data import Row
from helpers.reports import data


def row(estimate: float, low: float, high: float) -> Row:
    return Row(
        "main", "att", "mmol/mol", "cr2", estimate, 0.3, low, high, 0.01, 17, 0.95, 1, 1, 24, 13, ""
    )


@pytest.mark.parametrize(
    ("shown", "unit", "said"),
    [
        ("−182", "£ per person-year", f"−{JOINER}£182 per person-year"),
        ("60.50", "GBP", "£60.50"),
        ("−0.07", "admissions per person-year", "−0.07 admissions per person-year"),
        ("–", "mmol/mol", "– mmol/mol"),
    ],
)
def test_money_stands_behind_its_sign(shown: str, unit: str, said: str) -> None:
    assert in_unit(shown, unit) == said


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        (-0.1, 2, "−0.10"),
        (-0.001, 2, "0.00"),
        (1234.5, 1, "1,234.5"),
        (-math.inf, 2, "−∞"),
        (None, 2, "–"),
        (math.nan, 2, "–"),
    ],
)
def test_numbers_have_true_minus_signs_and_no_negative_zero(
    value: float | None, places: int, shown: str
) -> None:
    assert number(value, places) == shown


def test_intervals_without_a_limit_say_so() -> None:
    assert interval(-0.17, -0.03) == "−0.17 to −0.03"
    assert interval(-math.inf, -0.03) == "no lower limit to −0.03"
    assert interval(-math.inf, math.inf) == "no limit on either side"
    assert interval(math.nan, 1.0) == "no interval"
    assert interval(-0.2094, -0.0037) == "−0.209 to −0.004"  # not 0.00, as if it held zero
    assert interval(0.00004, math.inf) == "0.00004 to no upper limit"
    assert interval(-0.2, 0.004) == "−0.20 to 0.00"  # holds zero, as it reads
    assert interval(0.0, 1.0) == "0.00 to 1.00"


@pytest.mark.parametrize(
    ("p", "shown"),
    [(0.0004, "p < 0.001"), (0.0064, "p = 0.006"), (0.049, "p = 0.049"), (0.4, "p = 0.40")],
)
def test_p_values(p: float, shown: str) -> None:
    assert p_value(p) == shown


def test_small_errors_get_more_decimals() -> None:
    assert (
        decimals(0.036),
        decimals(0.4),
        decimals(0.002),
        decimals(15.0),
        decimals(math.nan),
    ) == (
        2,
        2,
        4,
        0,
        2,
    )


@pytest.mark.parametrize(
    ("rising", "estimate", "low", "high", "said"),
    [
        (
            0.4,
            -1.2,
            -1.9,
            -0.5,
            "HbA1c rose by 1.20 mmol/mol less than in comparison practices (95 % CI 0.50 to 1.90).",
        ),
        (
            -0.4,
            -1.2,
            -1.9,
            -0.5,
            "HbA1c fell by 1.20 mmol/mol more than in comparison practices (95 % CI 0.50 to 1.90).",
        ),
        (
            0.4,
            1.2,
            0.5,
            1.9,
            "HbA1c rose by 1.20 mmol/mol more than in comparison practices (95 % CI 0.50 to 1.90).",
        ),
        (
            -0.4,
            1.2,
            0.5,
            1.9,
            "HbA1c fell by 1.20 mmol/mol less than in comparison practices (95 % CI 0.50 to 1.90).",
        ),
        (
            -0.4,
            -0.3,
            -0.8,
            0.2,
            "HbA1c fell by 0.30 mmol/mol more than in comparison practices (95 % CI from 0.80 more "
            "to 0.20 less).",
        ),
        (-0.4, -0.3, -math.inf, 0.2, "(95 % CI from without limit more to 0.20 less)."),
        (-0.4, -0.3, -math.inf, -0.2, "(95 % CI 0.20 to no upper limit)."),
        (
            0.4,
            0.001,
            -0.5,
            0.5,
            "HbA1c changed as much as in comparison practices (difference 0.00, 95 % CI −0.50 to "
            "0.50 mmol/mol).",
        ),
    ],
)
def test_the_main_sentence_fits_every_sign(
    tmp_path: Path, rising: float, estimate: float, low: float, high: float, said: str
) -> None:
    found = data(tmp_path, rising=rising)
    text = sentences.main_sentence(found, row(estimate, low, high)).replace("\u202f", " ")
    assert text.endswith(said), text
    assert text.startswith("With the service available, ")


def test_without_raw_means_the_sentence_claims_no_direction_over_time(tmp_path: Path) -> None:
    found = data(tmp_path, trends=False)
    text = sentences.main_sentence(found, row(-1.2, -1.9, -0.5))
    assert "fell" not in text and "rose" not in text
    assert "ended up 1.20 mmol/mol lower than in comparison practices" in text


@pytest.mark.parametrize(
    ("low", "high", "margin", "words"),
    [
        (-1.9, -0.5, 5.5, "too small to matter"),
        (-9.0, -6.0, 5.5, "it matters"),
        (-9.0, 1.0, 5.5, "cannot tell"),
        (-math.inf, 1.0, 5.5, "cannot tell"),
        (-1.0, 1.0, None, "no smallest difference"),
    ],
)
def test_practical_relevance_is_judged_by_the_margin(
    low: float, high: float, margin: float | None, words: str
) -> None:
    assert words in sentences.practically(row(-1.0, low, high), margin)


def test_statistical_relevance_is_its_own_sentence() -> None:
    assert "can be told from none" in sentences.statistically(row(-1.2, -1.9, -0.5), "cr2")
    assert "cannot tell" in sentences.statistically(row(-1.2, -2.9, 0.5), "cr2")
    assert "no interval" in sentences.statistically(row(-1.2, math.nan, math.nan), "cr2")
    for low, high in ((-1.9, -0.5), (-2.9, 0.5)):
        assert "significan" not in sentences.statistically(row(-1.2, low, high), "cr2")


def test_methods_that_disagree_about_zero_are_named(tmp_path: Path) -> None:
    found = data(tmp_path, methods=(("wild_bootstrap", -2.6, 0.1), ("cr3", -2.0, -0.2)))
    agree, words = sentences.agreement_about_zero(found.rows("main", "att", "mmol/mol"))
    assert agree is False
    assert "not by wild cluster bootstrap" in words
    alone = found.rows("main", "att", "mmol/mol", "cr2")
    assert sentences.agreement_about_zero(alone)[0] is None
