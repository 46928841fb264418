"""Which further cells are hidden so that none follows from a total."""

from __future__ import annotations

import pandas as pd
import pytest

from evalweave.release.suppression import suppress_secondary, total_is_safe


def hidden(cells: list[int], *, low: int, high: int, slack: int = 0) -> list[bool]:
    frame = pd.DataFrame({"n": cells})
    primary = frame["n"].between(low, high)
    return suppress_secondary(frame, [[]], "n", primary, low=low, high=high, slack=slack).tolist()


def test_with_exact_counts_the_next_smallest_cell_hides_too() -> None:
    assert hidden([4, 100, 30, 0], low=1, high=9) == [True, False, True, False]


def test_nothing_hides_where_nothing_is_small() -> None:
    assert hidden([40, 100, 30, 0], low=1, high=9) == [False] * 4


def test_two_small_cells_protect_each_other_unless_their_sum_gives_them_away() -> None:
    assert hidden([4, 5, 100], low=1, high=9) == [True, True, False]
    assert hidden([1, 1, 100], low=1, high=9) == [True, True, True]  # a sum of 2 can only be 1 + 1
    assert hidden([9, 9, 100], low=1, high=9) == [True, True, True]  # a sum of 18 can only be 9 + 9


def test_rounding_protects_by_itself_except_at_the_edge() -> None:
    assert hidden([3, 4000], low=1, high=7, slack=2) == [
        True,
        False,
    ]  # 4000 of 4005: anything from 1 to 7
    assert hidden([7, 4002], low=1, high=7, slack=2) == [True, True]  # 4000 of 4010: 6 or 7


def test_groups_are_protected_apart_and_blank_keys_agree() -> None:
    frame = pd.DataFrame({"arm": ["a", "a", None, None, None], "n": [5, 50, 6, 60, 70]})
    got = suppress_secondary(frame, [["arm"]], "n", frame["n"] < 10, low=0, high=9)
    assert got.tolist() == [True, True, True, True, False]


def test_a_cell_that_several_totals_determine_together_is_protected() -> None:
    """Every row and column hides none or at least two cells, yet one cell joins two blocks and
    follows from them.

    Rows 0 and 1 minus columns 0 and 1 leave exactly the cell in row 0 and column 2.
    """
    small = {(0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (2, 3), (3, 2), (3, 3), (0, 2)}
    cells = [
        (row, column, 5 if (row, column) in small else 50 + row)
        for row in range(4)
        for column in range(4)
    ]
    frame = pd.DataFrame(cells, columns=["row", "column", "n"])
    primary = frame["n"] == 5
    got = suppress_secondary(frame, [["row"], ["column"]], "n", primary, low=0, high=9)
    more = frame[got & ~primary]
    assert len(more) >= 1
    for total in (
        "row",
        "column",
    ):  # the bridge's own row or column got company outside the two blocks
        assert (frame[got].groupby(total).size() >= 2).all()
    assert ((more["row"] == 0) | (more["column"] == 2)).any()


@pytest.mark.parametrize(
    ("cells", "safe"),
    [
        ([9, 9], False),
        ([5, 6], True),
        ([1, 1], False),
        ([9, 9, 40], True),
        ([0, 0, 12], True),
        ([4, 0], False),
    ],
)
def test_a_total_of_hidden_cells_is_shown_only_when_it_gives_none_away(
    cells: list[int], safe: bool
) -> None:
    assert total_is_safe(cells, [1 <= n <= 9 for n in cells], 1, 9) is safe
