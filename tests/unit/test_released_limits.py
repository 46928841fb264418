"""What a release may show and what counts as reproduced, at the place where each rule turns."""

from __future__ import annotations

from typing import Any

import pytest

from evalweave.release.audited_counts import count_fault
from evalweave.release.disclosure import profile
from evalweave.release.identifiers import Identifiers
from evalweave.release.notes import released_note, released_words
from evalweave.release.numbers import excludes_zero
from evalweave.release.reproduce import Input, unchanged
from evalweave.release.side import DIFFERENT, ROUNDING, SAME, compare, reproduced

NHS = profile("nhs_england")
ROW = {
    "analysis": "main",
    "term": "att",
    "inference": "cr2",
    "outcome_unit": "mmol/mol",
    "comparison": "others",
    "estimate": -0.0312,
    "std_error": 0.02,
    "p_value": 0.0312,
    "n_patients": "8085",
}


@pytest.mark.parametrize(
    ("published", "recomputed", "expected"),
    [
        ({}, {}, SAME),
        ({}, {"estimate": -0.0313}, ROUNDING),  # −0.03 both
        ({}, {"estimate": -0.0381}, DIFFERENT),  # −0.04
        # an error of 0.002 is printed with four decimals, and so is its estimate
        ({"std_error": 0.002}, {"std_error": 0.002, "estimate": -0.0338}, DIFFERENT),
        ({"std_error": 0.002}, {"std_error": 0.002, "estimate": -0.03121}, ROUNDING),
        # a p-value has three decimals
        ({}, {"p_value": 0.0313}, ROUNDING),
        ({}, {"p_value": 0.0338}, DIFFERENT),
        # the row is as its worst cell
        ({}, {"estimate": -0.0313, "n_patients": "8090"}, DIFFERENT),
    ],
)
def test_a_rerun_is_compared_as_finely_as_it_prints(
    published: dict[str, Any], recomputed: dict[str, Any], expected: str
) -> None:
    other = {**ROW, "term": "trend"}
    rows = compare(
        {"estimates": [{**ROW, **published}, other]}, {"estimates": [{**ROW, **recomputed}, other]}
    )
    assert [row.verdict for row in rows] == [expected, SAME]
    assert reproduced(rows) == (expected != DIFFERENT)


def test_inputs_are_unchanged_when_all_are() -> None:
    same, altered = Input("extract", "a.csv", "same"), Input("extract", "b.csv", "differs")
    laid_out = Input("study file", "s.yaml", "same but for layout and comments")
    assert unchanged([same, laid_out])
    assert not unchanged([same, altered]) and not unchanged([altered])


def test_the_shortest_identifier_that_is_searched_for() -> None:
    some = ["123456789", "123456", "12345", "20150401", "C05", "C5", "abcdefghij", "A 1", "unknown"]
    made = Identifiers.of("patient", [*some, "Élan Surgery", "G12345", "G1234", " "])
    assert made.telling == {"123456789", "g12345"}
    assert made.in_words == {"123456", "c05", "g1234", "élansurgery"}
    assert made.too_short == 5


@pytest.mark.parametrize(
    ("text", "of", "fault"),
    [
        ("4,750", "patients", ""),
        ("4752", "patients", "is not rounded (the profile nhs_england rounds to 5)"),
        ("4752", "records", "is not rounded (the profile nhs_england rounds to 5)"),
        ("7", "records", "is small (the profile nhs_england shows none below 8)"),
        ("0", "patients", ""),
        ("2", "participants", "is small (the profile nhs_england shows none below 3)"),
        ("13", "participants", ""),
        ("3", "practices", ""),
        ("4.5", "patients", "is not a whole number"),
        ("*", "patients", ""),
    ],
)
def test_a_count_that_the_profile_could_not_have_released(text: str, of: str, fault: str) -> None:
    assert count_fault(text, of, NHS) == fault


def test_counts_in_notes_follow_their_own_threshold() -> None:
    note = str(released_note(NHS, "4 clients, 4 patients, 1,203 rows and 4 practices were left."))
    assert '<data class="count" data-counts="participants" value="4">4</data> clients' in note
    assert '<data class="count" data-counts="patients" value="*">1 to 7</data> patients' in note
    assert '<data class="count" data-counts="records" value="1205">1,205</data> rows' in note
    assert note.endswith("and 4 practices were left.")


@pytest.mark.parametrize(
    ("said", "released"),
    [
        (
            "Two clients spoke, one link worker <did>.",
            "1 to 2 clients spoke, 1 to 2 link workers <did>.",
        ),
        ("Three of the 40 patients", "1 to 7 of the about 40 patients"),
        (
            "At least two clients; one in five patients.",
            "At least two clients; one in five patients.",
        ),
        ("Twenty-one people, one woman", "about 20 people, 1 to 7 women"),
    ],
)
def test_counts_in_words_are_released_in_figures(said: str, released: str) -> None:
    assert released_words(NHS, said) == released


def test_an_interval_that_ends_on_zero_includes_it() -> None:
    assert excludes_zero(0.1, 2.0) is True and excludes_zero(-2.0, -0.1) is True
    for low, high in ((0.0, 2.0), (-2.0, 0.0), (-1.0, 1.0)):
        assert excludes_zero(low, high) is False
    assert excludes_zero(float("nan"), 1.0) is None


def test_notes_that_count_a_part_beside_a_whole_release_neither_exactly() -> None:
    """Said as the estimators say them: of a composite, a condition, and a cohort beyond overlap."""
    import numpy as np
    import pandas as pd

    from evalweave.estimators.cs_propensity import NoEstimate
    from evalweave.estimators.follow_up import with_dead
    from evalweave.estimators.row_filter import kept_rows
    from evalweave.study.analyses import Columns

    people = [f"p{k:02d}" for k in range(60)]
    frame = pd.DataFrame({"patient_id": people, "practice_id": "g", "period": 1, "y": 1.0})
    died = frame.drop(columns="y").assign(dead_share=1.0)
    later = died.assign(period=2)[:3]
    condition = frame.assign(y=np.where(frame.index < 3, np.nan, 1.0))
    said = [
        with_dead(frame, pd.concat([died, later]), Columns(outcome="y"), 0.0)[1],
        kept_rows(condition, "y > 0 and period > 0", "t")[1],
        NoEstimate("no overlap", (3,), 63).sentence(("age",)),
    ]
    for sentence in said:
        released = released_words(NHS, sentence)
        assert "3" in sentence and "3" not in released and "63" not in released, released
        assert "1 to 7" in released
