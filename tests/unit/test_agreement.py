"""Agreement against worked examples that others published, and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evalweave.qualitative.agreement import agreement, cohen_kappa, krippendorff_alpha
from helpers.small_projects import found, project_with


def ratings(*coders: str) -> np.ndarray:
    """Units × coders; '.' is a missing judgement."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return np.array(
        [[np.nan if c == "." else letters.index(c) for c in coder] for coder in coders], dtype=float
    ).T


def test_krippendorff_2011_binary() -> None:
    """Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section A: alpha = 0.095."""
    assert krippendorff_alpha(ratings("0100000010", "1110010000")) == pytest.approx(0.095, abs=5e-4)


def test_krippendorff_2011_nominal() -> None:
    """The same, section B: twelve units, five categories, two observers: alpha = 0.692."""
    assert krippendorff_alpha(ratings("aabbdcccedda", "babbbccceddd")) == pytest.approx(
        0.692, abs=5e-4
    )


def test_krippendorff_2011_four_observers_with_missing() -> None:
    """The same, section C: four observers, missing values: alpha = 0.743."""
    observers = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    assert krippendorff_alpha(ratings(*observers)) == pytest.approx(0.743, abs=5e-4)


def test_cohen_kappa_by_hand() -> None:
    """20 both yes, 5 and 10 apart, 15 both no: p_o = 0.7, p_e = 0.5, kappa = 0.4."""
    a = np.repeat([1, 1, 0, 0], [20, 5, 10, 15])
    b = np.repeat([1, 0, 1, 0], [20, 5, 10, 15])
    assert cohen_kappa(a, b) == pytest.approx(0.4)
    cells = np.array([1, 1, 0, 0]), np.array([1, 0, 1, 0])
    assert cohen_kappa(*cells, weights=np.array([20, 5, 10, 15])) == pytest.approx(0.4)


def test_weights_stand_for_repeated_units() -> None:
    base = np.array([[0, 0], [0, 1], [1, 1], [1, np.nan]])
    weights = np.array([5, 2, 3, 4])
    assert krippendorff_alpha(base, weights) == pytest.approx(
        krippendorff_alpha(np.repeat(base, weights, axis=0))
    )


def test_nothing_varies_is_not_estimable() -> None:
    assert cohen_kappa(np.zeros(5), np.zeros(5)) is None
    assert krippendorff_alpha(np.zeros((5, 2))) is None
    assert krippendorff_alpha(np.array([[1, np.nan], [0, np.nan]])) is None  # nobody judged twice
    assert cohen_kappa(np.array([]), np.array([])) is None


def test_characters_by_hand() -> None:
    """Of 100 characters 30 both, 10 only the first, 10 only the second, 50 neither: kappa by the
    formula."""
    project = project_with(
        [("s", 0, 40, "c", "coder_1"), ("s", 10, 50, "c", "coder_2")], {"s": 100}
    )
    row = found(agreement(project), "c", "cohen_kappa", "character")
    expected = 0.4 * 0.4 + 0.6 * 0.6
    assert (
        row["coefficient"] == pytest.approx((0.8 - expected) / (1 - expected))
        and row["n_units"] == 100
    )


def test_a_segment_is_shared_when_half_of_it_is() -> None:
    rows = [
        ("s", 0, 10, "c", "coder_1"),
        ("s", 1, 9, "c", "coder_2"),  # nearly the same stretch: agreed
        ("s", 20, 30, "c", "coder_1"),
        ("s", 28, 40, "d", "coder_2"),  # something else, mostly elsewhere
    ]
    row = found(agreement(project_with(rows, {"s": 50})), "c", "cohen_kappa", "segment")
    # four stretches; the first coder has c on three of them, the second on two
    assert row["n_units"] == 4 and row["coefficient"] == pytest.approx((0.75 - 0.5) / 0.5)


def test_only_sources_that_both_coded_are_compared() -> None:
    rows = [
        ("s", 0, 10, "c", "coder_1"),
        ("s", 0, 10, "c", "coder_2"),
        ("t", 0, 10, "c", "coder_1"),
    ]
    table = agreement(project_with(rows, {"s": 20, "t": 1000}))
    assert found(table, "c", "cohen_kappa", "character")["n_units"] == 20
    documents = found(table, "c", "krippendorff_alpha", "document")
    assert pd.isna(documents["coefficient"]) and documents["note"] == (
        "not estimable: nothing varies; 1 double-coded source"
    )
    assert documents["n_units"] == 1


def test_coders_without_a_source_in_common() -> None:
    rows = [("s", 0, 10, "c", "coder_1"), ("t", 0, 10, "c", "coder_2")]
    table = agreement(project_with(rows, {"s": 20, "t": 20}))
    assert table["coefficient"].isna().all() and table["note"].str.contains("no source").all()


def test_one_coder_has_nobody_to_agree_with() -> None:
    assert agreement(project_with([("s", 0, 10, "c", "coder_1")], {"s": 20})).empty


def test_three_coders_give_three_pairs_and_one_alpha() -> None:
    rows = [("s", 0, 10, "c", f"coder_{i}") for i in (1, 2, 3)] + [("s", 20, 30, "d", "coder_1")]
    table = agreement(project_with(rows, {"s": 40}))
    of_c = table[(table["code_id"] == "c") & (table["agreement_unit"] == "character")]
    assert (of_c["measure"] == "cohen_kappa").sum() == 3 and (
        of_c["measure"] == "krippendorff_alpha"
    ).sum() == 1
    assert (of_c["measure"] == "percent_agreement").sum() == 3
    assert of_c["coefficient"].tolist() == pytest.approx([1.0] * 7)


def test_percentage_agreement_is_the_share_of_equal_decisions() -> None:
    import numpy as np

    from evalweave.qualitative.agreement import percent_agreement

    a, b = np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0])
    assert percent_agreement(a, b) == 0.75
    assert percent_agreement(a, b, np.array([1, 7, 1, 1])) == pytest.approx(0.3)
    assert percent_agreement(a[:0], b[:0]) is None


def test_exactly_half_of_a_stretch_is_enough() -> None:
    rows = [
        ("s", 0, 10, "c", "coder_1"),
        ("s", 5, 10, "c", "coder_2"),  # half of it: both gave c to both stretches
        ("s", 20, 30, "d", "coder_2"),
    ]
    row = found(agreement(project_with(rows, {"s": 50})), "c", "cohen_kappa", "segment")
    assert (row["n_units"], row["coefficient"]) == (3, 1.0)
