"""What the convergence rule must not depend on, for any interval, margin and people."""

from __future__ import annotations

import math

from hypothesis import assume, given
from hypothesis import strategies as st

from evalweave.triangulation.convergence import (
    Interval,
    converge,
    qualitative_state,
    quantitative_state,
)
from evalweave.triangulation.stability import label_stability, margin_grid

HBA1C_SLOPE = 0.09148  # percentage points per mmol/mol
numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
margins = st.floats(0, 1e6, allow_subnormal=False)
FLIPPED = {"positive": "negative", "negative": "positive", "none": "none"}


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    low, middle, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
    return Interval(middle, low, high)


@st.composite
def people(draw: st.DrawFn) -> tuple[int, int, int]:
    eligible = draw(st.integers(0, 40))
    return eligible, draw(st.integers(0, eligible)), draw(st.integers(0, eligible))


@given(intervals(), margins, st.floats(0, 1e6), st.floats(0, 1e6))
def test_widening_never_turns_undecided_into_a_difference(
    interval: Interval, margin: float, below: float, above: float
) -> None:
    wider = Interval(interval.estimate, interval.low - below, interval.high + above)
    before, after = (
        quantitative_state(interval, margin).state,
        quantitative_state(wider, margin).state,
    )
    if before == "I":
        assert after == "I"
    if after == "E":
        assert before == "E"


@given(intervals(), margins, people(), st.sampled_from(sorted(FLIPPED)))
def test_the_mirror_image_has_the_same_label(
    interval: Interval, margin: float, counts: tuple[int, int, int], sign: str
) -> None:
    mirrored = Interval(-interval.estimate, -interval.high, -interval.low)
    state = qualitative_state(*counts)
    assert (
        converge(quantitative_state(interval, margin), state, sign).label
        == converge(quantitative_state(mirrored, margin), state, FLIPPED[sign]).label
    )


def far(a: float, b: float) -> bool:
    """Whether two bounds differ by more than rounding, so that their order survives a change of
    unit."""
    return math.isclose(a, b, rel_tol=0, abs_tol=0) or not math.isclose(
        a, b, rel_tol=1e-9, abs_tol=1e-9
    )


@given(intervals(), margins, people(), st.sampled_from(sorted(FLIPPED)))
def test_the_label_does_not_depend_on_the_unit(
    interval: Interval, margin: float, counts: tuple[int, int, int], sign: str
) -> None:
    bounds = (0.0, margin, -margin)
    assume(all(far(end, bound) for end in (interval.low, interval.high) for bound in bounds))
    converted = Interval(
        *(value * HBA1C_SLOPE for value in (interval.estimate, interval.low, interval.high))
    )
    state = qualitative_state(*counts)
    in_mmol = converge(quantitative_state(interval, margin), state, sign)
    in_points = converge(quantitative_state(converted, margin * HBA1C_SLOPE), state, sign)
    assert in_mmol.label == in_points.label
    assert in_mmol.column == in_points.column


@given(people())
def test_people_who_swap_sides_mirror_the_state(counts: tuple[int, int, int]) -> None:
    eligible, supports, contradicts = counts
    one, other = qualitative_state(*counts), qualitative_state(eligible, contradicts, supports)
    assert other.state == {"S": "C", "C": "S"}.get(one.state, one.state)
    assert one.negative_case == other.negative_case


@given(
    intervals(), st.floats(0, 100), people(), st.sampled_from(sorted(FLIPPED)), st.floats(0.01, 10)
)
def test_stability_is_a_share_and_its_labels_add_up(
    interval: Interval, margin: float, counts: tuple[int, int, int], sign: str, error: float
) -> None:
    interval = Interval(interval.estimate, interval.low, interval.high, error, 11.0)
    state = qualitative_state(*counts)
    verdict = converge(quantitative_state(interval, margin), state, sign)
    found = label_stability(verdict, {"union": state}, margin_grid(margin))
    assert 0 <= found.share <= 1
    assert sum(n for _, n in found.labels) == found.combinations
    assert found.coders_only == 1
    assert found.margins_only > 0
