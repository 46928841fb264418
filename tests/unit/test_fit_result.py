"""How estimates print, and which error a failure becomes."""

from __future__ import annotations

import pytest

from evalweave.errors import DataError, StudyError
from evalweave.fits.fit_result import FitResult, grouped

ROW = {
    "analysis": "main",
    "outcome": "hba1c",
    "term": "att",
    "estimate": -1.25,
    "ci_low": -2.0,
    "ci_high": -0.5,
    "level": 0.9,
    "p_value": 0.0005,
    "inference": "cr1",
}
ENTRY = {
    "n_obs": 10,
    "n_patients": 5,
    "n_practices": 4,
    "n_practices_treated": 1,
    "notes": [],
    "absent": {},
    "inference": {},
    "trust": "One treated practice.",
}


def test_what_is_printed_of_a_row():
    shown = FitResult([ROW], {"main": ENTRY}).summary()
    assert "−1.25" in shown
    assert "90 % CI −2 to −0.5" in shown
    assert "p = 0.0005" in shown
    assert "p < 0.0001" in FitResult([ROW | {"p_value": 0.00009}], {}).summary()
    assert "p = 0" in FitResult([ROW | {"p_value": 0.0}], {}).summary()  # as permutations may give
    assert "One treated practice." in shown


def test_rows_that_are_not_shown_are_counted():
    assert "… and 3 more rows in tidy()" in FitResult([ROW] * 5, {}).summary(shown=2)
    assert "more rows" not in FitResult([ROW] * 2, {}).summary(shown=2)


def test_terms_that_share_a_reason_stand_together():
    absent = {f"event[{e}]": "why" for e in range(6)} | {"att": "other"}
    assert grouped(absent) == [
        "no event[0], event[1], event[2], event[3] and 2 more: why",
        "no att: other",
    ]


@pytest.mark.parametrize(("miscalled", "kind"), [(["a"], StudyError), ([], DataError)])
def test_a_wrong_call_is_no_fault_of_the_data(miscalled, kind):
    result = FitResult([], {}, {"a": "wrong."}, miscalled=miscalled)
    with pytest.raises(kind, match=r"a: wrong\."):
        result.check()


def test_rows_of_several_outcomes_say_which():
    rows = [ROW | {"outcome": name} for name in ("hba1c", "sbp")]
    first, second = FitResult(rows, {}).summary().splitlines()
    assert first.startswith(f"{ROW['analysis']}, hba1c ")
    assert second.startswith(f"{ROW['analysis']}, sbp ")
