"""Who is measured: patients on both sides of the start, periods of follow-up without a value."""

from __future__ import annotations

import pandas as pd
import pytest

import evalweave
from evalweave.diagnostics.measurement import contributing
from evalweave.estimators.follow_up import followed_rows
from evalweave.estimators.panel_data import panel_data
from evalweave.measured import measured_effect
from evalweave.study.analyses import AnalysisOptions, Columns
from helpers.did_panels import panel

COLUMNS = Columns(outcome="y")


def counted(seen, starts):
    """Contributing patients of a panel: patient -> periods seen, and -> start."""
    rows = [
        {"patient_id": who, "practice_id": who, "period": p, "first_treated": starts.get(who)}
        for who, periods in seen.items()
        for p in periods
    ]
    frame = pd.DataFrame(rows).assign(y=range(len(rows)))
    return contributing(panel_data(frame, COLUMNS, AnalysisOptions(name="c", estimator="twfe")))


def test_patients_seen_on_both_sides_of_the_start_are_counted():
    seen = {
        "before": [1, 2],
        "both": [2, 3],
        "later": [3, 4, 5],
        "second start": [3, 5],
        "never, split at the first start": [2, 3],
        "never, on both sides of the first start only": [2, 4],
        "never, before it": [1, 2],
        "never, after it": [3, 5],
        "once": [4],
    }
    starts = {"before": 3, "both": 3, "later": 3, "second start": 5}
    found = counted(seen, starts)
    assert found["programme"] == {"patients": 4, "seen_before_and_after": 2}
    assert found["comparison"] == {"patients": 5, "seen_before_and_after": 2}
    assert found["seen_once"] == 1
    assert found["practices_seen_once_only"] == 1


def test_every_period_of_follow_up_has_a_row_and_both_ends_count():
    followed = pd.DataFrame(
        {
            "patient_id": ["a", "a", "b"],
            "practice_id": ["g", "g", "h"],
            "first_treated": [2, 2, None],
            "from_period": [1, 5, 3],
            "to_period": [2, 5, 4],
        }
    )
    seen = pd.DataFrame(
        {
            "patient_id": ["a", "b", "b"],
            "practice_id": ["g", "h", "h"],
            "first_treated": [2, None, None],
            "period": [2, 3, 4],
            "y": [50.0, 48.0, None],
        }
    )
    rows = followed_rows(followed, seen, COLUMNS, "measured")
    coded = {"patient_id": pd.CategoricalDtype(["b", "c", "a"]), "practice_id": "category"}
    categories = followed_rows(followed.astype(coded), seen.astype(coded), COLUMNS, "measured")
    pd.testing.assert_frame_equal(categories.astype(dict.fromkeys(coded, "str")), rows)
    found = rows.set_index(["patient_id", "period"])["measured"]
    assert found.to_dict() == {
        ("a", 1): 0,
        ("a", 2): 1,
        ("a", 5): 0,
        ("b", 3): 1,
        ("b", 4): 0,
    }


def test_the_effect_on_being_measured_is_that_of_two_way_fixed_effects():
    frame = panel(seed=331, seen=1.1)
    frame["seen"] = (frame["y"] > frame["y"].median()).astype(int)
    found = measured_effect(frame, COLUMNS.model_copy(update={"weight": "weight"}), "seen")
    options = {"weight": "weight", "inference": ["cr3"], "diagnostics": False}
    right = evalweave.twfe(frame, outcome="seen", **options).tidy().iloc[0]
    for name in ("estimate", "std_error", "ci_low", "ci_high", "p_value"):
        assert found[name] == pytest.approx(right[name])
    nobody = measured_effect(frame.assign(seen=1), COLUMNS, "seen")
    assert "the same in every row" in nobody["absent"]
