"""Label stability: exact shares where they can be worked out by hand."""

from __future__ import annotations

import math

import pytest
from scipy.stats import t as student

from evalweave.triangulation.convergence import (
    Interval,
    Qualitative,
    converge,
    qualitative_state,
    quantitative_state,
)
from evalweave.triangulation.stability import (
    CAPTION,
    MARGINS,
    SHIFTS,
    label_stability,
    margin_grid,
    shifts,
)

SUPPORTED = qualitative_state(12, 9, 0)
MIXED = qualitative_state(12, 6, 4)


def verdict_of(
    interval: Interval, margin: float, people: Qualitative = SUPPORTED, sign: str = "negative"
):  # type: ignore[no-untyped-def]
    return converge(quantitative_state(interval, margin), people, sign)


def test_the_margin_grid_is_half_to_twice_on_a_logarithmic_scale() -> None:
    grid = margin_grid(0.4)
    assert len(grid) == MARGINS
    assert (grid[0], grid[MARGINS // 2], grid[-1]) == pytest.approx((0.2, 0.4, 0.8))
    assert margin_grid(0) == (0.0,)


def test_a_declared_range_is_taken_evenly() -> None:
    assert margin_grid(0.1, (0.0, 0.8)) == pytest.approx([0.1 * step for step in range(9)])
    assert margin_grid(0.1, (0.1, 0.1)) == (0.1,)


def test_shifts_are_the_t_quantiles_at_slice_midpoints() -> None:
    moved, notes = shifts(Interval(-1, -2, 0, std_error=0.5, dof=8.0))
    assert len(moved) == SHIFTS
    assert moved[SHIFTS // 2] == pytest.approx(0, abs=1e-12)
    assert moved[0] == pytest.approx(0.5 * student.ppf(0.5 / SHIFTS, 8))
    assert moved[0] == pytest.approx(-moved[-1])
    assert notes == ()


def test_what_is_missing_is_said() -> None:
    _, notes = shifts(Interval(-1, -2, 0, std_error=0.5))
    assert notes == ("no degrees of freedom: shifted by normal quantiles",)
    moved, notes = shifts(Interval(-1, -1 - 1.959964, -1 + 1.959964, dof=math.nan))
    assert moved[0] == pytest.approx(student.ppf(0.5 / SHIFTS, math.inf), rel=1e-6)
    assert "half width" in notes[0]
    assert shifts(Interval(-1, -math.inf, 0))[0] == (0.0,)
    assert shifts(Interval()) == ((0.0,), ("there is no interval to shift",))


def test_a_label_far_from_every_bound_is_stable() -> None:
    found = label_stability(
        verdict_of(Interval(-20, -20.5, -19.5, 0.25, 10), 1), {"union": SUPPORTED}, margin_grid(1)
    )
    assert found.share == 1
    assert found.combinations == SHIFTS * MARGINS
    assert found.labels == (("agreement", SHIFTS * MARGINS),)
    assert found.caption == CAPTION and "not a probability" in CAPTION


def test_an_estimate_on_the_edge_keeps_its_label_in_half_of_the_shifts() -> None:
    # The interval just excludes 0: a shift up includes it (imprecise), a shift down excludes it
    # still.
    interval = Interval(-2, -4, -1e-9, std_error=1, dof=10)
    found = label_stability(verdict_of(interval, 0), {"union": SUPPORTED}, margin_grid(0))
    assert found.label == "agreement"
    assert found.shifts_only == found.share == pytest.approx((SHIFTS // 2 + 1) / SHIFTS)
    assert dict(found.labels) == {
        "agreement": SHIFTS // 2 + 1,
        "not comparable: imprecise": SHIFTS // 2,
    }


def test_only_the_margin_moves_the_label() -> None:
    # −0.10 (−0.17, −0.03) with no shift possible: strong up to 0.03, uncertain to 0.17, equivalent
    # beyond.
    interval = Interval(-0.10, -0.17, -0.03, std_error=0, dof=20)
    found = label_stability(
        verdict_of(interval, 0.05), {"union": SUPPORTED}, (0.02, 0.05, 0.1, 0.5)
    )
    assert found.label == "partial"
    assert found.share == found.margins_only == 0.5
    assert found.shifts_only == found.coders_only == 1


def test_coder_choices_count_alike() -> None:
    choices = {"union": MIXED, "A": SUPPORTED, "B": MIXED, "intersection": SUPPORTED}
    interval = Interval(-20, -20.5, -19.5, 0, 10)
    found = label_stability(verdict_of(interval, 1, MIXED), choices, (1.0,))
    assert found.share == found.coders_only == 0.5
    assert found.by_coder == (
        ("union", "partial"),
        ("A", "agreement"),
        ("B", "partial"),
        ("intersection", "agreement"),
    )


def test_without_an_estimate_only_margins_and_coders_vary() -> None:
    found = label_stability(verdict_of(Interval(), 1), {"union": SUPPORTED}, margin_grid(1))
    assert found.label == "silence (quantitative)"
    assert found.share == 1
    assert found.combinations == MARGINS


def test_a_shift_moves_the_interval_of_the_family_too() -> None:
    alone = Interval(-2.0, -3.8, -0.2, 0.918, 10, family_low=-4.2, family_high=0.2, family_size=3)
    moved = alone.shifted(-1.5)
    assert (moved.estimate, moved.low, moved.high) == pytest.approx((-3.5, -5.3, -1.7))
    assert moved.deciding == pytest.approx((-5.7, -1.3))
