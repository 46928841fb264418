"""Whatever is counted: rounding reveals nothing small, totals agree, and no hidden cell follows
from the others."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalweave.release.audited_counts import count_fault
from evalweave.release.disclosure import HIDDEN, PROFILES, profile
from evalweave.release.suppression import PROTECTION

ROUNDED = ("nhs_england", "opensafely")
counts = st.integers(0, 60)


@given(
    st.integers(0, 10_000_000), st.sampled_from(ROUNDED), st.sampled_from(["patients", "records"])
)
def test_a_released_count_is_a_multiple_of_five_or_zero_or_hidden(
    n: int, name: str, of: str
) -> None:
    released = profile(name).count(n, of)
    if released.value is None:
        assert released.text == HIDDEN and n <= 7
    else:
        assert released.value % 5 == 0 and abs(released.value - n) <= 2
        assert released.value == 0 == n or released.value >= 10


@given(st.integers(0, 10_000_000), st.sampled_from(sorted(PROFILES)))
def test_the_audit_accepts_what_the_profile_releases(n: int, name: str) -> None:
    rules = profile(name)
    for of in ("patients", "records", "practices", "participants", "references", "sources"):
        assert count_fault(rules.count(n, of).text, of, rules) == ""
        assert count_fault(rules.count(n, of).shown, of, rules) == ""


@given(st.lists(counts, min_size=1, max_size=8))
def test_an_opensafely_total_is_the_sum_of_its_released_cells(cells: list[int]) -> None:
    rules = profile("opensafely")
    shown = sum(rules.count(n).value or 0 for n in cells)
    total = rules.total(cells)
    assert total.value == (shown or None)
    assert count_fault(total.text, "patients", rules) == ""


@given(st.integers(0, 5000), st.integers(1, 5000), st.sampled_from(sorted(PROFILES)))
def test_a_rate_comes_from_released_counts_only(part: int, whole: int, name: str) -> None:
    rules = profile(name)
    top, below = rules.count(part).value, rules.count(whole).value
    rate = rules.rate(part, whole)
    assert rate is None if top is None or not below else rate == top / below


def candidates(shown: int | None, low: int, high: int, slack: int, primary: bool) -> range:
    """Return the true values that a reader holds possible for a cell of a group of at most 60
    people a cell."""
    if shown is None:
        return range(low, high + 1) if primary else range(low, 80)
    return range(max(0, shown - slack), shown + slack + 1) if shown else range(1)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 25), min_size=2, max_size=4), st.sampled_from(["nhs_england", "sacro"])
)
def test_no_hidden_cell_follows_from_the_total_by_brute_force(cells: list[int], name: str) -> None:
    """Enumerates every table that agrees with what is released; the reader even knows which cells
    are small."""
    rules = profile(name)
    slack = (rules.base - 1) // 2
    hidden = rules.hidden(pd.DataFrame({"n": cells}), "n", "patients", [[]])
    total = rules.total(cells)
    if total.value is None:
        return  # a hidden total gives nothing away
    ranges = [
        candidates(
            None if hide else rules.count(n).value, rules.low, rules.high, slack, rules.hides(n)
        )
        for n, hide in zip(cells, hidden, strict=True)
    ]
    fitting = [
        table for table in itertools.product(*ranges) if abs(sum(table) - total.value) <= slack
    ]
    assert tuple(cells) in fitting
    for place in np.flatnonzero(hidden):
        if rules.hides(cells[place]):
            assert len({table[place] for table in fitting}) >= PROTECTION


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=12, max_size=12),
    st.sampled_from([(2, 6), (3, 4), (4, 3)]),
)
def test_no_hidden_cell_follows_from_rows_and_columns_together(
    cells: list[int], shape: tuple[int, int]
) -> None:
    """With exact totals of rows and columns a hidden cell is recovered when the others determine it
    linearly."""
    rules = profile("sacro")
    places = [(row, column) for row in range(shape[0]) for column in range(shape[1])]
    frame = pd.DataFrame(places, columns=["row", "column"]).assign(n=cells)
    hidden = rules.hidden(frame, "n", "patients", [["row"], ["column"]])
    members = [
        frame.index[frame[key] == level]
        for key in ("row", "column")
        for level in frame[key].unique()
    ]
    open_to_see = [
        rows for rows in members if (frame.loc[rows, "n"].where(~hidden[rows], 0) > 0).any()
    ]
    unknown = np.flatnonzero(hidden)
    sums = np.array([[place in rows for place in unknown] for rows in open_to_see], dtype=float)
    for place in range(len(unknown)):
        alone = np.zeros(len(unknown))
        alone[place] = 1
        if not len(sums):
            break
        recovered = np.linalg.matrix_rank(np.vstack([sums, alone])) == np.linalg.matrix_rank(sums)
        assert not recovered


@given(st.lists(st.integers(0, 12), min_size=2, max_size=6))
def test_a_hidden_participant_is_not_the_only_hidden_cell_of_a_total(cells: list[int]) -> None:
    rules = profile("nhs_england", min_cell=3)
    hidden = rules.hidden(pd.DataFrame({"n": cells}), "n", "participants", [[]])
    primary = [0 < n < 3 for n in cells]
    assert all(hide for hide, small in zip(hidden, primary, strict=True) if small)
    shown = [n for n, hide in zip(cells, hidden, strict=True) if not hide and n]
    if any(primary) and shown:
        assert hidden.sum() >= 2


@pytest.mark.parametrize("name", sorted(PROFILES))
@given(cells=st.lists(st.integers(0, 3000), min_size=1, max_size=20))
def test_hiding_more_never_shows_less_hidden(name: str, cells: list[int]) -> None:
    rules = profile(name)
    frame = pd.DataFrame({"n": cells})
    primary, both = rules.hidden(frame, "n", "patients"), rules.hidden(frame, "n", "patients", [[]])
    assert (primary <= both).all()
